//! The end of a path at a host: for the host, a device like any other.

use core::net::IpAddr;

use super::path::Direction;
use crate::link::{Batch, Capabilities, Device, DeviceError};
use crate::wire::merge::Merge;
use crate::wire::{Offload, Packet, offload};

/// The most datagrams that wait for a host to receive them; any more are lost. A TUN interface
/// holds as many by default.
const QUEUE: usize = 500;

/// One end of a path.
#[derive(Debug)]
pub(super) struct Port {
    /// The path, and the direction of datagrams sent here.
    pub(super) link: u32,
    pub(super) direction: Direction,
    /// The longest datagram that the port accepts, in octets.
    pub(super) mtu: usize,
    /// What the port does instead of the stack. The path carries what would be on the wire: the port
    /// cuts super-segments that enter the path, and merges segments that leave it together.
    pub(super) offload: Offload,
    /// The addresses that are reached through this port.
    pub(super) behind: Vec<IpAddr>,
    arrived: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    merge: Merge,
    /// Memory of former datagrams, for reuse: the world lends it for a turn.
    pub(super) spare: Vec<Vec<u8>>,
}

impl Port {
    pub(super) fn new(link: u32, direction: Direction, mtu: usize, behind: Vec<IpAddr>) -> Port {
        Port {
            link,
            direction,
            mtu,
            offload: Offload::NONE,
            behind,
            arrived: Vec::new(),
            sent: Vec::new(),
            merge: Merge::default(),
            spare: Vec::new(),
        }
    }

    /// Takes a datagram that comes out of the path.
    pub(super) fn arrive(&mut self, datagram: Vec<u8>) {
        if self.arrived.len() < QUEUE {
            self.arrived.push(datagram);
        }
    }

    /// The datagrams sent since the last call.
    pub(super) fn sent(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.sent
    }

    /// Whether nothing waits to be received.
    pub(super) fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// Drops what has arrived, because the host is down.
    pub(super) fn clear(&mut self, spare: &mut Vec<Vec<u8>>) {
        spare.append(&mut self.arrived);
        spare.append(&mut self.sent);
    }
}

impl Device for Port {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            mtu: self.mtu,
            offload: self.offload,
        }
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        let mut taken = 0;
        while let (Some(slot), Some(datagram)) = (batch.slot(), self.arrived.get(taken)) {
            taken += 1;
            if self.offload.longest == 0 {
                let len = datagram.len().min(slot.len());
                slot[..len].copy_from_slice(&datagram[..len]);
                batch.commit(len);
                continue;
            }
            self.merge.begin(datagram);
            while let Some(next) = self.arrived.get(taken)
                && self.merge.take(next)
            {
                taken += 1;
            }
            let (datagram, form) = self.merge.end();
            slot[..datagram.len()].copy_from_slice(datagram);
            batch.commit_as(datagram.len(), form);
        }
        self.spare.extend(self.arrived.drain(..taken));
        Ok(())
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        let form = packet.form();
        let mut whole = self.memory();
        (packet.pieces().iter()).for_each(|piece| whole.extend_from_slice(piece));
        form.complete(&mut whole);
        let Some(by) = form.cut else {
            self.push(whole);
            return Ok(());
        };
        offload::cut(&whole, by, |piece| {
            let mut datagram = self.memory();
            datagram.extend_from_slice(piece);
            self.push(datagram);
        });
        self.spare.push(whole);
        Ok(())
    }
}

impl Port {
    /// An empty datagram.
    fn memory(&mut self) -> Vec<u8> {
        let mut datagram = self.spare.pop().unwrap_or_default();
        datagram.clear();
        datagram
    }

    /// Sends a datagram into the path, unless it is too long.
    fn push(&mut self, datagram: Vec<u8>) {
        match datagram.len() > self.mtu {
            true => self.spare.push(datagram),
            false => self.sent.push(datagram),
        }
    }
}
