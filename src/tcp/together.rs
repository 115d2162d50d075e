//! Segments that leave together, as one packet that the device cuts, with [`Push::SendEnd`]: when
//! [packets](super::packets) leave, and leave again.

use core::ops::Range;
use core::time::Duration;

use super::packets::{Giving, Look, Packets, Terms};
use super::plan::Plan;
use super::sending::Sending;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::Push;
use crate::time::Instant;

/// The most text that leaves a queue as one.
pub(super) const LARGEST_BURST: usize = 65_536;
/// What left less than this long ago has left just now.
const JUST_NOW: Duration = Duration::from_millis(1);

/// How many segments Linux gives to its device as one packet: what the pacing rate, in octets a
/// second, lets out in a 1,024th of it, more if the path is short, and not less than `least`.
fn most_together(rate: u64, min_rtt: Option<Duration>, mss: usize, least: u32) -> usize {
    let largest = LARGEST_BURST as u64;
    let halvings = min_rtt.map_or(0, |rtt| rtt.as_micros() >> 9);
    let octets = (rate >> 10) + (largest >> halvings.min(63));
    (octets.min(largest) as usize / mss.max(1)).max(least as usize)
}

impl Tcb {
    /// Whether pushes are where a SEND or a packet ends.
    pub(super) fn marks_pushes(&self) -> bool {
        matches!(self.config.push, Push::SendEnd(_))
    }

    /// Whether text is kept in packets.
    pub(super) fn keeps_packets(&self) -> bool {
        self.marks_pushes() || self.counts_packets()
    }

    /// Notes whether text may wait for the next acknowledgment, so that more leaves together: something
    /// has left just now, and the acknowledgment is due.
    pub(super) fn note_gathering(&mut self, now: Instant) {
        self.gathers = self.marks_pushes()
            && now.since(self.last_sent) < JUST_NOW
            && self.recovery.is_answer_due(now, JUST_NOW);
    }

    /// See [`most_together`].
    fn most_together(&self) -> usize {
        let least = match self.config.push {
            Push::SendEnd(least) if !self.leaves_one_by_one() => least,
            Push::SendEnd(_) | Push::QueueEnd => 1,
        };
        let rate = self.rate_of_window().unwrap_or(0);
        most_together(rate, self.recovery.rtt.min_rtt(), self.snd.mss, least)
    }

    /// The most text that leaves a queue as one: half of the largest window so far, in full
    /// segments.
    fn largest_burst(&self) -> usize {
        let mss = self.segment_limit();
        (self.half_of_window().min(LARGEST_BURST) / mss).max(1) * mss
    }

    /// The conditions under which packets leave now.
    fn terms(&self) -> Terms {
        let segment = self.segment_limit();
        let weight = self.recovery.weight().map_or(self.snd.mss, |it| it.get());
        let head = self
            .boundaries
            .packets()
            .map_or(self.snd.nxt, Packets::head);
        let let_out = head.saturating_since(self.snd.nxt);
        let room = self.congestion_room().div_ceil(weight);
        let window = self.send_window().div_ceil(weight);
        Terms {
            segment,
            mss: self.snd.mss,
            window,
            in_flight: window.saturating_sub(room) + let_out.div_ceil(segment),
            most: self.most_together(),
            wnd: self.snd.wnd,
            edge: self.snd_edge(),
            holds_small: self.holds_small(let_out == 0),
            gathers: self.gathers,
            parts: self.config.gathered_parts as usize,
            urgent: self.snd.up.is_some(),
            fin: self.snd.fin.is_some(),
        }
    }

    /// The state of a SEND of this kind.
    fn giving(&self, is: Sending) -> Giving {
        let counts = self.counts_packets();
        let low_water = self.config.socket.unsent_low_water;
        Giving {
            goal: match is.urgent {
                true => self.segment_limit(),
                false => self.largest_burst(),
            },
            half: match self.snd.max_wnd {
                0 => usize::MAX,
                wnd => wnd / 2,
            },
            memory: self.memory_of_packets(),
            most_memory: match counts {
                true => self.memory_for_packets(),
                false => usize::MAX,
            },
            most_waiting: low_water.filter(|_| counts).unwrap_or(usize::MAX),
            urgent: is.urgent,
            part: self.parted,
            record: is.record,
            paced: self.is_paced(),
            short: is.short,
        }
    }

    /// The conditions that a SEND finds before its text is added.
    fn sending_terms(&self) -> Terms {
        let may_leave = self.state.is_synchronized() && !self.is_held_by_pacer();
        let terms = self.terms();
        Terms {
            window: if may_leave { terms.window } else { 0 },
            holds_small: false,
            ..terms
        }
    }

    /// How many of these octets SEND takes.
    pub(super) fn room_in_packets(&self, octets: usize, is: Sending) -> usize {
        let start = self.send_buffer.end();
        let mut packets = match self.boundaries.packets() {
            Some(packets) => packets.waiting(),
            None => Packets::new(start),
        };
        packets.give(octets, &mut self.giving(is), &mut self.sending_terms())
    }

