//! Retransmission and congestion control (RFC 9293 §3.8.1, §3.8.2; RFC 6298, RFC 5681, RFC 6582, RFC
//! 3042, RFC 6928).

use std::time::Duration;

use stubborn::config::{Config, CongestionControl, TcpConfig};
use stubborn::tcp::State;

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

/// ESTABLISHED with a peer whose window is no limit.
pub(super) fn wide(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=1000>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
    d.closes_listener();
    d
}

/// The acknowledgment of everything before `ack`.
fn acked(d: &mut Dialogue, ack: u32) {
    d.arrives(&format!("<SEQ=101><ACK={ack}><WND=60000><CTL=ACK>"));
}

/// Segments of 1,000 octets leave, from these places on and no others.
#[track_caller]
fn segments_leave(d: &mut Dialogue, seqs: &[u32]) {
    let left: Vec<(u32, usize)> = d
        .all_that_leaves()
        .iter()
        .map(|segment| (segment.header.seq, segment.len))
        .collect();
    let expected: Vec<(u32, usize)> = seqs.iter().map(|seq| (*seq, 1000)).collect();
    assert_eq!(left, expected, "{}", d.transcript());
}

fn from(seq: u32, count: u32) -> Vec<u32> {
    (0..count).map(|index| seq + 1000 * index).collect()
}

/// MUST-19: exponential backoff up to `max_rto`; then one segment, and slow start up to half of
/// what was in flight, by a segment an acknowledgment (RFC 3465 §2.3).
#[test]
fn timeouts_back_off_and_slow_start_again() {
    in_both_families(|family| {
        // What F-RTO does first is another test.
        let tcp = TcpConfig {
            forward_rto: false,
            ..plain()
        };
        let mut d = wide(family, tcp);
        d.sends(20_000);
        segments_leave(&mut d, &from(301, 10));
        for at in [
            200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200, 204_600, 324_600, 444_600,
        ] {
            d.until(ms(at));
            segments_leave(&mut d, &[301]);
            let status = d.status();
            assert_eq!((status.cwnd, status.ssthresh), (1000, 5000));
        }
        acked(&mut d, 1301);
        segments_leave(&mut d, &from(1301, 2));
        acked(&mut d, 3301);
        segments_leave(&mut d, &from(3301, 3));
        acked(&mut d, 6301);
        segments_leave(&mut d, &from(6301, 4));
        // Half of what was in flight is reached: from here on a segment a window.
        acked(&mut d, 10_301);
        assert_eq!(d.status().cwnd, 5000);
        segments_leave(&mut d, &from(10_301, 5));
        acked(&mut d, 15_301);
        assert_eq!(d.status().cwnd, 6000);
        segments_leave(&mut d, &from(15_301, 5));
    });
}

/// RFC 3465 §2.3: only the first segment was lost. What the answer to the retransmission acknowledges
/// arrived long ago: the window grows by one segment. From then on acknowledgments say again what has
/// left the network, and it grows by two.
#[test]
fn the_answer_to_a_timeout_opens_the_window_by_a_segment() {
    in_both_families(|family| {
        for congestion_control in [CongestionControl::Reno, CongestionControl::Cubic] {
            let tcp = TcpConfig {
                congestion_control,
                forward_rto: false,
                ..plain()
            };
            let mut d = wide(family, tcp);
            d.sends(20_000);
            segments_leave(&mut d, &from(301, 10));
            d.until(ms(200));
            segments_leave(&mut d, &[301]);
            acked(&mut d, 10_301);
            assert_eq!(d.status().cwnd, 2000, "{congestion_control}");
            segments_leave(&mut d, &from(10_301, 2));
            acked(&mut d, 12_301);
            assert_eq!(d.status().cwnd, 4000, "{congestion_control}");
            segments_leave(&mut d, &from(12_301, 4));
        }
    });
}

