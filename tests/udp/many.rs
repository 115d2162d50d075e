//! Datagrams to many: all hosts of the network, and groups.

use std::net::{IpAddr, SocketAddr};

use stubborn::config::{Config, UdpOptions};
use stubborn::stack::{
    BindError, Filter, GroupError, Secret, SourceChange, Stack, UdpConnectError, UdpId,
    UdpSendError,
};
use stubborn::time::Instant;
use stubborn::wire::{self, IcmpMessage, IpHeader, Payload, icmp, ip, protocol};

use super::support::*;

const ALL: [u8; 4] = [255, 255, 255, 255];
const NETWORK: [u8; 4] = [10, 0, 0, 255];

fn group(family: Family) -> IpAddr {
    match family {
        Family::V4 => [239, 1, 2, 3].into(),
        Family::V6 => "ff15::1234".parse().unwrap(),
    }
}

fn other_group(family: Family) -> IpAddr {
    match family {
        Family::V4 => [224, 0, 0, 251].into(),
        Family::V6 => "ff02::fb".parse().unwrap(),
    }
}

/// A host in the network 10.0.0.0/24.
fn host(family: Family) -> Host {
    Host::with(family, |config| {
        if family == Family::V4 {
            config.broadcasts.push(NETWORK.into());
        }
    })
}

impl Host {
    /// A socket joins a group; what routers are told of that is for tests/requirements/groups.rs.
    fn joins(&mut self, id: UdpId, group: IpAddr) {
        self.stack.udp_join(id, group).unwrap();
        self.datagrams();
    }

    fn at(&mut self, address: IpAddr) -> UdpId {
        self.stack.udp_bind(SocketAddr::new(address, PORT)).unwrap()
    }

    fn change(&mut self, id: UdpId, change: impl FnOnce(&mut UdpOptions)) {
        let mut options = self.stack.udp_options(id);
        change(&mut options);
        self.stack.udp_set_options(id, options);
    }

    /// A datagram of the peer to many arrives at our port.
    fn hears_of(&mut self, many: IpAddr, text: &[u8]) {
        self.arrives(self.peer(), SocketAddr::new(many, PORT), text);
    }

    fn sends(&mut self, id: UdpId, many: IpAddr) -> Result<(), UdpSendError> {
        let remote = SocketAddr::new(many, PORT);
        self.stack.udp_send(id, b"x", Some(remote))
    }
}

/// RFC 919 §7, RFC 1122 §3.3.6: all hosts of any network, and of this one; whichever socket of the port.
#[test]
fn what_is_for_all_hosts_is_received() {
    let mut host = host(Family::V4);
    let (us, any) = (host.bound(), host.at(Family::V4.unspecified()));
    let all = host.at(ALL.into());
    for many in [ALL, NETWORK] {
        host.hears_of(many.into(), b"x");
        let received = host.stack.udp_recv(any, &mut [0; 10]).unwrap();
        assert_eq!(
            (received.local, received.remote),
            (many.into(), host.peer())
        );
    }
    assert_eq!(host.texts(all).len(), 1, "bound to one of them");
    assert_eq!(host.texts(us).len(), 0, "bound to its own address");
    // That of another network is nobody's; and nobody is told where none listens.
    host.hears_of([10, 0, 1, 255].into(), b"x");
    host.arrives(host.peer(), SocketAddr::new(NETWORK.into(), 9), b"x");
    assert_eq!(host.texts(any).len(), 0);
    assert!(host.datagrams().is_empty());
    assert_eq!(host.stack.counters().udp.no_ports, 1);
}

/// Whoever sends from the address of all hosts is no host: neither believed nor answered.
#[test]
fn nothing_is_from_all_hosts() {
    let mut host = host(Family::V4);
    let id = host.bound();
    host.arrives(SocketAddr::new(NETWORK.into(), 5), host.us(), b"x");
    host.arrives((NETWORK, 5).into(), (Family::V4.us(), 9).into(), b"x");
    assert!(host.texts(id).is_empty() && host.datagrams().is_empty());
    let tcp = host.stack.connect(host.now, None, (NETWORK, 80).into());
    assert!(tcp.is_err(), "{tcp:?}");
}

