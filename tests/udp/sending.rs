//! What leaves: addresses, ports, checksum, size, turns.

use std::net::SocketAddr;

use stubborn::config::{Config, FlowLabel, UdpOptions};
use stubborn::stack::{Readiness, Secret, Stack, UdpSendError};
use stubborn::wire::{self, Payload};

use super::support::*;

/// RFC 768, RFC 1122 §4.1.3.4 and §4.1.3.6: the header says what it should, there is a checksum,
/// and the source is ours. Empty datagrams are datagrams.
#[test]
fn a_datagram_is_what_was_asked_for() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        for text in [&b""[..], b"x", b"hello"] {
            let peer = host.peer();
            host.stack.udp_send(id, text, Some(peer)).unwrap();
        }
        let sent = host.sent();
        let texts: Vec<&[u8]> = sent.iter().map(|sent| &sent.text[..]).collect();
        assert_eq!(texts, [&b""[..], b"x", b"hello"]);
        for sent in sent {
            assert_eq!((sent.source, sent.destination), (host.us(), host.peer()));
            assert_eq!((sent.ip.hop_limit, sent.ip.traffic_class), (64, 0));
            assert!(sent.ip.dont_fragment);
        }
        assert_eq!(host.stack.counters().udp.sent, 3);
    });
}

/// RFC 1122 §4.1.3.5: the user names the local address, or the stack does.
#[test]
fn the_source_is_the_users_or_the_stacks() {
    in_both_families(|family| {
        for (local, source) in [
            (family.us(), family.us()),
            (family.us_too(), family.us_too()),
            (family.unspecified(), family.us()),
        ] {
            let mut host = Host::new(family);
            let id = host.stack.udp_bind(SocketAddr::new(local, 99)).unwrap();
            let peer = host.peer();
            host.stack.udp_send(id, b"x", Some(peer)).unwrap();
            assert_eq!(host.sent()[0].source, SocketAddr::new(source, 99));
            host.stack.udp_connect(id, peer).unwrap();
            let local = host.stack.udp_local_addr(id);
            assert_eq!(local, SocketAddr::new(source, 99), "connect settles it");
            host.stack.udp_send(id, b"x", None).unwrap();
            assert_eq!(host.sent()[0].source, local);
        }
    });
}

/// RFC 6437 §3: what goes to one peer has one label, what goes to another one another; over IPv4 there is
/// none.
#[test]
fn datagrams_to_one_peer_have_one_flow_label() {
    let labels_of = |host: &mut Host| -> Vec<u32> {
        host.sent().iter().map(|sent| sent.ip.flow_label).collect()
    };
    in_both_families(|family| {
        let mut host = Host::new(family);
        let id = host.bound();
        let peer = host.peer();
        let other = SocketAddr::new(peer.ip(), peer.port() + 1);
        for to in [peer, peer, other] {
            host.stack.udp_send(id, b"x", Some(to)).unwrap();
        }
        let mut labels = labels_of(&mut host);
        let none = UdpOptions {
            flow_label: FlowLabel::None,
            ..UdpOptions::default()
        };
        host.stack.udp_set_options(id, none);
        host.stack.udp_send(id, b"x", Some(peer)).unwrap();
        labels.extend(labels_of(&mut host));
        match peer.is_ipv4() {
            true => assert_eq!(labels, [0; 4]),
            false => {
                assert!((1..1 << 20).contains(&labels[0]));
                assert_eq!((labels[1], labels[3]), (labels[0], 0));
                assert_ne!(labels[2], labels[0]);
            }
        }
    });
}

