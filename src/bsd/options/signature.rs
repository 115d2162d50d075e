//! `TCP_MD5SIG`, `TCP_MD5SIG_EXT` (RFC 2385): the keys of a socket, each in a `struct tcp_md5sig`.
//!
//! ```text
//!   0  struct sockaddr_storage tcpm_addr      family, port (without meaning), address
//! 128  uint8  tcpm_flags                      with _EXT only
//! 129  uint8  tcpm_prefixlen                  with TCP_MD5SIG_FLAG_PREFIX
//! 130  uint16 tcpm_keylen                     0: the key is taken away
//! 132  int    tcpm_ifindex                    with TCP_MD5SIG_FLAG_IFINDEX
//! 136  uint8  tcpm_key[80]
//! ```
//!
//! FreeBSD's `TCP_MD5SIG` is an `int`; the keys are kept elsewhere.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::flag;
use crate::bsd::address::Family;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    AF_INET, AF_INET6, TCP_MD5SIG_EXT, TCP_MD5SIG_FLAG_IFINDEX, TCP_MD5SIG_FLAG_PREFIX,
};
use crate::bsd::stream::Role;
use crate::bsd::table::Fd;
use crate::bsd::{Calls, System};
use crate::config::{SignatureKey, SignatureKeys};

/// Octets of the struct, and where its members are.
const LEN: usize = 216;
const FLAGS: usize = 128;
const PREFIX: usize = 129;
const KEY_LEN: usize = 130;
const INTERFACE: usize = 132;
const KEY: usize = 136;

impl Calls<'_> {
    /// Sets, replaces or removes the key for a peer or a network.
    ///
    /// # Errors
    /// As on Linux: `EINVAL` for a struct that is too short or makes no sense, an address of another
    /// family, or interfaces; `ENOENT` if there is no key to remove; `ENOMEM` for too many keys.
    pub(super) fn set_signature_key(
        &mut self,
        fd: Fd,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        if self.system == System::Freebsd {
            return self.turn_signatures(fd, flag(value)?);
        }
        let value: &[u8; LEN] = value.first_chunk().ok_or(Errno::EINVAL)?;
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        let host = address(value, socket.family)?;
        let is_extended = |flag: i32| name == TCP_MD5SIG_EXT && i32::from(value[FLAGS]) & flag != 0;
        let bits = if host.is_ipv4() { 32 } else { 128 };
        let prefix = match is_extended(TCP_MD5SIG_FLAG_PREFIX) {
            true if value[PREFIX] > bits => return Err(Errno::EINVAL),
            true => value[PREFIX],
            false => bits,
        };
        // There is only one interface here, and it has no routing domain of its own.
        let names_interface = value[INTERFACE..KEY] != [0; 4];
        if is_extended(TCP_MD5SIG_FLAG_IFINDEX) && names_interface {
            return Err(Errno::EINVAL);
        }
        let len = usize::from(u16::from_le_bytes([value[KEY_LEN], value[KEY_LEN + 1]]));
        let keys = &mut socket.config.signatures;
        if len == 0 {
            if !keys.remove(host, prefix) {
                return Err(Errno::ENOENT);
            }
        } else {
            let key = value[KEY..].get(..len).and_then(SignatureKey::new);
            let key = key.ok_or(Errno::EINVAL)?;
            keys.set(host, prefix, key).map_err(|_| Errno::ENOMEM)?;
        }
        self.apply_signatures(fd)
    }

    /// FreeBSD: turns on signatures with the keys that all sockets share, or turns them off.
    fn turn_signatures(&mut self, fd: Fd, on: bool) -> Result<(), Errno> {
        let keys = match on {
            true => self.associations.clone(),
            false => SignatureKeys::default(),
        };
        self.stream_mut(fd, Errno::EINVAL)?.config.signatures = keys;
        self.apply_signatures(fd)
    }

    fn apply_signatures(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        if let Role::Connection(id, _) = socket.role {
            let keys = socket.config.signatures.clone();
            self.stack.set_signatures(self.now, id, keys);
        }
        self.apply(fd)
    }
}

/// The address, which must be of the family of the socket.
fn address(value: &[u8; LEN], family: Family) -> Result<IpAddr, Errno> {
    let of = i32::from(u16::from_le_bytes([value[0], value[1]]));
    match (of, family) {
        (AF_INET, Family::Inet) => {
            let octets: [u8; 4] = value[4..].first_chunk().copied().unwrap_or_default();
            Ok(IpAddr::V4(Ipv4Addr::from(octets)))
        }
        (AF_INET6, Family::Inet6) => {
            let octets: [u8; 16] = value[8..].first_chunk().copied().unwrap_or_default();
            Ok(Ipv6Addr::from(octets).to_canonical())
        }
        _ => Err(Errno::EINVAL),
    }
}
