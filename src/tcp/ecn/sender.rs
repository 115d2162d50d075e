//! The sender's half of Accurate ECN: what the peer reports, and whether to believe it (RFC 9768
//! §3.2.2, §3.2.3).

use super::counters::{DIVACE, ace_growth, growth_by_octets, option_growth, safest_growth};
use super::receiver::{INITIAL_CEP, Octets};
use crate::wire::AccurateEcn;

/// What an acknowledgment newly acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    /// newlyAckedB: octets.
    pub(super) octets: u64,
    /// newlyAckedPkt: segments, at most.
    pub(super) segments: u64,
    /// How many more may have arrived, and been counted.
    pub(super) untold: u64,
    /// The longest text of a segment, in octets.
    pub(super) mss: u64,
}

/// What an acknowledgment newly reports about marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    /// Packets that arrived with CE.
    pub(super) packets: u64,
    /// Octets of text that did; an estimate without an option.
    pub(super) octets: u64,
}

/// The mean of segments acknowledged at once is kept in units of 1/8.
const MEAN_UNIT: u64 = 8;
/// Appendix A.2.1: with a mean of this many or more, ACKs are thinned out rather than lost, and
/// assuming each time that the ACE field has wrapped would invent marks.
const THINNED: u64 = 4 * MEAN_UNIT;

/// s.cep, s.e0b, s.ceb, s.e1b, and what is believed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sender {
    /// s.cep.
    pub(super) cep: u64,
    /// s.e0b, s.ceb, s.e1b.
    pub(super) octets: Octets,
    /// s.cep when s.ceb was last reported: options are sometimes left out, or lost with their
    /// segments.
    cep_at_option: u64,
    /// Feedback is used; not if the field was zeroed on its way (§3.2.2.4).
    responds: bool,
    /// Options are used; not if they were zeroed on their way (§3.2.3.2.4).
    reads_options: bool,
    /// The SYN,ACK, or the acknowledgment of ours, had an option.
    pub(super) has_options: bool,
    /// No ACE counter has come yet.
    is_first: bool,
    /// The moving average of segments acknowledged at once, in units of 1/8.
    mean: u64,
}

impl Default for Sender {
    fn default() -> Sender {
        Sender {
            cep: INITIAL_CEP,
            octets: Octets::INITIAL,
            cep_at_option: INITIAL_CEP,
            responds: true,
            reads_options: true,
            has_options: false,
            is_first: true,
            mean: 0,
        }
    }
}

impl Sender {
    /// The first option there is, on the SYN,ACK or on the acknowledgment of ours: its counters
    /// start above zero, and cannot have wrapped (§3.2.3.2.4).
    pub(super) fn check_first_option(&mut self, option: Option<AccurateEcn>) {
        let Some(option) = option else {
            return;
        };
        self.has_options = true;
        if option.e0b() == Some(0) || option.e1b() == Some(0) {
            self.reads_options = false;
        }
    }

    /// The acknowledgment of our SYN,ACK reports that it arrived with CE (§3.2.2.2).
    pub(super) fn on_marked_syn_ack(&mut self) {
        self.cep += 1;
    }

    /// Marks that the peer reports no longer count.
    pub(super) fn stop_responding(&mut self) {
        self.responds = false;
    }

    /// An acknowledgment arrived that no other has overtaken. `Err` if it shows that marks, or
    /// reports of them, are changed on their way: then nothing may be sent ECN-capable any more.
    pub(super) fn on_ack(
        &mut self,
        ace: u8,
        option: Option<AccurateEcn>,
        acked: Acked,
    ) -> Result<Marked, Mangled> {
        // §3.2.2.4.
        if core::mem::take(&mut self.is_first) && ace == 0 {
            self.responds = false;
            return Err(Mangled);
        }
        if !self.responds {
            return Ok(Marked::default());
        }
        let octets = self.take_option(option);
        let mut packets = self.take_ace(ace, octets, acked);
        let tells_marks = self.reads_options && option.is_some_and(|option| option.ceb().is_some());
        if tells_marks {
            if octets > Some(0) && self.cep == self.cep_at_option {
                // §3.2.3.2.5: marked octets, but no marked packet.
                packets += Sender::wrapped(acked)?;
                self.cep += packets;
            }
            self.cep_at_option = self.cep;
        }
        let estimate = (packets * acked.mss).min(acked.octets);
        Ok(Marked {
            packets,
            octets: octets.unwrap_or(estimate),
        })
    }

