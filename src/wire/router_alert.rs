//! The option that makes routers examine a datagram, which messages about groups
//! have.

use core::net::IpAddr;

use super::ip_header::{IpHeader, protocol};
use super::{ipv4, ipv6};

/// The option of IPv4 (RFC 2113).
const V4: [u8; 4] = [0x94, 4, 0, 0];
/// That of IPv6 (RFC 2711), in a header of hop-by-hop options in front of ICMPv6.
const V6: [u8; 8] = [protocol::ICMPV6, 0, ALERT, 2, 0, 0, 1, 0];
/// Its type.
const ALERT: u8 = 5;

/// Its length in octets.
pub(super) const fn len(is_ipv4: bool) -> usize {
    match is_ipv4 {
        true => V4.len(),
        false => V6.len(),
    }
}

/// A whole datagram that routers examine; with IPv6, its protocol is ICMPv6.
pub(super) fn datagram(ip: &IpHeader, payload: &[u8]) -> Vec<u8> {
    match ip.source {
        IpAddr::V4(_) => {
            let mut datagram = ip.datagram(&[&V4, payload].concat());
            ipv4::take_options_in(&mut datagram[..ipv4::HEADER + V4.len()]);
            datagram
        }
        IpAddr::V6(_) => {
            let protocol = protocol::HOP_BY_HOP;
            let ip = IpHeader { protocol, ..*ip };
            ip.datagram(&[&V6, payload].concat())
        }
    }
}

/// Whether a parsed IPv6 datagram has this option for MLD.
pub(super) fn is_in(datagram: &[u8]) -> bool {
    let is_first = datagram.get(6) == Some(&protocol::HOP_BY_HOP);
    let header = datagram.get(ipv6::HEADER..).filter(|_| is_first);
    let options = header.and_then(|header| ipv6::extension(protocol::HOP_BY_HOP, header));
    let mut rest = options.and_then(|options| options.get(2..)).unwrap_or(&[]);
    while let Some((&kind, behind)) = rest.split_first() {
        if rest.starts_with(&[ALERT, 2, 0, 0]) {
            return true;
        }
        let len = behind.first().filter(|_| kind != ipv6::PAD1);
        rest = len.map_or(behind, |len| {
            behind.get(1 + usize::from(*len)..).unwrap_or(&[])
        });
    }
    false
}
