//! getsockopt, setsockopt: values are octets, as in C's memory.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | the level of an option; numbers from octets and back |
//! | `socket` | `SOL_SOCKET` |
//! | `plain` | options of `SOL_SOCKET` that are kept without effect |
//! | `ip` | `SOL_IP`, `SOL_IPV6` |
//! | `groups` | options of these levels about multicast groups |
//! | `sources` | options of these levels about the senders of a group |
//! | `tcp` | `SOL_TCP` |
//! | `rare` | rarely used options of `SOL_TCP` |
//! | `signature` | `TCP_MD5SIG` |
//! | `udp` | `SOL_UDP` |
//! | `freebsd` | options that only FreeBSD has |
//! | `info` | `TCP_INFO` |

mod freebsd;
mod groups;
mod info;
mod ip;
mod plain;
mod rare;
mod signature;
mod socket;
mod sources;
mod tcp;
mod udp;

use core::time::Duration;

use super::address::Family;
use super::errno::Errno;
use super::linux::{
    SO_COOKIE, SOL_IP, SOL_IPV6, SOL_SOCKET, SOL_TCP, SOL_UDP, TCP_SAVE_SYN, TCP_SAVED_SYN,
};
use super::settings::SocketSettings;
use super::stream::Role;
use super::table::{Fd, Kind};
use super::{Calls, System};

/// Octets of `SO_COOKIE`.
const COOKIE: usize = 8;

