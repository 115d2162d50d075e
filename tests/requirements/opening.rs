//! Opening connections (RFC 9293 §3.5, §3.9.1.1), and addresses that cannot be used (§3.9.2.3).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::{Config, TcpConfig};
use stubborn::stack::{ConnectError, ListenError, Readiness};
use stubborn::tcp::{ConnectionError, RecvError, SendError, State};
use stubborn::wire::{self, Control, IpHeader, Packet, Payload, TcpHeader, Text, protocol};

use crate::dialogue::{Dialogue, Family, PEER_PORT, PORT, in_both_families, ms, plain};

const SYN_ACK: &str = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";

/// MUST-11: a reset in SYN-RECEIVED ends what came from LISTEN silently, and tells whoever
/// opened.
#[test]
fn syn_received_remembers_where_it_came_from() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(SYN_ACK);
        d.arrives("<SEQ=101><CTL=RST>").state_is(State::Listen);
        assert_eq!(d.stack.connection_count(), 0);
        assert_eq!(d.events(), []);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();

        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(SYN_ACK);
        d.readiness();
        d.arrives("<SEQ=101><CTL=RST>").state_is(State::Closed);
        assert!(d.readiness().has(Readiness::WRITABLE | Readiness::STATE));
        let refused = Some(ConnectionError::Withdrawn);
        assert_eq!(d.stack.take_error(d.id()), refused);
    });
}

/// RFC 9293 §3.10.2, §3.10.3: before the connection is established SEND queues, and both calls
/// say when it was refused.
#[test]
fn what_is_sent_before_the_connection_opens_goes_out_after() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.sends(10).nothing_more();
        assert_eq!(d.receive(10), Err(RecvError::WouldBlock));
        // N-3: what is queued goes with the last ACK of the handshake.
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");

        for recv_first in [true, false] {
            let mut d = Dialogue::new(family, plain());
            d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
            d.sends(10).arrives("<SEQ=0><ACK=301><CTL=RST,ACK>");
            let refused = ConnectionError::Refused;
            let (id, now) = (d.id(), d.now());
            match recv_first {
                true => assert_eq!(d.receive(10), Err(RecvError::Connection(refused))),
                false => assert_eq!(
                    d.stack.send(now, id, b"x"),
                    Err(SendError::Connection(refused))
                ),
            }
            // Once.
            assert_eq!(d.stack.send(now, id, b"x"), Err(SendError::Closing));
        }
    });
}

/// RFC 9293 §3.10.7.3: text on the SYN,ACK is taken and acknowledged with it; text on a SYN waits
/// until the peer sends it again.
#[test]
fn text_may_come_with_the_handshake() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><ACK=301><DATA=5><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.reads(5);

        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><DATA=5><CTL=SYN><MSS=1000>")
            .leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        // It was acknowledged before anybody accepted.
        d.accept().reads(5);
    });
}

/// RFC 9293 §3.10.7.3: what comes with a SYN that crosses ours has its turn once the connection is established. It is
/// not acknowledged before, so it comes again then.
#[test]
fn what_comes_with_a_crossing_syn_comes_again() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><DATA=7><CTL=SYN,FIN><MSS=1000>")
            .leaves(SYN_ACK)
            .state_is(State::SynReceived);
        d.arrives("<SEQ=100><ACK=301><DATA=7><CTL=SYN,FIN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=109><WND=9992><CTL=ACK>")
            .state_is(State::CloseWait);
        d.reads(7);
        assert_eq!(d.receive(1), Ok(0));
    });
}

/// A FIN may come with the end of the handshake.
#[test]
fn a_fin_may_come_with_the_handshake() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><ACK=301><DATA=5><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.arrives("<SEQ=106><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>")
            .state_is(State::CloseWait);
        d.reads(5);
        assert_eq!(d.receive(1), Ok(0));

        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>")
            .state_is(State::CloseWait);
        d.accept().reads(5);
        assert_eq!(d.receive(1), Ok(0));
    });
}

/// RFC 9293 §3.10.7.3: what lies beyond the window that our SYN gave is not taken, and so neither is
/// the FIN behind it, nor where it would stand without that text.
#[test]
fn a_fin_on_the_syn_ack_waits_for_the_text_before_it() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><ACK=301><DATA=10500><CTL=SYN,FIN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=10101><WND=0><CTL=ACK>")
            .state_is(State::Established);
        d.reads(10_000).leaves("<SEQ=301><ACK=10101><CTL=ACK>");
        d.arrives("<SEQ=10101><ACK=301><DATA=500><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=10602><WND=9499><CTL=ACK>")
            .state_is(State::CloseWait);
        d.reads(500);
        assert_eq!(d.receive(1), Ok(0));
    });
}

