//! What the draft says BBR does, on a path of 40 Mbit/s and 40 ms.

mod decisions;
mod world;

use self::world::{Flying, MSS, RATE, RTT, World, start};
use super::*;
use crate::tcp::congestion::{RateSample, RoundTrips};
use proptest::prelude::*;

/// What the path holds.
const BDP: u64 = 200_000;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// An acknowledgment of this many octets, and no sample of a rate.
fn acked(now: Instant, newly_acked: u64) -> Sample {
    Sample {
        now,
        newly_acked,
        in_flight: BDP,
        rtt: None,
        delivery_rate: 0,
        delivered: 0,
        prior_delivered: None,
        tx_in_flight: 0,
        lost: 0,
        is_held_back: false,
        is_app_limited: false,
    }
}

/// §5.6.1: the table; §5.3.1.1: 2.77.
#[test]
fn the_gains_are_those_of_the_table() {
    use State::{Cruise, Down, Drain, ProbeRtt, Refill, Startup, Up};
    let states = [Startup, Drain, Down, Cruise, Refill, Up, ProbeRtt];
    let gains = states.map(|state| (state.pacing_gain(), state.cwnd_gain()));
    let table = [
        (277, 200),
        (50, 200),
        (90, 200),
        (100, 200),
        (100, 200),
        (125, 225),
        (100, 50),
    ];
    assert_eq!(gains, table);
}

/// §5.6.2: 2.77 * InitialCwnd / SRTT, or a millisecond before there is one; §5.6.3: a millisecond
/// of it, from two segments to 64 KiB.
#[test]
fn the_first_pace_is_that_of_the_initial_window() {
    let mut bbr = Bbr::new(&Start {
        srtt: None,
        ..start()
    });
    assert_eq!(bbr.pacing_rate(), Some(27_700_000));
    bbr.init_pacing_rate(Some(RTT));
    assert_eq!(bbr.pacing_rate(), Some(692_500));
    for (rate, quantum) in [(692_500, 2000), (12_500_000, 12_500), (1 << 40, 65_536)] {
        bbr.pacing_rate = rate;
        bbr.set_send_quantum();
        assert_eq!(bbr.send_quantum, quantum);
    }
}

/// §5.5.10.2, by hand: of 100 segments before this one none is lost, 2 % is crossed at 2.04
/// segments; with one lost before, at 1.02 more.
#[test]
fn the_place_where_losses_cross_the_threshold() {
    let segment = |lost, octets| LostSegment {
        now: Instant::ZERO,
        start: Seq::initial(0),
        octets,
        tx_in_flight: 100_000 + octets,
        lost,
        total_delivered: 0,
        is_app_limited: false,
    };
    assert_eq!(inflight_at_loss(&segment(3000, 3000)), 102_040);
    assert_eq!(inflight_at_loss(&segment(4000, 3000)), 101_020);
    assert_eq!(inflight_at_loss(&segment(9000, 3000)), 100_000);
    assert!(!is_inflight_too_high(2000, 100_000));
    assert!(is_inflight_too_high(2001, 100_000));
}

/// Appendix, "Exiting STARTUP on Bandwidth Plateau": max_bw is within 2 %, after three rounds
/// without growth; Drain takes the queue away, at half the bandwidth.
#[test]
fn startup_ends_when_the_bandwidth_grows_no_more() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Drain, at(2000));
    let bbr = &world.bbr;
    assert!(bbr.full_bw_reached && bbr.full_bw_count == 3);
    assert!(
        bbr.max_bw.get().abs_diff(RATE) < RATE / 50,
        "{}",
        bbr.max_bw.get()
    );
    assert_eq!(bbr.min_rtt, Some(RTT));
    assert!(world.in_flight <= 2 * BDP + BDP / 10, "{}", world.in_flight);
    world.run_to(State::Cruise, at(3000));
    assert_eq!(world.states, [State::Startup, State::Drain, State::Cruise]);
    assert!(world.in_flight <= BDP + 10 * MSS, "{}", world.in_flight);
    assert_eq!(world.lost, 0);
}

/// Appendix, "Exiting DRAIN Based on Time": the bandwidth falls, and Drain lasts for three rounds.
#[test]
fn drain_does_not_last_for_ever() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Drain, at(2000));
    let round = world.bbr.round_count;
    world.rate /= 4;
    world.run_to(State::Down, at(9000));
    assert_eq!(world.bbr.round_count, round + 4, "more than three");
}

