//! Options of `SOL_TCP` that few ask for: what is kept of SYNs, and what nobody may change here.

use super::{octets, yes};
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    SOL_TCP, TCP_IS_MPTCP, TCP_QUEUE_SEQ, TCP_REPAIR, TCP_REPAIR_OPTIONS, TCP_REPAIR_QUEUE,
    TCP_REPAIR_WINDOW, TCP_SAVE_SYN, TCP_SAVED_SYN, TCP_THIN_DUPACK, TCP_THIN_LINEAR_TIMEOUTS,
    TCP_TIMESTAMP, TCP_ULP,
};
use crate::bsd::table::Fd;

/// What `TCP_SAVE_SYN` takes: not, from the IP header on, from that of the link on, which there is none of.
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
            // They are not more ready to send again than others.
            TCP_THIN_DUPACK if is_flag => {}
            TCP_SAVE_SYN | TCP_THIN_LINEAR_TIMEOUTS | TCP_THIN_DUPACK | TCP_REPAIR_OPTIONS => {
                return Err(Errno::EINVAL);
            }
            // Nobody has the right to that.
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
            _ => Err(Errno::ENOPROTOOPT),
        }
    }
}
