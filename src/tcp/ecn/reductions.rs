//! The congestion window is reduced once for each window of text, whether for marks or for losses (RFC 3168
//! §6.1.2).

use super::Feedback;
use crate::config::EcnMode;
use crate::tcp::seq::Seq;

impl Feedback {
    /// Whether marks that an acknowledgment of `ack` reports are the first of their window: then
    /// the congestion window must be reduced, once (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn begins_window(&mut self, ack: Seq, nxt: Seq) -> bool {
        let begins = self.reduced.is_none_or(|reduced| ack > reduced);
        if begins {
            self.on_reduced(nxt);
            self.answered = Some(nxt);
            if self.mode == EcnMode::Classic && self.classic.on_marked_window() {
                self.capable = false;
            }
        }
        begins
    }

    /// The reduction of the congestion window is over: the next mark is the first of its window.
    pub(in crate::tcp) fn end_window(&mut self) {
        self.reduced = None;
    }

    /// Whether marks have reduced the window that `una` lies in.
    pub(in crate::tcp) fn has_reduced_for(&self, una: Seq) -> bool {
        self.answered.is_some_and(|answered| una <= answered)
    }

    /// The segment at `lost` is lost. Returns whether the window must be reduced for it: not if
    /// that window has already been reduced for its marks (RFC 3168 §6.1.2).
    pub(in crate::tcp) fn on_loss(&mut self, lost: Seq, nxt: Seq) -> bool {
        self.loss_was_answered = self.answered.is_some_and(|answered| lost < answered);
        if !self.loss_was_answered {
            self.on_reduced(nxt);
        }
        !self.loss_was_answered
    }

    /// The congestion window was reduced, for whatever reason.
    pub(in crate::tcp) fn on_reduced(&mut self, nxt: Seq) {
        match self.mode {
            EcnMode::Off => return,
            EcnMode::Classic => self.classic.on_reduced(),
            EcnMode::Accurate => {}
        }
        self.reduced = Some(nxt);
    }

    /// The retransmission timer expired, and the window is reduced. If the segment that tested the
    /// path for options was lost, no more options are sent (RFC 9768 §3.2.3.2.2).
    pub(in crate::tcp) fn on_timeout(&mut self, nxt: Seq) {
        self.loss_was_answered = false;
        self.on_reduced(nxt);
        if self.tested.take().is_some() {
            self.receiver.stop_options();
        }
    }

    /// The last loss was spurious. Returns whether the window was reduced for it. CWR need not be sent
    /// then, unless the acknowledgment also reports marks (`is_marked`), for which the window stays
    /// reduced.
    pub(in crate::tcp) fn on_spurious_loss(&mut self, is_marked: bool) -> bool {
        let was_reduced = !core::mem::take(&mut self.loss_was_answered);
        if was_reduced && !is_marked {
            self.classic.on_restored();
        }
        was_reduced
    }
}
