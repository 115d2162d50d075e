//! Timestamps: RTT by echo and protection against wrapped sequence numbers (RFC 7323 §3 to §5).

use core::time::Duration;

use super::segment::Segment;
use super::seq::Seq;
use super::state::State;
use super::tcb::Tcb;
use crate::config::Acceptance;
use crate::time::Instant;
use crate::wire;

/// The timestamps of one connection that has agreed to use them, or offers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timestamps {
    /// What our clock shows at the start of the world: different for each pair of hosts (§7.1).
    offset: u32,
    /// TS.Recent, and when it was taken.
    recent: Option<(u32, Instant)>,
}

impl Timestamps {
    pub(crate) fn new(offset: u32) -> Timestamps {
        Timestamps {
            offset,
            recent: None,
        }
    }

    /// The timestamps of a connection that was at rest: TS.Recent, and the latest time at which it
    /// was taken.
    pub(crate) fn resumed(offset: u32, recent: Option<u32>, taken: Instant) -> Timestamps {
        Timestamps {
            offset,
            recent: recent.map(|val| (val, taken)),
        }
    }

    /// TSval: a clock that ticks every millisecond (§5.4).
    fn val(&self, now: Instant) -> u32 {
        self.offset.wrapping_add(now.as_millis() as u32)
    }

    /// The option for a segment that leaves now.
    pub(crate) fn option(&self, now: Instant) -> wire::Timestamps {
        wire::Timestamps {
            val: self.val(now),
            ecr: self.recent.map_or(0, |(val, _)| val),
        }
    }

    /// The peer's first timestamp, on its SYN.
    pub(crate) fn start(&mut self, now: Instant, val: u32) {
        self.recent = Some((val, now));
    }

    /// PAWS (§5.3, R1): whether `val` is older than the last one taken, which is trusted for some time, by
    /// more than the slack.
    pub(crate) fn is_old(&self, now: Instant, val: u32, acceptance: &Acceptance) -> bool {
        let slack = i64::from(acceptance.timestamp_slack);
        self.recent.is_some_and(|(recent, taken)| {
            i64::from(behind(val, recent)) > slack && now - taken < acceptance.timestamp_lifetime
        })
    }

    /// The same without any slack.
    pub(crate) fn is_older(&self, now: Instant, val: u32, lifetime: Duration) -> bool {
        self.recent
            .is_some_and(|(recent, taken)| behind(val, recent) > 0 && now - taken < lifetime)
    }

    /// A segment that starts at `seq` passed (§4.3): its timestamp is echoed from now on, unless it lies beyond what
    /// was acknowledged last, or is [older](Timestamps::is_older), which the caller knows.
    pub(crate) fn on_segment(&mut self, now: Instant, val: u32, seq: Seq, last_ack_sent: Seq) {
        if seq <= last_ack_sent {
            self.recent = Some((val, now));
        }
    }

    /// When our clock showed `ecr`, to the millisecond; `None` if it never did, or so long ago that
    /// the value must be forged.
    pub(crate) fn moment(&self, now: Instant, ecr: u32) -> Option<Instant> {
        const LONGEST: u32 = 10 * 60 * 1000;
        let elapsed = self.val(now).wrapping_sub(ecr);
        (ecr != 0 && elapsed <= LONGEST && u64::from(elapsed) <= now.as_millis())
            .then(|| Instant::from_millis(now.as_millis() - u64::from(elapsed)))
    }

    /// TS.Recent.
    pub(crate) fn recent(&self) -> Option<u32> {
        self.recent.map(|(val, _)| val)
    }
}

impl Tcb {
    /// Updates TS.Recent (RFC 7323 §4.3) from a segment that started at `start`. Call this only
    /// once its acknowledgment has proved valid: a forged timestamp would make PAWS refuse all that
    /// the peer sends.
    pub(super) fn take_timestamp(&mut self, now: Instant, seg: &Segment<'_>, start: Seq) {
        if let Some(timestamps) = seg.options.timestamps
            && self.agreed.timestamps
            && self.may_be_echoed(seg)
        {
            let acceptance = &self.config.acceptance;
            let (val, lifetime) = (timestamps.val, acceptance.timestamp_lifetime);
            // A timestamp that passed only because of the slack is not echoed.
            let by_slack = acceptance.timestamp_slack > 0;
            if !(by_slack && self.timestamps.is_older(now, val, lifetime)) {
                self.timestamps
                    .on_segment(now, val, start, self.rcv.last_ack_sent);
            }
        }
    }

