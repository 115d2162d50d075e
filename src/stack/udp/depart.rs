//! A datagram leaves; and what the queues of sockets take of the host's memory.

use super::queue::Head;
use crate::stack::{Stack, UdpId};
use crate::tcp::Readiness;

impl Stack {
    /// The next datagram of a UDP socket.
    pub(in crate::stack) fn udp_departs(&mut self, id: UdpId) -> Option<Head> {
        let departed = self.udp.at_mut(id)?.depart();
        self.udp_charge(id);
        let (head, makes_room) = departed?;
        self.counters.udp.sent += 1;
        if makes_room {
            self.udp_note(id, Readiness::WRITABLE);
        }
        Some(head)
    }

    /// The first in the queue, a UDP socket, has nothing more to send now.
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

    /// The queues of a socket have changed: what they take is counted.
    pub(super) fn udp_charge(&mut self, id: UdpId) {
        if let Some(socket) = self.udp.at_mut(id) {
            for queue in [&mut socket.received, &mut socket.queued] {
                let (before, now) = queue.recharge();
                self.memory.charge_datagrams(before, now);
            }
        }
    }

    /// Nothing is left of a socket that was released.
    pub(super) fn udp_remove(&mut self, id: UdpId) {
        let Some(socket) = self.udp.remove(id) else {
            return;
        };
        for queue in [socket.received, socket.queued] {
            self.memory.charge_datagrams(queue.charged(), 0);
        }
    }
}