    /// d.ceb, if there is an option. Counters left out of a non-empty option have not changed
    /// (§3.2.3.3).
    fn take_option(&mut self, option: Option<AccurateEcn>) -> Option<u64> {
        let option = option.filter(|option| self.reads_options && option.fields() > 0)?;
        let growth = |counter, field| match field {
            Some(field) => option_growth(counter, field),
            None => 0,
        };
        self.octets.e0b += growth(self.octets.e0b, option.e0b());
        self.octets.e1b += growth(self.octets.e1b, option.e1b());
        let marked = growth(self.octets.ceb, option.ceb());
        self.octets.ceb += marked;
        Some(marked)
    }

    /// The counter of packets looks unchanged, but cannot be: it has wrapped, or, if there were not
    /// that many packets, the reports of the peer are changed on their way (§3.2.3.2.5).
    fn wrapped(acked: Acked) -> Result<u64, Mangled> {
        match acked.segments + acked.untold < DIVACE {
            true => Err(Mangled),
            false => Ok(DIVACE),
        }
    }

    /// Takes the safest likely case of what the ACE field stands for (§3.2.2.5.2).
    fn take_ace(&mut self, ace: u8, octets: Option<u64>, acked: Acked) -> u64 {
        let least = ace_growth(self.cep, ace);
        let segments = acked.segments;
        let safest = safest_growth(segments, least);
        let growth = match octets {
            Some(octets) => growth_by_octets(least, safest, octets, acked.mss),
            None if self.mean >= THINNED => least,
            None => safest,
        };
        if segments > 0 {
            self.mean = self.mean - self.mean / MEAN_UNIT + segments.min(1 << 16);
        }
        self.cep += growth;
        growth
    }
}

