//! Segments that end beyond the window: counted, refused or cut (RFC 9293 §3.10.7.4, first).

use super::discard::Discard;
use super::input::Step;
use super::segment::Segment;
use super::seq::Seq;
use super::state::State;
use super::stats::Overrun;
use super::tcb::{AckDue, Tcb};
use crate::wire::{Control, Text};

impl Tcb {
    /// A segment ends beyond the window, which the host counts. A FIN needs no room, and a SYN is
    /// not judged by its place.
    pub(super) fn note_overrun(&mut self, seg: &Segment<'_>) {
        let (nxt, edge) = (self.rcv.nxt, self.true_edge());
        let end = seg.text_start() + seg.text.len();
        if end <= edge || seg.ctl.has(Control::SYN) {
            return;
        }
        let refused = self.config.habits.refuses_overruns && self.has_unread();
        let is_next = seg.seq <= nxt && nxt == edge && !refused;
        self.stats.overrun = Some(match is_next {
            true => Overrun::ZeroWindow,
            false => Overrun::BeyondWindow,
        });
    }

    /// Text that ends beyond the window, while other text waits to be read: see
    /// [`Habits::refuses_overruns`](crate::config::Habits::refuses_overruns).
    pub(super) fn refuse_overrun(&mut self, seg: &Segment<'_>) -> Step {
        if !self.config.habits.refuses_overruns || self.state == State::TimeWait {
            return Step::Continue(());
        }
        let end = seg.text_start() + seg.text.len();
        let ends_beyond = end > self.true_edge() || self.is_at_edge(seg);
        if ends_beyond && self.has_unread() {
            self.acks.due = AckDue::Now;
            return Step::Break(Discard::NotAcceptable);
        }
        // What is taken whole is no overrun.
        self.stats.overrun = (self.stats.overrun).filter(|kind| *kind == Overrun::ZeroWindow);
        Step::Continue(())
    }

    /// Whether text waits to be read, or the end of the stream.
    fn has_unread(&self) -> bool {
        self.recv_buffer.len() > 0 || self.fin_received() && !self.rcv.end_read
    }

    /// Text or a FIN begins where the window ends, and the window is open: see
    /// [`Habits::refuses_overruns`](crate::config::Habits::refuses_overruns).
    #[inline]
    pub(super) fn is_at_edge(&self, seg: &Segment<'_>) -> bool {
        self.config.habits.refuses_overruns && self.begins_at_edge(seg)
    }

    #[inline(never)]
    fn begins_at_edge(&self, seg: &Segment<'_>) -> bool {
        let edge = self.true_edge();
        let is_open = self.state.receives_text() && edge > self.rcv.nxt;
        let counts = is_open && !seg.ctl.has(Control::SYN) && !seg.is_empty();
        seg.seq == edge && counts
    }

    /// Text there is not accepted; but if no user holds the connection, that it was sent still
    /// counts.
    #[inline]
    pub(super) fn cut_at_edge(&self, seg: &mut Segment<'_>) {
        if self.is_at_edge(seg) && !self.orphan {
            (seg.text, seg.ctl) = (Text::EMPTY, seg.ctl - Control::FIN);
        }
    }

    /// Where text is cut off: at the end of the window, or, with
    /// [`Habits::refuses_overruns`](crate::config::Habits::refuses_overruns), where the room in the buffer
    /// ends.
    pub(super) fn edge_of_text(&self) -> Seq {
        match self.config.habits.refuses_overruns {
            true => self.true_edge().max(self.recv_buffer.limit()),
            false => self.rcv.edge,
        }
    }
}