/// MUST-41.
#[test]
fn a_passive_open_leaves_others_alone() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.opens();
        let local = SocketAddr::new(family.us(), PORT);
        assert_eq!(d.stack.listen(local, 1), Err(ListenError::AddressInUse));
        let elsewhere = SocketAddr::new(family.peer(), PORT);
        let not_ours = Err(ListenError::AddressNotAvailable);
        assert_eq!(d.stack.listen(elsewhere, 1), not_ours);
        let unspecified = match family {
            Family::V4 => "0.0.0.0:80",
            Family::V6 => "[::]:80",
        };
        assert!(d.stack.listen(unspecified.parse().unwrap(), 1).is_ok());
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        // The first listener still listens, and comes before the one for all addresses.
        d.as_port(1001).opens();
    });
}

/// MUST-42: in SYN-SENT and in SYN-RECEIVED.
#[test]
fn a_port_can_be_listened_to_while_a_connection_with_it_opens() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        let opening = d.id();
        d.listen(8);
        d.as_port(1001).opens();
        d.as_port(PEER_PORT);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(SYN_ACK);
        d.as_port(1002).opens();
        d.as_port(PEER_PORT)
            .arrives("<SEQ=100><ACK=301><CTL=SYN,ACK>")
            .state_is(State::Established);
        assert_eq!(d.stack.status(opening).state, State::Established);
    });
}

fn addresses(list: &[&str]) -> Config {
    let list: Vec<IpAddr> = list.iter().map(|text| text.parse().unwrap()).collect();
    let mut config = Config::new(list);
    config.tcp = plain();
    config
}

/// MUST-44, MUST-43.
#[test]
fn open_takes_or_finds_a_local_address() {
    let both = addresses(&["10.0.0.1", "10.0.0.7", "fd00::1", "fd00::7"]);
    let at = |text: &str| text.parse::<SocketAddr>().unwrap();
    let mut d = Dialogue::with(Family::V4, both);
    let now = d.now();
    for (local, remote, chosen) in [
        (None, "10.0.0.2:80", "10.0.0.1"),
        (None, "[fd00::2]:80", "fd00::1"),
        (Some("0.0.0.0:0"), "10.0.0.2:80", "10.0.0.1"),
        (Some("[::]:0"), "[fd00::2]:80", "fd00::1"),
        (Some("10.0.0.7:0"), "10.0.0.2:80", "10.0.0.7"),
        (Some("[fd00::7]:5000"), "[fd00::2]:80", "fd00::7"),
    ] {
        let id = d.stack.connect(now, local.map(at), at(remote)).unwrap();
        let local_addr = d.stack.local_addr(id);
        assert_eq!(local_addr.ip(), chosen.parse::<IpAddr>().unwrap());
        match local.map(at) {
            Some(asked) if asked.port() != 0 => assert_eq!(local_addr, asked),
            _ => assert!((32_768..=60_999).contains(&local_addr.port())),
        }
    }
    let not_ours = d
        .stack
        .connect(now, Some(at("10.0.0.9:0")), at("10.0.0.2:80"));
    assert_eq!(not_ours, Err(ConnectError::AddressNotAvailable));
    let other_family = d
        .stack
        .connect(now, Some(at("[fd00::1]:0")), at("10.0.0.2:80"));
    assert_eq!(other_family, Err(ConnectError::AddressNotAvailable));
    let again = d
        .stack
        .connect(now, Some(at("[fd00::7]:5000")), at("[fd00::2]:80"));
    assert_eq!(again, Err(ConnectError::AddressInUse));
    let mut one = Dialogue::with(Family::V4, addresses(&["10.0.0.1"]));
    let missing = one.stack.connect(now, None, at("[fd00::2]:80"));
    assert_eq!(missing, Err(ConnectError::FamilyNotConfigured));
    d.all_that_leaves_of_any_kind();
}

