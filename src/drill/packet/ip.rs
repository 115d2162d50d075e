//! Makes the IP headers of what a script injects.

use core::net::IpAddr;

use super::super::ast::{IpInfo, Tos};
use crate::wire::checksum::Sum;

/// The hop limit, unless the script gives another.
const HOP_LIMIT: u8 = 255;

/// The header of a datagram with this many octets of `payload`.
pub(super) fn header(
    info: IpInfo,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: usize,
) -> Vec<u8> {
    let tos = match info.tos {
        Tos::Unsaid => 0,
        Tos::Ecn(bits) => bits,
        Tos::Ect01 => 2,
        Tos::Dscp(dscp) => dscp << 2,
        Tos::Whole(tos) => tos,
    };
    let ttl = info.ttl.unwrap_or(HOP_LIMIT);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut header = vec![0x45, tos];
            header.extend(((20 + payload) as u16).to_be_bytes());
            // Identification 0, and do not fragment.
            header.extend([0, 0, 0x40, 0, ttl, protocol, 0, 0]);
            header.extend(source.octets());
            header.extend(destination.octets());
            let sum = Sum::default().plus(&header).checksum();
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        (source, destination) => {
            let first = 6 << 28 | u32::from(tos) << 20 | info.flow_label.unwrap_or(0);
            let mut header = Vec::from(first.to_be_bytes());
            header.extend((payload as u16).to_be_bytes());
            header.extend([protocol, ttl]);
            header.extend(sixteen(source));
            header.extend(sixteen(destination));
            header
        }
    }
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}
