//! Fair shares among connections that take turns: the next turn goes to the connection with the
//! smallest account.
//!
//! This is start-time fair queueing (Goyal, Vin and Cheng 1996), in octets: turns differ in length, but
//! shares do not. Each connection has an account of the octets it has had. The *mark* is the account of the
//! connection that was called last, as it stood then, and no account lies below it. So a connection that is
//! new or comes back starts at the mark, without a claim to the past, and one beyond the mark waits until
//! the others have caught up; how far beyond it may be has a bound.

use std::collections::BTreeMap;

use crate::stack::ConnId;

/// The connections that wait for a turn, and their accounts.
#[derive(Debug)]
pub(super) struct Shares {
    /// Ordered by account, and then by arrival.
    queue: BTreeMap<(u64, u64), ConnId>,
    /// The place of each in that order.
    queued: BTreeMap<ConnId, (u64, u64)>,
    /// Counts arrivals in the queue.
    arrivals: u64,
    /// The accounts of all connections that have waited, as long as they are open.
    accounts: BTreeMap<ConnId, Account>,
    /// The account of the connection that was called last, as it stood then: no account is less.
    mark: u64,
    /// No account lies more than this many octets beyond the mark, so no connection has to wait for
    /// long.
    most_beyond: u64,
}

/// How many octets a connection has had.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// On the scale of the mark.
    had: u64,
    /// In all, when `had` was computed.
    ever: u64,
}

impl Shares {
    /// An empty queue. No account will lie more than `most_beyond` octets beyond the mark.
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

    /// Whether no connection waits for a turn.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The connection that is next.
    pub(super) fn first(&self) -> Option<ConnId> {
        self.queue.first_key_value().map(|(_, id)| *id)
    }

    /// Queues a connection, unless it waits already. `ever`: how many octets it has had in all.
    pub(super) fn enqueue(&mut self, id: ConnId, ever: u64) {
        if !self.queued.contains_key(&id) {
            let place = (self.charge(id, ever), self.arrivals);
            self.queue.insert(place, id);
            self.queued.insert(id, place);
            self.arrivals += 1;
        }
    }

    /// Brings the account of a connection up to date and returns it.
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

    /// Removes and returns the first.
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

    /// A connection is closed.
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

    /// The second and the third wait; the second is queued twice, which counts once.
    fn shares() -> (Shares, [ConnId; 3]) {
        let ids = ids();
        let mut shares = Shares::new(4 * MB);
        [1, 2, 1].iter().for_each(|at| shares.enqueue(ids[*at], 0));
        (shares, ids)
    }

    /// Turns of 4, 1 and 7 MB: the connection that has had the least is always next.
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

    /// A connection that had all the turns for a long time does not have to wait that long.
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
