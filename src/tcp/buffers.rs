//! How large the buffers are.
//!
//! **Receiving** (dynamic right-sizing; Fisk and Feng, 2001): in every round trip the octets that
//! the user reads are counted. A sender that only the path limits sends the same amount in each
//! round trip, and in slow start twice as much in the next. So the window should be twice what was
//! read, and more while that still grows. A user that reads slowly makes nothing grow.
//!
//! The round trip is the shortest of the last seconds. A queue before a bottleneck makes round trips
//! longer but brings nothing more, so it does not count. If the user is scheduled late, what was read
//! in a longer time counts in proportion. Such a user finds much at once, and reads it faster than
//! any path delivers it, so each count takes a minimum time, however short the round trip.
//!
//! **Sending:** twice the congestion window, one in flight and one to follow; but no more than the
//! fastest path would carry in two round trips ([`TcpConfig::fastest_path`]). On a very short path
//! the window would grow without end: what is in flight lies in the peer's receive buffer, and is no
//! longer in the cache when it is read.
//!
//! Memory is allocated only for text that is held, whatever the size of a buffer.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use super::control::first_window;
use super::handshake::{own_mss, own_window_scale};
use super::readiness::Readiness;
use super::sending::Sending;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::{ReceiveGrowth, TcpConfig, WindowTold};
use crate::time::Instant;

/// A window is less than 2^30 octets (RFC 7323 §2.3).
pub(super) const LARGEST: usize = (1 << 30) - 1;

/// The shortest round trip counts for one to two times this long, in nanoseconds.
const SHORTEST_LASTS: u64 = 10_000_000_000;

/// Each count of what is read lasts at least this long.
const LEAST_COUNT: Duration = Duration::from_millis(10);

/// Segments added to what was read: those that are under way when the count begins.
const SLACK: usize = 16;

/// The largest size to which the receive buffer may grow.
pub(super) fn largest_receive_buffer(config: &TcpConfig) -> usize {
    match config.socket.receive_buffer {
        Some(fixed) => fixed.clamp(1, LARGEST),
        None => config.receive_buffer,
    }
}

/// The receive buffer that a connection starts with.
pub(super) fn first_receive_buffer(config: &TcpConfig) -> usize {
    let first = match config.socket.receive_buffer {
        Some(_) => LARGEST,
        None => config.initial_receive_buffer,
    };
    first.min(largest_receive_buffer(config))
}

/// The send buffer that a connection starts with.
pub(super) fn first_send_buffer(config: &TcpConfig) -> usize {
    match config.socket.send_buffer {
        Some(fixed) => fixed.clamp(1, LARGEST),
        None => config.initial_send_buffer.min(config.send_buffer),
    }
}

/// The state from which the size of the receive buffer follows.
#[derive(Clone, Debug)]
pub(super) struct RightSizing {
    /// The round trip, as a receiver sees it.
    round_trip: RoundTrip,
    /// When the count began, and up to where the user had read.
    began: Instant,
    from: Seq,
    /// The most octets that were read in a round trip.
    most: usize,
}

impl RightSizing {
    /// The peer, with segments of `mss` octets, is expected to begin as we would (RFC 6928 §2).
    pub(super) fn new(now: Instant, config: &TcpConfig, mss: usize) -> RightSizing {
        let expected = first_window(config, mss as u64, config.initial_window);
        RightSizing {
            round_trip: RoundTrip::new(now),
            began: now,
            from: Seq::initial(0),
            most: usize::try_from(expected).unwrap_or(usize::MAX),
        }
    }

    /// Hashes what decides the future: see [`Tcb::hash_canonical`]. With fixed sizes, nothing does.
    pub(super) fn hash_canonical(
        &self,
        config: &TcpConfig,
        now: Instant,
        hasher: &mut impl Hasher,
    ) {
        if first_receive_buffer(config) == largest_receive_buffer(config) {
            return;
        }
        (now - self.began, self.from, self.most).hash(hasher);
        let RoundTrip {
            timed,
            shortest,
            before,
            since,
            is_measured: _,
        } = &self.round_trip;
        match *timed {
            Timed::Nothing => 0u8.hash(hasher),
            Timed::Echo(val, sent) => (1u8, val, now - sent).hash(hasher),
            Timed::Window(edge, since) => (2u8, edge, now - since).hash(hasher),
        }
        (shortest, before, now - *since).hash(hasher);
    }