/// §5.3.3: Down, Cruise, Refill, Up and again, every two to three seconds; the pipe stays full and
/// the queue short.
#[test]
fn probes_for_bandwidth_every_two_to_three_seconds() {
    let mut world = World::new(20 * BDP);
    // ProbeRTT comes later.
    world.run_until(at(9500));
    let cycle = [State::Cruise, State::Refill, State::Up, State::Down];
    let expected: Vec<State> = cycle
        .into_iter()
        .cycle()
        .take(world.states.len() - 2)
        .collect();
    assert_eq!(world.states[2..], expected);
    let probes = world
        .states
        .iter()
        .filter(|state| **state == State::Up)
        .count();
    assert!((3..=5).contains(&probes), "{probes}");
    let goodput = world.delivered * 1000 / 9500;
    assert!(goodput > RATE * 95 / 100, "{goodput}");
    assert!(world.in_flight < BDP * 3 / 2, "{}", world.in_flight);
}

/// §5.3.3, §5.5.2: more bandwidth is found by the next probe, less is forgotten after two cycles.
#[test]
fn the_model_follows_the_path() {
    let mut world = World::new(20 * BDP);
    world.run_until(at(2000));
    world.rate = 2 * RATE;
    world.run_until(at(9000));
    let found = world.bbr.max_bw.get();
    assert!(found > 2 * RATE * 95 / 100, "{found}");
    world.rate = RATE;
    world.run_until(at(21_000));
    let found = world.bbr.max_bw.get();
    assert!(found < RATE * 105 / 100, "{found}");
}

/// §5.3.4: ten seconds after the least RTT, for 200 ms and a round, with half a BDP in flight; and
/// again after ten seconds.
#[test]
fn probes_for_the_round_trip_time_after_ten_seconds() {
    const INTERVAL: Duration = Duration::from_secs(10);
    let mut world = World::new(20 * BDP);
    world.run_to(State::Cruise, at(3000));
    // From now on no sample is as short as the least one has been.
    world.bbr.min_rtt = Some(RTT - Duration::from_millis(1));
    world.bbr.min_rtt_stamp = world.now;
    let mut begun = world.now;
    for _ in 0..2 {
        world.run_to(State::ProbeRtt, begun + INTERVAL + RTT);
        let entered = world.now;
        let waited = entered - begun;
        assert!(waited > INTERVAL, "{waited:?}");
        let window = world.bbr.window();
        assert!(window <= BDP / 2 + 10 * MSS, "{window}");
        let before = world.bbr.prior_cwnd;
        world.run_to(State::Cruise, entered + Duration::from_secs(1));
        let lasted = world.now - entered;
        assert!(lasted > Duration::from_millis(200), "{lasted:?}");
        assert!(lasted < Duration::from_millis(200) + 3 * RTT, "{lasted:?}");
        assert!(world.bbr.window() >= before.min(2 * BDP * 39 / 40));
        let min_rtt = world.bbr.min_rtt.unwrap();
        let there = RTT..RTT + Duration::from_millis(1);
        assert!(there.contains(&min_rtt), "{min_rtt:?}");
        let max_bw = world.bbr.max_bw.get();
        assert!(max_bw > RATE * 97 / 100, "slow samples do not count");
        begun = world.now;
    }
}

/// §5.3.1.3, §5.5.10.2: a buffer of a tenth of what fits: Startup ends by its losses, and
/// inflight_longterm is found; then losses are rare and the pipe is full.
#[test]
fn a_shallow_buffer_is_found() {
    let mut world = World::new(BDP / 10);
    world.run_until(at(2000));
    assert!(world.bbr.full_bw_reached);
    assert!(
        world.bbr.inflight_longterm < 2 * BDP,
        "{}",
        world.bbr.inflight_longterm
    );
    let (delivered, lost) = (world.delivered, world.lost);
    world.run_until(at(12_000));
    let (delivered, lost) = (world.delivered - delivered, world.lost - lost);
    assert!(delivered > RATE * 10 * 85 / 100, "{delivered}");
    assert!(lost * 100 < delivered * 2, "{lost} of {delivered}");
}

/// §2.8, §5.3.3.8: losses of less than LossThresh that say nothing of the path hardly slow it.
#[test]
fn one_loss_in_a_hundred_does_no_harm() {
    let mut world = World::new(BDP);
    world.loss_per_mille = 10;
    world.run_until(at(20_000));
    let goodput = world.delivered / 20;
    assert!(goodput > RATE * 90 / 100, "{goodput}");
}

