//! Timestamps and PAWS (RFC 7323).

use stubborn::config::{Acceptance, TcpConfig};
use stubborn::tcp::{Discard, State};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

/// ESTABLISHED with timestamps: TS.Recent = 51, and the peer's MSS leaves room for 1,000 octets.
fn stamped(family: Family, tcp: TcpConfig) -> Dialogue {
    let tcp = TcpConfig {
        timestamps: true,
        ..tcp
    };
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=50,0>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,50>");
    d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=51,1000>")
        .accept();
    d.closes_listener();
    d
}

/// MUST-5, RFC 7323 §3.2: on every segment, and taken from every kind.
#[test]
fn timestamps_are_on_every_segment_and_taken_from_every_kind() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        d.until(ms(5))
            .sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK><TS=1005,51>");
        // A bare acknowledgment.
        d.arrives("<SEQ=101><ACK=311><CTL=ACK><TS=60,1005>");
        d.sends(10)
            .leaves("<SEQ=311><ACK=101><DATA=10><CTL=PSH,ACK><TS=1005,60>");
        // Text.
        d.until(ms(6))
            .arrives("<SEQ=101><ACK=321><DATA=5><CTL=ACK><TS=61,1005>")
            .leaves("<SEQ=321><ACK=106><WND=9995><CTL=ACK><TS=1006,61>");
        d.reads(5);
        // A FIN; and ours, and the last acknowledgment.
        d.arrives("<SEQ=106><ACK=321><CTL=FIN,ACK><TS=62,1006>")
            .leaves("<SEQ=321><ACK=107><WND=9994><CTL=ACK><TS=1006,62>");
        d.closes()
            .leaves("<SEQ=321><ACK=107><WND=9994><CTL=FIN,ACK><TS=1006,62>");
        d.until(ms(206))
            .leaves("<SEQ=321><ACK=107><WND=9994><CTL=FIN,ACK><TS=1206,62>");
        d.arrives("<SEQ=107><ACK=322><CTL=ACK><TS=63,1206>")
            .state_is(State::Closed);
    });
}

/// RFC 7323 §3.2: they are on the reset of ABORT too, which a peer may check.
#[test]
fn a_reset_has_timestamps() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        d.until(ms(7));
        d.aborts()
            .leaves("<SEQ=301><ACK=101><CTL=RST,ACK><TS=1007,51>");
    });
}

/// RFC 7323 §4.3: the echo is of the segment that moved the left edge, or the first of those that
/// a delayed acknowledgment is for.
#[test]
fn the_echo_is_of_the_earliest_segment_acknowledged() {
    in_both_families(|family| {
        // (A) delayed acknowledgments.
        let tcp = TcpConfig {
            delayed_ack: Some(ms(40)),
            ..plain()
        };
        let mut d = stamped(family, tcp);
        d.sends(1)
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=1000,51>");
        d.arrives("<SEQ=101><ACK=302><CTL=ACK><TS=51,1000>");
        d.arrives("<SEQ=101><ACK=302><DATA=1000><CTL=ACK><TS=52,1000>")
            .nothing_more();
        d.arrives("<SEQ=1101><ACK=302><DATA=1000><CTL=ACK><TS=53,1000>")
            .leaves("<SEQ=302><ACK=2101><WND=8000><CTL=ACK><TS=1000,52>");
        // (B) a gap, and (C) filling it.
        let mut d = stamped(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK><TS=52,1000>")
            .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK><TS=1000,52>");
        d.arrives("<SEQ=121><ACK=301><DATA=10><CTL=ACK><TS=54,1000>")
            .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK><TS=1000,52>");
        d.arrives("<SEQ=111><ACK=301><DATA=10><CTL=ACK><TS=53,1000>")
            .leaves("<SEQ=301><ACK=131><WND=9970><CTL=ACK><TS=1000,53>");
    });
}

/// RFC 7323 §5.3: what is older than the last is dropped, and answered with the newest.
#[test]
fn an_older_timestamp_is_refused() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        d.discards();
        // Text is answered each time.
        for _ in 0..2 {
            d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=50,1000>")
                .leaves("<SEQ=301><ACK=101><CTL=ACK><TS=1000,51>");
        }
        // What has none, at most this often.
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=50,1000>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><TS=1000,51>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=50,1000>")
            .nothing_more();
        assert_eq!(d.discards(), [Discard::Paws; 4]);
        // The same is not older; nor is one that has wrapped.
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=51,1000>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK><TS=1000,51>");
        d.arrives("<SEQ=106><ACK=301><DATA=5><CTL=ACK><TS=2147483698,1000>")
            .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK><TS=1000,2147483698>");
    });
}

