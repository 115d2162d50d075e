//! The receiver's half of Accurate ECN: which codepoints arrived, and when to report them (RFC 9768
//! §3.2).

use crate::config::EcnOptions;
use crate::tcp::status::EcnOctets;
use crate::wire::{AccurateEcn, ByteCounters, CounterOrder, Ecn};

/// Counters of the octets of text that arrived, or are known to have arrived, with each codepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Octets {
    /// Marked ECT(0).
    pub(super) e0b: u64,
    /// Marked CE.
    pub(super) ceb: u64,
    /// Marked ECT(1).
    pub(super) e1b: u64,
}

impl Octets {
    /// §3.2.1: not zero, to distinguish a counter from one that was zeroed on its way.
    pub(super) const INITIAL: Octets = Octets {
        e0b: 1,
        ceb: 0,
        e1b: 1,
    };

    /// What has been counted.
    pub(super) fn since_the_start(&self) -> EcnOctets {
        EcnOctets {
            ect0: self.e0b - Octets::INITIAL.e0b,
            ce: self.ceb - Octets::INITIAL.ceb,
            ect1: self.e1b - Octets::INITIAL.e1b,
        }
    }

    /// Which of the counters differ, in the order of AccECN0.
    fn differences(&self, other: &Octets) -> [bool; 3] {
        [
            self.e0b != other.e0b,
            self.ceb != other.ceb,
            self.e1b != other.e1b,
        ]
    }
}

/// §3.2.1: r.cep and s.cep start here.
pub(super) const INITIAL_CEP: u64 = 5;

/// The number of marks after which the receiver must report them (§3.2.2.5.1): with text to
/// acknowledge...
const MARKS_WITH_TEXT: u8 = 2;
/// ... and without.
const MARKS_WITHOUT_TEXT: u8 = 3;

/// If this many segments arrive again although their acknowledgment carried an option, the path is
/// assumed to drop segments with an option (§3.2.3.2.2)...
const UNHEARD_OPTIONS: u8 = 2;
/// ... unless this many came in order in between, because acknowledgments are also lost for other
/// reasons.
const HEARD: u8 = 64;

/// r.cep, r.e0b, r.ceb, r.e1b, and what the sender has been told of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Receiver {
    /// r.cep: packets that arrived with CE.
    pub(super) cep: u64,
    /// r.e0b, r.ceb, r.e1b.
    pub(super) octets: Octets,
    /// The counters in the last option.
    told: Octets,
    /// The last packet, of whatever kind, had CE.
    was_marked: bool,
    /// Packets with CE since the last acknowledgment; never more than the limits above.
    untold: u8,
    /// When options are sent.
    options: EcnOptions,
    /// The last acknowledgment carried an option.
    told_by_option: bool,
    /// Segments that came again after such an acknowledgment.
    unheard: u8,
    /// Segments in order since the last of them.
    heard: u8,
}

impl Receiver {
    /// Both counters at their start (§3.2.1).
    pub(super) fn new(options: EcnOptions) -> Receiver {
        Receiver {
            cep: INITIAL_CEP,
            octets: Octets::INITIAL,
            told: Octets::INITIAL,
            was_marked: false,
            untold: 0,
            options,
            told_by_option: false,
            unheard: 0,
            heard: 0,
        }
    }

    /// Acceptable packets arrived, one or a super-segment of several, with this much text. Returns whether they must be acknowledged
    /// now (§3.2.2.5.1); `text_waits`: there is text that has not been acknowledged.
    pub(super) fn on_packets(
        &mut self,
        packets: u64,
        ecn: Ecn,
        text: usize,
        text_waits: bool,
    ) -> bool {
        let is_marked = ecn == Ecn::Ce;
        let changes = is_marked && !self.was_marked && text > 0;
        self.was_marked = is_marked;
        if is_marked {
            self.cep += packets;
            let untold = u64::from(self.untold) + packets;
            self.untold = untold.min(MARKS_WITHOUT_TEXT.into()) as u8;
        }
        self.count_text(ecn, text);
        let most = match text_waits || text > 0 {
            true => MARKS_WITH_TEXT,
            false => MARKS_WITHOUT_TEXT,
        };
        changes || self.untold >= most
    }

    /// The SYN,ACK arrived. A mark on it counts once, however often it comes (§3.2.2.2).
    pub(super) fn on_syn_ack(&mut self, ecn: Ecn, text: usize) {
        if ecn == Ecn::Ce && self.cep == INITIAL_CEP {
            self.cep += 1;
        }
        self.count_text(ecn, text);
    }

    fn count_text(&mut self, ecn: Ecn, text: usize) {
        let text = text as u64;
        match ecn {
            Ecn::NotEct => {}
            Ecn::Ect0 => self.octets.e0b += text,
            Ecn::Ect1 => self.octets.e1b += text,
            Ecn::Ce => self.octets.ceb += text,
        }
    }

