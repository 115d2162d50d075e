//! Timeouts (RFC 9293 §3.10.8): what each expiry does, and when each timer runs.

use super::congestion::Loss;
use super::ecn::Congestion;
use super::readiness::Readiness;
use super::recovery::{Acknowledgment, Blocks, UNSAMPLED};
use super::state::{Event, State};
use super::tcb::{AckDue, Tcb};
use super::timers::Timer;
use crate::config::{Keepalive, Persist, RetryLimit, TimerBounds, UserTimeoutFrom};
use crate::time::{Duration, Instant};

/// An idle connection gives its buffers back after this long...
const IDLE_TIME: Duration = Duration::from_secs(1);
/// ... if they are larger than this, in octets: the smallest may stay.
const IDLE_OCTETS: usize = 256;

/// This many retransmissions in a row may be equally far apart, with fewer segments in flight than this.
const LINEAR_TIMEOUTS: u32 = 6;
const FULL_FLIGHT: usize = 4;

/// While something is in flight, keepalive checks no more often than this whether it is due.
const LEAST_KEEPALIVE: Duration = Duration::from_secs(1);

/// RFC 9293 §3.8.6.2.1: the override timeout is 0.1 to 1.0 seconds.
const LEAST_OVERRIDE: Duration = Duration::from_millis(100);
const MOST_OVERRIDE: Duration = Duration::from_secs(1);

impl Tcb {
    /// From now on these bounds replace those with which the connection was opened: for RTO from its next
    /// estimate on, for probes of a closed window, and for acknowledgments that begin to wait.
    pub fn set_timer_bounds(&mut self, now: Instant, bounds: TimerBounds) {
        let config = std::sync::Arc::make_mut(&mut self.config);
        (config.min_rto, config.max_rto) = (bounds.min_rto, bounds.max_rto);
        (config.max_persist, config.delayed_ack) = (bounds.max_rto, bounds.delayed_ack);
        self.recovery.rtt.set_bounds(bounds.min_rto, bounds.max_rto);
        self.settle(now);
    }

