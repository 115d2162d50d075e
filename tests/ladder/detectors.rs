//! The failure detectors in the simulator: three processes that watch each other, one of which
//! crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stubborn::link::FairLossLink;
use stubborn::link::detector::properties::{Record, Run};
use stubborn::link::detector::{
    AccrualConfig, AccrualDetector, Detector, EventuallyPerfectDetector, PerfectDetector,
};
use stubborn::sim::medium::{Delay, Jitter, Loss, Medium, Stall};
use stubborn::sim::path::{Direction, Path};
use stubborn::sim::random::{Random, Ratio};
use stubborn::time::Instant;

type AnyDetector = Box<dyn Detector<Address = u8>>;

const PROCESSES: u8 = 3;

/// The network is at its worst until then.
const HEALED: Instant = Instant::from_secs(10);

/// Process 2 crashes.
const CRASH: Instant = Instant::from_secs(30);

const END: Instant = Instant::from_secs(60);

const SEEDS: u64 = 20;

/// Each way takes 20 to 50 ms: a question and its answer, at most 100.
fn bounded() -> Medium {
    Medium::new()
        .with(Delay::new(Duration::from_millis(20)))
        .with(Jitter::new(Duration::from_millis(30)))
}

struct World {
    now: Instant,
    random: Random,
    detectors: Vec<AnyDetector>,
    paths: BTreeMap<(u8, u8), Path>,
    flying: BTreeMap<(Instant, u64), (u8, u8, Vec<u8>)>,
    departed: u64,
    run: Run<u8>,
}

fn watch(seed: u64, medium: &Medium, detector: impl Fn(BTreeSet<u8>) -> AnyDetector) -> Run<u8> {
    let processes: BTreeSet<u8> = (0..PROCESSES).collect();
    let mut world = World {
        now: Instant::ZERO,
        random: Random::new(seed),
        detectors: Vec::new(),
        paths: BTreeMap::new(),
        flying: BTreeMap::new(),
        departed: 0,
        run: Run {
            processes: processes.clone(),
            crashes: BTreeMap::from([(2, CRASH)]),
            records: Vec::new(),
            end: END,
        },
    };
    for me in &processes {
        let peers: BTreeSet<u8> = processes
            .iter()
            .copied()
            .filter(|peer| peer != me)
            .collect();
        for peer in &peers {
            world
                .paths
                .insert((*me, *peer), Path::symmetric(medium.clone()));
        }
        world.detectors.push(detector(peers));
    }
    while world.step() {}
    world.run
}

impl World {
    fn is_up(&self, process: u8) -> bool {
        self.run
            .crashes
            .get(&process)
            .is_none_or(|crash| self.now < *crash)
    }

    fn step(&mut self) -> bool {
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let live = (0..PROCESSES).filter(|process| self.is_up(*process));
        let deadlines =
            live.filter_map(|process| self.detectors[usize::from(process)].next_deadline());
        let next = arrival.into_iter().chain(deadlines).min();
        let Some(at) = next.filter(|at| *at <= END) else {
            return false;
        };
        let was_ill = self.now < HEALED;
        self.now = self.now.max(at);
        if was_ill && self.now >= HEALED {
            self.paths.values_mut().for_each(Path::heal);
        }
        if let Some(entry) = self
            .flying
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let (from, to, packet) = entry.remove();
            if self.is_up(to) {
                self.detectors[usize::from(to)].receive(self.now, from, &packet);
            }
        } else {
            for process in (0..PROCESSES)
                .filter(|process| self.is_up(*process))
                .collect::<Vec<_>>()
            {
                self.detectors[usize::from(process)].handle_timeouts(self.now);
            }
        }
        for process in 0..PROCESSES {
            self.settle(process);
        }
        true
    }

    fn settle(&mut self, by: u8) {
        let is_up = self.is_up(by);
        let detector = &mut self.detectors[usize::from(by)];
        while let Some(verdict) = detector.poll_verdict() {
            let at = self.now;
            self.run.records.push(Record { at, by, verdict });
        }
        while let Some((to, packet)) = detector.poll_transmit(self.now) {
            let path = self.paths.get_mut(&(by, to)).unwrap();
            let mut arrivals = Vec::new();
            let way = Direction::There;
            path.carry(self.now, way, packet, &mut self.random, &mut arrivals);
            for arrival in arrivals.into_iter().filter(|_| is_up) {
                let key = (arrival.at, self.departed);
                self.departed += 1;
                self.flying.insert(key, (by, to, arrival.datagram));
            }
        }
    }
}

