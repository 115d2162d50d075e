//! Loss recovery with SACK (RFC 2018, 6675, 8985, 9937), and the losses that were none (RFC 3522,
//! 5682, 3708).

use core::ops::Range;
use core::time::Duration;

use stubborn::config::{CongestionControl, SendRoom, TcpConfig};
use stubborn::tcp::RecoveryState;

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

/// Without timestamps, and Reno: cwnd is easily told.
pub(super) fn reno() -> TcpConfig {
    TcpConfig {
        sack: true,
        congestion_control: CongestionControl::Reno,
        ..plain()
    }
}

/// ESTABLISHED with SACK after a handshake of 100 ms, with a peer whose window is no limit; the
/// time is 100 ms.
pub(super) fn with_sack(family: Family, tcp: TcpConfig) -> Dialogue {
    with_sack_after(family, tcp, ms(100))
}

/// The same after a handshake that took `round_trip`.
fn with_sack_after(family: Family, tcp: TcpConfig, round_trip: Duration) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=1000><SACKP>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><SACKP>");
    d.until(round_trip);
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
    d.closes_listener();
    d
}

/// The acknowledgment of everything before `ack`, and these blocks beyond it.
pub(super) fn acked(d: &mut Dialogue, ack: u32, blocks: &[(u32, u32)]) {
    let blocks: Vec<String> = (blocks.iter())
        .map(|(left, right)| format!("{left}:{right}"))
        .collect();
    let sack = match blocks.is_empty() {
        true => String::new(),
        false => format!("<SACK={}>", blocks.join(",")),
    };
    d.arrives(&format!("<SEQ=101><ACK={ack}><WND=60000><CTL=ACK>{sack}"));
}

/// Segments of 1,000 octets leave, from these places on and no others.
#[track_caller]
pub(super) fn segments_leave(d: &mut Dialogue, seqs: &[u32]) {
    let left: Vec<(u32, usize)> = d
        .all_that_leaves()
        .iter()
        .map(|segment| (segment.header.seq, segment.len))
        .collect();
    let expected: Vec<(u32, usize)> = seqs.iter().map(|seq| (*seq, 1000)).collect();
    assert_eq!(left, expected, "{}", d.transcript());
}

pub(super) fn from(seq: u32, count: u32) -> Vec<u32> {
    (0..count).map(|index| seq + 1000 * index).collect()
}

/// As [`ten_in_flight`], with timestamps, and segments of 988 octets.
pub(super) fn ten_stamped_in_flight(family: Family, tcp: TcpConfig) -> Dialogue {
    let tcp = TcpConfig {
        timestamps: true,
        ..tcp
    };
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=1012><SACKP><TS=50,0>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><SACKP><TS=1000,50>");
    d.until(ms(100));
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK><TS=60,1000>")
        .accept();
    d.closes_listener().sends(9880);
    assert_eq!(d.all_that_leaves().len(), 10);
    d
}

/// Ten segments in flight since 100 ms, and nothing more to send.
pub(super) fn ten_in_flight(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = with_sack(family, tcp);
    d.sends(10_000);
    segments_leave(&mut d, &from(301, 10));
    d.until(ms(200));
    d
}

/// RFC 8985 §6.2, step 4: three segments reported beyond a gap show the loss; RFC 3042: the first two
/// let a new segment out each. One segment is sent again, and the window is halved.
#[test]
fn three_segments_beyond_a_gap_begin_a_recovery() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        d.sends(10_000).nothing_more();
        acked(&mut d, 301, &[(1301, 2301)]);
        segments_leave(&mut d, &[10_301]);
        assert_eq!(d.status().recovery, RecoveryState::Disorder);
        acked(&mut d, 301, &[(1301, 3301)]);
        segments_leave(&mut d, &[11_301]);
        acked(&mut d, 301, &[(1301, 4301)]);
        segments_leave(&mut d, &[301]);
        let status = d.status();
        assert_eq!(status.recovery, RecoveryState::Recovery);
        assert_eq!(status.ssthresh, 5000);
        assert_eq!((status.unacked, status.sacked, status.resent), (12, 3, 1));
        // The retransmission fills the gap.
        acked(&mut d, 12_301, &[]);
        segments_leave(&mut d, &from(12_301, 5));
        assert_eq!(d.status().recovery, RecoveryState::Open);
        assert_eq!(d.status().cwnd, 5000);
        assert_eq!(d.status().retransmissions, 1);
    });
}

