//! Binding, connecting, closing; every refusal.

use std::net::{IpAddr, SocketAddr};

use stubborn::stack::{BindError, UdpConnectError, UdpSendError};

use super::support::*;

#[test]
fn binding_takes_what_is_free_and_ours() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let bind = |host: &mut Host, address: IpAddr, port| {
            host.stack.udp_bind(SocketAddr::new(address, port))
        };
        let first = bind(&mut host, family.us(), 7).unwrap();
        let taken = Err(BindError::AddressInUse);
        assert_eq!(bind(&mut host, family.us(), 7), taken);
        bind(&mut host, family.us_too(), 7).unwrap();
        bind(&mut host, family.unspecified(), 7).unwrap();
        assert_eq!(bind(&mut host, family.unspecified(), 7), taken);
        let foreign = Err(BindError::AddressNotAvailable);
        for address in [family.peer(), family.other().us()] {
            assert_eq!(bind(&mut host, address, 8), foreign, "{address}");
        }
        assert_eq!(bind(&mut host, family.other().unspecified(), 8), foreign);
        host.stack.udp_close(first);
        bind(&mut host, family.us(), 7).unwrap();
    });
}

/// RFC 6056: unpredictable, within the range, and none twice while it lasts.
#[test]
fn the_stack_chooses_ports() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.ephemeral_ports = (40_000, 40_099));
        let any = SocketAddr::new(family.us(), 0);
        let mut ports: Vec<u16> = (0..100)
            .map(|_| {
                let id = host.stack.udp_bind(any).unwrap();
                host.stack.udp_local_addr(id).port()
            })
            .collect();
        assert!(ports.windows(2).any(|pair| pair[1] < pair[0]), "in order");
        ports.sort_unstable();
        assert_eq!(ports, (40_000..40_100).collect::<Vec<u16>>());
        let none_left = host.stack.udp_bind(any);
        assert_eq!(none_left, Err(BindError::AddressInUse));
    });
}

/// The port of a socket that is closed can be chosen again: the last one that shares it frees it.
#[test]
fn the_stack_chooses_a_port_again_that_was_closed() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.ephemeral_ports = (40_000, 40_000));
        let any = SocketAddr::new(family.us(), 0);
        for _ in 0..3 {
            let id = host.stack.udp_bind(any).unwrap();
            let sharing = SocketAddr::new(family.us_too(), 40_000);
            let other = host.stack.udp_bind(sharing).unwrap();
            host.stack.udp_close(id);
            assert_eq!(host.stack.udp_bind(any), Err(BindError::AddressInUse));
            host.stack.udp_close(other);
        }
    });
}

/// TCP and UDP have ports of their own (RFC 768).
#[test]
fn the_ports_of_tcp_are_others() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        host.bound();
        host.stack.listen(host.us(), 1).unwrap();
    });
}

/// Addresses that cannot be a peer: of nobody; and port 0.
fn nobody(host: &Host) -> Vec<SocketAddr> {
    let family = host.family;
    let mut addresses = vec![family.unspecified()];
    if family == Family::V4 {
        addresses.extend(["127.0.0.1", "240.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap()));
    } else {
        addresses.extend(["::1", "::ffff:10.0.0.2"].map(|text| text.parse::<IpAddr>().unwrap()));
    }
    let with_port = |address| SocketAddr::new(address, 9);
    let mut all: Vec<SocketAddr> = addresses.into_iter().map(with_port).collect();
    all.push(SocketAddr::new(family.peer(), 0));
    all.push(SocketAddr::new(family.multicast(), 0));
    all
}

#[test]
fn who_cannot_be_a_peer_is_refused() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        for remote in nobody(&host) {
            let connected = host.stack.udp_connect(id, remote);
            assert_eq!(connected, Err(UdpConnectError::NotAPeer), "{remote}");
            let sent = host.stack.udp_send(id, b"x", Some(remote));
            assert_eq!(sent, Err(UdpSendError::NotAPeer), "{remote}");
        }
        let other = SocketAddr::new(family.other().peer(), 9);
        let connected = host.stack.udp_connect(id, other);
        assert_eq!(connected, Err(UdpConnectError::OtherFamily));
        let sent = host.stack.udp_send(id, b"x", Some(other));
        assert_eq!(sent, Err(UdpSendError::OtherFamily));
        let sent = host.stack.udp_send(id, b"x", None);
        assert_eq!(sent, Err(UdpSendError::NotConnected));
        assert_eq!(host.stack.udp_peer_addr(id), None);
        assert!(host.datagrams().is_empty());
    });
}

