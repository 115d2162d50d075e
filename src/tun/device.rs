//! A TUN interface as a device: one datagram, or one super-segment, per system call.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::calls::{write, writev};
use super::counters::TunCounters;
use super::offloads::Accepted;
use super::receiver::{TunReceiver, is_closed};
use super::{netlink, vnet};
use crate::link::{Batch, Capabilities, Device, DeviceError, Receiver, Sender};
use crate::wire::{Offload, Packet};

/// The user's end of a TUN interface. Dropping it detaches from the interface.
///
/// It loses only what the contract of [`Device`] allows; [`TunDevice::counters`] tells how much.
#[derive(Debug)]
pub struct TunDevice {
    inlet: TunReceiver,
    outlet: Outlet,
    name: String,
    index: u32,
    /// The MTU when the device was opened, octets.
    mtu: usize,
    /// The offloads to switch off when the last queue ends.
    accepted: Option<Accepted>,
}

/// A datagram of at most this many octets is copied into one piece before it is written: the copy
/// takes less time than the kernel needs for several pieces.
const SHORT: usize = 2048;

/// The sending half of the device.
#[derive(Clone, Debug)]
struct Outlet {
    fd: Arc<OwnedFd>,
    /// Each datagram has a header of [`vnet`] in front: there are offloads.
    vnet: bool,
    /// Where short datagrams are put together.
    whole: Vec<u8>,
    counters: Arc<TunCounters>,
}

impl TunDevice {
    pub(super) fn new(fd: OwnedFd, name: String, index: u32, mtu: usize, vnet: bool) -> TunDevice {
        let (fd, counters) = (Arc::new(fd), Arc::<TunCounters>::default());
        TunDevice {
            inlet: TunReceiver {
                fd: Arc::clone(&fd),
                vnet,
                counters: Arc::clone(&counters),
            },
            outlet: Outlet {
                fd,
                vnet,
                whole: Vec::new(),
                counters,
            },
            name,
            index,
            mtu,
            accepted: None,
        }
    }

    /// This device, as one of the queues that share `accepted`.
    pub(super) fn with(mut self, accepted: Option<Accepted>) -> TunDevice {
        self.accepted = accepted;
        self
    }

    /// The accepted offloads, which a further queue shares.
    pub(super) fn accepted(&self) -> Option<Accepted> {
        self.accepted.clone()
    }

    /// The name of the interface.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The MTU of the interface when it was opened, octets.
    pub fn mtu(&self) -> usize {
        self.mtu
    }

    /// Whether super-segments cross the interface and checksums are left to the kernel.
    pub fn has_offloads(&self) -> bool {
        self.outlet.vnet
    }

    /// The counters of what was lost so far.
    pub fn counters(&self) -> Arc<TunCounters> {
        Arc::clone(&self.outlet.counters)
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }
}

impl AsFd for TunDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outlet.fd.as_fd()
    }
}

impl Device for TunDevice {
    /// The MTU is the interface's at the time of the call.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            mtu: netlink::link(self.index).map_or(self.mtu, |link| link.mtu),
            offload: match self.outlet.vnet {
                true => Offload::FULL,
                false => Offload::NONE,
            },
        }
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        self.inlet.receive(batch)
    }

    fn receiver(&mut self) -> Option<Box<dyn Receiver>> {
        Some(Box::new(self.inlet.clone()))
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.outlet.send(packet)
    }

    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        Some(Box::new(self.outlet.clone()))
    }

    fn end(&mut self) {
        if let Some(accepted) = self.accepted.take() {
            accepted.end(&self.outlet.fd, &self.name);
        }
    }
}

impl Drop for TunDevice {
    fn drop(&mut self) {
        self.end();
    }
}

