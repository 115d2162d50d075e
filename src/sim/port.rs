//! Where a path ends at a host: to the host it is a device like any other.

use core::net::IpAddr;

use super::path::Direction;
use crate::link::{Batch, Capabilities, Device, DeviceError};
use crate::wire::Packet;

/// Datagrams that wait for a host which does not take them; beyond, they are lost. As many as a
/// TUN interface holds by default.
const QUEUE: usize = 500;

/// One end of a path.
#[derive(Debug)]
pub(super) struct Port {
    /// Which path, and which way a datagram goes that is sent here.
    pub(super) link: u32,
    pub(super) direction: Direction,
    /// The longest datagram that it takes, in octets.
    pub(super) mtu: usize,
    /// Who is reached through it.
    pub(super) behind: Vec<IpAddr>,
    arrived: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    /// Memory of datagrams that are no more: the world's, lent for a turn.
    pub(super) spare: Vec<Vec<u8>>,
}

impl Port {
    pub(super) fn new(link: u32, direction: Direction, mtu: usize, behind: Vec<IpAddr>) -> Port {
        Port {
            link,
            direction,
            mtu,
            behind,
            arrived: Vec::new(),
            sent: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// A datagram comes out of the path.
    pub(super) fn arrive(&mut self, datagram: Vec<u8>) {
        if self.arrived.len() < QUEUE {
            self.arrived.push(datagram);
        }
    }

    /// What was sent since the last call.
    pub(super) fn sent(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.sent
    }

    /// Whether nothing waits to be received.
    pub(super) fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// The host is down: nobody receives what has arrived.
    pub(super) fn clear(&mut self, spare: &mut Vec<Vec<u8>>) {
        spare.append(&mut self.arrived);
        spare.append(&mut self.sent);
    }
}

impl Device for Port {
    fn capabilities(&self) -> Capabilities {
        Capabilities::plain(self.mtu)
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        let mut taken = 0;
        for datagram in &self.arrived {
            let Some(slot) = batch.slot() else {
                break;
            };
            let len = datagram.len().min(slot.len());
            slot[..len].copy_from_slice(&datagram[..len]);
            batch.commit(len);
            taken += 1;
        }
        self.spare.extend(self.arrived.drain(..taken));
        Ok(())
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        if packet.len() > self.mtu {
            return Ok(());
        }
        let mut datagram = self.spare.pop().unwrap_or_default();
        datagram.clear();
        (packet.pieces().iter()).for_each(|piece| datagram.extend_from_slice(piece));
        self.sent.push(datagram);
        Ok(())
    }
}
