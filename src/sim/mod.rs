//! A world in a box: what happens in it depends on its seed only.

pub mod medium;
pub mod path;
pub mod random;