/// RFC 6675 §5, NextSeg rule (1): what is lost is sent again lowest first; and nothing else is.
#[test]
fn holes_are_filled_in_order() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        // 301, 2301 and 4301 are lost.
        acked(&mut d, 301, &[(1301, 2301)]);
        acked(&mut d, 301, &[(3301, 4301), (1301, 2301)]);
        segments_leave(&mut d, &[]);
        acked(&mut d, 301, &[(5301, 6301), (3301, 4301), (1301, 2301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().lost, 2);
        let mut again = Vec::new();
        for end in [7301, 8301, 9301, 10_301] {
            acked(&mut d, 301, &[(5301, end), (3301, 4301), (1301, 2301)]);
            again.extend(d.all_that_leaves().iter().map(|s| s.header.seq));
        }
        assert_eq!(again, [2301, 4301], "{}", d.transcript());
        d.until(ms(300));
        acked(&mut d, 2301, &[(5301, 10_301), (3301, 4301)]);
        acked(&mut d, 4301, &[(5301, 10_301)]);
        acked(&mut d, 10_301, &[]);
        segments_leave(&mut d, &[]);
        assert_eq!((d.status().retransmissions, d.status().timeouts), (3, 0));
    });
}

/// RFC 8985 §6.2: a retransmission that is lost again is found by what was sent after it, without
/// a timeout.
#[test]
fn a_lost_retransmission_is_sent_again_without_a_timeout() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        // 301 and 5301 are lost.
        acked(&mut d, 301, &[(1301, 5301)]);
        segments_leave(&mut d, &[301]);
        d.until(ms(210));
        acked(&mut d, 301, &[(6301, 10_301), (1301, 5301)]);
        segments_leave(&mut d, &[5301]);
        // 301 is lost once more; 5301 arrives, which left 10 ms later.
        d.until(ms(310));
        acked(&mut d, 301, &[(1301, 10_301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().timeouts, 0);
        d.until(ms(410));
        acked(&mut d, 10_301, &[]);
        assert_eq!((d.status().retransmissions, d.status().timeouts), (3, 0));
    });
}

/// RFC 8985 §6.2, step 3 to 5: once the path is known to reorder, a segment has a quarter of the least
/// RTT to arrive after one that was sent later.
#[test]
fn reordering_widens_the_window_to_a_quarter_of_the_least_rtt() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        // 301 is overtaken by two, and arrives.
        acked(&mut d, 301, &[(1301, 3301)]);
        acked(&mut d, 3301, &[]);
        assert_eq!(d.status().reordering, 3);
        // 3301 is overtaken by three; that was enough before.
        acked(&mut d, 3301, &[(4301, 7301)]);
        segments_leave(&mut d, &[]);
        d.until(ms(225) - Duration::from_nanos(1)).nothing_more();
        d.until(ms(225));
        segments_leave(&mut d, &[3301]);
        assert_eq!(d.status().recovery, RecoveryState::Recovery);
    });
}

/// RFC 8985 §7: the last segment is lost. After two round trips a probe repairs it, and congestion
/// control hears of the loss (§7.4).
#[test]
fn the_loss_of_the_last_segment_is_repaired_by_a_probe() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 9301, &[]);
        let srtt = d.status().srtt.unwrap();
        assert_eq!(srtt, ms(100));
        // One segment is in flight: the peer may delay its acknowledgment. But the probe does not
        // come after the timeout would.
        let rto = d.status().rto;
        let pto = (2 * srtt + ms(200)).min(rto);
        d.until(ms(200) + pto);
        segments_leave(&mut d, &[9301]);
        assert_eq!((d.status().timeouts, d.status().cwnd), (0, 12_000));
        d.until(ms(300) + pto);
        acked(&mut d, 10_301, &[]);
        // Repaired, or delivered late? What follows will tell.
        assert_eq!(d.status().cwnd, 12_000);
        d.sends(1000);
        segments_leave(&mut d, &[10_301]);
        acked(&mut d, 11_301, &[]);
        // Ten segments were in flight when the last of them left; one, when its loss was known.
        assert_eq!((d.status().ssthresh, d.status().cwnd), (5000, 5000));
        assert_eq!(d.status().recovery, RecoveryState::Open);
    });
}

