//! `struct sock_extended_err` (ip(7)): the subject of a message from the error queue.

use core::net::IpAddr;

use super::errno::Errno;
use super::linux::{AF_INET, AF_INET6};

/// `struct sock_extended_err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedError {
    /// `errno`; `None`: 0.
    pub errno: Option<Errno>,
    /// `SO_EE_ORIGIN_…`.
    pub origin: u8,
    /// The type of the ICMP message.
    pub kind: u8,
    /// The code of the ICMP message.
    pub code: u8,
    /// The MTU, if the error is about it.
    pub info: u32,
    /// Additional data, depending on the origin.
    pub data: u32,
    /// Whether the error is about IPv6.
    pub is_ipv6: bool,
    /// The sender of the ICMP message (`SO_EE_OFFENDER`).
    pub offender: Option<IpAddr>,
}

impl ExtendedError {
    /// The octets of the structure in memory, and of the address behind it.
    pub(super) fn octets(&self) -> Vec<u8> {
        let errno = self.errno.map_or(0, Errno::number);
        let mut data = errno.to_le_bytes().to_vec();
        data.extend([self.origin, self.kind, self.code, 0]);
        data.extend(self.info.to_le_bytes());
        data.extend(self.data.to_le_bytes());
        data.extend(offender(self));
        data
    }
}

/// `struct sockaddr_in` or `sockaddr_in6` without a port; all zeros without an
/// address.
fn offender(error: &ExtendedError) -> Vec<u8> {
    let (mut octets, len) = match (error.offender, error.is_ipv6) {
        (Some(IpAddr::V4(v4)), false) => {
            let family = (AF_INET as u16).to_le_bytes();
            ([&family[..], &[0; 2], &v4.octets()].concat(), 16)
        }
        (Some(IpAddr::V6(v6)), true) => {
            let family = (AF_INET6 as u16).to_le_bytes();
            ([&family[..], &[0; 6], &v6.octets()].concat(), 28)
        }
        (_, is_ipv6) => (Vec::new(), if is_ipv6 { 28 } else { 16 }),
    };
    octets.resize(len, 0);
    octets
}
