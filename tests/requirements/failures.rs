//! Connections that fail: R1, R2, the user timeout, keep-alives (RFC 9293 §3.8.3, §3.8.4, §3.10.8).

use std::time::Duration;

use stubborn::config::{Keepalive, TcpConfig, UserTimeoutFrom};
use stubborn::stack::Readiness;
use stubborn::tcp::{ConnectionError, RecvError, SendError, State};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

const ONE_OCTET: &str = "<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>";
const TIMED_OUT: ConnectionError = ConnectionError::TimedOut;

/// MUST-20, SHLD-9: at R1 the user is told, at R2 the connection ends.
#[test]
fn retransmissions_end_at_r2() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            r1: 3,
            r2: 5,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.sends(1).leaves(ONE_OCTET).readiness();
        for at in [200, 600, 1400] {
            d.until(ms(at)).leaves(ONE_OCTET);
        }
        assert!(d.readiness().is_none(), "three are no reason yet");
        d.until(ms(3000)).leaves(ONE_OCTET);
        assert_eq!(d.readiness(), Readiness::STATE, "R1 is over");
        assert_eq!(d.status().backoff, 4);
        d.until(ms(6200)).leaves(ONE_OCTET);
        d.until(ms(12_599)).state_is(State::Established);
        d.until(ms(12_600)).state_is(State::Closed);
        let all = Readiness::READABLE | Readiness::WRITABLE | Readiness::STATE;
        assert_eq!(d.readiness(), all);
        let (now, id) = (d.now(), d.id());
        let sent = d.stack.send(now, id, b"x");
        assert_eq!(sent, Err(SendError::Connection(TIMED_OUT)));
        assert_eq!(d.receive(1), Ok(0), "told once");
        d.until(secs(100_000));
    });
}

/// SHLD-10, SHLD-11: the defaults.
#[test]
fn by_default_r1_is_three_and_r2_is_long() {
    let tcp = TcpConfig::default();
    assert!(tcp.r1 >= 3);
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(1).leaves(ONE_OCTET);
        while d.state() == State::Established {
            d.until_deadline().all_that_leaves();
        }
        // 0.2 s doubled nine times, then six times the most of 120 s.
        assert_eq!(d.elapsed(), ms(200 * 1023 + 6 * 120_000));
        assert!(d.elapsed() >= secs(100));
    });
}

/// A SYN may be sent several times at the same interval before the interval doubles.
#[test]
fn the_interval_of_a_syn_may_grow_later() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            syn_linear_retries: 4,
            ..plain()
        };
        syn_is_given_up(family, tcp, &[1, 2, 3, 4, 5, 7, 11, 19, 35, 67], 131);
        // Without them: at intervals that double from the start (RFC 6298 §5.5).
        syn_is_given_up(family, plain(), &[1, 3, 7, 15, 31, 63], 127);
    });
}

/// With six retransmissions, a SYN leaves again at these times, in seconds, and then is given up.
fn syn_is_given_up(family: Family, tcp: TcpConfig, times: &[u64], end: u64) {
    let syn = "<SEQ=300><CTL=SYN><MSS=1000>";
    let tcp = TcpConfig {
        syn_retries: 6,
        ..tcp
    };
    let mut d = Dialogue::new(family, tcp);
    d.connect().leaves(syn);
    for at in times {
        d.until(secs(*at)).leaves(syn);
    }
    d.until(ms(end * 1_000 - 1)).state_is(State::SynSent);
    d.until(secs(end)).state_is(State::Closed);
    let timed_out = Some(ConnectionError::TimedOut);
    assert_eq!(d.stack.take_error(d.id()), timed_out);
}

/// What the peer acknowledges starts the count again.
#[test]
fn progress_starts_r2_again() {
    in_both_families(|family| {
        let tcp = TcpConfig { r2: 2, ..plain() };
        let mut d = Dialogue::established(family, tcp);
        let mut ack = 301;
        for _ in 0..10 {
            d.sends(2);
            d.all_that_leaves();
            for _ in 0..2 {
                d.until_something_leaves();
                d.all_that_leaves();
            }
            ack += 2;
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=ACK>"))
                .state_is(State::Established);
        }
    });
}

