//! The IPv6 header and its chain of extension headers (RFC 8200).

use core::net::Ipv6Addr;

use etherparse::{Ipv6FlowLabel, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6HeaderSlice};

use super::icmp_error::IcmpError;
use super::ip_header::{Content, Fragment, IpHeader, MAX_DATAGRAM, Quoted, protocol};
use super::malformed::{Malformed, Refusal};

/// Length of the header itself, in octets.
pub(super) const HEADER: usize = 40;
/// Length of a fragment header, in octets.
pub(super) const FRAGMENT_HEADER: usize = 8;
/// Padding of one octet.
pub(super) const PAD1: u8 = 0;
/// The most extension headers in a chain, and options in one of them.
const MAX_HEADERS: usize = 8;
const MAX_OPTIONS: usize = 8;
/// The bits of a flow label.
const FLOW_LABEL: u32 = 0xf_ffff;
/// Padding aligns to eight octets, so a longer run is never needed.
const MAX_PADDING: usize = 7;

/// Parses the header and walks the chain; octets beyond the payload length are cut off.
#[inline]
pub(super) fn parse(datagram: &[u8]) -> Result<(IpHeader, Content<'_>), Refusal> {
    let header = Ipv6HeaderSlice::from_slice(datagram).map_err(|_| Malformed::TooShort)?;
    let end = HEADER + usize::from(header.payload_length());
    let datagram = datagram.get(..end).ok_or(Malformed::Ipv6PayloadLength)?;
    let mut ip = IpHeader {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: header.next_header().0,
        // RFC 8200 §3: once it has arrived, it is not dropped for any hop limit.
        hop_limit: header.hop_limit(),
        traffic_class: header.traffic_class(),
        flow_label: header.flow_label().value(),
        identification: 0,
        dont_fragment: true,
    };
    let mut chain = Chain {
        datagram,
        next: ip.protocol,
        pointer: 6,
        at: HEADER,
    };
    if chain.is_extension() {
        let multicast = ip.destination.is_multicast();
        let fragment = chain.walk(multicast)?;
        ip.protocol = chain.next;
        if let Some(fragment) = fragment {
            return Ok((ip, Content::Fragment(fragment)));
        }
    }
    let whole = Content::Whole {
        payload: &datagram[chain.at..],
        start: chain.at,
        pointer: chain.pointer as u32,
    };
    Ok((ip, whole))
}

/// A place in a chain of headers.
struct Chain<'a> {
    datagram: &'a [u8],
    /// Which header comes next,
    next: u8,
    /// where the field that says so is,
    pointer: usize,
    /// and where the header begins.
    at: usize,
}

impl<'a> Chain<'a> {
    fn is_extension(&self) -> bool {
        is_extension(self.next)
    }