/// MUST-45: everything that leaves a connection leaves from the address to which it was opened.
#[test]
fn the_local_address_of_a_connection_never_changes() {
    for (family, second) in [(Family::V4, "10.0.0.7"), (Family::V6, "fd00::7")] {
        let first = family.us().to_string();
        let mut d = Dialogue::with(family, addresses(&[&first, second]));
        let any = match family {
            Family::V4 => "0.0.0.0:80",
            Family::V6 => "[::]:80",
        };
        d.listener = Some(d.stack.listen(any.parse().unwrap(), 1).unwrap());
        d.to(second.parse().unwrap());
        d.opens().closes_listener();
        let mut sent = d.sends(10).all_that_leaves_of_any_kind();
        sent.extend(d.closes().all_that_leaves_of_any_kind());
        for _ in 0..3 {
            d.until_something_leaves();
            sent.extend(d.all_that_leaves_of_any_kind());
        }
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>");
        sent.extend(d.all_that_leaves_of_any_kind());
        d.aborts();
        sent.extend(d.all_that_leaves_of_any_kind());
        assert_eq!(sent.len(), 6);
        for datagram in sent {
            let source = wire::parse(&datagram).unwrap().ip.source;
            assert_eq!(source, second.parse::<IpAddr>().unwrap());
        }
    }
}

/// MUST-46.
#[test]
fn nobody_can_be_reached_at_these_addresses() {
    let mut d = Dialogue::with(Family::V4, addresses(&["10.0.0.1", "fd00::1"]));
    let now = d.now();
    for remote in [
        "0.0.0.0:80",
        "127.0.0.1:80",
        "224.0.0.1:80",
        "239.1.1.1:80",
        "240.0.0.1:80",
        "255.255.255.255:80",
        "10.0.0.2:0",
        "[::]:80",
        "[::1]:80",
        "[ff02::1]:80",
        "[fd00::2]:0",
    ] {
        let connected = d.stack.connect(now, None, remote.parse().unwrap());
        assert_eq!(connected, Err(ConnectError::NotAPeer), "{remote}");
    }
    assert_eq!(d.stack.connection_count(), 0);
    d.until(ms(10_000));
}

/// A host on which everybody may connect to port 80, at whatever address.
fn open_host() -> Dialogue {
    let mut config = addresses(&["10.0.0.1", "fd00::1"]);
    config.broadcasts.push([10, 0, 0, 255].into());
    let mut d = Dialogue::with(Family::V4, config);
    for any in ["0.0.0.0:80", "[::]:80"] {
        d.stack.listen(any.parse().unwrap(), 8).unwrap();
    }
    d
}

fn segment(from: &str, to: &str, ports: (u16, u16), control: Control) -> Vec<u8> {
    let header = TcpHeader {
        source_port: ports.0,
        destination_port: ports.1,
        seq: 100,
        ack: 300,
        control,
        window: 1000,
        ..TcpHeader::default()
    };
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let ip = IpHeader::new(from, to, protocol::TCP, 64);
    Packet::tcp(&ip, &header, Text::EMPTY).to_vec()
}

/// MUST-57: whatever the segment.
#[test]
fn a_segment_to_many_is_dropped_silently() {
    let mut d = open_host();
    let ack = Control::ACK;
    for control in [
        Control::SYN,
        ack,
        Control::FIN | ack,
        Control::RST,
        Control::SYN | ack,
    ] {
        for (from, to) in [
            ("10.0.0.2", "255.255.255.255"),
            ("10.0.0.2", "224.0.0.1"),
            ("10.0.0.2", "0.0.0.0"),
            ("fd00::2", "ff02::1"),
        ] {
            d.datagram_arrives(&segment(from, to, (1000, 80), control))
                .nothing_more();
        }
    }
    assert_eq!(d.stack.connection_count(), 0);
    assert_eq!(d.stack.counters().not_for_us, 20);
}

/// MUST-63, and LAND: what cannot have been sent by a peer is not answered.
#[test]
fn a_segment_from_nobody_is_dropped_silently() {
    let mut d = open_host();
    let mut count = 0;
    for control in [Control::SYN, Control::ACK, Control::NONE] {
        for from in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "10.0.0.1",
            "10.0.0.255",
            "::",
            "::1",
            "ff02::1",
            "fd00::1",
        ] {
            let to = if from.contains(':') {
                "fd00::1"
            } else {
                "10.0.0.1"
            };
            for ports in [(1000, 80), (80, 80)] {
                d.datagram_arrives(&segment(from, to, ports, control))
                    .nothing_more();
                count += 1;
            }
        }
    }
    assert_eq!(d.stack.connection_count(), 0);
    assert_eq!(d.stack.counters().not_for_us, count);
}

/// Port 0 is nobody's.
#[test]
fn a_segment_from_or_to_port_0_is_dropped_silently() {
    let mut d = open_host();
    for ports in [(0, 80), (1000, 0), (0, 0)] {
        d.datagram_arrives(&segment("10.0.0.2", "10.0.0.1", ports, Control::SYN))
            .nothing_more();
    }
    assert_eq!(d.stack.connection_count(), 0);
}

