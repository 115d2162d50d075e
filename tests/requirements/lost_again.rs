//! What is lost of what left after the window was reduced: a second sign of congestion (RFC 5681
//! §4.3, RFC 8985 §3.4).

use stubborn::config::TcpConfig;
use stubborn::tcp::RecoveryState;

use super::recovery::{
    acked, from, reno, segments_leave, ten_in_flight, ten_stamped_in_flight, with_sack,
    without_probes,
};
use crate::dialogue::{Dialogue, Family, in_both_families, ms};

/// Twenty segments in flight since 100 ms, and `more` octets to send; the time is 200 ms.
fn twenty_in_flight(family: Family, more: usize) -> Dialogue {
    let tcp = TcpConfig {
        initial_window: 20,
        ..reno()
    };
    let mut d = with_sack(family, tcp);
    d.sends(20_000 + more);
    segments_leave(&mut d, &from(301, 20));
    d.until(ms(200));
    d
}

/// 301 and 5301 are lost, and 301 again when it is sent again.
fn lost_twice(d: &mut Dialogue) {
    acked(d, 301, &[(1301, 5301)]);
    segments_leave(d, &[301]);
    d.until(ms(210));
    acked(d, 301, &[(6301, 10_301), (1301, 5301)]);
    segments_leave(d, &[5301]);
    assert_eq!(d.status().ssthresh, 5000);
    d.until(ms(310));
    acked(d, 301, &[(1301, 10_301)]);
    segments_leave(d, &[301]);
}

/// RFC 5681 §4.3: the loss of a retransmission lowers cwnd and ssthresh a second time.
#[test]
fn a_lost_retransmission_reduces_the_window_again() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        lost_twice(&mut d);
        assert_eq!(d.status().ssthresh, 2500);
        assert_eq!(d.status().recovery, RecoveryState::Recovery);
        d.until(ms(410));
        acked(&mut d, 10_301, &[]);
        assert_eq!(d.status().recovery, RecoveryState::Open);
        assert_eq!((d.status().cwnd, d.status().timeouts), (2500, 0));
    });
}

/// RFC 2883, RFC 3708: only if every copy came twice, those that were taken for lost included, was
/// there no congestion at all; then all is given back at once.
#[test]
fn both_reductions_are_taken_back_together() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        lost_twice(&mut d);
        acked(&mut d, 10_301, &[]);
        // Three copies left.
        for twice in [(301, 1301), (5301, 6301)] {
            acked(&mut d, 10_301, &[twice]);
            assert_eq!((d.status().cwnd, d.status().ssthresh), (2500, 2500));
        }
        acked(&mut d, 10_301, &[(301, 1301)]);
        assert!(d.status().cwnd >= 10_000, "{:?}", d.status());
        assert_eq!(d.status().ssthresh, u64::MAX);
    });
}

/// RFC 3522 §3.2: that the original has arrived says nothing of the copy, which was lost.
#[test]
fn an_echo_of_the_original_takes_no_second_reduction_back() {
    in_both_families(|family| {
        let mut d = ten_stamped_in_flight(family, reno());
        // The first and the sixth are lost, and the first again.
        for (at, rest, ssthresh) in [
            (200, "<ACK=301><SACK=1289:5241><TS=70,1100>", 4940),
            (
                210,
                "<ACK=301><SACK=6229:10181,1289:5241><TS=70,1100>",
                4940,
            ),
            (310, "<ACK=301><SACK=1289:10181><TS=70,1100>", 2470),
            (320, "<ACK=10181><TS=71,1100>", 2470),
        ] {
            d.until(ms(at));
            d.arrives(&format!("<SEQ=101><WND=60000><CTL=ACK>{rest}"));
            d.all_that_leaves();
            assert_eq!(d.status().ssthresh, ssthresh, "{at}");
        }
        assert_eq!((d.status().cwnd, d.status().retransmissions), (2470, 3));
    });
}