    /// The ACE field (§3.2.2.2).
    pub(super) fn ace(&self) -> u8 {
        (self.cep % 8) as u8
    }

    /// The option of the next segment (§3.2.3.3), if a counter has changed since the last one. It
    /// has all counters that ever changed, or, if `room` octets are too few, at least those that
    /// changed since. `testing`: in any case, and with all three, to see whether the path lets it
    /// through (§3.2.3.2.1).
    pub(super) fn option(&self, room: usize, testing: bool) -> Option<AccurateEcn> {
        let fresh = self.octets.differences(&self.told);
        let all = match self.options {
            EcnOptions::Never => return None,
            EcnOptions::News => None,
            EcnOptions::Always => Some(CounterOrder::E1First),
        };
        if let Some(order) = all {
            let fits = |fields: &usize| AccurateEcn::wire_len_of(*fields) <= room;
            let fields = (0..=AccurateEcn::FIELDS).rev().find(fits)?;
            return Some(AccurateEcn::new(order, self.on_the_wire(), fields));
        }
        if !(testing || fresh.contains(&true)) {
            return None;
        }
        let wanted = match testing {
            true => [true; 3],
            false => self.octets.differences(&Octets::INITIAL),
        };
        let fits = |fields: &usize| AccurateEcn::wire_len_of(*fields) <= room;
        let in_order = |order, flip: fn([bool; 3]) -> [bool; 3]| {
            let least = fields_up_to(flip(fresh));
            let most = fields_up_to(flip(wanted)).max(least);
            let fields = (least..=most).rev().find(fits)?;
            Some((most, order, fields))
        };
        let first = in_order(CounterOrder::E0First, |all| all);
        let second = in_order(CounterOrder::E1First, |[e0b, ceb, e1b]| [e1b, ceb, e0b]);
        // The order that needs the fewest fields; the first of two equal ones.
        let shortest = first
            .into_iter()
            .chain(second)
            .min_by_key(|(most, ..)| *most);
        let (_, order, fields) = shortest?;
        Some(AccurateEcn::new(order, self.on_the_wire(), fields))
    }

    fn on_the_wire(&self) -> ByteCounters {
        ByteCounters {
            e0b: self.octets.e0b as u32,
            ceb: self.octets.ceb as u32,
            e1b: self.octets.e1b as u32,
        }
    }

    /// An acknowledgment left, with or without an option.
    pub(super) fn on_sent(&mut self, with_option: bool) {
        self.untold = 0;
        self.told_by_option = with_option;
        if with_option {
            self.told = self.octets;
        }
    }

    /// New text arrived in order: after enough of it, the peer seems to receive our options.
    pub(super) fn on_heard(&mut self) {
        if self.unheard > 0 {
            self.heard += 1;
            if self.heard >= HEARD {
                (self.unheard, self.heard) = (0, 0);
            }
        }
    }

    /// Text came again that had been acknowledged.
    pub(super) fn on_unheard(&mut self) {
        if self.told_by_option {
            self.unheard = self.unheard.saturating_add(1);
            self.heard = 0;
            if self.unheard >= UNHEARD_OPTIONS {
                self.stop_options();
            }
        }
    }

    /// A segment with an option was lost: no more options are sent (§3.2.3.2.2).
    pub(super) fn stop_options(&mut self) {
        self.options = EcnOptions::Never;
    }
}