/// RFC 6928 §2: min(10*MSS, max(2*MSS, 14600)) octets leave at first, in whole segments; in
/// proportion if the user wants another number than ten.
#[test]
fn the_initial_window_is_bounded_in_octets() {
    // Segments wanted, MSS, octets of the window, segments that leave.
    let rows = [
        (10, 1_000, 10_000, 10),
        (10, 1_460, 14_600, 10),
        (10, 1_480, 14_600, 9),
        (10, 7_301, 14_602, 2),
        (10, 8_960, 17_920, 2),
        (20, 8_960, 29_200, 3),
        (1, 8_960, 8_960, 1),
    ];
    let controllers = [
        CongestionControl::Reno,
        CongestionControl::Cubic,
        CongestionControl::Dctcp,
        CongestionControl::Bbr,
    ];
    in_both_families(|family| {
        for congestion_control in controllers {
            for (initial_window, mss, window, segments) in rows {
                let mut config = Config::new([family.us()]);
                config.mtu = 9_020;
                config.tcp = TcpConfig {
                    mss: None,
                    initial_window,
                    congestion_control,
                    ..plain()
                };
                let mut d = Dialogue::with(family, config);
                d.listen(8);
                d.arrives(&format!("<SEQ=100><WND=65535><CTL=SYN><MSS={mss}>"));
                d.leaves_something();
                d.arrives("<SEQ=101><ACK=301><WND=65535><CTL=ACK>").accept();
                d.sends(60_000);
                let left: Vec<usize> = (d.all_that_leaves().iter())
                    .map(|segment| segment.len)
                    .collect();
                assert_eq!(left, vec![mss; segments], "{}", d.transcript());
                assert_eq!(d.status().cwnd, window, "{congestion_control:?}");
            }
        }
    });
}

/// RFC 6928: ten segments at first; RFC 5681 §3.1: slow start doubles the window each round trip.
#[test]
fn slow_start_doubles_the_window_each_round_trip() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(60_000);
        segments_leave(&mut d, &from(301, 10));
        // One acknowledgment for every second segment.
        let mut next = 10_301;
        for ack in (2301..=10_301).step_by(2000) {
            acked(&mut d, ack);
            segments_leave(&mut d, &from(next, 4));
            next += 4000;
        }
        assert_eq!(d.status().cwnd, 20_000);
    });
}

/// Acknowledgments that are received together find less and less in flight, since nothing leaves between
/// them. The window is in use all the same as long as text waits for it, and only then.
#[test]
fn acknowledgments_that_come_together_open_the_window_as_far() {
    in_both_families(|family| {
        for (len, cwnd) in [(60_000, 20_000), (10_000, 14_000)] {
            let mut d = wide(family, plain());
            d.sends(len);
            segments_leave(&mut d, &from(301, 10));
            let acks = (2301..=10_301).step_by(2000);
            let acks = acks.map(|ack| format!("<SEQ=101><ACK={ack}><WND=60000><CTL=ACK>"));
            let acks: Vec<String> = acks.collect();
            d.arrive_together(&acks.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(d.status().cwnd, cwnd, "{len}");
            d.all_that_leaves();
        }
    });
}

/// RFC 3465: it counts octets. A peer that divides its acknowledgments gains nothing.
#[test]
fn divided_acknowledgments_gain_nothing() {
    in_both_families(|family| {
        let whole = {
            let mut d = wide(family, plain());
            d.sends(60_000).all_that_leaves();
            acked(&mut d, 1301);
            d.all_that_leaves();
            d.status().cwnd
        };
        let mut d = wide(family, plain());
        d.sends(60_000).all_that_leaves();
        for ack in 302..=1301 {
            acked(&mut d, ack);
            d.all_that_leaves();
        }
        assert_eq!(d.status().cwnd, whole);
    });
}

/// Twenty segments in flight, as in the examples of RFC 9937 §8, and more to send.
fn twenty_in_flight(family: Family) -> Dialogue {
    let tcp = TcpConfig {
        initial_window: 20,
        ..plain()
    };
    let mut d = wide(family, tcp);
    d.sends(60_000);
    segments_leave(&mut d, &from(301, 20));
    d
}

/// RFC 5681 §3.2: three duplicate acknowledgments show a loss; RFC 3042: the first two let a new
/// segment out each. RFC 9937 §6.2, §8, figure 1: each says that a segment has arrived, and every
/// second lets another out, until the window is half of what it was.
#[test]
fn fast_retransmit_and_fast_recovery() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family);
        let mut next = 20_301;
        for ack in 1..=21 {
            acked(&mut d, 301);
            match ack {
                3 => segments_leave(&mut d, &[301]),
                1 | 2 | 5 | 7 | 9 | 11 | 13 | 15 | 17 | 20 | 21 => {
                    segments_leave(&mut d, &[next]);
                    next += 1000;
                }
                _ => segments_leave(&mut d, &[]),
            }
        }
        acked(&mut d, 22_301);
        segments_leave(&mut d, &[next]);
        let status = d.status();
        assert_eq!((status.cwnd, status.ssthresh), (10_000, 10_000));
        assert_eq!((status.in_flight, status.retransmissions), (10_000, 1));
        d.state_is(State::Established);
    });
}

