//! SYN cookies (RFC 4987 §3.6): a listener under a flood keeps nothing of a SYN, and serves whoever
//! answers.

use std::net::SocketAddr;

use stubborn::config::{Config, SynCookies, TcpConfig};
use stubborn::stack::{Secret, Stack};
use stubborn::tcp::State;
use stubborn::time::Instant;
use stubborn::wire::{Control, IpHeader, Options, Packet, TcpHeader, Text, protocol};

use crate::dialogue::{Dialogue, Family, PEER_PORT, in_both_families, ms, plain, secs};

const SYN: &str = "<SEQ=100><CTL=SYN><MSS=1000>";
const SYN_ACK: &str = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
const ACK: &str = "<SEQ=101><ACK=301><CTL=ACK>";

fn config(family: Family, tcp: TcpConfig) -> Config {
    let mut config = Config::new([family.us()]);
    config.tcp = tcp;
    config.max_half_open = 1;
    config
}

/// A listener whose one place for a handshake is taken, as seen from port 1001.
fn flooded(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::with(family, config(family, tcp));
    d.listen(8);
    d.arrives("<SEQ=100><CTL=SYN>").all_that_leaves();
    d.as_port(1001);
    d
}

/// THREATS 5: when the queue is full, a SYN gets an answer and leaves nothing behind; the
/// acknowledgment opens the connection, whatever comes with it.
#[test]
fn a_full_queue_answers_with_cookies() {
    in_both_families(|family| {
        let mut d = flooded(family, plain());
        for _ in 0..3 {
            d.arrives(SYN).leaves(SYN_ACK).state_is(State::Listen);
        }
        assert_eq!(d.stack.connection_count(), 1);
        d.arrives(ACK).state_is(State::Established).accept();
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        let counters = d.stack.counters();
        assert_eq!((counters.cookies_sent, counters.cookies_taken), (3, 1));
        assert_eq!((counters.accepted, counters.listen_overflows), (1, 0));
        // It has taken no place of a handshake, and leaves none: the next is answered with a cookie, too.
        d.as_port(1002).arrives(SYN).leaves(SYN_ACK);
        assert_eq!(d.stack.counters().cookies_sent, 4);

        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=PSH,ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.accept().reads(5);

        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>");
        d.accept().state_is(State::CloseWait).reads(5);
        assert_eq!(d.receive(1), Ok(0));

        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        d.accept().state_is(State::CloseWait);
    });
}

/// Nothing is left to send it again; and a reset finds nothing to reset.
#[test]
fn a_cookie_is_sent_once() {
    in_both_families(|family| {
        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=101><CTL=RST>").nothing_more();
        d.as_port(PEER_PORT).arrives("<SEQ=101><CTL=RST>");
        assert_eq!(d.stack.connection_count(), 0);
        d.until(secs(200));
    });
}

/// The MSS is remembered as the next of eight sizes below it; without timestamps nothing else is.
#[test]
fn a_cookie_remembers_the_mss() {
    in_both_families(|family| {
        for (mss, size) in [
            (Some(100), 48),
            (Some(536), 536),
            (Some(1219), 536),
            (Some(1460), 1460),
            (Some(9000), 8940),
        ] {
            let tcp = TcpConfig {
                mss: None,
                window_scaling: true,
                sack: true,
                ..plain()
            };
            let mut all = config(family, tcp);
            all.mtu = 9100;
            let mut d = Dialogue::with(family, all);
            d.listen(8).arrives("<SEQ=100><CTL=SYN>").all_that_leaves();
            d.as_port(1001);
            let offer = mss.map_or(String::new(), |mss| format!("<MSS={mss}>"));
            d.arrives(&format!("<SEQ=100><CTL=SYN>{offer}<WS=7><SACKP>"));
            let syn_ack = d.leaves_something().header.options;
            assert_eq!(
                (syn_ack.window_scale, syn_ack.sack_permitted),
                (None, false)
            );
            d.arrives(ACK).accept();
            assert_eq!(d.status().snd_mss, size, "{mss:?}");
            assert_eq!(d.status().window_scale, None);
        }
        // Of a peer that does not say, it is the default of the family.
        let mut d = flooded(
            family,
            TcpConfig {
                mss: None,
                ..plain()
            },
        );
        d.arrives("<SEQ=100><CTL=SYN>").all_that_leaves();
        d.arrives(ACK).accept();
        let default = match family {
            Family::V4 => 536,
            Family::V6 => 1220,
        };
        assert_eq!(d.status().snd_mss, default);
    });
}

