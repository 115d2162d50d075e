//! Pacing: when what the windows allow leaves. The rate is that of cwnd and SRTT, 200 % in slow
//! start and 120 % in congestion avoidance.

use std::time::Duration;

use stubborn::config::{CongestionControl, Pacing, TcpConfig};

use super::super::dialogue::{Dialogue, in_both_families, ms, plain};

const RTT: Duration = Duration::from_millis(800);

fn paced() -> TcpConfig {
    let mut tcp = plain();
    tcp.pacing.when = Pacing::Always;
    tcp.min_rto = Duration::from_secs(2);
    tcp
}

/// When what leaves until `until` leaves, and how many segments of 1,000 octets each time.
fn bursts(d: &mut Dialogue, until: Duration) -> Vec<(Duration, usize)> {
    let mut bursts = Vec::new();
    loop {
        let left = d.all_that_leaves();
        if !left.is_empty() {
            assert!(left.iter().all(|segment| segment.len == 1000));
            bursts.push((d.elapsed(), left.len()));
        }
        let next = d.stack.next_deadline().unwrap();
        if next - d.now() + d.elapsed() > until {
            return bursts;
        }
        d.until_deadline();
    }
}

/// A connection whose handshake took `RTT`, with 60,000 octets in the peer's window.
fn established(family: super::super::dialogue::Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=1000>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
    d.until(RTT);
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
    d.closes_listener();
    d
}

/// Slow start: ten segments in half a round trip, two at a time; draft-ietf-ccwg-bbr §5.6.3: the
/// quantum is at least two segments.
#[test]
fn a_window_is_spread_over_the_round_trip() {
    in_both_families(|family| {
        let mut d = established(family, paced());
        d.sends(20_000);
        // 20,000 octets in 800 ms: 80 ms for two segments.
        let expected: Vec<_> = (0..5).map(|burst| (RTT + burst * RTT / 10, 2)).collect();
        assert_eq!(bursts(&mut d, RTT * 2), expected, "{}", d.transcript());
    });
}

/// What is sent again waits for its turn as well; and the data that waits for the pacer while
/// nothing is in flight is not taken for data that waits for the window.
#[test]
fn what_is_held_leaves_when_its_time_has_come() {
    in_both_families(|family| {
        let mut d = established(family, paced());
        d.sends(4000);
        d.leaves_something();
        d.leaves_something();
        d.nothing_more();
        d.arrives("<SEQ=101><ACK=2301><WND=60000><CTL=ACK>");
        d.nothing_more();
        assert_eq!(bursts(&mut d, RTT * 2).len(), 1);
        // Both are lost: when the timer expires the first is sent again, whose burst is over.
        d.until_something_leaves();
        let left = d.all_that_leaves();
        assert_eq!((left[0].header.seq, left.len()), (2301, 1));
    });
}

/// By default only who asks is paced, and CUBIC and Reno do not.
#[test]
fn nobody_is_paced_who_does_not_ask() {
    in_both_families(|family| {
        for when in [Pacing::Never, Pacing::WhenAsked] {
            let mut tcp = paced();
            tcp.pacing.when = when;
            let mut d = established(family, tcp);
            d.sends(20_000);
            assert_eq!(bursts(&mut d, RTT + RTT / 2), [(RTT, 10)]);
        }
    });
}

/// RFC 9438 §4.2, RFC 7661 §1: a window that waits for nothing but the pacer is in use, and grows. All five
/// acknowledgments of a window come at once, so that less is in flight when the last of them arrive.
#[test]
fn a_window_that_waits_for_the_pacer_grows() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            congestion_control: CongestionControl::Reno,
            ..paced()
        };
        let mut d = established(family, tcp);
        d.sends(60_000);
        assert_eq!(bursts(&mut d, RTT + RTT / 2).len(), 5);
        d.until(2 * RTT);
        // The first of ten was lost: half of the window is left.
        for _ in 0..3 {
            d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>");
            d.all_that_leaves();
        }
        assert_eq!(bursts(&mut d, 2 * RTT + RTT / 2).len(), 1);
        d.until(3 * RTT);
        d.arrives("<SEQ=101><ACK=12301><WND=60000><CTL=ACK>");
        assert_eq!(bursts(&mut d, 4 * RTT - ms(1)).len(), 3);
        assert_eq!((d.status().cwnd, d.status().in_flight), (5000, 5000));
        d.until(4 * RTT);
        for ack in [13_301, 14_301, 15_301, 16_301, 17_301] {
            d.arrives(&format!("<SEQ=101><ACK={ack}><WND=60000><CTL=ACK>"));
            d.all_that_leaves();
        }
        assert_eq!(d.status().cwnd, 6000, "{}", d.transcript());
    });
}
