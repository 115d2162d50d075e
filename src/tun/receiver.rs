//! Receiving: one datagram, or one super-segment, a system call.

use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::sys::uio::readv;
use nix::unistd::read;

use super::device::TunCounters;
use super::vnet;
use crate::link::{Batch, DeviceError, Receiver};

/// The receiving half of a [`TunDevice`](super::TunDevice).
#[derive(Clone, Debug)]
pub(super) struct TunReceiver {
    pub(super) fd: Arc<OwnedFd>,
    /// Each datagram has a header of [`vnet`] in front: there are offloads.
    pub(super) vnet: bool,
    pub(super) counters: Arc<TunCounters>,
}

impl TunReceiver {
    /// One datagram into the batch, which has room. Says how many octets were read.
    fn receive_plain(&self, batch: &mut Batch) -> Result<usize, Errno> {
        let len = read(&*self.fd, batch.slot().unwrap_or_default())?;
        if len > 0 {
            batch.commit(len);
        }
        Ok(len)
    }

    /// As [`TunReceiver::receive_plain`], with a header in front.
    fn receive_with_header(&self, batch: &mut Batch) -> Result<usize, Errno> {
        let slot = batch.slot().unwrap_or_default();
        let mut header = [0; vnet::LEN];
        let mut pieces = [IoSliceMut::new(&mut header), IoSliceMut::new(slot)];
        let read = readv(&*self.fd, &mut pieces)?;
        let len = read.saturating_sub(vnet::LEN);
        match vnet::read(&header, &slot[..len]) {
            Some(form) => batch.commit_as(len, form),
            None => _ = self.counters.refused.fetch_add(1, Ordering::Relaxed),
        }
        Ok(read)
    }

    fn receive_one(&self, batch: &mut Batch) -> Result<usize, Errno> {
        match self.vnet {
            true => self.receive_with_header(batch),
            false => self.receive_plain(batch),
        }
    }
}

impl Receiver for TunReceiver {
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        while !batch.is_full() {
            match self.receive_one(batch) {
                // A TUN device never ends; what does is not one any more.
                Ok(0) => return Err(DeviceError::Closed),
                Ok(_) => {}
                Err(errno) => return no_more(errno),
            }
        }
        Ok(())
    }
}

/// What it means when a read gives nothing.
fn no_more(errno: Errno) -> Result<(), DeviceError> {
    match errno {
        // Nothing is there; or a signal, want of memory, an interface that is down: later.
        Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS | Errno::ENOMEM | Errno::EIO => Ok(()),
        errno if is_closed(errno) => Err(DeviceError::Closed),
        errno => Err(DeviceError::Io(errno.into())),
    }
}

/// Whether the descriptor will never work again: EBADFD is what is left of a TUN descriptor when
/// its interface is deleted.
pub(super) fn is_closed(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EBADFD | Errno::EBADF | Errno::ENODEV | Errno::ENXIO
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_reading_mean_what_they_should() {
        for errno in [Errno::EAGAIN, Errno::EINTR, Errno::EIO, Errno::ENOBUFS] {
            assert!(no_more(errno).is_ok(), "{errno}");
        }
        for errno in [Errno::EBADFD, Errno::EBADF, Errno::ENODEV] {
            assert!(
                matches!(no_more(errno), Err(DeviceError::Closed)),
                "{errno}"
            );
        }
        assert!(matches!(no_more(Errno::EFAULT), Err(DeviceError::Io(_))));
    }
}
