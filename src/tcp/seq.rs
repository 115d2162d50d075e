//! Places in the sequence space, 64 bits wide.
//!
//! On the wire a sequence number has 32 bits and wraps. Inside the stack a place is an ordinary
//! number that never wraps, so `<` is `<`. [`Seq::near`] is the only wrap-around arithmetic in the
//! crate: it widens a number from the wire to the place closest to one that is already known.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::{Add, AddAssign, Sub};

/// A place in the sequence space of one direction of one connection.
///
/// Its low 32 bits are the sequence number on the wire (RFC 9293 §3.4). Prints as that number.
/// Never zero, so that a place that may be missing takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// This place, or the first of all if it would be zero: no connection comes near that.
    const fn at(place: u64) -> Seq {
        match NonZeroU64::new(place) {
            Some(place) => Seq(place),
            None => Seq(NonZeroU64::MIN),
        }
    }

    /// The place of an initial sequence number: one lap up, so that the places just before it
    /// exist too.
    pub const fn initial(wire: u32) -> Seq {
        Seq::at((1 << 32) + wire as u64)
    }

    /// The place closest to `self` whose number on the wire is `wire`: at most 2^31 away.
    #[must_use]
    pub const fn near(self, wire: u32) -> Seq {
        let distance = wire.wrapping_sub(self.wire()).cast_signed();
        Seq::at(self.0.get().wrapping_add_signed(distance as i64))
    }

    /// The number on the wire.
    pub const fn wire(self) -> u32 {
        self.0.get() as u32
    }

    /// How far `self` lies beyond `other`; zero if it does not.
    pub const fn saturating_since(self, other: Seq) -> usize {
        self.0.get().saturating_sub(other.0.get()) as usize
    }

    /// The place `octets` before this one.
    #[must_use]
    pub const fn before(self, octets: usize) -> Seq {
        Seq::at(self.0.get().saturating_sub(octets as u64))
    }

    /// Where this place lies in a ring of `size` octets (a power of two).
    pub(crate) const fn index(self, size: usize) -> usize {
        self.0.get() as usize & (size - 1)
    }
}

impl Add<usize> for Seq {
    type Output = Seq;
    fn add(self, octets: usize) -> Seq {
        Seq(self.0.saturating_add(octets as u64))
    }
}

impl AddAssign<usize> for Seq {
    fn add_assign(&mut self, octets: usize) {
        *self = *self + octets;
    }
}

impl Sub for Seq {
    type Output = usize;

    /// How many octets from `other` to `self`, which must not lie before it.
    fn sub(self, other: Seq) -> usize {
        debug_assert!(self >= other, "{self:?} lies before {other:?}");
        self.saturating_since(other)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wire().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_wraps_forwards_and_backwards() {
        let top = Seq::initial(u32::MAX);
        assert_eq!(top.near(0), top + 1);
        assert_eq!((top + 1).near(u32::MAX), top);
        assert_eq!(top.near(u32::MAX), top);
    }

    #[test]
    fn places_before_the_initial_one_exist() {
        let start = Seq::initial(0);
        assert!(start.near(u32::MAX) < start);
        assert_eq!(start.near(u32::MAX).wire(), u32::MAX);
    }

    proptest! {
        #[test]
        fn near_undoes_wire(start: u32, lap in 0usize..1 << 40, away in -(1i64 << 31)..1i64 << 31) {
            let reference = Seq::initial(start) + (1 << 33) + lap;
            let place = Seq::at(reference.0.get().wrapping_add_signed(away));
            prop_assert_eq!(reference.near(place.wire()), place);
        }
    }
}