/// MUST-21: a user timeout takes the place of R2, whether it is shorter or longer.
#[test]
fn a_user_can_set_r2() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.user_timeout = Some(secs(2)));
        d.until(secs(1)).sends(1).leaves(ONE_OCTET);
        for at in [1200, 1600, 2400] {
            d.until(ms(at)).leaves(ONE_OCTET);
        }
        d.until(secs(3)).state_is(State::Closed);
        assert_eq!(d.receive(1), Err(RecvError::Connection(TIMED_OUT)));

        // Each acknowledgment of something new starts it again.
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.user_timeout = Some(secs(2)));
        d.set(|options| options.nodelay = true);
        d.sends(1).leaves(ONE_OCTET);
        d.sends(1).leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(150)).arrives("<SEQ=101><ACK=302><CTL=ACK>");
        while d.state() == State::Established {
            d.until_deadline().all_that_leaves();
        }
        assert_eq!(d.elapsed(), ms(2150));

        // Longer than R2; and taken back.
        let tcp = TcpConfig { r2: 1, ..plain() };
        let mut d = Dialogue::established(family, tcp);
        d.set(|options| options.user_timeout = Some(secs(3600)));
        d.sends(1).leaves(ONE_OCTET);
        while d.elapsed() < secs(3000) {
            d.until_deadline().all_that_leaves();
        }
        d.state_is(State::Established);
        d.set(|options| options.user_timeout = None);
        d.until_deadline().state_is(State::Closed);

        // Taken back while it runs.
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.user_timeout = Some(secs(2)));
        d.sends(1).leaves(ONE_OCTET);
        d.until(ms(200)).leaves(ONE_OCTET);
        d.set(|options| options.user_timeout = None);
        while d.elapsed() < secs(3) {
            d.until_deadline().all_that_leaves();
        }
        d.state_is(State::Established);
    });
}

/// It counts for a FIN as for text.
#[test]
fn the_user_timeout_counts_for_a_fin() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.user_timeout = Some(secs(2)));
        d.closes();
        while d.state() != State::Closed {
            d.all_that_leaves();
            d.until_deadline();
        }
        assert_eq!(d.elapsed(), secs(2));
    });
}

/// RFC 5482: it ends a connection whose window stays closed, too.
#[test]
fn the_user_timeout_counts_while_the_window_is_closed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.user_timeout = Some(secs(10)));
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>").sends(1);
        while d.state() == State::Established {
            d.until_deadline();
            if !d.all_that_leaves().is_empty() {
                d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
            }
        }
        assert_eq!(d.elapsed(), secs(10));

        // If it counts from the first retransmission or probe, it starts again when the window opens.
        let tcp = TcpConfig {
            user_timeout_from: UserTimeoutFrom::Retransmission,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.set(|options| options.user_timeout = Some(secs(10)));
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>").sends(1);
        while d.elapsed() < secs(5) {
            d.until_deadline();
            if !d.all_that_leaves().is_empty() {
                d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
            }
        }
        let opens = d.elapsed();
        d.arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>")
            .leaves(ONE_OCTET);
        while d.state() == State::Established {
            d.until_deadline().all_that_leaves();
        }
        assert!(d.elapsed() >= opens + secs(10), "{:?}", d.elapsed());
    });
}

/// MUST-22, MUST-23: for a SYN.
#[test]
fn a_syn_is_sent_again_for_three_minutes() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        for at in [1, 3, 7, 15, 31, 63, 127] {
            d.until(secs(at)).leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        }
        d.until(secs(180)).state_is(State::SynSent);
        d.readiness();
        d.until(ms(246_999)).state_is(State::SynSent);
        // The eighth interval is the most, 120 s.
        d.until(secs(247)).state_is(State::Closed);
        assert!(d.readiness().has(Readiness::WRITABLE | Readiness::STATE));
        assert_eq!(d.stack.take_error(d.id()), Some(TIMED_OUT));
    });
}

