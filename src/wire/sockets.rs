//! The addresses and ports of a datagram, packed into a few integers.

use core::net::{IpAddr, SocketAddr};

/// The source and destination sockets of a datagram, fast to parse, compare and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// Both addresses and both ports, as they follow each other in the datagram.
    V4(u64, u32),
    /// The same, with the upper half of each address first.
    V6([u64; 4], u32),
}

impl Sockets {
    /// From `source` to `destination`.
    #[inline]
    pub fn new(source: SocketAddr, destination: SocketAddr) -> Sockets {
        let ports = u32::from(source.port()) << 16 | u32::from(destination.port());
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (source.ip(), destination.ip()) {
            let addresses = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
            return Sockets::V4(addresses, ports);
        }
        let halves = |address: IpAddr| {
            let bits = match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
                IpAddr::V6(v6) => v6.to_bits(),
            };
            [(bits >> 64) as u64, bits as u64]
        };
        let ([a, b], [c, d]) = (halves(source.ip()), halves(destination.ip()));
        Sockets::V6([a, b, c, d], ports)
    }

    /// IPv4 sockets, from the addresses and ports as they are in the datagram.
    #[inline(always)]
    pub(super) fn v4(addresses: [u8; 8], ports: [u8; 4]) -> Sockets {
        Sockets::V4(u64::from_be_bytes(addresses), u32::from_be_bytes(ports))
    }

    /// The same for IPv6.
    #[inline(always)]
    pub(super) fn v6(addresses: &[u8; 32], ports: [u8; 4]) -> Sockets {
        let mut halves = [0; 4];
        for (half, octets) in halves.iter_mut().zip(addresses.as_chunks::<8>().0) {
            *half = u64::from_be_bytes(*octets);
        }
        Sockets::V6(halves, u32::from_be_bytes(ports))
    }

    /// The source port and the destination port.
    #[inline]
    pub fn ports(&self) -> [u16; 2] {
        let (Sockets::V4(_, ports) | Sockets::V6(_, ports)) = self;
        [(ports >> 16) as u16, *ports as u16]
    }

    /// The same with another destination port.
    #[inline]
    #[must_use]
    pub fn to_port(self, port: u16) -> Sockets {
        let with = |ports: u32| ports & !0xffff | u32::from(port);
        match self {
            Sockets::V4(addresses, ports) => Sockets::V4(addresses, with(ports)),
            Sockets::V6(addresses, ports) => Sockets::V6(addresses, with(ports)),
        }
    }
}
