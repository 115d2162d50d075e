//! How the memory that received packets take affects windows and acknowledgments: see
//! [`ReceiveRoom::Packets`](crate::config::ReceiveRoom). The memory itself is counted in
//! [`receive_memory`](super::receive_memory).

use super::buffers::LARGEST;
use super::receive_memory::{Arrival, LEAST_LIMIT, Packet, ReceiveMemory, Terms};
use super::receive_rounds::Rounds;
use super::seq::Seq;
use super::state::State;
use super::status::Receiving;
use super::tcb::{AckDue, Tcb};
use super::text::AboutText;
use crate::config::{ReceiveGrowth, ReceiveRoom};
use crate::time::{Duration, Instant};

/// One segment may be accepted beyond the window; it is no longer than this.
const LONGEST_SEGMENT: usize = 65_535;
/// How many segments the peer is expected to send in the first round trip.
const FIRST_SEGMENTS: usize = 10;

impl Tcb {
    /// The SYNs have agreed on options: from now on packets count, if they are configured to.
    pub(super) fn start_receive_memory(&mut self) {
        if self.config.windows.room != ReceiveRoom::Packets {
            return;
        }
        let window = self.first_window();
        let field = usize::from(u16::MAX) << self.own_shift();
        let clamp = self.config.socket.window_clamp.unwrap_or(usize::MAX);
        let limit = (2 * self.recv_buffer.capacity()).max(LEAST_LIMIT);
        let segment = self.own_segment();
        let mut memory = ReceiveMemory::new(&Terms {
            limit,
            is_fixed: self.config.socket.receive_buffer.is_some(),
            may_shrink: self.config.windows.may_shrink && self.own_shift() > 0,
            largest: self.config.receive_buffer,
            window,
            start: self.rcv.nxt,
            most: clamp.min(field),
            segment,
            peer_segment: self.snd.mss,
        });
        // Whether segments have options is known now.
        let first = FIRST_SEGMENTS * segment;
        self.right_sizing
            .expect(memory.threshold().min(window).min(first));
        memory.rounds = Rounds::new(self.rcv.nxt, self.right_sizing.most());
        self.rcv.memory = Some(Box::new(memory));
        self.fit_receive_buffer();
    }

    /// The handshake has shown how long segments are. A connection opened by Fast Open had to assume it
    /// before.
    pub(super) fn expect_segments(&mut self, now: Instant) {
        let (window, segment) = (self.window_left(), self.snd.mss);
        if let Some(memory) = self.rcv.memory.as_mut().filter(|_| !self.opening.is_child) {
            memory.expect_segments(segment, window);
            memory.rounds.start(now);
        }
    }

    /// `text` octets have arrived, `in_order` of them, up to RCV.NXT, with this echo of a
    /// timestamp.
    #[inline(never)]
    pub(super) fn sample_rounds(
        &mut self,
        now: Instant,
        text: usize,
        in_order: usize,
        echo: Option<u32>,
    ) {
        let ticks = echo.map(|echo| self.timestamps.option(now).val.wrapping_sub(echo));
        let waits = self.recv_buffer.len() > in_order;
        let (nxt, told, may_grow) = (self.rcv.nxt, self.window_told(), self.may_widen());
        let Some(memory) = &mut self.rcv.memory else {
            return;
        };
        if let (Some(echo), Some(ticks)) = (echo, ticks)
            && text >= memory.segment()
        {
            memory.rounds.on_echo(echo, ticks, waits);
        }
        if in_order > 0 {
            memory.rounds.on_text(now, nxt, told);
        } else if may_grow {
            // What lies beyond a gap takes memory, too.
            memory.widen(2 * memory.rounds.most(), nxt);
        }
    }

    /// Whether the receive buffer may grow.
    fn may_widen(&self) -> bool {
        let never = self.config.windows.growth == ReceiveGrowth::Never;
        self.allowance.plenty && !never && self.config.socket.receive_buffer.is_none()
    }