/// A connection with timestamps in a state; SND.NXT, RCV.NXT and TS.Recent.
fn in_state(family: Family, state: State) -> (Dialogue, [u32; 3]) {
    const OUR_FIN: &str = "<SEQ=301><ACK=101><CTL=FIN,ACK><TS=1000,51>";
    const THEIR_FIN: &str = "<SEQ=101><ACK=301><CTL=FIN,ACK><TS=52,1000>";
    let mut d = stamped(family, plain());
    match state {
        State::SynReceived => {
            d.listen(8).as_port(2000);
            d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=50,0>")
                .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,50>");
            (d, [301, 101, 50])
        }
        State::FinWait1 => {
            d.closes().leaves(OUR_FIN);
            (d, [302, 101, 51])
        }
        State::FinWait2 => {
            d.closes().leaves(OUR_FIN);
            d.arrives("<SEQ=101><ACK=302><CTL=ACK><TS=52,1000>");
            (d, [302, 101, 52])
        }
        State::CloseWait => {
            d.arrives(THEIR_FIN)
                .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK><TS=1000,52>");
            (d, [301, 102, 52])
        }
        State::Closing => {
            d.closes().leaves(OUR_FIN);
            d.arrives(THEIR_FIN)
                .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=1000,52>");
            (d, [302, 102, 52])
        }
        State::LastAck => {
            d.arrives(THEIR_FIN)
                .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK><TS=1000,52>");
            d.closes()
                .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK><TS=1000,52>");
            (d, [302, 102, 52])
        }
        State::TimeWait => {
            d.closes().leaves(OUR_FIN);
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK><TS=52,1000>")
                .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=1000,52>");
            (d, [302, 102, 52])
        }
        _ => (d, [301, 101, 51]),
    }
}

/// RFC 7323 §5.2, §5.3: in every state, whatever else is right about such a segment, nothing of it counts; but a
/// reset's timestamp says nothing.
#[test]
fn an_older_timestamp_is_refused_in_every_state() {
    const STATES: [State; 8] = [
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];
    in_both_families(|family| {
        for state in STATES {
            for segment in [
                "<CTL=ACK>",
                "<DATA=5><CTL=ACK>",
                "<CTL=FIN,ACK>",
                "<CTL=SYN>",
            ] {
                let (mut d, [nxt, rcv_nxt, recent]) = in_state(family, state);
                d.discards();
                d.arrives(&format!("<SEQ={rcv_nxt}><ACK={nxt}>{segment}<TS=49,1000>"))
                    .tells(&format!(
                        "<SEQ={nxt}><ACK={rcv_nxt}><CTL=ACK><TS=1000,{recent}>"
                    ))
                    .state_is(state);
                assert_eq!(d.discards(), [Discard::Paws], "{segment} in {state}");
            }
            let (mut d, [_, rcv_nxt, _]) = in_state(family, state);
            let after = match state {
                State::SynReceived => State::Listen,
                // RFC 1337.
                State::TimeWait => State::TimeWait,
                _ => State::Closed,
            };
            d.arrives(&format!("<SEQ={rcv_nxt}><CTL=RST><TS=49,0>"))
                .state_is(after);
        }
    });
}

