//! The IPv4 header (RFC 791).

use core::net::Ipv4Addr;

use etherparse::Ipv4HeaderSlice;

use super::checksum::Sum;
use super::icmp_error::IcmpError;
use super::ip_header::{Content, Fragment, IpHeader, MAX_DATAGRAM, Quoted, protocol};
use super::malformed::{Malformed, Refusal};

/// Length without options, in octets.
pub(super) const HEADER: usize = 20;
/// The shortest TCP header, which a first fragment must contain (RFC 3128).
const TCP_HEADER: usize = 20;

/// Parses the header; octets beyond the total length are padding of the link and cut off.
#[inline]
pub(super) fn parse(datagram: &[u8]) -> Result<(IpHeader, Content<'_>), Refusal> {
    if datagram.len() < HEADER {
        return Err(Malformed::TooShort.into());
    }
    let header = Ipv4HeaderSlice::from_slice(datagram).map_err(|_| Malformed::Ipv4HeaderLength)?;
    let (len, total) = (header.slice().len(), usize::from(header.total_len()));
    if total < len || total > datagram.len() {
        return Err(Malformed::Ipv4TotalLength.into());
    }
    if !sum(header.slice()).verifies() {
        return Err(Malformed::Ipv4Checksum.into());
    }
    if len > HEADER {
        check_options(header.options())?;
    }
    let ip = IpHeader {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: header.protocol().0,
        // RFC 1122 §3.2.1.7: once it has arrived, it is not dropped for any TTL.
        hop_limit: header.ttl(),
        traffic_class: header.slice()[1],
        flow_label: 0,
        identification: header.identification(),
        dont_fragment: header.dont_fragment(),
    };
    let payload = &datagram[len..total];
    if header.is_fragmenting_payload() {
        let fragment = Fragment {
            identification: ip.identification.into(),
            offset: header.fragments_offset().value() * 8,
            more: header.more_fragments(),
            payload,
            datagram: &datagram[..total],
        };
        check_fragment(&ip, len, &fragment)?;
        return Ok((ip, Content::Fragment(fragment)));
    }
    let pointer = 9;
    let whole = Content::Whole {
        payload,
        start: len,
        pointer,
    };
    Ok((ip, whole))
}

/// Options are skipped. One with an impossible length is reported (RFC 1122 §3.2.2.5); source
/// routes are refused silently (RFC 7126 §4.3), because this host is not a router.
fn check_options(options: &[u8]) -> Result<(), Refusal> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    let mut rest = options;
    while let Some(&kind) = rest.first() {
        let len = match (kind, rest.get(1)) {
            (END, _) => break,
            (NO_OPERATION, _) => 1,
            (LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, _) => {
                return Err(Malformed::Ipv4SourceRoute.into());
            }
            (_, Some(&len)) if len >= 2 && usize::from(len) <= rest.len() => usize::from(len),
            (_, _) => {
                let pointer = HEADER + options.len() - rest.len();
                return Err(Refusal::answered(
                    Malformed::Ipv4Option,
                    IcmpError::ParameterProblem {
                        code: 0,
                        pointer: pointer as u32,
                    },
                ));
            }
        };
        rest = &rest[len..];
    }
    Ok(())
}

fn check_fragment(ip: &IpHeader, header: usize, fragment: &Fragment<'_>) -> Result<(), Malformed> {
    let len = fragment.payload.len();
    if len == 0 || (fragment.more && !len.is_multiple_of(8)) {
        return Err(Malformed::FragmentLength);
    }
    if header + usize::from(fragment.offset) + len > MAX_DATAGRAM {
        return Err(Malformed::FragmentBeyondEnd);
    }
    // RFC 3128: no honest sender splits a TCP header.
    let cut = match fragment.offset {
        0 => len < TCP_HEADER,
        offset => usize::from(offset) < TCP_HEADER,
    };
    if ip.protocol == protocol::TCP && cut {
        return Err(Malformed::TinyFragment);
    }
    Ok(())
}

/// Reads what it can of a datagram that is unchecked and may be truncated.
pub(super) fn quoted(datagram: &[u8]) -> Option<Quoted<'_>> {
    let header = Ipv4HeaderSlice::from_slice(datagram).ok()?;
    let source = header.source_addr().into();
    let destination = header.destination_addr().into();
    let ip = IpHeader::new(source, destination, header.protocol().0, header.ttl());
    let first = header.fragments_offset().value() == 0;
    let upper = first.then(|| &datagram[header.slice().len()..]);
    Some(Quoted { ip, upper })
}

/// Writes a header without options to the front of `out`. Returns its length.
#[inline]
pub(super) fn write(
    ip: &IpHeader,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    protocol: u8,
    payload: usize,
    out: &mut [u8],
) -> usize {
    let total = HEADER + payload;
    assert!(total <= MAX_DATAGRAM, "a datagram of {total} octets");
    let header: &mut [u8; HEADER] = out.first_chunk_mut().expect("room for an IPv4 header");
    header[0] = 0x45;
    header[1] = ip.traffic_class;
    header[2..4].copy_from_slice(&(total as u16).to_be_bytes());
    header[4..6].copy_from_slice(&ip.identification.to_be_bytes());
    header[6..8].copy_from_slice(&fragment_field(ip.dont_fragment, false, 0));
    header[8] = ip.hop_limit;
    header[9] = protocol;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    set_checksum(header);
    HEADER
}

/// Sets the total length in `header`.
pub(super) fn set_total_length(header: &mut [u8], length: u16) {
    header[2..4].copy_from_slice(&length.to_be_bytes());
    set_checksum(header);
}

/// Makes the first octets behind the header options: `header` has them.
pub(super) fn take_options_in(header: &mut [u8]) {
    header[0] = 0x40 | (header.len() / 4) as u8;
    set_checksum(header);
}

/// Makes the datagram of `header` a fragment. `offset`: in octets, a multiple of eight.
pub(super) fn set_fragment(header: &mut [u8], offset: u16, more: bool) {
    header[6..8].copy_from_slice(&fragment_field(false, more, offset));
    set_checksum(header);
}

/// The flags, and the fragment offset in units of eight octets.
fn fragment_field(dont_fragment: bool, more: bool, offset: u16) -> [u8; 2] {
    let flags = (u16::from(dont_fragment) << 14) | (u16::from(more) << 13);
    (flags | (offset / 8)).to_be_bytes()
}

#[inline]
fn set_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let checksum = sum(header).checksum();
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

#[inline]
fn sum(header: &[u8]) -> Sum {
    match <&[u8; HEADER]>::try_from(header) {
        Ok(header) => Sum::ZERO.plus_array(header),
        Err(_) => Sum::ZERO.plus(header),
    }
}