/// RFC 6056: ports for different peers have nothing to do with each other, none is chosen that is
/// taken, and the last one is found.
#[test]
fn ephemeral_ports() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.ephemeral_ports = (40_000, 40_009);
        config.tcp = plain();
        let mut d = Dialogue::with(family, config);
        let (now, remote) = (d.now(), SocketAddr::new(family.peer(), 80));
        let listened = SocketAddr::new(family.us(), 40_003);
        d.stack.listen(listened, 1).unwrap();
        let mut ports = Vec::new();
        for _ in 0..9 {
            let id = d.stack.connect(now, None, remote).unwrap();
            ports.push(d.stack.local_addr(id).port());
        }
        let none = d.stack.connect(now, None, remote);
        assert_eq!(none, Err(ConnectError::AddressNotAvailable));
        let in_a_row = ports.windows(2).filter(|pair| pair[1] == pair[0] + 1);
        assert!(in_a_row.count() < 7, "one after the other: {ports:?}");
        ports.sort_unstable();
        let expected: Vec<u16> = (40_000..40_010).filter(|port| *port != 40_003).collect();
        assert_eq!(ports, expected);
        // For another peer they are all free.
        let other = SocketAddr::new(family.peer(), 81);
        assert!(d.stack.connect(now, None, other).is_ok());
        d.all_that_leaves_of_any_kind();
    });
}

/// THREATS 8, RFC 6056: the ports for one destination tell nothing of those for another.
#[test]
fn ephemeral_ports_tell_nothing() {
    const CONNECTS: usize = if cfg!(debug_assertions) {
        4_000
    } else {
        50_000
    };
    in_both_families(|family| {
        let mut d = Dialogue::with(family, Config::new([family.us()]));
        let now = d.now();
        let mut ports = Vec::new();
        for number in 0..2 * CONNECTS {
            let remote = SocketAddr::new(family.peer(), 80 + (number % 2) as u16);
            let id = d.stack.connect(now, None, remote).unwrap();
            ports.push(i32::from(d.stack.local_addr(id).port()) - 32_768);
            d.stack.abort(now, id);
        }
        d.all_that_leaves_of_any_kind();
        // Chi-squared over 28 parts of the range, 27 degrees of freedom: above 67 once in
        // thirty thousand.
        let mut counts = [0f64; 28];
        for port in ports.iter().filter(|port| **port < 28_000) {
            counts[*port as usize / 1_000] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 28.0;
        let chi: f64 = counts.iter().map(|n| (n - mean).powi(2) / mean).sum();
        assert!(chi < 67.0, "{chi}");
        // The next one, for the other destination, is as near as chance has it: 21 of 28,232.
        let near = |pair: &&[i32]| (pair[1] - pair[0]).abs() <= 10;
        let near = ports.windows(2).filter(near).count() as f64;
        let chance = ports.len() as f64 * 21.0 / 28_232.0;
        assert!(near <= chance + 6.0 * chance.sqrt(), "{near}, not {chance}");
        // And as many come again: of n draws (1 - 1/28,232)^n of the range is never drawn.
        let drawn: std::collections::BTreeSet<_> = ports.iter().collect();
        let never = (1.0 - 1.0 / 28_232f64).powf(ports.len() as f64);
        let ideal = 28_232.0 * (1.0 - never);
        let off = (drawn.len() as f64 - ideal).abs() / ideal;
        assert!(off < 0.05, "{} ports, not {ideal}", drawn.len());
        // Which part of the range one lies in says nothing of the next: 49 cells, 48 degrees of
        // freedom, above 98 once in thirty thousand.
        let part = |port: i32| (port.min(28_230) / 4_033) as usize;
        let mut pairs = [0f64; 49];
        for pair in ports.windows(2) {
            pairs[7 * part(pair[0]) + part(pair[1])] += 1.0;
        }
        let mean = pairs.iter().sum::<f64>() / 49.0;
        let chi: f64 = pairs.iter().map(|n| (n - mean).powi(2) / mean).sum();
        assert!(chi < 98.0, "{chi}");
    });
}

/// THREATS 33: when every port for a destination is taken, the next OPEN fails at once; for another
/// destination they are free.
#[test]
fn ports_can_run_out() {
    let mut config = Config::new([Family::V4.us()]);
    config.memory = 4 << 30;
    let mut d = Dialogue::with(Family::V4, config);
    let (now, remote) = (d.now(), SocketAddr::new(Family::V4.peer(), 80));
    let mut ports = std::collections::BTreeSet::new();
    let mut open = || {
        let id = d.stack.connect(now, None, remote).unwrap();
        let port = d.stack.local_addr(id).port();
        ports.insert(port);
        (id, port)
    };
    let (last, freed) = (32_768..61_000).map(|_| open()).last().unwrap();
    assert_eq!(ports.len(), 28_232);
    let none = d.stack.connect(now, None, remote);
    assert_eq!(none, Err(ConnectError::AddressNotAvailable));
    let other = SocketAddr::new(Family::V4.peer(), 81);
    assert!(d.stack.connect(now, None, other).is_ok());

    d.stack.abort(now, last);
    let again = d.stack.connect(now, None, remote).unwrap();
    assert_eq!(d.stack.local_addr(again).port(), freed);
    let none = d.stack.connect(now, None, remote);
    assert_eq!(none, Err(ConnectError::AddressNotAvailable));
    d.stack.abort_all();
}

/// The window of a SYN may be closed; the last part of the handshake opens it, and text leaves at
/// once.
#[test]
fn a_window_that_opens_with_the_handshake() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><WND=0><CTL=SYN><MSS=1000>")
            .leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><WND=65535><CTL=ACK>").accept();
        d.sends(1000)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK>");

        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><ACK=301><WND=0><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><WND=5000><CTL=ACK>");
        d.sends(1000)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK>");
    });
}

