//! The detectors that are checked, each in the system it is designed for.

use std::collections::BTreeSet;

use super::{TICK, Watch};
use crate::check::Subject;
use crate::link::FairLossLink;
use crate::link::detector::{EventuallyPerfectDetector, PerfectDetector};
use crate::time::Instant;

pub(super) type Bottom = FairLossLink<u8>;
pub(super) type P = PerfectDetector<Bottom>;
pub(super) type EventuallyP = EventuallyPerfectDetector<Bottom>;

pub(super) fn peers(count: u8, me: u8) -> BTreeSet<u8> {
    (0..count).filter(|peer| *peer != me).collect()
}

/// The perfect detector, with rounds of `delta` ticks and packets that take at
/// most one tick.
pub(super) fn perfect(count: u8, delta: u32) -> Watch<P> {
    let detector = |me| {
        let link = FairLossLink::new(16);
        PerfectDetector::new(Instant::ZERO, link, peers(count, me), TICK * delta)
    };
    Watch {
        detectors: (0..count).map(detector).collect(),
        rebase: P::rebase,
        bound: 1,
        breaks: 0,
        crashes: 1,
        is_accurate: true,
        within: Some(2 * delta as u8 - 1),
    }
}

/// The eventually perfect detector, with rounds of `growth` ticks that grow by
/// as many with each mistake.
pub(super) fn eventually_perfect(growth: u32, breaks: u8) -> Watch<EventuallyP> {
    let detector = |me| {
        let link = FairLossLink::new(16);
        EventuallyPerfectDetector::new(Instant::ZERO, link, peers(2, me), TICK * growth)
    };
    Watch {
        detectors: (0..2).map(detector).collect(),
        rebase: EventuallyP::rebase,
        bound: 1,
        breaks,
        crashes: 1,
        is_accurate: false,
        within: None,
    }
}

/// Every detector, by name.
pub(in crate::check) fn subjects() -> Vec<Subject> {
    vec![
        Subject::new(
            "detector-p",
            "P among two, where the bound on delay holds",
            || perfect(2, 3),
        ),
        Subject::new("detector-p-three", "P among three", || perfect(3, 3)),
        Subject::new(
            "detector-eventually-p-growing",
            "\u{25c7}P with rounds that are too short at first",
            || eventually_perfect(1, 0),
        ),
        Subject::new(
            "detector-eventually-p-broken",
            "\u{25c7}P where the bound is broken twice",
            || eventually_perfect(3, 2),
        ),
    ]
}