    /// The shortest round trip of the last seconds, as a receiver sees it; `None` before it has seen one.
    pub(super) fn measured_round_trip(&self) -> Option<Duration> {
        self.round_trip
            .shortest()
            .filter(|_| self.round_trip.is_measured)
    }

    /// No more than this many octets are expected in the first round trip.
    pub(super) fn expect(&mut self, octets: usize) {
        self.most = self.most.min(octets);
    }

    /// The most octets that were read in a round trip.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The peer's first octet will lie at `start`.
    pub(super) fn start(&mut self, now: Instant, start: Seq) {
        (self.began, self.from) = (now, start);
        self.round_trip.timed = Timed::Nothing;
    }

    /// The user has read up to `place`: whether that was seven eighths of `capacity` in a round trip.
    fn has_filled(&mut self, now: Instant, round: Duration, place: Seq, capacity: usize) -> bool {
        if now - self.began < round {
            return false;
        }
        let octets = place - self.from;
        (self.began, self.from) = (now, place);
        octets > capacity / 8 * 7
    }

    /// The user has read up to `place`. Returns the capacity that this asks for, if it has grown.
    fn on_read(&mut self, now: Instant, round: Duration, place: Seq, mss: usize) -> Option<usize> {
        let elapsed = now - self.began;
        if elapsed < round.max(LEAST_COUNT) {
            return None;
        }
        let octets = (place - self.from) as u128;
        let share = octets * round.as_nanos() / elapsed.as_nanos().max(1);
        let volume = usize::try_from(share).unwrap_or(LARGEST).min(LARGEST);
        (self.began, self.from) = (now, place);
        let before = self.most;
        if volume <= before {
            return None;
        }
        self.most = volume;
        let wanted = 2 * volume + SLACK * mss;
        // In slow start the next round trip brings as much more again.
        let growing = wanted as u128 * (volume - before) as u128 / before.max(1) as u128;
        Some(wanted + usize::try_from(growing).unwrap_or(wanted).min(wanted))
    }
}

/// The shortest round trip of the last seconds.
#[derive(Clone, Debug)]
struct RoundTrip {
    timed: Timed,
    /// The shortest since `since`, and the shortest of the time before, in nanoseconds.
    shortest: Option<u64>,
    before: Option<u64>,
    since: Instant,
    /// There has been a sample; before the first, the round trip of the handshake stands in for
    /// one.
    is_measured: bool,
}

/// What will give the next sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timed {
    Nothing,
    /// The echo of a timestamp: its value, and when it was first sent.
    Echo(u32, Instant),
    /// A window full of text: the place where it ends, and since when the peer may send it.
    Window(Seq, Instant),
}

impl RoundTrip {
    fn new(now: Instant) -> RoundTrip {
        RoundTrip {
            timed: Timed::Nothing,
            shortest: None,
            before: None,
            since: now,
            is_measured: false,
        }
    }

    #[inline(always)]
    fn sample(&mut self, now: Instant, sent: Instant) {
        if now.nanos_since(self.since) >= SHORTEST_LASTS {
            self.before = self.shortest.take();
            self.since = now;
        }
        let sample = now.nanos_since(sent);
        self.shortest = Some(self.shortest.map_or(sample, |least| least.min(sample)));
        self.timed = Timed::Nothing;
        self.is_measured = true;
    }

    fn shortest(&self) -> Option<Duration> {
        let least = match (self.shortest, self.before) {
            (Some(shortest), Some(before)) => Some(shortest.min(before)),
            (one, other) => one.or(other),
        };
        least.map(Duration::from_nanos)
    }
}

impl Tcb {
    /// An acknowledgment leaves: the answer to it will give a sample.
    pub(super) fn time_round_trip(&mut self, now: Instant) {
        let timed = &mut self.right_sizing.round_trip.timed;
        if *timed == Timed::Nothing {
            *timed = match self.agreed.timestamps {
                true => Timed::Echo(self.timestamps.option(now).val, now),
                false => Timed::Window(self.rcv.edge, now),
            };
        }
    }

