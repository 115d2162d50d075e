//! Code in the middle of a path, which sees and changes the datagrams that pass.

use core::fmt;

use super::path::Direction;
use crate::time::Instant;

/// An adversary, or a device that breaks its contract, in the middle of a path. Unlike the faults of a
/// path, what it does never ends.
pub trait Middle: Send {
    /// Handles a datagram that is about to enter the path. What it appends to `onward` enters
    /// instead.
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
