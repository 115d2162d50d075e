//! What routers are told of the senders that this host hears: source filters of IGMPv3 and MLDv2 (RFC 9776, RFC
//! 9777, RFC 4604), octet by octet, in virtual time.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Filter, Secret, SourceChange, Stack, UdpId};
use stubborn::time::Instant;

use super::groups::*;

const ALLOW: u8 = 5;
const BLOCK: u8 = 6;
/// Senders.
const A: [u8; 4] = [1, 0, 0, 1];
const B: [u8; 4] = [1, 0, 0, 2];
const C: [u8; 4] = [1, 0, 0, 3];
/// A source-specific group.
const CHANNEL: [u8; 4] = [232, 1, 2, 3];

fn include(sources: &[[u8; 4]]) -> Filter {
    Filter::include(sources.iter().copied().map(IpAddr::from))
}

fn exclude(sources: &[[u8; 4]]) -> Filter {
    Filter::exclude(sources.iter().copied().map(IpAddr::from))
}

impl Host {
    fn socket(&mut self) -> UdpId {
        let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        self.stack.udp_bind(any).unwrap()
    }

    fn set(&mut self, id: UdpId, group: [u8; 4], filter: Filter) {
        self.stack.udp_set_filter(id, group.into(), filter).unwrap();
    }

    /// A socket with this filter, which is told of.
    fn with(mut self, filter: Filter) -> Host {
        let id = self.socket();
        self.set(id, GROUP, filter);
        self.settled()
    }
}