/// RFC 6582 §3.2, step 3: each partial acknowledgment shows the next loss, whose retransmission leaves
/// whatever the window says. RFC 9937 §6.2: what duplicates had counted does not count again.
#[test]
fn a_partial_acknowledgment_shows_the_next_loss() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(40_000);
        segments_leave(&mut d, &from(301, 10));
        // 301 and 4301 are lost, the other eight arrive, and what Limited Transmit sends.
        for sent in [&[10_301][..], &[11_301], &[301]] {
            acked(&mut d, 301);
            segments_leave(&mut d, sent);
        }
        // Half of the ten segments; what Limited Transmit sent does not count (RFC 5681 §3.2). Of
        // twelve three have arrived and one is lost: the window lets that one out.
        assert_eq!((d.status().cwnd, d.status().ssthresh), (9000, 5000));
        let mut sent = Vec::new();
        for _ in 4..=10 {
            acked(&mut d, 301);
            sent.extend(d.all_that_leaves().iter().map(|s| s.header.seq));
        }
        assert_eq!(sent, [12_301, 13_301, 14_301], "{}", d.transcript());
        // One more has arrived: the retransmission. Of five that may be in flight, three are.
        acked(&mut d, 4301);
        segments_leave(&mut d, &[4301, 15_301]);
        assert_eq!((d.status().cwnd, d.status().in_flight), (5000, 5000));
        // What was sent during the recovery arrives: another duplicate.
        acked(&mut d, 4301);
        segments_leave(&mut d, &[16_301]);
        // All that was sent before the loss was seen: the recovery is over.
        acked(&mut d, 12_301);
        assert_eq!(d.status().cwnd, 5000);
        assert_eq!(d.status().retransmissions, 2);
    });
}

/// RFC 9937 §6.2: a peer that sends duplicates of nothing is not believed beyond what was in flight.
#[test]
fn duplicates_without_end_let_nothing_out() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family);
        let mut left = 0;
        for _ in 0..1000 {
            acked(&mut d, 301);
            left += d.all_that_leaves().len();
        }
        // Two of Limited Transmit, one again, and no more than the window.
        assert!(left <= 2 + 1 + 10, "{left}");
        assert!(d.status().in_flight <= 11_000);
    });
}

/// Ten segments in flight and more to send, and the timer expires; the first is sent again.
fn after_a_timeout(family: Family) -> Dialogue {
    let mut d = wide(family, plain());
    d.sends(40_000);
    segments_leave(&mut d, &from(301, 10));
    d.until_something_leaves();
    segments_leave(&mut d, &[301]);
    assert_eq!((d.status().cwnd, d.status().ssthresh), (1000, 5000));
    d
}

