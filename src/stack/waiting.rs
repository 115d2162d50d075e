//! Connections in TIME-WAIT that no user holds: at rest they are kept as a [`TimeWait`], and they
//! wake when something arrives for them.
//!
//! With its route and its deadline, each takes less than 128 octets; and it has no slot among the
//! connections that are awake.

use super::Stack;
use super::chunks::Chunks;
use super::deadlines::Deadlines;
use super::key::Key;
use super::routes::Routes;
use super::secret::TableHasher;
use crate::tcp::{FourTuple, Path, State, Tcb, TimeWait, WakeContext};
use crate::time::{Duration, Instant};

/// The memory of a connection at rest, all included, in octets: `benches/core` measures it.
const TIME_WAIT_AT_REST: usize = 128;

/// The connections at rest.
#[derive(Clone, Debug)]
pub(super) struct AtRest {
    places: Chunks<Place>,
    /// The first free place.
    free: Option<u32>,
    len: usize,
    routes: Routes,
    deadlines: Deadlines,
}

#[derive(Clone, Debug)]
enum Place {
    Taken(TimeWait),
    /// The next free place.
    Free(Option<u32>),
}

impl Place {
    fn waiting(&self) -> Option<&TimeWait> {
        match self {
            Place::Taken(waiting) => Some(waiting),
            Place::Free(_) => None,
        }
    }
}

impl AtRest {
    pub(super) fn new(hasher: TableHasher) -> AtRest {
        AtRest {
            places: Chunks::new(),
            free: None,
            len: 0,
            routes: Routes::new(hasher),
            deadlines: Deadlines::default(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The memory of all of them, in octets.
    fn octets(&self) -> usize {
        self.len * TIME_WAIT_AT_REST
    }

    /// Adds a connection at rest until `expires`; its four-tuple must be free.
    fn insert(&mut self, waiting: TimeWait, expires: Instant) {
        let place = match self.free.and_then(|free| self.places.get_mut(free)) {
            Some(place) => {
                let taken = core::mem::replace(place, Place::Taken(waiting));
                let before = self.free;
                self.free = match taken {
                    Place::Free(next) => next,
                    Place::Taken(_) => None,
                };
                before.unwrap_or_default()
            }
            None => {
                self.places.push(Place::Taken(waiting));
                (self.places.len() - 1) as u32
            }
        };
        self.len += 1;
        let AtRest { places, routes, .. } = self;
        routes.insert(place, |place| key_of(places, place));
        self.deadlines.update(place, Some(expires));
    }

    fn find(&self, tuple: &FourTuple) -> Option<u32> {
        let key = Key::new(tuple);
        (self.routes).find(&key, |place| key_of(&self.places, place))
    }

    /// Whether the connection of a four-tuple is at rest.
    pub(super) fn holds(&self, tuple: &FourTuple) -> bool {
        let key_of = |place| key_of(&self.places, place);
        self.routes.holds(&Key::new(tuple), key_of)
    }

    /// Notes that the local ports for the destination of this four-tuple are nearly used up.
    pub(super) fn remember_crowd(&mut self, tuple: &FourTuple) {
        let AtRest { places, routes, .. } = self;
        routes.remember_crowd(&Key::new(tuple), |place| key_of(places, place));
    }

    /// Whether the connection of a four-tuple may be replaced: see [`Tcb::may_be_replaced`].
    pub(super) fn may_be_replaced(
        &self,
        tuple: &FourTuple,
        now: Instant,
        silence: Duration,
    ) -> bool {
        let place = self.find(tuple).and_then(|place| self.places.get(place));
        place
            .and_then(Place::waiting)
            .is_some_and(|waiting| waiting.may_be_replaced(now, silence))
    }

    /// Removes the connection of a four-tuple, and returns it with the time when it would have
    /// expired.
    fn take(&mut self, tuple: &FourTuple) -> Option<(TimeWait, Instant)> {
        let place = self.find(tuple)?;
        let expires = self.deadlines.registered(place)?;
        self.deadlines.forget(place);
        Some((self.remove(place)?, expires))
    }

    /// Removes a connection that is no longer registered.
    fn remove(&mut self, place: u32) -> Option<TimeWait> {
        let key = key_of(&self.places, place);
        self.routes.remove(&key, place);
        let free = Place::Free(self.free.replace(place));
        self.len -= 1;
        match core::mem::replace(self.places.get_mut(place)?, free) {
            Place::Taken(waiting) => Some(waiting),
            Place::Free(_) => None,
        }
    }

    /// When the first expires; may be early, never late.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Removes those whose 2 MSL are over at `now` (RFC 9293 §3.10.8).
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(place) = self.deadlines.take_due(now, |_, at| Some(at)) {
            self.remove(place);
        }
    }

    /// Removes the one that would expire first. Returns whether there was one.
    fn end_first(&mut self) -> bool {
        let end = Instant::FAR_FUTURE;
        let first = self.deadlines.take_due(end, |_, at| Some(at));
        first.and_then(|place| self.remove(place)).is_some()
    }

    /// Removes all of them.
    pub(super) fn clear(&mut self) {
        while self.end_first() {}
    }

    /// Each, and when it expires.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TimeWait, Instant)> {
        let places = (0u32..).zip(self.places.iter());
        places
            .filter_map(|(place, held)| Some((held.waiting()?, self.deadlines.registered(place)?)))
    }
}

/// The four-tuple of the connection in a place. Every place with a route is occupied.
fn key_of(places: &Chunks<Place>, place: u32) -> Key {
    let waiting = places.get(place).and_then(Place::waiting);
    Key::new(&waiting.expect("a route leads to a connection").tuple())
}

impl Stack {
    /// The connection in `slot` has nothing to send. If only TIME-WAIT is left of it, it goes to
    /// rest, and its slot becomes free.
    pub(super) fn put_to_rest(&mut self, slot: u32) {
        let Some(entry) =
            (self.table.at_mut(slot)).filter(|entry| entry.tcb.state() == State::TimeWait)
        else {
            return;
        };
        let Some((waiting, expires)) = entry.tcb.to_time_wait() else {
            return;
        };
        (self.memory).charge(slot, &mut entry.charge, 0, false);
        self.counters.count_ended(&entry.tcb);
        self.leave_time_wait(slot);
        self.deadlines.forget(slot);
        self.table.remove(slot);
        self.at_rest.insert(waiting, expires);
        self.charge_connections();
        self.limit_time_wait();
    }

