//! How a datagram leaves, and how a released socket ends.

use super::Socket;
use super::names::HEADER;
use super::queue::Head;
use crate::stack::{Stack, UdpId};
use crate::tcp::Readiness;
use crate::time::Instant;
use crate::wire::ip;

impl Stack {
    /// The next datagram of a socket.
    pub(in crate::stack) fn udp_departs(&mut self, id: UdpId) -> Option<Head> {
        let socket = self.udp.at_mut(id)?;
        let departed = socket.depart();
        socket.queued.charge(&mut self.memory);
        let (head, makes_room) = departed?;
        let kind = socket.kind;
        self.counters.of_mut(kind).sent += 1;
        if makes_room {
            self.udp_note(id, Readiness::WRITABLE);
        }
        Some(head)
    }

    /// Whether a departing datagram needs no packet of its own. One that goes no further than this host
    /// arrives here at once; one that is too long for the interface is queued as fragments.
    #[inline(never)]
    pub(in crate::stack) fn udp_departs_otherwise(
        &mut self,
        now: Instant,
        id: UdpId,
        head: Head,
    ) -> bool {
        if self.udp_stays(now, id, head) {
            return true;
        }
        let mtu = self.udp_departing_mtu(now, id, &head);
        if ip::header_len(head.local.is_ipv4()) + HEADER + head.len <= mtu {
            return false;
        }
        let identification = self.identifications.draw();
        if let Some(datagram) = self.whole_datagram(id, head)
            && let Ok(pieces) = ip::fragments(datagram, mtu, identification)
        {
            self.replies.push_all(pieces);
        }
        true
    }

    /// Whether a datagram that departs does not leave: it has arrived then, if somebody here hears it.
    pub(super) fn udp_stays(&mut self, now: Instant, id: UdpId, head: Head) -> bool {
        if self.is_for_itself(head.remote.ip()) {
            self.udp_to_itself(now, id, head);
            return true;
        }
        self.is_for_many(head.remote.ip()) && self.udp_departs_to_many(now, id, head)
    }

    /// The longest packet in which a datagram leaves. One that was accepted before the path MTU became
    /// smaller, and may not be fragmented, leaves as it is.
    pub(super) fn udp_departing_mtu(&mut self, now: Instant, id: UdpId, head: &Head) -> usize {
        self.udp_forget_paths(now);
        match self.udp.at(id) {
            Some(socket) if socket.options.fragments => {
                self.udp_mtu(socket, Some(head.remote.ip()))
            }
            _ => self.config.mtu,
        }
    }

    /// TTL or hop limit of a datagram: its own, or else that of its socket, or else of the host.
    pub(in crate::stack) fn udp_hop_limit(&self, socket: &Socket, head: &Head) -> u8 {
        let of_socket = match head.remote.ip().is_multicast() {
            true => Some(socket.options.multicast_hop_limit),
            false => socket.options.hop_limit,
        };
        let own = head.marks.hop_limit.or(of_socket);
        own.unwrap_or(self.config.hop_limit)
    }

    /// The UDP or echo socket that is first in the queue has nothing more to send now.
    #[inline(never)]
    pub(in crate::stack) fn udp_stops_sending(&mut self, id: UdpId) {
        self.sending.pop_front();
        self.turn = 0;
        let Some(socket) = self.udp.at_mut(id) else {
            return;
        };
        socket.sending = false;
        if socket.closed {
            self.udp_remove(id);
        }
    }

    /// Removes a released socket.
    pub(super) fn udp_remove(&mut self, id: UdpId) {
        let Some(socket) = self.udp.remove(id) else {
            return;
        };
        socket.received.discharge(&mut self.memory);
        socket.queued.discharge(&mut self.memory);
    }
}
