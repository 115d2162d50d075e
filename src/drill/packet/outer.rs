//! Headers that carry a packet inside another: IP in IP (RFC 2003, RFC 2473), GRE (RFC 2784, RFC 2890), and MPLS
//! (RFC 3032, in IP by RFC 4023). The stack has no tunnels, so these are only injected.

use super::super::ast::{Gre, Outer};
use super::ip;

/// Protocol numbers of IP.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const MPLS: u8 = 137;

/// What follows a header.
#[derive(Clone, Copy)]
enum Carried {
    Ipv4,
    Ipv6,
    Gre,
    Mpls,
}

impl Carried {
    fn protocol(self) -> u8 {
        match self {
            Carried::Ipv4 => IPV4,
            Carried::Ipv6 => IPV6,
            Carried::Gre => GRE,
            Carried::Mpls => MPLS,
        }
    }

    /// The EtherType for GRE.
    fn ether_type(self) -> u16 {
        match self {
            Carried::Ipv4 => 0x0800,
            Carried::Ipv6 => 0x86dd,
            Carried::Gre => 0,
            Carried::Mpls => 0x8847,
        }
    }
}

/// Puts a datagram inside these headers, the first outermost.
pub(super) fn carried_by(outer: &[Outer], datagram: Vec<u8>) -> Vec<u8> {
    let mut what = match datagram.first() {
        Some(first) if first >> 4 == 6 => Carried::Ipv6,
        _ => Carried::Ipv4,
    };
    let mut octets = datagram;
    for header in outer.iter().rev() {
        let (front, is) = match header {
            Outer::Ip {
                info,
                source,
                destination,
            } => {
                let protocol = what.protocol();
                let header = ip::header(*info, *source, *destination, protocol, octets.len());
                let is = match source.is_ipv4() {
                    true => Carried::Ipv4,
                    false => Carried::Ipv6,
                };
                (header, is)
            }
            Outer::Gre(gre) => (gre.octets(what.ether_type()), Carried::Gre),
            Outer::Mpls(labels) => {
                let labels = labels.iter().flat_map(|label| label.to_be_bytes());
                (labels.collect(), Carried::Mpls)
            }
        };
        octets.splice(0..0, front);
        what = is;
    }
    octets
}

impl Gre {
    fn octets(&self, ether_type: u16) -> Vec<u8> {
        let said = [
            (0x8000, self.checksum.is_some() || self.offset.is_some()),
            (0x2000, self.key.is_some()),
            (0x1000, self.sequence.is_some()),
        ];
        let present = said.iter().filter(|(_, is)| *is).map(|(bit, _)| bit).sum();
        let mut octets = self.flags.unwrap_or(present).to_be_bytes().to_vec();
        octets.extend(ether_type.to_be_bytes());
        if said[0].1 {
            octets.extend(self.checksum.unwrap_or(0).to_be_bytes());
            octets.extend(self.offset.unwrap_or(0).to_be_bytes());
        }
        for word in [self.key, self.sequence].into_iter().flatten() {
            octets.extend(word.to_be_bytes());
        }
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ast::IpInfo;
    use super::*;

    fn ip(is_ipv4: bool) -> Outer {
        let address = |last| match is_ipv4 {
            true => [10, 0, 0, last].into(),
            false => [0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last)].into(),
        };
        Outer::Ip {
            info: IpInfo::default(),
            source: address(1),
            destination: address(2),
        }
    }

    #[test]
    fn each_header_says_what_it_is_in_front_of() {
        let inner = vec![0x45, 1, 2, 3];
        let two = carried_by(&[ip(false), ip(true)], inner.clone());
        assert_eq!((two[0] >> 4, two[6], two.len()), (6, IPV4, 40 + 20 + 4));
        assert_eq!((two[40], two[49]), (0x45, IPV4));
        let gre = Gre {
            key: Some(7),
            ..Gre::default()
        };
        let one = carried_by(&[ip(true), Outer::Gre(gre)], inner.clone());
        assert_eq!(one[9], GRE);
        assert_eq!(one[20..28], [0x20, 0, 8, 0, 0, 0, 0, 7]);
        let labels = Outer::Mpls(vec![7 << 12 | 1 << 8 | 9]);
        let one = carried_by(&[ip(true), labels], inner);
        assert_eq!((one[9], &one[20..24]), (MPLS, &[0, 0, 0x71, 9][..]));
    }
}
