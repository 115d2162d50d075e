//! What was lost, and what to send again (RFC 5681 §3.2, RFC 6582, RFC 6298 §5).
//!
//! The rest of the connection tells recovery what was sent, acknowledged and timed out, and asks
//! three things: how much is in flight, what to send again next, and what the congestion
//! controller should hear. How recovery finds out is its own business.

mod newreno;
mod rtt;

use core::hash::{Hash, Hasher};
use core::ops::Range;
use core::time::Duration;

use super::seq::Seq;
use crate::config::TcpConfig;
use crate::time::Instant;

use newreno::NewReno;
pub(crate) use rtt::Rtt;

/// What an acknowledgment says, seen from the sender.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledgment {
    /// When it arrived.
    pub(crate) now: Instant,
    /// SND.UNA before it arrived.
    pub(crate) una: Seq,
    /// SEG.ACK, not below `una`.
    pub(crate) ack: Seq,
    /// SND.NXT.
    pub(crate) nxt: Seq,
    /// It is a duplicate as RFC 5681 §2 defines it.
    pub(crate) is_duplicate: bool,
    /// The longest text of a segment, in octets.
    pub(crate) mss: usize,
    /// The text of the probe of the path MTU that is under way, if one is: its loss is no sign of
    /// congestion (RFC 4821 §7.5).
    pub(crate) mtu_probe: Option<Range<Seq>>,
    /// The time since the segment it answers was sent, by timestamps (RFC 7323 §4).
    pub(crate) echoed: Option<Duration>,
}

/// What the congestion controller should hear of an acknowledgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it brought no news, or a recovery is under way.
    Quiet,
    /// New octets were acknowledged in the ordinary course.
    Acked,
    /// A loss: this many octets were in flight.
    Lost { in_flight: usize },
    /// The probe of the path MTU was lost, and nothing else.
    MtuProbeLost,
}

/// The sender's knowledge of what is in the network.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    /// Round-trip time and retransmission timeout.
    pub(crate) rtt: Rtt,
    newreno: NewReno,
    /// The octets to send again, lowest first; after a timeout, all that were in flight.
    lost: Option<Range<Seq>>,
    /// Of them one segment is to be sent, however long it is: a recovery by duplicate
    /// acknowledgments knows of no more (RFC 6582 §3.2). The range has room for the longest; SACK
    /// blocks make it shorter, and the rest, sent as well, would be acknowledged by itself, which
    /// looks like another loss.
    one_segment: bool,
    /// A segment whose acknowledgment gives a sample: the place after it, and when it was sent.
    /// Never one that was sent twice (RFC 6298 §3, Karn's algorithm).
    timed: Option<(Seq, Instant)>,
    /// How often in a row the timer has expired without progress.
    retries: u32,
}

impl Recovery {
    pub(crate) fn new(config: &TcpConfig, iss: Seq) -> Recovery {
        Recovery {
            rtt: Rtt::new(config),
            newreno: NewReno::new(iss),
            lost: None,
            one_segment: false,
            timed: None,
            retries: 0,
        }
    }