/// RFC 1122 §4.1.4: TTL and TOS are the user's.
#[test]
fn hop_limit_and_traffic_class_are_the_users() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| {
            config.hop_limit = 33;
            config.udp.socket.traffic_class = 0xb8;
        });
        let id = host.connected();
        let headers = |host: &mut Host| {
            host.stack.udp_send(id, b"x", None).unwrap();
            let ip = host.sent()[0].ip;
            (ip.hop_limit, ip.traffic_class)
        };
        assert_eq!(headers(&mut host), (33, 0xb8));
        let options = UdpOptions {
            hop_limit: Some(1),
            traffic_class: 0x28,
            ..UdpOptions::default()
        };
        host.stack.udp_set_options(id, options);
        assert_eq!(host.stack.udp_options(id), options);
        assert_eq!(headers(&mut host), (1, 0x28));
    });
}

/// What fits the MTU leaves in one piece; one octet more is refused, and says how much fits.
#[test]
fn a_datagram_longer_than_the_mtu_is_refused() {
    in_both_families(|family| {
        for mtu in [1280, 1500, 9000, 65_535] {
            let mut host = Host::with(family, |config| config.mtu = mtu);
            let id = host.connected();
            let most = mtu - family.headers();
            assert_eq!(host.stack.udp_most(id), most);
            let text = vec![7; most + 1];
            host.stack.udp_send(id, &text[..most], None).unwrap();
            let refused = host.stack.udp_send(id, &text, None);
            assert_eq!(refused, Err(UdpSendError::TooLong { most }));
            let peer = host.peer();
            let refused = host.stack.udp_send(id, &[0; 70_000], Some(peer));
            assert_eq!(refused, Err(UdpSendError::TooLong { most }));
            let left = host.datagrams();
            assert_eq!(left.iter().map(Vec::len).collect::<Vec<_>>(), [mtu]);
        }
    });
}

/// RFC 791 §3.2, RFC 8200 §4.5: who asks for it sends what is too long in fragments, and it arrives as
/// it was; what comes behind it does so behind it.
#[test]
fn a_datagram_longer_than_the_mtu_goes_in_fragments_if_the_user_wants_it() {
    in_both_families(|family| {
        let longest = if family == Family::V4 { 65_507 } else { 65_527 };
        for mtu in [1280, 1500, 9000] {
            let mut host = Host::with(family, |config| config.mtu = mtu);
            let id = host.connected();
            let mut options = host.stack.udp_options(id);
            options.fragments = true;
            host.stack.udp_set_options(id, options);
            assert_eq!(host.stack.udp_most(id), longest);
            let one_more = mtu - family.headers() + 1;
            let texts = [one_more, longest, 0, one_more - 1].map(|len| vec![7; len]);
            for text in &texts {
                host.stack.udp_send(id, text, None).unwrap();
            }
            let too_long = host.stack.udp_send(id, &vec![7; longest + 1], None);
            assert_eq!(too_long, Err(UdpSendError::TooLong { most: longest }));

            let config = Config::new([family.peer()]);
            let mut peer = Stack::new(config, Secret([1; 16])).unwrap();
            let hears = peer.udp_bind(host.peer()).unwrap();
            for datagram in host.datagrams() {
                assert!(datagram.len() <= mtu);
                peer.receive(host.now, &datagram);
            }
            let mut buffer = vec![0; 70_000];
            for text in &texts {
                let received = peer.udp_recv(hears, &mut buffer).unwrap();
                assert_eq!(received.remote, host.us());
                assert!(buffer[..received.len] == text[..]);
            }
        }
    });
}

/// The queue is bounded; who was refused is told when there is room, and nobody else.
#[test]
fn a_full_queue_takes_no_more_and_says_when_it_does() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| {
            (config.udp.send_datagrams, config.udp.send_buffer) = (3, 1_000);
        });
        let id = host.connected();
        for text in [&[1; 500][..], &[2; 500]] {
            host.stack.udp_send(id, text, None).unwrap();
        }
        assert_eq!(host.told(id), Readiness::NONE);
        let refused = host.stack.udp_send(id, b"x", None);
        assert_eq!(refused, Err(UdpSendError::WouldBlock), "octets");
        host.stack.udp_send(id, b"", None).unwrap();
        let refused = host.stack.udp_send(id, b"", None);
        assert_eq!(refused, Err(UdpSendError::WouldBlock), "datagrams");
        assert_eq!(host.told(id), Readiness::NONE);
        assert!(host.stack.poll_transmit(host.now).is_some());
        assert_eq!(host.told(id), Readiness::WRITABLE);
        host.stack.udp_send(id, b"x", None).unwrap();
        assert_eq!(host.said(), [vec![2; 500], vec![], vec![b'x']]);
        assert_eq!(host.told(id), Readiness::NONE);
    });
}

