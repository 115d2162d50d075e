//! The search: breadth-first through all states, then backwards from the goals.

use core::hash::{BuildHasherDefault, Hash, Hasher};
use std::collections::{HashMap, VecDeque};

use siphasher::sip128::{Hasher128, SipHasher13};

use super::Model;

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Distinct states.
    pub states: u64,
    /// Transitions, including those to states that were known already.
    pub transitions: u64,
    /// The number of steps from the initial state to the farthest one.
    pub depth: u32,
    /// Goals: states in which everything is done.
    pub done: u64,
    /// The problem that ended the search. `None`: every state was visited, and there is no problem.
    pub found: Option<Found>,
}

/// A problem, and a shortest path to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The property that is violated.
    pub what: String,
    /// One line for each action on the path.
    pub trace: Vec<String>,
}

/// The progress of a search.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Distinct states so far.
    pub states: u64,
    /// States that have been found but not yet expanded.
    pub waiting: u64,
    /// The number of steps from the initial state to those being expanded.
    pub depth: u32,
}

/// States visited between two reports of progress.
const STRIDE: u32 = 1 << 14;

/// Visits every state of `model`, at most `limit` of them, and stops at the first violation. Then
/// looks for states from which nothing leads to the goal.
///
/// States are told apart by hashes of 128 bits: among 10^7 states, two collide with a probability
/// of about 10^-25. Two runs give the same numbers.
pub fn explore<M: Model>(model: &mut M, limit: u64, progress: &mut dyn FnMut(Progress)) -> Report {
    let mut search = Search::new(model);
    let mut successors = Vec::new();
    while let Some(state) = search.waiting.pop_front() {
        let id = search.expanded;
        search.expanded += 1;
        if let Some(what) = model.violation(&state) {
            return search.fail(model, id, what);
        }
        if search.ids.len() as u64 > limit {
            let what = format!("more than {limit} states");
            return search.fail(model, id, what);
        }
        search.done.push(model.is_done(&state));
        model.successors(&state, &mut successors);
        if successors.is_empty() && !search.done[id as usize] {
            return search.fail(model, id, "P7: nothing can happen any more".to_owned());
        }
        for (_, next) in successors.drain(..) {
            search.follow(id, next);
        }
        search.edge_ends.push(search.edges.len() as u64);
        if id.is_multiple_of(STRIDE) {
            progress(search.progress(id));
        }
    }
    match search.hopeless() {
        None => search.report(None),
        Some(id) => search.fail(model, id, "P8: no way leads to the goal".to_owned()),
    }
}

/// A hasher for keys that are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        let mut first = [0; 8];
        let len = octets.len().min(8);
        first[..len].copy_from_slice(&octets[..len]);
        self.0 = u64::from_ne_bytes(first);
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

/// States are numbered in the order in which they are found, and expanded in that order.
struct Search<M: Model> {
    start: M::State,
    ids: HashMap<u128, u32, BuildHasherDefault<Identity>>,
    /// States that are not expanded yet.
    waiting: VecDeque<M::State>,
    expanded: u32,
    /// For each state, the state from which it was found first, and its distance from the start.
    origins: Vec<(u32, u32)>,
    done: Vec<bool>,
    /// The states to which the steps of each state lead, one state after another: those of state
    /// `n` end at index `edge_ends[n]`.
    edges: Vec<u32>,
    edge_ends: Vec<u64>,
}

fn fingerprint(state: &impl Hash) -> u128 {
    let mut hasher = SipHasher13::new();
    state.hash(&mut hasher);
    hasher.finish128().as_u128()
}

impl<M: Model> Search<M> {
    fn new(model: &mut M) -> Search<M> {
        let start = model.initial();
        let mut ids = HashMap::default();
        ids.insert(fingerprint(&start), 0);
        Search {
            waiting: VecDeque::from([start.clone()]),
            start,
            ids,
            expanded: 0,
            origins: vec![(0, 0)],
            done: Vec::new(),
            edges: Vec::new(),
            edge_ends: Vec::new(),
        }
    }

