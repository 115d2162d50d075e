//! The rules of the house, checked by `cargo test --test tidy`.
//!
//! | rule | file |
//! |---|---|
//! | which module may name which, and which crate | `tidy/arrows.rs` |
//! | no files name each other in a circle | `tidy/circles.rs` |
//! | what the pure modules never name | `tidy/purity.rs` |
//! | a function fits a screen, a file holds one idea | `tidy/lengths.rs` |
//! | a module that maps its files names them all | `tidy/maps.rs` |
//! | nothing unfinished, nothing switched off | `tidy/unfinished.rs` |
//! | the text of the repository | `tidy/prose.rs` |
//! | `docs/RFC.md` is complete and true | `tidy/requirements.rs` |
//! | `docs/THREATS.md` is complete and true | `tidy/threats.rs`, `tidy/rows.rs` |
//! | `docs/BEHAVIOURS.md` is complete and true | `tidy/behaviours.rs`, `tidy/rows.rs` |
//! | each formula in `docs/RECOVERY.md` has its tests | `tidy/formulas.rs` |
//! | every patch of `tests/mutants` applies | `tidy/mutants.rs` |
//! | paths and links in the documents lead somewhere | `tidy/links.rs` |
//!
//! A rule is a function from files to findings. It runs over this repository, and over small
//! samples that break it: a rule that cannot fail protects nothing.

mod tidy {
    mod arrows;
    mod behaviours;
    mod circles;
    mod formulas;
    mod lengths;
    mod links;
    mod maps;
    mod mutants;
    mod prose;
    mod purity;
    mod repository;
    mod requirements;
    mod rows;
    mod rust;
    mod threats;
    mod unfinished;
}
