//! Scripts that state what TCP does (docs/DRILL.md): every one under `tests/drill` passes over
//! every family, and those that are wrong on purpose fail for the reason that they say.

mod drill {
    mod broken;
    mod constructs;
    mod corpus;
    mod mutated;
    mod wrong;
}