/// THREATS 27: both clocks may wrap while text flows.
#[test]
fn clocks_may_wrap() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            timestamps: true,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=4294966296,0>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,4294966296>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=4294966297,1000>")
            .accept();
        let mut seq = 101;
        for step in 0..2000u32 {
            let val = 4_294_966_297u32.wrapping_add(step);
            d.arrives(&format!(
                "<SEQ={seq}><ACK=301><DATA=1><CTL=ACK><TS={val},1000>"
            ));
            seq += 1;
            let answer = d.leaves_something();
            assert_eq!(
                (
                    answer.header.ack,
                    answer.header.options.timestamps.unwrap().ecr
                ),
                (seq, val)
            );
            d.reads(1).all_that_leaves();
        }
        // 50 days later ours has wrapped too: 2^32 milliseconds are 49.7 days.
        let days = secs(50 * 24 * 3600);
        let (window, clock) = (d.status().rcv_wnd, 1000 + days.as_millis() as u64);
        let (clock, echo) = (clock as u32, 4_294_966_297u32.wrapping_add(1999));
        d.until(days).sends(1).leaves(&format!(
            "<SEQ=301><ACK={seq}><WND={window}><DATA=1><CTL=PSH,ACK><TS={clock},{echo}>"
        ));
    });
}

/// RFC 7323 §5.2: s lies before t if 0 < t - s < 2^31, so of two that are opposite neither does. By the fast path
/// and by the steps.
#[test]
fn an_opposite_timestamp_is_not_older() {
    in_both_families(|family| {
        for ack in [301, 302] {
            let tcp = TcpConfig {
                timestamps: true,
                ..plain()
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=50,0>")
                .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,50>");
            d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=50,1000>")
                .accept();
            d.sends(1)
                .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=1000,50>");
            d.arrives(&format!(
                "<SEQ=101><ACK={ack}><DATA=1><CTL=ACK><TS=2147483699,1000>"
            ))
            .leaves("<SEQ=302><ACK=101><CTL=ACK><TS=1000,50>");
            assert_eq!(d.discards(), [Discard::Paws]);
            d.arrives(&format!(
                "<SEQ=101><ACK={ack}><DATA=1><CTL=ACK><TS=2147483698,1000>"
            ))
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=1000,2147483698>");
        }
    });
}

/// RFC 7323 §5.5: after 24 days without a segment TS.Recent proves nothing.
#[test]
fn after_25_idle_days_any_timestamp_is_taken() {
    in_both_families(|family| {
        let day = 24 * 3600;
        let mut d = stamped(family, plain());
        d.until(secs(23 * day))
            .arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=50,1000>");
        assert_eq!(d.leaves_something().header.ack, 101);
        let mut d = stamped(family, plain());
        d.until(secs(25 * day))
            .arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=50,1000>");
        let answer = d.leaves_something();
        assert_eq!(answer.header.ack, 106);
        assert_eq!(answer.header.options.timestamps.unwrap().ecr, 50);
    });
}

/// RFC 7323 §3.2, §5.2: a reset counts whatever its timestamp; and a segment that lost its own on
/// the way is taken.
#[test]
fn what_needs_no_timestamp() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        d.arrives("<SEQ=101><CTL=RST><TS=1,0>")
            .state_is(State::Closed);
        let mut d = stamped(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK><TS=1000,51>");
        d.arrives("<SEQ=106><CTL=RST>").state_is(State::Closed);
    });
}

/// RFC 7323 §3.2, where it is asked for: without timestamps only a reset counts.
#[test]
fn a_segment_without_timestamps_can_be_dropped() {
    in_both_families(|family| {
        let strict = || TcpConfig {
            acceptance: Acceptance {
                timestamps_required: true,
                ..Acceptance::default()
            },
            ..plain()
        };
        let mut d = stamped(family, strict());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .nothing_more();
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=52,1000>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK><TS=1000,52>");
        d.arrives("<SEQ=106><CTL=RST>").state_is(State::Closed);
    });
}