/// How many fields an option needs to include the last named counter.
fn fields_up_to(named: [bool; 3]) -> usize {
    named
        .iter()
        .rposition(|named| *named)
        .map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 40;

    fn receiver() -> Receiver {
        Receiver::new(EcnOptions::News)
    }

    /// The contents of an option: its order, and the counters it includes.
    fn said(option: Option<AccurateEcn>) -> Option<(CounterOrder, [Option<u32>; 3])> {
        option.map(|option| (option.order(), [option.e0b(), option.ceb(), option.e1b()]))
    }

    /// The examples of §3.2.3.3.
    #[test]
    fn an_option_has_what_ever_moved() {
        let mut r = receiver();
        assert_eq!(r.option(ROOM, false), None);
        r.on_packets(1, Ecn::Ect0, 100, false);
        let e0b = (CounterOrder::E0First, [Some(101), None, None]);
        assert_eq!(said(r.option(ROOM, false)), Some(e0b));
        r.on_sent(true);
        assert_eq!(r.option(ROOM, false), None, "nothing moved since");
        r.on_packets(1, Ecn::Ce, 50, false);
        let both = (CounterOrder::E0First, [Some(101), Some(50), None]);
        assert_eq!(said(r.option(ROOM, false)), Some(both));

        let mut r = receiver();
        r.on_packets(1, Ecn::Ce, 50, false);
        r.on_packets(1, Ecn::Ect1, 7, false);
        let other = (CounterOrder::E1First, [None, Some(50), Some(8)]);
        assert_eq!(said(r.option(ROOM, false)), Some(other));
    }

    /// "Necessary option length": what changed since the last option is in it, or there is no
    /// option.
    #[test]
    fn in_little_room_an_option_has_what_just_moved() {
        let mut r = receiver();
        r.on_packets(1, Ecn::Ect0, 1, false);
        r.on_packets(1, Ecn::Ect1, 1, false);
        let all = (CounterOrder::E0First, [Some(2), Some(0), Some(2)]);
        assert_eq!(said(r.option(12, false)), Some(all));
        assert_eq!(r.option(8, false), None, "both ends have moved");
        r.on_sent(true);
        r.on_packets(1, Ecn::Ect1, 1, false);
        let short = (CounterOrder::E1First, [None, Some(0), Some(3)]);
        assert_eq!(said(r.option(8, false)), Some(short));
        assert_eq!(r.option(4, false), None);
    }

    #[test]
    fn who_always_tells_tells_everything() {
        let r = Receiver::new(EcnOptions::Always);
        let all = (CounterOrder::E1First, [Some(1), Some(0), Some(1)]);
        assert_eq!(said(r.option(ROOM, false)), Some(all));
        let some = (CounterOrder::E1First, [None, Some(0), Some(1)]);
        assert_eq!(said(r.option(8, false)), Some(some));
        assert_eq!(Receiver::new(EcnOptions::Never).option(ROOM, true), None);
    }

    #[test]
    fn a_test_has_as_much_as_there_is_room_for() {
        let r = receiver();
        let fields = |room| r.option(room, true).map(|option| option.fields());
        assert_eq!(fields(40), Some(3));
        assert_eq!(fields(12), Some(3));
        assert_eq!(fields(11), Some(2));
        assert_eq!(fields(4), Some(0));
        assert_eq!(fields(3), None);
    }

    /// §3.2.2.5.1: a change from unmarked to marked, and every second mark; every third if there
    /// is no text to acknowledge.
    #[test]
    fn when_marks_are_acknowledged() {
        let mut r = receiver();
        assert!(!r.on_packets(1, Ecn::Ect0, 10, true));
        assert!(r.on_packets(1, Ecn::Ce, 10, true), "a change");
        r.on_sent(true);
        assert!(!r.on_packets(1, Ecn::Ce, 10, true), "the first since");
        assert!(r.on_packets(1, Ecn::Ce, 10, true), "the second");
        r.on_sent(true);

        let mut r = receiver();
        assert!(!r.on_packets(1, Ecn::Ce, 0, false), "no text, no change");
        assert!(!r.on_packets(1, Ecn::Ce, 0, false));
        assert!(r.on_packets(1, Ecn::Ce, 0, false), "the third");
    }

    /// §3.2: control packets count as packets, and have no octets.
    #[test]
    fn every_packet_with_a_mark_counts() {
        let mut r = receiver();
        r.on_packets(1, Ecn::Ce, 0, false);
        r.on_packets(1, Ecn::Ce, 9, false);
        assert_eq!((r.cep, r.octets.ceb, r.ace()), (7, 9, 7));
        r.on_packets(1, Ecn::Ce, 1, false);
        assert_eq!((r.cep, r.ace()), (8, 0));
    }

    #[test]
    fn options_stop_when_nobody_hears_them() {
        let mut r = receiver();
        r.on_packets(1, Ecn::Ect0, 1, false);
        for _ in 0..3 {
            r.on_sent(false);
            r.on_unheard();
        }
        assert!(r.option(ROOM, true).is_some(), "lost without an option");
        r.on_sent(true);
        r.on_unheard();
        for _ in 0..HEARD {
            r.on_heard();
        }
        r.on_unheard();
        assert!(r.option(ROOM, true).is_some(), "long ago");
        r.on_heard();
        r.on_unheard();
        assert_eq!(r.option(ROOM, true), None);
    }

    /// The same section: a change is relative to the packet before, whatever that was; with text waiting,
    /// two marks are enough; and each packet of a super-segment counts.
    #[test]
    fn packets_are_counted_whatever_they_carry_and_however_they_come() {
        let mut r = receiver();
        assert!(r.on_packets(1, Ecn::Ce, 10, true), "a change");
        r.on_sent(true);
        assert!(!r.on_packets(1, Ecn::NotEct, 0, false));
        assert!(r.on_packets(1, Ecn::Ce, 10, true), "another change");

        let mut r = receiver();
        assert!(!r.on_packets(1, Ecn::Ce, 0, true));
        assert!(r.on_packets(1, Ecn::Ce, 0, true), "text waits");

        let mut r = receiver();
        r.on_packets(1, Ecn::Ce, 10, true);
        r.on_sent(true);
        assert!(r.on_packets(2, Ecn::Ce, 20, true), "two at once");
        assert_eq!(r.cep, INITIAL_CEP + 3);
    }
}