    /// Walks to the upper-layer header, or to the fragment that hides it.
    fn walk(&mut self, multicast: bool) -> Result<Option<Fragment<'a>>, Refusal> {
        let mut headers = 0;
        while self.is_extension() {
            headers += 1;
            if headers > MAX_HEADERS {
                return Err(Malformed::TooManyExtensions.into());
            }
            let header = extension(self.next, &self.datagram[self.at..])
                .ok_or(Malformed::ExtensionLength)?;
            match self.next {
                protocol::HOP_BY_HOP if self.at > HEADER => {
                    return Err(self.problem(Malformed::ExtensionOrder, 1, self.pointer));
                }
                protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => {
                    self.check_options(&header[2..], multicast)?;
                }
                // RFC 8200 §4.4: this host must be the last segment of the route, or the
                // datagram is dropped; RFC 5095 for type 0.
                protocol::ROUTING if header[3] != 0 => {
                    return Err(self.problem(Malformed::RoutingHeader, 0, self.at + 2));
                }
                protocol::FRAGMENT => {
                    if let Some(fragment) = self.fragment(header)? {
                        self.next = header[0];
                        return Ok(Some(fragment));
                    }
                }
                _ => {}
            }
            self.next = header[0];
            self.pointer = self.at;
            self.at += header.len();
        }
        Ok(None)
    }

    /// RFC 8200 §4.2: the two highest bits of an unknown option's type say what to do with the
    /// datagram. Only padding is known.
    fn check_options(&self, options: &[u8], multicast: bool) -> Result<(), Refusal> {
        const PADN: u8 = 1;
        let (mut count, mut padding) = (0, 0);
        let mut rest = options;
        while let Some(&kind) = rest.first() {
            let len = match (kind, rest.get(1)) {
                (PAD1, _) => 1,
                (_, Some(&len)) => 2 + usize::from(len),
                (_, None) => return Err(Malformed::OptionLength.into()),
            };
            let pointer = self.at + 2 + options.len() - rest.len();
            rest = rest.get(len..).ok_or(Malformed::OptionLength)?;
            match kind {
                PAD1 | PADN => padding += len,
                _ => (count, padding) = (count + 1, 0),
            }
            if count > MAX_OPTIONS || padding > MAX_PADDING {
                return Err(Malformed::TooManyOptions.into());
            }
            match kind >> 6 {
                0b00 => {}
                0b10 => return Err(self.problem(Malformed::UnknownOption, 2, pointer)),
                0b11 if !multicast => {
                    return Err(self.problem(Malformed::UnknownOption, 2, pointer));
                }
                _ => return Err(Malformed::UnknownOption.into()),
            }
        }
        Ok(())
    }

    /// The fragment behind a fragment header; `None` if it is the whole datagram (RFC 6946).
    fn fragment(&self, header: &[u8]) -> Result<Option<Fragment<'a>>, Refusal> {
        let fields =
            Ipv6FragmentHeaderSlice::from_slice(header).map_err(|_| Malformed::ExtensionLength)?;
        if !fields.is_fragmenting_payload() {
            return Ok(None);
        }
        let fragment = Fragment {
            identification: fields.identification(),
            offset: fields.fragment_offset().value() * 8,
            more: fields.more_fragments(),
            payload: &self.datagram[self.at + header.len()..],
            datagram: self.datagram,
        };
        let next = header[0];
        // RFC 8200 §4.5, the error conditions: pointers to payload length and fragment offset.
        let len = fragment.payload.len();
        if fragment.more && !len.is_multiple_of(8) {
            return Err(self.problem(Malformed::FragmentLength, 0, 4));
        }
        // The headers before this one count towards the length of the reassembled payload.
        let before = self.at - HEADER;
        if before + usize::from(fragment.offset) + len > MAX_DATAGRAM {
            return Err(self.problem(Malformed::FragmentBeyondEnd, 0, self.at + 2));
        }
        if fragment.offset == 0 {
            if next == protocol::HOP_BY_HOP {
                return Err(self.problem(Malformed::ExtensionOrder, 1, self.at));
            }
            match upper_layer(next, fragment.payload) {
                Upper::At { whole: true, .. } => {}
                // RFC 7112 §5.
                Upper::At { .. } | Upper::Missing => {
                    return Err(self.problem(Malformed::TinyFragment, 3, 0));
                }
                Upper::Fragmented { .. } => return Err(Malformed::NestedFragment.into()),
            }
        }
        if len == 0 {
            return Err(Malformed::FragmentLength.into());
        }
        Ok(Some(fragment))
    }

    fn problem(&self, reason: Malformed, code: u8, pointer: usize) -> Refusal {
        let pointer = pointer as u32;
        Refusal::answered(reason, IcmpError::ParameterProblem { code, pointer })
    }
}

/// Where an unchecked chain ends.
pub(super) enum Upper {
    /// At the header of `protocol`, `offset` octets on; `whole`: all of that header is there.
    At {
        protocol: u8,
        offset: usize,
        whole: bool,
    },
    /// At a fragment header, `offset` octets on.
    Fragmented { offset: usize },
    /// Beyond the octets that are there, or beyond the most headers.
    Missing,
}