    /// `text` octets have arrived, `in_order` of them, up to RCV.NXT, with this echo of a timestamp.
    #[inline(always)]
    pub(super) fn sample_round_trip(
        &mut self,
        now: Instant,
        text: usize,
        in_order: usize,
        echo: Option<u32>,
    ) {
        let RoundTrip {
            timed, shortest, ..
        } = &self.right_sizing.round_trip;
        if *timed != Timed::Nothing || shortest.is_none() {
            self.take_round_trip(now, text, in_order, echo);
        }
    }

    fn take_round_trip(&mut self, now: Instant, text: usize, in_order: usize, echo: Option<u32>) {
        let round_trip = &mut self.right_sizing.round_trip;
        if round_trip.shortest.or(round_trip.before).is_none() {
            // With packets counted, this is never known here.
            if self.rcv.memory.is_some() {
                return self.sample_rounds(now, text, in_order, echo);
            }
            // The handshake has measured one before the text of this connection filled any queue.
            round_trip.shortest = self.recovery.rtt.srtt_nanos();
        }
        match (round_trip.timed, echo) {
            (Timed::Echo(val, sent), Some(echo)) => {
                let later = echo.wrapping_sub(val).cast_signed();
                if later == 0 {
                    round_trip.sample(now, sent);
                } else if later > 0 {
                    round_trip.timed = Timed::Nothing;
                }
            }
            (Timed::Window(edge, since), _) if self.rcv.nxt >= edge => {
                round_trip.sample(now, since);
            }
            _ => {}
        }
    }

    /// The user has read. The receive buffer grows if what was read in the last round trip requires
    /// it, and shrinks to the size that the user has asked for, as far as that room was not offered
    /// to the peer.
    pub(super) fn size_receive_buffer(&mut self, now: Instant) {
        if self.rcv.memory.is_some() {
            return self.size_receive_memory(now);
        }
        let place = self.recv_buffer.read_place();
        let capacity = self.recv_buffer.capacity();
        let largest = largest_receive_buffer(&self.config);
        let wanted = match self.config.socket.receive_buffer {
            Some(fixed) => fixed.clamp(1, LARGEST),
            None if !self.allowance.plenty => capacity,
            None if capacity < largest => self.right_size(now, place).max(capacity),
            None => largest,
        };
        let (wanted, largest) = (
            self.to_be_told(self.in_whole_segments(wanted)),
            self.to_be_told(self.in_whole_segments(largest)),
        );
        let fin = usize::from(self.fin_received());
        let given = self.rcv.edge.saturating_since(place + fin);
        let given = match self.agreed.window_scale {
            // The rest of a window is rounded up when it is advertised again.
            Some((_, shift)) if self.config.windows.whole_segment_window => {
                given.next_multiple_of(1 << shift)
            }
            _ => given,
        };
        self.recv_buffer
            .set_capacity(wanted.min(largest).max(given));
    }

    /// The handshake has shown how long segments are.
    pub(super) fn fit_buffers_to_segments(&mut self, now: Instant) {
        if self.config.windows.whole_segment_buffers {
            self.size_receive_buffer(now);
            self.size_send_buffer();
        }
    }

    /// This many octets, rounded up to whole segments: see
    /// [`Windows::whole_segment_buffers`](crate::config::Windows::whole_segment_buffers).
    fn in_whole_segments(&self, octets: usize) -> usize {
        let whole = self.config.windows.whole_segment_buffers && self.rcv.irs.is_some();
        let segment = self.segment_with_options();
        match whole && octets > segment {
            true => octets.next_multiple_of(segment).min(LARGEST),
            false => octets,
        }
    }

    /// The capacity for this many octets. If advertised windows are rounded up, it covers the rounding.
    fn to_be_told(&self, octets: usize) -> usize {
        match self.config.windows.told {
            WindowTold::Steps => octets,
            WindowTold::Room => octets.next_multiple_of(1 << self.own_shift()).min(LARGEST),
        }
    }