    /// Does what is due at `now`. An early call does nothing.
    pub fn handle_timeouts(&mut self, now: Instant) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Retransmission => self.on_retransmission_timeout(now),
                Timer::Reordering => self.on_reordering_timeout(now),
                Timer::TailLossProbe => self.on_tail_loss_timeout(now),
                Timer::Persist => self.on_persist_timeout(now),
                Timer::DelayedAck => {
                    self.acks.due = AckDue::Now;
                    if !self.acks.are_held() {
                        self.on_ack_delay_over();
                    }
                }
                Timer::KeepAlive => self.on_keepalive_timeout(now),
                Timer::User => self.give_up(),
                Timer::Idle => self.on_idle_timeout(now),
                Timer::Pace => self.release_pacer(now),
                Timer::Close => self.end(Event::Timeout, None),
            }
        }
        self.settle(now);
        self.look_ahead();
    }

    /// RFC 6298 §5.4 to §5.7, RFC 9293 §3.8.3.
    fn on_retransmission_timeout(&mut self, now: Instant) {
        // R1 (MUST-20): the network layer below has one path only and can choose no other; the
        // user is told (MUST-47), and STATUS shows the retransmissions.
        if self.recovery.retries() == self.config.r1 {
            log::info!("{}: {} retransmissions (R1)", self.tuple, self.config.r1);
            self.readiness |= Readiness::STATE;
        }
        if self.has_tried_enough(now) || self.has_opened_for_long(now) {
            self.give_up();
            return;
        }
        if self.is_deferred(now) {
            self.recovery.wait_on(now);
            self.arm_recovery_timer();
            return;
        }
        self.note_timeout(now);
        let is_early = self.is_open_early();
        if is_early && self.recovery.retries() != 1 {
            return self.send_syn_ack_again(now);
        }
        if self.has_linear_timeouts() {
            self.recovery.rtt.hold_back_off();
        }
        let report = (self.recovery).on_timeout(now, self.snd.una, self.snd.nxt);
        self.suspect_black_hole(now);
        self.watch_timeouts();
        if self.state.is_synchronized() || is_early {
            let first = (self.recovery.retries() == 1 || is_early) && report.lost.is_some();
            for segment in &report.losses {
                self.congestion.on_segment_lost(segment);
            }
            let in_flight = report.lost.map_or(0, |it| self.flight_to_reduce(it));
            self.congestion.on_timeout(&Loss { now, in_flight }, first);
            self.settle_reduction();
            self.feedback.on_timeout(self.snd.nxt);
        }
        if self.state == State::SynSent {
            self.recovery.set_timer(now + self.syn_wait());
            if self.config.habits.handshakes.lost_syns_reduce {
                let in_flight = self.congestion.window();
                let first = self.recovery.retries() == 1;
                self.congestion.on_timeout(&Loss { now, in_flight }, first);
            }
        }
        self.arm_recovery_timer();
    }

    /// Fast Open has opened the connection early, and its SYN,ACK was not answered in time. With the second
    /// timeout, what was sent behind it counts as lost: the path seems to be congested, and the window is
    /// reduced once.
    fn send_syn_ack_again(&mut self, now: Instant) {
        self.recovery.on_syn_ack_timeout(now, self.snd.iss);
        self.watch_timeouts();
        self.arm_recovery_timer();
    }

    /// Whether the next interval stays the same: see
    /// [`SocketOptions::linear_timeouts`](crate::config::SocketOptions::linear_timeouts).
    fn has_linear_timeouts(&self) -> bool {
        self.config.socket.linear_timeouts
            && self.state == State::Established
            && self.recovery.retries() < LINEAR_TIMEOUTS
            && self.recovery.counts().unacked < FULL_FLIGHT
    }

    /// RFC 8985 §6.2: what has been overtaken for too long is lost.
    fn on_reordering_timeout(&mut self, now: Instant) {
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let nothing = Acknowledgment {
            now,
            una: self.snd.una,
            ack: self.snd.una,
            nxt: self.snd.nxt,
            fin: self.snd.fin,
            is_bare: false,
            is_duplicate: false,
            parts_packet: false,
            mss: self.snd.mss,
            mtu_probe: self.path_mtu.probe(),
            echo: None,
            sack: Blocks::default(),
            again: 0,
        };
        let report = self.recovery.on_reordering_timeout(&nothing);
        self.report(&nothing, &report, in_flight, Congestion::default());
        self.arm_recovery_timer();
    }

    /// RFC 8985 §7.3: a probe must leave.
    fn on_tail_loss_timeout(&mut self, now: Instant) {
        self.recovery.on_probe_timeout(now, self.snd_edge());
        self.arm_recovery_timer();
    }

    /// How long a retransmitted SYN waits for its answer: as long as the first, as often as the
    /// configuration says, and then twice as long each time.
    fn syn_wait(&self) -> Duration {
        let config = &self.config;
        let linear = config.syn_linear_retries;
        let doublings = self.recovery.retries().saturating_sub(linear).min(16);
        let first = config.initial_rto.max(config.min_rto);
        (first * (1 << doublings)).min(config.max_rto)
    }

    /// The RTO for STATUS: in SYN-SENT how long our SYN waits; on a connection opened early by Fast Open,
    /// the RTO for text unless the handshake still gives a sample, as in Linux, whose SYN,ACK has a timer
    /// of its own.
    pub(super) fn rto_told(&self) -> Duration {
        let waits_longer = self.config.habits.handshakes.unsampled_waits_longer;
        match self.state {
            State::SynSent => self.syn_wait(),
            _ if waits_longer && self.is_open_early() => UNSAMPLED,
            _ => self.recovery.rtt.rto(),
        }
    }

    /// Whether an OPEN has lasted as long as it would with all its retries at doubled intervals.
    /// Retries at equal intervals do not prolong it.
    fn has_opened_for_long(&self, now: Instant) -> bool {
        let config = &self.config;
        let retries = (config.socket.syn_retries).unwrap_or(config.syn_retries);
        let first = config.initial_rto.max(config.min_rto);
        let longest = self.time_from(first, retries);
        // Nothing has arrived yet, so this is when the connection was opened.
        let opened = self.last_received;
        self.state == State::SynSent
            && config.syn_linear_retries > 0
            && config.socket.user_timeout.is_none()
            && self.recovery.retries() > 0
            && now - opened >= longest
    }

    /// Whether R2 is over.
    fn has_tried_enough(&self, now: Instant) -> bool {
        let (retries, limit) = (self.recovery.retries(), self.retry_limit());
        match self.config.habits.retry_limit {
            RetryLimit::Time if self.state.is_synchronized() => {
                retries > 0 && self.recovery.retrying(now) >= self.time_of(limit)
            }
            RetryLimit::Time | RetryLimit::Retransmissions => retries >= limit,
        }
    }

    /// How long this many retransmissions take, beginning with the least RTO: each twice as long as the one
    /// before, up to the largest RTO.
    pub(super) fn time_of(&self, retries: u32) -> Duration {
        self.time_from(self.config.min_rto, retries)
    }

    /// The same, if they begin with another RTO.
    fn time_from(&self, first: Duration, retries: u32) -> Duration {
        let most = self.config.max_rto;
        let doublings = (most.as_nanos() / first.as_nanos()).max(1).ilog2();
        let doubled = retries.min(doublings);
        let geometric = first.saturating_mul(((2_u64 << doubled.min(30)) - 1) as u32);
        geometric.saturating_add(most.saturating_mul(retries - doubled))
    }

    /// R2 (MUST-20, MUST-23). A user timeout takes its place (MUST-21).
    fn retry_limit(&self) -> u32 {
        let config = &self.config;
        let own = config.socket.syn_retries;
        match self.state {
            _ if config.socket.user_timeout.is_some() => u32::MAX,
            State::SynSent => own
                .unwrap_or(config.syn_retries)
                .saturating_add(config.syn_linear_retries),
            // MUST-23 is about the SYN of an active OPEN, including a simultaneous one.
            State::SynReceived if self.passive => own.unwrap_or(config.syn_ack_retries),
            State::SynReceived => own.unwrap_or(config.syn_retries),
            _ if self.orphan => config.orphan_retries.min(config.r2),
            _ => config.r2,
        }
    }

    /// The window has been closed, or too small, for long enough.
    fn on_persist_timeout(&mut self, now: Instant) {
        if self.snd_edge() > self.snd.nxt {
            (self.probes.push_due, self.probes.overdue) = (true, true);
            return;
        }
        // MUST-37: a peer that answers may keep its window closed for ever, but only while the
        // user holds the connection; one that does not answer is gone.
        let orphan_limit = self.orphan && self.probes.persisted >= self.config.orphan_retries;
        if orphan_limit || self.probes.unanswered >= self.config.r2 {
            self.give_up();
            return;
        }
        self.probes.due = true;
        self.probes.unanswered += 1;
        self.probes.persisted += 1;
        let carries_text = self.config.windows.persist != Persist::Rto && self.unsent() > 0;
        self.probes.octet = carries_text.then_some(self.snd.nxt);
        if self.snd.up.is_some() && !carries_text {
            // MUST-66: the peer processes URG of a segment at RCV.NXT although its window is closed,
            // and may open it because of that.
            self.acks.due = AckDue::Now;
        }
        self.timers
            .arm(Timer::Persist, now + self.persist_interval());
    }

    /// The interval between probes. For a closed window, SHLD-29: the first after a retransmission
    /// timeout; SHLD-30: then exponentially. For a small one, the override timeout of §3.8.6.2.1,
    /// rule (4).
    pub(super) fn persist_interval(&self) -> Duration {
        let rto = self.recovery.rtt.rto();
        let doublings = self.probes.persisted.min(16);
        let (interval, least) = match self.config.windows.persist {
            Persist::Rto if self.snd_edge() > self.snd.nxt => {
                return rto.clamp(LEAST_OVERRIDE, MOST_OVERRIDE);
            }
            Persist::Rto => (rto * (1 << doublings), Duration::ZERO),
            Persist::AtLeast(least) => {
                let rtt = &self.recovery.rtt;
                let base = 4 * rtt.srtt().unwrap_or_default() + 8 * rtt.rttvar();
                (base * (1 << doublings) + self.config.rto_slop, least)
            }
        };
        interval.max(least).min(self.config.max_persist)
    }

    /// RFC 9293 §3.8.4.
    fn on_keepalive_timeout(&mut self, now: Instant) {
        let Some(keepalive) = self.config.socket.keepalive else {
            return;
        };
        let idle_until = self.last_received + keepalive.idle;
        // MUST-29: one unanswered probe is not enough, unless the user timeout is over.
        let is_over = match self.config.socket.user_timeout {
            Some(limit) => self.probes.keepalives > 0 && now - self.last_received >= limit,
            None => self.probes.keepalives >= keepalive.count,
        };
        // MUST-26: only while nothing is in flight; otherwise retransmissions probe the peer.
        if self.flight_size() > 0 || self.has_unsent() {
            let idle = keepalive.idle.max(LEAST_KEEPALIVE);
            self.timers.arm(Timer::KeepAlive, now + idle);
        } else if self.probes.keepalives == 0 && now < idle_until {
            self.timers.arm(Timer::KeepAlive, idle_until);
        } else if is_over {
            self.reset_due = true;
            self.give_up();
        } else {
            self.probes.due = true;
            self.probes.keepalives += 1;
            // An interval of zero would be due again at once, for ever.
            let interval = keepalive.interval.max(Duration::from_nanos(1));
            self.timers.arm(Timer::KeepAlive, now + interval);
        }
    }

    /// Whether the user timeout counts.
    fn user_waits(&self) -> bool {
        let waits = self.flight_size() > 0 || self.has_unsent() || self.syn_due;
        let opening = !self.state.is_synchronized();
        let again = opening || self.recovery.retries() > 0 || self.probes.persisted > 0;
        waits && (again || self.config.user_timeout_from == UserTimeoutFrom::Transmission)
    }

    /// The buffers are empty, and nothing has been received or sent for a while.
    fn on_idle_timeout(&mut self, now: Instant) {
        if now - self.last_received.max(self.last_sent) >= IDLE_TIME {
            self.send_buffer.shrink();
            self.recv_buffer.shrink();
            self.recovery.shrink();
        }
    }

    /// Starts keepalive when it is turned on for an open connection.
    pub(super) fn arm_keepalive(&mut self, now: Instant) {
        match self.config.socket.keepalive {
            Some(keepalive) if self.state.is_synchronized() && self.state != State::TimeWait => {
                self.probes.keepalives = 0;
                self.timers.arm(Timer::KeepAlive, now + keepalive.idle);
            }
            _ => self.timers.disarm(Timer::KeepAlive),
        }
    }

    /// A new idle time counts from when something last arrived; a new interval applies after the next
    /// probe.
    pub(super) fn change_keepalive(&mut self, now: Instant, before: &Keepalive, after: &Keepalive) {
        if before.idle != after.idle && self.timers.is_armed(Timer::KeepAlive) {
            let due = self.last_received + after.idle;
            self.timers.arm(Timer::KeepAlive, due.max(now));
        }
    }

    /// While something is in flight, the timer that recovery wants runs (RFC 6298 §5.1 to §5.3, RFC
    /// 8985 §8).
    #[inline]
    pub(super) fn arm_recovery_timer(&mut self) {
        if self.flight_size() > 0 {
            let (timer, at) = self.recovery.timer();
            self.timers.arm(timer, at);
        } else {
            self.timers.disarm_recovery();
        }
    }

    /// After every event: sets the timers that follow from the state of the connection.
    #[inline]
    pub(super) fn settle(&mut self, now: Instant) {
        self.note_limit(now);
        self.note_gathering(now);
        if matches!(self.state, State::Closed | State::Listen) {
            return;
        }
        // Unsent text, nothing in flight, and yet nothing to send: the window is the obstacle.
        let waits = self.flight_size() == 0 && self.has_unsent();
        let stuck = waits && !self.has_room_for_unsent() && !self.would_send_text();
        if !stuck {
            self.timers.disarm(Timer::Persist);
        } else if !self.timers.is_armed(Timer::Persist) {
            self.timers
                .arm(Timer::Persist, now + self.persist_interval());
        }
        let is_opening = !self.state.is_synchronized() && !self.passive;
        let opening = self.config.endings.opening_timeout.filter(|_| is_opening);
        match self.config.socket.user_timeout.or(opening) {
            Some(limit) if self.user_waits() => {
                if !self.timers.is_armed(Timer::User) {
                    self.timers.arm(Timer::User, now + limit);
                }
            }
            _ => self.timers.disarm(Timer::User),
        }
        self.watch_idle_buffers(now);
        self.try_packet();
    }

    /// [`Tcb::settle`] after an expected segment, if the connection is established and `unsent` octets
    /// wait. Timers that require unsent text with nothing in flight, or that are optional, are left to
    /// [`Tcb::settle`].
    #[inline(always)]
    pub(super) fn settle_predicted(&mut self, now: Instant, unsent: usize) {
        let may_be_stuck = unsent > 0 && self.flight_size() == 0;
        if may_be_stuck
            || self.timers.is_armed(Timer::Persist)
            || self.config.socket.user_timeout.is_some()
            || self.marks_pushes()
        {
            return self.settle(now);
        }
        self.note_limit(now);
        self.watch_idle_buffers(now);
    }

    /// Empty buffers do not keep their memory for long.
    #[inline(always)]
    fn watch_idle_buffers(&mut self, now: Instant) {
        let is_empty = self.send_buffer.len() == 0 && self.recv_buffer.holds_nothing();
        if is_empty && !self.timers.is_armed(Timer::Idle) && self.buffers_size() > IDLE_OCTETS {
            self.timers.arm(Timer::Idle, now + IDLE_TIME);
        }
    }
}
