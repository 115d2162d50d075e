//! Rarely used options of `SOL_TCP`: saved SYNs, and what programs may not change here.

use super::{octets, yes};
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    SOL_TCP, TCP_IS_MPTCP, TCP_QUEUE_SEQ, TCP_REPAIR, TCP_REPAIR_OPTIONS, TCP_REPAIR_QUEUE,
    TCP_REPAIR_WINDOW, TCP_SAVE_SYN, TCP_SAVED_SYN, TCP_THIN_DUPACK, TCP_THIN_LINEAR_TIMEOUTS,
    TCP_TIMESTAMP, TCP_ULP, TCP_ZEROCOPY_RECEIVE,
};
use crate::bsd::table::Fd;

/// Octets of a page of memory.
const PAGE: usize = 4_096;

/// The values of `TCP_SAVE_SYN`: off, from the IP header on, from the link header on (there is no link
/// header here).
const SAVED: core::ops::RangeInclusive<i32> = 0..=2;

impl Calls<'_> {
    pub(super) fn set_rare_option(&mut self, fd: Fd, name: i32, number: i32) -> Result<(), Errno> {
        let is_flag = (0..=1).contains(&number);
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        match name {
            TCP_SAVE_SYN if SAVED.contains(&number) => {
                socket.settings.keep(SOL_TCP, name, number);
            }
            TCP_THIN_LINEAR_TIMEOUTS if is_flag => {
                socket.config.socket.linear_timeouts = number == 1;
            }
            // Accepted without effect: thin streams are retransmitted like others.
            TCP_THIN_DUPACK if is_flag => {}
            TCP_SAVE_SYN | TCP_THIN_LINEAR_TIMEOUTS | TCP_THIN_DUPACK | TCP_REPAIR_OPTIONS => {
                return Err(Errno::EINVAL);
            }
            // No queue was chosen with TCP_REPAIR_QUEUE.
            TCP_QUEUE_SEQ if !socket.is_connected() && !socket.is_listening() => {
                return Err(Errno::EINVAL);
            }
            // This requires CAP_NET_ADMIN, which no program has here.
            TCP_REPAIR | TCP_REPAIR_QUEUE | TCP_QUEUE_SEQ | TCP_REPAIR_WINDOW | TCP_TIMESTAMP => {
                return Err(Errno::EPERM);
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        self.apply(fd)
    }

    pub(super) fn rare_option(&mut self, fd: Fd, name: i32) -> Result<Vec<u8>, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        match name {
            TCP_SAVE_SYN => Ok(octets(socket.settings.kept(SOL_TCP, name, 0))),
            TCP_SAVED_SYN => {
                let id = socket.connection();
                let saved = id.and_then(|id| self.stack.take_saved_syn(id));
                Ok(saved.unwrap_or_default())
            }
            TCP_THIN_LINEAR_TIMEOUTS => Ok(yes(socket.config.socket.linear_timeouts)),
            TCP_REPAIR | TCP_THIN_DUPACK | TCP_IS_MPTCP => Ok(octets(0)),
            TCP_REPAIR_QUEUE | TCP_QUEUE_SEQ | TCP_REPAIR_WINDOW => Err(Errno::EINVAL),
            TCP_ULP => Ok(Vec::new()),
            TCP_ZEROCOPY_RECEIVE => self.zero_copy(fd),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    /// `TCP_ZEROCOPY_RECEIVE` without an address: less than a page waits, and the program should read it. A
    /// whole page would need an address to be mapped at.
    fn zero_copy(&self, fd: Fd) -> Result<Vec<u8>, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        if socket.is_listening() {
            return Err(Errno::ENOTCONN);
        }
        let status = socket.connection().map(|id| self.stack.status(id));
        let waiting = status.as_ref().map_or(0, |status| status.recv_queue);
        let has_ended = status.is_some_and(|status| status.fin_received);
        match waiting {
            PAGE.. => return Err(Errno::EINVAL),
            0 if has_ended => return Err(Errno::EIO),
            _ => {}
        }
        // In struct tcp_zerocopy_receive, the third number is how much to read, the fourth how much waits.
        let mut octets = vec![0; 12];
        let waiting = (waiting as u32).to_le_bytes();
        octets.extend([waiting, waiting].concat());
        octets.resize(64, 0);
        Ok(octets)
    }
}
