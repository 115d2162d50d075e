//! Devices that a thread can wait for.

use std::os::fd::AsFd;

use crate::link::{Batch, Capabilities, Device, DeviceError, Receiver, Sender};
use crate::wire::Packet;

/// A device that a thread can wait for: its descriptor is readable, in the sense of
/// poll(2), when [`Device::receive`] may return a datagram or an error.
pub trait PollDevice: Device + AsFd + Send {}

impl<D: Device + AsFd + Send> PollDevice for D {}

impl<D: Device + ?Sized> Device for Box<D> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        (**self).receive(batch)
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        (**self).send(packet)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        (**self).flush()
    }

    fn receiver(&mut self) -> Option<Box<dyn Receiver>> {
        (**self).receiver()
    }

    fn end(&mut self) {
        (**self).end();
    }

    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        (**self).sender()
    }
}
