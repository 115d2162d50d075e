//! Two devices joined to each other in memory: two stacks in one process, without TUN.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::poller::Kick;
use crate::link::{Batch, Capabilities, Device, DeviceError, Landing, Receiver, Sender};
use crate::wire::Packet;

/// The most datagrams that one direction holds; any more are lost.
const QUEUE: usize = 512;

/// Two devices: what is sent into one arrives at the other. Each direction holds up to 512
/// datagrams and loses any more, as well as those longer than `mtu` octets. When one of the two is
/// dropped, the other is closed.
///
/// # Errors
/// If the operating system has no descriptors left.
///
/// ```
/// use stubborn::driver::memory;
/// use stubborn::link::{Batch, Device};
/// use stubborn::wire::Packet;
///
/// let (mut left, mut right) = memory::pair(1500)?;
/// left.send(Packet::borrowed(b"a datagram"))?;
/// left.flush()?;
/// let mut batch = Batch::new(8, 1500);
/// right.receive(&mut batch)?;
/// assert_eq!(batch.iter().collect::<Vec<_>>(), [b"a datagram"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pair(mtu: usize) -> io::Result<(MemoryDevice, MemoryDevice)> {
    let (left, mut queues) = queues(mtu, 1, 0)?;
    let right = queues.remove(0);
    Ok((left, right))
}

/// As [`pair`], where the other device has several queues, at least one, for as many shards
/// ([`Net::start_queues`](crate::sockets::Net::start_queues)). Each datagram goes to a
/// pseudo-random queue, determined by `seed`: no real network steers worse. When one of the devices
/// is dropped, all others are closed.
///
/// # Errors
/// If the operating system has no descriptors left.
pub fn queues(
    mtu: usize,
    count: usize,
    seed: u64,
) -> io::Result<(MemoryDevice, Vec<MemoryDevice>)> {
    let lane = || Lane::new().map(Arc::new);
    let back = lane()?;
    let lanes: Vec<_> = (0..count.max(1))
        .map(|_| lane())
        .collect::<io::Result<_>>()?;
    let queues = lanes.iter().map(|lane| MemoryDevice {
        mtu,
        incoming: Arc::clone(lane),
        outgoing: Outgoing {
            mtu,
            lanes: vec![Arc::clone(&back)],
            chance: 0,
        },
    });
    let queues = queues.collect();
    let near = MemoryDevice {
        mtu,
        incoming: back,
        outgoing: Outgoing {
            mtu,
            lanes,
            chance: seed,
        },
    };
    Ok((near, queues))
}

/// One of several devices joined to each other: see [`pair`] and [`queues`].
#[derive(Debug)]
pub struct MemoryDevice {
    mtu: usize,
    incoming: Arc<Lane>,
    outgoing: Outgoing,
}

/// The sending half.
#[derive(Clone, Debug)]
struct Outgoing {
    mtu: usize,
    /// At least one.
    lanes: Vec<Arc<Lane>>,
    /// The state of the generator that chooses the next lane.
    chance: u64,
}

impl Outgoing {
    /// The lane for the next datagram.
    fn next_lane(&mut self) -> &Lane {
        // The generator of Knuth's MMIX; its upper bits are the better ones.
        self.chance = (self.chance)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let count = self.lanes.len() as u64;
        &self.lanes[((self.chance >> 33) % count) as usize]
    }
}

/// One direction.
#[derive(Debug)]
struct Lane {
    queue: Mutex<Queue>,
    /// Readable while the queue holds something or is closed.
    ready: Kick,
}

#[derive(Debug, Default)]
struct Queue {
    datagrams: VecDeque<Vec<u8>>,
    /// Memory of received datagrams, for reuse.
    spare: Vec<Vec<u8>>,
    closed: bool,
}