/// Losses of what left before the second reduction are of the same window; what leaves after it, and
/// is lost, is a third sign.
#[test]
fn the_window_is_reduced_once_for_each_flight_of_retransmissions() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family, 0);
        // The first four are lost.
        acked(&mut d, 301, &[(4301, 9301)]);
        segments_leave(&mut d, &from(301, 3));
        d.until(ms(210));
        acked(&mut d, 301, &[(4301, 20_301)]);
        segments_leave(&mut d, &[3301]);
        assert_eq!(d.status().ssthresh, 10_000);
        // Of their copies, the second arrives: the first is lost again.
        d.until(ms(305));
        acked(&mut d, 301, &[(1301, 2301), (4301, 20_301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().ssthresh, 5000);
        // The fourth does: the third, which left with the first, is lost as well.
        d.until(ms(310));
        acked(&mut d, 301, &[(3301, 20_301), (1301, 2301)]);
        segments_leave(&mut d, &[2301]);
        assert_eq!(d.status().ssthresh, 5000);
        // The next copy of the third arrives; that of the first had left after the reduction.
        d.until(ms(410));
        acked(&mut d, 301, &[(1301, 20_301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().ssthresh, 2500);
        d.until(ms(510));
        acked(&mut d, 20_301, &[]);
        assert_eq!(d.status().recovery, RecoveryState::Open);
        assert_eq!((d.status().cwnd, d.status().timeouts), (2500, 0));
    });
}

/// RFC 5681 §4.3: so is what left for the first time since, in the next window of data; but what left
/// before the last reduction belongs to that, whenever it is found.
#[test]
fn new_text_that_is_lost_in_a_recovery_reduces_the_window_again() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family, 20_000);
        let mut left = Vec::new();
        // 301 and 10301 are lost.
        for ack in 1..=9 {
            d.until(ms(200 + u64::from(ack)));
            acked(&mut d, 301, &[(1301, 1301 + 1000 * ack)]);
            left.extend(d.all_that_leaves().iter().map(|it| it.header.seq));
        }
        assert_eq!(left, [20_301, 21_301, 301, 22_301, 23_301, 24_301]);
        d.until(ms(210));
        acked(&mut d, 301, &[(11_301, 13_301), (1301, 10_301)]);
        segments_leave(&mut d, &[10_301]);
        // 301 and what Limited Transmit had sent arrive, 22301 does not.
        d.until(ms(303));
        acked(&mut d, 10_301, &[(11_301, 22_301)]);
        segments_leave(&mut d, &from(25_301, 6));
        assert_eq!(d.status().ssthresh, 10_000);
        d.until(ms(307));
        acked(&mut d, 10_301, &[(23_301, 24_301), (11_301, 22_301)]);
        segments_leave(&mut d, &[22_301]);
        assert_eq!(d.status().ssthresh, 5000);
        // 10301 arrives: all that was in flight at 203 ms has.
        d.until(ms(312));
        acked(&mut d, 22_301, &[(23_301, 25_301)]);
        d.all_that_leaves();
        assert_eq!(d.status().recovery, RecoveryState::Disorder);
        assert_eq!(d.status().cwnd, 5000);
        // 25301 is lost, which left at 303 ms: it leaves again at once, and that is all.
        d.until(ms(403));
        acked(&mut d, 22_301, &[(26_301, 29_301), (23_301, 25_301)]);
        let again: Vec<u32> = d.all_that_leaves().iter().map(|s| s.header.seq).collect();
        assert!(again.contains(&25_301), "{again:?}");
        assert_eq!(d.status().recovery, RecoveryState::Recovery);
        assert_eq!((d.status().cwnd, d.status().ssthresh), (5000, 5000));
    });
}

/// RFC 5681 §4.3, and RFC 6675 §5.1: after a timeout the loss of what was sent again lowers the window,
/// and begins no recovery.
#[test]
fn after_a_timeout_a_loss_reduces_the_window_and_begins_no_recovery() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        assert_eq!((d.status().cwnd, d.status().ssthresh), (1000, 5000));
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[1301, 2301]);
        acked(&mut d, 3301, &[]);
        segments_leave(&mut d, &from(3301, 3));
        acked(&mut d, 4301, &[]);
        segments_leave(&mut d, &[6301, 7301]);
        assert_eq!(d.status().cwnd, 4000);
        let at = d.elapsed();
        d.until(at + ms(100));
        acked(&mut d, 4301, &[(5301, 8301)]);
        segments_leave(&mut d, &[4301, 8301]);
        let status = d.status();
        assert_eq!((status.cwnd, status.ssthresh), (2000, 2000));
        assert_eq!(status.recovery, RecoveryState::Loss);
        assert_eq!(status.timeouts, 1);
    });
}
