//! Any call, with any arguments: nothing breaks, and when the programs end nothing remains of them.

use super::programs::programs;
use super::world::{Random, every_seed};

#[test]
fn no_call_does_harm() {
    let (mut runs, mut talked) = (0, 0);
    every_seed(0..200, |seed| {
        talked += usize::from(programs(Random::new(seed)) > 0);
        runs += 1;
    });
    assert!(
        runs < 200 || talked > 100,
        "only in {talked} of {runs} runs does text arrive"
    );
}