/// RFC 1122 §3.3.6: only who says so sends to all hosts. It comes back to sockets of this host.
#[test]
fn who_is_allowed_sends_to_all_hosts() {
    let mut host = host(Family::V4);
    let id = host.at(Family::V4.unspecified());
    for many in [ALL, NETWORK].map(IpAddr::from) {
        let remote = SocketAddr::new(many, PORT);
        assert_eq!(host.sends(id, many), Err(UdpSendError::Broadcast));
        assert_eq!(
            host.stack.udp_connect(id, remote),
            Err(UdpConnectError::Broadcast)
        );
    }
    host.change(id, |options| options.broadcast = true);
    for many in [ALL, NETWORK].map(IpAddr::from) {
        host.sends(id, many).unwrap();
        let sent = host.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].destination.ip(), many);
        assert_eq!((sent[0].source, sent[0].ip.hop_limit), (host.us(), 64));
        assert_eq!(host.received(id), [(host.us(), b"x".to_vec())]);
    }
    host.stack.udp_connect(id, (ALL, PORT).into()).unwrap();
}

/// RFC 1112 §7.2, RFC 1122 §4.1.3.5: each socket that has joined gets one; none that has not, unless it
/// wants all that the host hears.
#[test]
fn who_is_in_a_group_hears_it() {
    in_both_families(|family| {
        let mut host = host(family);
        let any = host.at(family.unspecified());
        let at_group = host.at(group(family));
        let us = host.bound();
        host.hears_of(group(family), b"nobody");
        for id in [any, at_group] {
            host.joins(id, group(family));
            host.hears_of(group(family), b"x");
            host.hears_of(other_group(family), b"another");
        }
        assert_eq!(host.texts(any), [b"x", b"x"]);
        assert_eq!(host.texts(at_group), [b"x"]);
        host.stack.udp_leave(any, group(family)).unwrap();
        host.datagrams();
        host.hears_of(group(family), b"y");
        host.change(any, |options| options.multicast_all = true);
        host.hears_of(group(family), b"z");
        assert_eq!(host.texts(any), [b"z"]);
        assert_eq!(host.texts(at_group), [b"y", b"z"]);
        assert!(host.texts(us).is_empty() && host.datagrams().is_empty());
        assert_eq!(host.stack.groups().collect::<Vec<_>>(), [group(family)]);
        host.stack.udp_close(at_group);
        assert_eq!(host.stack.groups().count(), 0);
        host.hears_of(group(family), b"late");
        assert!(host.texts(any).is_empty());
    });
}

/// A socket at a group with a peer hears what that peer sends to the group.
#[test]
fn a_peer_is_a_filter_for_groups_too() {
    in_both_families(|family| {
        let mut host = host(family);
        let id = host.at(group(family));
        host.joins(id, group(family));
        host.stack.udp_connect(id, host.peer()).unwrap();
        let stranger = SocketAddr::new(family.other_peer(), PEER_PORT);
        host.arrives(stranger, SocketAddr::new(group(family), PORT), b"stranger");
        host.hears_of(group(family), b"peer");
        assert_eq!(host.texts(id), [b"peer"]);
        host.stack.udp_send(id, b"x", None).unwrap();
        let sent = host.sent();
        assert_eq!(
            (sent[0].source, sent[0].destination),
            (host.us(), host.peer())
        );
    });
}

/// RFC 1112 §6.1, RFC 3493 §5.2: by default no router passes it on, and it comes back to who is in the group.
#[test]
fn anybody_sends_to_a_group() {
    in_both_families(|family| {
        let mut host = host(family);
        let (id, hearer) = (host.bound(), host.at(family.unspecified()));
        for (limit, comes_back, wire, back) in [
            (None, true, 1, 0),
            (None, true, 1, 1),
            (Some(9), false, 9, 0),
            (Some(0), true, 0, 1),
        ] {
            if back == 1 && limit.is_none() {
                host.joins(hearer, group(family));
            }
            host.change(id, |options| {
                options.multicast_hop_limit = limit.unwrap_or(options.multicast_hop_limit);
                options.multicast_loop = comes_back;
            });
            host.sends(id, group(family)).unwrap();
            let limits: Vec<u8> = host.sent().iter().map(|sent| sent.ip.hop_limit).collect();
            let expected: &[u8] = if wire == 0 { &[] } else { &[wire] };
            assert_eq!(limits, expected);
            assert_eq!(host.texts(hearer).len(), back);
        }
    });
}

