//! The windows that we advertise (RFC 9293 §3.8.6): never moved left, never silly.

use super::handshake::own_mss;
use super::seq::Seq;
use super::tcb::{AckDue, Tcb};
use crate::config::WindowTold;

impl Tcb {
    /// The window of a SYN, which is never scaled.
    pub(super) fn syn_window(&self) -> u16 {
        let first = usize::from(self.config.initial_receive_window);
        self.first_window().min(first) as u16
    }

    /// The first window, even if the field of a SYN cannot express it.
    pub(super) fn first_window(&self) -> usize {
        let segments = self.config.windows.first_segments;
        let first = segments.map(|count| (count as usize).saturating_mul(self.own_segment()));
        self.largest_window().min(first.unwrap_or(usize::MAX))
    }

    /// The upper bound of windows: what the receive buffer holds, and the user allows.
    pub(super) fn largest_window(&self) -> usize {
        if let Some(memory) = &self.rcv.memory {
            return memory.largest_window();
        }
        let clamp = self.config.socket.window_clamp.unwrap_or(usize::MAX);
        self.whole_segments_of(self.recv_buffer.capacity().min(clamp.max(1)))
    }

    /// A window, with [`Windows::whole_segment_window`](crate::config::Windows::whole_segment_window)
    /// in whole segments.
    #[inline]
    fn whole_segments_of(&self, window: usize) -> usize {
        match self.config.windows.whole_segment_window {
            true => self.cut_to_whole_segments(window),
            false => window,
        }
    }

    #[inline(never)]
    fn cut_to_whole_segments(&self, window: usize) -> usize {
        // An active OPEN does not know yet whether segments will have timestamps.
        let segment = match self.passive {
            true => self.own_segment(),
            false => usize::from(own_mss(&self.config, self.path)).max(1),
        };
        match window > segment {
            true => window - window % segment,
            false => window,
        }
    }

    /// The longest text of a segment that we accept, besides the options of every segment.
    pub(super) fn own_segment(&self) -> usize {
        let options = self.agreed.options();
        let text = usize::from(own_mss(&self.config, self.path)).saturating_sub(options);
        text.max(1)
    }

    /// The right edge to advertise next: the receiver's side of silly window avoidance (RFC 9293
    /// §3.8.6.2.2). It stays until it can move by a segment or half the buffer, and it never
    /// moves left. What the window field cannot express is not offered, or, where windows have whole
    /// segments, rounded up, as in Linux.
    #[inline]
    pub(super) fn next_edge(&self) -> Seq {
        // It cannot lie beyond the buffer; if nothing was received, it is there already.
        match self.recv_buffer.limit() > self.rcv.edge {
            true => self.next_edge_beyond(),
            false => self.rcv.edge,
        }
    }

    #[inline(never)]
    fn next_edge_beyond(&self) -> Seq {
        if let Some(memory) = &self.rcv.memory {
            return self.edge_of_memory(memory);
        }
        let shift = self.agreed.window_scale.map_or(0, |(_, own)| own);
        let most = usize::from(u16::MAX) << shift;
        let capacity = self.recv_buffer.capacity();
        let step = self.snd.mss.min(self.largest_window() / 2).max(1);
        let is_whole = self.config.windows.whole_segment_window;
        let tells_room = self.config.windows.told == WindowTold::Room;
        let may_move = self.recv_buffer.limit().saturating_since(self.rcv.edge) >= step;
        if !may_move && !tells_room && !is_whole {
            return self.rcv.edge;
        }
        let beyond = capacity - self.whole_segments_of(capacity);
        let free = self.recv_buffer.limit().saturating_since(self.rcv.nxt);
        let memory = self.memory_for_receiving();
        let free = free
            .min(most)
            .min(memory.saturating_sub(self.recv_buffer.len()));
        let room = free.saturating_sub(beyond).min(self.largest_window());
        if tells_room {
            return self.edge_of_room(free.min(self.largest_window()));
        }
        let moves = (self.rcv.nxt + room).saturating_since(self.rcv.edge) >= step;
        let room = match is_whole {
            true => {
                let left = self.rcv.edge.saturating_since(self.rcv.nxt);
                let room = if moves { room } else { left };
                room.next_multiple_of(1 << shift).min(free)
            }
            false if moves => room,
            false => return self.rcv.edge,
        };
        let edge = self.rcv.nxt + ((room >> shift) << shift);
        edge.max(self.rcv.edge)
    }

    /// The same with [`WindowTold::Room`]: the buffer has room for `free` octets.
    fn edge_of_room(&self, free: usize) -> Seq {
        let room = free.saturating_sub(self.rounding());
        let is_silly = room < self.snd.mss && room < self.recv_buffer.capacity() / 4;
        let scale = 1 << self.own_shift();
        let room = if is_silly {
            0
        } else {
            room.next_multiple_of(scale).min(free)
        };
        (self.rcv.nxt + room / scale * scale).max(self.rcv.edge)
    }

    /// The user has read. Returns whether the peer should be told of the larger window at once.
    pub(super) fn owes_window_update(&self) -> bool {
        if !self.state.receives_text() {
            return false;
        }
        if let Some(memory) = &self.rcv.memory {
            return self.owes_window_of(memory);
        }
        let gained = self.next_edge().saturating_since(self.rcv.edge);
        let left = self.rcv.edge.saturating_since(self.rcv.nxt);
        if self.config.windows.told == WindowTold::Room {
            return self.owes_room(left, gained);
        }
        // A nearly closed window holds the peer up. A larger one can wait for the next acknowledgment,
        // unless half the buffer has become free, which is also so after a SYN that could not express
        // its size; and even then it can wait for an answer that carries an acknowledgment.
        gained > 0
            && (left < 2 * self.snd.mss
                || 2 * gained >= self.largest_window() && !self.expects_answer())
    }

    /// Whether an acknowledgment waits for an answer that is likely to come.
    fn expects_answer(&self) -> bool {
        let waits = self.acks.due == AckDue::Delayed && self.acks.answering;
        waits && self.config.ack_waits.expect_answer
    }

    /// The same with [`WindowTold::Room`]: a window of `left` octets would grow by `gained`.
    fn owes_room(&self, left: usize, gained: usize) -> bool {
        if self.acks.due != AckDue::No {
            return false;
        }
        let (capacity, mss) = (self.recv_buffer.capacity(), self.snd.mss);
        let matters =
            4 * gained >= capacity || 8 * (left + gained) <= capacity || capacity <= 8 * mss;
        (gained >= 2 * mss && matters) || (gained > 0 && 2 * gained >= capacity)
    }
}
