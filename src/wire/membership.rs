//! What hosts and routers of a link tell each other about the groups of hosts: IGMP over IPv4 (RFC 1112,
//! RFC 2236, RFC 9776) and MLD over IPv6 (RFC 2710, RFC 9777), as values that do not show the family.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::checksum::Sum;
use super::ip::header_len;
use super::ip_header::{IpHeader, protocol};
use super::malformed::Malformed;
use super::router_alert;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'a> {
    /// A router asks which groups hosts are in.
    Query(Query<'a>),
    /// A host reports that it is in a group, in a version before the third.
    Report(IpAddr),
    /// Not to be acted upon by a host: reports of the third version, reports that a host leaves, what no
    /// router of the link can have sent, and everything unknown.
    Ignored,
}

/// A query of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The version that the router speaks.
    pub version: Version,
    /// The group that the query is about; `None`: all groups.
    pub group: Option<IpAddr>,
    /// How long the answer may wait, so that not all hosts answer at once.
    pub max_response: Duration,
    /// In the third version: how often to send what might get lost, unless it is 0,
    pub robustness: u8,
    /// and how long it is from one query to the next.
    pub interval: Duration,
    /// In the third version: the query is about these senders to the group.
    pub sources: Sources<'a>,
}

/// The versions of the protocols, as IGMP counts them: MLDv1 is IGMPv2 for IPv6, and MLDv2 is IGMPv3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// IGMPv1 (RFC 1112): hosts do not report that they leave.
    First,
    /// IGMPv2 (RFC 2236), MLDv1 (RFC 2710).
    Second,
    /// IGMPv3 (RFC 9776), MLDv2 (RFC 9777): hosts report which senders to a group they hear.
    Third,
}

/// Addresses in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources<'a> {
    octets: &'a [u8],
    is_ipv4: bool,
}

impl Sources<'_> {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        let chunks = self.octets.chunks_exact(address_len(self.is_ipv4));
        chunks.filter_map(|octets| address(octets, self.is_ipv4))
    }
}

/// What a host reports about a group in the third version (RFC 9776 §4.2.13, RFC 9777).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The present state, or a change.
    pub kind: RecordKind,
    /// The group,
    pub group: IpAddr,
    /// and the senders in question.
    pub sources: Vec<IpAddr>,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// These senders are heard.
    IsInclude = 1,
    /// All are heard but these.
    IsExclude = 2,
    /// Only these are heard from now on.
    ToInclude = 3,
    /// All are heard from now on but these.
    ToExclude = 4,
    /// These senders are heard, too, from now on.
    Allow = 5,
    /// These are heard no longer.
    Block = 6,
}

impl RecordKind {
    /// Whether a record that is too long for a report may be split into several, each of which tells a part
    /// (RFC 9776 §4.2.17).
    pub fn is_divisible(self) -> bool {
        match self {
            RecordKind::IsInclude
            | RecordKind::ToInclude
            | RecordKind::Allow
            | RecordKind::Block => true,
            RecordKind::IsExclude | RecordKind::ToExclude => false,
        }
    }
}

impl Record {
    /// The record as one or several, none of them longer than `most` octets. If it lists senders to
    /// exclude, it names only as many as there is room for.
    pub fn fitting(mut self, most: usize) -> Vec<Record> {
        let len = address_len(self.group.is_ipv4());
        let room = (most.saturating_sub(4 + len) / len).max(1);
        if !self.kind.is_divisible() {
            self.sources.truncate(room);
        }
        if self.sources.len() <= room {
            return vec![self];
        }
        let parts = self.sources.chunks(room).map(|sources| Record {
            sources: sources.to_vec(),
            ..self
        });
        parts.collect()
    }

    /// Its length in a message, in octets.
    pub fn wire_len(&self) -> usize {
        4 + address_len(self.group.is_ipv4()) * (1 + self.sources.len())
    }
}

/// Types of IGMP.
mod igmp {
    pub(super) const QUERY: u8 = 0x11;
    pub(super) const REPORT_V1: u8 = 0x12;
    pub(super) const REPORT_V2: u8 = 0x16;
    pub(super) const LEAVE: u8 = 0x17;
    pub(super) const REPORT_V3: u8 = 0x22;
    /// RFC 9776 §4: internetwork control.
    pub(super) const TRAFFIC_CLASS: u8 = 0xc0;
    pub(super) const ALL_ROUTERS: [u8; 4] = [224, 0, 0, 2];
    /// RFC 9776 §4.2.15.
    pub(super) const REPORTS: [u8; 4] = [224, 0, 0, 22];
}