/// Why a group cannot be joined or left; nothing is changed by it.
#[test]
fn groups_are_joined_once_and_bounded() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.max_groups = 2);
        let (id, other) = (host.bound(), host.at(family.unspecified()));
        let joined = |host: &mut Host, id, group| host.stack.udp_join(id, group);
        assert_eq!(
            joined(&mut host, id, family.peer()),
            Err(GroupError::NotAGroup)
        );
        let foreign = group(family.other());
        assert_eq!(joined(&mut host, id, foreign), Err(GroupError::OtherFamily));
        assert_eq!(joined(&mut host, id, group(family)), Ok(()));
        assert_eq!(
            joined(&mut host, id, group(family)),
            Err(GroupError::AlreadyJoined)
        );
        assert_eq!(joined(&mut host, id, other_group(family)), Ok(()));
        assert_eq!(
            joined(&mut host, other, family.multicast()),
            Err(GroupError::TooMany)
        );
        assert_eq!(joined(&mut host, other, group(family)), Ok(()));
        let left = |host: &mut Host, group| host.stack.udp_leave(other, group);
        assert_eq!(left(&mut host, family.peer()), Err(GroupError::NotAGroup));
        assert_eq!(
            left(&mut host, other_group(family)),
            Err(GroupError::NotJoined)
        );
        assert_eq!(left(&mut host, group(family)), Ok(()));
        assert_eq!(host.stack.udp_groups(id).count(), 2);
        assert_eq!(host.stack.groups().count(), 2);
        let taken = host
            .stack
            .udp_bind(SocketAddr::new(group(family.other()), 9));
        assert_eq!(taken, Err(BindError::AddressNotAvailable), "no such family");
    });
}

/// A socket that hears nothing more does not hear what one was for that has shared its address, and is gone.
#[test]
fn who_hears_nothing_inherits_nothing() {
    in_both_families(|family| {
        let mut host = Host::with(family, |_| {});
        let [deaf, last] = [(); 2].map(|()| {
            let local = SocketAddr::new(family.us(), PORT);
            host.stack.udp_bind_shared(local).unwrap()
        });
        host.stack.udp_deafen(deaf);
        host.stack.udp_close(last);
        host.arrives(host.peer(), SocketAddr::new(family.us(), PORT), b"x");
        assert_eq!(host.stack.udp_waiting(deaf), None);
        assert_eq!(host.stack.counters().udp.no_ports, 1);
    });
}

/// How many groups there may be can change while the host is there.
#[test]
fn the_number_of_groups_follows_a_new_configuration() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.max_groups = 1);
        let id = host.bound();
        let joins = |host: &mut Host, group| host.stack.udp_join(id, group);
        let allow = |host: &mut Host, most| {
            let mut config = host.stack.config().clone();
            config.max_groups = most;
            host.stack.reconfigure(config).unwrap();
        };
        assert_eq!(joins(&mut host, group(family)), Ok(()));
        let other = other_group(family);
        assert_eq!(joins(&mut host, other), Err(GroupError::TooMany));
        allow(&mut host, 2);
        assert_eq!(joins(&mut host, other), Ok(()));
        // What is joined stays joined.
        allow(&mut host, 0);
        assert_eq!(host.stack.groups().count(), 2);
        host.stack.udp_leave(id, other).unwrap();
        assert_eq!(joins(&mut host, other), Err(GroupError::TooMany));
    });
}