/// RFC 5682 §2.1, 2b and 3b: after a timeout and the acknowledgment of what was sent again, two new
/// segments leave. Then something is acknowledged that was sent once: the timeout was spurious, and the
/// window is as it was.
#[test]
fn f_rto_takes_a_spurious_timeout_back_without_sack() {
    in_both_families(|family| {
        let mut d = after_a_timeout(family);
        acked(&mut d, 1301);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 2301);
        let status = d.status();
        assert!(status.cwnd >= 10_000, "{status:?}");
        assert_eq!(status.ssthresh, u64::MAX);
        let left = d.all_that_leaves();
        assert!(left.iter().all(|s| s.header.seq >= 12_301));
        assert_eq!(d.status().retransmissions, 1);
        // 3b, "recover": duplicates may begin a recovery.
        let mut left = Vec::new();
        for _ in 1..=3 {
            acked(&mut d, 2301);
            left = d.all_that_leaves();
        }
        assert_eq!(left[0].header.seq, 2301, "{}", d.transcript());
    });
}

/// RFC 5682 §2.1, 3a: a duplicate of the two new segments shows that more is lost indeed; it is sent
/// again, as after any timeout, and the duplicate makes room for it.
#[test]
fn f_rto_goes_on_after_a_timeout_that_came_none_too_early_without_sack() {
    in_both_families(|family| {
        let mut d = after_a_timeout(family);
        // 301 and 1301 were lost.
        acked(&mut d, 1301);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 1301);
        segments_leave(&mut d, &[1301]);
        assert_eq!(d.status().ssthresh, 5000);
        acked(&mut d, 12_301);
        segments_leave(&mut d, &from(12_301, 3));
        assert_eq!((d.status().retransmissions, d.status().timeouts), (2, 1));
        assert_eq!(d.status().cwnd, 3000);
    });
}

/// RFC 5682 §2.1, 2a: a duplicate, an acknowledgment of part of what was sent again, or of everything
/// that was in flight shows nothing. What is in flight goes on to be sent again.
#[test]
fn f_rto_believes_no_ambiguous_acknowledgment() {
    in_both_families(|family| {
        for (first, resent) in [(301, &[][..]), (801, &[1301])] {
            let mut d = after_a_timeout(family);
            acked(&mut d, first);
            segments_leave(&mut d, resent);
            acked(&mut d, 3301);
            let left = d.all_that_leaves();
            assert_eq!(left[0].header.seq, 3301, "{}", d.transcript());
            assert_eq!(d.status().ssthresh, 5000);
        }
        let mut d = after_a_timeout(family);
        acked(&mut d, 10_301);
        assert_eq!((d.status().cwnd, d.status().ssthresh), (2000, 5000));
        segments_leave(&mut d, &from(10_301, 2));
        acked(&mut d, 11_301);
        segments_leave(&mut d, &[12_301, 13_301]);
        assert_eq!(d.status().ssthresh, 5000);
    });
}

/// RFC 5681 §2: only an empty segment that changes nothing is a duplicate acknowledgment.
#[test]
fn what_is_no_duplicate_acknowledgment() {
    in_both_families(|family| {
        let others: [fn(u32) -> String; 3] = [
            // With text.
            |index| {
                let seq = 101 + index;
                format!("<SEQ={seq}><ACK=301><WND=60000><DATA=1><CTL=ACK>")
            },
            // With another window.
            |index| format!("<SEQ=101><ACK=301><WND={}><CTL=ACK>", 50_000 + index),
            // Of nothing that is in flight any more.
            |_| "<SEQ=101><ACK=300><WND=60000><CTL=ACK>".to_owned(),
        ];
        for other in others {
            let mut d = wide(family, plain());
            d.sends(10_000).all_that_leaves();
            for index in 0..10 {
                d.arrives(&other(index)).all_that_leaves();
            }
            assert_eq!(d.status().retransmissions, 0);
            assert_eq!(d.status().cwnd, 10_000);
        }
        // Nor is there one while nothing is in flight.
        let mut d = wide(family, plain());
        for _ in 0..10 {
            acked(&mut d, 301);
        }
        d.sends(1000);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().cwnd, 10_000);
    });
}

