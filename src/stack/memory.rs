//! The memory that peers and users can make a host hold: a budget, and what happens when it runs
//! short.
//!
//! It counts the buffers of connections and, in any state, the rest of their memory: control blocks,
//! records of TIME-WAIT, places in tables. It also counts the queues of UDP sockets, and fragments
//! that wait for others. Connections without text may take half of it. So there is always room left
//! for text, and connections that are closing need not be reset for room.
//!
//! | in use | what happens |
//! |---|---|
//! | a quarter, by queues of UDP | each holds one datagram, and no more |
//! | half, by connections without buffers | new connections are refused, once none in TIME-WAIT is left to give way |
//! | half | capacities grow no more, and what is empty gives its memory back at once |
//! | three quarters | text beyond a gap is refused; so are new connections; connections that no user holds are reset, the largest first; each queue of UDP holds one datagram, and no more |
//! | all of it | a buffer that is not empty gets no more; every connection goes on with two kilobytes each way |
//!
//! Fragments may take at most an eighth of it, whatever else there is; then the oldest give way
//! (`fragments`). Nothing that was acknowledged is ever thrown away. What is refused was not acknowledged,
//! and is sent again.

use std::collections::BTreeSet;

use crate::tcp::Allowance;

/// What is in use, and for what.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    most: usize,
    /// From this many octets in use on, memory is short.
    short_at: usize,
    /// What each connection may allocate now.
    allowance: Allowance,
    /// Octets in use,
    used: usize,
    /// how many of them connections take without their text,
    at_rest: usize,
    /// how many queues of UDP take,
    datagrams: usize,
    /// and how many fragments take.
    fragments: usize,
    /// Connections that no user holds, by the octets they have allocated, if any.
    orphans: BTreeSet<(usize, u32)>,
}

/// What one connection is charged for its buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charge {
    octets: usize,
    orphan: bool,
}

impl Charge {
    /// Whether it is for this many octets, of an orphan or not.
    pub(super) fn is(self, octets: usize, orphan: bool) -> bool {
        self == Charge { octets, orphan }
    }
}

impl Memory {
    /// A budget of this many octets.
    pub(super) fn new(most: usize) -> Memory {
        let mut memory = Memory {
            most: 0,
            short_at: 0,
            allowance: Allowance::UNLIMITED,
            used: 0,
            at_rest: 0,
            datagrams: 0,
            fragments: 0,
            orphans: BTreeSet::new(),
        };
        memory.limit(most);
        memory
    }

    /// Changes the budget to this many octets, whatever is in use.
    pub(super) fn limit(&mut self, most: usize) {
        (self.most, self.short_at) = (most, most / 4 * 3);
        self.set_used(self.used);
    }

    /// The one place that changes what is in use; what may be allocated follows from it.
    fn set_used(&mut self, used: usize) {
        self.used = used;
        self.allowance = Allowance {
            text: self.most.saturating_sub(used),
            ahead: self.short_at.saturating_sub(used),
            plenty: used < self.most / 2,
        };
    }

    /// The connection in `slot` has now allocated `octets`.
    #[inline(always)]
    pub(super) fn charge(&mut self, slot: u32, charge: &mut Charge, octets: usize, orphan: bool) {
        let now = Charge { octets, orphan };
        if *charge != now {
            self.recharge(slot, core::mem::replace(charge, now), now);
        }
    }

    #[inline]
    fn recharge(&mut self, slot: u32, before: Charge, now: Charge) {
        self.set_used(self.used - before.octets + now.octets);
        if before.orphan {
            self.orphans.remove(&(before.octets, slot));
        }
        if now.orphan && now.octets > 0 {
            self.orphans.insert((now.octets, slot));
        }
    }

    /// All connections now take `octets` without their buffers.
    pub(super) fn charge_at_rest(&mut self, octets: usize) {
        self.set_used(self.used - self.at_rest + octets);
        self.at_rest = octets;
    }

    /// A queue of UDP that took `before` octets takes `now`.
    #[inline]
    pub(super) fn charge_datagrams(&mut self, before: usize, now: usize) {
        if before != now {
            self.set_used(self.used - before + now);
            self.datagrams = self.datagrams - before + now;
        }
    }

    /// All waiting fragments now take `octets`.
    pub(super) fn charge_fragments(&mut self, octets: usize) {
        self.set_used(self.used - self.fragments + octets);
        self.fragments = octets;
    }

    /// Whether a queue of UDP may hold more than one datagram.
    pub(super) fn datagrams_may_wait(&self) -> bool {
        self.datagrams < self.most / 4 && !self.is_short()
    }

    /// What a connection may allocate now.
    #[inline]
    pub(super) fn allowance(&self) -> Allowance {
        self.allowance
    }

    /// Whether connections without text have used up their half.
    pub(super) fn is_crowded(&self) -> bool {
        self.at_rest >= self.most / 2
    }

    /// As [`Memory::is_crowded`], once connections that take this many octets are gone.
    pub(super) fn is_crowded_without(&self, octets: usize) -> bool {
        self.at_rest.saturating_sub(octets) >= self.most / 2
    }

    /// Whether there is no memory for new connections.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        self.used >= self.short_at
    }

    /// The connection to reset so that others go on, if memory is short.
    #[inline]
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

    #[test]
    fn datagrams_and_fragments_count() {
        let mut memory = Memory::new(1000);
        memory.charge_datagrams(0, 249);
        memory.charge_fragments(100);
        assert_eq!((memory.used(), memory.datagrams_may_wait()), (349, true));
        let allowed = memory.allowance();
        assert_eq!(
            (allowed.text, allowed.ahead),
            (651, 401),
            "it is not for text"
        );
        memory.charge_datagrams(49, 50);
        assert!(!memory.datagrams_may_wait(), "a quarter");
        memory.charge_datagrams(250, 0);
        assert!(memory.datagrams_may_wait());
        memory.charge_at_rest(650);
        assert!(!memory.datagrams_may_wait(), "others take three quarters");
        memory.charge_fragments(0);
        assert_eq!(memory.used(), 650);
    }

    #[test]
    fn what_holds_no_text_counts_and_may_take_half() {
        let mut memory = Memory::new(1000);
        memory.charge_at_rest(499);
        memory.charge(0, &mut Charge::default(), 100, false);
        assert!(!memory.is_crowded() && !memory.is_short());
        assert_eq!((memory.used(), memory.allowance().text), (599, 401));
        memory.charge_at_rest(500);
        assert!(memory.is_crowded() && !memory.is_short());
        memory.charge_at_rest(100);
        assert!(!memory.is_crowded());
        assert_eq!(memory.used(), 200);
    }
}