/// What was sent last may have filled a segment that had no SACK blocks to report: a probe that has sends its end.
#[test]
fn a_probe_is_no_longer_than_a_segment_may_be_by_then() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 9301, &[]);
        d.arrives("<SEQ=111><ACK=9301><WND=60000><DATA=10><CTL=ACK>")
            .leaves("<SEQ=10301><ACK=101><CTL=ACK><SACK=111:121>");
        let status = d.status();
        let pto = (2 * status.srtt.unwrap() + ms(200)).min(status.rto);
        d.until(ms(200) + pto);
        let probe = d.leaves_something();
        assert_eq!((probe.header.seq, probe.len), (9313, 988));
        assert_eq!(d.status().timeouts, 0);
    });
}

/// Be the text kept in packets or not, and the end of the last sent again or its beginning.
#[test]
fn a_probe_of_a_packet_is_no_longer_than_a_segment_may_be_by_then() {
    in_both_families(|family| {
        for (whole, seq) in [(false, 9313), (true, 9301)] {
            let mut tcp = reno();
            tcp.habits.send_room = SendRoom::Packets;
            tcp.habits.recovery.probes_whole_segments = whole;
            let mut d = ten_in_flight(family, tcp);
            acked(&mut d, 9301, &[]);
            d.arrives("<SEQ=111><ACK=9301><WND=60000><DATA=10><CTL=ACK>")
                .leaves("<SEQ=10301><ACK=101><CTL=ACK><SACK=111:121>");
            d.until_something_leaves();
            let probe = d.leaves_something();
            assert_eq!((probe.header.seq, probe.len), (seq, 988), "{whole}");
            assert_eq!(d.status().timeouts, 0);
        }
    });
}

/// RFC 5681 §3.1, equation 4, and RFC 9438 §4.6: a loss at the tail reduces the window from what
/// was in flight when the lost segment left, however little of that is left when the sender knows.
#[test]
fn the_loss_of_a_tail_reduces_what_was_in_use() {
    in_both_families(|family| {
        let tail = |tcp: TcpConfig| {
            let mut d = ten_in_flight(family, tcp);
            acked(&mut d, 9301, &[]);
            d.until_something_leaves();
            segments_leave(&mut d, &[9301]);
            d
        };
        let cubic = |reduces_whole_window| {
            let mut tcp = reno();
            tcp.congestion_control = CongestionControl::Cubic;
            tcp.habits.congestion.reduces_whole_window = reduces_whole_window;
            tcp
        };
        let after_probe = |tcp: TcpConfig| {
            let mut d = tail(tcp);
            let cwnd = d.status().cwnd;
            acked(&mut d, 10_301, &[]);
            d.sends(1000);
            segments_leave(&mut d, &[10_301]);
            acked(&mut d, 11_301, &[]);
            (cwnd, d.status().ssthresh)
        };
        // RFC 9438 §4.6: beta_cubic is 0.7. In slow start CUBIC grows by up to eight segments.
        assert_eq!(after_probe(cubic(false)), (18_000, 7000));
        assert_eq!(after_probe(cubic(true)), (18_000, 12_600));
        // By a timeout, after the probe and without one.
        let mut d = tail(reno());
        d.until_something_leaves();
        segments_leave(&mut d, &[9301]);
        assert_eq!((d.status().timeouts, d.status().ssthresh), (1, 5000));
        let d = tail(without_probes());
        assert_eq!((d.status().timeouts, d.status().ssthresh), (1, 5000));
    });
}

