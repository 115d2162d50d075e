//! Any segment, any call, at any time: nothing breaks, and the runs together meet every state and every
//! reason to drop a segment.

use stubborn::stack::Secret;
use stubborn::tcp::{Discard, State};

use super::attack::{Seen, attack};
use super::world::{Random, every_seed};

#[test]
fn nothing_that_arrives_breaks_a_host() {
    let mut seen = Seen::default();
    let mut runs = 0;
    every_seed(0..400, |seed| {
        attack(Random::new(seed), Secret([seed as u8; 16]), &mut seen);
        runs += 1;
    });
    if runs < 400 {
        return;
    }
    for state in State::ALL.iter().filter(|state| **state != State::Listen) {
        assert!(seen.states.contains(&state.to_string()), "{state} not met");
    }
    for (count, reason) in seen.discards.iter().zip(Discard::ALL) {
        assert!(*count > 0, "{reason:?} not met");
    }
}
