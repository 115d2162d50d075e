//! Fair shares among connections that take turns: the next turn is for the one that has had the least.
//!
//! This is start-time fair queueing (Goyal, Vin and Cheng 1996), by octets: turns differ in length, but shares
//! do not. The *mark* is what the connection that was called last had had by then, and accounts never lie below
//! it: a connection that is new or comes back starts at the mark, without a claim to the past, and one that
//! is beyond the mark waits until the others are, too, up to a bound.

use std::collections::BTreeMap;

use crate::stack::ConnId;

/// Connections that wait for a turn, and what they have had.
#[derive(Debug)]
pub(super) struct Shares {
    /// Ordered by what they have had, and then by who came first.
    queue: BTreeMap<(u64, u64), ConnId>,
    /// The place of each of them in that order.
    queued: BTreeMap<ConnId, (u64, u64)>,
    /// How many have waited.
    arrivals: u64,
    /// Of all that have waited, as long as they are open.
    accounts: BTreeMap<ConnId, Account>,
    /// What the one had that was called last, when it was: no account is less.
    mark: u64,
    /// What anybody had beyond the mark counts up to this many octets: none is ever far away.
    most_beyond: u64,
}

/// What a connection has had.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Octets, on the scale of the mark.
    had: u64,
    /// Octets that it had had by then, ever.
    ever: u64,
}

impl Shares {
    /// Nobody waits yet. What anybody had beyond the mark counts up to `most_beyond` octets.
    pub(super) fn new(most_beyond: u64) -> Shares {
        Shares {
            queue: BTreeMap::new(),
            queued: BTreeMap::new(),
            arrivals: 0,
            accounts: BTreeMap::new(),
            mark: 0,
            most_beyond,
        }
    }

    /// Whether nobody waits for a turn.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next one.
    pub(super) fn first(&self) -> Option<ConnId> {
        self.queue.first_key_value().map(|(_, id)| *id)
    }

    /// Lets a connection wait, unless it does already. `ever`: how many octets it has had in all.
    pub(super) fn enqueue(&mut self, id: ConnId, ever: u64) {
        if !self.queued.contains_key(&id) {
            let place = (self.charge(id, ever), self.arrivals);
            self.queue.insert(place, id);
            self.queued.insert(id, place);
            self.arrivals += 1;
        }
    }

    /// What this connection has had.
    fn charge(&mut self, id: ConnId, ever: u64) -> u64 {
        let new = Account {
            had: self.mark,
            ever,
        };
        let account = self.accounts.entry(id).or_insert(new);
        let had = account.had + (ever - account.ever);
        account.had = had.clamp(self.mark, self.mark + self.most_beyond);
        account.ever = ever;
        account.had
    }

    /// The first no longer waits.
    pub(super) fn pop(&mut self) -> Option<ConnId> {
        let ((had, _), id) = self.queue.pop_first()?;
        self.queued.remove(&id);
        self.mark = self.mark.max(had);
        Some(id)
    }

    /// A connection no longer waits.
    pub(super) fn leave(&mut self, id: ConnId) {
        if let Some(place) = self.queued.remove(&id) {
            self.queue.remove(&place);
        }
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, id: ConnId) {
        self.leave(id);
        self.accounts.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::turns::tests::ids;

    const MB: u64 = 1024 * 1024;

    /// The second and the third wait, one of them as if twice.
    fn shares() -> (Shares, [ConnId; 3]) {
        let ids = ids();
        let mut shares = Shares::new(4 * MB);
        [1, 2, 1].iter().for_each(|at| shares.enqueue(ids[*at], 0));
        (shares, ids)
    }

    /// A turn of 4 MB, one of 1, and one of 7: who had the least is next, until all have had as much.
    #[test]
    fn the_next_turn_is_for_who_has_had_the_least() {
        let ids = ids();
        let mut shares = Shares::new(64 * MB);
        let mut ever = [100 * MB, 0, 0];
        let mut had = [0; 3];
        (0..3).for_each(|at| shares.enqueue(ids[at], ever[at]));
        let mut order = Vec::new();
        for _ in 0..12 {
            let id = shares.pop().unwrap();
            let at = ids.iter().position(|it| *it == id).unwrap();
            order.push(at);
            let octets = [4 * MB, MB, 7 * MB][at];
            (ever[at], had[at]) = (ever[at] + octets, had[at] + octets);
            shares.enqueue(id, ever[at]);
        }
        assert_eq!(order, [0, 1, 2, 1, 1, 1, 0, 1, 1, 1, 2, 1]);
        assert_eq!(had, [8 * MB, 8 * MB, 14 * MB]);
    }

    /// A connection that is new or comes back has no claim to what others had before.
    #[test]
    fn who_comes_anew_begins_at_the_mark() {
        let (mut shares, [first, second, third]) = shares();
        assert_eq!((shares.pop(), shares.pop()), (Some(second), Some(third)));
        shares.enqueue(third, 1000);
        assert_eq!(shares.pop(), Some(third));
        assert_eq!(shares.mark, 1000);
        assert_eq!(shares.charge(second, 10), 1000, "it had but 10");
        assert_eq!(shares.charge(first, 5), 1000, "it is new");
        assert_eq!(shares.charge(first, 25), 1020);
    }

    /// A connection that has had turns alone for a long time does not have to wait that long.
    #[test]
    fn what_anybody_had_beyond_the_mark_has_a_bound() {
        let (mut shares, [_, second, _]) = shares();
        assert_eq!(shares.charge(second, 1 << 40), 4 * MB);
        assert_eq!(shares.charge(second, (1 << 40) + 1), 4 * MB);
    }

    #[test]
    fn of_who_is_gone_nothing_is_kept() {
        let (mut shares, [_, second, third]) = shares();
        shares.leave(second);
        assert_eq!(shares.first(), Some(third));
        assert_eq!(shares.accounts.len(), 2, "it may come back");
        [second, third].iter().for_each(|id| shares.forget(*id));
        assert!(shares.is_empty() && shares.queued.is_empty() && shares.accounts.is_empty());
    }
}
