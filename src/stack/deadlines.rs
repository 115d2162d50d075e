//! When which connection must be looked at.

use std::collections::BTreeSet;

use crate::time::Instant;

/// The earliest deadline of every connection that has one: O(log n) to move, O(1) to see that
/// nothing is due.
///
/// A deadline that moves later (as the retransmission timer does with every acknowledgment) is
/// left where it was: the connection is looked at once too early, and registered again.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Instant, u32)>,
}

impl Deadlines {
    /// The connection in `slot` is due at `wanted`; `registered` is what is known of it so far.
    pub(super) fn update(
        &mut self,
        slot: u32,
        registered: &mut Option<Instant>,
        wanted: Option<Instant>,
    ) {
        let Some(wanted) = wanted else {
            return;
        };
        if registered.is_some_and(|known| known <= wanted) {
            return;
        }
        self.forget(slot, registered);
        self.queue.insert((wanted, slot));
        *registered = Some(wanted);
    }

    /// The connection in `slot` is gone.
    pub(super) fn forget(&mut self, slot: u32, registered: &mut Option<Instant>) {
        if let Some(known) = registered.take() {
            self.queue.remove(&(known, slot));
        }
    }

    /// The earliest.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes a connection that is due; its registration is over.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<u32> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop_first().map(|(_, slot)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_forward_at_once_and_backward_lazily() {
        let mut deadlines = Deadlines::default();
        let mut registered = None;
        deadlines.update(3, &mut registered, Some(Instant::from_secs(5)));
        deadlines.update(3, &mut registered, Some(Instant::from_secs(9)));
        assert_eq!(
            deadlines.next(),
            Some(Instant::from_secs(5)),
            "early, never late"
        );
        deadlines.update(3, &mut registered, Some(Instant::from_secs(2)));
        assert_eq!(deadlines.next(), Some(Instant::from_secs(2)));
        assert_eq!(deadlines.take_due(Instant::from_secs(1)), None);
        assert_eq!(deadlines.take_due(Instant::from_secs(2)), Some(3));
        assert_eq!(deadlines.next(), None, "one registration at most");
    }
}