/// A connected socket hears its peer only, from connecting on; and may send to others.
#[test]
fn connecting_is_a_filter() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let stranger = SocketAddr::new(family.other_peer(), PEER_PORT);
        let (us, peer) = (host.us(), host.peer());
        host.arrives(stranger, us, b"too early");
        host.arrives(peer, us, b"early");
        host.stack.udp_connect(id, peer).unwrap();
        assert_eq!(host.stack.udp_peer_addr(id), Some(peer));
        host.arrives(stranger, us, b"unheard");
        host.arrives(peer, us, b"heard");
        assert_eq!(host.texts(id), [b"early".to_vec(), b"heard".to_vec()]);
        host.datagrams();
        host.stack.udp_send(id, b"to the peer", None).unwrap();
        host.stack
            .udp_send(id, b"to another", Some(stranger))
            .unwrap();
        let ends: Vec<_> = (host.sent().iter()).map(|sent| sent.destination).collect();
        assert_eq!(ends, [peer, stranger]);
        // Another peer, and the first is a stranger.
        host.stack.udp_connect(id, stranger).unwrap();
        host.arrives(peer, us, b"unheard");
        host.arrives(stranger, us, b"heard");
        assert_eq!(host.received(id), [(stranger, b"heard".to_vec())]);
    });
}

/// A local socket has one that hears everybody, and connected ones with different peers.
#[test]
fn two_sockets_never_have_the_same_peer_and_port() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let peer = host.peer();
        host.connected();
        let second = host.bound();
        let refused = host.stack.udp_connect(second, peer);
        assert_eq!(refused, Err(UdpConnectError::AddressInUse));
        // It still is what it was.
        let other = SocketAddr::new(family.other_peer(), 9);
        host.arrives(other, host.us(), b"x");
        assert_eq!(host.received(second).len(), 1);
        host.stack.udp_connect(second, other).unwrap();
        host.stack.udp_connect(second, other).unwrap();
        host.bound();
    });
}

/// What was sent before closing leaves; what comes after finds nobody; the port is free at once.
#[test]
fn closing_frees_the_port_and_loses_nothing_sent() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.connected();
        for text in [b"one", b"two"] {
            host.stack.udp_send(id, text, None).unwrap();
        }
        host.hears(b"unread");
        host.stack.udp_close(id);
        assert_eq!(host.stack.poll_event(), None, "nobody to tell");
        let again = host.bound();
        host.hears(b"for the next");
        assert_eq!(host.texts(again), [b"for the next"]);
        assert_eq!(host.stack.udp_count(), 2, "one still has something to say");
        assert_eq!(host.said(), [b"one", b"two"]);
        assert_eq!(host.stack.udp_count(), 1);
        host.stack.udp_close(again);
        host.hears(b"for nobody");
        assert_eq!(host.stack.counters().udp.no_ports, 1);
        assert_eq!(host.stack.udp_count(), 0);
    });
}

#[test]
#[should_panic(expected = "was closed")]
fn an_id_is_not_valid_after_closing() {
    let mut host = Host::new(Family::V4);
    let id = host.bound();
    host.stack.udp_close(id);
    host.stack.udp_local_addr(id);
}

/// UDP never waits for time to pass.
#[test]
fn there_are_no_timers() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.connected();
        host.hears(b"x");
        host.stack.udp_send(id, b"x", None).unwrap();
        assert_eq!(host.stack.next_deadline(), None);
        host.sent();
        assert_eq!(host.stack.next_deadline(), None);
    });
}