/// RFC 6191, THREATS 33: an active OPEN may take over from a connection that has been silent in
/// TIME-WAIT for a second, if timestamps tell one from the other; its numbers lie beyond the old.
#[test]
fn an_active_open_replaces_time_wait() {
    in_both_families(|family| {
        let in_time_wait = |timestamps: bool, reuse: Option<Duration>| {
            let mut config = Config::new([family.us()]);
            (config.tcp, config.time_wait_reuse) = (plain(), reuse);
            config.tcp.timestamps = timestamps;
            let mut d = Dialogue::with(family, config);
            let ts = |val: u32| match timestamps {
                true => format!("<TS={val},1000>"),
                false => String::new(),
            };
            d.connect().all_that_leaves();
            d.arrives(&format!("<SEQ=100><ACK=301><CTL=SYN,ACK>{}", ts(5)));
            d.all_that_leaves();
            d.closes().all_that_leaves();
            d.arrives(&format!("<SEQ=101><ACK=302><CTL=FIN,ACK>{}", ts(6)));
            d.all_that_leaves();
            d.state_is(State::TimeWait).lets_go();
            d
        };
        let again = |d: &mut Dialogue| {
            let local = SocketAddr::new(family.us(), PORT);
            let remote = SocketAddr::new(family.peer(), PEER_PORT);
            let opened = d.stack.connect(d.now(), Some(local), remote);
            d.until(d.elapsed()).all_that_leaves_of_any_kind();
            opened
        };
        let (in_use, second) = (Err(ConnectError::AddressInUse), Some(ms(1000)));
        let mut d = in_time_wait(true, second);
        let old = d.our_wire(302);
        d.until(ms(999));
        assert_eq!(again(&mut d), in_use);
        d.until(ms(1000)).connect();
        let iss = match wire::parse(&d.datagram_leaves()).unwrap().payload {
            Payload::Tcp(header, _) => header.seq,
            other => panic!("{other:?}"),
        };
        assert!(iss.wrapping_sub(old).cast_signed() > 0);
        assert_eq!(d.stack.connection_count(), 1);
        for (timestamps, reuse) in [(false, second), (true, None)] {
            let mut d = in_time_wait(timestamps, reuse);
            d.until(ms(50_000));
            assert_eq!(again(&mut d), in_use);
        }
    });
}

/// The last port of all may be had that way too, and no other way.
#[test]
fn a_port_in_time_wait_is_the_last_to_be_chosen() {
    let mut config = Config::new([Family::V4.us()]);
    config.tcp = TcpConfig {
        timestamps: true,
        ..plain()
    };
    config.ephemeral_ports = (PORT, PORT + 1);
    let mut d = Dialogue::with(Family::V4, config);
    let remote = SocketAddr::new(Family::V4.peer(), PEER_PORT);
    d.connect().all_that_leaves();
    d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><TS=5,1000>")
        .all_that_leaves();
    d.closes().all_that_leaves();
    d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK><TS=6,1000>")
        .all_that_leaves();
    d.lets_go().until(ms(2000));
    for port in [PORT + 1, PORT] {
        let id = d.stack.connect(d.now(), None, remote).unwrap();
        assert_eq!(d.stack.local_addr(id).port(), port);
    }
    let none = d.stack.connect(d.now(), None, remote);
    assert_eq!(none, Err(ConnectError::AddressNotAvailable));
    d.until(ms(2000)).all_that_leaves_of_any_kind();
}
