//! Which packet leaves next, and its headers.

use core::net::SocketAddr;

use super::flow_label::Flow;
use super::table::Entry;
use super::udp::{Head, Socket, SocketKind, UdpId};
use super::{Sender, Stack};
use crate::config::FlowLabel;
use crate::tcp::{Departure, FourTuple};
use crate::time::Instant;
use crate::wire::packet::MAX_HEADER;
use crate::wire::{Echo, IpHeader, Offload, Packet, UdpHeader, icmp, protocol};

/// What leaves next.
enum Departing {
    /// A segment of the connection in this slot, and whether that has nothing more to
    /// send.
    Segment(u32, Departure, bool),
    Datagram(UdpId, Head),
}

/// Datagrams, or fragments of them, that one connection or socket may send before the next one's turn.
const DATAGRAMS_PER_TURN: u32 = 16;

impl Stack {
    /// What leaves next; `None` when there is nothing to send now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Packet<'_>> {
        self.poll_transmit_for(now, Offload::NONE)
    }

    /// As [`Stack::poll_transmit`], for a device with these offloads.
    pub fn poll_transmit_for(&mut self, now: Instant, offload: Offload) -> Option<Packet<'_>> {
        if !self.itself.is_silent() {
            self.talk_to_itself(now);
        }
        if self.groups.has_news() {
            self.tell_of_groups(now);
        }
        if self.replies.advance() {
            self.counters.datagrams_out += 1;
            return Some(Packet::borrowed(self.replies.current()));
        }
        // The longest super-segment less the longest headers.
        let limit = offload.longest.saturating_sub(MAX_HEADER);
        let departing = loop {
            match *self.sending.front()? {
                Sender::Connection(slot) => {
                    let entry = self.table.at_mut(slot);
                    let departing = entry.and_then(|entry| {
                        let departure = entry.tcb.depart(now, limit)?;
                        Some((departure, entry.tcb.has_said_all()))
                    });
                    match departing {
                        Some((departure, is_last)) => {
                            break Departing::Segment(slot, departure, is_last);
                        }
                        None => self.stop_sending(slot),
                    }
                }
                Sender::Udp(id) => match self.udp_departs(id) {
                    Some(head) if self.udp_departs_otherwise(now, id, head) => {
                        if self.first_piece_departs() {
                            return Some(Packet::borrowed(self.replies.current()));
                        }
                    }
                    Some(head) => break Departing::Datagram(id, head),
                    None => self.udp_stops_sending(id),
                },
                Sender::Echo(id) => {
                    self.echo_departs(now, id);
                    if self.first_piece_departs() {
                        return Some(Packet::borrowed(self.replies.current()));
                    }
                }
            }
        };
        self.counters.datagrams_out += 1;
        match departing {
            Departing::Segment(slot, departure, is_last) => {
                match is_last {
                    true => self.stop_sending(slot),
                    false => self.take_turn(departure.segments()),
                }
                self.segment(now, slot, departure, offload)
            }
            Departing::Datagram(id, head) => {
                self.take_turn(1);
                self.datagram(id, head, offload)
            }
        }
    }

    /// The first piece of what the first socket in the queue has put among the replies, if anything. The others
    /// leave after it, and count as part of the same turn.
    #[inline(never)]
    fn first_piece_departs(&mut self) -> bool {
        let pieces = self.replies.len();
        let departs = self.replies.advance();
        if departs {
            self.take_turn(pieces);
            self.counters.datagrams_out += 1;
        }
        departs
    }

    /// Notes that this many datagrams leave; after enough in a row, it is the turn of the
    /// next in the queue.
    fn take_turn(&mut self, datagrams: usize) {
        self.turn += datagrams as u32;
        if self.turn >= DATAGRAMS_PER_TURN {
            self.turn = 0;
            self.sending.rotate_left(1);
        }
    }

    /// The first connection in the queue has nothing more to send now.
    fn stop_sending(&mut self, slot: u32) {
        self.sending.pop_front();
        self.turn = 0;
        self.has_sent_all(slot);
    }

    /// A connection has left all queues of those that may have something to send.
    pub(super) fn has_sent_all(&mut self, slot: u32) {
        if let Some(entry) = self.table.at_mut(slot) {
            entry.sending = false;
            self.follow_up(slot);
            self.put_to_rest(slot);
        }
    }

    /// The packet of a segment that has departed.
    pub(super) fn segment(
        &self,
        now: Instant,
        slot: u32,
        departure: Departure,
        offload: Offload,
    ) -> Option<Packet<'_>> {
        let Entry { tcb, flow, .. } = self.table.at(slot)?;
        let identification = tcb.identification(&departure);
        let (segment, tuple) = (tcb.segment(now, departure), tcb.tuple());
        let mut ip = IpHeader::new(
            tuple.local.ip(),
            tuple.remote.ip(),
            protocol::TCP,
            tcb.hop_limit().unwrap_or(self.config.hop_limit),
        );
        ip.traffic_class = segment.ecn.on(tcb.options().traffic_class);
        if tuple.remote.is_ipv6() {
            ip.flow_label = flow.label(tcb.options().flow_label, tcb.repeated().1);
        }
        ip.dont_fragment = !(tuple.remote.is_ipv4() && tcb.options().fragments);
        if self.config.identifies_segments || !ip.dont_fragment {
            ip.identification = identification;
        }
        let header = segment.header(tuple.local.port(), tuple.remote.port());
        // One call for each case, so that a packet without a signature is built in place
        // and not moved.
        if let Some(key) = tcb.signature_key() {
            return Some(Packet::tcp_signed(
                offload,
                &ip,
                &header,
                segment.text,
                key.octets(),
            ));
        }
        Some(Packet::tcp_for(
            offload,
            &ip,
            &header,
            segment.text,
            segment.mss,
        ))
    }

    /// The flow label of what belongs to no connection.
    pub(super) fn flow_label(&self, tuple: &FourTuple, asked: FlowLabel) -> u32 {
        match tuple.remote.is_ipv6() {
            true => Flow::new(&self.secret, tuple.local, tuple.remote).label(asked, 0),
            false => 0,
        }
    }

    /// The packet of a datagram that has departed from a UDP socket.
    pub(super) fn datagram(&self, id: UdpId, head: Head, offload: Offload) -> Option<Packet<'_>> {
        let socket = self.udp.at(id)?;
        let (source_port, text) = socket.departed();
        let ip = self.datagram_header(socket, &head, source_port);
        let header = UdpHeader {
            source_port,
            destination_port: head.remote.port(),
        };
        Some(Packet::udp_for(offload, &ip, &header, text))
    }

    /// What a UDP or echo socket has sent, complete.
    pub(super) fn whole_datagram(&self, id: UdpId, head: Head) -> Option<Vec<u8>> {
        let socket = self.udp.at(id)?;
        if socket.kind == SocketKind::Udp {
            return Some(self.datagram(id, head, Offload::NONE)?.to_vec());
        }
        let (identifier, text) = socket.departed();
        let ip = self.datagram_header(socket, &head, identifier);
        let echo = Echo {
            identifier,
            sequence: head.sequence,
            data: &text.to_vec(),
        };
        Some(icmp::echo_request(&ip, &echo))
    }

    /// The IP header of what a socket has sent; that of an echo request is given its protocol later.
    #[inline]
    fn datagram_header(&self, socket: &Socket, head: &Head, port: u16) -> IpHeader {
        let hop_limit = self.udp_hop_limit(socket, head);
        let mut ip = IpHeader::new(head.local, head.remote.ip(), protocol::UDP, hop_limit);
        ip.traffic_class = (head.marks.traffic_class).unwrap_or(socket.options.traffic_class);
        if head.local.is_ipv6() {
            let local = SocketAddr::new(head.local, port);
            let tuple = FourTuple {
                local,
                remote: head.remote,
            };
            ip.flow_label = self.flow_label(&tuple, socket.options.flow_label);
        }
        ip
    }
}