    /// How many octets of the receive buffer exist only because a window was rounded up.
    pub(super) fn rounding(&self) -> usize {
        let (capacity, segment) = (self.recv_buffer.capacity(), self.segment_with_options());
        let rounds = self.config.windows.told == WindowTold::Room
            && self.config.windows.whole_segment_buffers
            && self.rcv.irs.is_some()
            && capacity > segment;
        let beyond = if rounds { capacity % segment } else { 0 };
        if beyond < 1 << self.own_shift() {
            beyond
        } else {
            0
        }
    }

    /// The shift of the windows that we advertise.
    pub(super) fn own_shift(&self) -> u8 {
        self.agreed.window_scale.map_or(0, |(_, own)| own)
    }

    /// A full segment of ours, its options counted as text.
    fn segment_with_options(&self) -> usize {
        usize::from(self.snd.peer_mss.min(own_mss(&self.config, self.path))).max(1)
    }

    /// The user has asked for another size. Until our SYN has left, it decides the window scale
    /// too.
    pub(super) fn resize_receive_buffer(&mut self, now: Instant) {
        if self.rcv.irs.is_some() {
            self.size_receive_buffer(now);
            return;
        }
        let first = first_receive_buffer(&self.config);
        if self.snd.nxt == self.snd.iss {
            self.rcv.shift = own_window_scale(&self.config);
            self.recv_buffer.set_capacity(first);
        } else {
            // The SYN has offered all that there was.
            let capacity = self.recv_buffer.capacity();
            self.recv_buffer.set_capacity(first.max(capacity));
        }
    }

    fn right_size(&mut self, now: Instant, place: Seq) -> usize {
        let sizing = &mut self.right_sizing;
        let (sampled, srtt) = (sizing.round_trip.shortest(), self.recovery.rtt.srtt());
        let round = match self.agreed.timestamps {
            // Until there is a sample, the round trip of the handshake counts.
            true => sampled.or(srtt),
            // A window full of text may take longer to come than a round trip.
            false => srtt.or(sampled),
        };
        let mss = self.rcv.mss;
        if self.config.windows.growth == ReceiveGrowth::Never {
            return 0;
        }
        if self.config.windows.growth == ReceiveGrowth::HalfMore {
            let capacity = self.recv_buffer.capacity();
            let full = round.is_some_and(|round| sizing.has_filled(now, round, place, capacity));
            return if full { capacity + capacity / 2 } else { 0 };
        }
        round
            .and_then(|round| sizing.on_read(now, round, place, mss))
            .unwrap_or_default()
    }

    /// The congestion window may have moved.
    #[inline(always)]
    pub(super) fn follow_window(&mut self) {
        // Nothing to grow by, or to give back.
        let capacity = self.send_buffer.capacity();
        let is_first = capacity == self.config.initial_send_buffer;
        let fits = self.congestion.window() <= capacity as u64 / 2 && !self.counts_packets();
        if !is_first || !fits || self.config.socket.send_buffer.is_some() {
            self.size_send_buffer();
        }
    }

    /// The congestion window has moved, or the user has asked for another size.
    pub(super) fn size_send_buffer(&mut self) {
        let capacity = self.send_buffer.capacity();
        let wanted = match self.config.socket.send_buffer {
            Some(fixed) => fixed.clamp(1, LARGEST),
            None => {
                let window = usize::try_from(self.congestion.window()).unwrap_or(LARGEST);
                let twice = match self.counts_packets() {
                    true => self.memory_of_two_windows(window),
                    false => window.saturating_mul(2),
                };
                let twice = twice.min(self.config.send_buffer);
                let (grown, first) = (twice.max(capacity), first_send_buffer(&self.config));
                match self.allowance.plenty {
                    true if grown > first => grown.min(self.path_holds()).max(first),
                    true => first,
                    false => capacity,
                }
            }
        };
        let wanted = self.in_whole_segments(wanted);
        if wanted != capacity {
            self.send_buffer.set_capacity(wanted);
        }
    }