/// The path changes ECN fields in a way that no router may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mangled;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ByteCounters, CounterOrder};

    const MSS: u64 = 1460;

    fn of(segments: u64) -> Acked {
        Acked {
            octets: segments * MSS,
            segments,
            untold: 0,
            mss: MSS,
        }
    }

    fn option(e0b: u32, ceb: u32) -> Option<AccurateEcn> {
        let counters = ByteCounters { e0b, ceb, e1b: 1 };
        Some(AccurateEcn::new(CounterOrder::E0First, counters, 2))
    }

    fn marked(packets: u64, octets: u64) -> Result<Marked, Mangled> {
        Ok(Marked { packets, octets })
    }

    /// Appendix A.2.1, with the ACE field as it comes: s.cep is 5.
    #[test]
    fn without_options_the_safest_likely_case() {
        let mut s = Sender::default();
        assert_eq!(s.on_ack(7, None, of(9)), marked(2, 2 * MSS));
        let mut s = Sender::default();
        assert_eq!(s.on_ack(7, None, of(10)), marked(10, 10 * MSS));
    }

    /// Appendix A.2.2: a half-sized segment or two make ten marks implausible.
    #[test]
    fn with_options_octets_decide() {
        let mut s = Sender::default();
        assert_eq!(s.on_ack(7, option(1, 1460), of(10)), marked(2, 1460));
        assert_eq!(s.octets.ceb, 1460);
        // "d.cep cannot have been correct": eight segments, no growth seen, yet octets.
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, option(1, 1460), of(8)), marked(8, 1460));
    }

    /// Appendix A.2.1: ACKs that each acknowledge much are not a sign of loss.
    #[test]
    fn thinned_acknowledgments_do_not_invent_marks() {
        let mut s = Sender::default();
        let mut ace = 5;
        for _ in 0..40 {
            s.on_ack(ace, None, of(16)).unwrap();
        }
        ace += 1;
        assert_eq!(s.on_ack(ace, None, of(16)), marked(1, MSS));
    }

    #[test]
    fn a_field_that_is_left_out_has_not_changed() {
        let mut s = Sender::default();
        s.on_ack(6, option(1, 1000), of(1)).unwrap();
        let only_e0b = AccurateEcn::new(
            CounterOrder::E0First,
            ByteCounters {
                e0b: 2921,
                ..ByteCounters::default()
            },
            1,
        );
        assert_eq!(s.on_ack(6, Some(only_e0b), of(2)), marked(0, 0));
        assert_eq!((s.octets.e0b, s.octets.ceb, s.octets.e1b), (2921, 1000, 1));
    }

    /// §3.2.3.2.1: an option may be empty, to test the path, and says nothing then.
    #[test]
    fn an_empty_option_says_nothing() {
        let mut s = Sender::default();
        let empty = AccurateEcn::new(CounterOrder::E1First, ByteCounters::default(), 0);
        assert_eq!(s.on_ack(7, Some(empty), of(10)), marked(10, 10 * MSS));
    }

    /// §3.2.2.4.
    #[test]
    fn a_zeroed_field_is_not_believed() {
        let mut s = Sender::default();
        assert_eq!(s.on_ack(0, None, of(1)), Err(Mangled));
        assert_eq!(s.on_ack(3, None, of(9)), marked(0, 0));
        // Later on, zero is a count like any other.
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, None, of(1)), marked(0, 0));
        assert_eq!(s.on_ack(0, None, of(3)), marked(3, 3 * MSS));
    }

    /// §3.2.3.2.4.
    #[test]
    fn a_zeroed_option_is_not_read() {
        for (e0b, read) in [(0, false), (1, true), (2, true)] {
            let mut s = Sender::default();
            s.check_first_option(option(e0b, 0));
            s.on_ack(6, option(1001, 400), of(1)).unwrap();
            assert_eq!(s.octets.ceb == 400, read);
        }
    }

    /// §3.2.3.2.5.
    #[test]
    fn marked_octets_without_a_marked_packet_are_mangled() {
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, option(1, 100), of(1)), Err(Mangled));
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, option(1, 100), of(7)), Err(Mangled));
    }

    /// The same section: only if it is certain that the ACE field has not wrapped.
    #[test]
    fn a_field_that_may_have_wrapped_is_not_mangled() {
        // Eight segments of ten octets, all marked, and one acknowledgment that is not lost.
        let small = |segments, untold| Acked {
            octets: 10 * segments,
            segments,
            untold,
            mss: MSS,
        };
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, option(1, 80), small(8, 0)), marked(8, 80));
        assert_eq!(s.cep, 13);
        // That many may have arrived beyond a gap.
        let mut s = Sender::default();
        assert_eq!(s.on_ack(5, option(1, 80), small(1, 7)), marked(8, 80));
        assert_eq!(s.cep, 13);
    }

    /// An option may be left out, or lost: what the next one reports is not about new packets.
    #[test]
    fn octets_may_be_told_after_their_packet() {
        let mut s = Sender::default();
        assert_eq!(s.on_ack(6, None, of(1)), marked(1, MSS));
        let only_e0b = AccurateEcn::new(CounterOrder::E0First, ByteCounters::default(), 1);
        s.on_ack(6, Some(only_e0b), of(1)).unwrap();
        assert_eq!(s.on_ack(6, option(1, 1460), of(1)), marked(0, 1460));
        assert_eq!(s.on_ack(6, option(1, 1461), of(1)), Err(Mangled));
    }

    /// Appendix A.1: counters wrap.
    #[test]
    fn counters_of_octets_wrap() {
        let mut s = Sender::default();
        s.octets.ceb = (1 << 24) - 1;
        assert_eq!(s.on_ack(6, option(1, 9), of(1)), marked(1, 10));
        assert_eq!(s.octets.ceb, (1 << 24) + 9);
    }

    /// Appendix A.2.1: only the mean tells, because before a single large acknowledgment others may have
    /// been lost.
    #[test]
    fn one_acknowledgment_of_much_is_not_thinned() {
        let mut s = Sender::default();
        for _ in 0..40 {
            s.on_ack(5, None, of(1)).unwrap();
        }
        assert_eq!(s.on_ack(5, None, of(16)), marked(16, 16 * MSS));
        assert_eq!(s.on_ack(6, None, of(16)), marked(9, 9 * MSS));
    }

    /// Marks on packets without text mark no octets: an estimate is never more than what was
    /// acknowledged.
    #[test]
    fn no_more_octets_are_marked_than_were_acknowledged() {
        let mut s = Sender::default();
        s.on_ack(5, None, of(1)).unwrap();
        let short = Acked {
            octets: 100,
            segments: 1,
            untold: 0,
            mss: MSS,
        };
        assert_eq!(s.on_ack(0, None, short), marked(3, 100));
    }

    /// §3.2.3.2.4: either of the counters that start above zero may have been zeroed.
    #[test]
    fn the_other_counter_may_be_zeroed_too() {
        let mut s = Sender::default();
        let counters = ByteCounters {
            e0b: 1,
            ceb: 0,
            e1b: 0,
        };
        s.check_first_option(Some(AccurateEcn::new(CounterOrder::E1First, counters, 3)));
        s.on_ack(6, option(1001, 400), of(1)).unwrap();
        assert_eq!(s.octets.ceb, 0);
    }
}
