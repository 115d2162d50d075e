//! What leaves, as a packet: the headers that its connection or socket asks for.

use core::net::SocketAddr;

use super::Stack;
use super::flow_label::Flow;
use super::table::Entry;
use super::udp::{Head, UdpId};
use crate::config::FlowLabel;
use crate::tcp::{Departure, FourTuple};
use crate::time::Instant;
use crate::wire::{IpHeader, Offload, Packet, UdpHeader, protocol};

impl Stack {
    /// A segment that has departed.
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
            tcb.options().hop_limit.unwrap_or(self.config.hop_limit),
        );
        ip.traffic_class = segment.ecn.on(tcb.options().traffic_class);
        if tuple.remote.is_ipv6() {
            ip.flow_label = flow.label(tcb.options().flow_label, tcb.repeated().1);
        }
        if self.config.identifies_segments {
            ip.identification = identification;
        }
        let header = segment.header(tuple.local.port(), tuple.remote.port());
        // Each in a call of its own: whoever is not signed is made where it goes, and not moved.
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

    /// A datagram of a UDP socket that has departed.
    pub(super) fn datagram(&self, id: UdpId, head: Head, offload: Offload) -> Option<Packet<'_>> {
        let socket = self.udp.at(id)?;
        let hop_limit = (head.marks.hop_limit).or(socket.options.hop_limit);
        let hop_limit = hop_limit.unwrap_or(self.config.hop_limit);
        let mut ip = IpHeader::new(head.local, head.remote.ip(), protocol::UDP, hop_limit);
        ip.traffic_class = (head.marks.traffic_class).unwrap_or(socket.options.traffic_class);
        let (source_port, text) = socket.departed();
        if head.local.is_ipv6() {
            let local = SocketAddr::new(head.local, source_port);
            let tuple = FourTuple {
                local,
                remote: head.remote,
            };
            ip.flow_label = self.flow_label(&tuple, socket.options.flow_label);
        }
        let header = UdpHeader {
            source_port,
            destination_port: head.remote.port(),
        };
        Some(Packet::udp_for(offload, &ip, &header, text))
    }
}
