//! Two devices joined to each other in memory: two stacks in one process, without TUN.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::poller::Kick;
use crate::link::{Batch, Capabilities, Device, DeviceError};
use crate::wire::Packet;

/// Datagrams that one direction holds before it loses more.
const QUEUE: usize = 512;

/// Two devices: what is sent into one arrives at the other. Each direction holds 512 datagrams
/// and loses what comes beyond, as well as what is longer than `mtu` octets. When one of the two
/// is dropped, the other is closed.
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
    let (one, other) = (Arc::new(Lane::new()?), Arc::new(Lane::new()?));
    let left = MemoryDevice {
        mtu,
        incoming: Arc::clone(&one),
        outgoing: Arc::clone(&other),
    };
    let right = MemoryDevice {
        mtu,
        incoming: other,
        outgoing: one,
    };
    Ok((left, right))
}

/// One of two devices joined to each other: see [`pair`].
#[derive(Debug)]
pub struct MemoryDevice {
    mtu: usize,
    incoming: Arc<Lane>,
    outgoing: Arc<Lane>,
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
    /// Memory of datagrams that were received, to be used again.
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
}

impl Device for MemoryDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities::plain(self.mtu)
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        let before = batch.len();
        let mut queue = self.incoming.lock();
        while let Some(slot) = batch.slot() {
            let Some(datagram) = queue.datagrams.pop_front() else {
                break;
            };
            let len = datagram.len().min(slot.len());
            slot[..len].copy_from_slice(&datagram[..len]);
            batch.commit(len);
            queue.spare.push(datagram);
        }
        if queue.closed && batch.len() == before && !batch.is_full() {
            return Err(DeviceError::Closed);
        }
        if queue.datagrams.is_empty() && !queue.closed {
            self.incoming.ready.clear();
        }
        Ok(())
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        let mut queue = self.outgoing.lock();
        if queue.closed {
            return Err(DeviceError::Closed);
        }
        if packet.len() > self.mtu || queue.datagrams.len() == QUEUE {
            return Ok(());
        }
        let mut datagram = queue.spare.pop().unwrap_or_default();
        datagram.clear();
        (packet.pieces().iter()).for_each(|piece| datagram.extend_from_slice(piece));
        queue.datagrams.push_back(datagram);
        if queue.datagrams.len() == 1 {
            self.outgoing.ready.kick();
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
        self.outgoing.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn ready(device: &MemoryDevice) -> bool {
        let kick = Kick::new().unwrap();
        super::super::poller::wait(Some(device.as_fd()), &kick, Some(Duration::ZERO))
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