    /// What decides the future: see [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    pub(crate) fn hash_canonical(
        &self,
        config: &TcpConfig,
        now: Instant,
        hasher: &mut impl Hasher,
    ) {
        self.newreno.hash_canonical(hasher);
        let one_segment = self.one_segment && self.lost.is_some();
        (&self.lost, one_segment, self.rtt.rto()).hash(hasher);
        // With one RTO whatever is measured, nothing that is measured matters.
        if config.min_rto < config.max_rto {
            let timed = self.timed.map(|(end, sent)| (end, now.since(sent)));
            (timed, &self.rtt).hash(hasher);
        }
        // Beyond the highest limit there is, it is the same to everybody.
        let limits = [
            config.r1.max(1),
            config.r2,
            config.syn_retries,
            config.syn_ack_retries,
            config.orphan_retries,
        ];
        let highest = limits.into_iter().filter(|limit| *limit < u32::MAX).max();
        let last = highest.unwrap_or_default() + 1;
        self.retries.min(last).hash(hasher);
    }

    /// Octets up to `end` left for the first time.
    pub(crate) fn on_sent(&mut self, now: Instant, end: Seq) {
        if self.timed.is_none() {
            self.timed = Some((end, now));
        }
    }

    /// The octets of `range` left again.
    pub(crate) fn on_resent(&mut self, range: Range<Seq>) {
        if self.timed.is_some_and(|(end, _)| end > range.start) {
            self.timed = None;
        }
        self.lost = match self.lost.take() {
            Some(lost) if lost.end > range.end && !self.one_segment => Some(range.end..lost.end),
            _ => None,
        };
    }

    /// An acknowledgment arrived that moves SND.UNA or is a duplicate.
    pub(crate) fn on_ack(&mut self, ack: &Acknowledgment) -> Verdict {
        if ack.ack > ack.una {
            self.take_sample(ack);
            self.retries = 0;
            self.lost = match self.lost.take() {
                Some(lost) if lost.end > ack.ack => Some(lost.start.max(ack.ack)..lost.end),
                _ => None,
            };
            let verdict = self.newreno.on_progress(ack, &mut self.lost);
            self.one_segment = self.newreno.is_recovering();
            verdict
        } else if ack.is_duplicate {
            let verdict = self.newreno.on_duplicate(ack, &mut self.lost);
            self.one_segment |= matches!(verdict, Verdict::Lost { .. });
            verdict
        } else {
            Verdict::Quiet
        }
    }

    fn take_sample(&mut self, ack: &Acknowledgment) {
        match self.timed {
            Some((end, sent)) if ack.ack >= end => {
                self.rtt.sample(ack.now - sent);
                self.timed = None;
            }
            // Timestamps tell a retransmission from the original (RFC 7323 §4), but only to the
            // millisecond: they serve where timing a segment cannot.
            None => {
                if let Some(echoed) = ack.echoed {
                    self.rtt.sample(echoed);
                }
            }
            Some(_) => {}
        }
    }

    /// The retransmission timer expired with `una..nxt` in flight.
    pub(crate) fn on_timeout(&mut self, una: Seq, nxt: Seq) {
        self.rtt.back_off();
        self.retries += 1;
        self.timed = None;
        self.newreno.on_timeout(nxt);
        self.lost = Some(una..nxt);
        self.one_segment = false;
    }

    /// The path takes only smaller segments: `vanished` did not get through, and that is no sign of
    /// congestion (RFC 1191 §6.4).
    pub(crate) fn on_path_mtu_reduced(&mut self, vanished: Range<Seq>) {
        self.timed = None;
        if !vanished.is_empty() {
            self.lost = Some(vanished);
            self.one_segment = false;
        }
    }

    /// The octets to send again next, lowest first: the caller cuts them into segments.
    pub(crate) fn lost(&self) -> Option<Range<Seq>> {
        self.lost.clone()
    }

    /// Whether the next retransmission may leave whatever the congestion window says: a recovery
    /// by duplicate acknowledgments begins, and goes on, with one (RFC 6582 §3.2).
    pub(crate) fn resends_regardless_of_window(&self) -> bool {
        self.newreno.is_recovering()
    }

    /// Octets thought to be in the network.
    pub(crate) fn in_flight(&self, una: Seq, nxt: Seq) -> usize {
        let lost = self.lost.as_ref().map_or(0, |lost| lost.end - lost.start);
        (nxt - una).saturating_sub(lost + self.newreno.departed())
    }

    /// How often in a row the timer has expired without progress: what R1 and R2 limit.
    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    /// The peer answers, though it does not take what was sent again (RFC 9293 SHLD-17).
    pub(crate) fn on_sign_of_life(&mut self) {
        self.retries = 0;
    }
}