    /// SEND has taken the text of `given`.
    #[inline]
    pub(super) fn note_given(&mut self, now: Instant, given: Range<Seq>, is: Sending) {
        if self.keeps_packets() && !given.is_empty() {
            self.restart_packets(now);
            self.keep(&given, is);
        }
    }

    #[inline(never)]
    fn keep(&mut self, given: &Range<Seq>, is: Sending) {
        let mut giving = Giving {
            most_memory: usize::MAX,
            most_waiting: usize::MAX,
            ..self.giving(is)
        };
        let mut terms = self.sending_terms();
        let packets = self.boundaries.keep_packets(given.start);
        packets.give(given.end - given.start, &mut giving, &mut terms);
    }

    /// The packet that leaves next, with the text that leaves now; `None` if none does. Our FIN counts as a
    /// packet without text.
    fn next_packet(&self, packets: &Packets) -> Option<Look> {
        let nxt = self.snd.nxt;
        if packets.head() > nxt {
            return packets.end_at(nxt).map(Look::at);
        }
        if self.probes.overdue {
            let most = self
                .snd_edge()
                .saturating_since(nxt)
                .min(self.segment_limit());
            let end = packets.end_at(nxt)?.min(nxt + most);
            return (end > nxt).then(|| Look::at(end));
        }
        if self.send_buffer.end() <= nxt {
            return Some(Look::at(nxt));
        }
        packets.look(&self.terms())
    }

    /// New text in packets, as much as one segment takes, if it may leave now; or several, as far as the limit
    /// goes.
    pub(super) fn plan_packet(&self, packets: &Packets, limit: usize) -> Option<Plan> {
        let nxt = self.snd.nxt;
        let queued = self.send_buffer.end().saturating_since(nxt);
        let usable = self.snd_edge().saturating_since(nxt);
        let segment = self.segment_limit();
        let end = self.next_packet(packets)?.end?;
        let room = (end - nxt).min(usable);
        let len = match room > segment && limit >= 2 * segment && self.may_leave_as_one() {
            true => room.min(limit / segment * segment),
            false => room.min(segment),
        };
        let fin = len == queued && self.snd.fin.is_some() && usable > len && self.takes_fin(len);
        (len > 0 || fin).then_some(Plan::Text(nxt..nxt + len + usize::from(fin)))
    }

    /// New text is about to leave, up to `end`. Lets out its packet, if that has not been done; or only a
    /// part of it, if `alone`.
    #[inline]
    pub(super) fn let_packet_out(&mut self, end: Seq, alone: bool) {
        if self.boundaries.packets().is_some() {
            self.let_kept_packet_out(end, alone);
        }
    }

    #[inline(never)]
    fn let_kept_packet_out(&mut self, end: Seq, alone: bool) {
        let end = end.min(self.send_buffer.end());
        let Some(packets) = self.boundaries.packets() else {
            return;
        };
        let limit = (self.sack_count() > 0).then(|| self.segment_limit());
        let look = match alone {
            true => self.look_for_probe(packets),
            false => self.next_packet(packets),
        };
        let (nxt, is_forced) = (self.snd.nxt, self.probes.overdue);
        let Some(packets) = self.boundaries.packets_mut() else {
            return;
        };
        packets.limit = packets.limit.or(limit);
        if is_forced && packets.head() <= nxt {
            return packets.force(end);
        }
        if let Some(look) = look
            && packets.head() <= nxt
            && look.end >= Some(end)
        {
            match alone {
                true => packets.grow(look),
                false => packets.let_out(look),
            }
        }
        packets.pass(end);
    }

    /// Whether the peer's window alone holds the next text back. As on Linux, it does not while cwnd lets
    /// nothing out.
    pub(super) fn is_packet_bound_by_window(&self, packets: &Packets) -> bool {
        packets.head() <= self.snd.nxt && packets.is_bound_by_window(&self.terms())
    }

    /// The first waiting packet, if a segment of it leaves regardless of cwnd.
    fn look_for_probe(&self, packets: &Packets) -> Option<Look> {
        let terms = self.terms();
        packets.look(&Terms {
            window: terms.window.max(terms.in_flight + 1),
            holds_small: false,
            gathers: false,
            ..terms
        })
    }

    /// The end of new text that leaves as a tail loss probe.
    pub(super) fn end_of_probe(&self, packets: &Packets) -> Option<Seq> {
        let nxt = self.snd.nxt;
        let look = (packets.head() <= nxt).then(|| self.look_for_probe(packets));
        (look.flatten().and_then(|look| look.end)).or_else(|| packets.end_at(nxt))
    }

    /// Everything that may leave has left, or tried to.
    #[inline]
    pub(super) fn end_flight(&mut self) {
        if let Some(packets) = self.boundaries.packets_mut()
            && packets.end_flight()
        {
            self.try_packet();
        }
    }

    /// The first waiting packet tries to leave.
    #[inline]
    pub(super) fn try_packet(&mut self) {
        if self.boundaries.packets().is_some() {
            self.try_kept_packet();
        }
    }