/// RFC 6582 §3.2, steps 2 and 4: after a timeout, duplicates of what was sent again begin no recovery.
#[test]
fn duplicates_after_a_timeout_begin_no_recovery() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(10_000);
        segments_leave(&mut d, &from(301, 10));
        d.until(ms(200));
        segments_leave(&mut d, &[301]);
        for _ in 0..9 {
            acked(&mut d, 301);
            segments_leave(&mut d, &[]);
        }
        assert_eq!(d.status().cwnd, 1000);
        acked(&mut d, 10_301);
        assert_eq!(d.status().cwnd, 2000);
    });
}

/// RFC 6582 §3.2, steps 1 and 2: duplicates that acknowledge no more than `recover`, and not a segment beyond it,
/// may come from what was sent again; they begin no second recovery.
#[test]
fn duplicates_at_recover_begin_no_recovery() {
    in_both_families(|family| {
        for (acknowledged, again) in [(10_301, &[][..]), (11_301, &[11_301])] {
            let mut d = wide(family, plain());
            d.sends(10_000);
            segments_leave(&mut d, &from(301, 10));
            for _ in 0..3 {
                acked(&mut d, 301);
            }
            segments_leave(&mut d, &[301]);
            acked(&mut d, 10_301);
            d.sends(5000);
            segments_leave(&mut d, &from(10_301, 5));
            acked(&mut d, acknowledged);
            for _ in 0..3 {
                acked(&mut d, acknowledged);
            }
            segments_leave(&mut d, again);
        }
    });
}

/// RFC 5681 §4.1: after an idle time of an RTO the path is unknown again. RFC 7661 §4.4.3: if the
/// window is validated, it stays for five minutes. But it is not filled at a stroke.
#[test]
fn the_window_is_small_again_after_an_idle_time() {
    in_both_families(|family| {
        for (validation, max_burst, idle, segments) in [
            (false, None, secs(1), 10..=10),
            (true, None, secs(299), 30..=60),
            (true, None, secs(310), 15..=29),
            (true, Some(12), secs(299), 12..=12),
        ] {
            let tcp = TcpConfig {
                window_validation: validation,
                max_burst,
                ..plain()
            };
            let left = leaves_after_idle(family, tcp, idle);
            assert!(segments.contains(&left), "{idle:?}: {left}");
        }
    });
}

/// How many segments leave at once, if a window of 30,000 octets or more has been idle this long.
fn leaves_after_idle(family: Family, tcp: TcpConfig, idle: Duration) -> usize {
    let mut d = wide(family, tcp);
    let mut ack = 301;
    while d.status().cwnd < 30_000 {
        d.sends(50_000);
        while d.status().send_queue > 0 {
            ack += d
                .all_that_leaves()
                .iter()
                .map(|s| s.len as u32)
                .sum::<u32>();
            acked(&mut d, ack);
        }
    }
    d.until(ms(200)).sends(60_000);
    assert!(d.all_that_leaves().len() > 20, "an RTO is not too long");
    ack = 301 + d.status().bytes_acked as u32;
    while d.status().send_queue > 0 {
        ack = ack.max(d.status().in_flight as u32 + ack);
        acked(&mut d, ack);
        d.all_that_leaves();
    }
    d.until(ms(200) + idle).sends(60_000);
    d.all_that_leaves().len()
}

/// RFC 6298 §2: by the formulas, in virtual time.
#[test]
fn the_rto_follows_the_round_trip_time() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            min_rto: ms(1),
            ..plain()
        };
        let mut d = Dialogue::new(family, tcp);
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.until(ms(100))
            .arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        let status = d.status();
        assert_eq!((status.srtt, status.rttvar), (Some(ms(100)), ms(50)));
        assert_eq!(status.rto, ms(300));
        d.until(secs(1))
            .sends(1)
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(1180)).arrives("<SEQ=101><ACK=302><CTL=ACK>");
        let status = d.status();
        assert_eq!(status.srtt, Some(ms(110)));
        assert_eq!(status.rttvar, Duration::from_micros(57_500));
        d.until(secs(2))
            .sends(1)
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(2340))
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(2340 + 680))
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
    });
}