/// The same equation: a window that is not in use counts only as far as it is.
#[test]
fn a_loss_in_a_small_flight_reduces_that_flight() {
    in_both_families(|family| {
        let mut d = with_sack(family, reno());
        d.sends(6000);
        segments_leave(&mut d, &from(301, 6));
        d.until(ms(200));
        acked(&mut d, 301, &[(1301, 4301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().ssthresh, 3000);
    });
}

/// RFC 8985 §7.4.2, case 1: the peer reports that original and probe have both arrived, and nothing was
/// lost.
#[test]
fn a_probe_for_nothing_costs_nothing() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 9301, &[]);
        d.until_something_leaves();
        segments_leave(&mut d, &[9301]);
        let before = d.status();
        acked(&mut d, 10_301, &[]);
        acked(&mut d, 10_301, &[(9301, 10_301)]);
        d.sends(1000);
        segments_leave(&mut d, &[10_301]);
        acked(&mut d, 11_301, &[]);
        assert!(d.status().cwnd >= before.cwnd, "{:?}", d.status());
        assert_eq!(d.status().ssthresh, before.ssthresh);
    });
}

/// RFC 8985 §7.3: the whole of the last segment, and our FIN with it.
#[test]
fn a_probe_is_the_whole_last_segment() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 10_301, &[]);
        d.sends_together(&[1000]);
        segments_leave(&mut d, &[10_301]);
        d.closes().leaves("<SEQ=11301><ACK=101><CTL=FIN,ACK>");
        d.until_something_leaves();
        d.leaves("<SEQ=11301><ACK=101><CTL=FIN,ACK>");
        acked(&mut d, 10_301, &[]);
        d.until_something_leaves();
        d.leaves("<SEQ=10301><ACK=101><DATA=1000><CTL=FIN,PSH,ACK>");
    });
}

/// RFC 8985 §7.3: new text is the better probe; and after it the retransmission timer runs.
#[test]
fn a_probe_is_new_text_if_there_is_some() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        // The window is full, and nothing comes back.
        d.sends(1500).nothing_more();
        d.until(ms(300));
        segments_leave(&mut d, &[10_301]);
        assert_eq!(d.status().timeouts, 0);
        let rto = d.status().rto;
        d.until(ms(300) + rto);
        assert_eq!(d.status().timeouts, 1);
        segments_leave(&mut d, &[301]);
    });
}

/// Without probes: what follows is about timeouts.
pub(super) fn without_probes() -> TcpConfig {
    TcpConfig {
        tail_loss_probe: false,
        ..reno()
    }
}

/// RFC 5682 §3.1: after a timeout and the acknowledgment of what was sent again, two new segments
/// leave; then something is acknowledged that was sent once. The timeout was spurious: nothing more
/// is sent again, and the window is as it was.
#[test]
fn f_rto_takes_a_spurious_timeout_back() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.sends(10_000).nothing_more();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        assert_eq!((d.status().cwnd, d.status().ssthresh), (1000, 5000));
        assert_eq!(d.status().recovery, RecoveryState::Loss);
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 2301, &[]);
        assert!(d.status().cwnd >= 10_000, "{:?}", d.status());
        assert_eq!(d.status().ssthresh, u64::MAX);
        assert_eq!(d.status().recovery, RecoveryState::Open);
        let left = d.all_that_leaves();
        assert!(
            left.iter().all(|s| s.header.seq >= 12_301),
            "{}",
            d.transcript()
        );
        assert_eq!(d.status().retransmissions, 1);
    });
}

/// RFC 5682 §3.1, 3a: what the new segments show to be missing was lost indeed.
#[test]
fn f_rto_goes_on_after_a_timeout_that_was_none_too_early() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.sends(10_000).nothing_more();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 1301, &[(10_301, 11_301)]);
        let left = d.all_that_leaves();
        assert_eq!(left[0].header.seq, 1301, "{}", d.transcript());
        assert_eq!(d.status().recovery, RecoveryState::Loss);
        assert!(d.status().cwnd <= 3000);
    });
}

/// RFC 5682 §3.1, 2b: there is nothing new to send, so what is in flight is sent again, and what comes next
/// says nothing of the timeout.
#[test]
fn f_rto_needs_something_new_to_send() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[1301, 2301]);
        acked(&mut d, 4301, &[]);
        assert_eq!(d.all_that_leaves()[0].header.seq, 4301);
        assert_eq!(d.status().ssthresh, 5000);
        assert_eq!(d.status().recovery, RecoveryState::Loss);
    });
}

