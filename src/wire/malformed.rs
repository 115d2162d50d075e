//! The reasons for which a datagram is refused.

use core::fmt;

use super::icmp_error::IcmpError;

/// Why a datagram is dropped, and the ICMP error for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it.
    pub reason: Malformed,
    /// What to tell its sender with [`icmp::error`](super::icmp::error()); usually
    /// nothing.
    pub answer: Option<IcmpError>,
}

impl Refusal {
    pub(super) fn answered(reason: Malformed, answer: IcmpError) -> Refusal {
        Refusal {
            reason,
            answer: Some(answer),
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(reason: Malformed) -> Refusal {
        Refusal {
            reason,
            answer: None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// Each reason with its text, which is its documentation and what it prints, and its name.
macro_rules! reasons {
    ($($reason:ident $name:literal $text:literal,)*) => {
        /// One reason to refuse a datagram: the key of a drop counter (`reason as usize`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Malformed {
            $(#[doc = $text] $reason,)*
        }

        impl Malformed {
            /// Every reason; `ALL[reason as usize] == reason`.
            pub const ALL: &'static [Malformed] = &[$(Malformed::$reason,)*];

            /// A short name for counters.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Malformed::$reason => $name,)*
                }
            }
        }

        impl fmt::Display for Malformed {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Malformed::$reason => $text,)*
                })
            }
        }
    };
}

reasons! {
    TooShort "ip_too_short" "shorter than an IP header",
    Version "ip_version" "neither IPv4 nor IPv6",
    Ipv4HeaderLength "ipv4_header_length" "IPv4 header length below 20 octets or beyond the end",
    Ipv4TotalLength "ipv4_total_length" "IPv4 total length below the header's or beyond the end",
    Ipv4Checksum "ipv4_checksum" "wrong IPv4 header checksum",
    Ipv4Option "ipv4_option" "IPv4 option with an impossible length",
    Ipv4SourceRoute "ipv4_source_route" "IPv4 source route",
    Ipv6PayloadLength "ipv6_payload_length" "IPv6 payload length beyond the end",
    ExtensionLength "ipv6_extension_length" "IPv6 extension header beyond the end",
    ExtensionOrder "ipv6_extension_order" "IPv6 hop-by-hop options that do not come first",
    TooManyExtensions "ipv6_too_many_extensions" "more than eight IPv6 extension headers",
    OptionLength "ipv6_option_length" "IPv6 option beyond its extension header",
    TooManyOptions "ipv6_too_many_options" "too many options, or too much padding, in an IPv6 header",
    UnknownOption "ipv6_unknown_option" "unknown IPv6 option that asks to be dropped",
    RoutingHeader "ipv6_routing_header" "IPv6 routing header with segments left",
    FragmentLength "fragment_length" "fragment empty or not a multiple of eight octets",
    FragmentBeyondEnd "fragment_beyond_end" "fragment that ends beyond the longest datagram",
    TinyFragment "fragment_tiny" "first fragment without the whole transport header",
    NestedFragment "fragment_nested" "fragment of a fragment",
    TcpLength "tcp_length" "shorter than its TCP header",
    TcpDataOffset "tcp_data_offset" "TCP data offset below 20 octets",
    TcpChecksum "tcp_checksum" "wrong TCP checksum",
    UdpLength "udp_length" "UDP length below 8 octets or beyond the end",
    UdpChecksum "udp_checksum" "wrong UDP checksum",
    UdpNoChecksum "udp_no_checksum" "UDP over IPv6 without a checksum",
    IgmpLength "igmp_length" "IGMP message shorter than it says",
    IgmpChecksum "igmp_checksum" "wrong IGMP checksum",
    IcmpLength "icmp_length" "shorter than its ICMP header",
    IcmpChecksum "icmp_checksum" "wrong ICMP checksum",
    IcmpQuote "icmp_quote" "ICMP error that does not quote enough of a datagram",
}