    fn depth(&self, id: u32) -> u32 {
        self.origins[id as usize].1
    }

    /// Records a step from the state `from` to `next`.
    fn follow(&mut self, from: u32, next: M::State) {
        let known = self.ids.len() as u32;
        let id = *self.ids.entry(fingerprint(&next)).or_insert(known);
        self.edges.push(id);
        if id == known {
            self.origins.push((from, self.depth(from) + 1));
            self.waiting.push_back(next);
        }
    }

    /// The first state from which no path leads to a goal (P8: AG EF).
    fn hopeless(&self) -> Option<u32> {
        let reaching = self.reaching();
        (0..)
            .zip(&reaching)
            .find(|(_, reaches)| !**reaches)
            .map(|(id, _)| id)
    }

    /// The states from which a goal can be reached, found by going back along all steps.
    fn reaching(&self) -> Vec<bool> {
        let states = self.done.len();
        // The steps sorted by the state they lead to: those to state `n` end at index `ends[n]`.
        let mut ends = vec![0u32; states + 1];
        self.edges.iter().for_each(|to| ends[*to as usize + 1] += 1);
        (0..states).for_each(|n| ends[n + 1] += ends[n]);
        let mut sources = vec![0u32; self.edges.len()];
        let mut next = ends.clone();
        let mut begin = 0;
        for (from, end) in (0..).zip(&self.edge_ends) {
            for to in &self.edges[begin as usize..*end as usize] {
                let place = &mut next[*to as usize];
                sources[*place as usize] = from;
                *place += 1;
            }
            begin = *end;
        }
        let mut reaching = self.done.clone();
        let mut waiting: Vec<u32> = (0u32..)
            .zip(&self.done)
            .filter(|(_, done)| **done)
            .map(|(id, _)| id)
            .collect();
        while let Some(id) = waiting.pop() {
            let (begin, end) = (ends[id as usize], ends[id as usize + 1]);
            for &from in &sources[begin as usize..end as usize] {
                if !core::mem::replace(&mut reaching[from as usize], true) {
                    waiting.push(from);
                }
            }
        }
        reaching
    }

    fn progress(&self, id: u32) -> Progress {
        Progress {
            states: self.ids.len() as u64,
            waiting: self.waiting.len() as u64,
            depth: self.depth(id),
        }
    }

    fn report(&self, found: Option<Found>) -> Report {
        Report {
            states: self.ids.len() as u64,
            transitions: self.edges.len() as u64,
            depth: self.origins.last().map_or(0, |(_, depth)| *depth),
            done: self.done.iter().filter(|done| **done).count() as u64,
            found,
        }
    }

    fn fail(&self, model: &mut M, id: u32, what: String) -> Report {
        let trace = self.trace(model, id);
        self.report(Some(Found { what, trace }))
    }

