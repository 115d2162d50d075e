//! Somebody in the middle of a path, who sees and changes what goes by.

use core::fmt;

use super::path::Direction;
use crate::time::Instant;

/// Somebody in the middle of a path: an adversary, or a device that breaks its contract. Unlike the faults of a
/// path, what they do does not end.
pub trait Middle: Send {
    /// A datagram is about to enter the path. What is appended to `onward` enters instead.
    fn pass(
        &mut self,
        at: Instant,
        direction: Direction,
        datagram: Vec<u8>,
        onward: &mut Vec<Vec<u8>>,
    );
}

impl<F: FnMut(Instant, Direction, Vec<u8>, &mut Vec<Vec<u8>>) + Send> Middle for F {
    fn pass(
        &mut self,
        at: Instant,
        direction: Direction,
        datagram: Vec<u8>,
        onward: &mut Vec<Vec<u8>>,
    ) {
        self(at, direction, datagram, onward);
    }
}

impl fmt::Debug for dyn Middle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Middle")
    }
}
