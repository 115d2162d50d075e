//! A sender who always has something to send, and a path with a bottleneck, for BBR alone.

use std::collections::VecDeque;

use super::super::*;
use crate::tcp::congestion::{RateSample, RoundTrips};

pub(super) const MSS: u64 = 1000;
/// Octets a second: 40 Mbit/s.
pub(super) const RATE: u64 = 5_000_000;
pub(super) const RTT: Duration = Duration::from_millis(40);

pub(super) fn start() -> Start {
    Start {
        now: Instant::ZERO,
        mss: MSS as usize,
        initial_window: 10,
        srtt: Some(RTT),
        validation: false,
        slow_start_limit: None,
        in_segments: false,
        leaves_at_once: None,
        hystart: true,
        seed: 7,
    }
}

/// A segment in the network, and what its sender remembers of it (§4.1.2.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Flying {
    start: Seq,
    sent: Instant,
    delivered: u64,
    delivered_time: Instant,
    first_sent: Instant,
    tx_in_flight: u64,
    lost: u64,
    is_dropped: bool,
    /// When its acknowledgment comes back, or its loss shows.
    back: Instant,
}

/// A sender who always has something to send, and a path with a bottleneck and a buffer before it.
pub(super) struct World {
    pub(super) bbr: Bbr,
    pub(super) now: Instant,
    pub(super) rate: u64,
    pub(super) buffer: u64,
    /// When the bottleneck has sent all that it has.
    pub(super) free: Instant,
    pub(super) next_send: Instant,
    pub(super) flying: VecDeque<Flying>,
    pub(super) nxt: Seq,
    /// Recovery lasts until what was sent before this is repaired, and that until this is.
    pub(super) recover: Option<(Seq, Seq)>,
    pub(super) delivered: u64,
    pub(super) delivered_time: Instant,
    pub(super) first_sent: Instant,
    pub(super) lost: u64,
    pub(super) in_flight: u64,
    /// Of 1,000 segments this many are lost on the way.
    pub(super) loss_per_mille: u64,
    pub(super) is_app_limited: bool,
    /// The states that it went through.
    pub(super) states: Vec<State>,
}

impl World {
    pub(super) fn new(buffer: u64) -> World {
        World {
            bbr: Bbr::new(&start()),
            now: Instant::ZERO,
            rate: RATE,
            buffer,
            free: Instant::ZERO,
            next_send: Instant::ZERO,
            flying: VecDeque::new(),
            nxt: Seq::initial(0),
            recover: None,
            delivered: 0,
            delivered_time: Instant::ZERO,
            first_sent: Instant::ZERO,
            lost: 0,
            in_flight: 0,
            loss_per_mille: 0,
            is_app_limited: false,
            states: vec![State::Startup],
        }
    }

    fn send(&mut self) {
        if self.in_flight == 0 {
            (self.first_sent, self.delivered_time) = (self.now, self.now);
        }
        self.in_flight += MSS;
        let waiting = self.free.since(self.now).as_nanos() as u64 * self.rate / 1_000_000_000;
        let is_lost = self.bbr.random() % 1000 < self.loss_per_mille;
        let is_dropped = waiting + MSS > self.buffer + MSS || is_lost;
        if !is_dropped {
            let takes = Duration::from_nanos(MSS * 1_000_000_000 / self.rate);
            self.free = self.free.max(self.now) + takes;
        }
        self.flying.push_back(Flying {
            start: self.nxt,
            sent: self.now,
            delivered: self.delivered,
            delivered_time: self.delivered_time,
            first_sent: self.first_sent,
            tx_in_flight: self.in_flight,
            lost: self.lost,
            is_dropped,
            back: self.free.max(self.now) + RTT,
        });
        self.nxt += MSS as usize;
        let gap = MSS * 1_000_000_000 / self.bbr.pacing_rate().unwrap().max(1);
        self.next_send = self.next_send.max(self.now) + Duration::from_nanos(gap);
    }

    fn comes_back(&mut self, segment: Flying) {
        let in_flight = self.in_flight;
        self.in_flight -= MSS;
        if self
            .recover
            .is_some_and(|(_, until)| segment.start >= until)
        {
            self.recover = None;
        }
        if segment.is_dropped {
            return self.is_lost(segment, in_flight);
        }
        self.delivered += MSS;
        self.delivered_time = self.now;
        self.first_sent = segment.sent;
        let send_elapsed = segment.sent - segment.first_sent;
        let ack_elapsed = self.now - segment.delivered_time;
        self.bbr.on_ack(&Ack {
            now: self.now,
            acked: MSS,
            delivered: MSS,
            lost: 0,
            ce: 0,
            una: segment.start + MSS as usize,
            nxt: self.nxt,
            in_flight,
            window_limited: true,
            round_trips: RoundTrips::new(Some(RTT), Some(self.now - segment.sent), Some(RTT)),
            rate: Some(RateSample {
                delivered: self.delivered - segment.delivered,
                interval: send_elapsed.max(ack_elapsed),
                prior_delivered: segment.delivered,
                total_delivered: self.delivered,
                lost: self.lost - segment.lost,
                tx_in_flight: segment.tx_in_flight,
                is_app_limited: self.is_app_limited,
            }),
            after_timeout: false,
            recovering: self.recover.is_some(),
        });
    }

    pub(super) fn is_lost(&mut self, segment: Flying, in_flight: u64) {
        self.lost += MSS;
        self.bbr.on_segment_lost(&LostSegment {
            now: self.now,
            start: segment.start,
            octets: MSS,
            tx_in_flight: segment.tx_in_flight,
            lost: self.lost - segment.lost,
            total_delivered: self.delivered,
            is_app_limited: self.is_app_limited,
        });
        match &mut self.recover {
            Some((recover, until)) if segment.start < *recover => *until = self.nxt,
            Some(_) => {}
            None => {
                self.recover = Some((self.nxt, self.nxt));
                let now = self.now;
                self.bbr.on_congestion(&Loss { now, in_flight });
            }
        }
    }

    /// What happens next; whether that is before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let can_send = self.in_flight + MSS <= self.bbr.window();
        let send = can_send.then(|| self.next_send.max(self.now));
        let back = self.flying.front().map(|segment| segment.back);
        let next = send.into_iter().chain(back).min().unwrap();
        if next > end {
            return false;
        }
        self.now = next;
        match back {
            Some(back) if back <= next => {
                let segment = self.flying.pop_front().unwrap();
                self.comes_back(segment);
            }
            _ => self.send(),
        }
        if self.states.last() != Some(&self.bbr.state) {
            self.states.push(self.bbr.state);
        }
        true
    }

    pub(super) fn run_until(&mut self, end: Instant) {
        while self.step(end) {}
    }

    /// Until it is in this state; that comes before `limit`.
    pub(super) fn run_to(&mut self, state: State, limit: Instant) {
        while self.bbr.state != state {
            assert!(
                self.step(limit),
                "{:?} after {:?}",
                self.bbr.state,
                self.states
            );
        }
    }
}
