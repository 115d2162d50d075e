//! The `stubborn` program.

fn main() {}
