//! FINs of the peer that are contradicted by later text or another FIN: see
//! [`Habits::fins_give_way`](crate::config::Habits::fins_give_way).

use super::segment::Segment;
use super::seq::Seq;
use super::tcb::{AckDue, Tcb};
use crate::wire::Control;

impl Tcb {
    /// Cuts the text of a segment at the peer's FIN: nothing follows a FIN, unless it lies beyond a gap and
    /// gives way. Returns whether it gave way.
    pub(super) fn cut_at_fin(&mut self, seg: &mut Segment<'_>) -> bool {
        let Some(fin) = self.rcv.fin else {
            return false;
        };
        let start = seg.text_start();
        let before_fin = fin.saturating_since(start).min(seg.text.len());
        if fin < self.rcv.nxt || !self.config.habits.fins_give_way {
            seg.text = seg.text.slice(0, before_fin);
            return false;
        }
        let covers = start <= fin && before_fin < seg.text.len();
        if covers {
            self.rcv.fin = None;
            self.recv_buffer.note_old_duplicate(fin..fin + 1);
        }
        covers
    }

    /// Whether a FIN at this place counts. A FIN before text that has already arrived contradicts that
    /// text. What arrived first counts, or, if FINs give way, what comes first in order.
    pub(super) fn takes_fin_at(&mut self, fin: Seq) -> bool {
        if !self.config.habits.fins_give_way {
            return self.rcv.fin.is_some() || fin >= self.recv_buffer.end();
        }
        if self.recv_buffer.is_held(fin) {
            self.recv_buffer.note_old_duplicate(fin..fin + 1);
            self.recv_buffer.hold_fin(fin);
            self.acks.due = AckDue::Now;
            return false;
        }
        match self.rcv.fin {
            Some(known) if known < fin => {
                self.acks.due = AckDue::Now;
                return false;
            }
            Some(known) if fin < known => self.rcv.fin = None,
            _ => {}
        }
        true
    }

    /// A FIN arrives in order, perhaps behind text: it ends the stream, whatever lies beyond a gap.
    #[inline]
    pub(super) fn forget_beyond_fin(&mut self, seg: &Segment<'_>) {
        let counts = seg.ctl.has(Control::FIN)
            && seg.text_start() <= self.rcv.nxt
            && seg.end() > self.rcv.nxt
            && self.state.receives_text();
        if counts && self.config.habits.fins_give_way && !self.recv_buffer.is_in_order() {
            self.rcv.fin = None;
            self.recv_buffer.forget_from(self.rcv.nxt);
            self.order_packets();
        }
    }

    /// RCV.NXT has reached the peer's FIN: what lies beyond it is forgotten.
    pub(super) fn end_at_fin(&mut self) {
        if self.config.habits.fins_give_way && !self.recv_buffer.is_in_order() {
            self.recv_buffer.forget_from(self.rcv.nxt);
            self.order_packets();
        }
    }
}
