//! Random runs that have a number, by which each can be made again.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Makes a run for every seed of `usual`, or of those that the environment variable `name` has (`7` for one, `1000..2000` for
/// many). Says which one failed; of many, how far it is.
pub(crate) fn every_seed(name: &str, usual: Range<u64>, mut run: impl FnMut(u64)) {
    let seeds = std::env::var(name).map_or(usual, |wanted| parse(name, &wanted));
    let tenth = (seeds.end - seeds.start).div_ceil(10);
    for seed in seeds.clone() {
        let made = seed - seeds.start;
        if tenth >= 100 && made.is_multiple_of(tenth) {
            eprintln!("{made} runs of {}", seeds.end - seeds.start);
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            eprintln!("to see it again: {name}={seed}");
            resume_unwind(panic);
        }
    }
}

fn parse(name: &str, wanted: &str) -> Range<u64> {
    let number = |text: &str| -> u64 {
        (text.parse()).unwrap_or_else(|_| panic!("{name}: `{text}` is no number"))
    };
    match wanted.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(wanted)..number(wanted) + 1,
    }
}