/// MUST-23: also when the peer's SYN has come meanwhile: who opens actively waits no less long.
#[test]
fn the_syn_of_a_simultaneous_open_is_sent_again_for_three_minutes() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        let syn_ack = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(syn_ack);
        for at in [1, 3, 7, 15, 31, 63, 127] {
            d.until(secs(at)).leaves(syn_ack);
        }
        d.until(ms(246_999)).state_is(State::SynReceived);
        d.until(secs(247)).state_is(State::Closed);
        assert_eq!(d.stack.take_error(d.id()), Some(TIMED_OUT));
    });
}

/// Ten seconds of silence, then a probe each second, three of them.
const KEEPALIVE: Keepalive = Keepalive {
    idle: secs(10),
    interval: secs(1),
    count: 3,
};

fn kept_alive(family: Family) -> Dialogue {
    let mut tcp = plain();
    tcp.socket.keepalive = Some(KEEPALIVE);
    Dialogue::established(family, tcp)
}

/// At SND.UNA-1, without text (SHLD-12).
const PROBE: &str = "<SEQ=300><ACK=101><CTL=ACK>";
const ALIVE: &str = "<SEQ=101><ACK=301><CTL=ACK>";

/// MAY-5, MUST-27: after the idle time, as configured.
#[test]
fn keepalive_asks_after_a_silence() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        d.until(secs(10)).leaves(PROBE);
        d.until(ms(10_100)).arrives(ALIVE);
        d.until(ms(20_100)).leaves(PROBE);
        d.until(ms(20_200)).arrives(ALIVE);
        d.set(|options| {
            options.keepalive = Some(Keepalive {
                idle: secs(20),
                ..KEEPALIVE
            });
        });
        d.until(ms(40_200)).leaves(PROBE);
    });
}

/// MUST-29: one probe without an answer proves nothing; all of them do.
#[test]
fn one_lost_probe_proves_nothing() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        d.until(secs(10)).leaves(PROBE);
        d.until(secs(11)).leaves(PROBE);
        d.until(secs(12)).leaves(PROBE).arrives(ALIVE);
        for at in [22, 23, 24] {
            d.until(secs(at)).leaves(PROBE);
        }
        d.until(secs(25))
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK>")
            .state_is(State::Closed);
        assert_eq!(d.receive(1), Err(RecvError::Connection(TIMED_OUT)));
    });
}

/// The user timeout takes the place of the count of probes: after this long a silence, the next time
/// that nothing has answered a probe.
#[test]
fn the_user_timeout_ends_the_probes() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        d.set(|options| options.user_timeout = Some(ms(14_500)));
        for at in [10, 11, 12, 13, 14] {
            d.until(secs(at)).leaves(PROBE);
        }
        d.until(secs(15))
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK>")
            .state_is(State::Closed);
        assert_eq!(d.receive(1), Err(RecvError::Connection(TIMED_OUT)));
        // One without an answer must there be.
        let mut d = kept_alive(family);
        d.set(|options| options.user_timeout = Some(secs(1)));
        d.until(secs(10)).leaves(PROBE);
        d.until(ms(10_900)).arrives(ALIVE);
        d.until(ms(20_900)).leaves(PROBE);
        d.until(ms(21_900))
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK>")
            .state_is(State::Closed);
    });
}

/// Probes without a pause leave one after the other, and time goes on.
#[test]
fn probes_without_a_pause_end() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        let nanos = |nanos| secs(10) + Duration::from_nanos(nanos);
        d.set(|options| {
            options.keepalive = Some(Keepalive {
                interval: Duration::ZERO,
                ..KEEPALIVE
            });
            options.user_timeout = Some(nanos(2));
        });
        for at in [0, 1] {
            d.until(nanos(at)).leaves(PROBE);
        }
        d.until(nanos(2))
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK>")
            .state_is(State::Closed);
    });
}

/// MUST-26: a path that was bad does not put the next probe off: it leaves when the connection was
/// idle for its time.
#[test]
fn keepalive_begins_again_when_all_is_acknowledged() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.socket.keepalive = Some(Keepalive {
            idle: secs(1),
            ..KEEPALIVE
        });
        let mut d = Dialogue::established(family, tcp);
        let text = "<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>";
        d.sends(1).leaves(text);
        for at in [200, 600, 1_400, 3_000, 6_200] {
            d.until(ms(at)).leaves(text);
        }
        d.until(ms(6_300)).arrives("<SEQ=101><ACK=302><CTL=ACK>");
        d.until(ms(7_300)).leaves("<SEQ=301><ACK=101><CTL=ACK>");
    });
}

