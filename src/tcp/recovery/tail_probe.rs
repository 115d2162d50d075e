//! Tail loss probes (RFC 8985 §7): if the last segments of a flight are lost, no later segment
//! reveals it. So after two round trips of silence one segment is sent, a new one or the last
//! again, whose acknowledgment does.

use core::hash::{Hash, Hasher};
use core::ops::Range;
use core::time::Duration;

use super::Recovery;
use super::rtt::Rtt;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// PTO before the first RTT sample (RFC 8985 §7.2).
const INITIAL_PTO: Duration = Duration::from_secs(1);

/// The least PTO. On a path without delay two round trips are over before the peer has had time
/// to answer; RFC 8985 §7.2 leaves the granularity of the clock to us.
const LEAST_PTO: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TailProbe {
    /// The timer has expired: a probe must leave.
    pub(super) due: bool,
    /// TLP.end_seq: SND.NXT when the unanswered probe left.
    end_seq: Option<Seq>,
    /// TLP.is_retrans: it was sent before, when this many octets were in flight.
    resent: Option<u64>,
    /// The next probe waits for an RTT sample, and there was none since the last (§7.3).
    unsampled: bool,
}

/// What an acknowledgment says about a probe (RFC 8985 §7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing yet, or that nothing was lost.
    NoLoss,
    /// The probe repaired the loss of a segment that was sent with `flight` octets in flight:
    /// congestion control must be told.
    Repaired { flight: u64 },
}

/// When a PTO that begins at `from` is over (TLP_calc_PTO, RFC 8985 §7.2). `alone`: one segment is in
/// flight, whose acknowledgment the peer may delay by `max_ack_delay`; otherwise the timer is late by
/// `ticks`.
#[inline]
pub(super) fn expiry(
    rtt: &Rtt,
    from: Instant,
    alone: bool,
    max_ack_delay: Duration,
    ticks: Duration,
) -> Instant {
    let Some(srtt) = rtt.srtt_nanos() else {
        return from + INITIAL_PTO;
    };
    let twice = srtt.saturating_mul(2);
    if alone {
        return from + (Duration::from_nanos(twice) + max_ack_delay).max(LEAST_PTO);
    }
    let pto = twice.saturating_add(ticks.as_nanos() as u64);
    let pto = pto.max(LEAST_PTO.as_nanos() as u64);
    Instant::from_nanos(from.as_nanos().saturating_add(pto))
}

impl TailProbe {
    /// Whether the timer may be armed (§7.3): no other probe is unanswered, and an RTT has been
    /// sampled since the last one.
    pub(super) fn is_allowed(&self) -> bool {
        self.end_seq.is_none() && !self.unsampled
    }

    /// Whether none is due, and none unanswered.
    pub(super) fn is_idle(&self) -> bool {
        !self.due && self.end_seq.is_none()
    }

    /// The probe leaves; SND.NXT is then `nxt`. `resent`: it was sent before, when this many octets were
    /// in flight. `unsampled`: the next one waits for an RTT sample (§7.3).
    pub(super) fn on_sent(&mut self, nxt: Seq, resent: Option<u64>, unsampled: bool) {
        *self = TailProbe {
            due: false,
            end_seq: Some(nxt),
            resent,
            unsampled,
        };
    }

    /// Hashes what decides the future, except for the flight.
    pub(super) fn hash_canonical(&self, hasher: &mut impl Hasher) {
        let is_retrans = self.resent.is_some();
        (self.due, self.end_seq, is_retrans, self.unsampled).hash(hasher);
    }

    /// An RTT was sampled.
    pub(super) fn on_sample(&mut self) {
        self.unsampled = false;
    }

    /// Another form of recovery has begun.
    pub(super) fn cancel(&mut self) {
        self.due = false;
        self.end_seq = None;
    }

    /// TLP_process_ack (§7.4.2). `came_twice`: the peer reports that the probe arrived twice. `bare`: a
    /// duplicate acknowledgment without SACK blocks.
    pub(super) fn on_ack(&mut self, ack: Seq, came_twice: bool, bare: bool) -> Answer {
        let Some(end_seq) = self.end_seq.filter(|end_seq| ack >= *end_seq) else {
            return Answer::NoLoss;
        };
        let Some(flight) = self.resent.filter(|_| !came_twice) else {
            self.end_seq = None;
            return Answer::NoLoss;
        };
        if ack > end_seq {
            self.end_seq = None;
            return Answer::Repaired { flight };
        }
        if bare {
            // Original and probe have both arrived.
            self.end_seq = None;
        }
        Answer::NoLoss
    }