impl Lane {
    fn new() -> io::Result<Lane> {
        Ok(Lane {
            queue: Mutex::default(),
            ready: Kick::new()?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.ready.kick();
    }

    fn receive(
        &self,
        batch: &mut Batch,
        mut landing: Option<&mut Landing<'_>>,
    ) -> Result<(), DeviceError> {
        let before = batch.len();
        let mut queue = self.lock();
        while !batch.is_full() && landing.as_ref().is_none_or(|landing| !landing.is_over()) {
            let Some(datagram) = queue.datagrams.pop_front() else {
                break;
            };
            match &mut landing {
                Some(landing) => {
                    let len = fill(landing.slot(batch).unwrap_or_default(), &datagram);
                    landing.commit(batch, len);
                }
                None => {
                    let len = fill([batch.slot().unwrap_or_default()], &datagram);
                    batch.commit(len);
                }
            }
            queue.spare.push(datagram);
        }
        if queue.closed && batch.len() == before && !batch.is_full() {
            return Err(DeviceError::Closed);
        }
        if queue.datagrams.is_empty() && !queue.closed {
            self.ready.clear();
        }
        Ok(())
    }
}

/// Copies a datagram into pieces, as far as they have room. Returns the number of octets copied.
fn fill<const N: usize>(pieces: [&mut [u8]; N], datagram: &[u8]) -> usize {
    let mut rest = datagram;
    for piece in pieces {
        let (now, later) = rest.split_at(piece.len().min(rest.len()));
        piece[..now.len()].copy_from_slice(now);
        rest = later;
    }
    datagram.len() - rest.len()
}

/// The receiving half of a device.
struct Incoming(Arc<Lane>);

impl Receiver for Incoming {
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        self.0.receive(batch, None)
    }

    fn receive_landing(
        &mut self,
        batch: &mut Batch,
        landing: &mut Landing<'_>,
    ) -> Result<(), DeviceError> {
        self.0.receive(batch, Some(landing))
    }
}

impl Device for MemoryDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities::plain(self.mtu)
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        self.incoming.receive(batch, None)
    }

    fn receiver(&mut self) -> Option<Box<dyn Receiver>> {
        Some(Box::new(Incoming(Arc::clone(&self.incoming))))
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.outgoing.send(packet)
    }

    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        Some(Box::new(self.outgoing.clone()))
    }
}

impl Sender for Outgoing {
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        let mtu = self.mtu;
        let lane = self.next_lane();
        let mut queue = lane.lock();
        if queue.closed {
            return Err(DeviceError::Closed);
        }
        if packet.len() > mtu || queue.datagrams.len() == QUEUE {
            return Ok(());
        }
        let mut datagram = queue.spare.pop().unwrap_or_default();
        datagram.clear();
        (packet.pieces().iter()).for_each(|piece| datagram.extend_from_slice(piece));
        queue.datagrams.push_back(datagram);
        if queue.datagrams.len() == 1 {
            lane.ready.kick();
        }
        Ok(())
    }
}

impl AsFd for MemoryDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.incoming.ready.as_fd()
    }
}

impl Drop for MemoryDevice {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.lanes.iter().for_each(|lane| lane.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn ready(device: &MemoryDevice) -> bool {
        let kick = Kick::new().unwrap();
        let now = Duration::ZERO;
        super::super::poller::wait(Some(device.as_fd()), None, &kick, now, Some(now)).device
    }

    #[test]
    fn is_readable_while_it_holds_something() {
        let (mut left, mut right) = pair(100).unwrap();
        assert!(!ready(&right));
        for text in [b"1", b"2", b"3"] {
            left.send(Packet::borrowed(text)).unwrap();
        }
        assert!(ready(&right) && !ready(&left));
        let mut batch = Batch::new(2, 100);
        right.receive(&mut batch).unwrap();
        assert!(batch.is_full() && ready(&right));
        batch.clear();
        right.receive(&mut batch).unwrap();
        assert_eq!(batch.iter().collect::<Vec<_>>(), [b"3"]);
        assert!(!ready(&right));
    }

    #[test]
    fn chance_chooses_the_queue() {
        let (mut near, mut queues) = queues(100, 3, 7).unwrap();
        for _ in 0..300 {
            near.send(Packet::borrowed(b"x")).unwrap();
        }
        let arrived = queues.iter_mut().map(|queue| {
            let mut batch = Batch::new(QUEUE, 100);
            queue.receive(&mut batch).unwrap();
            batch.len()
        });
        let arrived: Vec<_> = arrived.collect();
        assert_eq!(arrived.iter().sum::<usize>(), 300);
        assert!(
            arrived.iter().all(|count| (70..130).contains(count)),
            "{arrived:?}"
        );
        queues[2].send(Packet::borrowed(b"back")).unwrap();
        assert!(ready(&near));
    }

    #[test]
    fn loses_beyond_its_bounds() {
        let (mut left, mut right) = pair(100).unwrap();
        left.send(Packet::borrowed(&[0; 101])).unwrap();
        for _ in 0..QUEUE + 5 {
            left.send(Packet::borrowed(b"x")).unwrap();
        }
        let mut batch = Batch::new(QUEUE * 2, 100);
        right.receive(&mut batch).unwrap();
        assert_eq!(batch.len(), QUEUE);
        assert!(batch.iter().all(|datagram| datagram == b"x"));
    }

    #[test]
    fn what_was_sent_before_the_end_still_arrives() {
        let (mut left, mut right) = pair(100).unwrap();
        left.send(Packet::borrowed(b"last")).unwrap();
        drop(left);
        let mut batch = Batch::new(2, 100);
        right.receive(&mut batch).unwrap();
        assert_eq!(batch.len(), 1);
        batch.clear();
        assert!(ready(&right), "the end is something to receive");
        let end = right.receive(&mut batch);
        assert!(matches!(end, Err(DeviceError::Closed)));
        let end = right.send(Packet::borrowed(b"x"));
        assert!(matches!(end, Err(DeviceError::Closed)));
    }
}
