//! One mark a round trip (RFC 3168 §6.1.2, §6.1.3).

use crate::wire::{Control, Ecn};

/// What both ends remember in Classic mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Classic {
    /// A mark has come and no CWR since: every acknowledgment carries ECE.
    echoing: bool,
    /// The window was reduced: the next new text carries CWR.
    cwr_due: bool,
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
