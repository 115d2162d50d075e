//! The memory of all buffers together: a budget, and what happens when it runs short.
//!
//! | in use | what happens |
//! |---|---|
//! | half | capacities grow no more, and what is empty gives its memory back at once |
//! | three quarters | text beyond a gap is refused; so are new connections; connections that nobody holds any more are reset, the largest first |
//! | all of it | a buffer that is not empty gets no more; every connection goes on with two kilobytes each way |
//!
//! Nothing that was acknowledged is ever thrown away. What is refused was not acknowledged, and is
//! sent again.

use std::collections::BTreeSet;

use crate::tcp::Allowance;

/// What is in use, and by whom.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    most: usize,
    used: usize,
    /// Connections that nobody holds any more, by the octets they have allocated, if any.
    orphans: BTreeSet<(usize, u32)>,
}

/// What one connection is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charge {
    octets: usize,
    orphan: bool,
}

impl Memory {
    /// A budget of so many octets.
    pub(super) fn new(most: usize) -> Memory {
        Memory {
            most,
            used: 0,
            orphans: BTreeSet::new(),
        }
    }

    /// The connection in `slot` has now allocated `octets`.
    pub(super) fn charge(&mut self, slot: u32, charge: &mut Charge, octets: usize, orphan: bool) {
        let now = Charge { octets, orphan };
        let before = core::mem::replace(charge, now);
        if before == now {
            return;
        }
        self.used = self.used - before.octets + octets;
        if before.orphan {
            self.orphans.remove(&(before.octets, slot));
        }
        if orphan && octets > 0 {
            self.orphans.insert((octets, slot));
        }
    }

    /// What a connection may allocate now.
    pub(super) fn allowance(&self) -> Allowance {
        Allowance {
            text: self.most.saturating_sub(self.used),
            ahead: self.short_at().saturating_sub(self.used),
            plenty: self.used < self.most / 2,
        }
    }

    fn short_at(&self) -> usize {
        self.most / 4 * 3
    }

    /// Whether there is none for new connections.
    pub(super) fn is_short(&self) -> bool {
        self.used >= self.short_at()
    }

    /// The connection to reset so that others go on, if memory is short.
    pub(super) fn largest_orphan(&self) -> Option<u32> {
        if !self.is_short() {
            return None;
        }
        self.orphans.last().map(|(_, slot)| *slot)
    }

    /// Octets in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_orphan_goes_first_and_only_when_memory_is_short() {
        let mut memory = Memory::new(1000);
        let mut charges = [Charge::default(); 4];
        for (slot, octets, orphan) in [(0, 300, false), (1, 100, true), (2, 200, true)] {
            memory.charge(slot, &mut charges[slot as usize], octets, orphan);
        }
        assert_eq!((memory.used(), memory.largest_orphan()), (600, None));
        assert_eq!(memory.allowance().ahead, 150);
        assert!(!memory.allowance().plenty);
        memory.charge(3, &mut charges[3], 150, false);
        assert_eq!(memory.largest_orphan(), Some(2));
        memory.charge(2, &mut charges[2], 0, true);
        assert_eq!((memory.used(), memory.largest_orphan()), (550, None));
        assert_eq!(memory.allowance().text, 450);
    }
}