    /// Follows the path to `id` again, and describes each step.
    fn trace(&self, model: &mut M, id: u32) -> Vec<String> {
        let mut way = Vec::new();
        let mut at = id;
        while at != 0 {
            way.push(at);
            at = self.origins[at as usize].0;
        }
        let mut state = self.start.clone();
        let mut successors = Vec::new();
        let mut lines = Vec::new();
        for id in way.into_iter().rev() {
            successors.clear();
            model.successors(&state, &mut successors);
            let step = successors
                .drain(..)
                .find(|(_, next)| self.ids.get(&fingerprint(next)) == Some(&id));
            let Some((action, next)) = step else {
                lines.push("(the model answered differently the second time)".to_owned());
                break;
            };
            lines.push(model.describe(&state, action, &next).to_string());
            state = next;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model whose states are numbers, starting at 0, and whose steps lead from one number to
    /// another.
    struct Graph {
        steps: &'static [(u8, u8)],
        goals: &'static [u8],
        wrong: &'static [u8],
    }

    impl Model for Graph {
        type State = u8;
        type Action = ();

        fn initial(&mut self) -> u8 {
            0
        }

        fn successors(&mut self, state: &u8, next: &mut Vec<((), u8)>) {
            let steps = self.steps.iter().filter(|(from, _)| from == state);
            next.extend(steps.map(|(_, to)| ((), *to)));
        }

        fn violation(&mut self, state: &u8) -> Option<String> {
            let wrong = self.wrong.contains(state);
            wrong.then(|| format!("{state} is wrong"))
        }

        fn is_done(&mut self, state: &u8) -> bool {
            self.goals.contains(state)
        }

        fn describe(&mut self, from: &u8, _: (), to: &u8) -> impl core::fmt::Display {
            format!("{from}-{to}")
        }
    }

    fn search(mut graph: Graph, limit: u64) -> Report {
        explore(&mut graph, limit, &mut |_| {})
    }

    /// The problem that is found, and the path to it.
    #[track_caller]
    fn found(graph: Graph, limit: u64) -> (String, String) {
        let Found { what, trace } = search(graph, limit).found.expect("a finding");
        (what, trace.join(" "))
    }

    /// Two paths to 3, a step back and a step in place; 9 cannot be reached.
    const SOUND: Graph = Graph {
        steps: &[
            (0, 1),
            (0, 2),
            (1, 3),
            (2, 3),
            (2, 2),
            (3, 0),
            (3, 4),
            (9, 4),
        ],
        goals: &[4],
        wrong: &[9],
    };

    #[test]
    fn every_state_and_every_step_is_counted_once() {
        let expected = Report {
            states: 5,
            transitions: 7,
            depth: 3,
            done: 1,
            found: None,
        };
        assert_eq!(search(SOUND, 5), expected);
    }

    #[test]
    fn a_goal_may_be_in_the_middle() {
        let graph = Graph {
            goals: &[0, 4],
            ..SOUND
        };
        assert_eq!(search(graph, 5).done, 2);
    }

    #[test]
    fn a_violation_is_told_with_the_shortest_way_there() {
        let graph = Graph {
            steps: &[(0, 1), (1, 2), (2, 5), (0, 3), (3, 5), (5, 4)],
            wrong: &[5],
            ..SOUND
        };
        assert_eq!(found(graph, 10), ("5 is wrong".into(), "0-3 3-5".into()));
        let graph = Graph {
            wrong: &[0],
            ..SOUND
        };
        assert_eq!(found(graph, 10), ("0 is wrong".into(), "".into()));
    }

    #[test]
    fn of_two_violations_the_nearer_is_found() {
        let graph = Graph {
            wrong: &[2, 4],
            ..SOUND
        };
        assert_eq!(found(graph, 10), ("2 is wrong".into(), "0-2".into()));
    }

    #[test]
    fn a_deadlock_is_found_and_an_end_at_the_goal_is_none() {
        let graph = Graph {
            goals: &[3],
            ..SOUND
        };
        let what = "P7: nothing can happen any more".to_owned();
        assert_eq!(found(graph, 10), (what, "0-1 1-3 3-4".into()));
    }

    /// 5 and 6 lead only to each other: something can always happen, but nothing leads to a goal.
    #[test]
    fn a_livelock_is_found() {
        let graph = Graph {
            steps: &[(0, 1), (1, 4), (1, 5), (5, 6), (6, 5)],
            ..SOUND
        };
        let what = "P8: no way leads to the goal".to_owned();
        assert_eq!(found(graph, 10), (what, "0-1 1-5".into()));
    }

    #[test]
    fn a_circle_with_a_way_out_is_no_livelock() {
        let graph = Graph {
            steps: &[(0, 1), (1, 5), (5, 6), (6, 5), (6, 4)],
            ..SOUND
        };
        assert_eq!(search(graph, 10).found, None);
    }

    /// A model with more states than the limit has not been checked.
    #[test]
    fn a_search_that_reaches_its_limit_has_failed() {
        assert_eq!(found(SOUND, 4).0, "more than 4 states");
    }
}