/// Window scale and SACK come back in the timestamp that the peer echoes.
#[test]
fn timestamps_carry_the_rest() {
    in_both_families(|family| {
        let tcp = || TcpConfig {
            mss: None,
            window_scaling: true,
            sack: true,
            timestamps: true,
            receive_buffer: 1 << 20,
            ..plain()
        };
        for (offer, scale, sack) in [
            ("<WS=7><SACKP>", Some((7, 5)), true),
            ("<WS=0>", Some((0, 5)), false),
            ("<WS=14><SACKP>", Some((14, 5)), true),
            ("<SACKP>", None, true),
            ("", None, false),
        ] {
            let mut d = flooded(family, tcp());
            d.arrives(&format!("<SEQ=100><CTL=SYN><MSS=1460>{offer}<TS=5,0>"));
            let syn_ack = d.leaves_something().header.options;
            assert_eq!(syn_ack.window_scale, scale.map(|(_, own)| own));
            assert_eq!(syn_ack.sack_permitted, sack);
            assert_eq!(syn_ack.timestamps.unwrap().ecr, 5);
            d.until(ms(50))
                .arrives("<SEQ=101><ACK=301><CTL=ACK><TS=55,1000>");
            d.accept();
            let status = d.status();
            assert_eq!((status.window_scale, status.sack), (scale, sack), "{offer}");
            assert!(status.timestamps);
            assert_eq!(status.srtt, None, "the echo is no time");
            // Our clock has not gone back.
            d.sends(1);
            let val = d.leaves_something().header.options.timestamps.unwrap().val;
            assert!((1050..1050 + 64).contains(&val), "{val}");
        }
    });
}

/// THREATS 6: a cookie is good for one to two epochs of 64 s, and only for who got it.
#[test]
fn a_cookie_expires() {
    in_both_families(|family| {
        for (age, is_good) in [(1, true), (64, true), (128, false), (1000, false)] {
            let mut d = flooded(family, plain());
            d.arrives(SYN).leaves(SYN_ACK);
            // Handshakes under way must not disturb.
            d.as_port(PEER_PORT).arrives("<SEQ=101><CTL=RST>");
            d.as_port(1001).until(secs(age)).arrives(ACK);
            match is_good {
                true => d.state_is(State::Established).accept(),
                false => d.leaves("<SEQ=301><CTL=RST>").state_is(State::Listen),
            };
        }
        for (seq, ack) in [(102, 301), (101, 302), (101, 300)] {
            let mut d = flooded(family, plain());
            d.arrives(SYN).leaves(SYN_ACK);
            d.arrives(&format!("<SEQ={seq}><ACK={ack}><CTL=ACK>"))
                .leaves(&format!("<SEQ={ack}><CTL=RST>"))
                .state_is(State::Listen);
            d.arrives(ACK).state_is(State::Established);
        }
    });
}

