//! Anything at all arrives: nothing panics, nothing grows without bound, and what is right among
//! it is received.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use stubborn::stack::{Stack, UdpId, UdpSendError};
use stubborn::wire::{IcmpError, Malformed, Unreachable, icmp, ip, protocol};

use super::support::*;

/// One thing that happens to a host.
#[derive(Clone, Debug)]
enum Step {
    /// Octets.
    Noise(Vec<u8>),
    /// A datagram from and to one of a few ports, this long, then damaged.
    Udp {
        ports: (u16, u16),
        len: usize,
        flips: Vec<(prop::sample::Index, u8)>,
        cut: Option<prop::sample::Index>,
    },
    /// The same in fragments, of which one is missing or not.
    Fragments {
        len: usize,
        missing: usize,
    },
    /// An ICMP error about a datagram with these ports.
    Error {
        ports: (u16, u16),
        port: bool,
    },
    /// A length field that lies.
    Length(u16),
    Bind(u16),
    Connect(usize, u16),
    Send(usize, usize, Option<u16>),
    Recv(usize, usize),
    Close(usize),
    Transmit,
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0), 7..10u16, Just(u16::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
    let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100).prop_map(Step::Noise),
        ((port(), port()), 0..3_000usize, flips, cut).prop_map(|(ports, len, flips, cut)| {
            Step::Udp {
                ports,
                len,
                flips,
                cut,
            }
        }),
        (0..65_000usize, 0..60usize).prop_map(|(len, missing)| Step::Fragments { len, missing }),
        ((port(), port()), any::<bool>()).prop_map(|(ports, port)| Step::Error { ports, port }),
        any::<u16>().prop_map(Step::Length),
        port().prop_map(Step::Bind),
        (0..4usize, port()).prop_map(|(which, port)| Step::Connect(which, port)),
        (0..4usize, 0..3_000usize, prop::option::of(port()))
            .prop_map(|(which, len, port)| Step::Send(which, len, port)),
        (0..4usize, 0..100usize).prop_map(|(which, room)| Step::Recv(which, room)),
        (0..4usize).prop_map(Step::Close),
        Just(Step::Transmit),
    ]
}

/// A fragment that would end beyond the longest datagram is answered with an error (RFC 8200 §4.5), which quotes what no
/// host has sent.
#[test]
fn an_error_may_quote_what_nobody_has_sent() {
    let family = Family::V6;
    let mut run = Run {
        host: Host::with(family, |_| ()),
        open: Vec::new(),
    };
    let (from, to) = run.ends((0, 65_535));
    let mut fragment = udp(from, to, &[7; 64]);
    fragment[6] = protocol::FRAGMENT;
    run.arrives(&fragment);
    let error = run.host.datagrams().pop().expect("an error");
    let refusal = stubborn::wire::parse(&error).expect_err("there is no such fragment");
    assert_eq!(refusal.reason, Malformed::IcmpQuote);
    run.arrives(&fragment);
    run.step(&Step::Transmit);
}

/// A host and its open sockets.
struct Run {
    host: Host,
    open: Vec<UdpId>,
}

impl Run {
    fn socket(&self, which: usize) -> Option<UdpId> {
        let len = self.open.len().max(1);
        self.open.get(which % len).copied()
    }

    fn arrives(&mut self, datagram: &[u8]) {
        self.host.stack.receive(self.host.now, datagram);
    }

    fn ends(&self, (from, to): (u16, u16)) -> (SocketAddr, SocketAddr) {
        let family = self.host.family;
        let from = SocketAddr::new(family.peer(), from);
        (from, SocketAddr::new(family.us(), to))
    }

    /// What a user calls; refusals are answers, too.
    fn user<T>(&mut self, call: impl FnOnce(&mut Stack, UdpId) -> T, which: usize) {
        if let Some(id) = self.socket(which) {
            call(&mut self.host.stack, id);
        }
    }

    fn wire(&mut self, step: &Step) {
        match step {
            Step::Noise(octets) => self.arrives(octets),
            Step::Udp {
                ports,
                len,
                flips,
                cut,
            } => {
                let (from, to) = self.ends(*ports);
                let mut datagram = udp(from, to, &vec![7; *len]);
                for (at, mask) in flips {
                    let at = at.index(datagram.len());
                    datagram[at] ^= mask;
                }
                let end = cut.map_or(datagram.len(), |cut| cut.index(datagram.len()));
                self.arrives(&datagram[..end]);
            }
            Step::Fragments { len, missing } => {
                let (from, to) = self.ends((1000, 7));
                let whole = udp(from, to, &vec![7; *len]);
                let pieces = ip::fragments(whole, 1_280, *len as u32).unwrap();
                for (index, piece) in pieces.iter().enumerate() {
                    if index != *missing {
                        self.arrives(piece);
                    }
                }
            }
            Step::Error { ports, port } => {
                let (to, from) = self.ends(*ports);
                let error = match port {
                    true => IcmpError::Unreachable(Unreachable::Port),
                    false => IcmpError::PacketTooBig { mtu: 1300 },
                };
                let quoted = udp(from, to, b"x");
                let message = icmp::error(self.host.family.router(), 64, error, &quoted);
                self.arrives(&message.unwrap());
            }
            Step::Length(length) => {
                let (from, to) = self.ends((1000, 7));
                let mut datagram = udp(from, to, b"text");
                let at = datagram.len() - 8;
                datagram[at..at + 2].copy_from_slice(&length.to_be_bytes());
                self.arrives(&datagram);
            }
            _ => {}
        }
    }

