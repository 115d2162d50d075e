//! A plain TUN queue as a device of smoltcp, with one buffer for each direction.

use bench_tun::Queue;
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The longest packet.
const MTU: usize = 1500;

pub struct Device {
    pub queue: Queue,
    received: Box<[u8; MTU]>,
    sent: Box<[u8; MTU]>,
}

impl Device {
    pub fn new(queue: Queue) -> Device {
        Device {
            queue,
            received: Box::new([0; MTU]),
            sent: Box::new([0; MTU]),
        }
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let length = self.queue.receive(&mut self.received[..]).ok().flatten()?;
        let sending = Sending {
            queue: &self.queue,
            buffer: &mut self.sent,
        };
        Some((Received(&self.received[..length]), sending))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending {
            queue: &self.queue,
            buffer: &mut self.sent,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

pub struct Sending<'a> {
    queue: &'a Queue,
    buffer: &'a mut [u8; MTU],
}

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let packet = &mut self.buffer[..length];
        let result = write(packet);
        // What the kernel does not take is lost: TCP sends it again.
        let _ = self.queue.send(packet);
        result
    }
}