/// A forged timestamp on a segment that is not used does not shut the peer out.
#[test]
fn a_forged_timestamp_is_not_remembered() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        for forged in [
            // Outside the window; with a bad acknowledgment; a SYN.
            "<SEQ=50000><ACK=301><DATA=5><CTL=ACK><TS=999999,1000>",
            "<SEQ=101><ACK=5000><DATA=5><CTL=ACK><TS=999999,1000>",
            "<SEQ=101><CTL=SYN><TS=999999,0>",
            "<SEQ=101><DATA=5><CTL=><TS=999999,0>",
        ] {
            d.arrives(forged).all_that_leaves();
        }
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK><TS=52,1000>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK><TS=1000,52>");
    });
}

/// An echo of what was never sent is no sample of the round-trip time.
#[test]
fn a_forged_echo_is_no_sample() {
    in_both_families(|family| {
        for echo in [0, 999_999, 4_000_000_000u32] {
            let mut d = stamped(family, plain());
            d.sends(1)
                .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=1000,51>");
            d.until(ms(200))
                .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=1200,51>");
            let before = d.status().srtt;
            d.until(ms(210))
                .arrives(&format!("<SEQ=101><ACK=302><CTL=ACK><TS=52,{echo}>"));
            assert_eq!(d.status().srtt, before, "{echo}");
        }
    });
}

/// In TIME-WAIT an old duplicate is recognised by its timestamp too (THREATS 20).
#[test]
fn paws_protects_time_wait() {
    in_both_families(|family| {
        let mut d = stamped(family, plain());
        d.closes()
            .leaves("<SEQ=301><ACK=101><CTL=FIN,ACK><TS=1000,51>");
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK><TS=52,1000>")
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=1000,52>");
        d.until(secs(30))
            .arrives("<SEQ=101><ACK=302><CTL=FIN,ACK><TS=40,1000>")
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=31000,52>");
        assert_eq!(d.discards(), [Discard::Paws]);
        d.until(secs(60)).state_is(State::Closed);
    });
}

/// RFC 7323 §5.3, R2 and R3: a SYN that comes again is not acceptable, and its timestamp is not taken. So
/// the peer hears that its first SYN has arrived: what was lost is our answer.
#[test]
fn a_repeated_syn_hears_the_echo_of_the_first() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            timestamps: true,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=50,0>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,50>");
        d.until(ms(990));
        d.arrives("<SEQ=100><CTL=SYN><MSS=1012><TS=1050,0>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1990,50>");
    });
}

/// RFC 6298 §3, §5.7: after a SYN that was sent again, only the echo of the last one tells a round trip.
/// From the first one on, an answer was lost, or two. But then it was no SYN that was lost, and the initial
/// window is whole (RFC 6928 §2, RFC 3522 §3.2).
#[test]
fn the_echo_of_an_earlier_syn_is_no_sample() {
    in_both_families(|family| {
        for (echo, srtt, rto, cwnd) in [
            (2000, Some(ms(20)), ms(200), 988),
            (1000, None, secs(3), 9880),
        ] {
            let tcp = TcpConfig {
                timestamps: true,
                ..plain()
            };
            let mut d = Dialogue::new(family, tcp);
            d.connect()
                .leaves("<SEQ=300><CTL=SYN><MSS=1000><TS=1000,0>");
            d.until(ms(1000))
                .leaves("<SEQ=300><CTL=SYN><MSS=1000><TS=2000,0>");
            d.until(ms(1020));
            d.arrives(&format!(
                "<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1012><TS=50,{echo}>"
            ))
            .leaves("<SEQ=301><ACK=101><CTL=ACK><TS=2020,50>");
            let status = d.status();
            assert_eq!((status.srtt, status.rto), (srtt, rto), "{echo}");
            assert_eq!(status.cwnd, cwnd, "{echo}");
        }
    });
}
