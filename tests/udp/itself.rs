//! Datagrams to an address of this host itself (RFC 1122 §3.2.1.3): none of them goes out.

use std::net::SocketAddr;
use std::time::Duration;

use stubborn::stack::{Readiness, UdpId, UdpRecvError, Undelivered};
use stubborn::wire::ip;

use super::support::*;

/// A socket at one of our addresses.
fn at(host: &mut Host, port: u16) -> (UdpId, SocketAddr) {
    let local = SocketAddr::new(host.family.us(), port);
    (host.stack.udp_bind(local).unwrap(), local)
}

fn sends(host: &mut Host, id: UdpId, text: &[u8], to: Option<SocketAddr>) {
    host.stack.udp_send(id, text, to).unwrap();
    assert!(host.datagrams().is_empty(), "it goes out");
}

#[test]
fn two_sockets_of_a_host_can_talk() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let ((one, first), (other, second)) = (at(&mut host, 7), at(&mut host, 8));
        for text in [&b""[..], b"x", &[7; 1400]] {
            sends(&mut host, one, text, Some(second));
            assert_eq!(host.told(other), Readiness::READABLE);
            assert_eq!(host.received(other), [(first, text.to_vec())]);
        }
        host.stack.udp_connect(other, first).unwrap();
        sends(&mut host, other, b"back", None);
        assert_eq!(host.received(one), [(second, b"back".to_vec())]);
        let counters = host.stack.counters();
        assert_eq!((counters.udp.sent, counters.udp.received), (4, 4));
        assert_eq!((counters.datagrams_in, counters.datagrams_out), (0, 0));
    });
}

#[test]
fn a_socket_can_talk_to_itself() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, own) = at(&mut host, 7);
        host.stack.udp_connect(id, own).unwrap();
        for round in 0..200u8 {
            host.stack.udp_send(id, &[round], None).unwrap();
        }
        assert!(host.datagrams().is_empty());
        let expected: Vec<_> = (0..200u8).map(|round| vec![round]).collect();
        assert_eq!(host.texts(id), expected);
    });
}

/// It comes from the address that it is to, unless the user has named one.
#[test]
fn the_source_is_the_address_that_it_is_to() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let any = SocketAddr::new(family.unspecified(), 7);
        let id = host.stack.udp_bind(any).unwrap();
        for own in [family.us(), family.us_too()] {
            sends(&mut host, id, b"x", Some(SocketAddr::new(own, 7)));
            assert_eq!(
                host.received(id),
                [(SocketAddr::new(own, 7), b"x".to_vec())]
            );
        }
        let (named, local) = at(&mut host, 8);
        sends(
            &mut host,
            named,
            b"x",
            Some(SocketAddr::new(family.us_too(), 7)),
        );
        assert_eq!(host.received(id), [(local, b"x".to_vec())]);
    });
}

/// Where nobody listens, the host says so to itself.
#[test]
fn a_port_that_nobody_has_refuses() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (id, local) = at(&mut host, 7);
        let nobody = SocketAddr::new(family.us(), 9);
        host.stack.udp_connect(id, nobody).unwrap();
        assert_eq!(host.stack.udp_local_addr(id), local);
        sends(&mut host, id, b"x", None);
        let failed = host.stack.udp_recv(id, &mut [0; 10]);
        let Err(UdpRecvError::Undelivered(error)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!((error.remote, error.reason), (nobody, Undelivered::Refused));
    });
}

/// THREATS 19: what comes from outside and says that it is from here is not believed.
#[test]
fn nobody_else_can_speak_for_it() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let ((id, own), (_, other)) = (at(&mut host, 7), at(&mut host, 8));
        sends(&mut host, id, b"x", Some(own));
        host.texts(id);
        for from in [own, other] {
            host.arrives(from, own, b"forged");
        }
        assert!(host.texts(id).is_empty());
        assert_eq!(host.stack.counters().not_for_us, 2);
    });
}

/// With a queue that is full, datagrams are lost, and nobody waits for them.
#[test]
fn a_queue_that_is_full_loses_datagrams() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.udp.receive_datagrams = 2);
        let ((id, _), (other, to)) = (at(&mut host, 7), at(&mut host, 8));
        for round in 0..5 {
            sends(&mut host, id, &[round], Some(to));
        }
        assert_eq!(host.texts(other), [[0], [1]]);
        assert_eq!(host.stack.counters().udp.overflows, 3);
    });
}

/// Addresses become the host's own while fragments from there wait for others. When their time is over, the host has
/// that to say to itself of each, all at once: some of it is lost.
#[test]
fn what_a_host_says_to_itself_at_once_is_bounded() {
    const EACH: u32 = 60;
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.replies_per_second = 100_000);
        let (id, own) = at(&mut host, 7);
        sends(&mut host, id, b"x", Some(own));
        let senders = [family.peer(), family.other_peer(), family.router()];
        for (from, number) in (senders.iter()).flat_map(|from| (0..EACH).map(move |it| (from, it)))
        {
            let whole = udp(SocketAddr::new(*from, 8), own, &[7; 2000]);
            let pieces = ip::fragments(whole, 1280, number).unwrap();
            host.stack.receive(host.now, &pieces[0]);
        }
        let mut config = host.stack.config().clone();
        config.addresses.extend(senders);
        host.stack.reconfigure(config).unwrap();
        host.passes(Duration::from_secs(60));
        assert!(host.datagrams().is_empty(), "it goes out");
        // Nobody here has sent what they quote.
        assert_eq!(host.stack.counters().icmp_ignored, 64);
    });
}
