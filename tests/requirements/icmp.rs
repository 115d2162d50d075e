//! ICMP about our segments (RFC 9293 §3.9.2.2, RFC 5927, RFC 5461), and path MTU (RFC 1191, RFC
//! 8201).

use std::net::IpAddr;

use stubborn::config::TcpConfig;
use stubborn::stack::Readiness;
use stubborn::tcp::{ConnectionError, SendError, State};
use stubborn::wire::checksum::{Sum, checksum};
use stubborn::wire::{
    self, Control, Echo, IcmpError, IcmpMessage, IpHeader, Packet, Payload, TcpHeader, Text,
    Unreachable, icmp, protocol,
};

use crate::dialogue::{Dialogue, Family, PEER_PORT, PORT, in_both_families, ms, plain, secs};

fn router(family: Family) -> IpAddr {
    match family {
        Family::V4 => [192, 0, 2, 1].into(),
        Family::V6 => "2001:db8::1".parse().unwrap(),
    }
}

/// A segment of ours with this sequence number (as it is written).
fn ours(d: &Dialogue, port: u16, seq: u32) -> Vec<u8> {
    let header = TcpHeader {
        source_port: PORT,
        destination_port: port,
        seq: d.our_wire(seq),
        control: Control::ACK,
        ..TcpHeader::default()
    };
    let ip = IpHeader::new(d.family.us(), d.family.peer(), protocol::TCP, 64);
    Packet::tcp(&ip, &header, Text::EMPTY).to_vec()
}

/// A router says that our segment with this sequence number did not get through; false if the
/// family has no such error.
#[track_caller]
pub(super) fn error_arrives(d: &mut Dialogue, error: IcmpError, seq: u32) -> bool {
    let quoted = ours(d, PEER_PORT, seq);
    let Some(message) = icmp::error(router(d.family), 64, error, &quoted) else {
        return false;
    };
    d.datagram_arrives(&message);
    true
}

/// What a program hears of each reason (RFC 1122 §3.2.2.1, RFC 4443 §3.1).
fn unreachable(family: Family) -> [(Unreachable, ConnectionError); 18] {
    use ConnectionError::*;
    // A filter is told from a host that does not answer over IPv6 only.
    let filtered = match family {
        Family::V4 => HostUnreachable,
        Family::V6 => Prohibited,
    };
    [
        (Unreachable::Network, NetworkUnreachable),
        (Unreachable::Host, HostUnreachable),
        (Unreachable::Protocol, ProtocolUnreachable),
        (Unreachable::Port, Refused),
        (Unreachable::SourceRouteFailed, SourceRouteFailed),
        (Unreachable::NetworkUnknown, NetworkUnreachable),
        (Unreachable::HostUnknown, HostUnknown),
        (Unreachable::SourceHostIsolated, SourceIsolated),
        (Unreachable::NetworkProhibited, NetworkUnreachable),
        (Unreachable::HostProhibited, HostUnreachable),
        (Unreachable::NetworkTypeOfService, NetworkUnreachable),
        (Unreachable::HostTypeOfService, HostUnreachable),
        (Unreachable::Prohibited, filtered),
        (Unreachable::HostPrecedence, HostUnreachable),
        (Unreachable::PrecedenceCutoff, HostUnreachable),
        (Unreachable::BeyondScope, HostUnreachable),
        (Unreachable::SourcePolicy, filtered),
        (Unreachable::RejectRoute, filtered),
    ]
}

/// Every error that has no use but to be reported.
fn all_errors(family: Family) -> Vec<(IcmpError, ConnectionError)> {
    let unreachable =
        unreachable(family).map(|(reason, error)| (IcmpError::Unreachable(reason), error));
    let host = ConnectionError::HostUnreachable;
    let mut all = vec![
        (IcmpError::HopLimitExceeded, host),
        (IcmpError::ReassemblyTimeExceeded, host),
        (
            IcmpError::ParameterProblem {
                code: 0,
                pointer: 0,
            },
            ConnectionError::HeaderRefused,
        ),
        // RFC 4443 §2.4 (a): an error is one though nobody knows it.
        (
            IcmpError::Unknown { kind: 100, code: 1 },
            ConnectionError::HeaderRefused,
        ),
    ];
    all.extend(unreachable);
    all
}

