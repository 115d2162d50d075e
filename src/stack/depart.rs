//! What leaves, as a packet: the headers that its connection or socket asks for.

use super::Stack;
use super::udp::{Head, UdpId};
use crate::tcp::Departure;
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
        let tcb = &self.table.at(slot)?.tcb;
        let identification = tcb.identification(&departure);
        let (segment, tuple) = (tcb.segment(now, departure), tcb.tuple());
        let mut ip = IpHeader::new(
            tuple.local.ip(),
            tuple.remote.ip(),
            protocol::TCP,
            tcb.options().hop_limit.unwrap_or(self.config.hop_limit),
        );
        ip.traffic_class = segment.ecn.on(tcb.options().traffic_class);
        if self.config.identifies_segments {
            ip.identification = identification;
        }
        let header = segment.header(tuple.local.port(), tuple.remote.port());
        let packet = Packet::tcp_for(offload, &ip, &header, segment.text, segment.mss);
        Some(match tcb.signature_key() {
            Some(key) => packet.signed(&ip, key.octets()),
            None => packet,
        })
    }

    /// A datagram of a UDP socket that has departed.
    pub(super) fn datagram(&self, id: UdpId, head: Head, offload: Offload) -> Option<Packet<'_>> {
        let socket = self.udp.at(id)?;
        let hop_limit = socket.options.hop_limit.unwrap_or(self.config.hop_limit);
        let mut ip = IpHeader::new(head.local, head.remote.ip(), protocol::UDP, hop_limit);
        ip.traffic_class = socket.options.traffic_class;
        let (source_port, text) = socket.departed();
        let header = UdpHeader {
            source_port,
            destination_port: head.remote.port(),
        };
        Some(Packet::udp_for(offload, &ip, &header, text))
    }
}