    /// Whether `range` arrived twice because it was the probe.
    pub(super) fn explains(&self, duplicate: &Range<Seq>) -> bool {
        self.resent.is_some() && self.end_seq == Some(duplicate.end)
    }

    /// Octets that were in flight when the segment of the probe was first sent; 0 if there is no
    /// probe.
    pub(super) fn flight(&self) -> u64 {
        let flight = self.resent.filter(|_| self.end_seq.is_some());
        flight.unwrap_or_default()
    }
}

impl Recovery {
    /// Segments in flight that are tail loss probes, and had been sent before.
    pub(crate) fn probes(&self) -> usize {
        self.board.probes()
    }

    /// What to send again as a tail loss probe if there is nothing new; `None` if none is due.
    pub(crate) fn probe(&self) -> Option<Range<Seq>> {
        let selective = self.selective.as_ref()?;
        let last = self.board.last().filter(|_| selective.probe.due)?;
        Some(last.last_segment())
    }

    /// In how many segments the text from `start` on was sent.
    pub(crate) fn segments_from(&self, start: Seq) -> usize {
        let records = (self.board.records()).filter(|record| record.end > start);
        records.map(|record| record.segments).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TcpConfig;

    const RESENT: Option<u64> = Some(7);
    const REPAIRED: Answer = Answer::Repaired { flight: 7 };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn place(index: usize) -> Seq {
        Seq::initial(0) + index
    }

    /// RFC 8985 §7.2: 2 * SRTT; more for a single segment, whose acknowledgment may be delayed; one
    /// second before the first sample.
    #[test]
    fn pto_is_two_round_trips() {
        let pto = |rtt: &Rtt, alone, delay| {
            let from = Instant::from_secs(1);
            expiry(rtt, from, alone, delay, Duration::ZERO) - from
        };
        let mut rtt = Rtt::new(&TcpConfig::default());
        assert_eq!(pto(&rtt, false, ms(200)), ms(1000));
        rtt.sample(Instant::ZERO, ms(50));
        assert_eq!(pto(&rtt, false, ms(200)), ms(100));
        assert_eq!(pto(&rtt, true, ms(200)), ms(300));
        let mut near = Rtt::new(&TcpConfig::default());
        near.sample(Instant::ZERO, ms(1));
        assert_eq!(pto(&near, false, ms(200)), LEAST_PTO);
    }

    /// §7.3: one at a time, and none without an RTT sample since the last.
    #[test]
    fn probes_are_rare() {
        let mut probe = TailProbe::default();
        assert!(probe.is_allowed());
        probe.on_sent(place(100), RESENT, true);
        assert!(!probe.is_allowed());
        probe.on_sample();
        assert!(!probe.is_allowed(), "unanswered");
        assert_eq!(probe.on_ack(place(101), false, false), REPAIRED);
        assert!(probe.is_allowed());
        probe.on_sent(place(200), None, true);
        assert_eq!(probe.on_ack(place(200), false, false), Answer::NoLoss);
        assert!(!probe.is_allowed(), "no sample");
    }

    /// §7.4.2, all the cases.
    #[test]
    fn an_answer_tells_whether_something_was_lost() {
        let sent = |resent| {
            let mut probe = TailProbe::default();
            probe.on_sent(place(100), resent, true);
            probe
        };
        // New text loses nothing.
        assert_eq!(sent(None).on_ack(place(150), false, false), Answer::NoLoss);
        // Not acknowledged yet, or acknowledged, which may mean either.
        let mut probe = sent(RESENT);
        assert_eq!(probe.on_ack(place(99), false, false), Answer::NoLoss);
        assert_eq!(probe.on_ack(place(100), false, false), Answer::NoLoss);
        assert_eq!(probe.on_ack(place(150), false, false), REPAIRED);
        // Both have arrived, as shown by a D-SACK, or by an acknowledgment of nothing new.
        let duplicate = place(90)..place(100);
        let mut probe = sent(RESENT);
        assert!(probe.explains(&duplicate));
        assert_eq!(probe.on_ack(place(100), true, false), Answer::NoLoss);
        assert_eq!(probe.on_ack(place(150), false, false), Answer::NoLoss);
        let mut probe = sent(RESENT);
        assert_eq!(probe.on_ack(place(100), false, true), Answer::NoLoss);
        assert_eq!(probe.on_ack(place(150), false, false), Answer::NoLoss);
    }
}
