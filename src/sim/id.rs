//! Hosts and paths of a world, by number.

use core::fmt;

/// A host of a world: the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(super) u16);

/// Hosts are called A, B, C, … as in the figures of the RFC.
impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u8::try_from(self.0) {
            Ok(index) if index < 26 => f.pad(char::from(b'A' + index).encode_utf8(&mut [0; 4])),
            _ => f.pad(&format!("#{}", self.0)),
        }
    }
}

/// A path of a world: the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(super) u32);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