/// RFC 3522, RFC 4015: the first acknowledgment after the timeout echoes a segment that left before
/// the retransmission. The next RTO is the more careful.
#[test]
fn a_timestamp_takes_a_spurious_timeout_back() {
    in_both_families(|family| {
        let mut d = ten_stamped_in_flight(family, without_probes());
        d.until_something_leaves();
        assert_eq!(d.all_that_leaves().len(), 1);
        assert_eq!(d.status().recovery, RecoveryState::Loss);
        // 301 arrives, which left at 100 ms.
        d.until(ms(900));
        d.arrives("<SEQ=101><ACK=1289><WND=60000><CTL=ACK><TS=70,1100>");
        let status = d.status();
        assert_eq!(status.recovery, RecoveryState::Open);
        assert!(status.cwnd >= 9880, "{status:?}");
        assert_eq!(status.ssthresh, u64::MAX);
        assert!(status.rto > ms(1000), "{status:?}");
        assert_eq!(d.all_that_leaves(), []);
    });
}

/// The same of two timeouts, after which segments are shorter, since the path may be a black hole (RFC
/// 8899 §4.3). One acknowledgment answers everything, and gives the window back.
#[test]
fn shorter_segments_keep_nothing_that_a_spurious_timeout_took() {
    in_both_families(|family| {
        for congestion_control in [CongestionControl::Reno, CongestionControl::Cubic] {
            let tcp = TcpConfig {
                mss: None,
                timestamps: true,
                congestion_control,
                ..without_probes()
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=9000><SACKP><TS=50,0>");
            d.all_that_leaves();
            d.until(ms(100));
            d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK><TS=60,1000>")
                .accept();
            d.closes_listener().sends(15_000);
            let flight = d.all_that_leaves();
            assert_eq!(flight.len(), 10);
            let (before, end) = (
                d.status(),
                301 + flight.iter().map(|it| it.len).sum::<usize>(),
            );
            for _ in 0..2 {
                d.until_something_leaves();
                d.all_that_leaves();
            }
            assert!(d.status().path_mtu < before.path_mtu);
            assert_eq!(d.status().recovery, RecoveryState::Loss);
            d.arrives(&format!(
                "<SEQ=101><ACK={end}><WND=60000><CTL=ACK><TS=70,1100>"
            ));
            let status = d.status();
            assert_eq!(status.recovery, RecoveryState::Open);
            assert!(status.cwnd >= before.cwnd, "{status:?}");
            assert_eq!(status.ssthresh, u64::MAX, "{congestion_control}");
            d.all_that_leaves();
        }
    });
}

/// RFC 3708, RFC 2883: what was sent again had all arrived, and the peer says so.
#[test]
fn duplicates_take_a_spurious_recovery_back() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 301, &[(1301, 4301)]);
        segments_leave(&mut d, &[301]);
        assert_eq!(d.status().ssthresh, 5000);
        // 301 arrives late, and then once more.
        acked(&mut d, 10_301, &[]);
        assert_eq!(d.status().cwnd, 5000);
        acked(&mut d, 10_301, &[(301, 1301)]);
        assert!(d.status().cwnd >= 10_000, "{:?}", d.status());
        assert_eq!(d.status().ssthresh, u64::MAX);
        // Once is enough.
        acked(&mut d, 10_301, &[(301, 1301)]);
        assert_eq!(d.status().ssthresh, u64::MAX);
    });
}

/// RFC 3708 §3: one of two segments that were sent again came twice; not before the other has as well is
/// the reduction taken back.
#[test]
fn one_duplicate_of_two_takes_nothing_back() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        acked(&mut d, 301, &[(4301, 7301), (1301, 3301)]);
        segments_leave(&mut d, &[301, 3301]);
        acked(&mut d, 10_301, &[]);
        acked(&mut d, 10_301, &[(301, 1301)]);
        assert_eq!(d.status().ssthresh, 5000);
        acked(&mut d, 10_301, &[(3301, 4301)]);
        assert_eq!(d.status().ssthresh, u64::MAX);
    });
}

