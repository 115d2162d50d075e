//! Feedback in one bit: one mark per round trip (RFC 3168 §6.1.2, §6.1.3), or every mark (RFC 8257
//! §3.2).

use std::collections::VecDeque;

use crate::tcp::segment::Segment;
use crate::tcp::seq::Seq;
use crate::wire::{Control, Ecn};

/// After this many windows in which every acknowledgment of new text had ECE, nothing is sent
/// ECN-capable any more: RFC 3168 leaves that to the sender.
const ENDLESS: u8 = 8;
/// If ECE continues for this many windows, it does not report marks: what was sent since cannot
/// have been marked, and CWR has been sent. Something on the path removes CWR.
const PROVEN: u8 = ENDLESS + 2;

/// The most changes of the marks that wait to be reported. After a burst of more, the next
/// acknowledgment reports the rest, as RFC 8257 §3.2 allows for all of them.
const MOST_EARLIER: usize = 16;

/// An acknowledgment of what arrived before the marks changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Earlier {
    /// SEG.ACK.
    ack: Seq,
    /// It carries ECE.
    marked: bool,
}

/// What both ends remember in Classic mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Classic {
    /// Every acknowledgment carries ECE: a mark has arrived and no CWR since; or, if marks are
    /// counted, the last text had a mark: DCTCP.CE.
    echoing: bool,
    /// Acknowledgments that leave before any other segment, the oldest first.
    earlier: VecDeque<Earlier>,
    /// The window was reduced: the next new text carries CWR.
    cwr_due: bool,
    /// Windows reduced for marks since new text was last acknowledged without ECE; counts only as
    /// far as needed.
    marked_windows: u8,
}

impl Classic {
    /// Whether text with these flags and this mark has the first mark since the last CWR.
    pub(super) fn is_fresh_mark(&self, control: Control, ecn: Ecn) -> bool {
        ecn == Ecn::Ce && (!self.echoing || control.has(Control::CWR))
    }

    /// RFC 3168 §6.1.3: text counts, and so does CWR on a FIN, which is acknowledged, too. Returns the same
    /// as [`Classic::on_text`].
    pub(super) fn on_segment(&mut self, seg: &Segment<'_>) -> bool {
        match seg.text.is_empty() {
            false => self.on_text(seg.ctl, seg.ecn),
            true => seg.ctl.has(Control::FIN) && self.on_text(seg.ctl, Ecn::NotEct),
        }
    }

    /// Text arrived. Returns whether its acknowledgment must not wait: congestion should be
    /// reported at once, and a sender that has just reduced its window may have room for one
    /// segment only.
    fn on_text(&mut self, control: Control, ecn: Ecn) -> bool {
        let reduced = control.has(Control::CWR);
        self.echoing &= !reduced;
        let begins = ecn == Ecn::Ce && !self.echoing;
        // The mark on a segment with CWR is a new one.
        self.echoing |= begins;
        begins || reduced
    }

    /// Text arrived at a host that counts marks (RFC 8257 §3.2): ECE says whether it was marked. If
    /// the marks change, text in order up to `waiting` whose acknowledgment waits gets an
    /// acknowledgment of its own. Returns whether the acknowledgment of the new text must not wait.
    pub(super) fn on_counted_text(
        &mut self,
        control: Control,
        ecn: Ecn,
        waiting: Option<Seq>,
    ) -> bool {
        let was_marked = self.echoing;
        self.echoing = ecn == Ecn::Ce;
        let changes = self.echoing != was_marked;
        let told = self.earlier.back().map(|earlier| earlier.ack);
        if let Some(ack) = waiting.filter(|_| changes)
            && told < Some(ack)
            && self.earlier.len() < MOST_EARLIER
        {
            self.earlier.push_back(Earlier {
                ack,
                marked: was_marked,
            });
        }
        changes || control.has(Control::CWR)
    }

    /// SEG.ACK of the acknowledgment that leaves before any other segment.
    pub(super) fn earlier_ack(&self) -> Option<Seq> {
        self.earlier.front().map(|earlier| earlier.ack)
    }

    /// The flags of that acknowledgment.
    pub(super) fn flags_of_earlier(&self) -> Control {
        match self.earlier.front() {
            Some(Earlier { marked: true, .. }) => Control::ECE,
            _ => Control::NONE,
        }
    }

    /// That acknowledgment left.
    pub(super) fn on_earlier_sent(&mut self) {
        self.earlier.pop_front();
    }

    /// An acknowledgment arrived. Returns whether it reports marks. `counted`: marks are counted, and
    /// may go on for as long as the path is in use (RFC 8257 §3.2).
    pub(super) fn hears(&mut self, control: Control, acknowledges: bool, counted: bool) -> bool {
        let says = control.has(Control::ECE);
        if counted || (acknowledges && !says) {
            self.marked_windows = 0;
        }
        says && self.marked_windows < PROVEN
    }

    /// The window was reduced for marks. Returns whether they have no end.
    pub(super) fn on_marked_window(&mut self) -> bool {
        self.marked_windows = (self.marked_windows + 1).min(PROVEN);
        self.marked_windows >= ENDLESS
    }

    /// The window was reduced, for whatever reason.
    pub(super) fn on_reduced(&mut self) {
        self.cwr_due = true;
    }

    /// The reduction is undone, so CWR need not be sent.
    pub(super) fn on_restored(&mut self) {
        self.cwr_due = false;
    }

    /// The flags of a segment; `new_text`: it carries text for the first time.
    pub(super) fn flags(&self, new_text: bool) -> Control {
        let mut flags = Control::NONE;
        if self.echoing {
            flags |= Control::ECE;
        }
        if self.cwr_due && new_text {
            flags |= Control::CWR;
        }
        flags
    }

    /// A segment with these flags left, and acknowledged whatever had come.
    pub(super) fn on_sent(&mut self, flags: Control) {
        self.earlier.clear();
        self.cwr_due &= !flags.has(Control::CWR);
    }
}
