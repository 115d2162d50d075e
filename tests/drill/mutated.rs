//! Scripts of the corpus with another number in them: whatever it is, there is a verdict.

use core::ops::Range;
use std::fs;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use stubborn::drill::{Definitions, Profile, Settings, Variant, parse, run};

use super::corpus::all;

/// Numbers at the edges of what fields, arguments and times have room for.
const EDGES: [&str; 14] = [
    "0",
    "1",
    "-1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "340282366920938463463374607431768211456",
];

/// Where numbers stand in a text.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices(|c: char| c.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

proptest! {
    #[test]
    fn no_number_makes_it_panic(
        script in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), select(&EDGES[..])), 1..4),
        variant in select(&Variant::ALL[..]),
    ) {
        let path = script.get(&all()).clone();
        let mut text = fs::read_to_string(&path).expect("a script is text");
        for (place, number) in changes {
            let place = place.get(&numbers(&text)).clone();
            text.replace_range(place, number);
        }
        let definitions = Definitions::of(&text, Profile::default(), variant);
        if let Ok(script) = parse(&text, &definitions) {
            let _ = run(&script, variant, &Settings::default());
        }
    }
}