/// Neither a socket nor a connection that has much to send keeps the others waiting.
#[test]
fn sockets_and_connections_take_turns() {
    in_both_families(|family| {
        let mut host = Host::with(family, |config| config.tcp.initial_window = 100);
        let (now, peer) = (host.now, host.peer());
        let conn = host.stack.connect(now, None, peer).unwrap();
        let syn = host.datagrams().remove(0);
        let parsed = wire::parse(&syn).unwrap();
        let Payload::Tcp(syn, _) = parsed.payload else {
            panic!("no SYN");
        };
        let answer = tcp_answer(&parsed.ip, &syn);
        host.stack.receive(now, &answer);
        host.stack.send(now, conn, &[0; 400_000]).unwrap();
        for port in [1, 2] {
            let local = SocketAddr::new(family.us(), port);
            let id = host.stack.udp_bind(local).unwrap();
            for _ in 0..40 {
                host.stack.udp_send(id, b"x", Some(peer)).unwrap();
            }
        }
        let senders: Vec<u16> = (host.datagrams().iter())
            .map(|datagram| match wire::parse(datagram).unwrap().payload {
                Payload::Udp(header, _) => header.source_port,
                _ => 0,
            })
            .collect();
        let turns: Vec<(u16, usize)> = (senders.chunk_by(|a, b| a == b))
            .map(|turn| (turn[0], turn.len()))
            .collect();
        let expected = [
            (0, 16),
            (1, 16),
            (2, 16),
            (0, 16),
            (1, 16),
            (2, 16),
            (0, 16),
        ];
        assert_eq!(turns[..7], expected, "{turns:?}");
        assert_eq!(senders.iter().filter(|port| **port == 1).count(), 40);
    });
}

/// Fragments count, too: who sends long datagrams keeps nobody else from sending.
#[test]
fn who_sends_in_fragments_takes_turns() {
    in_both_families(|family| {
        let mut host = Host::new(family);
        let (long, short) = (host.bound(), host.stack.udp_bind((family.us(), 0).into()));
        let (short, peer) = (short.unwrap(), host.peer());
        let mut options = host.stack.udp_options(long);
        options.fragments = true;
        host.stack.udp_set_options(long, options);
        for _ in 0..50 {
            host.stack.udp_send(long, &[7; 2_000], Some(peer)).unwrap();
        }
        host.stack.udp_send(short, b"x", Some(peer)).unwrap();
        let left = host.datagrams();
        assert_eq!(left.len(), 101);
        let is_short = |left: &Vec<u8>| left.len() == family.headers() + 1;
        assert_eq!(left.iter().position(is_short), Some(16));
    });
}

/// The SYN,ACK that answers a SYN.
fn tcp_answer(ip: &wire::IpHeader, syn: &wire::TcpHeader) -> Vec<u8> {
    let back = wire::IpHeader::new(ip.destination, ip.source, wire::protocol::TCP, 64);
    let header = wire::TcpHeader {
        source_port: syn.destination_port,
        destination_port: syn.source_port,
        seq: 1,
        ack: syn.seq.wrapping_add(1),
        control: wire::Control::SYN | wire::Control::ACK,
        window: 65_535,
        options: wire::Options {
            mss: Some(1_000),
            window_scale: Some(8),
            ..wire::Options::default()
        },
        ..wire::TcpHeader::default()
    };
    wire::Packet::tcp(&back, &header, wire::Text::EMPTY).to_vec()
}