    fn step(&mut self, step: &Step) {
        let family = self.host.family;
        let peer = |port| SocketAddr::new(family.peer(), port);
        match *step {
            Step::Bind(port) if self.open.len() < 8 => {
                let local = SocketAddr::new(family.us(), port);
                self.open.extend(self.host.stack.udp_bind(local).ok());
            }
            Step::Connect(which, port) => {
                self.user(|stack, id| stack.udp_connect(id, peer(port)), which)
            }
            Step::Send(which, len, port) => self.user(
                |stack, id| stack.udp_send(id, &vec![1; len], port.map(peer)),
                which,
            ),
            Step::Recv(which, room) => {
                self.user(|stack, id| stack.udp_recv(id, &mut vec![0; room]), which)
            }
            Step::Close(which) if !self.open.is_empty() => {
                let id = self.open.remove(which % self.open.len());
                self.host.stack.udp_close(id);
            }
            Step::Transmit => {
                for datagram in self.host.datagrams() {
                    assert!(datagram.len() <= 1500);
                    // An error quotes what has come, whatever that is.
                    let refusal = stubborn::wire::parse(&datagram).err();
                    let reason = refusal.map(|refusal| refusal.reason);
                    assert!(
                        matches!(reason, None | Some(Malformed::IcmpQuote)),
                        "{reason:?}"
                    );
                }
            }
            ref other => self.wire(other),
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_arrives_does_harm(
        v4 in any::<bool>(),
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let family = if v4 { Family::V4 } else { Family::V6 };
        let mut host = Host::with(family, |config| {
            (config.udp.receive_datagrams, config.udp.receive_buffer) = (20, 20_000);
            (config.udp.send_datagrams, config.udp.send_buffer) = (20, 20_000);
        });
        let first = host.bound();
        let mut run = Run { host, open: vec![first] };
        for step in &steps {
            run.step(step);
            while run.host.stack.poll_event().is_some() {}
        }
        run.step(&Step::Transmit);
        for id in std::mem::take(&mut run.open) {
            run.host.stack.udp_take_error(id);
            let octets: usize = run.host.texts(id).iter().map(Vec::len).sum();
            prop_assert!(octets <= 20_000 + 65_535, "{octets}");
            run.host.stack.udp_close(id);
        }
        // The next one hears what is right.
        let id = run.host.bound();
        run.host.hears(b"right");
        prop_assert_eq!(run.host.texts(id), [b"right"]);
        run.host.stack.udp_send(id, b"answer", Some(run.host.peer())).unwrap();
        prop_assert_eq!(run.host.said().pop(), Some(b"answer".to_vec()));
    }
}

/// Four hundred sockets that nobody reads, and strangers who send to all of them (THREATS 31): the
/// queues together take a quarter of the budget, beyond it each holds one datagram, and a
/// connection opens all the while. What is read makes room again, and in the end nothing is held.
#[test]
fn queues_that_nobody_reads_stay_within_the_budget() {
    const MEMORY: usize = 8 << 20;
    const SOCKETS: u16 = 400;
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.memory = MEMORY);
        let ids: Vec<UdpId> = (1..=SOCKETS)
            .map(|port| host.stack.udp_bind(SocketAddr::new(family.us(), port)))
            .map(Result::unwrap)
            .collect();
        for _ in 0..50 {
            for port in 1..=SOCKETS {
                host.arrives(host.peer(), SocketAddr::new(family.us(), port), &[7; 1000]);
            }
        }
        let most = MEMORY / 4 + ids.len() * 2048;
        let held = host.stack.memory_in_use();
        assert!((MEMORY / 4..most).contains(&held), "{held}");
        assert!(host.stack.counters().udp.overflows > 10_000);
        host.stack.listen(host.us(), 1).expect("there is room");
        let late = host.stack.udp_bind(SocketAddr::new(family.us(), 7000));
        let late = late.unwrap();
        let to = SocketAddr::new(family.us(), 7000);
        (0..2).for_each(|_| host.arrives(host.peer(), to, b"one"));
        assert_eq!(host.texts(late), [b"one"]);
        // A sender, too, waits for the datagram before.
        let peer = Some(host.peer());
        assert_eq!(host.stack.udp_send(late, b"x", peer), Ok(()));
        assert!(!host.stack.udp_has_room(late));
        let refused = host.stack.udp_send(late, b"x", peer);
        assert_eq!(refused, Err(UdpSendError::WouldBlock));
        assert_eq!(host.said(), [b"x"]);
        assert!(host.stack.udp_has_room(late));
        for id in ids {
            assert!(host.texts(id).iter().all(|text| text == &[7; 1000]));
            host.stack.udp_close(id);
        }
        host.stack.udp_close(late);
        assert_eq!(host.stack.memory_in_use(), 0);
    });
}

/// Fragments that never become whole count, and are given back when their time is over.
#[test]
fn fragments_count() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.memory = 1 << 20);
        let whole = udp(host.peer(), host.us(), &[7; 3000]);
        for identification in 0..1000 {
            let pieces = ip::fragments(whole.clone(), 1_280, identification).unwrap();
            host.stack.receive(host.now, &pieces[0]);
            assert!(host.stack.memory_in_use() <= (1 << 20) / 8);
        }
        assert!(host.stack.memory_in_use() > (1 << 20) / 10);
        host.passes(Duration::from_secs(60));
        assert_eq!(host.stack.memory_in_use(), 0);
    });
}
