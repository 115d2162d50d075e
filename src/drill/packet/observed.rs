//! A datagram that the stack sent, read field by field and octet by octet.
//!
//! [`crate::wire::parse`], which the stack uses, tolerates deviations and drops details. A script
//! is about the exact octets, so this reader is strict.

use core::net::{IpAddr, SocketAddr};

use crate::time::Instant;
use crate::wire::checksum::Sum;
use crate::wire::protocol;

/// A datagram of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Observed {
    /// When it was sent.
    pub(in super::super) at: Instant,
    pub(in super::super) source: IpAddr,
    pub(in super::super) destination: IpAddr,
    pub(in super::super) tos: u8,
    pub(in super::super) ttl: u8,
    pub(in super::super) flow_label: u32,
    pub(in super::super) content: Content,
    /// What is wrong with it regardless of any script.
    pub(in super::super) faults: Vec<&'static str>,
}

/// What it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Content {
    Tcp(Segment),
    Udp {
        source_port: u16,
        destination_port: u16,
        len: usize,
    },
    Icmp {
        kind: u8,
        code: u8,
        /// The octets after the eight of its header.
        quote: Vec<u8>,
    },
    Other,
}

/// A segment as it is on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Segment {
    pub(in super::super) source_port: u16,
    pub(in super::super) destination_port: u16,
    pub(in super::super) seq: u32,
    pub(in super::super) ack: u32,
    /// The nine control bits, FIN lowest.
    pub(in super::super) control: u16,
    pub(in super::super) window: u16,
    pub(in super::super) urgent: u16,
    /// The octets of its options.
    pub(in super::super) options: Vec<u8>,
    /// Whether it has a signature (RFC 2385) that was made with the script's secret.
    pub(in super::super) is_signed: bool,
    /// Octets of text.
    pub(in super::super) len: usize,
}

impl Segment {
    pub(in super::super) fn has(&self, control: u16) -> bool {
        self.control & control != 0
    }

    /// Its options: the kind, and the octets after the length. Padding has a kind, too.
    pub(in super::super) fn options(&self) -> Vec<(u8, &[u8])> {
        let mut found = Vec::new();
        let mut rest = &self.options[..];
        while let [kind, after @ ..] = rest {
            if *kind <= 1 {
                found.push((*kind, &[][..]));
                rest = after;
                continue;
            }
            let len = usize::from(after.first().copied().unwrap_or(0));
            let Some(data) = rest.get(2..len) else {
                found.push((*kind, after));
                break;
            };
            found.push((*kind, data));
            rest = &rest[len..];
        }
        found
    }
}

impl Observed {
    /// Reads a datagram; `None` if it is not an IP datagram at all.
    pub(in super::super) fn read(at: Instant, datagram: &[u8]) -> Option<Observed> {
        let mut observed = match datagram.first()? >> 4 {
            4 => read_ipv4(datagram)?,
            6 => read_ipv6(datagram)?,
            _ => return None,
        };
        observed.1.at = at;
        let (protocol, mut packet, payload) = observed;
        packet.content = packet.read_content(protocol, payload);
        Some(packet)
    }

    /// Both ends as the stack sees them: local, remote.
    pub(in super::super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (source, destination) = match self.content {
            Content::Tcp(ref segment) => (segment.source_port, segment.destination_port),
            Content::Udp {
                source_port,
                destination_port,
                ..
            } => (source_port, destination_port),
            Content::Icmp { .. } | Content::Other => return None,
        };
        Some((
            SocketAddr::new(self.source, source),
            SocketAddr::new(self.destination, destination),
        ))
    }

    /// Notes whether a segment is signed with the script's secret.
    pub(in super::super) fn note_signature(&mut self, is_signed: bool) {
        if let Content::Tcp(segment) = &mut self.content {
            segment.is_signed = is_signed;
        }
    }

    pub(in super::super) fn segment(&self) -> Option<&Segment> {
        match &self.content {
            Content::Tcp(segment) => Some(segment),
            _ => None,
        }
    }

    /// Octets of text.
    pub(in super::super) fn len(&self) -> usize {
        match &self.content {
            Content::Tcp(segment) => segment.len,
            Content::Udp { len, .. } => *len,
            Content::Icmp { .. } | Content::Other => 0,
        }
    }

    fn read_content(&mut self, protocol: u8, payload: &[u8]) -> Content {
        match protocol {
            protocol::TCP => {
                if !self.sums(protocol, payload) {
                    self.faults.push("the TCP checksum is wrong");
                }
                self.read_tcp(payload).unwrap_or(Content::Other)
            }
            protocol::UDP if payload.len() >= 8 => {
                if !self.sums(protocol, payload) {
                    self.faults.push("the UDP checksum is wrong");
                }
                Content::Udp {
                    source_port: be16(payload, 0),
                    destination_port: be16(payload, 2),
                    len: payload.len() - 8,
                }
            }
            protocol::ICMP | protocol::ICMPV6 if payload.len() >= 8 => Content::Icmp {
                kind: payload[0],
                code: payload[1],
                quote: payload[8..].to_vec(),
            },
            _ => Content::Other,
        }
    }