/// A group that was left makes room for another at once, whatever its family, though routers are still to be told.
#[test]
fn a_group_that_was_left_does_not_count() {
    let mut config = Config::new([Family::V4.us(), Family::V6.us()]);
    config.max_groups = 2;
    let mut host = Host {
        stack: Stack::new(config, Secret([7; 16])).unwrap(),
        family: Family::V4,
        now: Instant::from_secs(1),
    };
    let ids = [Family::V4, Family::V6].map(|family| (family, host.at(family.unspecified())));
    for (family, id) in [ids, ids].concat() {
        let groups = [group(family), other_group(family)];
        for group in groups {
            assert_eq!(host.stack.udp_join(id, group), Ok(()), "{group}");
        }
        let third = host.stack.udp_join(id, family.multicast());
        assert_eq!(third, Err(GroupError::TooMany));
        for group in groups {
            assert_eq!(host.stack.udp_leave(id, group), Ok(()));
        }
    }
}

/// Whoever joins and leaves all the time makes routers be told of no more groups than there may be.
#[test]
fn groups_that_were_left_are_bounded() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.max_groups = 3);
        let id = host.bound();
        for last in 1..=200 {
            let group = match family {
                Family::V4 => IpAddr::from([239, 9, 9, last]),
                Family::V6 => format!("ff15::{last:x}").parse().unwrap(),
            };
            host.stack.udp_join(id, group).unwrap();
            host.stack.udp_leave(id, group).unwrap();
        }
        let told: usize = host.datagrams().iter().map(Vec::len).sum();
        assert!(told <= 200, "{told} octets");
    });
}

/// RFC 9776 §3.2, RFC 3678 §4.1: a socket hears the senders that it names, or all but these; one that has not joined
/// hears what others of the host hear, if it wants to.
#[test]
fn who_names_senders_hears_these() {
    in_both_families(|family| {
        let mut host = host(family);
        let id = host.at(group(family));
        let all = host.at(family.unspecified());
        host.change(all, |options| options.multicast_all = true);
        let (peer, other) = (family.peer(), family.other_peer());
        let rows = [
            (SourceChange::Join(peer), vec![peer]),
            (SourceChange::Join(other), vec![peer, other]),
            (SourceChange::Leave(peer), vec![other]),
            (SourceChange::Leave(other), vec![]),
        ];
        let heard = |host: &mut Host, id| -> Vec<IpAddr> {
            let received = host.received(id);
            received.into_iter().map(|(from, _)| from.ip()).collect()
        };
        let say = |host: &mut Host| {
            host.datagrams();
            for from in [peer, other] {
                let from = SocketAddr::new(from, PEER_PORT);
                host.arrives(from, SocketAddr::new(group(family), PORT), b"x");
            }
        };
        for (change, expected) in rows {
            let changed = host.stack.udp_change_source(id, group(family), change);
            assert_eq!(changed, Ok(()), "{change:?}");
            say(&mut host);
            assert_eq!(heard(&mut host, id), expected, "{change:?}");
            assert_eq!(heard(&mut host, all), expected, "{change:?}");
        }
        assert_eq!(host.stack.groups().count(), 0);
        host.joins(id, group(family));
        let rows = [
            (SourceChange::Block(peer), vec![other]),
            (SourceChange::Unblock(peer), vec![peer, other]),
            (SourceChange::Join(other), vec![other]),
        ];
        for (change, expected) in rows {
            let changed = host.stack.udp_change_source(id, group(family), change);
            assert_eq!(changed, Ok(()), "{change:?}");
            say(&mut host);
            assert_eq!(heard(&mut host, id), expected, "{change:?}");
        }
        assert_eq!(host.stack.udp_leave(id, group(family)), Ok(()));
        say(&mut host);
        assert!(heard(&mut host, id).is_empty());
    });
}

/// A socket hears what it names, whatever others of the host do.
#[test]
fn each_socket_has_senders_of_its_own() {
    in_both_families(|family| {
        let mut host = host(family);
        let (one, two) = (host.at(group(family)), host.at(family.unspecified()));
        let (peer, other) = (family.peer(), family.other_peer());
        for (id, filter) in [
            (one, Filter::include([peer])),
            (two, Filter::exclude([peer])),
        ] {
            let set = host.stack.udp_set_filter(id, group(family), filter.clone());
            assert_eq!(set, Ok(()));
            assert_eq!(host.stack.udp_filter(id, group(family)), filter);
        }
        host.datagrams();
        for (from, text) in [(peer, b"1"), (other, b"2")] {
            let from = SocketAddr::new(from, PEER_PORT);
            host.arrives(from, SocketAddr::new(group(family), PORT), text);
        }
        assert_eq!(host.texts(one), [b"1"]);
        assert_eq!(host.texts(two), [b"2"]);
        // What a host says itself is from itself.
        let own = Filter::exclude([family.us()]);
        host.stack.udp_set_filter(two, group(family), own).unwrap();
        host.datagrams();
        host.sends(two, group(family)).unwrap();
        assert_eq!(host.sent().len(), 1);
        assert!(host.texts(two).is_empty());
    });
}