/// RFC 9776 §5.1: which record tells which change. Each is told at once, and once more within a second.
#[test]
fn every_change_has_its_record() {
    let rows: [(Filter, &[Record<'_>]); 12] = [
        (include(&[A]), &[(ALLOW, GROUP, &[A])]),
        (include(&[A, B]), &[(ALLOW, GROUP, &[B])]),
        (
            include(&[B, C]),
            &[(ALLOW, GROUP, &[C]), (BLOCK, GROUP, &[A])],
        ),
        (exclude(&[A]), &[(TO_EXCLUDE, GROUP, &[A])]),
        (exclude(&[A, B]), &[(BLOCK, GROUP, &[B])]),
        (
            exclude(&[B, C]),
            &[(ALLOW, GROUP, &[A]), (BLOCK, GROUP, &[C])],
        ),
        (exclude(&[]), &[(ALLOW, GROUP, &[B, C])]),
        (include(&[A, C]), &[(TO_INCLUDE, GROUP, &[A, C])]),
        (include(&[A, C]), &[]),
        (include(&[]), &[(BLOCK, GROUP, &[A, C])]),
        (exclude(&[C]), &[(TO_EXCLUDE, GROUP, &[C])]),
        (include(&[]), &[(TO_INCLUDE, GROUP, &[])]),
    ];
    let mut host = Host::v4();
    let id = host.socket();
    for (filter, records) in rows {
        host.set(id, GROUP, filter.clone());
        let said = host.says_within(second(5));
        let expected = match records {
            [] => vec![],
            records => vec![report(records); 2],
        };
        let texts: Vec<_> = said.iter().map(|(_, said)| said.clone()).collect();
        assert_eq!(texts, expected, "{filter:?}");
        let [(first, _), (last, _)] = &said[..] else {
            continue;
        };
        assert!(first.is_zero() && *last <= second(1));
    }
    assert_eq!(host.stack.next_deadline(), None);
}

/// RFC 9776 §3.2: a host hears what any of its sockets hears, and tells of no other change.
#[test]
fn the_filters_of_all_sockets_are_one() {
    let mut host = Host::v4();
    let [x, y, z] = [(); 3].map(|()| host.socket());
    let rows: [(UdpId, Filter, &[Record<'_>]); 9] = [
        (x, exclude(&[A, B]), &[(TO_EXCLUDE, GROUP, &[A, B])]),
        (y, include(&[A]), &[(ALLOW, GROUP, &[A])]),
        (y, include(&[A, C]), &[]),
        (z, exclude(&[A, C]), &[(ALLOW, GROUP, &[B])]),
        (y, include(&[C]), &[(BLOCK, GROUP, &[A])]),
        (x, include(&[]), &[(BLOCK, GROUP, &[])]),
        (z, include(&[B]), &[(TO_INCLUDE, GROUP, &[B, C])]),
        (z, include(&[]), &[(BLOCK, GROUP, &[B])]),
        (y, include(&[]), &[(BLOCK, GROUP, &[C])]),
    ];
    for (row, (id, filter, records)) in rows.into_iter().enumerate() {
        host.set(id, GROUP, filter);
        let expected = match records {
            [] | [(_, _, [])] => vec![],
            records => vec![report(records); 2],
        };
        assert_eq!(host.says(second(5)), expected, "row {row}");
    }
}

/// RFC 9776 §5.1: what changes while a change is still to be told goes with it, as it is by then; a new mode says
/// all.
#[test]
fn changes_of_senders_are_told_together() {
    let mut host = Host::v4();
    let id = host.socket();
    let after = |host: &mut Host, filter: Filter| {
        host.set(id, GROUP, filter);
        host.says(Duration::ZERO)
    };
    let now = |records: &[Record<'_>]| vec![report(records)];
    assert_eq!(
        after(&mut host, include(&[A])),
        now(&[(ALLOW, GROUP, &[A])])
    );
    let both = now(&[(ALLOW, GROUP, &[A, B])]);
    assert_eq!(after(&mut host, include(&[A, B])), both);
    let one_of_each = now(&[(ALLOW, GROUP, &[C]), (BLOCK, GROUP, &[B])]);
    assert_eq!(after(&mut host, include(&[A, C])), one_of_each);
    assert_eq!(host.says(second(2)), one_of_each);
    let mode = |kind, senders| now(&[(kind, GROUP, senders)]);
    assert_eq!(after(&mut host, exclude(&[A])), mode(TO_EXCLUDE, &[A]));
    assert_eq!(after(&mut host, exclude(&[B])), mode(TO_EXCLUDE, &[B]));
    let rest = now(&[(ALLOW, GROUP, &[A]), (BLOCK, GROUP, &[B])]);
    assert_eq!(host.says(second(2)), rest);
    assert!(host.says(second(2)).is_empty());
    assert_eq!(after(&mut host, include(&[C])), mode(TO_INCLUDE, &[C]));
    assert_eq!(after(&mut host, exclude(&[])), mode(TO_EXCLUDE, &[]));
    assert_eq!(host.says(second(2)), mode(TO_EXCLUDE, &[]));
}

/// RFC 9776 §5.2: to a router that asks for all groups, or for one, what is heard is told; to one that asks for
/// senders, which of these are heard, and nothing if none is.
#[test]
fn queries_are_answered_with_senders() {
    let ask = |senders: &[[u8; 4]]| query(GROUP, 10, senders);
    let all = query([0; 4], 10, &[]);
    let rows: [(Filter, Vec<u8>, &[Record<'_>]); 10] = [
        (
            include(&[A, B]),
            all.clone(),
            &[(IS_INCLUDE, GROUP, &[A, B])],
        ),
        (include(&[A, B]), ask(&[]), &[(IS_INCLUDE, GROUP, &[A, B])]),
        (include(&[A, B]), ask(&[B, C]), &[(IS_INCLUDE, GROUP, &[B])]),
        (include(&[A, B]), ask(&[C]), &[]),
        (
            exclude(&[A, B]),
            all.clone(),
            &[(IS_EXCLUDE, GROUP, &[A, B])],
        ),
        (exclude(&[A, B]), ask(&[]), &[(IS_EXCLUDE, GROUP, &[A, B])]),
        (exclude(&[A, B]), ask(&[B, C]), &[(IS_INCLUDE, GROUP, &[C])]),
        (exclude(&[A, B]), ask(&[B, A]), &[]),
        (exclude(&[]), all, &[(IS_EXCLUDE, GROUP, &[])]),
        (exclude(&[]), ask(&[A]), &[(IS_INCLUDE, GROUP, &[A])]),
    ];
    for (row, (filter, query, records)) in rows.into_iter().enumerate() {
        let mut host = Host::v4().with(filter);
        host.hears(&query);
        let expected = match records {
            [] => vec![],
            records => vec![report(records)],
        };
        assert_eq!(host.says(second(2)), expected, "row {row}");
    }
}

/// Whom a socket does not hear may be a router: what it asks is answered.
#[test]
fn a_router_that_is_blocked_is_answered() {
    let mut host = Host::v4().with(exclude(&[ROUTER]));
    host.hears(&query(GROUP, 10, &[]));
    let said = host.says(second(2));
    assert_eq!(said, [report(&[(IS_EXCLUDE, GROUP, &[ROUTER])])]);
}

/// RFC 9776 §7.2.1, RFC 2236 §3: routers of the versions before know of groups only.
#[test]
fn older_routers_are_told_of_groups_only() {
    let mut host = Host::v4();
    host.hears(&older(ROUTER, 0x11, 10, [0; 4]));
    let id = host.socket();
    let us = [10, 0, 0, 1];
    for (filter, kind, times) in [
        (include(&[A]), 0x16, 2),
        (include(&[A, B]), 0, 0),
        (exclude(&[B]), 0, 0),
        (include(&[]), 0x17, 1),
    ] {
        host.set(id, GROUP, filter.clone());
        let said = host.says(second(20));
        assert_eq!(said, vec![older(us, kind, 0, GROUP); times], "{filter:?}");
    }
    host.set(id, GROUP, include(&[A]));
    host.says(second(20));
    host.hears(&older(ROUTER, 0x11, 10, GROUP));
    assert_eq!(host.says(second(2)), [older(us, 0x16, 0, GROUP)]);
}

/// RFC 4604 §2.2: of a source-specific group only named senders are told; what another host reports in an older
/// version changes nothing.
#[test]
fn source_specific_groups_are_told_with_senders_only() {
    let mut host = Host::v4();
    let [x, y] = [(); 2].map(|()| host.socket());
    host.set(x, CHANNEL, exclude(&[B]));
    assert!(host.says(second(5)).is_empty());
    host.set(y, CHANNEL, include(&[A]));
    assert_eq!(
        host.says(second(5)),
        vec![report(&[(ALLOW, CHANNEL, &[A])]); 2]
    );
    for query in [query([0; 4], 10, &[]), query(CHANNEL, 10, &[])] {
        host.hears(&query);
        let said = host.says(second(2));
        assert_eq!(said, [report(&[(IS_INCLUDE, CHANNEL, &[A])])]);
    }
    host.hears(&older(ROUTER, 0x11, 100, [0; 4]));
    host.hears(&older([10, 0, 0, 9], 0x16, 0, CHANNEL));
    let ours = older([10, 0, 0, 1], 0x16, 0, CHANNEL);
    assert_eq!(host.says(second(20)), [ours]);
    host.stack.udp_close(y);
    let left = older([10, 0, 0, 1], 0x17, 0, CHANNEL);
    assert_eq!(host.says(second(20)), [left]);
}

/// RFC 9776 §4.2.17: heard senders that do not fit one report are named in several; of those that are not heard, so
/// many as fit.
#[test]
fn senders_that_do_not_fit_are_told_in_several_reports() {
    let many: Vec<[u8; 4]> = (0..20).map(|last| [1, 0, 1, last]).collect();
    for (filter, kind, told) in [
        (include(&many), ALLOW, &[7, 7, 6][..]),
        (exclude(&many), TO_EXCLUDE, &[7]),
    ] {
        let mut config = Config::new([IpAddr::from([10, 0, 0, 1])]);
        config.mtu = 68;
        let mut host = Host {
            stack: Stack::new(config, Secret([1; 16])).unwrap(),
            now: Instant::from_secs(1),
        };
        let id = host.socket();
        host.set(id, GROUP, filter);
        let mut rest = &many[..];
        let expected = told.iter().map(|count| {
            let (these, others) = rest.split_at(*count);
            rest = others;
            report(&[(kind, GROUP, these)])
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(host.says(Duration::ZERO), expected);
    }
}

/// RFC 9777 §6.1: the same of IPv6.
#[test]
fn senders_of_ipv6_are_told_of() {
    let mut host = Host::v6();
    let group: IpAddr = "ff15::7".parse().unwrap();
    let id = host.stack.udp_bind("[::]:0".parse().unwrap()).unwrap();
    let senders = ["2001:db8::1", "2001:db8::2"];
    let record = |kind: u8, senders: &[&str]| {
        let head = [143, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, senders.len() as u8];
        let senders: Vec<_> = senders.iter().map(|text| v6(text)).collect();
        let message = [&head[..], &v6("ff15::7"), &senders.concat()].concat();
        mld("fe80::1", "ff02::16", &message)
    };
    let [one, two] = senders.map(|text| text.parse::<IpAddr>().unwrap());
    for (change, kind, told) in [
        (SourceChange::Join(one), ALLOW, &senders[..1]),
        (SourceChange::Join(two), ALLOW, &senders[1..]),
        (SourceChange::Leave(one), BLOCK, &senders[..1]),
    ] {
        host.stack.udp_change_source(id, group, change).unwrap();
        assert_eq!(host.says(second(2)), vec![record(kind, told); 2]);
    }
    host.hears(&mld_query("ff02::1", 100, "::", &[2, 125, 0, 0]));
    assert_eq!(host.says(second(1)), [record(IS_INCLUDE, &senders[1..])]);
    let rest = [&[2, 125, 0, 2][..], &v6(senders[0]), &v6(senders[1])].concat();
    host.hears(&mld_query("ff15::7", 100, "ff15::7", &rest));
    assert_eq!(host.says(second(1)), [record(IS_INCLUDE, &senders[1..])]);
    host.stack.udp_close(id);
    assert_eq!(host.says(second(2)), vec![record(BLOCK, &senders[1..]); 2]);
}

/// Whoever names ever other senders makes a host remember no more than it can tell at once.
#[test]
fn changes_of_senders_are_bounded() {
    let mut host = Host::v4();
    let id = host.socket();
    for number in 0..2_000_u16 {
        let [high, low] = number.to_be_bytes();
        host.set(id, GROUP, include(&[[1, 1, high, low]]));
    }
    let said = host.says(second(2));
    let octets: usize = said.iter().map(Vec::len).sum();
    assert!(octets < 10_000, "{octets}");
    let last = report(&[(TO_INCLUDE, GROUP, &[[1, 1, 7, 207]])]);
    assert!(said.contains(&last), "what is so by now is told");
}
