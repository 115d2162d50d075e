//! Failure detectors, exhaustively: processes that watch each other, ticks of an abstract clock,
//! and a network that keeps a bound on delay, or breaks it a few times.
//!
//! A packet arrives within `bound` ticks of being sent: the clock waits for it. That is the
//! synchronous system of the perfect detector. The clock may break this rule `breaks` times, and
//! tick although a packet is overdue: the bound holds eventually, but no process knows from when
//! on. That is the partially synchronous system of the eventually perfect detector.
//!
//! **What an exhausted search says about "eventually".** The length of a round is part of the
//! state of ◇P. It grows with each mistake and never shrinks. So if there are finitely many
//! states, every run makes finitely many mistakes.

pub(super) mod catalogue;

use core::fmt::Display;
use core::hash::Hash;
use std::collections::BTreeSet;

use super::Model;
use crate::link::detector::{Detector, Verdict};
use crate::time::{Duration, Instant};

/// One tick.
pub const TICK: Duration = Duration::from_nanos(1);

/// The model: the detectors, and the system they run in.
#[derive(Clone, Debug)]
pub struct Watch<D> {
    /// The detectors; process `n` is named `n`.
    pub detectors: Vec<D>,
    /// Brings a detector into canonical form, with times relative to this moment.
    pub rebase: fn(&mut D, Instant),
    /// The most ticks that a packet may take.
    pub bound: u8,
    /// How many ticks may pass although a packet is overdue.
    pub breaks: u8,
    /// How many processes may crash.
    pub crashes: u8,
    /// Strong accuracy: no process is suspected before it crashes.
    pub is_accurate: bool,
    /// Strong completeness: the most ticks between a crash and its detection by all.
    pub within: Option<u8>,
}

/// The state of the whole system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State<D> {
    processes: Vec<Process<D>>,
    /// The packets under way: a bag, kept sorted.
    network: Vec<Packet>,
    /// How often the bound was broken.
    breaks: u8,
    /// A verdict that was wrong when it was given: the process that gave it, and the process it
    /// is about.
    mistake: Option<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process<D> {
    detector: D,
    suspects: BTreeSet<u8>,
    /// Ticks since its crash, up to the first beyond `within`.
    crashed: Option<u8>,
}

/// A packet, its ends, and for how many ticks it has been under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Packet {
    age: u8,
    from: u8,
    to: u8,
    octets: Vec<u8>,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The packet at this index of the bag arrives.
    Arrive(usize),
    /// A tick passes.
    Tick,
    /// A process crashes.
    Crash(u8),
}

impl<D: Detector<Address = u8> + Clone + Eq + Hash> Watch<D> {
    /// Carries out what a process has decided and sent.
    fn settle(&self, state: &mut State<D>, now: Instant, by: u8) {
        while let Some(verdict) = state.processes[usize::from(by)].detector.poll_verdict() {
            match verdict {
                Verdict::Suspected(of) => {
                    state.processes[usize::from(by)].suspects.insert(of);
                    if state.processes[usize::from(of)].crashed.is_none() {
                        state.mistake = Some((by, of));
                    }
                }
                Verdict::Restored(of) => {
                    state.processes[usize::from(by)].suspects.remove(&of);
                }
            }
        }
        let detector = &mut state.processes[usize::from(by)].detector;
        while let Some((to, octets)) = detector.poll_transmit(now) {
            state.network.push(Packet {
                age: 0,
                from: by,
                to,
                octets,
            });
        }
        state.network.sort_unstable();
    }

    /// Lets a tick pass. `None`: the clock must wait for a packet.
    fn tick(&self, state: &State<D>) -> Option<State<D>> {
        let mut next = state.clone();
        if state.network.iter().any(|packet| packet.age >= self.bound) {
            next.breaks += 1;
            if next.breaks > self.breaks {
                return None;
            }
        }
        for packet in &mut next.network {
            // An overdue packet stays at this age: how late it is makes no difference.
            packet.age = (packet.age + 1).min(self.bound);
        }
        let now = Instant::ZERO + TICK;
        for by in 0..next.processes.len() as u8 {
            let process = &mut next.processes[usize::from(by)];
            if let Some(ticks) = &mut process.crashed {
                *ticks = (*ticks + 1).min(self.within.unwrap_or(0) + 1);
                continue;
            }
            process.detector.handle_timeouts(now);
            self.settle(&mut next, now, by);
            (self.rebase)(&mut next.processes[usize::from(by)].detector, now);
        }
        Some(next)
    }

    fn arrive(&self, state: &State<D>, place: usize) -> State<D> {
        let mut next = state.clone();
        let packet = next.network.remove(place);
        let process = &mut next.processes[usize::from(packet.to)];
        if process.crashed.is_none() {
            let now = Instant::ZERO;
            process.detector.receive(now, packet.from, &packet.octets);
            self.settle(&mut next, now, packet.to);
        }
        next
    }

    fn act(&self, state: &State<D>, action: &Action) -> Option<State<D>> {
        let mut before = state.clone();
        before.mistake = None;
        match action {
            Action::Arrive(place) => Some(self.arrive(&before, *place)),
            Action::Tick => self.tick(&before),
            Action::Crash(of) => {
                let crashed = before
                    .processes
                    .iter()
                    .filter(|other| other.crashed.is_some());
                let is_possible = crashed.count() < usize::from(self.crashes);
                let process = &mut before.processes[usize::from(*of)];
                if !is_possible || process.crashed.is_some() {
                    return None;
                }
                process.crashed = Some(0);
                Some(before)
            }
        }
    }

