//! `SOL_UDP`.

use super::{int, octets};
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{SOL_UDP, UDP_CORK, UDP_GRO, UDP_SEGMENT};
use crate::bsd::table::Fd;

impl Calls<'_> {
    pub(super) fn set_udp_option(&mut self, fd: Fd, name: i32, value: &[u8]) -> Result<(), Errno> {
        let value = int(value)?;
        let kept = match name {
            UDP_CORK | UDP_GRO => i32::from(value != 0),
            UDP_SEGMENT if !(0..=0xffff).contains(&value) => return Err(Errno::EINVAL),
            UDP_SEGMENT => value,
            _ => return Err(Errno::ENOPROTOOPT),
        };
        self.settings_mut(fd)?.keep(SOL_UDP, name, kept);
        match name == UDP_CORK && kept == 0 {
            true => self.uncork(fd),
            false => Ok(()),
        }
    }

    pub(super) fn udp_option(&mut self, fd: Fd, name: i32) -> Result<Vec<u8>, Errno> {
        match name {
            UDP_CORK | UDP_GRO | UDP_SEGMENT => {
                Ok(octets(self.settings(fd)?.kept(SOL_UDP, name, 0)))
            }
            _ => Err(Errno::ENOPROTOOPT),
        }
    }
}