/// §5.5.11.2: a loss that was none gives back what it took, and the state.
#[test]
fn a_spurious_loss_is_undone() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Up, at(9000));
    let before = world.bbr.clone();
    // 30 % seem lost at once.
    let lost: Vec<Flying> = world.flying.iter().take(60).copied().collect();
    for segment in lost {
        world.is_lost(segment, world.in_flight);
    }
    assert_eq!(world.bbr.state, State::Down);
    assert!(world.bbr.inflight_longterm < INFINITY);
    world.bbr.on_spurious(world.now);
    assert_eq!(world.bbr.state, State::Refill);
    assert_eq!(world.bbr.inflight_longterm, before.inflight_longterm);
    assert!(world.bbr.window() >= before.window());
}

/// §5.6.4.4: a timeout leaves a segment; when all is repaired the window is what it was.
#[test]
fn a_timeout_leaves_a_segment_for_a_while() {
    let mut world = World::new(20 * BDP);
    world.run_until(at(4000));
    let before = world.bbr.window();
    let loss = Loss {
        now: world.now,
        in_flight: world.in_flight,
    };
    world.bbr.on_timeout(&loss, true);
    assert_eq!(world.bbr.window(), MSS);
    world.run_until(at(4200));
    assert_eq!(world.bbr.recovery, None);
    assert!(
        world.bbr.window() >= before - 10 * MSS,
        "{}",
        world.bbr.window()
    );
}

/// §5.5.10.3, by hand: a round with losses leaves what it delivered, and at least Beta, 0.7.
#[test]
fn rounds_with_losses_bound_the_model() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Cruise, at(3000));
    let (max_bw, cwnd) = (world.bbr.max_bw.get(), world.bbr.window());
    world.bbr.is_loss_in_round = true;
    world.bbr.adapt_lower_bounds();
    assert_eq!(world.bbr.bw_shortterm, INFINITY, "too few were lost");
    world.bbr.lost_in_round = BDP / 20;
    (world.bbr.bw_latest, world.bbr.inflight_latest) = (max_bw / 2, BDP * 9 / 10);
    world.bbr.adapt_lower_bounds();
    assert_eq!(world.bbr.bw_shortterm, max_bw * 70 / 100);
    assert_eq!(
        world.bbr.inflight_shortterm,
        (BDP * 9 / 10).max(cwnd * 70 / 100)
    );
}

/// §5.3.4.4: the round after ProbeRTT still has the samples of what that held back, which bound
/// nothing, whatever was lost.
#[test]
fn losses_in_probe_rtt_bound_nothing() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Cruise, at(3000));
    for (is_held_back, bound) in [(true, INFINITY), (false, RATE * 70 / 100)] {
        let bbr = &mut world.bbr;
        (bbr.is_loss_in_round, bbr.lost_in_round) = (true, BDP / 20);
        (bbr.bw_latest, bbr.loss_round_start) = (RATE / 2, true);
        bbr.update_congestion_signals(&Sample {
            is_held_back,
            ..acked(world.now, MSS)
        });
        assert!(!bbr.is_loss_in_round, "it has been heard of");
        assert!(bbr.bw_shortterm.abs_diff(bound) < RATE / 50, "{bound}");
    }
}

/// §5.5.9, by hand, at a megabyte a second.
#[test]
fn what_comes_beyond_the_expected_makes_room() {
    let mut bbr = Bbr::new(&start());
    (bbr.bw, bbr.cwnd, bbr.min_rtt) = (1_000_000, 100_000, Some(RTT));
    bbr.full_bw_reached = true;
    // When, how much is acknowledged, and how much beyond the expected that is.
    let aggregated = [
        // Nothing has come for 10 ms, so the interval begins here.
        (10, 20_000, 20_000),
        // 2,000 were expected.
        (12, 5000, 23_000),
        // 30,000 were expected, and 25,000 have come: the interval begins again.
        (40, 1000, 1000),
        (41, 500_000, 100_000),
    ];
    for (round, (millis, newly_acked, extra)) in aggregated.into_iter().enumerate() {
        bbr.round_count = round as u64;
        bbr.update_ack_aggregation(&acked(at(millis), newly_acked));
        assert_eq!(bbr.extra_acked.of_last(1), extra, "{millis} ms");
    }
    // §5.6.4.2: two BDPs, and the most of ten rounds; in Startup that of one.
    bbr.state = State::Cruise;
    assert_eq!(bbr.max_inflight(), 2 * 40_000 + 100_000);
    bbr.round_count = 4;
    bbr.update_ack_aggregation(&acked(at(1000), 3000));
    assert_eq!(bbr.max_inflight(), 2 * 40_000 + 100_000);
    bbr.full_bw_reached = false;
    assert_eq!(bbr.max_inflight(), 2 * 40_000 + 3000);
}