    /// The round trip as the receiver sees it; `None` before it has measured one.
    pub(super) fn receiver_round_trip(&self) -> Option<Duration> {
        match &self.rcv.memory {
            Some(memory) => memory.rounds.round_trip(),
            None => self.right_sizing.measured_round_trip(),
        }
    }

    /// Gives the buffer capacity for the window that memory allows, and a segment beyond it.
    fn fit_receive_buffer(&mut self) {
        let Some(memory) = &self.rcv.memory else {
            return;
        };
        let unit = 1 << self.own_shift();
        let end = self.recv_buffer.end().max(self.true_edge());
        let window = end.saturating_since(self.recv_buffer.read_place());
        let most = memory.limit().max(memory.taken()).max(window);
        (self.recv_buffer).set_capacity(most + LONGEST_SEGMENT + unit);
    }

    /// The right edge by which segments are judged: that of the last window, which may have been larger
    /// than its field could express, except in SYN-RECEIVED.
    pub(super) fn true_edge(&self) -> Seq {
        if self.state == State::SynReceived && self.answers_plainly() {
            return self.rcv.nxt + usize::from(self.syn_window());
        }
        let memory = self.rcv.memory.as_ref();
        memory.map_or(self.rcv.edge, |memory| memory.edge().max(self.rcv.edge))
    }

    /// The whole window that was last advertised.
    pub(super) fn window_told(&self) -> usize {
        let memory = self.rcv.memory.as_ref();
        let edge = memory.map_or(self.rcv.edge, |memory| memory.edge());
        edge.saturating_since(self.rcv.last_ack_sent)
    }

    /// What is left of it; zero for lack of memory.
    pub(super) fn window_left(&self) -> usize {
        let refuses = self.rcv.memory.as_ref().is_some_and(|it| it.refuses());
        match refuses {
            true => 0,
            false => self.rcv.edge.saturating_since(self.rcv.nxt),
        }
    }

    /// The window that memory leaves now.
    pub(super) fn window_of_memory(&self, memory: &ReceiveMemory) -> usize {
        memory.window(self.window_told(), 1 << self.own_shift())
    }

    /// The window to advertise: what is left of the last one is rounded up, unless it may shrink.
    fn next_window(&self, memory: &ReceiveMemory) -> usize {
        let unit = 1 << self.own_shift();
        let left = memory.edge().saturating_since(self.rcv.nxt);
        match self.window_of_memory(memory) {
            window if window < left && !memory.may_shrink(unit) => left.next_multiple_of(unit),
            window => window,
        }
    }

    /// The right edge to advertise next, as far as the field can express it.
    pub(super) fn edge_of_memory(&self, memory: &ReceiveMemory) -> Seq {
        let field = usize::from(u16::MAX) << self.own_shift();
        let held = self.recv_buffer.len();
        let most = (self.memory_for_receiving().saturating_sub(held))
            .min(self.recv_buffer.limit().saturating_since(self.rcv.nxt))
            .min(field);
        let edge = self.rcv.nxt + self.next_window(memory).min(most);
        match memory.may_shrink(1 << self.own_shift()) {
            true => edge,
            false => edge.max(self.rcv.edge),
        }
    }

    /// The user has read. Returns whether the window is at least twice what it was.
    pub(super) fn owes_window_of(&self, memory: &ReceiveMemory) -> bool {
        let left = match memory.refuses() {
            true => 0,
            false => memory.edge().saturating_since(self.rcv.nxt),
        };
        memory.has_doubled(left, self.window_told(), 1 << self.own_shift())
    }

