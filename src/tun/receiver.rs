//! Receiving: one datagram, or one super-segment, per system call.

use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;

use super::calls::{read, readv};
use super::counters::TunCounters;
use super::vnet;
use crate::link::{Batch, DeviceError, Landing, Receiver};
use crate::wire::Form;

/// The receiving half of a [`TunDevice`](super::TunDevice).
#[derive(Clone, Debug)]
pub(super) struct TunReceiver {
    pub(super) fd: Arc<OwnedFd>,
    /// Each datagram has a header of [`vnet`] in front: there are offloads.
    pub(super) vnet: bool,
    pub(super) counters: Arc<TunCounters>,
}

impl TunReceiver {
    /// Reads one datagram into the batch, which has room. Returns how many octets were read.
    fn receive_one(&self, batch: &mut Batch) -> Result<usize, Errno> {
        let front = if self.vnet { vnet::LEN } else { 0 };
        let whole = batch.slot_behind(front).unwrap_or_default();
        let read = read(&*self.fd, whole)?;
        let datagram = match whole.split_first_chunk() {
            Some((header, slot)) if self.vnet => self.form(header, read, slot),
            _ => (read > 0).then(|| (read, Form::default())),
        };
        if let Some((len, form)) = datagram {
            batch.commit_as(len, form);
        }
        Ok(read)
    }

    /// As [`TunReceiver::receive_one`], with the text going to its landing place.
    fn land_one(&self, batch: &mut Batch, landing: &mut Landing<'_>) -> Result<usize, Errno> {
        let [first, second, third] = landing.slot(batch).unwrap_or_default();
        let mut header = [0; vnet::LEN];
        let slices = IoSliceMut::new;
        let read = match self.vnet {
            false => readv(&*self.fd, &mut [&mut *first, second, third].map(slices)),
            true => readv(
                &*self.fd,
                &mut [&mut header, &mut *first, second, third].map(slices),
            ),
        }?;
        let datagram = match self.vnet {
            true => self.form(&header, read, first),
            false => (read > 0).then(|| (read, Form::default())),
        };
        if let Some((len, form)) = datagram {
            landing.commit_as(batch, len, form);
        }
        Ok(read)
    }

    /// The length and the form of a datagram that begins with `first`, unless it is refused; this many octets
    /// were `read`, its header among them.
    fn form(&self, header: &vnet::Octets, read: usize, first: &[u8]) -> Option<(usize, Form)> {
        let len = read.saturating_sub(vnet::LEN);
        let form = vnet::read(header, len, first.first());
        if form.is_none() {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
        }
        Some((len, form?))
    }
}

impl Receiver for TunReceiver {
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        while !batch.is_full() {
            if let Some(answer) = ended(self.receive_one(batch)) {
                return answer;
            }
        }
        Ok(())
    }

    fn receive_landing(
        &mut self,
        batch: &mut Batch,
        landing: &mut Landing<'_>,
    ) -> Result<(), DeviceError> {
        while !batch.is_full() && !landing.is_over() {
            if let Some(answer) = ended(self.land_one(batch, landing)) {
                return answer;
            }
        }
        Ok(())
    }
}

/// Whether a read ends the batch, and how; `None`: another read may follow.
fn ended(read: Result<usize, Errno>) -> Option<Result<(), DeviceError>> {
    match read {
        // A TUN device has no end of file: this descriptor is no longer one.
        Ok(0) => Some(Err(DeviceError::Closed)),
        Ok(_) => None,
        Err(errno) => Some(no_more(errno)),
    }
}

/// What it means when a read returns nothing.
fn no_more(errno: Errno) -> Result<(), DeviceError> {
    match errno {
        // Nothing has arrived, or a temporary failure: a signal, lack of memory, an interface that
        // is down.
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