    fn sums(&self, protocol: u8, payload: &[u8]) -> bool {
        Sum::pseudo_header(self.source, self.destination, protocol, payload.len())
            .plus(payload)
            .verifies()
    }

    fn read_tcp(&mut self, payload: &[u8]) -> Option<Content> {
        let header: &[u8; 20] = payload.first_chunk()?;
        let data_offset = usize::from(header[12] >> 4) * 4;
        let options = payload.get(20..data_offset);
        if options.is_none() {
            self.faults.push("the data offset is wrong");
        }
        if header[12] & 0x0e != 0 {
            self.faults.push("a reserved bit is set");
        }
        let text = payload.get(data_offset.max(20)..).unwrap_or_default();
        if text.iter().any(|octet| *octet != 0) {
            self.faults.push("the text is not what was written: zeros");
        }
        Some(Content::Tcp(Segment {
            source_port: be16(header, 0),
            destination_port: be16(header, 2),
            seq: be32(header, 4),
            ack: be32(header, 8),
            control: be16(header, 12) & 0x1ff,
            window: be16(header, 14),
            urgent: be16(header, 18),
            options: options.unwrap_or_default().to_vec(),
            is_signed: false,
            len: text.len(),
        }))
    }
}

fn read_ipv4(datagram: &[u8]) -> Option<(u8, Observed, &[u8])> {
    let header: &[u8; 20] = datagram.first_chunk()?;
    let address = |at: usize| -> IpAddr {
        let [a, b, c, d] = be32(header, at).to_be_bytes();
        [a, b, c, d].into()
    };
    let mut faults = Vec::new();
    if header[0] & 0xf != 5 {
        faults.push("the IPv4 header is longer than 20 octets");
    }
    if usize::from(be16(header, 2)) != datagram.len() {
        faults.push("the total length of IPv4 is wrong");
    }
    if !Sum::default().plus(header).verifies() {
        faults.push("the IPv4 checksum is wrong");
    }
    let observed = Observed {
        at: Instant::ZERO,
        source: address(12),
        destination: address(16),
        tos: header[1],
        ttl: header[8],
        flow_label: 0,
        content: Content::Other,
        faults,
    };
    Some((header[9], observed, &datagram[20..]))
}

fn read_ipv6(datagram: &[u8]) -> Option<(u8, Observed, &[u8])> {
    let header: &[u8; 40] = datagram.first_chunk()?;
    let address = |at: usize| -> IpAddr {
        let mut octets = [0; 16];
        octets.copy_from_slice(&header[at..at + 16]);
        octets.into()
    };
    let mut faults = Vec::new();
    if usize::from(be16(header, 4)) != datagram.len() - 40 {
        faults.push("the payload length of IPv6 is wrong");
    }
    let first = be32(header, 0);
    let observed = Observed {
        at: Instant::ZERO,
        source: address(8),
        destination: address(24),
        tos: (first >> 20) as u8,
        ttl: header[7],
        flow_label: first & 0xf_ffff,
        content: Content::Other,
        faults,
    };
    Some((header[6], observed, &datagram[40..]))
}

fn be16(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

fn be32(octets: &[u8], at: usize) -> u32 {
    let [a, b, c, d] = [octets[at], octets[at + 1], octets[at + 2], octets[at + 3]];
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Control, IpHeader, Packet, TcpHeader, Text};

    fn datagram() -> Vec<u8> {
        let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        let header = TcpHeader {
            source_port: 7,
            control: Control::ACK,
            ..TcpHeader::default()
        };
        Packet::tcp(&ip, &header, Text::from(&[0; 4][..])).to_vec()
    }

    fn faults(datagram: &[u8]) -> Vec<&'static str> {
        Observed::read(Instant::ZERO, datagram).unwrap().faults
    }

    #[test]
    fn what_the_stack_sends_has_no_fault() {
        assert!(faults(&datagram()).is_empty());
    }

    #[test]
    fn every_fault_is_found() {
        let damage = |at: usize, octet: u8| {
            let mut datagram = datagram();
            datagram[at] ^= octet;
            faults(&datagram)
        };
        assert!(damage(0, 3).contains(&"the IPv4 header is longer than 20 octets"));
        assert!(damage(3, 1).contains(&"the total length of IPv4 is wrong"));
        assert!(damage(8, 1).contains(&"the IPv4 checksum is wrong"));
        assert!(damage(36, 1).contains(&"the TCP checksum is wrong"));
        assert!(damage(32, 4).contains(&"a reserved bit is set"));
        assert!(damage(32, 0x90).contains(&"the data offset is wrong"));
        assert!(damage(43, 1).contains(&"the text is not what was written: zeros"));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            let observed = Observed::read(Instant::ZERO, &octets);
            if let Some(segment) = observed.as_ref().and_then(Observed::segment) {
                segment.options();
            }
        }
    }
}