/// MUST-18, Karn's algorithm: what was sent twice gives no sample, and the backoff stays until one
/// is there.
#[test]
fn a_segment_sent_twice_gives_no_sample() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let before = d.status().srtt;
        d.sends(1).leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(250)).arrives("<SEQ=101><ACK=302><CTL=ACK>");
        assert_eq!((d.status().srtt, d.status().rto), (before, ms(400)));
        d.until(secs(1))
            .sends(1)
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(1400))
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.arrives("<SEQ=101><ACK=303><CTL=ACK>");
        d.until(secs(2))
            .sends(1)
            .leaves("<SEQ=303><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(2050)).arrives("<SEQ=101><ACK=304><CTL=ACK>");
        assert_eq!(d.status().srtt, Some(Duration::from_micros(6250)));
        assert_eq!(d.status().rto, ms(200));
    });
}

/// MUST-18, after duplicate acknowledgments too, when no timeout has forgotten what was timed.
#[test]
fn a_segment_sent_twice_by_fast_retransmit_gives_no_sample() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        let before = d.status().srtt;
        d.sends(4000);
        segments_leave(&mut d, &from(301, 4));
        d.until(ms(100));
        for _ in 0..3 {
            acked(&mut d, 301);
        }
        segments_leave(&mut d, &[301]);
        d.until(ms(150));
        acked(&mut d, 4301);
        assert_eq!(d.status().srtt, before);
        // What is sent once gives one again.
        d.sends(1000);
        segments_leave(&mut d, &[4301]);
        d.until(ms(250));
        acked(&mut d, 5301);
        assert_ne!(d.status().srtt, before);
    });
}

/// MUST-18: with timestamps the echo tells which copy was acknowledged (RFC 7323 §4).
#[test]
fn a_timestamp_tells_which_copy_was_acknowledged() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            timestamps: true,
            min_rto: ms(1),
            ..plain()
        };
        let mut d = Dialogue::new(family, tcp);
        d.connect()
            .leaves("<SEQ=300><CTL=SYN><MSS=1000><TS=1000,0>");
        d.until(ms(100))
            .arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1012><TS=50,1000>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><TS=1100,50>");
        d.until(secs(1))
            .sends(1)
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=2000,50>");
        d.until(ms(1300))
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK><TS=2300,50>");
        d.until(ms(1400))
            .arrives("<SEQ=101><ACK=302><CTL=ACK><TS=51,2300>");
        assert_eq!(d.status().srtt, Some(ms(100)));
        assert!(d.status().rto < ms(300));
    });
}

/// RFC 6298 §5.7 and RFC 6928 §2: after the SYN was sent again the RTO is 3 s and the window is one
/// segment.
#[test]
fn a_lost_syn_makes_careful() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.until(secs(1)).leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.until(ms(1100))
            .arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        assert_eq!((d.status().rto, d.status().cwnd), (secs(3), 1000));
        assert_eq!(d.status().srtt, None);
        d.sends(5000)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
        d.until(ms(4100))
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
    });
}

/// RFC 6298 §5.2, §5.3: the timer starts again with each acknowledgment of new octets, and stops
/// when all are acknowledged.
#[test]
fn the_timer_starts_again_with_each_acknowledgment() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(3000);
        segments_leave(&mut d, &from(301, 3));
        d.until(ms(150));
        acked(&mut d, 1301);
        d.until(ms(300));
        acked(&mut d, 2301);
        let rto = d.status().rto;
        d.until(ms(300) + rto);
        segments_leave(&mut d, &[2301]);
        acked(&mut d, 3301);
        assert_eq!(d.stack.next_deadline().filter(|at| *at <= d.now()), None);
        d.until(secs(100_000));
    });
}

/// RFC 6298 §5.1: sending starts the timer if it is not running, and leaves it alone if it is. Who
/// sends often must retransmit too.
#[test]
fn the_timer_does_not_start_again_with_each_segment() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.socket.nodelay = true;
        let mut d = Dialogue::established(family, tcp);
        d.sends(1).leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(150))
            .sends(1)
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=2><CTL=PSH,ACK>");
    });
}

