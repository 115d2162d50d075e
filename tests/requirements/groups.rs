//! What routers are told of the groups that this host is in: IGMP (RFC 2236, RFC 9776) and MLD (RFC 2710, RFC
//! 9777), octet by octet, in virtual time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Secret, Stack, UdpId};
use stubborn::time::Instant;
use stubborn::wire::{self, Payload, checksum, dump};

pub(crate) const GROUP: [u8; 4] = [239, 1, 2, 3];
pub(crate) const OTHER: [u8; 4] = [239, 1, 2, 4];
pub(crate) const ROUTER: [u8; 4] = [10, 0, 0, 2];
const ALL: [u8; 4] = [224, 0, 0, 1];
/// The changes and states of a record (RFC 9776 §4.2.13).
pub(crate) const IS_INCLUDE: u8 = 1;
pub(crate) const IS_EXCLUDE: u8 = 2;
pub(crate) const TO_INCLUDE: u8 = 3;
pub(crate) const TO_EXCLUDE: u8 = 4;

pub(crate) fn second(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct Host {
    pub(crate) stack: Stack,
    pub(crate) now: Instant,
}

/// What left, and how long after the beginning.
pub(crate) type Said = (Duration, Vec<u8>);

impl Host {
    pub(crate) fn new(addresses: &[&str], seed: u8) -> Host {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Host {
            stack: Stack::new(Config::new(addresses), Secret([seed; 16])).unwrap(),
            now: Instant::from_secs(1),
        }
    }

    pub(crate) fn v4() -> Host {
        Host::new(&["10.0.0.1"], 7)
    }

    pub(crate) fn v6() -> Host {
        Host::new(&["fd00::1", "fe80::1"], 7)
    }

    /// A socket that has joined a group.
    fn in_group(&mut self, group: impl Into<IpAddr>) -> UdpId {
        let group = group.into();
        let any: IpAddr = match group {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let id = self.stack.udp_bind(SocketAddr::new(any, 0)).unwrap();
        self.stack.udp_join(id, group).unwrap();
        id
    }

    /// All that leaves in this time, with when.
    pub(crate) fn says_within(&mut self, time: Duration) -> Vec<Said> {
        let (begun, end) = (self.now, self.now + time);
        let mut said = Vec::new();
        loop {
            while let Some(packet) = self.stack.poll_transmit(self.now) {
                said.push((self.now - begun, packet.to_vec()));
                assert!(said.len() < 10_000, "no end");
            }
            match self.stack.next_deadline().filter(|at| *at <= end) {
                Some(at) => self.now = self.now.max(at),
                None => break,
            }
            self.stack.handle_timeouts(self.now);
        }
        self.now = end;
        said
    }

    /// The same without the times.
    pub(crate) fn says(&mut self, time: Duration) -> Vec<Vec<u8>> {
        self.says_within(time)
            .into_iter()
            .map(|(_, said)| said)
            .collect()
    }

    /// Told of what it has joined, for the first time and the last.
    pub(crate) fn settled(mut self) -> Host {
        self.says(second(20));
        self
    }

    pub(crate) fn hears(&mut self, datagram: &[u8]) {
        self.stack.receive(self.now, datagram);
    }
}

/// A message of IGMP from a router, or to one: TTL 1, router alert.
fn igmp(from: [u8; 4], to: [u8; 4], message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let sum = checksum::Sum::ZERO.plus(&message).checksum();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let [high, low] = ((24 + message.len()) as u16).to_be_bytes();
    let mut header = vec![0x46, 0xc0, high, low, 0, 0, 0x40, 0, 1, 2, 0, 0];
    header.extend([from, to, [0x94, 4, 0, 0]].concat());
    let sum = checksum::Sum::ZERO.plus(&header).checksum();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [header, message].concat()
}

/// A query of IGMPv3 for a group, or for all; so many tenths of a second.
pub(crate) fn query(group: [u8; 4], tenths: u8, sources: &[[u8; 4]]) -> Vec<u8> {
    let to = if group == [0; 4] { ALL } else { group };
    let count = sources.len() as u8;
    let fields = [&[0x11, tenths, 0, 0][..], &group, &[2, 125, 0, count]].concat();
    igmp(ROUTER, to, &[fields, sources.concat()].concat())
}

/// A message of IGMPv1 or IGMPv2.
pub(crate) fn older(from: [u8; 4], kind: u8, tenths: u8, group: [u8; 4]) -> Vec<u8> {
    let to = match kind {
        0x11 if group == [0; 4] => ALL,
        0x17 => [224, 0, 0, 2],
        _ => group,
    };
    igmp(from, to, &[&[kind, tenths, 0, 0], &group[..]].concat())
}

/// The type of a record, its group and senders.
pub(crate) type Record<'a> = (u8, [u8; 4], &'a [[u8; 4]]);

/// A report of IGMPv3.
pub(crate) fn report(records: &[Record<'_>]) -> Vec<u8> {
    let mut message = vec![0x22, 0, 0, 0, 0, 0, 0, records.len() as u8];
    for (kind, group, sources) in records {
        message.extend([*kind, 0, 0, sources.len() as u8]);
        message.extend(group);
        message.extend(sources.concat());
    }
    igmp([10, 0, 0, 1], [224, 0, 0, 22], &message)
}

pub(crate) fn v6(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

/// A message of MLD: hop limit 1, router alert.
pub(crate) fn mld(from: &str, to: &str, message: &[u8]) -> Vec<u8> {
    let (from, to, mut message) = (v6(from), v6(to), message.to_vec());
    let sum = checksum::Sum::pseudo_header(from.into(), to.into(), 58, message.len());
    let sum = sum.plus(&message).checksum();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let length = ((8 + message.len()) as u16).to_be_bytes();
    let header = [0x60, 0, 0, 0, length[0], length[1], 0, 1];
    [
        &header[..],
        &from,
        &to,
        &[58, 0, 5, 2, 0, 0, 1, 0],
        &message,
    ]
    .concat()
}

/// A report of MLDv2 with a record of a type and a group.
fn mld_report(from: &str, kind: u8, group: &str) -> Vec<u8> {
    let head = [143, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, 0];
    mld(from, "ff02::16", &[&head[..], &v6(group)].concat())
}

pub(crate) fn mld_query(to: &str, millis: u16, group: &str, rest: &[u8]) -> Vec<u8> {
    let [high, low] = millis.to_be_bytes();
    let head = [130, 0, 0, 0, high, low, 0, 0];
    mld("fe80::2", to, &[&head[..], &v6(group), rest].concat())
}

/// RFC 9776 §5.1: who joins says so at once, and once more within a second; who leaves, too. A second socket
/// changes nothing.
#[test]
fn what_changes_is_told_twice() {
    let mut host = Host::v4();
    let ids = [host.in_group(GROUP), host.in_group(GROUP)];
    for kind in [TO_EXCLUDE, TO_INCLUDE] {
        let said = host.says_within(second(10));
        let expected = report(&[(kind, GROUP, &[])]);
        assert_eq!(said.len(), 2, "{kind}");
        assert!(
            said.iter().all(|(_, datagram)| *datagram == expected),
            "{said:x?}"
        );
        assert!(said[0].0.is_zero() && !said[1].0.is_zero() && said[1].0 <= second(1));
        if kind == TO_EXCLUDE {
            host.stack.udp_leave(ids[0], GROUP.into()).unwrap();
            assert!(host.says(second(10)).is_empty(), "one is still in it");
            host.stack.udp_close(ids[1]);
        }
    }
    assert_eq!(host.stack.next_deadline(), None);
}

/// RFC 9776 §5.1: what changes while the last change is still to be told goes with it.
#[test]
fn changes_are_told_together() {
    let mut host = Host::v4();
    let id = host.in_group(GROUP);
    assert_eq!(host.says(Duration::ZERO).len(), 1);
    host.in_group(OTHER);
    let both = report(&[(TO_EXCLUDE, GROUP, &[]), (TO_EXCLUDE, OTHER, &[])]);
    assert_eq!(host.says(Duration::ZERO), [both]);
    host.stack.udp_leave(id, GROUP.into()).unwrap();
    let both = report(&[(TO_INCLUDE, GROUP, &[]), (TO_EXCLUDE, OTHER, &[])]);
    assert_eq!(host.says(Duration::ZERO), [both]);
    assert_eq!(host.says(second(1)), [report(&[(TO_INCLUDE, GROUP, &[])])]);
}

/// RFC 1112 §7.2, RFC 9776 §6, RFC 9777 §6: of the group of all hosts nobody is told, nor of groups that end
/// with the host.
#[test]
fn of_all_hosts_nobody_is_told() {
    let mut host = Host::v4();
    host.in_group(ALL);
    assert!(host.says(second(10)).is_empty());
    let mut host = Host::v6();
    for group in ["ff02::1", "ff01::5", "ff00::5"] {
        host.in_group(v6(group));
    }
    host.hears(&mld_query("ff02::1", 100, "::", &[2, 125, 0, 0]));
    host.hears(&mld_query("ff02::1", 100, "ff02::1", &[2, 125, 0, 0]));
    assert!(host.says(second(10)).is_empty());
}

/// RFC 9776 §5.2: after a random time, all groups at once.
#[test]
fn a_general_query_is_answered_with_every_group() {
    let mut times = Vec::new();
    for seed in 0..20 {
        let mut host = Host::new(&["10.0.0.1"], seed);
        host.in_group(GROUP);
        host.in_group(OTHER);
        let mut host = host.settled();
        host.hears(&query([0; 4], 100, &[]));
        let said = host.says_within(second(60));
        let expected = report(&[(IS_EXCLUDE, GROUP, &[]), (IS_EXCLUDE, OTHER, &[])]);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].1, expected);
        times.push(said[0].0);
    }
    assert!(times.iter().all(|time| *time <= second(10)));
    let early = times.iter().filter(|time| **time < second(5)).count();
    assert!((3..=17).contains(&early), "{times:?}");
}

/// RFC 9776 §5.2, rules 1 to 5: of a group whoever asks is told once, by the first time that was chosen; who
/// asks of senders, of these, unless too many are asked for.
#[test]
fn a_query_for_a_group_is_answered_with_it() {
    let senders = [[1, 0, 0, 1], [1, 0, 0, 2]];
    let many: Vec<[u8; 4]> = (0..40).map(|last| [1, 0, 1, last]).collect();
    let with_many = [&many[..], &senders].concat();
    let include = |senders: &[[u8; 4]]| report(&[(IS_INCLUDE, GROUP, senders)]);
    let too_many: Vec<[u8; 4]> = (0..64).map(|last| [1, 0, 2, last]).collect();
    let ask = |senders: &[[u8; 4]]| query(GROUP, 100, senders);
    let all = report(&[(IS_EXCLUDE, GROUP, &[])]);
    let rows = [
        (vec![ask(&[])], vec![all.clone()]),
        (vec![query(OTHER, 100, &[])], vec![]),
        (vec![ask(&senders)], vec![include(&senders)]),
        (
            vec![ask(&senders[..1]), ask(&senders)],
            vec![include(&senders)],
        ),
        (vec![ask(&senders), ask(&[])], vec![all.clone()]),
        (vec![ask(&many), ask(&senders)], vec![include(&with_many)]),
        (vec![ask(&many), ask(&too_many[..30])], vec![all.clone()]),
        (vec![ask(&too_many)], vec![all]),
    ];
    for (row, (queries, expected)) in rows.into_iter().enumerate() {
        let mut host = Host::v4();
        host.in_group(GROUP);
        let mut host = host.settled();
        for query in queries {
            // Not so soon that it would not be heeded.
            assert!(host.says(Duration::from_millis(101)).is_empty());
            host.hears(&query);
        }
        assert_eq!(host.says(second(11)), expected, "row {row}");
    }
}

/// RFC 9776 §7.2, RFC 2236 §3: to a router that speaks IGMPv2 so does the host, until none has been heard of
/// for as long as one can be silent.
#[test]
fn a_router_of_the_second_version_is_spoken_to_in_it() {
    let mut host = Host::v4();
    let id = host.in_group(GROUP);
    let mut host = host.settled();
    let us = [10, 0, 0, 1];
    host.hears(&older(ROUTER, 0x11, 100, [0; 4]));
    let said = host.says_within(second(20));
    assert_eq!(said.len(), 1);
    assert!(said[0].0 <= second(10));
    assert_eq!(said[0].1, older(us, 0x16, 0, GROUP));
    // Who joins says so twice, and who leaves once.
    host.in_group(OTHER);
    let said = host.says_within(second(20));
    assert_eq!(said.len(), 2);
    assert!(said[0].0.is_zero() && said[1].0 <= second(10));
    assert!(said.iter().all(|(_, it)| *it == older(us, 0x16, 0, OTHER)));
    // Even IGMPv3 is answered so, as long as the other router may be there.
    host.hears(&query(OTHER, 10, &[]));
    assert_eq!(host.says(second(5)), [older(us, 0x16, 0, OTHER)]);
    host.stack.udp_close(id);
    assert_eq!(host.says(second(20)), [older(us, 0x17, 0, GROUP)]);
    // Twice 125 s, and 10 s (RFC 9776 §8.12).
    host.says(second(260 - 65));
    host.hears(&query(OTHER, 10, &[]));
    assert_eq!(host.says(second(5)), [report(&[(IS_EXCLUDE, OTHER, &[])])]);
}

/// RFC 2236 §3: who hears that another host is in the group need not say it, neither now nor when it leaves.
#[test]
fn what_another_host_has_said_is_not_said_again() {
    let mut host = Host::v4();
    let id = host.in_group(GROUP);
    let mut host = host.settled();
    host.hears(&older(ROUTER, 0x11, 100, [0; 4]));
    host.hears(&older([10, 0, 0, 9], 0x16, 0, GROUP));
    assert!(host.says(second(20)).is_empty());
    host.stack.udp_close(id);
    assert!(host.says(second(20)).is_empty());
    // In the third version every host speaks for itself.
    let mut host = Host::v4();
    host.in_group(GROUP);
    let mut host = host.settled();
    host.hears(&query([0; 4], 10, &[]));
    host.hears(&older([10, 0, 0, 9], 0x16, 0, GROUP));
    assert_eq!(host.says(second(20)).len(), 1);
}

/// RFC 2236 §4, RFC 1112 appendix I: a router of the first version takes ten seconds for granted, and is not
/// told who leaves.
#[test]
fn a_router_of_the_first_version_is_spoken_to_in_it() {
    let mut host = Host::v4();
    let id = host.in_group(GROUP);
    let mut host = host.settled();
    host.hears(&older(ROUTER, 0x11, 0, [0; 4]));
    assert_eq!(
        host.says(second(10)),
        [older([10, 0, 0, 1], 0x12, 0, GROUP)]
    );
    host.stack.udp_close(id);
    assert!(host.says(second(20)).is_empty());
}

/// RFC 9776 §7.2.1: what was still to be said in one version is not said in the other.
#[test]
fn another_version_ends_what_was_to_be_said() {
    let mut host = Host::v4();
    host.in_group(GROUP);
    assert_eq!(host.says(Duration::ZERO).len(), 1);
    host.hears(&query([0; 4], 100, &[]));
    host.says(Duration::ZERO);
    host.now += Duration::from_millis(1);
    host.hears(&older(ROUTER, 0x11, 100, [0; 4]));
    // Another within 100 ms is not heeded: it is only the next that counts.
    host.now += Duration::from_millis(100);
    host.hears(&older(ROUTER, 0x11, 100, [0; 4]));
    assert_eq!(
        host.says(second(30)),
        [older([10, 0, 0, 1], 0x16, 0, GROUP)]
    );
}

/// RFC 9776 §7.2.1: nor is it when the time of the older router is over.
#[test]
fn the_end_of_an_older_version_ends_what_was_to_be_said() {
    let mut host = Host::v4();
    host.in_group(GROUP);
    let mut host = host.settled();
    host.hears(&older(ROUTER, 0x11, 1, [0; 4]));
    host.says(second(259));
    // A query for a group does not make the time longer, and 25 s are more than what is left of it.
    host.hears(&older(ROUTER, 0x11, 250, GROUP));
    host.in_group(OTHER);
    let us = [10, 0, 0, 1];
    assert_eq!(host.says(Duration::ZERO), [older(us, 0x16, 0, OTHER)]);
    let said = host.says_within(second(40));
    assert!(said.iter().all(|(at, _)| *at < second(1)), "{said:?}");
    host.hears(&query(GROUP, 10, &[]));
    assert_eq!(host.says(second(5)), [report(&[(IS_EXCLUDE, GROUP, &[])])]);
}

/// What nobody has been told when the version changes is told, in the new one.
#[test]
fn what_is_news_when_an_older_version_ends_is_told() {
    let mut host = Host::v4();
    host.hears(&older(ROUTER, 0x11, 1, [0; 4]));
    host.now += second(260);
    host.in_group(GROUP);
    host.stack.handle_timeouts(host.now);
    let said = host.says(second(5));
    assert_eq!(said, vec![report(&[(TO_EXCLUDE, GROUP, &[])]); 2]);
}

/// RFC 9776 §8.1: what a router says of the link is believed: how often what is told may get lost.
#[test]
fn changes_are_told_as_often_as_the_router_asks() {
    for (said, times) in [(0, 2), (1, 1), (5, 5), (0xf7, 7)] {
        let mut host = Host::v4();
        host.in_group(GROUP);
        let mut host = host.settled();
        let message = [0x11, 1, 0, 0, 0, 0, 0, 0, said, 125, 0, 0];
        host.hears(&igmp(ROUTER, ALL, &message));
        host.says(second(1));
        host.in_group(OTHER);
        assert_eq!(host.says(second(30)).len(), times);
    }
}

/// RFC 9777 §5.2, §6: the same of IPv6, from an address of the link.
#[test]
fn groups_of_ipv6_are_told_of() {
    let mut host = Host::v6();
    let id = host.in_group(v6("ff15::7"));
    let said = |kind| mld_report("fe80::1", kind, "ff15::7");
    assert_eq!(host.says(second(2)), [said(TO_EXCLUDE), said(TO_EXCLUDE)]);
    let rest = [2, 125, 0, 0];
    host.hears(&mld_query("ff02::1", 10_000, "::", &rest));
    let answer = host.says_within(second(20));
    assert_eq!(answer.len(), 1);
    assert!(answer[0].0 <= second(10));
    assert_eq!(answer[0].1, said(IS_EXCLUDE));
    host.hears(&mld_query("ff15::7", 1_000, "ff15::7", &rest));
    assert_eq!(host.says(second(1)), [said(IS_EXCLUDE)]);
    // RFC 9777 §5.1.3: 0x8000 is 2^15 ms.
    host.hears(&mld_query("ff02::1", 0x8fff, "::", &rest));
    assert_eq!(
        host.says(Duration::from_millis(0x1fff << 3)),
        [said(IS_EXCLUDE)]
    );
    host.stack.udp_close(id);
    assert_eq!(host.says(second(2)), [said(TO_INCLUDE), said(TO_INCLUDE)]);
}

/// RFC 9777 §8.2, RFC 2710 §4: and the version before.
#[test]
fn a_router_of_mldv1_is_spoken_to_in_it() {
    let mut host = Host::v6();
    let id = host.in_group(v6("ff15::7"));
    let mut host = host.settled();
    let said = |kind: u8, to: &str| {
        let message = [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &v6("ff15::7")].concat();
        mld("fe80::1", to, &message)
    };
    host.hears(&mld_query("ff02::1", 1_000, "::", &[]));
    assert_eq!(host.says(second(1)), [said(131, "ff15::7")]);
    host.stack.udp_close(id);
    assert_eq!(host.says(second(20)), [said(132, "ff02::2")]);
}

/// RFC 3590 §4, RFC 9777 (RFC 3810 §5.2.13): a host without an address of the link reports from none.
#[test]
fn who_has_no_address_of_the_link_reports_from_none() {
    let mut host = Host::new(&["fd00::1"], 7);
    host.in_group(v6("ff15::7"));
    let said = host.says(Duration::ZERO);
    assert_eq!(said, [mld_report("::", TO_EXCLUDE, "ff15::7")]);
}

/// What does not fit one packet goes in several.
#[test]
fn many_groups_take_several_reports() {
    let mut config = Config::new([IpAddr::from([10, 0, 0, 1])]);
    config.mtu = 68;
    let mut host = Host {
        stack: Stack::new(config, Secret([1; 16])).unwrap(),
        now: Instant::from_secs(1),
    };
    for last in 0..10 {
        host.in_group([239, 0, 0, last]);
    }
    let said = host.says(Duration::ZERO);
    let lengths: Vec<usize> = said.iter().map(Vec::len).collect();
    assert_eq!(lengths, [64, 64, 48]);
    // The most senders that a record has room for there.
    let senders: Vec<[u8; 4]> = (0..63).map(|last| [1, 0, 1, last]).collect();
    let mut host = Host {
        now: host.now,
        ..host
    }
    .settled();
    host.hears(&query([239, 0, 0, 1], 1, &senders));
    let said = host.says(second(1));
    assert_eq!((said.len(), said[0].len()), (9, 68));
}

/// THREATS 42: who asks all the time is answered ten times a second, about each group, and makes little work.
#[test]
fn a_flood_of_queries_is_answered_seldom() {
    for (name, query) in [
        ("all", query([0; 4], 0, &[])),
        ("one", query(GROUP, 0, &[])),
        ("older", older(ROUTER, 0x11, 1, [0; 4])),
    ] {
        let mut host = Host::v4();
        host.in_group(GROUP);
        let mut host = host.settled();
        let mut said = 0;
        for _ in 0..10_000 {
            host.hears(&query);
            said += host.says(Duration::from_micros(100)).len();
        }
        assert!((1..=11).contains(&said), "{name}: {said}");
    }
}

/// RFC 9776 §4, RFC 9777 §6.2, RFC 9776 §7.1: what no router of the link can have sent, and what is too short
/// or damaged, is not answered, by anything. Nor is it believed which version it speaks.
#[test]
fn what_is_no_query_of_the_link_is_ignored() {
    let good = query([0; 4], 1, &[]);
    let patched = |at: usize, octet: u8| {
        let mut datagram = good.clone();
        datagram[at] = octet;
        datagram[10..12].fill(0);
        let sum = checksum::Sum::ZERO.plus(&datagram[..24]).checksum();
        datagram[10..12].copy_from_slice(&sum.to_be_bytes());
        datagram
    };
    let message = |message: &[u8]| igmp(ROUTER, ALL, message);
    let head = [0x11, 1, 0, 0, 0, 0, 0, 0];
    let rows = [
        ("TTL 2", patched(8, 2)),
        ("from here", patched(15, 1)),
        ("from a group", patched(12, 239)),
        ("to a group that nobody is in", patched(19, 9)),
        ("a checksum", {
            let mut datagram = good.clone();
            datagram[26] ^= 1;
            datagram
        }),
        ("7 octets", message(&head[..7])),
        ("9 octets", message(&[&head[..], &[0]].concat())),
        ("11 octets", message(&[&head[..], &[0; 3]].concat())),
        (
            "a sender that is not there",
            message(&[&head[..], &[2, 125, 0, 1]].concat()),
        ),
        (
            "65,535 senders",
            message(&[&head[..], &[2, 125, 255, 255]].concat()),
        ),
        (
            "of one host",
            message(&[0x11, 1, 0, 0, 10, 0, 0, 1, 2, 125, 0, 0]),
        ),
        ("an unknown type", message(&[0x33, 1, 0, 0, 0, 0, 0, 0])),
    ];
    for (what, datagram) in rows {
        let mut host = Host::v4();
        host.in_group(GROUP);
        let mut host = host.settled();
        host.hears(&datagram);
        assert!(host.says(second(5)).is_empty(), "{what}");
    }
    let mut host = Host::v4();
    host.in_group(GROUP);
    let mut host = host.settled();
    host.hears(&good);
    assert_eq!(host.says(second(5)).len(), 1);
    // A switch without an address may ask (RFC 4541 §2.1.1).
    host.hears(&igmp(
        [0; 4],
        ALL,
        &[0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0],
    ));
    assert_eq!(host.says(second(5)).len(), 1);
}

/// The same of IPv6, where routers must have been told to look at it.
#[test]
fn what_is_no_query_of_an_ipv6_link_is_ignored() {
    let query = || mld_query("ff02::1", 100, "::", &[2, 125, 0, 0]);
    let mut far = query();
    far[7] = 2;
    let mut global = mld_query("ff02::1", 100, "::", &[2, 125, 0, 0]);
    global = mld("fd00::2", "ff02::1", &global[48..]);
    let mut unalerted = query();
    unalerted.drain(40..48);
    (unalerted[5], unalerted[6]) = (28, 58);
    let mut other_alert = query();
    other_alert[45] = 1;
    let mut short = query();
    short.truncate(short.len() - 1);
    short[5] -= 1;
    let rows = [far, global, unalerted, other_alert, short];
    for (row, datagram) in rows.into_iter().chain([query()]).enumerate() {
        let mut host = Host::v6();
        host.in_group(v6("ff15::7"));
        let mut host = host.settled();
        host.hears(&datagram);
        let said = host.says(second(5));
        assert_eq!(said.len(), usize::from(row == 5), "row {row}");
    }
}

/// Of several stacks that are one host, one speaks, and what comes to another is taken there.
#[test]
fn one_stack_of_a_host_speaks_for_all() {
    let config = || Config::new([IpAddr::from([10, 0, 0, 1])]);
    let mut hosts = [0, 1].map(|index| Host {
        stack: Stack::shard(config(), Secret([1; 16]), index, 2).unwrap(),
        now: Instant::from_secs(1),
    });
    for host in &mut hosts {
        host.in_group(GROUP);
    }
    let [first, second_one] = &mut hosts;
    assert_eq!(first.says(second(5)).len(), 2);
    assert!(second_one.says(second(5)).is_empty());
    second_one.hears(&query([0; 4], 1, &[]));
    let stray = second_one.stack.poll_stray().unwrap();
    assert_eq!(stray.owner, 0);
    first.stack.receive_stray(first.now, &stray);
    assert_eq!(first.says(second(5)).len(), 1);
    assert!(second_one.says(second(5)).is_empty());
}

/// Whoever reads along sees what it is.
#[test]
fn messages_are_shown() {
    for (datagram, shown) in [
        (
            query([0; 4], 1, &[]),
            "IP 10.0.0.2 > 224.0.0.1: igmp query, length 12",
        ),
        (
            query(GROUP, 1, &[]),
            "IP 10.0.0.2 > 239.1.2.3: igmp query 239.1.2.3, length 12",
        ),
        (
            older(ROUTER, 0x16, 0, GROUP),
            "IP 10.0.0.2 > 239.1.2.3: igmp report 239.1.2.3, length 8",
        ),
        (
            mld_report("fe80::1", TO_EXCLUDE, "ff15::7"),
            "IP6 fe80::1 > ff02::16: mld message, length 28",
        ),
    ] {
        assert_eq!(dump::describe(&datagram).to_string(), shown);
        assert!(matches!(
            wire::parse(&datagram).unwrap().payload,
            Payload::Membership(_)
        ));
    }
}
