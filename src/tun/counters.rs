//! Counts what a TUN device loses.

use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;

/// Counts datagrams that a TUN device could not send or receive. Shared with the device: read it while the
/// device is in use.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TunCounters {
    lost: AtomicU64,
    lost_down: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl TunCounters {
    /// Datagrams that the kernel did not take (no memory, too long), the interface being up.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Datagrams sent while the interface was down.
    pub fn lost_down(&self) -> u64 {
        self.lost_down.load(Ordering::Relaxed)
    }

    /// Datagrams from the kernel whose offloads made no sense.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, errno: Errno) {
        let counter = match errno {
            Errno::EIO => &self.lost_down,
            _ => &self.lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        log::trace!("a datagram was lost: {errno}");
    }
}