/// SHLD-26: while opening, errors end the attempt, and the user hears why; but only those about our
/// SYN.
#[test]
fn errors_end_an_open() {
    in_both_families(|family| {
        for (error, expected) in all_errors(family) {
            let mut d = Dialogue::new(family, plain());
            d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
            for elsewhere in [299, 301, 300 + (1 << 31)] {
                if !error_arrives(&mut d, error, elsewhere) {
                    break;
                }
                d.state_is(State::SynSent);
            }
            if !error_arrives(&mut d, error, 300) {
                continue;
            }
            d.state_is(State::Closed);
            let (now, id) = (d.now(), d.id());
            let sent = d.stack.send(now, id, b"x");
            assert_eq!(sent, Err(SendError::Connection(expected)), "{error:?}");
            // What the peer says later is a stranger's.
            d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK>")
                .leaves("<SEQ=301><CTL=RST>");
        }
    });
}

/// An error that would undo a doubling of the timeout (RFC 6069) ends an open like any other: no timer runs on, and
/// the reason stays.
#[test]
fn an_error_that_ends_an_open_leaves_no_timer() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.habits.icmp_trust.unreachable_undoes_back_off = true;
        let mut d = Dialogue::new(family, tcp);
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.until_something_leaves();
        d.leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        let error = IcmpError::Unreachable(Unreachable::Host);
        if !error_arrives(&mut d, error, 300) {
            return;
        }
        d.state_is(State::Closed);
        assert_eq!(d.stack.next_deadline(), None);
    });
}

/// RFC 6069 §4.1: an error undoes a doubling of the timeout only if it quotes what is next to be acknowledged.
#[test]
fn only_what_is_sent_again_undoes_a_back_off() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.habits.icmp_trust.unreachable_undoes_back_off = true;
        let mut d = Dialogue::established(family, tcp);
        d.sends(2000).all_that_leaves();
        for _ in 0..3 {
            d.until_something_leaves();
            d.all_that_leaves();
        }
        let doubled = d.status().rto;
        let error = IcmpError::Unreachable(Unreachable::Network);
        error_arrives(&mut d, error, 1301);
        assert_eq!(d.status().rto, doubled);
        error_arrives(&mut d, error, 301);
        assert_eq!(d.status().rto, doubled / 2);
    });
}

/// The states with something in flight: each of these segments brings the next.
fn stages(family: Family) -> Vec<Dialogue> {
    let ways: [fn(&mut Dialogue); 5] = [
        |_| {},
        |d| {
            d.closes();
        },
        |d| {
            d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>");
        },
        |d| {
            d.closes().all_that_leaves();
            d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>");
        },
        |d| {
            d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
                .all_that_leaves();
            d.closes();
        },
    ];
    ways.iter()
        .map(|way| {
            let mut d = Dialogue::established(family, plain());
            d.sends(10).all_that_leaves();
            way(&mut d);
            d.all_that_leaves();
            d
        })
        .collect()
}

/// MUST-56, and the other half of SHLD-26 (RFC 5927 §5.2): an established connection survives every
/// error, and nothing leaves.
#[test]
fn errors_end_nothing_else() {
    in_both_families(|family| {
        let mut states = Vec::new();
        for (error, expected) in all_errors(family) {
            for mut d in stages(family) {
                let state = d.state();
                states.push(state);
                if error_arrives(&mut d, error, 301) {
                    d.state_is(state).nothing_more();
                    let id = d.id();
                    assert_eq!(d.stack.take_error(id), Some(expected), "{error:?}");
                }
            }
        }
        states.truncate(5);
        let all = [
            State::Established,
            State::FinWait1,
            State::CloseWait,
            State::Closing,
            State::LastAck,
        ];
        assert_eq!(states, all);
        // In SYN-RECEIVED too.
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><CTL=SYN>").all_that_leaves();
        error_arrives(&mut d, IcmpError::Unreachable(Unreachable::Port), 300);
        d.state_is(State::SynReceived);
    });
}