/// Why senders cannot be named; nothing is changed by it.
#[test]
fn senders_are_named_once_and_bounded() {
    use SourceChange::{Block, Join, Leave, Unblock};
    in_both_families(|family| {
        let mut host = host(family);
        let id = host.bound();
        let (group, peer, other) = (group(family), family.peer(), family.other_peer());
        let foreign = family.other().peer();
        let nth = |last: u8| match family {
            Family::V4 => IpAddr::from([10, 1, 0, last]),
            Family::V6 => format!("fd01::{last:x}").parse().unwrap(),
        };
        let many = (0..64).map(|last| (Join(nth(last)), Ok(())));
        let rows: [Vec<(SourceChange, Result<(), GroupError>)>; 3] = [
            vec![
                (Leave(peer), Err(GroupError::NotJoined)),
                (Block(peer), Err(GroupError::NotJoined)),
                (Unblock(peer), Err(GroupError::NotJoined)),
                (Join(family.unspecified()), Err(GroupError::NotASource)),
                (Join(family.multicast()), Err(GroupError::NotASource)),
                (Join(foreign), Err(GroupError::OtherFamily)),
                (Join(peer), Ok(())),
                (Join(peer), Err(GroupError::AlreadyJoined)),
                (Leave(other), Err(GroupError::NotJoined)),
                (Block(other), Err(GroupError::OtherMode)),
                (Unblock(other), Err(GroupError::OtherMode)),
                (Leave(peer), Ok(())),
                (Leave(peer), Err(GroupError::NotJoined)),
            ],
            many.collect(),
            vec![(Join(peer), Err(GroupError::TooManySources))],
        ];
        for (change, expected) in rows.concat() {
            let changed = host.stack.udp_change_source(id, group, change);
            assert_eq!(changed, expected, "{change:?}");
        }
        assert_eq!(
            host.stack.udp_join(id, group),
            Err(GroupError::AlreadyJoined)
        );
        host.stack.udp_leave(id, group).unwrap();
        host.joins(id, group);
        for (change, expected) in [
            (Leave(peer), Err(GroupError::NotJoined)),
            (Unblock(peer), Err(GroupError::NotBlocked)),
            (Block(peer), Ok(())),
            (Block(peer), Err(GroupError::AlreadyBlocked)),
            (Join(other), Err(GroupError::OtherMode)),
            (Leave(peer), Err(GroupError::OtherMode)),
        ] {
            let changed = host.stack.udp_change_source(id, group, change);
            assert_eq!(changed, expected, "{change:?}");
        }
        let too_many = Filter::include((0..65).map(nth));
        let set = host.stack.udp_set_filter(id, group, too_many);
        assert_eq!(set, Err(GroupError::TooManySources));
        let set = host.stack.udp_set_filter(id, peer, Filter::everybody());
        assert_eq!(set, Err(GroupError::NotAGroup));
        assert_eq!(host.stack.udp_filter(id, group), Filter::exclude([peer]));
    });
}

