//! The header of a datagram of either family as a value, and what it leads to.

use core::net::IpAddr;

use super::ecn::Ecn;

/// Protocol numbers, as the protocol field of IPv4 and the next header field of IPv6 carry them.
pub mod protocol {
    /// IPv6 hop-by-hop options (RFC 8200 §4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: u8 = 1;
    /// IGMP (RFC 9776).
    pub const IGMP: u8 = 2;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// IPv6 routing header (RFC 8200 §4.4).
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header (RFC 8200 §4.5).
    pub const FRAGMENT: u8 = 44;
    /// ICMP for IPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
    /// Nothing follows (RFC 8200 §4.7).
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options (RFC 8200 §4.6).
    pub const DESTINATION_OPTIONS: u8 = 60;
}

/// The longest datagram, header included, in octets.
pub const MAX_DATAGRAM: usize = 65_535;

/// The fields of an IP header of either family that this stack reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpHeader {
    /// The source.
    pub source: IpAddr,
    /// The destination, of the same family.
    pub destination: IpAddr,
    /// What it carries: see [`protocol`]. With IPv6, the last of the chain of next headers.
    pub protocol: u8,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Six DSCP bits and two ECN bits, formerly the type of service.
    pub traffic_class: u8,
    /// IPv6: identifies the flow to routers that distribute load (RFC 6437), in 20 bits; 0: no
    /// label. IPv4: 0.
    pub flow_label: u32,
    /// IPv4: distinguishes the fragments of one datagram from those of others. IPv6: 0.
    pub identification: u16,
    /// IPv4: routers must not fragment it. IPv6: they never do, so true.
    pub dont_fragment: bool,
}

impl IpHeader {
    /// The header of a datagram that need not be fragmented, so it needs no identification, either
    /// (RFC 6864 §4).
    pub fn new(source: IpAddr, destination: IpAddr, protocol: u8, hop_limit: u8) -> IpHeader {
        IpHeader {
            source,
            destination,
            protocol,
            hop_limit,
            traffic_class: 0,
            flow_label: 0,
            identification: 0,
            dont_fragment: true,
        }
    }

    /// The ECN field of the traffic class.
    pub const fn ecn(&self) -> Ecn {
        Ecn::of(self.traffic_class)
    }
}

/// A valid fragment of a datagram: it is not empty, ends within 65,535 octets, and unless it is
/// the last its length is a multiple of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The same in all fragments of one datagram: 16 bits with IPv4, 32 with IPv6.
    pub identification: u32,
    /// Where the piece belongs in the payload, in octets: a multiple of eight.
    pub offset: u16,
    /// Whether more follow: false on the last fragment.
    pub more: bool,
    /// The piece.
    pub payload: &'a [u8],
    /// The datagram that carried it, for an ICMP error to quote.
    pub datagram: &'a [u8],
}

/// What follows the IP headers of a datagram.
pub(super) enum Content<'a> {
    /// A whole upper-layer payload.
    Whole {
        payload: &'a [u8],
        /// Where it begins, in octets from the start.
        start: usize,
        /// The position of the field that names the protocol, in octets from the start.
        pointer: u32,
    },
    Fragment(Fragment<'a>),
}

/// What can be read of a datagram that an ICMP error quotes, or will quote.
pub(super) struct Quoted<'a> {
    /// Its protocol is the last known one.
    pub(super) ip: IpHeader,
    /// The upper-layer header and what follows it, as far as quoted; `None` if the chain ends
    /// before it, and in a fragment that is not the first.
    pub(super) upper: Option<&'a [u8]>,
}