/// MUST-54: the connection that it quotes, if what it quotes is in flight (RFC 5927 §4).
#[test]
fn an_error_reaches_its_connection_only() {
    in_both_families(|family| {
        let port = IcmpError::Unreachable(Unreachable::Port);
        let mut d = Dialogue::listening(family, plain());
        d.as_port(1001).opens().sends(10);
        d.all_that_leaves();
        let other = d.id();
        d.as_port(PEER_PORT).opens().sends(10);
        d.all_that_leaves();
        for seq in [300, 311, 301 + (1 << 31), 5000] {
            error_arrives(&mut d, port, seq);
            let id = d.id();
            assert_eq!(d.stack.take_error(id), None, "{seq}");
        }
        for seq in [301, 310] {
            error_arrives(&mut d, port, seq);
            let id = d.id();
            assert_eq!(d.stack.take_error(id), Some(ConnectionError::Refused));
        }
        assert_eq!(d.stack.take_error(other), None);
        // Of a connection that is not there.
        let ignored = d.stack.counters().icmp_ignored;
        let quoted = ours(&d, 4711, 301);
        d.datagram_arrives(&icmp::error(router(family), 64, port, &quoted).unwrap());
        assert_eq!(d.stack.counters().icmp_ignored, ignored + 1);
    });
}

/// SHLD-25, MUST-47, N-1: the user is told that there is something to ask for, gets it once, and it
/// is the reason if the connection ends for want of answers.
#[test]
fn the_user_hears_of_soft_errors() {
    in_both_families(|family| {
        let host = IcmpError::Unreachable(Unreachable::Host);
        let mut d = Dialogue::established(family, TcpConfig { r2: 1, ..plain() });
        d.sends(1).all_that_leaves();
        d.readiness();
        error_arrives(&mut d, host, 301);
        assert_eq!(d.readiness(), Readiness::STATE);
        let id = d.id();
        let unreachable = Some(ConnectionError::HostUnreachable);
        assert_eq!(d.stack.take_error(id), unreachable);
        assert_eq!(d.stack.take_error(id), None);
        error_arrives(&mut d, host, 301);
        while d.state() != State::Closed {
            d.until_deadline().all_that_leaves();
        }
        let now = d.now();
        let sent = d.stack.send(now, id, b"x");
        let reason = SendError::Connection(ConnectionError::HostUnreachable);
        assert_eq!(sent, Err(reason));
    });
}

/// Each of them is the reason if the user's own time is over.
#[test]
fn every_soft_error_may_be_the_reason() {
    in_both_families(|family| {
        for (error, expected) in all_errors(family) {
            let mut d = Dialogue::established(family, plain());
            d.set(|options| options.user_timeout = Some(secs(2)));
            d.sends(1).all_that_leaves();
            if error_arrives(&mut d, error, 301) {
                while d.state() != State::Closed {
                    d.until_deadline().all_that_leaves();
                }
                assert_eq!(d.elapsed(), secs(2));
                let (now, id) = (d.now(), d.id());
                let reason = Err(SendError::Connection(expected));
                assert_eq!(d.stack.send(now, id, b"x"), reason, "{error:?}");
                let later = d.stack.send(now, id, b"x");
                assert_eq!(later, Err(SendError::Closing), "once");
            }
        }
    });
}

/// SHLD-20: a user who never asks is not disturbed; and what the peer acknowledges is no longer
/// unreachable.
#[test]
fn nobody_must_ask_for_errors() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(10).all_that_leaves();
        for (error, _) in all_errors(family) {
            error_arrives(&mut d, error, 301);
        }
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>");
        d.sends(10)
            .leaves("<SEQ=311><ACK=101><DATA=10><CTL=PSH,ACK>");
        let id = d.id();
        assert_eq!(d.stack.take_error(id), None);
    });
}