/// RFC 4015 §3: the segment that seemed to be lost arrives before it could be sent again. Nobody
/// can echo a retransmission, or report it as a duplicate, that never was.
#[test]
fn a_recovery_that_sent_nothing_again_is_taken_back() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        let before = d.status();
        d.arrive_together(&[
            "<SEQ=101><ACK=301><WND=60000><CTL=ACK><SACK=1301:4301>",
            "<SEQ=101><ACK=4301><WND=60000><CTL=ACK>",
        ]);
        let status = d.status();
        assert_eq!(status.recovery, RecoveryState::Open);
        assert_eq!((status.cwnd, status.ssthresh), (before.cwnd, u64::MAX));
        assert_eq!(status.reordering, 4);
        d.nothing_more();
    });
}

/// RFC 2018 §8: a peer may throw away what it has reported. The segment at SND.UNA is sent again, though
/// it was reported; and after a timeout whatever was.
#[test]
fn what_a_peer_throws_away_is_sent_again() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        acked(&mut d, 301, &[(1301, 10_301)]);
        segments_leave(&mut d, &[301]);
        d.until(ms(300));
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[1301]);
        acked(&mut d, 2301, &[]);
        segments_leave(&mut d, &[2301]);
        d.until_something_leaves();
        assert_eq!(d.status().timeouts, 1);
        assert_eq!(d.status().sacked, 0);
        segments_leave(&mut d, &[2301]);
        acked(&mut d, 3301, &[]);
        segments_leave(&mut d, &[3301, 4301]);
        acked(&mut d, 10_301, &[]);
        d.nothing_more();
    });
}

/// Blocks beyond what was sent, of nothing, or upside down, are ignored (THREATS 9: nothing that a
/// peer reports is believed beyond SND.NXT).
#[test]
fn impossible_blocks_are_ignored() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        for block in [(10_301, 20_301), (5301, 5301), (9301, 8301), (5301, 10_302)] {
            acked(&mut d, 301, &[block]);
            assert_eq!(d.status().sacked, 0, "{block:?}");
        }
        // Parts of segments count only as far as the segments are whole.
        acked(&mut d, 301, &[(1800, 4100)]);
        assert_eq!(d.status().sacked, 1);
        segments_leave(&mut d, &[]);
    });
}

/// Twenty segments in flight since 100 ms, as in the examples of RFC 9937 §8, and more to send.
fn twenty_in_flight(family: Family) -> Dialogue {
    let tcp = TcpConfig {
        initial_window: 20,
        ..reno()
    };
    let mut d = with_sack(family, tcp);
    d.sends(60_000);
    segments_leave(&mut d, &from(301, 20));
    d.until(ms(200));
    d
}

/// Twenty left, and the window was halved for the first of them, which was not lost: now it is given back,
/// and ten are in flight. Each round trip took `round_trip`.
fn given_back(family: Family, tcp: TcpConfig, round_trip: Duration) -> Dialogue {
    let mut d = with_sack_after(family, tcp, round_trip);
    d.sends(20_000);
    segments_leave(&mut d, &from(301, 20));
    d.until(2 * round_trip);
    acked(&mut d, 301, &[(1301, 4301)]);
    segments_leave(&mut d, &[301]);
    acked(&mut d, 20_301, &[]);
    d.sends(60_000);
    segments_leave(&mut d, &from(20_301, 10));
    acked(&mut d, 20_301, &[(301, 1301)]);
    d
}

/// RFC 4015 §3.1, step 9, RFC 6582 §3.2, step 3: a window that is given back is not filled at a stroke. An
/// acknowledgment lets out what it shows to have arrived and `max_burst` segments more.
#[test]
fn a_window_that_is_given_back_is_filled_step_by_step() {
    in_both_families(|family| {
        for (max_burst, at_once, then) in [(Some(3), 3, 4), (Some(7), 7, 5), (None, 10, 2)] {
            let tcp = TcpConfig {
                initial_window: 20,
                max_burst,
                ..reno()
            };
            let mut d = given_back(family, tcp, ms(100));
            segments_leave(&mut d, &from(30_301, at_once));
            assert_eq!(d.status().cwnd, 20_000);
            acked(&mut d, 21_301, &[]);
            segments_leave(&mut d, &from(30_301 + 1000 * at_once, then));
        }
    });
}