/// The queue was full when the SYN came, and had a place when it came again: the SYN,ACK that
/// arrived first counts.
#[test]
fn a_late_acknowledgment_of_a_cookie_counts() {
    in_both_families(|family| {
        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.as_port(PEER_PORT).arrives("<SEQ=101><CTL=RST>");
        let first = d.as_port(1001).wire_iss();
        d.arrives(SYN).all_that_leaves();
        d.state_is(State::SynReceived);
        let second = d.wire_iss();
        assert_ne!(first, second);
        let old = 301u32.wrapping_add(first.wrapping_sub(second));
        d.arrives(&format!("<SEQ=101><ACK={old}><CTL=ACK>"))
            .state_is(State::Established)
            .accept();
        assert_eq!(d.stack.connection_count(), 1);
        // What acknowledges the second is answered as what was never sent.
        d.arrives("<SEQ=101><ACK=301><DATA=1><CTL=ACK>");
        assert_eq!(d.all_that_leaves().len(), 1);
        assert_eq!(d.status().bytes_received, 0);
        // Without a cookie, an acknowledgment of something else is refused as ever.
        let mut d = flooded(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.as_port(PEER_PORT).arrives("<SEQ=101><CTL=RST>");
        d.as_port(1001).arrives(SYN).all_that_leaves();
        d.arrives("<SEQ=101><ACK=4711><CTL=ACK>")
            .leaves("<SEQ=4711><CTL=RST>");
        d.arrives(ACK).state_is(State::Established);
    });
}

/// A full accept queue has no room for those that come by cookie either.
#[test]
fn a_full_accept_queue_takes_no_cookies() {
    in_both_families(|family| {
        let mut d = Dialogue::with(family, config(family, plain()));
        d.listen(1).arrives(SYN).leaves(SYN_ACK);
        d.as_port(1001).arrives(SYN).leaves(SYN_ACK);
        d.as_port(PEER_PORT).arrives(ACK);
        d.as_port(1002).arrives(SYN).nothing_more();
        d.as_port(1001).arrives(ACK).nothing_more();
        assert_eq!(d.stack.counters().listen_overflows, 2);
        d.accept().as_port(1001).arrives(ACK).accept();
    });
}

/// The settings.
#[test]
fn cookies_can_be_sent_never_or_always() {
    in_both_families(|family| {
        let mut never = config(family, plain());
        never.syn_cookies = SynCookies::Off;
        let mut d = Dialogue::with(family, never);
        d.listen(8).arrives(SYN).leaves(SYN_ACK);
        d.as_port(1001).arrives(SYN).nothing_more();
        assert_eq!(d.stack.counters().listen_overflows, 1);

        let mut always = config(family, plain());
        always.syn_cookies = SynCookies::Always;
        let mut d = Dialogue::with(family, always);
        d.listen(8).arrives(SYN).leaves(SYN_ACK);
        assert_eq!(d.stack.connection_count(), 0);
        d.arrives(ACK).state_is(State::Established).accept();
    });
}

/// A host on which port 80 is listened to, and datagrams from 10.9.0.0/16 to it, made quickly.
struct Flood {
    stack: Stack,
    now: Instant,
}

impl Flood {
    fn new(max_half_open: usize) -> Flood {
        let us = "10.0.0.1".parse().unwrap();
        let mut config = Config::new([us]);
        config.max_half_open = max_half_open;
        config.replies_per_second = 1;
        let mut stack = Stack::new(config, Secret([3; 16])).unwrap();
        stack.listen(SocketAddr::new(us, 80), 128).unwrap();
        Flood {
            stack,
            now: Instant::from_secs(1000),
        }
    }

    /// A segment arrives from the `number`th stranger; how many leave.
    fn arrives(&mut self, number: u32, seq: u32, ack: Option<u32>) -> usize {
        let from = [10, 9, (number >> 8) as u8, number as u8];
        let header = TcpHeader {
            source_port: 1024 + (number >> 16) as u16,
            destination_port: 80,
            seq,
            ack: ack.unwrap_or(0),
            control: if ack.is_some() {
                Control::ACK
            } else {
                Control::SYN
            },
            window: 1000,
            options: Options::default(),
            ..TcpHeader::default()
        };
        let ip = IpHeader::new(from.into(), [10, 0, 0, 1].into(), protocol::TCP, 64);
        let bytes = Packet::tcp(&ip, &header, Text::EMPTY).to_vec();
        self.stack.receive(self.now, &bytes);
        let mut left = 0;
        while self.stack.poll_transmit(self.now).is_some() {
            left += 1;
        }
        left
    }
}

/// THREATS 5: a flood of SYNs, ten million of them in a release build: each gets one answer at most,
/// and the host holds what its limit says.
#[test]
fn a_flood_of_syns_is_held_by_cookies() {
    let count = if cfg!(debug_assertions) {
        50_000
    } else {
        10_000_000
    };
    let mut flood = Flood::new(100);
    let answers: usize = (0..count).map(|n| flood.arrives(n, n, None)).sum();
    assert_eq!(answers, count as usize);
    assert_eq!(flood.stack.connection_count(), 100);
    let cookies = flood.stack.counters().cookies_sent;
    assert_eq!(cookies, u64::from(count) - 100);
}

/// THREATS 6: guesses open nothing, 2^26 of them in a release build, whether cookies are about or
/// not.
#[test]
fn guessed_cookies_open_nothing() {
    let count = if cfg!(debug_assertions) {
        20_000
    } else {
        1 << 26
    };
    for is_flooded in [false, true] {
        let mut flood = Flood::new(1);
        for stranger in 0..if is_flooded { 2 } else { 0 } {
            flood.arrives(stranger, 1, None);
        }
        for guess in 0..count {
            let number = guess % 1000 + 10;
            flood.arrives(number, guess, Some(guess.wrapping_mul(2_654_435_761)));
        }
        // Of 2^26, 16/2^32 is a quarter. While there are no cookies, none is looked for.
        let opened = flood.stack.counters().cookies_taken as usize;
        let most = if is_flooded { 3 } else { 0 };
        assert!(opened <= most, "{opened}");
        let first = usize::from(is_flooded);
        assert_eq!(flood.stack.connection_count(), first + opened);
    }
}