/// An error whose type and code are made into others.
fn relabelled(message: &[u8], kind: u8, code: u8) -> Vec<u8> {
    let mut message = message.to_vec();
    let icmp = &mut message[20..];
    (icmp[0], icmp[1]) = (kind, code);
    icmp[2..4].copy_from_slice(&[0, 0]);
    let sum = checksum(icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// MUST-55: type 4 of ICMPv4; and every other type and code that means nothing to us.
#[test]
fn source_quench_is_ignored() {
    let mut d = Dialogue::established(Family::V4, plain());
    d.sends(20_000).all_that_leaves();
    let before = d.status();
    let quoted = ours(&d, PEER_PORT, 301);
    let host = IcmpError::Unreachable(Unreachable::Host);
    let message = icmp::error(router(Family::V4), 64, host, &quoted).unwrap();
    for (kind, code) in [(4, 0), (5, 1), (3, 16), (11, 2), (40, 0)] {
        d.datagram_arrives(&relabelled(&message, kind, code));
        assert_eq!(d.status(), before, "type {kind} code {code}");
        let id = d.id();
        assert_eq!(d.stack.take_error(id), None);
    }
}

/// A checksum that is wrong makes an error nobody's.
#[test]
fn a_damaged_error_is_ignored() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(10).all_that_leaves();
        let quoted = ours(&d, PEER_PORT, 301);
        let host = IcmpError::Unreachable(Unreachable::Host);
        let message = icmp::error(router(family), 64, host, &quoted).unwrap();
        let icmp_at = family.headers() - 20;
        for bit in 0..64 {
            let mut damaged = message.clone();
            damaged[icmp_at + bit / 8] ^= 1 << (bit % 8);
            d.datagram_arrives(&damaged);
            let id = d.id();
            assert_eq!(d.stack.take_error(id), None, "bit {bit}");
        }
    });
}

pub(super) fn large(family: Family) -> Dialogue {
    let tcp = TcpConfig {
        mss: None,
        ..plain()
    };
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=9000>");
    d.all_that_leaves();
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
    d
}

/// RFC 1191, RFC 8201: what was too big is sent again in smaller segments, at once and without
/// taking it for congestion.
#[test]
fn a_smaller_path_mtu_is_learnt() {
    in_both_families(|family| {
        let mut d = large(family);
        let mss = 1500 - family.headers();
        d.sends(2 * mss);
        let second = 301 + mss as u32;
        let lens = |d: &mut Dialogue| -> Vec<(u32, usize)> {
            let all = d.all_that_leaves();
            all.iter().map(|s| (s.header.seq, s.len)).collect()
        };
        assert_eq!(lens(&mut d), [(301, mss), (second, mss)]);
        let segments = d.status().cwnd / mss as u64;
        let smaller = 1400 - family.headers();
        error_arrives(&mut d, IcmpError::PacketTooBig { mtu: 1400 }, second);
        let end = 301 + 2 * mss as u32;
        let third = 301 + 2 * smaller as u32;
        let rest = (end - third) as usize;
        let expected = [
            (301, smaller),
            (301 + smaller as u32, smaller),
            (third, rest),
        ];
        assert_eq!(lens(&mut d), expected);
        assert_eq!(d.status().cwnd, segments * smaller as u64);
        assert_eq!(usize::from(d.status().snd_mss), smaller);
    });
}

/// RFC 5927 §7: nothing that was not in flight was too big; nothing larger is believed, nor what
/// no path has.
#[test]
fn a_forged_path_mtu_is_not_believed() {
    in_both_families(|family| {
        let mss = 1500 - family.headers();
        let (least, below) = match family {
            Family::V4 => (552 - 40, 68),
            Family::V6 => (mss, 1279),
        };
        for (mtu, seq, expected) in [
            (1400, 300, mss),
            (1400, 301 + 2 * mss as u32, mss),
            (1400, 301 + (1 << 31), mss),
            (1500, 301, mss),
            (9000, 301, mss),
            // No path carries so little.
            (below, 301, mss),
            (1, 301, mss),
            // Over IPv4 it says that the router does not know (RFC 1191 §4).
            (0, 301, least),
        ] {
            let mut d = large(family);
            d.sends(2 * mss).all_that_leaves();
            error_arrives(&mut d, IcmpError::PacketTooBig { mtu }, seq);
            d.all_that_leaves();
            assert_eq!(usize::from(d.status().snd_mss), expected, "{mtu} {seq}");
        }
    });
}