impl Sender for Outlet {
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        let header = vnet::write(&packet);
        let header = match self.vnet {
            true => &header[..],
            false => &[],
        };
        let [first, second, third] = packet.pieces();
        let written = match (header, first, third) {
            ([], [], []) => write(&*self.fd, second),
            _ if packet.len() <= SHORT => {
                self.whole.clear();
                for piece in [header, first, second, third] {
                    self.whole.extend_from_slice(piece);
                }
                write(&*self.fd, &self.whole)
            }
            _ => writev(&*self.fd, &[header, first, second, third].map(IoSlice::new)),
        };
        match written {
            Err(errno) if is_closed(errno) => return Err(DeviceError::Closed),
            Err(errno) => self.counters.count(errno),
            Ok(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{IpHeader, TcpHeader, Text};
    use nix::fcntl::OFlag;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use nix::unistd::{pipe2, read};

    /// A device over one end of a pair of sockets, which keep the boundaries of datagrams as a
    /// TUN descriptor does.
    fn device_and_other_end() -> (TunDevice, OwnedFd) {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_NONBLOCK,
        )
        .unwrap();
        (
            TunDevice::new(ours, "test".to_owned(), u32::MAX >> 1, 1400, false),
            theirs,
        )
    }

    #[test]
    fn receives_until_nothing_is_left_or_the_batch_is_full() {
        let (mut device, other) = device_and_other_end();
        for text in ["one", "two", "three"] {
            write(&other, text.as_bytes()).unwrap();
        }
        let mut batch = Batch::new(2, 100);
        device.receive(&mut batch).unwrap();
        assert_eq!(batch.iter().collect::<Vec<_>>(), [b"one", b"two"]);
        batch.clear();
        device.receive(&mut batch).unwrap();
        assert_eq!(batch.iter().collect::<Vec<_>>(), [b"three"]);
        device.receive(&mut batch).unwrap();
        assert_eq!(batch.len(), 1, "nothing more arrives, and that is no error");
    }

    #[test]
    fn sends_a_datagram_in_one_piece() {
        let (mut device, other) = device_and_other_end();
        device.send(Packet::borrowed(b"datagram")).unwrap();
        let mut buffer = [0; 100];
        assert_eq!(read(&other, &mut buffer), Ok(8));
        assert_eq!(&buffer[..8], b"datagram");
    }

    /// With offloads, a header goes in front of each datagram that is sent, and comes in front of
    /// each that arrives.
    #[test]
    fn a_header_says_in_what_form_a_datagram_is() {
        let (mut device, other) = device_and_other_end();
        (device.inlet.vnet, device.outlet.vnet) = (true, true);
        let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        let text = Text::from(&[7; 3000][..]);
        let packet = Packet::tcp_for(Offload::FULL, &ip, &TcpHeader::default(), text, 1448);
        device.send(packet).unwrap();
        let mut buffer = [0; 4000];
        let len = read(&other, &mut buffer).unwrap();
        assert_eq!(len, vnet::LEN + packet.len());
        write(&other, &buffer[..len]).unwrap();
        // A type that was not offered: the datagram is refused, and receiving goes on.
        buffer[1] = 3;
        write(&other, &buffer[..len]).unwrap();
        let mut batch = Batch::new(4, 4000);
        device.receive(&mut batch).unwrap();
        let arrivals = batch.arrivals();
        let arrivals: Vec<_> = arrivals
            .map(|(datagram, form)| (datagram.octets(), form))
            .collect();
        assert_eq!(arrivals, [(&packet.pieces().concat()[..], packet.form())]);
        assert_eq!(device.counters().refused(), 1);
    }

    #[test]
    fn a_full_queue_loses_and_counts() {
        let (mut device, _other) = device_and_other_end();
        let counters = device.counters();
        for _ in 0..10_000 {
            device.send(Packet::borrowed(&[0; 1000])).unwrap();
        }
        assert!(counters.lost() > 0, "a queue of 10 MB was not expected");
        assert_eq!(counters.lost_down(), 0);
    }

    #[test]
    fn a_device_that_ended_is_closed() {
        let (mut device, other) = device_and_other_end();
        drop(other);
        let mut batch = Batch::new(1, 100);
        assert!(matches!(
            device.receive(&mut batch),
            Err(DeviceError::Closed)
        ));
    }

    #[test]
    fn a_descriptor_that_cannot_be_written_is_closed() {
        let (reader, _writer) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let mut device = TunDevice::new(reader, "test".to_owned(), u32::MAX >> 1, 1400, false);
        assert!(matches!(
            device.send(Packet::borrowed(b"x")),
            Err(DeviceError::Closed)
        ));
    }

    #[test]
    fn the_mtu_is_the_one_at_opening_if_the_interface_is_gone() {
        let (device, _other) = device_and_other_end();
        assert_eq!(device.capabilities().mtu, 1400);
    }
}
