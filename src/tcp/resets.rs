//! Which resets are accepted, and what else ends a connection: see [`Resets`] and
//! [`Acceptance`](crate::config::Acceptance).

use super::discard::Discard;
use super::error::ConnectionError;
use super::input::Step;
use super::segment::Segment;
use super::seq::Seq;
use super::state::{Event, State};
use super::tcb::Tcb;
use crate::config::Resets;
use crate::wire::Control;

impl Tcb {
    /// Whether a segment has both RST and SYN, and does not count as a reset: see
    /// [`Acceptance`](crate::config::Acceptance).
    pub(super) fn is_nonsense(&self, seg: &Segment<'_>) -> bool {
        seg.ctl.has(Control::SYN) && !self.config.acceptance.resets_with_syn
    }

    /// Whether it has the sequence number of the peer's FIN, and that counts as RCV.NXT.
    pub(super) fn is_reset_at_fin(&self, seg: &Segment<'_>) -> bool {
        self.config.acceptance.resets == Resets::AlsoBehindHeld
            && matches!(
                self.state,
                State::CloseWait | State::Closing | State::LastAck
            )
            && self.rcv.fin == Some(seg.seq)
    }

    /// Whether a SYN in the window resets the connection (RFC 793), if configured.
    pub(super) fn is_reset_by_syn(&self, seg: &Segment<'_>) -> bool {
        let is_in_window = self.rcv.nxt <= seg.seq && seg.seq < self.rcv.edge;
        let may_end = self.state.is_synchronized() && self.state != State::TimeWait;
        self.config.acceptance.syns_reset && may_end && is_in_window
    }

    /// Whether a reset ends the connection: see [`Resets`].
    pub(super) fn is_believed(&self, seg: &Segment<'_>) -> bool {
        let ends_lightly = self.ends_lightly() && self.state == State::FinWait2;
        seg.seq == self.rcv.nxt
            || ends_lightly
            || match self.config.acceptance.resets {
                Resets::Exact => false,
                Resets::AlsoBehindHeld => {
                    let behind_held = self.agreed.sack && seg.seq == self.recv_buffer.end();
                    behind_held || self.is_reset_at_fin(seg)
                }
                Resets::InWindow => true,
            }
    }

    /// Checks a segment that began at `start` and whose text extends to `end`, beyond the
    /// peer's FIN: see
    /// [`Habits::resets_across_fin`](crate::config::Habits::resets_across_fin).
    pub(super) fn check_beyond_fin(&mut self, start: Seq, end: Seq, seg: &Segment<'_>) -> Step {
        let has_fin = matches!(
            self.state,
            State::CloseWait | State::Closing | State::LastAck
        );
        let crosses = has_fin && start < self.rcv.nxt && end > self.rcv.nxt;
        if !self.config.habits.resets_across_fin || !crosses {
            return Step::Continue(());
        }
        self.end(Event::RcvRst, Some(ConnectionError::Reset));
        self.refuse = seg.ack;
        Step::Break(Discard::TextBeyondFin)
    }
}