/// But what it lets out in a millisecond is no burst: of twenty segments in 4 ms that is five, and on a
/// shorter path all.
#[test]
fn what_a_window_lets_out_in_a_millisecond_leaves_at_once() {
    in_both_families(|family| {
        for (round_trip, at_once) in [(ms(1), 10), (ms(4), 5), (ms(100), 3)] {
            let tcp = TcpConfig {
                initial_window: 20,
                max_burst: Some(3),
                ..reno()
            };
            let mut d = given_back(family, tcp, round_trip);
            segments_leave(&mut d, &from(30_301, at_once));
            assert_eq!(d.status().cwnd, 20_000);
        }
    });
}

/// RFC 9937 §8, figure 1: the first of twenty is lost. Limited Transmit, the retransmission, and then a
/// new segment for every second that arrives; at the end ten are in flight, and the window is ten.
#[test]
fn the_window_shrinks_in_proportion_to_what_arrives() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family);
        let mut next = 20_301;
        for ack in 1..=21 {
            d.until(ms(200 + u64::from(ack)));
            acked(&mut d, 301, &[(1301, 1301 + 1000 * ack)]);
            match ack {
                3 => segments_leave(&mut d, &[301]),
                1 | 2 | 5 | 7 | 9 | 11 | 13 | 15 | 17 | 20 | 21 => {
                    segments_leave(&mut d, &[next]);
                    next += 1000;
                }
                _ => segments_leave(&mut d, &[]),
            }
        }
        d.until(ms(303));
        acked(&mut d, 22_301, &[]);
        segments_leave(&mut d, &[next]);
        let status = d.status();
        assert_eq!((status.cwnd, status.ssthresh), (10_000, 10_000));
        assert_eq!((status.in_flight, status.retransmissions), (10_000, 1));
    });
}

/// RFC 9937 §8, figure 2: the first fifteen of twenty are lost, and one leaves again for each that
/// arrives. Then what was sent again arrives, and each of that lets two out.
#[test]
fn a_burst_of_losses_is_not_repaired_in_a_burst() {
    in_both_families(|family| {
        let mut d = twenty_in_flight(family);
        for (ack, sent) in [20_301, 21_301, 301, 1301, 2301].into_iter().enumerate() {
            d.until(ms(200 + ack as u64));
            acked(&mut d, 301, &[(15_301, 16_301 + 1000 * ack as u32)]);
            segments_leave(&mut d, &[sent]);
        }
        d.until(ms(300));
        acked(&mut d, 301, &[(15_301, 21_301)]);
        segments_leave(&mut d, &[3301]);
        d.until(ms(301));
        acked(&mut d, 301, &[(15_301, 22_301)]);
        segments_leave(&mut d, &[4301]);
        d.until(ms(302));
        acked(&mut d, 1301, &[(15_301, 22_301)]);
        segments_leave(&mut d, &[5301, 6301]);
        d.until(ms(303));
        acked(&mut d, 2301, &[(15_301, 22_301)]);
        segments_leave(&mut d, &[7301, 8301]);
        assert_eq!(d.status().timeouts, 0);
    });
}

/// RFC 6675 in place of RACK.
fn without_rack() -> TcpConfig {
    TcpConfig {
        rack: false,
        ..without_probes()
    }
}

/// The same, with segments of 100 octets in flight.
fn short_segments_in_flight(family: Family, range: Range<u32>) -> Dialogue {
    let mut tcp = without_rack();
    tcp.socket.nodelay = true;
    let mut d = with_sack(family, tcp);
    for seq in range.step_by(100) {
        d.sends(100);
        assert_eq!(d.all_that_leaves()[0].header.seq, seq);
    }
    d
}

/// RFC 6675 in place of RACK: three ranges beyond a gap, or more than two segments of octets.
#[test]
fn without_rack_what_lies_beyond_is_counted() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_rack());
        acked(&mut d, 301, &[(1301, 3301)]);
        segments_leave(&mut d, &[]);
        acked(&mut d, 301, &[(1301, 4301)]);
        segments_leave(&mut d, &[301]);
        let mut d = ten_in_flight(family, without_rack());
        acked(&mut d, 301, &[(2301, 3301)]);
        acked(&mut d, 301, &[(4301, 5301), (2301, 3301)]);
        segments_leave(&mut d, &[]);
        acked(&mut d, 301, &[(6301, 7301), (4301, 5301), (2301, 3301)]);
        segments_leave(&mut d, &[301]);
    });
}

