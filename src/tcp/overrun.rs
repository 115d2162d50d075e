//! Segments that end beyond the window: counted, refused or cut (RFC 9293 §3.10.7.4, first).

use super::discard::Discard;
use super::input::Step;
use super::segment::Segment;
use super::seq::Seq;
use super::state::State;
use super::stats::Overrun;
use super::tcb::{AckDue, Tcb};
use crate::wire::Control;

impl Tcb {
    /// Something ends beyond the window, which its host counts. A FIN needs no room, and a SYN is
    /// not judged by its place.
    pub(super) fn note_overrun(&mut self, seg: &Segment<'_>) {
        let (nxt, edge) = (self.rcv.nxt, self.true_edge());
        let end = seg.text_start() + seg.text.len();
        if end <= edge || seg.ctl.has(Control::SYN) {
            return;
        }
        let is_next = seg.seq <= nxt && nxt == edge;
        self.stats.overrun = Some(match is_next {
            true => Overrun::ZeroWindow,
            false => Overrun::BeyondWindow,
        });
    }

    /// Text that ends beyond the window, while other text waits to be read: see
    /// [`Habits::refuses_overruns`](crate::config::Habits::refuses_overruns).
    pub(super) fn refuse_overrun(&mut self, seg: &Segment<'_>) -> Step {
        let ends_beyond = seg.text_start() + seg.text.len() > self.true_edge();
        let refuses = self.config.habits.refuses_overruns && self.state != State::TimeWait;
        // The end of the stream waits, too.
        let waits = || self.recv_buffer.len() > 0 || self.fin_received() && !self.rcv.end_read;
        if refuses && ends_beyond && waits() {
            self.acks.due = AckDue::Now;
            return Step::Break(Discard::NotAcceptable);
        }
        Step::Continue(())
    }

    /// What lies beyond is cut off: the window, or, with
    /// [`Habits::refuses_overruns`](crate::config::Habits::refuses_overruns), what the buffer has room for.
    pub(super) fn edge_of_text(&self) -> Seq {
        match self.config.habits.refuses_overruns {
            true => self.true_edge().max(self.recv_buffer.limit()),
            false => self.rcv.edge,
        }
    }
}