/// MUST-26: not while anything is outstanding, nor before the interval is over.
#[test]
fn keepalive_waits_for_silence() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        d.until(secs(9))
            .arrives("<SEQ=101><ACK=301><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        d.until(secs(19))
            .leaves("<SEQ=300><ACK=102><WND=9999><CTL=ACK>");
        d.arrives("<SEQ=102><ACK=301><CTL=ACK>");
        d.until(ms(28_900))
            .sends(1)
            .leaves("<SEQ=301><ACK=102><WND=9999><DATA=1><CTL=PSH,ACK>");
        for at in [29_100, 29_500, 30_300] {
            d.until(ms(at))
                .leaves("<SEQ=301><ACK=102><WND=9999><DATA=1><CTL=PSH,ACK>");
        }
        d.until(ms(30_400)).arrives("<SEQ=102><ACK=302><CTL=ACK>");
        d.until(ms(40_400))
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
    });
}

/// MUST-26: what waits for a closed window is probed for as RFC 9293 §3.8.6.1 says, and keepalive, which would give up
/// far earlier, does not count.
#[test]
fn keepalive_leaves_a_closed_window_to_its_probes() {
    in_both_families(|family| {
        let mut d = kept_alive(family);
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>").sends(1);
        for at in [200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200] {
            d.until(ms(at)).leaves(PROBE);
        }
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
    });
}

/// MUST-26: what the peer asks with is a sign of life like its answers, with an octet of garbage or
/// without (MAY-6); an old duplicate is none.
#[test]
fn keepalive_of_the_peer_is_a_sign_of_life() {
    in_both_families(|family| {
        for asks in [
            "<SEQ=100><ACK=301><CTL=ACK>",
            "<SEQ=100><ACK=301><DATA=1><CTL=ACK>",
        ] {
            let mut d = kept_alive(family);
            d.until(secs(9))
                .arrives(asks)
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
            d.until(secs(19)).leaves(PROBE);
            d.arrives(asks).leaves("<SEQ=301><ACK=101><CTL=ACK>");
            d.until(secs(29)).leaves(PROBE);
        }
        let mut d = kept_alive(family);
        d.until(secs(9))
            .arrives("<SEQ=90><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.until(secs(10)).leaves(PROBE);
    });
}

/// MUST-24, MUST-25: off by default; a user can switch it on and off.
#[test]
fn keepalive_can_be_switched() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.until(secs(7 * 24 * 3600));
        d.set(|options| options.keepalive = Some(KEEPALIVE));
        d.until(secs(7 * 24 * 3600 + 10)).leaves(PROBE);
        d.set(|options| options.keepalive = None);
        d.until(secs(8 * 24 * 3600));
        d.set(|options| options.keepalive = Some(KEEPALIVE));
        d.until(secs(8 * 24 * 3600 + 10)).leaves(PROBE);
    });
}

/// MUST-28.
#[test]
fn keepalive_asks_every_two_hours_by_default() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.socket.keepalive = Some(Keepalive::default());
        let mut d = Dialogue::established(family, tcp);
        d.until(secs(7200)).leaves(PROBE).arrives(ALIVE);
        d.until(secs(14_400)).leaves(PROBE);
        for probe in 1..9 {
            d.until(secs(14_400 + 75 * probe)).leaves(PROBE);
        }
        d.until(secs(14_400 + 75 * 9))
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK>");
    });
}

/// Our answer to a peer's keep-alive.
#[test]
fn a_keepalive_of_the_peer_is_answered() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for at in 1..10 {
            d.until(secs(at))
                .arrives("<SEQ=100><ACK=301><CTL=ACK>")
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
            // The ones of the 1980s have an octet.
            d.arrives("<SEQ=100><ACK=301><DATA=1><CTL=ACK>")
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        }
    });
}