    /// Whether there is memory for text in order, or beyond a gap. Text next in order always has memory
    /// while nothing else waits to be read.
    pub(super) fn has_memory_for(&mut self, at: Seq, len: usize) -> bool {
        let (read, nxt) = (self.recv_buffer.read_place(), self.rcv.nxt);
        let headers = self.path.headers + self.agreed.options();
        let Some(memory) = &mut self.rcv.memory else {
            return true;
        };
        memory.read_to(read);
        if memory.has_room(&Packet::new(at..at + len, headers), at <= nxt) {
            return true;
        }
        self.acks.quick = 0;
        if memory.make_room() {
            return true;
        }
        if let Some(end) = memory.prune(at, nxt) {
            self.recv_buffer.forget_from(end);
            if memory.has_room_left() {
                return true;
            }
        }
        // Text beyond a gap is dropped silently.
        if at <= nxt && !memory.refuse() {
            return true;
        }
        if at <= nxt {
            self.acks.due = AckDue::Now;
        }
        false
    }

    /// Counts the packet of text at `at`, which is about to be taken.
    #[inline(always)]
    pub(super) fn count_packet(&mut self, now: Instant, at: Seq, len: usize, about: &AboutText) {
        if self.rcv.memory.is_some() {
            self.count_packet_in_memory(now, at, len, about);
        }
    }

    #[inline(never)]
    fn count_packet_in_memory(&mut self, now: Instant, at: Seq, len: usize, about: &AboutText) {
        let (read, nxt, told) = (
            self.recv_buffer.read_place(),
            self.rcv.nxt,
            self.window_told(),
        );
        let (options, sack) = (self.agreed.options(), self.agreed.sack);
        let headers = self.path.headers + options;
        if let Some(memory) = &mut self.rcv.memory {
            memory.read_to(read);
            let arrival = Arrival {
                packet: Packet::new(at..at + len, headers).at(now),
                mss: about.mss,
                options,
                is_pushed: about.is_pushed,
                told,
            };
            memory.take(&arrival, nxt, sack);
        }
    }

    /// RCV.NXT has moved: packets beyond a gap may now be in order.
    #[inline(always)]
    pub(super) fn order_packets(&mut self) {
        if self.rcv.memory.is_some() {
            self.order_packets_in_memory();
        }
    }

    #[inline(never)]
    fn order_packets_in_memory(&mut self) {
        if let Some(memory) = &mut self.rcv.memory {
            memory.move_up(self.recv_buffer.next());
            memory.forget_from(self.recv_buffer.end());
        }
    }

    /// Adjusts the number of segments that are acknowledged at once: while the threshold grows, the peer
    /// should know; with little room, it need not hurry.
    #[inline(never)]
    pub(super) fn hurry_by_memory(&mut self) {
        let waiting = self.acks.unacknowledged;
        if let Some(memory) = &mut self.rcv.memory {
            if memory.take_growth() {
                self.acks.quick |= 1;
            }
            if waiting > memory.segment() && memory.is_short() {
                self.acks.quick = 0;
            }
        }
    }

    /// An acknowledgment leaves: computes its window. With little room, acknowledgments need not hurry.
    #[inline(always)]
    pub(super) fn tell_window(&mut self) {
        match self.rcv.memory.is_some() {
            true => self.tell_window_of_memory(),
            false => self.rcv.edge = self.next_edge(),
        }
    }

    #[inline(never)]
    fn tell_window_of_memory(&mut self) {
        let told = self
            .rcv
            .memory
            .as_ref()
            .map(|memory| self.next_window(memory));
        self.rcv.edge = self.next_edge();
        let edge = self.rcv.nxt + told.unwrap_or_default();
        if let Some(memory) = self.rcv.memory.as_mut().filter(|it| it.refuses()) {
            self.rcv.edge = self.rcv.nxt;
            memory.on_told(self.rcv.nxt);
            return;
        }
        if let Some(memory) = &mut self.rcv.memory {
            memory.on_told(edge);
            if memory.is_short() {
                self.acks.quick = 0;
            }
        }
    }

    /// Unread text is thrown away, and a reset advertises the room that this makes.
    pub(super) fn tell_window_without_unread(&mut self) {
        self.recv_buffer.discard();
        let place = self.recv_buffer.read_place();
        if let Some(memory) = &mut self.rcv.memory {
            memory.read_to(place);
            self.tell_window();
        }
    }