    /// Wakes the connection of a four-tuple, if it is at rest, and returns its slot.
    pub(super) fn wake(&mut self, tuple: &FourTuple) -> Option<u32> {
        let (waiting, expires) = self.at_rest.take(tuple)?;
        let tcb = self.woken(&waiting, expires);
        Some(self.insert(tcb, None).slot)
    }

    /// Charges for what all connections now take without text.
    pub(super) fn charge_connections(&mut self) {
        let octets = self.table.octets() + self.at_rest.octets();
        self.memory.charge_at_rest(octets);
    }

    /// Removes the connection at rest that would expire first. Returns whether there was one.
    pub(super) fn end_first_at_rest(&mut self) -> bool {
        let has_ended = self.at_rest.end_first();
        self.charge_connections();
        has_ended
    }

    /// The full control block of a connection at rest until `expires`.
    pub(super) fn woken(&self, waiting: &TimeWait, expires: Instant) -> Tcb {
        let tuple = waiting.tuple();
        let name = waiting.congestion_control();
        waiting.wake(&WakeContext {
            expires,
            timestamp_offset: self.secret.timestamp_offset(&tuple),
            controller: self.controllers.find_or_default(name),
            path: Path::new(self.config.mtu, tuple.remote.is_ipv6()),
        })
    }

    /// The connection in `slot` has entered TIME-WAIT.
    pub(super) fn enter_time_wait(&mut self, slot: u32) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if entry.waiting.is_none() {
            let number = self.counted_in.saturating_add(1);
            self.counted_in = number;
            entry.waiting = Some(number);
            self.time_wait.insert(number, slot);
            self.limit_time_wait();
        }
    }

    /// The connection in `slot` has gone to rest, or ended.
    pub(super) fn leave_time_wait(&mut self, slot: u32) {
        let number = self.table.at_mut(slot).and_then(|it| it.waiting.take());
        if let Some(number) = number {
            self.time_wait.remove(&number);
        }
    }

    /// If too many are in TIME-WAIT, ends those that have waited longest.
    fn limit_time_wait(&mut self) {
        while self.time_wait.len() + self.at_rest.len() > self.config.max_time_wait {
            let awake = self.time_wait.first_key_value().map(|(_, slot)| *slot);
            let until = awake.and_then(|slot| self.table.at(slot)?.tcb.next_deadline());
            let at_rest = self.at_rest.next_deadline();
            if at_rest.is_some_and(|at| until.is_none_or(|until| at <= until)) {
                self.end_first_at_rest();
                continue;
            }
            let Some(slot) = awake else {
                return;
            };
            self.leave_time_wait(slot);
            if let Some(entry) = self.table.at_mut(slot) {
                entry.tcb.end_time_wait();
                self.touched(slot);
            }
        }
    }
}
