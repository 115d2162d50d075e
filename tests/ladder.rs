//! The ladder of links in the simulator: every link keeps its promises over thousands of runs, and
//! breaks those of the next, so that the next is needed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod ladder {
    mod detectors;
    mod documents;
    mod forger;
    mod kinds;
    mod matrix;
    mod picture;
    mod replay;
    mod world;
}