/// Types of ICMPv6 that are MLD.
mod mld {
    use core::net::Ipv6Addr;

    pub(super) const QUERY: u8 = 130;
    pub(super) const REPORT_V1: u8 = 131;
    pub(super) const DONE: u8 = 132;
    pub(super) const REPORT_V2: u8 = 143;
    pub(super) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
    /// RFC 9777 (RFC 3810 §5.2.14).
    pub(super) const REPORTS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
}

/// The number of octets before the first address of a message.
const fn fixed(is_ipv4: bool) -> usize {
    if is_ipv4 { 4 } else { 8 }
}

/// Octets of headers before the records of a report: IP with its option, and the message's own.
pub const fn report_headers(is_ipv4: bool) -> usize {
    header_len(is_ipv4) + router_alert::len(is_ipv4) + 8
}

/// Whether an ICMPv6 message is an MLD message.
pub(super) fn is_mld(payload: &[u8]) -> bool {
    let kind = payload.first();
    kind.is_some_and(|kind| matches!(*kind, mld::QUERY..=mld::DONE | mld::REPORT_V2))
}

/// Parses a message, the payload of `ip`. `is_alerted`: with IPv6, it has the option that alerts
/// routers.
///
/// # Errors
/// If it is too short for its contents, or the checksum is wrong.
pub(super) fn parse<'a>(
    ip: &IpHeader,
    payload: &'a [u8],
    is_alerted: bool,
) -> Result<Membership<'a>, Malformed> {
    let is_ipv4 = ip.source.is_ipv4();
    let (sum, short, wrong) = match is_ipv4 {
        true => (Sum::ZERO, Malformed::IgmpLength, Malformed::IgmpChecksum),
        false => (
            Sum::pseudo_header(ip.source, ip.destination, protocol::ICMPV6, payload.len()),
            Malformed::IcmpLength,
            Malformed::IcmpChecksum,
        ),
    };
    let (Some(fields), Some(group)) = (
        payload.first_chunk::<8>(),
        payload
            .get(fixed(is_ipv4)..)
            .and_then(|rest| address(rest, is_ipv4)),
    ) else {
        return Err(short);
    };
    if !sum.plus(payload).verifies() {
        return Err(wrong);
    }
    // RFC 9777 §5.1.14, §6.2: only a message that was not forwarded and comes from a link-local address is
    // from the link.
    let is_of_link = match ip.source {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.is_unicast_link_local() && is_alerted,
    };
    if ip.hop_limit != 1 || !is_of_link || !(group.is_multicast() || group.is_unspecified()) {
        return Ok(Membership::Ignored);
    }
    match (fields[0], is_ipv4) {
        (igmp::QUERY, true) | (mld::QUERY, false) => query(fields, group, payload).ok_or(short),
        (igmp::REPORT_V1 | igmp::REPORT_V2, true) | (mld::REPORT_V1, false) => {
            Ok(Membership::Report(group))
        }
        _ => Ok(Membership::Ignored),
    }
}

/// A query, whose version follows from its length (RFC 9776 §7.1, RFC 9777 §8.1). `None` if it announces
/// more addresses than it has.
fn query<'a>(fields: &[u8; 8], group: IpAddr, payload: &'a [u8]) -> Option<Membership<'a>> {
    let is_ipv4 = group.is_ipv4();
    let code = match is_ipv4 {
        true => u16::from(fields[1]),
        false => u16::from_be_bytes([fields[4], fields[5]]),
    };
    let (unit, default) = match is_ipv4 {
        true => (Duration::from_millis(100), Duration::from_secs(10)),
        false => (Duration::from_millis(1), Duration::ZERO),
    };
    let mut query = Query {
        version: Version::Second,
        group: Some(group).filter(IpAddr::is_multicast),
        max_response: unit * u32::from(code),
        robustness: 0,
        interval: Duration::ZERO,
        sources: Sources::default(),
    };
    let rest = &payload[fixed(is_ipv4) + address_len(is_ipv4)..];
    match rest {
        // RFC 2236 §4: the first version has no such field.
        [] if is_ipv4 && code == 0 => {
            (query.version, query.max_response) = (Version::First, default);
        }
        [] => {}
        [flags, interval, high, low, rest @ ..] => {
            let count = usize::from(u16::from_be_bytes([*high, *low]));
            let octets = rest.get(..count * address_len(is_ipv4))?;
            query.version = Version::Third;
            query.max_response = unit * float(code, if is_ipv4 { 4 } else { 12 });
            query.robustness = flags & 0b111;
            query.interval = Duration::from_secs(float(u16::from(*interval), 4).into());
            query.sources = Sources { octets, is_ipv4 };
        }
        // RFC 9776 §7.1: with any other length, it is not a query.
        _ => return Some(Membership::Ignored),
    }
    Some(Membership::Query(query))
}