impl Calls<'_> {
    /// Changes an option.
    ///
    /// # Errors
    /// `ENOPROTOOPT` if it is not known; `EINVAL` for a value that is too short or out of range;
    /// the errors of the option in Linux's manual.
    pub fn setsockopt(&mut self, fd: Fd, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        self.settings(fd)?;
        if let Some(answer) = self.set_freebsd_option(fd, (level, name), value) {
            return answer;
        }
        match level {
            SOL_SOCKET => self.set_socket_option(fd, name, value),
            SOL_IP | SOL_IPV6 => self.set_ip_option(fd, level, name, value),
            SOL_TCP if self.stream(fd, Errno::EINVAL).is_ok() => {
                self.set_tcp_option(fd, name, value)
            }
            SOL_UDP if self.is_udp(fd) => self.set_udp_option(fd, name, value),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    /// The value of an option for a caller with room for `room` octets; usually, a longer value
    /// is cut.
    ///
    /// # Errors
    /// As [`Calls::getsockopt`]; `EINVAL` if the value does not fit and must not be cut.
    pub fn getsockopt_into(
        &mut self,
        fd: Fd,
        level: i32,
        name: i32,
        room: usize,
    ) -> Result<Vec<u8>, Errno> {
        let whole = match (level, name) {
            (SOL_SOCKET, SO_COOKIE) => COOKIE,
            (SOL_TCP, TCP_SAVED_SYN) => {
                let id = self.stream(fd, Errno::EINVAL).ok();
                let id = id.and_then(|socket| socket.connection());
                id.map_or(0, |id| self.stack.saved_syn_len(id))
            }
            _ => 0,
        };
        self.settings(fd)?;
        match room < whole {
            true => Err(Errno::EINVAL),
            false => self.getsockopt(fd, level, name),
        }
    }

    /// The complete value of an option; a caller with less room cuts it.
    ///
    /// # Errors
    /// `ENOPROTOOPT` if it is not known; the errors of the option in Linux's manual.
    pub fn getsockopt(&mut self, fd: Fd, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        self.settings(fd)?;
        let mut value = match self.freebsd_option(fd, (level, name)) {
            Some(answer) => answer?,
            None => self.common_option(fd, level, name)?,
        };
        if self.system == System::Freebsd
            && let Some(bit) = super::freebsd::bit(level, name)
            && let Some(first) = value.first_chunk_mut()
            && *first != [0; 4]
        {
            *first = bit.to_le_bytes();
        }
        Ok(value)
    }

    /// The value of an option that Linux has.
    fn common_option(&mut self, fd: Fd, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        match level {
            SOL_SOCKET => self.socket_option(fd, name),
            SOL_IP | SOL_IPV6 if level == SOL_IP || self.is_ipv6(fd) => {
                self.ip_option(fd, level, name)
            }
            SOL_TCP if self.stream(fd, Errno::EINVAL).is_ok() => self.tcp_option(fd, name),
            SOL_UDP if self.is_udp(fd) => self.udp_option(fd, name),
            // On Linux, setting an option of another level is a different error, unless the socket is of IPv6.
            _ => match self.system {
                System::Linux if !self.is_ipv6(fd) => Err(Errno::EOPNOTSUPP),
                System::Linux | System::Freebsd => Err(Errno::ENOPROTOOPT),
            },
        }
    }

    /// Whether a socket is one of UDP.
    fn is_udp(&self, fd: Fd) -> bool {
        self.datagram(fd).is_ok_and(|socket| !socket.is_echo)
    }

    /// Whether a socket is of IPv6.
    fn is_ipv6(&self, fd: Fd) -> bool {
        self.table.get(fd).is_ok_and(|known| match &known.kind {
            Kind::Stream(socket) => socket.family == Family::Inet6,
            Kind::Datagram(socket) => socket.family == Family::Inet6,
            Kind::Epoll(_) | Kind::Pipe(_) => false,
        })
    }

    /// What the layer keeps of a socket.
    fn settings(&self, fd: Fd) -> Result<&SocketSettings, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(&socket.settings),
            Kind::Datagram(socket) => Ok(&socket.settings),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// What the layer keeps of a socket.
    fn settings_mut(&mut self, fd: Fd) -> Result<&mut SocketSettings, Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => Ok(&mut socket.settings),
            Kind::Datagram(socket) => Ok(&mut socket.settings),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Applies the changed configuration of a TCP socket to its connection or listener.
    fn apply(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let (role, config) = (socket.role.clone(), socket.config.clone());
        let (defer_accept, fast_open) = (socket.defer_accept, socket.fast_open);
        let keys = socket.fast_open_keys.clone();
        let saves_syns = socket.settings.kept(SOL_TCP, TCP_SAVE_SYN, 0) != 0;
        match role {
            Role::Fresh => {}
            Role::Listening(ids) => {
                for id in ids {
                    let known = self.stack.listener_config(id).cloned();
                    let Some(mut listener) = known else { continue };
                    listener.tcp = config.clone();
                    (listener.defer_accept, listener.fast_open) = (defer_accept, fast_open);
                    listener.fast_open_keys = keys.clone();
                    listener.saves_syns = saves_syns;
                    let changed = self.stack.configure_listener(id, listener);
                    changed.map_err(|_| Errno::EINVAL)?;
                }
            }
            Role::Connection(id, _) => {
                self.stack.set_options(self.now, id, config.socket);
            }
        }
        Ok(())
    }
}

/// An `int`.
fn int(value: &[u8]) -> Result<i32, Errno> {
    match value.first_chunk() {
        Some(octets) => Ok(i32::from_le_bytes(*octets)),
        None => Err(Errno::EINVAL),
    }
}

/// An `int` or a single octet, as IP options accept it.
fn int_or_octet(value: &[u8]) -> Result<i32, Errno> {
    match value {
        [octet, ..] if value.len() < 4 => Ok(i32::from(*octet)),
        value => int(value),
    }
}

/// An `int` as a flag.
fn flag(value: &[u8]) -> Result<bool, Errno> {
    Ok(int(value)? != 0)
}

/// The octets of an `int`.
fn octets(value: i32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// The octets of a size, a count or a time as an `int`; if it is too large, of the largest
/// `int`.
fn size(value: impl TryInto<i32>) -> Vec<u8> {
    octets(value.try_into().unwrap_or(i32::MAX))
}

/// The octets of a flag.
fn yes(value: bool) -> Vec<u8> {
    octets(i32::from(value))
}

/// On Linux, a negative timeout expires at once and is reported as zero, although setting zero
/// means no timeout.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// `struct timeval`; zero means no timeout.
fn timeval(value: &[u8]) -> Result<Option<Duration>, Errno> {
    let (Some(secs), Some(micros)) = (
        value.first_chunk(),
        value.get(8..).and_then(|v| v.first_chunk()),
    ) else {
        return Err(Errno::EINVAL);
    };
    let (secs, micros) = (i64::from_le_bytes(*secs), i64::from_le_bytes(*micros));
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    let Ok(secs) = u64::try_from(secs) else {
        return Ok(Some(AT_ONCE));
    };
    let time = Duration::from_secs(secs) + Duration::from_micros(micros.unsigned_abs());
    Ok((!time.is_zero()).then_some(time))
}

/// The octets of a `struct timeval`.
fn timeval_octets(time: Option<Duration>) -> Vec<u8> {
    let time = time.unwrap_or_default();
    let mut value = (time.as_secs() as i64).to_le_bytes().to_vec();
    value.extend(i64::from(time.subsec_micros()).to_le_bytes());
    value
}
