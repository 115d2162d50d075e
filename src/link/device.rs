//! The bottom of the ladder: a device that carries datagrams, and promises no more than fair loss.

use core::fmt;

use super::{Batch, Landing};
use crate::wire::offload::Offload;
use crate::wire::{Packet, ip};

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest datagram that may be sent, in octets, IP header included; a super-segment may be
    /// longer.
    pub mtu: usize,
    /// The work that it does in place of the stack.
    pub offload: Offload,
}

impl Capabilities {
    /// A device that moves datagrams of this many octets as they are.
    pub const fn plain(mtu: usize) -> Capabilities {
        Capabilities {
            mtu,
            offload: Offload::NONE,
        }
    }

    /// The longest datagram that may arrive, in octets: a device that cuts super-segments also
    /// hands up super-segments.
    pub const fn longest_arrival(&self) -> usize {
        match self.offload.longest {
            0 => self.mtu,
            // In IPv6, that is the limit of the payload alone.
            _ => ip::MAX_DATAGRAM + ip::header_len(false),
        }
    }
}

/// Why a device cannot go on. A lesser problem (a full queue, an interface that is down for now) is
/// just a lost packet, which the link above expects.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The device is closed for good (its interface was deleted, its peer dropped).
    Closed,
    /// The operating system refused, and the device may work again later. Its error is the source.
    Io(std::io::Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceError::Closed => f.write_str("the device is closed"),
            DeviceError::Io(_) => f.write_str("the device failed"),
        }
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DeviceError::Closed => None,
            DeviceError::Io(error) => Some(error),
        }
    }
}

/// A device that carries IP datagrams: the *fair-loss link* at the bottom of everything.
///
/// Its contract, and all that the stack relies on:
///
/// * **Fair loss.** A datagram that is sent again and again, without end, arrives again and
///   again. One that is sent once may be lost.
/// * **Finite duplication.** A datagram that is sent a finite number of times arrives a finite
///   number of times.
/// * **No creation.** What arrives was sent. (A wire that flips bits breaks this; checksums restore
///   it, as far as sixteen bits can.)
pub trait Device {
    /// What the device can do; constant while it lives, except the MTU.
    fn capabilities(&self) -> Capabilities;

    /// Appends to `batch` what has arrived, until nothing is left or the batch is full. Never
    /// blocks.
    ///
    /// # Errors
    /// If the device cannot go on. An interface that is down is not an error: nothing arrives.
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError>;

    /// Sends one datagram, or takes it into the batch that [`Device::flush`] sends, or loses it.
    /// Never blocks.
    ///
    /// # Errors
    /// If the device cannot go on. A full queue is not an error: the datagram is lost.
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError>;

    /// Sends what [`Device::send`] has held back.
    ///
    /// # Errors
    /// As [`Device::send`].
    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Takes the receiving half, which from now on replaces [`Device::receive`] and works while other
    /// threads send. `None`: this device has none.
    fn receiver(&mut self) -> Option<Box<dyn Receiver>> {
        None
    }

    /// The device is no longer used, though it may take a while until it is dropped.
    fn end(&mut self) {}

    /// Takes the sending half, for a thread that sends while others receive; `None` if the device has
    /// none. Unless it is taken, everything is sent by [`Device::send`].
    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        None
    }
}

/// The sending half of a [`Device`], which keeps the same contract.
pub trait Sender: Send {
    /// As [`Device::send`].
    ///
    /// # Errors
    /// As [`Device::send`].
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError>;

    /// As [`Device::flush`].
    ///
    /// # Errors
    /// As [`Device::send`].
    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// The receiving half of a [`Device`].
pub trait Receiver: Send {
    /// As [`Device::receive`].
    ///
    /// # Errors
    /// As [`Device::receive`].
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError>;

    /// As [`Device::receive`], but text may land in its reader's buffer. An implementation that
    /// cannot do that receives into the batch alone.
    ///
    /// # Errors
    /// As [`Device::receive`].
    fn receive_landing(
        &mut self,
        batch: &mut Batch,
        _landing: &mut Landing<'_>,
    ) -> Result<(), DeviceError> {
        self.receive(batch)
    }
}