/// RFC 6675 §4: three ranges that do not touch are enough, however few octets they have.
#[test]
fn without_rack_three_short_ranges_are_counted() {
    in_both_families(|family| {
        let mut d = short_segments_in_flight(family, 301..1101);
        // Three segments, but hardly three tenths of SMSS.
        acked(&mut d, 301, &[(401, 701)]);
        acked(&mut d, 301, &[(801, 901), (401, 701)]);
        segments_leave(&mut d, &[]);
        acked(&mut d, 301, &[(1001, 1101), (801, 901), (401, 701)]);
        let again = d.all_that_leaves();
        assert_eq!((again[0].header.seq, again[0].len), (301, 100));
    });
}

/// RFC 6675 §5, step 1: three duplicates are enough, though what they report is one range of few octets.
/// What moves SND.UNA begins the count again.
#[test]
fn without_rack_three_duplicates_of_short_segments_are_counted() {
    in_both_families(|family| {
        let mut d = short_segments_in_flight(family, 301..1301);
        acked(&mut d, 301, &[(401, 501)]);
        acked(&mut d, 301, &[(401, 601)]);
        // The first was only late, and the next is missing.
        acked(&mut d, 601, &[(701, 801)]);
        acked(&mut d, 601, &[(701, 901)]);
        // Without news it is no duplicate.
        acked(&mut d, 601, &[(701, 901)]);
        segments_leave(&mut d, &[]);
        acked(&mut d, 601, &[(701, 1001)]);
        let again = d.all_that_leaves();
        assert_eq!((again[0].header.seq, again[0].len), (601, 100));
    });
}

/// RFC 5682 §3.1, 2b: with one new segment to send, that is all that leaves before the next acknowledgment
/// decides.
#[test]
fn f_rto_sends_what_new_text_there_is() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.sends(1000).nothing_more();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[10_301]);
        acked(&mut d, 2301, &[]);
        assert_eq!(d.status().recovery, RecoveryState::Open);
        segments_leave(&mut d, &[]);
    });
}

/// RFC 5682 §3.1, 3b: what is reported counts as what is acknowledged.
#[test]
fn f_rto_believes_what_is_reported() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, without_probes());
        d.sends(10_000).nothing_more();
        d.until_something_leaves();
        segments_leave(&mut d, &[301]);
        acked(&mut d, 1301, &[]);
        segments_leave(&mut d, &[10_301, 11_301]);
        acked(&mut d, 1301, &[(3301, 4301)]);
        d.all_that_leaves();
        assert_eq!(d.status().recovery, RecoveryState::Disorder);
        assert_eq!(d.status().ssthresh, u64::MAX);
    });
}

/// RFC 4015 §3, step 11: after a timeout that was spurious the timer starts again, with no doubling, though
/// SND.UNA has not moved; and the next sample is taken as it is.
#[test]
fn a_spurious_timeout_starts_the_timer_again() {
    in_both_families(|family| {
        let refuted = || {
            let mut d = ten_in_flight(family, without_probes());
            d.until_something_leaves();
            segments_leave(&mut d, &[301]);
            d.until(ms(450));
            acked(&mut d, 301, &[(1301, 2301)]);
            assert_eq!(d.status().recovery, RecoveryState::Disorder);
            segments_leave(&mut d, &[]);
            d
        };
        let mut d = refuted();
        let rto = d.status().rto;
        assert_eq!(d.until_something_leaves(), ms(450) + rto);
        segments_leave(&mut d, &[301]);
        let mut d = refuted();
        d.until(ms(500));
        acked(&mut d, 301, &[(1301, 3301)]);
        d.all_that_leaves();
        assert_eq!(d.status().srtt, Some(ms(400)));
        assert_eq!(d.status().rttvar, ms(200));
    });
}