    fn is_suspected_by_all(&self, state: &State<D>, of: u8) -> bool {
        let correct = state
            .processes
            .iter()
            .filter(|process| process.crashed.is_none());
        correct
            .clone()
            .all(|process| process.suspects.contains(&of))
    }
}

impl<D: Detector<Address = u8> + Clone + Eq + Hash> Model for Watch<D> {
    type State = State<D>;
    type Action = Action;

    fn initial(&mut self) -> State<D> {
        let process = |detector: &D| Process {
            detector: detector.clone(),
            suspects: BTreeSet::new(),
            crashed: None,
        };
        State {
            processes: self.detectors.iter().map(process).collect(),
            network: Vec::new(),
            breaks: 0,
            mistake: None,
        }
    }

    fn successors(&mut self, state: &State<D>, next: &mut Vec<(Action, State<D>)>) {
        let mut actions = vec![Action::Tick];
        actions.extend((0..state.network.len()).map(Action::Arrive));
        actions.extend((0..state.processes.len() as u8).map(Action::Crash));
        for action in actions {
            if let Some(after) = self.act(state, &action) {
                next.push((action, after));
            }
        }
    }

    fn violation(&mut self, state: &State<D>) -> Option<String> {
        if let Some((by, of)) = state.mistake.filter(|_| self.is_accurate) {
            return Some(format!("accuracy is broken: {by} suspects {of}"));
        }
        let within = self.within?;
        (0u8..).zip(&state.processes).find_map(|(of, process)| {
            let is_late = process.crashed.is_some_and(|ticks| ticks > within);
            (is_late && !self.is_suspected_by_all(state, of))
                .then(|| format!("completeness is broken: {of} crashed {within} ticks ago"))
        })
    }

    /// Whether every correct process suspects exactly those that crashed.
    fn is_done(&mut self, state: &State<D>) -> bool {
        (0u8..).zip(&state.processes).all(|(of, process)| {
            let correct = state
                .processes
                .iter()
                .filter(|other| other.crashed.is_none());
            let mut suspected = correct.filter(|other| other.suspects.contains(&of));
            match process.crashed {
                Some(_) => self.is_suspected_by_all(state, of),
                None => suspected.next().is_none(),
            }
        })
    }

    fn describe(&mut self, before: &State<D>, action: Action, after: &State<D>) -> impl Display {
        let what = match action {
            Action::Tick => "a tick".to_owned(),
            Action::Crash(of) => format!("{of} crashes"),
            Action::Arrive(place) => {
                let Packet {
                    from, to, octets, ..
                } = &before.network[place];
                format!("{to} receives {octets:?} from {from}")
            }
        };
        let suspects = after.processes.iter().map(|process| &process.suspects);
        format!("{what}; suspects: {:?}", suspects.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::catalogue::*;
    use super::*;
    use crate::check::{Found, explore};

    /// Visits every state, and expects this many.
    #[track_caller]
    fn exhausted<D: Detector<Address = u8> + Clone + Eq + Hash>(mut model: Watch<D>, states: u64) {
        let report = explore(&mut model, 2_000_000, &mut |_| {});
        if let Some(Found { what, trace }) = report.found {
            panic!("{what}\n{}", trace.join("\n"));
        }
        assert_eq!(report.states, states, "depth {}", report.depth);
    }

    #[track_caller]
    fn found<D: Detector<Address = u8> + Clone + Eq + Hash>(mut model: Watch<D>) -> String {
        let report = explore(&mut model, 2_000_000, &mut |_| {});
        let Found { what, .. } = report.found.expect("a violation");
        what
    }

    /// A question and its answer take up to two ticks, so both are late only after a third.
    #[test]
    fn p_is_complete_and_accurate_where_the_bound_holds() {
        exhausted(perfect(2, 3), 377);
    }

    #[test]
    fn p_is_so_among_three() {
        exhausted(perfect(3, 3), 79_445);
    }

    #[test]
    fn p_with_a_round_that_is_too_short_is_wrong() {
        let what = found(perfect(2, 2));
        assert!(what.starts_with("accuracy is broken"), "{what}");
    }

    #[test]
    fn p_is_wrong_where_the_bound_is_broken_once() {
        let mut model = perfect(2, 3);
        model.breaks = 1;
        let what = found(model);
        assert!(what.starts_with("accuracy is broken"), "{what}");
    }

    #[test]
    fn p_never_takes_back_what_it_said() {
        let mut model = perfect(2, 2);
        model.is_accurate = false;
        // Without crashes, because a crash would make the verdict right.
        model.crashes = 0;
        let what = found(model);
        assert!(what.starts_with("P8"), "{what}");
    }

    #[test]
    fn p_needs_the_time_that_it_has() {
        let mut model = perfect(2, 3);
        model.within = Some(4);
        let what = found(model);
        assert!(what.starts_with("completeness is broken"), "{what}");
    }

    #[test]
    fn eventually_p_is_right_in_the_end_though_rounds_are_too_short_at_first() {
        exhausted(eventually_perfect(1, 0), 44_884);
    }

    #[test]
    fn eventually_p_is_right_in_the_end_though_the_bound_is_broken() {
        exhausted(eventually_perfect(3, 2), 10_383);
    }

    #[test]
    fn eventually_p_is_wrong_before_that() {
        for mut model in [eventually_perfect(1, 0), eventually_perfect(3, 1)] {
            model.is_accurate = true;
            let what = found(model);
            assert!(what.starts_with("accuracy is broken"), "{what}");
        }
        let mut model = eventually_perfect(3, 0);
        model.is_accurate = true;
        exhausted(model, 297);
    }
}
