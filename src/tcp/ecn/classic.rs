//! One mark a round trip (RFC 3168 §6.1.2, §6.1.3).

use crate::wire::{Control, Ecn};

/// After so many windows in which every acknowledgment of new text said ECE, nothing is sent
/// ECN-capable any more: RFC 3168 leaves that to the sender.
const ENDLESS: u8 = 8;
/// If it says so even after that, for so many windows, it speaks of no mark: what was sent cannot
/// have been marked, and CWR has been sent. Something on the path takes CWR away.
const PROVEN: u8 = ENDLESS + 2;

/// What both ends remember in Classic mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Classic {
    /// A mark has come and no CWR since: every acknowledgment carries ECE.
    echoing: bool,
    /// The window was reduced: the next new text carries CWR.
    cwr_due: bool,
    /// Windows reduced for marks since new text was last acknowledged without ECE; no more than
    /// count.
    marked_windows: u8,
}

impl Classic {
    /// Text arrived. Returns whether its acknowledgment must not wait: congestion should be known
    /// at once, and whoever has just reduced its window may have room for one segment only.
    pub(super) fn on_text(&mut self, control: Control, ecn: Ecn) -> bool {
        let reduced = control.has(Control::CWR);
        self.echoing &= !reduced;
        let begins = ecn == Ecn::Ce && !self.echoing;
        // The mark on a segment with CWR is a new one.
        self.echoing |= begins;
        begins || reduced
    }

    /// An acknowledgment arrived. Returns whether it speaks of marks.
    pub(super) fn hears(&mut self, control: Control, acknowledges: bool) -> bool {
        let says = control.has(Control::ECE);
        if acknowledges && !says {
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

    /// A segment with these flags left.
    pub(super) fn on_sent(&mut self, flags: Control) {
        self.cwr_due &= !flags.has(Control::CWR);
    }
}