    #[inline(never)]
    fn try_kept_packet(&mut self) {
        let Some(packets) = self.boundaries.packets() else {
            return;
        };
        if packets.head() > self.snd.nxt || !self.state.is_synchronized() {
            return;
        }
        if let Some(look) = packets.look(&self.terms())
            && look.end.is_none()
            && let Some(packets) = self.boundaries.packets_mut()
        {
            packets.grow(look);
        }
    }

    /// Whether more of a packet that has partly left follows at once.
    #[inline]
    pub(super) fn leaves_together(&self) -> bool {
        (self.boundaries.packets())
            .is_some_and(|packets| packets.goes_on(self.snd.una, self.snd.nxt))
    }

    /// Whether a part of a packet has just left again, and the rest, from `start` on, follows at
    /// once.
    pub(super) fn leaves_on_again(&self, start: Seq) -> bool {
        (self.boundaries.packets()).is_some_and(|packets| packets.rest_again(start).is_some())
    }

    /// The end of the packet that is sent again from the start of `lost`; segments may reach `edge`.
    pub(super) fn packet_again(&self, packets: &Packets, lost: &Range<Seq>, edge: Seq) -> Seq {
        let (start, segment) = (lost.start, self.segment_limit());
        let text_end = self.send_buffer.end().min(self.snd.nxt);
        let weight = self.recovery.weight().map_or(self.snd.mss, |it| it.get());
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        let room = self.send_window().saturating_sub(in_flight) / weight;
        let segments = room.clamp(1, self.most_together());
        let usable = edge.saturating_since(start);
        let most = match segments * segment {
            most if most <= usable => most,
            _ if usable < segment => usable,
            _ => usable / segment * segment,
        };
        let sacked = self.recovery.sacked_from(start).unwrap_or(text_end);
        let lost_to = lost.end.min(text_end);
        packets.end_again(
            start,
            most,
            segment,
            lost_to..sacked.min(text_end).min(edge),
        )
    }

    /// Whether our FIN, which has left at `place`, joins the packet before it when that leaves again, lost
    /// or not; segments may reach `edge`.
    pub(super) fn joins_fin(&self, place: Seq, edge: Seq) -> bool {
        self.boundaries.packets().is_some()
            && self.snd.nxt > place
            && edge > place
            && self.recovery.sacked_from(place.before(1)) != Some(place)
    }

    /// Where a tail loss probe begins in the packet of the last segment, whose text goes from `last` to
    /// `text_end`. If the packet is longer, it begins behind as many segments, of the present length, as
    /// have left before it.
    pub(super) fn last_of_packet(&self, packets: &Packets, last: Seq, text_end: Seq) -> Seq {
        let start = packets.start_at(last, self.snd.una);
        let before = self.recovery.segments_from(start).saturating_sub(1) * self.segment_limit();
        match before < text_end.saturating_since(start) {
            true => start + before,
            false => start,
        }
    }

    /// A segment is about to leave again; `as_probe`: as a tail loss probe.
    pub(super) fn leave_again(&mut self, range: &Range<Seq>, as_probe: bool) {
        let (text_end, una) = (self.send_buffer.end(), self.snd.una);
        let Some(packets) = self.boundaries.packets() else {
            return;
        };
        let left = range.end.min(text_end);
        let end = match self.edge_of_resends(range.start).filter(|_| !as_probe) {
            Some(edge) => match self.recovery.lost() {
                Some(lost) if lost.start == range.start => self.packet_again(packets, &lost, edge),
                _ => left,
            },
            None => left,
        };
        if let Some(packets) = self.boundaries.packets_mut()
            && range.start < left
        {
            packets.leave_again(range.start..end.max(left), left, una);
        }
    }

    /// Whether less than a segment waits; `idle`: nothing was let out that has not left.
    fn holds_small(&self, idle: bool) -> bool {
        let is_idle = idle && self.snd.nxt == self.snd.una.max(self.snd.iss + 1);
        let options = &self.config.socket;
        let may_leave = is_idle || options.nodelay || self.nagle_lets_through();
        !self.probes.push_due && (options.cork || self.parted || !may_leave)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tcp_tso_autosize` of Linux: a 1,024th of a second of the pacing rate, and 64 KiB halved for
    /// every 512 µs of the least round trip.
    #[test]
    fn as_many_leave_together_as_rate_and_path_let() {
        let most = |rate, millis| most_together(rate, Some(Duration::from_millis(millis)), 1000, 2);
        assert_eq!(most(200_000, 100), 2, "the least");
        assert_eq!(most(10_240_000, 100), 10);
        assert_eq!(most(u64::MAX, 100), 65, "64 KiB");
        assert_eq!(most(0, 0), 65);
        assert_eq!(most(0, 1), 32);
        assert_eq!(most(5_120_000, 2), 13, "5,000 octets and 8,192");
        assert_eq!(most_together(0, None, 1000, 2), 65, "no round trip yet");
    }
}