/// Nobody has the port: port unreachable, at most this often.
#[test]
fn datagrams_for_nobody_are_answered_at_most_so_often() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        let ip = IpHeader::new(family.peer(), family.us(), protocol::UDP, 64);
        let mut udp = vec![0x30, 0x39, 0, 9, 0, 9, 0, 0, 7];
        let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::UDP, udp.len());
        let sum = sum.plus(&udp).checksum().to_be_bytes();
        udp[6..8].copy_from_slice(&sum);
        let datagram = ip.datagram(&udp);
        let mut answers = 0;
        for _ in 0..1000 {
            d.datagram_arrives(&datagram);
            answers += d.all_that_leaves_of_any_kind().len();
        }
        assert!((25..=50).contains(&answers), "{answers} at once");
        for second in 1..=5 {
            for tenth in 0..10 {
                d.until(secs(second) + ms(100 * tenth));
                for _ in 0..200 {
                    d.datagram_arrives(&datagram);
                    answers += d.all_that_leaves_of_any_kind().len();
                }
            }
        }
        assert!(
            (1250..=2550).contains(&answers),
            "{answers} in five seconds"
        );
    });
}

/// What a datagram provokes is an ICMP error, to whoever sent it.
#[track_caller]
fn provokes(d: &mut Dialogue, datagram: &[u8], expected: IcmpError) {
    d.datagram_arrives(datagram);
    let answer = d.datagram_leaves();
    let parsed = wire::parse(&answer).unwrap();
    let ends = (parsed.ip.source, parsed.ip.destination);
    assert_eq!(ends, (d.family.us(), d.family.peer()));
    match parsed.payload {
        Payload::Icmp(IcmpMessage::Error(error, _)) => assert_eq!(error, expected),
        other => panic!("{other:?} is no error"),
    }
}

/// RFC 1122 §3.2.2.1, RFC 8200 §4: a protocol that nobody speaks, and an IPv6 option that must be
/// understood and is not.
#[test]
fn what_nobody_knows_is_answered() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        let of = |protocol| IpHeader::new(family.peer(), family.us(), protocol, 64);
        let unknown = of(99).datagram(&[0; 8]);
        match family {
            Family::V4 => {
                let error = IcmpError::Unreachable(Unreachable::Protocol);
                provokes(&mut d, &unknown, error);
            }
            Family::V6 => {
                let problem = |code, pointer| IcmpError::ParameterProblem { code, pointer };
                provokes(&mut d, &unknown, problem(1, 6));
                let option = [protocol::NO_NEXT_HEADER, 0, 0x80, 4, 0, 0, 0, 0];
                let option = of(protocol::DESTINATION_OPTIONS).datagram(&option);
                provokes(&mut d, &option, problem(2, 42));
            }
        }
    });
}

/// `ping`: every octet comes back, each request once.
#[test]
fn an_echo_request_is_answered() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        let ip = IpHeader::new(family.peer(), family.us(), 0, 64);
        for (sequence, data) in (1..).zip([&b""[..], b"x", &[7; 1400]]) {
            let echo = Echo {
                identifier: 4711,
                sequence,
                data,
            };
            d.datagram_arrives(&icmp::echo_request(&ip, &echo));
            let reply = d.datagram_leaves();
            let parsed = wire::parse(&reply).unwrap();
            assert_eq!(
                (parsed.ip.source, parsed.ip.destination),
                (family.us(), family.peer())
            );
            assert_eq!(parsed.payload, Payload::Icmp(IcmpMessage::EchoReply(echo)));
        }
        // A reply is no request.
        let echo = Echo {
            identifier: 1,
            sequence: 1,
            data: b"",
        };
        d.datagram_arrives(&icmp::echo_reply(&ip, &echo))
            .nothing_more();
    });
}