/// A number, either plain, or with a mantissa of `bits` bits below its first bit and three bits of exponent
/// (RFC 9776 §4.1.1, RFC 9777 §5.1.3).
fn float(code: u16, bits: u32) -> u32 {
    let code = u32::from(code);
    match code >> (bits + 3) {
        0 => code,
        _ => ((code & ((1 << bits) - 1)) | 1 << bits) << ((code >> bits & 0b111) + 3),
    }
}

/// A report of the third version, as a whole datagram from `source`.
///
/// # Panics
/// If it would be longer than 65,535 octets.
pub fn report(source: IpAddr, records: &[Record]) -> Vec<u8> {
    let [high, low] = (records.len() as u16).to_be_bytes();
    let (kind, to): (u8, IpAddr) = match source {
        IpAddr::V4(_) => (igmp::REPORT_V3, igmp::REPORTS.into()),
        IpAddr::V6(_) => (mld::REPORT_V2, mld::REPORTS.into()),
    };
    let mut payload = vec![kind, 0, 0, 0, 0, 0, high, low];
    for record in records {
        let [high, low] = (record.sources.len() as u16).to_be_bytes();
        payload.extend([record.kind as u8, 0, high, low]);
        for address in [&record.group].into_iter().chain(&record.sources) {
            write(address, &mut payload);
        }
    }
    message(source, to, payload)
}

/// A report of the first or second version that `source` is in a group, as a whole datagram.
pub fn older_report(source: IpAddr, version: Version, group: IpAddr) -> Vec<u8> {
    let kind = match (source, version) {
        (IpAddr::V4(_), Version::First) => igmp::REPORT_V1,
        (IpAddr::V4(_), _) => igmp::REPORT_V2,
        (IpAddr::V6(_), _) => mld::REPORT_V1,
    };
    message(source, group, older(kind, group))
}

/// A message of the second version that `source` leaves a group, as a whole datagram.
pub fn leave(source: IpAddr, group: IpAddr) -> Vec<u8> {
    let (kind, to): (u8, IpAddr) = match source {
        IpAddr::V4(_) => (igmp::LEAVE, igmp::ALL_ROUTERS.into()),
        IpAddr::V6(_) => (mld::DONE, mld::ALL_ROUTERS.into()),
    };
    message(source, to, older(kind, group))
}

/// A message that contains only a group.
fn older(kind: u8, group: IpAddr) -> Vec<u8> {
    let mut payload = vec![0; fixed(group.is_ipv4())];
    payload[0] = kind;
    write(&group, &mut payload);
    payload
}

/// A whole datagram, which no router forwards and every router examines (RFC 9776 §4, RFC 9777 §5).
fn message(source: IpAddr, destination: IpAddr, mut payload: Vec<u8>) -> Vec<u8> {
    let (protocol, traffic_class, sum) = match source {
        IpAddr::V4(_) => (protocol::IGMP, igmp::TRAFFIC_CLASS, Sum::ZERO),
        IpAddr::V6(_) => {
            let sum = Sum::pseudo_header(source, destination, protocol::ICMPV6, payload.len());
            (protocol::ICMPV6, 0, sum)
        }
    };
    let checksum = sum.plus(&payload).checksum();
    payload[2..4].copy_from_slice(&checksum.to_be_bytes());
    let ip = IpHeader {
        traffic_class,
        ..IpHeader::new(source, destination, protocol, 1)
    };
    router_alert::datagram(&ip, &payload)
}

const fn address_len(is_ipv4: bool) -> usize {
    if is_ipv4 { 4 } else { 16 }
}

fn address(octets: &[u8], is_ipv4: bool) -> Option<IpAddr> {
    Some(match is_ipv4 {
        true => Ipv4Addr::from(*octets.first_chunk::<4>()?).into(),
        false => Ipv6Addr::from(*octets.first_chunk::<16>()?).into(),
    })
}

