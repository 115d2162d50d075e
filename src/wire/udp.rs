//! The UDP header (RFC 768).

use core::net::IpAddr;

use etherparse::UdpHeaderSlice;

use super::checksum::Sum;
use super::ip::{IpHeader, protocol};
use super::malformed::Malformed;

/// Length of the header, in octets.
pub(super) const HEADER: usize = 8;
/// Where the checksum field stands in it.
pub(super) const CHECKSUM: usize = 6;

/// A UDP header. Its length and checksum follow from the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UdpHeader {
    /// The sender's port; 0 if it wants no answer.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
}

/// Reads a datagram, the payload of `ip`: its header and its text. What stands behind the length
/// that the header names is cut off.
///
/// # Errors
/// If the length cannot be, or the checksum is wrong. Over IPv4 a checksum of zero is none, and
/// good (RFC 768); over IPv6 there must be one (RFC 8200 §8.1).
pub(super) fn parse<'a>(
    ip: &IpHeader,
    payload: &'a [u8],
) -> Result<(UdpHeader, &'a [u8]), Malformed> {
    let header = UdpHeaderSlice::from_slice(payload).map_err(|_| Malformed::UdpLength)?;
    let length = usize::from(header.length());
    if length < HEADER || length > payload.len() {
        return Err(Malformed::UdpLength);
    }
    let payload = &payload[..length];
    match (header.checksum(), ip.source) {
        (0, IpAddr::V4(_)) => {}
        (0, IpAddr::V6(_)) => return Err(Malformed::UdpNoChecksum),
        (_, _) => {
            let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::UDP, length);
            if !sum.plus(payload).verifies() {
                return Err(Malformed::UdpChecksum);
            }
        }
    }
    let header = UdpHeader {
        source_port: header.source_port(),
        destination_port: header.destination_port(),
    };
    Ok((header, &payload[HEADER..]))
}

impl UdpHeader {
    /// Writes the header of a datagram of `text` octets to the front of `out`, checksum zero, and
    /// says how many octets it took.
    pub(super) fn write(&self, text: usize, out: &mut [u8]) -> usize {
        let header = etherparse::UdpHeader {
            source_port: self.source_port,
            destination_port: self.destination_port,
            length: (HEADER + text) as u16,
            checksum: 0,
        };
        out[..HEADER].copy_from_slice(&header.to_bytes());
        HEADER
    }
}