/// A retransmission acknowledges what has come since, and shows the window as it is now.
#[test]
fn a_retransmission_carries_the_latest_acknowledgment() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(1000);
        segments_leave(&mut d, &[301]);
        d.arrives("<SEQ=101><ACK=301><WND=60000><DATA=500><CTL=ACK>")
            .leaves("<SEQ=1301><ACK=601><WND=9500><CTL=ACK>");
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=601><WND=9500><DATA=1000><CTL=PSH,ACK>");
    });
}

/// Text flows both ways across the end of the sequence space, lost and found like any other.
#[test]
fn text_flows_across_the_end_of_the_sequence_space() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        let mut d = Dialogue::at_numbers(family, config, u32::MAX - 5000, u32::MAX - 3000);
        d.listen(1).opens();
        d.sends(10_000);
        segments_leave(&mut d, &from(301, 10));
        d.until(ms(200));
        segments_leave(&mut d, &[301]);
        d.arrives("<SEQ=101><ACK=4301><CTL=ACK>");
        d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=10301><CTL=ACK>").nothing_more();
        for seq in [3101, 2101, 1101, 5101, 4101] {
            d.arrives(&format!("<SEQ={seq}><ACK=10301><DATA=1000><CTL=ACK>"))
                .leaves("<SEQ=10301><ACK=101><CTL=ACK>");
        }
        d.arrives("<SEQ=101><ACK=10301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=10301><ACK=6101><WND=4000><CTL=ACK>");
        d.reads(6000).all_that_leaves();
    });
}

/// RFC 5682 §2.1, step 1: another timeout of the same segment begins anew, though a duplicate had ended it.
#[test]
fn f_rto_looks_at_another_timeout_of_the_same_segment() {
    in_both_families(|family| {
        let mut d = after_a_timeout(family);
        acked(&mut d, 301);
        d.all_that_leaves();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 2);
        acked(&mut d, 1301);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 2301);
        assert_eq!(d.status().ssthresh, u64::MAX);
        assert_eq!(d.status().retransmissions, 2);
    });
}

/// RFC 5682 §2.1, step 1: a timeout in the middle of a recovery is no question: what was lost is known.
#[test]
fn f_rto_does_not_look_at_a_timeout_in_a_recovery_without_sack() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(40_000);
        segments_leave(&mut d, &from(301, 10));
        let mut left = Vec::new();
        for _ in 0..3 {
            acked(&mut d, 301);
            left = d.all_that_leaves();
        }
        assert_eq!(left[0].header.seq, 301, "{}", d.transcript());
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 1);
        acked(&mut d, 1301);
        segments_leave(&mut d, &[1301, 2301]);
    });
}

/// RFC 9937 §6.2: more duplicates than anything in flight can have caused make nothing of it.
#[test]
fn three_duplicates_of_one_short_segment_send_it_again() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(100).all_that_leaves();
        let mut left = 0;
        for _ in 0..5 {
            acked(&mut d, 301);
            left += d.all_that_leaves().len();
        }
        assert_eq!(left, 1);
        acked(&mut d, 401);
        assert_eq!(d.status().in_flight, 0);
        d.sends(100).all_that_leaves();
        assert_eq!(d.status().in_flight, 100);
    });
}

/// RFC 9937 §6.2: a partial acknowledgment shows that a round trip is over: what has left since then may be
/// reported, too, however many duplicates came before.
#[test]
fn after_a_partial_acknowledgment_duplicates_count_anew() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(40_000);
        segments_leave(&mut d, &from(301, 10));
        // The first and the last are lost; the peer says far more than it has got.
        let mut left = 0;
        for _ in 0..30 {
            acked(&mut d, 301);
            left += d.all_that_leaves().len() as u32;
        }
        let new = left - 1;
        assert!(new >= 4, "{new}");
        acked(&mut d, 9301);
        assert_eq!(d.all_that_leaves()[0].header.seq, 9301);
        let before = d.status().sacked as u32;
        for count in 1..=3 {
            acked(&mut d, 9301);
            d.all_that_leaves();
            assert_eq!(d.status().sacked as u32, before + count);
        }
    });
}