fn link() -> FairLossLink<u8> {
    FairLossLink::new(64)
}

fn perfect(peers: BTreeSet<u8>) -> AnyDetector {
    let delta = Duration::from_millis(101);
    Box::new(PerfectDetector::new(Instant::ZERO, link(), peers, delta))
}

fn eventually_perfect(peers: BTreeSet<u8>) -> AnyDetector {
    let growth = Duration::from_millis(10);
    let detector = EventuallyPerfectDetector::new(Instant::ZERO, link(), peers, growth);
    Box::new(detector)
}

fn accrual(peers: BTreeSet<u8>) -> AnyDetector {
    let config = AccrualConfig {
        interval: Duration::from_millis(100),
        window: 100,
        deviation: Duration::from_millis(20),
        threshold: 8,
    };
    Box::new(AccrualDetector::new(Instant::ZERO, link(), peers, config))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn p_keeps_its_promises_where_delays_have_a_bound() {
    for seed in 0..SEEDS {
        let run = watch(seed, &bounded(), perfect);
        assert_eq!(run.strong_accuracy(), Ok(()), "seed {seed}");
        assert_eq!(run.strong_completeness(SECOND), Ok(()), "seed {seed}");
    }
}

#[test]
fn p_is_wrong_for_ever_where_packets_are_lost_and_eventually_p_is_not() {
    let lossy = bounded().with(Loss::new(Ratio::percent(10)));
    for seed in 0..SEEDS {
        let run = watch(seed, &lossy, perfect);
        assert!(run.eventual_strong_accuracy(CRASH).is_err(), "seed {seed}");
        let run = watch(seed, &lossy, eventually_perfect);
        assert!(run.strong_accuracy().is_err(), "seed {seed}");
        assert_eq!(run.eventual_strong_accuracy(CRASH), Ok(()), "seed {seed}");
        let within = 20 * SECOND;
        assert_eq!(run.strong_completeness(within), Ok(()), "seed {seed}");
    }
}

/// A pause of two seconds, in which everything waits: no timeout was long enough.
#[test]
fn eventually_p_learns_from_a_pause() {
    let (from, until) = (Instant::from_secs(5), Instant::from_secs(7));
    let pausing = bounded().with(Stall::new(from, until));
    for seed in 0..SEEDS {
        let run = watch(seed, &pausing, eventually_perfect);
        let mistakes = run.records.iter().filter(|record| record.at > from);
        assert!(mistakes.count() > 0, "seed {seed}");
        assert_eq!(run.eventual_strong_accuracy(CRASH), Ok(()), "seed {seed}");
        assert_eq!(run.strong_completeness(20 * SECOND), Ok(()), "seed {seed}");
    }
}

#[test]
fn phi_is_complete_and_wrong_as_seldom_as_it_says() {
    let lossy = bounded().with(Loss::new(Ratio::percent(10)));
    for seed in 0..SEEDS {
        let run = watch(seed, &bounded(), accrual);
        assert_eq!(run.strong_accuracy(), Ok(()), "seed {seed}");
        assert_eq!(run.strong_completeness(SECOND), Ok(()), "seed {seed}");
        // Loss makes silence less surprising, and detection slower.
        let run = watch(seed, &lossy, accrual);
        assert_eq!(run.strong_completeness(5 * SECOND), Ok(()), "seed {seed}");
        assert_eq!(run.eventual_strong_accuracy(CRASH), Ok(()), "seed {seed}");
    }
}
