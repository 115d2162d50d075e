//! What one sample, or one loss, makes BBR decide: the numbers of the draft, by hand.

use super::*;

/// §5.3.1.2, by hand: a quarter more is growth, an octet less is not; and three rounds in a row
/// without it are enough.
#[test]
fn a_round_that_brings_a_quarter_more_counts_anew() {
    let mut bbr = Bbr::new(&start());
    bbr.round_start = true;
    for (delivery_rate, full_bw, count) in [
        (1_000_000, 1_000_000, 0),
        (1_249_999, 1_000_000, 1),
        (1_250_000, 1_250_000, 0),
        (1_562_499, 1_250_000, 1),
        (1_562_499, 1_250_000, 2),
    ] {
        bbr.check_full_bw_reached(&Sample {
            delivery_rate,
            ..acked(at(0), MSS)
        });
        assert_eq!((bbr.full_bw, bbr.full_bw_count), (full_bw, count));
        assert!(!bbr.full_bw_reached);
    }
    bbr.check_full_bw_reached(&acked(at(0), MSS));
    assert!(bbr.full_bw_reached);
}

/// §5.3.1.3: six ranges in a round of recovery, and more than LossThresh.
#[test]
fn six_ranges_lost_in_a_round_end_startup() {
    let mut bbr = Bbr::new(&start());
    (bbr.recovery, bbr.loss_round_start) = (Some(Recovery::Fast), true);
    for (ranges, lost, is_high) in [(6, 2001, true), (5, 2001, false), (6, 2000, false)] {
        bbr.loss_ranges = ranges;
        let rs = Sample {
            lost,
            tx_in_flight: 100_000,
            ..acked(at(0), MSS)
        };
        assert_eq!(bbr.is_startup_loss_high(&rs), is_high, "{ranges}, {lost}");
    }
}

/// §5.3.3.8: from two to three seconds, and no round or one, at random.
#[test]
fn the_wait_for_a_probe_is_drawn() {
    let mut bbr = Bbr::new(&start());
    let mut waits = Vec::new();
    for _ in 0..1000 {
        bbr.start_down(at(0));
        waits.push((bbr.bw_probe_wait.as_millis(), bbr.rounds_since_probe_up));
    }
    let [least, most] = [waits.iter().min(), waits.iter().max()].map(|wait| wait.unwrap().0);
    assert!((2000..2010).contains(&least), "{least}");
    assert!((2990..3000).contains(&most), "{most}");
    let late = waits.iter().filter(|(_, rounds)| *rounds == 1).count();
    assert!(waits.iter().all(|(_, rounds)| *rounds <= 1));
    assert!((400..600).contains(&late), "{late}");
}

/// §5.3.3.9: where the last Up lost too much, the next ends as soon as that much is in flight.
#[test]
fn up_ends_where_the_last_one_lost_too_much() {
    let mut bbr = Bbr::new(&start());
    (bbr.state, bbr.full_bw_reached) = (State::Up, true);
    bbr.prev_probe_too_high = true;
    for (inflight_longterm, state) in [(BDP + 1, State::Up), (BDP, State::Down)] {
        bbr.inflight_longterm = inflight_longterm;
        bbr.update_probe_bw_cycle_phase(&acked(at(0), MSS));
        assert_eq!(bbr.state, state);
    }
    assert!(bbr.prev_probe_precautionary && !bbr.prev_probe_too_high);
}

/// §5.5.10.2, by hand, at a megabyte a second: what was in flight bounds the next probes, but no less
/// than Beta, 0.7, of what the path holds.
#[test]
fn a_probe_that_lost_too_much_bounds_the_next() {
    let mut bbr = Bbr::new(&start());
    (bbr.bw, bbr.cwnd, bbr.min_rtt) = (1_000_000, 100_000, Some(RTT));
    for (in_flight, is_app_limited, bound) in [
        (90_000, true, INFINITY),
        (90_000, false, 90_000),
        (28_001, false, 28_001),
        (20_000, false, 28_000),
    ] {
        bbr.handle_inflight_too_high(at(0), in_flight, is_app_limited);
        assert_eq!(bbr.inflight_longterm, bound);
    }
}

/// §5.3.4.3 and "Entering and Exiting PROBE_RTT" of the appendix, by hand, at a megabyte a second: half
/// of what the path holds by the RTT that has become too old, though a queue makes the sample that takes
/// its place three times as long; and so it stays until ProbeRTT is over.
#[test]
fn probe_rtt_goes_by_the_rtt_that_is_too_old() {
    let mut bbr = Bbr::new(&start());
    (bbr.bw, bbr.state, bbr.full_bw_reached) = (1_000_000, State::Cruise, true);
    let millis = Duration::from_millis;
    for (now, rtt, state, least, window) in [
        (10_000, 120, State::Cruise, 40, 10_000),
        (10_001, 120, State::ProbeRtt, 120, 20_000),
        (10_050, 60, State::ProbeRtt, 60, 20_000),
        (20_051, 200, State::ProbeRtt, 200, 20_000),
    ] {
        let sample = Sample {
            rtt: Some(millis(rtt)),
            ..acked(at(now), MSS)
        };
        bbr.update_min_rtt(&sample);
        bbr.check_probe_rtt(&sample);
        assert_eq!((bbr.state, bbr.min_rtt), (state, Some(millis(least))));
        assert_eq!(bbr.probe_rtt_cwnd(), window, "{now}");
    }
}