/// §5.5.8.1, §5.6.4.2, §5.6.4.3: three send quanta and four segments at least, and in Up two
/// segments more.
#[test]
fn the_window_has_room_for_three_quanta() {
    let mut bbr = Bbr::new(&start());
    bbr.state = State::Cruise;
    // The quantum, a bound, and that bound with the budget.
    for (quantum, cap, budget) in [
        (12_500, 10_000, 37_500),
        (12_500, 50_000, 50_000),
        (1000, 1000, 4000),
    ] {
        bbr.send_quantum = quantum;
        assert_eq!(bbr.quantization_budget(cap), budget);
    }
    bbr.state = State::Up;
    assert_eq!(bbr.quantization_budget(50_000), 52_000);
}

/// §5.3.3.9, §5.6.4.7: 15 % of inflight_longterm, and at least a segment, are left to others in
/// Cruise and ProbeRTT; four segments remain.
#[test]
fn headroom_is_left_to_others() {
    let mut bbr = Bbr::new(&start());
    assert_eq!(bbr.inflight_with_headroom(), INFINITY);
    for (inflight_longterm, left) in [(100_000, 85_000), (6000, 5000), (4500, 4000), (1000, 4000)] {
        bbr.inflight_longterm = inflight_longterm;
        assert_eq!(bbr.inflight_with_headroom(), left);
    }
    bbr.inflight_longterm = 100_000;
    let mut bounded = |state| {
        (bbr.state, bbr.cwnd) = (state, 1_000_000);
        bbr.bound_cwnd_for_model();
        bbr.cwnd
    };
    assert_eq!(
        [State::Cruise, State::ProbeRtt].map(&mut bounded),
        [85_000; 2]
    );
    let others = [State::Down, State::Refill, State::Up];
    assert_eq!(others.map(&mut bounded), [100_000; 3]);
    assert_eq!(bounded(State::Startup), 1_000_000);
    bbr.inflight_shortterm = 50_000;
    (bbr.state, bbr.cwnd) = (State::Cruise, 1_000_000);
    bbr.bound_cwnd_for_model();
    assert_eq!(bbr.cwnd, 50_000);
}

/// §5.3.3.5, §5.3.3.9: a window that is used up to inflight_longterm makes that grow by a segment in
/// the first round, then by two, four, eight.
#[test]
fn the_bound_grows_ever_faster_while_it_is_probed() {
    let mut bbr = Bbr::new(&start());
    (bbr.state, bbr.cwnd, bbr.inflight_longterm) = (State::Up, 64_000, 64_000);
    bbr.cwnd_limited = [true, false];
    bbr.raise_inflight_longterm_slope();
    for growth in [1, 2, 4, 8] {
        let before = bbr.inflight_longterm;
        let segments = before / MSS;
        for segment in 1..=segments {
            bbr.cwnd = bbr.inflight_longterm;
            bbr.round_start = segment == segments;
            bbr.probe_inflight_longterm_upward(&acked(at(0), MSS));
        }
        assert_eq!(bbr.inflight_longterm, before + growth * MSS);
        bbr.cwnd = bbr.inflight_longterm;
    }
    // The sender does not use it up.
    let before = bbr.inflight_longterm;
    bbr.cwnd = before - MSS;
    bbr.probe_inflight_longterm_upward(&acked(at(0), BDP));
    assert_eq!(bbr.inflight_longterm, before);
}

/// §3.6: marks count like losses.
#[test]
fn a_mark_ends_a_probe() {
    let mut world = World::new(20 * BDP);
    let mark = |world: &World| Loss {
        now: world.now,
        in_flight: world.in_flight,
    };
    world.run_until(at(60));
    let first = mark(&world);
    world.bbr.on_ecn(&first);
    assert_eq!(world.bbr.state, State::Drain);
    world.run_to(State::Up, at(9000));
    let second = mark(&world);
    world.bbr.on_ecn(&second);
    assert_eq!(world.bbr.state, State::Down);
    assert_eq!(world.bbr.inflight_longterm, second.in_flight);
}