    /// Where a connection ends [lightly](crate::config::Habits::light_ending), only the timestamp of a FIN counts in
    /// FIN-WAIT-2, and in TIME-WAIT that of a segment at RCV.NXT that carries nothing.
    fn may_be_echoed(&self, seg: &Segment<'_>) -> bool {
        let is_wait = self.state == State::TimeWait;
        !self.acks.lightly || (seg.is_empty() == is_wait && seg.seq == self.rcv.nxt)
    }
}

/// How far timestamp `a` lies before `b` on the circle (§5.2: before it if 0 < b - a < 2^31). Of two that are
/// exactly opposite, neither lies before the other.
fn behind(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Timestamps {
        /// What our clock shows at the start of the world.
        pub(crate) fn offset(&self) -> u32 {
            self.offset
        }
    }

    #[test]
    fn ticks_every_millisecond_from_its_offset_and_wraps() {
        let timestamps = Timestamps::new(u32::MAX);
        assert_eq!(timestamps.option(Instant::ZERO).val, u32::MAX);
        assert_eq!(timestamps.option(Instant::from_millis(3)).val, 2);
    }

    /// RFC 7323 §5.3 and §5.5; the wrap of the clock, and a connection idle for 25 days.
    #[test]
    fn older_timestamps_are_refused_for_24_days() {
        let lifetime = &Acceptance::default();
        let mut timestamps = Timestamps::new(0);
        timestamps.start(Instant::ZERO, u32::MAX - 5);
        assert!(timestamps.is_old(Instant::ZERO, u32::MAX - 6, lifetime));
        assert!(
            !timestamps.is_old(Instant::ZERO, 3, lifetime),
            "the clock has wrapped"
        );
        let later = Instant::from_secs(25 * 24 * 60 * 60);
        assert!(!timestamps.is_old(later, u32::MAX - 6, lifetime));
        timestamps.start(Instant::ZERO, 5);
        let half = 5_u32.wrapping_add(1 << 31);
        assert!(timestamps.is_old(Instant::ZERO, half + 1, lifetime));
        assert!(
            !timestamps.is_old(Instant::ZERO, half, lifetime),
            "opposite"
        );
    }

    /// Linux: one that is older by 1 passes.
    #[test]
    fn a_timestamp_may_be_older_by_the_slack() {
        let acceptance = Acceptance {
            timestamp_slack: 1,
            ..Acceptance::default()
        };
        let mut timestamps = Timestamps::new(0);
        timestamps.start(Instant::ZERO, 10);
        assert!(!timestamps.is_old(Instant::ZERO, 9, &acceptance));
        assert!(timestamps.is_old(Instant::ZERO, 8, &acceptance));
        assert!(timestamps.is_older(Instant::ZERO, 9, acceptance.timestamp_lifetime));
        let half = 10_u32.wrapping_add(1 << 31);
        assert!(timestamps.is_old(Instant::ZERO, half + 1, &acceptance));
        assert!(
            !timestamps.is_old(Instant::ZERO, half, &acceptance),
            "opposite"
        );
    }

    /// RFC 7323 §4.3: a segment beyond a gap does not set what is echoed.
    #[test]
    fn echoes_the_segment_that_moved_the_left_edge() {
        let edge = Seq::initial(100);
        let mut timestamps = Timestamps::new(0);
        timestamps.start(Instant::ZERO, 10);
        timestamps.on_segment(Instant::ZERO, 12, edge + 1, edge);
        assert_eq!(timestamps.recent(), Some(10));
        timestamps.on_segment(Instant::ZERO, 11, edge, edge);
        assert_eq!(timestamps.recent(), Some(11));
    }

    #[test]
    fn an_echo_that_was_never_sent_is_no_sample() {
        let timestamps = Timestamps::new(1000);
        let now = Instant::from_millis(50);
        assert_eq!(timestamps.moment(now, 1020), Some(Instant::from_millis(20)));
        for forged in [0, 999, 1051, 5_000_000] {
            assert_eq!(timestamps.moment(now, forged), None, "{forged}");
        }
    }
}