    /// With packets counted, a reset of the user advertises the current window, like an acknowledgment.
    pub(super) fn tell_window_in_reset(&mut self) {
        if self.rcv.memory.is_some() {
            self.tell_window_of_memory();
        }
    }

    /// RCV.NXT passes the peer's FIN. A window that is no longer computed stays as large as it is.
    pub(super) fn pass_fin(&mut self) {
        self.rcv.nxt += 1;
        self.rcv.edge = self.rcv.edge.max(self.rcv.nxt);
        if self.acks.lightly
            && let Some(memory) = &mut self.rcv.memory
        {
            memory.begin_behind(1);
        }
    }

    /// The window field of an acknowledgment.
    pub(super) fn window_of_acks(&self) -> usize {
        match self.acks.lightly {
            true => self.window_of_light_acks(),
            false => self.window_left(),
        }
    }

    /// In a light ending, the lower sixteen bits of the remaining window, which may be more than the field
    /// can express: see [`Habits::light_ending`](crate::config::Habits::light_ending).
    #[cold]
    fn window_of_light_acks(&self) -> usize {
        let left = self.true_edge().saturating_since(self.rcv.nxt);
        let field = (left >> self.own_shift()) & usize::from(u16::MAX);
        field << self.own_shift()
    }

    /// The user has read, or asked for another size.
    pub(super) fn size_receive_memory(&mut self, now: Instant) {
        let (place, nxt) = (self.recv_buffer.read_place(), self.rcv.nxt);
        let fixed = self.config.socket.receive_buffer;
        let may_grow = self.may_widen();
        if let Some(memory) = &mut self.rcv.memory {
            let first = memory.first_read(place);
            let wanted = first.and_then(|first| {
                let waiting = nxt.saturating_since(first);
                memory.rounds.on_read(now, first, waiting)
            });
            memory.read_to(place);
            match (fixed, wanted) {
                (Some(fixed), _) => memory.fix(2 * fixed.clamp(1, LARGEST)),
                (None, Some(window)) if may_grow => memory.widen(window, nxt),
                (None, _) => {}
            }
        }
        self.fit_receive_buffer();
    }

    /// The user wants no larger window than this.
    pub(super) fn clamp_receive_memory(&mut self) {
        let told = self.window_told();
        let clamp = self.config.socket.window_clamp.unwrap_or(LARGEST);
        if let Some(memory) = &mut self.rcv.memory {
            memory.set_clamp(clamp, told);
        }
    }

    /// What STATUS reports of the receive buffer: how much of the memory is for text.
    pub(super) fn receive_capacity(&self) -> usize {
        match &self.rcv.memory {
            Some(memory) => memory.limit() / 2,
            None => self.recv_buffer.capacity() - self.rounding(),
        }
    }

    /// When the octet `ahead` of the reader arrived; without packets counted, when text last arrived.
    pub fn text_came(&self, ahead: usize) -> Instant {
        let place = self.recv_buffer.read_place() + ahead;
        let memory = self.rcv.memory.as_ref();
        memory.map_or(self.stats.last_text_received, |memory| memory.came(place))
    }

    /// When the text that was read last arrived, in the same sense.
    pub fn read_text_came(&self) -> Instant {
        let memory = self.rcv.memory.as_ref();
        memory.map_or(self.stats.last_text_received, |memory| memory.read_came())
    }

    /// The rest of the receiving state.
    pub(super) fn receiving(&self) -> Receiving {
        let memory = self.rcv.memory.as_ref();
        let will_count = memory.is_none() && self.config.windows.room == ReceiveRoom::Packets;
        let first = will_count.then(|| self.first_window());
        Receiving {
            memory: memory.map_or(self.recv_buffer.len(), |memory| memory.taken()),
            threshold: memory.map(|memory| memory.threshold()).or(first),
            told: memory.map(|_| self.window_told()).or(first),
            clamp: memory.map(|memory| memory.clamp()),
            segment: memory.map(|memory| memory.segment()),
            most_read: memory.map_or(self.right_sizing.most(), |memory| memory.rounds.most()),
        }
    }
}