/// §5.4.1: after an idle time the pace is that of the model, and the window stays.
#[test]
fn an_idle_time_costs_nothing() {
    let mut world = World::new(20 * BDP);
    world.run_to(State::Up, at(9000));
    let window = world.bbr.window();
    world.bbr.on_idle();
    world.bbr.on_restart(world.now + Duration::from_secs(30));
    assert_eq!(world.bbr.window(), window);
    assert_eq!(world.bbr.pacing_rate(), Some(percent(world.bbr.bw, 99)));
    assert!(world.bbr.idle_restart);
}

/// The same a while later is the same; what acts differently is not.
#[test]
fn the_fingerprint_counts_from_now() {
    let bbr = Bbr::new(&start());
    let late = Bbr::new(&Start {
        now: at(9),
        ..start()
    });
    assert_eq!(bbr.fingerprint(at(1), 0), late.fingerprint(at(10), 0));
    assert_ne!(bbr.fingerprint(at(1), 0), bbr.fingerprint(at(2), 0));
}

#[derive(Clone, Debug)]
enum Step {
    Ack(Ack),
    Lost(LostSegment),
    Loss(u64),
    Mark(u64),
    Timeout(bool),
    Spurious,
    Restart(u64),
    Mss(usize),
}

prop_compose! {
    fn acks()(
        [acked, delivered, lost, in_flight] in prop::array::uniform4(0..1u64 << 31),
        [now, rtt, interval] in prop::array::uniform3(any::<u64>()),
        [una, nxt] in any::<[u32; 2]>(),
        [total, prior, tx] in prop::array::uniform3(0..1u64 << 50),
        [has_rtt, has_rate, limited, after_timeout, recovering] in any::<[bool; 5]>(),
    ) -> Ack {
        let rtt = has_rtt.then_some(Duration::from_nanos(rtt));
        Ack {
            now: Instant::from_nanos(now),
            acked,
            delivered,
            lost,
            ce: 0,
            una: Seq::initial(una),
            nxt: Seq::initial(nxt),
            in_flight,
            window_limited: true,
            round_trips: RoundTrips::new(rtt, rtt, rtt),
            rate: has_rate.then_some(RateSample {
                delivered,
                interval: Duration::from_nanos(interval),
                prior_delivered: prior,
                total_delivered: total,
                lost,
                tx_in_flight: tx,
                is_app_limited: limited,
            }),
            after_timeout,
            recovering,
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let octets = 0..1u64 << 31;
    let lost =
        (octets.clone(), any::<u32>(), any::<bool>()).prop_map(|(octets, place, limited)| {
            Step::Lost(LostSegment {
                now: Instant::from_nanos(u64::from(place)),
                start: Seq::initial(place),
                octets,
                tx_in_flight: octets / 2,
                lost: octets * 2,
                total_delivered: octets,
                is_app_limited: limited,
            })
        });
    let step = prop_oneof![
        20 => acks().prop_map(Step::Ack),
        4 => lost,
        1 => octets.clone().prop_map(Step::Loss),
        1 => octets.prop_map(Step::Mark),
        1 => any::<bool>().prop_map(Step::Timeout),
        1 => Just(Step::Spurious),
        1 => any::<u64>().prop_map(Step::Restart),
        1 => prop_oneof![Just(1), Just(1460), any::<usize>()].prop_map(Step::Mss),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Whatever happens, and in whatever order: no number overflows, and a segment may always
    /// leave.
    #[test]
    fn nothing_overflows(steps in steps()) {
        let mut bbr = Bbr::new(&start());
        for step in steps {
            match step {
                Step::Ack(ack) => bbr.on_ack(&ack),
                Step::Lost(segment) => bbr.on_segment_lost(&segment),
                Step::Loss(in_flight) => bbr.on_congestion(&Loss { now: at(0), in_flight }),
                Step::Mark(in_flight) => bbr.on_ecn(&Loss { now: at(0), in_flight }),
                Step::Timeout(first) => bbr.on_timeout(&Loss { now: at(0), in_flight: 0 }, first),
                Step::Spurious => bbr.on_spurious(at(0)),
                Step::Restart(nanos) => bbr.on_restart(Instant::from_nanos(nanos)),
                Step::Mss(mss) => bbr.set_mss(mss),
            }
            prop_assert!(bbr.window() >= bbr.mss);
        }
    }
}