    /// What the fastest path would carry in two of the shortest round trips, octets.
    fn path_holds(&self) -> usize {
        // In virtual time a round trip may take no time, which tells nothing.
        let round = (self.recovery.rtt.min_rtt()).filter(|round| !round.is_zero());
        match (self.config.fastest_path, round) {
            (Some(rate), Some(round)) => {
                let octets = u128::from(rate) * 2 * round.as_nanos() / 1_000_000_000;
                usize::try_from(octets).unwrap_or(LARGEST)
            }
            _ => LARGEST,
        }
    }

    /// How many of `most` octets a SEND takes now: as many as there is room for, but no more than may wait
    /// unsent.
    pub(super) fn send_room(&self, most: usize, is: Sending) -> usize {
        let memory = self.memory_for_sending();
        if self.counts_packets() {
            let memory = memory.min(self.most_to_send());
            let most = most.min(memory.saturating_sub(self.send_buffer.len()));
            return self.room_in_packets(most, is);
        }
        let room = (self.send_buffer.room()).min(memory.saturating_sub(self.send_buffer.len()));
        let room = room.min(most);
        match self.config.socket.unsent_low_water {
            Some(mark) => {
                let most = mark.max(1).saturating_add(self.may_leave());
                room.min(most.saturating_sub(self.unsent()))
            }
            None => room,
        }
    }

    /// Whether SEND takes anything.
    pub(super) fn has_send_room(&self) -> bool {
        self.send_room(1, Sending::default()) > 0
    }

    /// Octets of new text that the windows let out at once.
    pub(super) fn may_leave(&self) -> usize {
        let usable = self.snd_edge().saturating_since(self.snd.nxt);
        usable.min(self.congestion_room())
    }

    /// Octets of text that wait to be sent for the first time.
    pub(super) fn unsent(&self) -> usize {
        let first = self.snd.nxt.max(self.snd.iss + 1);
        self.send_buffer.end().saturating_since(first)
    }

    /// Whether a good part of the buffer is free, so that a waiting user is not woken for every
    /// octet. With a low-water mark for unsent text, the user is woken when half of that waits.
    pub fn is_writable(&self) -> bool {
        if self.counts_packets() {
            return self.packets_leave_room() && self.has_send_room();
        }
        let most = match self.config.socket.unsent_low_water {
            Some(mark) if self.unsent() >= self.may_leave() + mark.div_ceil(2).max(1) => {
                return false;
            }
            Some(mark) => mark.min(self.send_buffer.capacity()),
            None => self.send_buffer.capacity(),
        };
        let most = most.min(self.memory_for_sending());
        self.send_room(usize::MAX, Sending::default()) >= most.div_ceil(3).max(1)
    }

    /// A user that waits for room has it.
    #[inline]
    pub(super) fn wake_writer(&mut self) {
        if self.starved {
            self.wake_starved_writer();
        }
    }

    fn wake_starved_writer(&mut self) {
        if self.is_writable() {
            self.starved = false;
            self.readiness |= Readiness::WRITABLE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6928 §2: ten segments, but no more than 14,600 octets, or two segments if those are more.
    #[test]
    fn a_peer_is_expected_to_begin_with_the_initial_window() {
        let config = TcpConfig::default();
        let expected = |mss| RightSizing::new(Instant::ZERO, &config, mss).most;
        assert_eq!([536, 1448, 8948].map(expected), [5360, 14_480, 17_896]);
    }

    /// Twice what is read in a round trip, 16 segments for what is under way, and as much more as that has grown, but
    /// no more than twice of it all.
    #[test]
    fn twice_what_is_read_in_a_round_trip_has_room() {
        let mut sizing = RightSizing::new(Instant::ZERO, &TcpConfig::default(), 1000);
        let (round, mut place) = (Duration::from_millis(100), Seq::initial(0));
        sizing.most = 40_000;
        for (rounds, octets, capacity) in [
            (1, 40_000, None),
            (1, 50_000, Some(116_000 * 5 / 4)),
            // Half as much a round trip.
            (4, 220_000, Some(126_000 * 11 / 10)),
            (1, 200_000, Some(416_000 * 2)),
        ] {
            place += octets;
            let now = sizing.began + rounds * round;
            assert_eq!(sizing.on_read(now, round, place, 1000), capacity);
        }
    }
}