/// Looks for the upper-layer header in `octets`, which begin with a header of kind `next`.
pub(super) fn upper_layer(next: u8, octets: &[u8]) -> Upper {
    let (mut next, mut offset) = (next, 0);
    for _ in 0..=MAX_HEADERS {
        let rest = &octets[offset..];
        if next == protocol::FRAGMENT {
            return Upper::Fragmented { offset };
        }
        if !is_extension(next) {
            let protocol = next;
            let whole = rest.len() >= transport_header(protocol, rest);
            return Upper::At {
                protocol,
                offset,
                whole,
            };
        }
        let Some(header) = extension(next, rest) else {
            return Upper::Missing;
        };
        next = header[0];
        offset += header.len();
    }
    Upper::Missing
}

/// How long the transport header at the front of `octets` is, in octets.
fn transport_header(protocol: u8, octets: &[u8]) -> usize {
    match protocol {
        protocol::TCP => octets
            .get(12)
            .map_or(20, |o| usize::from(o >> 4) * 4)
            .max(20),
        protocol::UDP | protocol::ICMPV6 => 8,
        protocol::NO_NEXT_HEADER => 0,
        _ => 1,
    }
}

/// Reads what it can of a datagram that is unchecked and may be truncated.
pub(super) fn quoted(datagram: &[u8]) -> Option<Quoted<'_>> {
    let header = Ipv6HeaderSlice::from_slice(datagram).ok()?;
    let source = header.source_addr().into();
    let destination = header.destination_addr().into();
    let ip = |protocol| IpHeader::new(source, destination, protocol, header.hop_limit());
    let mut next = header.next_header().0;
    let mut octets = &datagram[HEADER..];
    if let Upper::Fragmented { offset } = upper_layer(next, octets)
        && let Some(fragment) = extension(protocol::FRAGMENT, &octets[offset..])
        && let Ok(fields) = Ipv6FragmentHeaderSlice::from_slice(fragment)
    {
        next = fields.next_header().0;
        if fields.fragment_offset().value() != 0 {
            let (ip, upper) = (ip(next), None);
            return Some(Quoted { ip, upper });
        }
        octets = &octets[offset + fragment.len()..];
    }
    let (protocol, upper) = match upper_layer(next, octets) {
        Upper::At {
            protocol, offset, ..
        } => (protocol, Some(&octets[offset..])),
        Upper::Fragmented { .. } | Upper::Missing => (next, None),
    };
    let ip = ip(protocol);
    Some(Quoted { ip, upper })
}

fn is_extension(next: u8) -> bool {
    matches!(
        next,
        protocol::HOP_BY_HOP
            | protocol::DESTINATION_OPTIONS
            | protocol::ROUTING
            | protocol::FRAGMENT
    )
}

/// The extension header at the front of `octets`, if all of it is there. Its first octet is its
/// next header field, and it has at least eight.
pub(super) fn extension(kind: u8, octets: &[u8]) -> Option<&[u8]> {
    let len = match kind {
        protocol::FRAGMENT => FRAGMENT_HEADER,
        _ => 8 + 8 * usize::from(*octets.get(1)?),
    };
    octets.get(..len)
}

/// Writes a header without extensions to the front of `out`. Returns its length.
#[inline]
pub(super) fn write(
    ip: &IpHeader,
    (source, destination): (Ipv6Addr, Ipv6Addr),
    protocol: u8,
    payload: usize,
    out: &mut [u8],
) -> usize {
    assert!(payload <= MAX_DATAGRAM, "a payload of {payload} octets");
    let header = Ipv6Header {
        traffic_class: ip.traffic_class,
        flow_label: Ipv6FlowLabel::try_from(ip.flow_label & FLOW_LABEL).unwrap_or_default(),
        payload_length: payload as u16,
        next_header: etherparse::IpNumber(protocol),
        hop_limit: ip.hop_limit,
        source: source.octets(),
        destination: destination.octets(),
    };
    out[..HEADER].copy_from_slice(&header.to_bytes());
    HEADER
}

/// The fragment header for a payload that begins with a header of kind `next`. `offset`: in
/// octets, a multiple of eight.
pub(super) fn fragment_header(
    next: u8,
    identification: u32,
    offset: u16,
    more: bool,
) -> [u8; FRAGMENT_HEADER] {
    let [high, low] = (offset | u16::from(more)).to_be_bytes();
    let [a, b, c, d] = identification.to_be_bytes();
    [next, 0, high, low, a, b, c, d]
}