/// RFC 4607 §1, RFC 4604 §2.1: to hear a source-specific group is to name a sender.
#[test]
fn a_source_specific_group_needs_a_sender() {
    for (family, group) in [
        (Family::V4, "232.0.1.0"),
        (Family::V6, "ff35::8000:1"),
        (Family::V6, "ff3e::1"),
    ] {
        let group: IpAddr = group.parse().unwrap();
        let mut host = host(family);
        let id = host.at(family.unspecified());
        assert_eq!(host.stack.udp_join(id, group), Err(GroupError::NeedsSource));
        let join = SourceChange::Join(family.peer());
        assert_eq!(host.stack.udp_change_source(id, group, join), Ok(()));
        host.datagrams();
        host.hears_of(group, b"x");
        assert_eq!(host.texts(id), [b"x"]);
    }
    // Of unicast prefixes (RFC 3306), and the neighbours of the range: anybody's.
    for (family, group) in [
        (Family::V6, "ff35:40:fd00::1"),
        (Family::V4, "231.255.255.255"),
        (Family::V4, "233.0.0.0"),
    ] {
        let mut host = host(family);
        let id = host.bound();
        host.joins(id, group.parse().unwrap());
    }
}

/// RFC 1122 §3.2.2.6: over IPv4 an echo request to many is dropped; RFC 4443 §4.2: over IPv6 it is answered by
/// who is in the group, from an address of its own.
#[test]
fn an_echo_request_to_a_group_is_answered_over_ipv6() {
    in_both_families(|family| {
        let mut host = host(family);
        let id = host.bound();
        host.joins(id, group(family));
        for to in [group(family), other_group(family)] {
            let ip = IpHeader::new(family.peer(), to, protocol::ICMP, 64);
            let echo = wire::Echo {
                identifier: 1,
                sequence: 2,
                data: b"?",
            };
            let request = icmp::echo_request(&ip, &echo);
            host.stack.receive(host.now, &request);
            let answers = host.datagrams();
            let is_answered = family == Family::V6 && to == group(family);
            assert_eq!(answers.len(), usize::from(is_answered));
            for answer in answers {
                let parsed = wire::parse(&answer).unwrap();
                assert_eq!(parsed.payload, Payload::Icmp(IcmpMessage::EchoReply(echo)));
                assert_eq!(parsed.ip.source, family.us());
            }
        }
    });
}

/// What is too long for one packet comes together from fragments, to a group as to one host.
#[test]
fn a_long_datagram_to_a_group_comes_in_fragments() {
    in_both_families(|family| {
        let mut host = host(family);
        let id = host.at(family.unspecified());
        host.joins(id, group(family));
        let whole = udp(
            host.peer(),
            SocketAddr::new(group(family), PORT),
            &[7; 4_000],
        );
        for piece in ip::fragments(whole, 1_280, 5).unwrap() {
            host.stack.receive(host.now, &piece);
        }
        assert_eq!(host.texts(id), [[7; 4_000]]);
    });
}

/// RFC 4291 §2.7: what is for groups of the host itself goes nowhere, and comes from nowhere else. RFC 6724
/// §5: to a group of the link a host sends from its address on the link.
#[test]
fn the_scope_of_a_group_counts() {
    let (global, local) = ("fd00::1", "fe80::1");
    let config = Config::new([global, local].map(|text| text.parse::<IpAddr>().unwrap()));
    let mut host = Host {
        stack: Stack::new(config, Secret([7; 16])).unwrap(),
        family: Family::V6,
        now: Instant::from_secs(1),
    };
    let id = host.at(Family::V6.unspecified());
    let own: IpAddr = "ff01::9".parse().unwrap();
    host.joins(id, own);
    host.hears_of(own, b"from outside");
    assert!(host.texts(id).is_empty());
    host.sends(id, own).unwrap();
    assert!(host.datagrams().is_empty());
    assert_eq!(host.texts(id), [b"x"]);
    for (group, from) in [("ff02::fb", local), ("ff15::1", global)] {
        host.sends(id, group.parse().unwrap()).unwrap();
        assert_eq!(host.sent()[0].ip.source, from.parse::<IpAddr>().unwrap());
    }
}

/// A socket has room for so much, whoever sends it and to whom.
#[test]
fn what_is_to_many_has_no_room_of_its_own() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.udp.receive_datagrams = 3);
        let id = host.at(family.unspecified());
        host.joins(id, group(family));
        (0..10).for_each(|_| host.hears_of(group(family), b"x"));
        assert_eq!(host.texts(id).len(), 3);
        assert_eq!(host.stack.counters().udp.overflows, 7);
    });
}