fn write(address: &IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(v4) => out.extend(v4.octets()),
        IpAddr::V6(v6) => out.extend(v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Payload, parse as parse_datagram};

    /// RFC 9776 §4.1.1, RFC 9777 §5.1.3: small numbers are plain, and large ones are multiples.
    #[test]
    fn numbers_that_float() {
        for (code, number) in [(0, 0), (127, 127), (128, 128), (129, 136), (255, 31_744)] {
            assert_eq!(float(code, 4), number);
        }
        for (code, number) in [(0x7fff, 0x7fff), (0x8000, 0x8000), (0xffff, 0x1fff << 10)] {
            assert_eq!(float(code, 12), number);
        }
    }

    fn any_source() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 14]>().prop_map(|end| {
                let mut octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                octets[2..].copy_from_slice(&end);
                IpAddr::from(octets)
            }),
        ]
    }

    proptest! {
        /// Whatever the octets behind the type, nothing panics, and all announced addresses are there.
        #[test]
        fn any_octets_are_read(
            source in any_source(),
            kind in prop_oneof![Just(0x11), Just(0x12), Just(0x16), 128u8..145],
            rest in prop::collection::vec(any::<u8>(), 0..80),
            is_any in any::<bool>(),
        ) {
            let mut payload = [&[kind][..], &rest].concat();
            let to: IpAddr = match source {
                IpAddr::V4(_) => igmp::REPORTS.into(),
                IpAddr::V6(_) => mld::REPORTS.into(),
            };
            let fixed = fixed(source.is_ipv4());
            if is_any && payload.len() >= fixed + address_len(source.is_ipv4()) {
                payload[fixed..][..address_len(source.is_ipv4())].fill(0);
            }
            if payload.len() < 4 {
                payload.resize(4, 0);
            }
            payload[2..4].fill(0);
            let len = payload.len();
            let datagram = message(source, to, payload);
            match parse_datagram(&datagram).map(|parsed| parsed.payload) {
                Ok(Payload::Membership(Membership::Query(query))) => {
                    let addresses = query.sources.iter().count() + 1;
                    prop_assert!(len >= fixed + addresses * address_len(source.is_ipv4()));
                    prop_assert_eq!(query.version == Version::Third, len >= fixed + address_len(source.is_ipv4()) + 4);
                }
                Ok(Payload::Membership(Membership::Report(_) | Membership::Ignored) | Payload::Icmp(_)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => prop_assert_eq!(refusal.answer, None),
            }
        }
    }

    /// RFC 9776 §4.2.17: a record that does not fit is split, or, if it lists senders to exclude, names
    /// fewer.
    #[test]
    fn a_record_is_made_to_fit() {
        for (group, most) in [([239, 1, 2, 3].into(), 20), ([0xff; 16].into(), 20 + 48)] {
            let sources: Vec<IpAddr> = (0..7_u8)
                .map(|number| match group {
                    IpAddr::V4(_) => [1, 0, 0, number].into(),
                    IpAddr::V6(_) => [number; 16].into(),
                })
                .collect();
            for (kind, parts) in [(RecordKind::Allow, 3), (RecordKind::ToExclude, 1)] {
                let record = Record {
                    kind,
                    group,
                    sources: sources.clone(),
                };
                assert_eq!(record.clone().fitting(1_000), vec![record.clone()]);
                let fitting = record.fitting(most);
                assert_eq!(fitting.len(), parts);
                assert!(
                    fitting
                        .iter()
                        .all(|part| part.wire_len() <= most && part.kind == kind)
                );
                let told: Vec<IpAddr> = fitting.into_iter().flat_map(|part| part.sources).collect();
                assert_eq!(told, sources[..7.min(parts * 3)]);
            }
        }
    }

    #[test]
    fn what_hosts_say_is_read() {
        let v4 = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([239, 1, 2, 3])];
        let v6 = ["fe80::1", "ff15::1"].map(|text| text.parse::<IpAddr>().unwrap());
        for [source, group] in [v4, v6] {
            let record = Record {
                kind: RecordKind::IsInclude,
                group,
                sources: vec![source],
            };
            let said = report(source, core::slice::from_ref(&record));
            let headers = report_headers(source.is_ipv4());
            assert_eq!(said.len(), headers + record.wire_len());
            for (datagram, expected) in [
                (said, Membership::Ignored),
                (leave(source, group), Membership::Ignored),
                (
                    older_report(source, Version::Second, group),
                    Membership::Report(group),
                ),
            ] {
                let parsed = parse_datagram(&datagram).unwrap();
                assert_eq!(parsed.payload, Payload::Membership(expected));
                assert_eq!((parsed.ip.source, parsed.ip.hop_limit), (source, 1));
            }
        }
    }
}
