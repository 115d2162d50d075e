//! When nothing comes back: which timer runs, during a recovery and after it, and what a timeout takes
//! for lost (RFC 8985 §6.3, §7.2, RFC 6675 §6, RFC 5682 §3.1).

use stubborn::config::TcpConfig;
use stubborn::tcp::{RecoveryState, State};

use super::recovery::{
    acked, from, reno, segments_leave, ten_in_flight, with_sack, without_probes,
};
use crate::dialogue::{Dialogue, Family, in_both_families, ms};

/// RFC 6675 §6: the segment at SND.UNA has its time from when it left again. RFC 8985 §7.2: in a
/// recovery the tail is not probed for.
#[test]
fn in_a_recovery_the_timer_starts_again_with_the_first_segment() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        d.until(ms(250));
        acked(&mut d, 301, &[(1301, 4301)]);
        segments_leave(&mut d, &[301]);
        // SRTT has grown to 106.25 ms, RTTVAR to 75.
        let rto = d.status().rto;
        assert!(rto > ms(300), "{rto:?}");
        assert_eq!(d.until_something_leaves(), ms(250) + rto);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 1);
    });
}

/// RFC 8985 §7.2: nor while something is reported beyond a gap. The timer is that of what left at 100
/// ms.
#[test]
fn with_something_beyond_a_gap_nothing_is_probed_for() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            rack: false,
            ..reno()
        };
        let mut d = ten_in_flight(family, tcp);
        acked(&mut d, 301, &[(1301, 2301)]);
        segments_leave(&mut d, &[]);
        assert_eq!(d.until_something_leaves(), ms(400));
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 1);
    });
}

/// RFC 8985 §6.3: when the timer expires, the first segment is lost, and of the others what left a
/// round trip ago. What is younger may still arrive.
#[test]
fn a_timeout_takes_nothing_young_for_lost() {
    in_both_families(|family| {
        let mut d = with_sack(family, without_probes());
        d.sends(5000);
        segments_leave(&mut d, &from(301, 5));
        d.until(ms(300) + ms(1));
        d.sends(2000);
        segments_leave(&mut d, &from(5301, 2));
        assert_eq!(d.until_something_leaves(), ms(400));
        segments_leave(&mut d, &[301]);
        let status = d.status();
        assert_eq!((status.timeouts, status.unacked), (1, 7));
        assert_eq!((status.resent, status.lost), (1, 4));
        assert_eq!(status.in_flight, 3000);
    });
}

/// RFC 5682 §3.1, step 1: in a recovery much is known to be lost, so a timeout goes the ordinary way,
/// and what was lost leaves again. F-RTO would send something new.
#[test]
fn f_rto_looks_at_no_timeout_of_a_recovery() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.sends(10_000).nothing_more();
        acked(&mut d, 301, &[(1301, 4301)]);
        d.all_that_leaves();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 1);
        acked(&mut d, 4301, &[]);
        let left = d.all_that_leaves();
        assert_eq!(left[0].header.seq, 4301, "{}", d.transcript());
        assert_eq!(d.status().recovery, RecoveryState::Loss);
    });
}

/// The last of ten segments is probed for, and came twice: with `duplicate` the peer says so. Then
/// something is overtaken, after a round trip of 100 ms: how long it is waited for.
fn waits_for_what_is_overtaken(family: Family, duplicate: (u32, u32)) -> std::time::Duration {
    let mut d = ten_in_flight(family, reno());
    acked(&mut d, 9301, &[]);
    d.until_something_leaves();
    segments_leave(&mut d, &[9301]);
    acked(&mut d, 10_301, &[duplicate]);
    flight_with_a_gap(&mut d)
}

fn flight_with_a_gap(d: &mut Dialogue) -> std::time::Duration {
    d.sends(3000);
    segments_leave(d, &from(10_301, 3));
    let at = d.elapsed() + ms(100);
    d.until(at);
    acked(d, 10_301, &[(11_301, 12_301)]);
    segments_leave(d, &[]);
    let left = d.until_something_leaves();
    segments_leave(d, &[10_301]);
    left - at
}

/// RFC 8985 §6.2, step 4: a segment that was sent again for nothing, and no probe of the tail was the
/// reason, makes the reordering window a quarter of the least RTT wider.
#[test]
fn a_duplicate_that_a_probe_explains_widens_no_window() {
    in_both_families(|family| {
        let of_probe = waits_for_what_is_overtaken(family, (9301, 10_301));
        assert_eq!(of_probe, ms(25));
        let of_another = waits_for_what_is_overtaken(family, (5301, 6301));
        assert_eq!(of_another, ms(50));
    });
}

/// A FIN of which every copy is lost. The first that leaves again is a probe, which backs nothing off (RFC
/// 8985 §7.3); then timeout after timeout, each after twice the time of the last (RFC 6298 §5.5). So it
/// takes long to close over a path that loses half: nothing that the peer sends tells of a FIN that
/// has not arrived. The acknowledgment of one of them is all that is needed.
#[test]
fn a_fin_is_probed_for_and_then_backed_off_for() {
    in_both_families(|family| {
        let mut d = with_sack(family, reno());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        let mut at = ms(100);
        for (wait, timeouts) in [300, 300, 600, 1200, 2400, 4800].into_iter().zip(0..) {
            at += ms(wait);
            assert_eq!(d.until_something_leaves(), at);
            d.leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
            assert_eq!(d.status().timeouts, timeouts);
        }
        acked(&mut d, 302, &[]);
        assert_eq!(d.state(), State::FinWait2);
    });
}
