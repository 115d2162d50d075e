//! The connections (except those in `waiting`): a slab of entries, and a hash table that finds an
//! entry by its four-tuple.

use core::num::NonZeroU64;

use super::flow_label::Flow;
use super::id::{ConnId, ListenerId};
use super::key::Key;
use super::memory::Charge;
use super::routes::Routes;
use super::secret::TableHasher;
use crate::tcp::{FourTuple, Readiness, State, Tcb};
use crate::time::{Duration, Instant};

/// One connection and what the stack keeps of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tcb: Tcb,
    pub(super) generation: u32,
    /// The listener whose queue it is in, until it is accepted.
    pub(super) listener: Option<ListenerId>,
    /// It is in the listener's accept queue, no longer in its SYN queue.
    pub(super) acceptable: bool,
    /// The listener that counts it as opened by Fast Open, until its handshake ends.
    pub(super) fast_open: Option<ListenerId>,
    /// It is in the queue of connections that may have something to send.
    pub(super) sending: bool,
    /// Readiness not yet reported to its user; if there is any, the entry is in the queue of
    /// events.
    pub(super) readiness: Readiness,
    /// Its four-tuple leads here.
    pub(super) routed: bool,
    /// What it is charged for its buffers.
    pub(super) charge: Charge,
    /// Its number in the order of entering TIME-WAIT, if it is there.
    pub(super) waiting: Option<NonZeroU64>,
    /// What its flow label follows from.
    pub(super) flow: Flow,
}

impl Entry {
    /// A new entry.
    fn new(tcb: Tcb, generation: u32, listener: Option<ListenerId>) -> Entry {
        Entry {
            tcb,
            generation,
            listener,
            acceptable: false,
            fast_open: None,
            sending: false,
            readiness: Readiness::NONE,
            routed: true,
            charge: Charge::default(),
            waiting: None,
            flow: Flow::default(),
        }
    }
}

/// The memory counted for a congestion controller, which is on the heap: enough for the largest
/// of ours.
const CONTROLLER: usize = 512;

/// The memory of a place in the table, and in the queues and the timing wheel of the stack, which
/// hold a few numbers for each connection. All of them grow by doubling.
const PLACE: usize = 2 * (size_of::<Option<Box<Entry>>>() + size_of::<u32>() + 64);

/// The memory of a connection without text, in octets: its control block and its places in
/// tables. [`Config::memory`](crate::config::Config::memory) counts it.
pub const CONNECTION_AT_REST: usize = size_of::<Entry>() + CONTROLLER + PLACE;

/// The connections.
#[derive(Clone, Debug)]
pub(super) struct Table {
    entries: Vec<Option<Box<Entry>>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    routes: Routes,
    /// The four-tuple found last: segments of one connection come in a row.
    last: Option<(Key, u32)>,
}

impl Table {
    pub(super) fn new(hasher: TableHasher) -> Table {
        Table {
            entries: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            routes: Routes::new(hasher),
            last: None,
        }
    }

    /// Adds a connection; its four-tuple must be free.
    pub(super) fn insert(&mut self, tcb: Tcb, listener: Option<ListenerId>) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.generations.push(0);
            (self.entries.len() - 1) as u32
        });
        let generation = self.generations[slot as usize];
        // Built directly on the heap, because a control block is large.
        let entry = Box::write(Box::new_uninit(), Entry::new(tcb, generation, listener));
        self.entries[slot as usize] = Some(entry);
        let Table {
            entries, routes, ..
        } = self;
        routes.insert(slot, |slot| key_of(entries, slot));
        ConnId { slot, generation }
    }

    /// Removes a connection; its id, and every other handle on it, is stale from then on.
    pub(super) fn remove(&mut self, slot: u32) {
        self.unroute(slot);
        self.entries[slot as usize] = None;
        let generation = &mut self.generations[slot as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
    }

    /// The four-tuple no longer leads to this connection, which is closed.
    pub(super) fn unroute(&mut self, slot: u32) {
        let Some(entry) = &mut self.entries[slot as usize] else {
            return;
        };
        if core::mem::take(&mut entry.routed) {
            self.routes.remove(&Key::new(&entry.tcb.tuple()), slot);
            self.last = None;
        }
    }

    /// The connection of a four-tuple.
    #[inline]
    pub(super) fn find(&mut self, tuple: &FourTuple) -> Option<u32> {
        self.find_key(Key::new(tuple))
    }

    /// As [`Table::find`], by the sockets of an arriving datagram.
    #[inline]
    pub(super) fn find_key(&mut self, key: Key) -> Option<u32> {
        match &self.last {
            Some((last, slot)) if *last == key => Some(*slot),
            _ => self.find_another(key),
        }
    }

    #[inline(never)]
    fn find_another(&mut self, key: Key) -> Option<u32> {
        let slot = self.look_up(&key)?;
        self.last = Some((key, slot));
        Some(slot)
    }

    #[inline]
    fn look_up(&self, key: &Key) -> Option<u32> {
        (self.routes).find(key, |slot| key_of(&self.entries, slot))
    }

    /// Whether a four-tuple is taken.
    pub(super) fn is_taken(&self, tuple: &FourTuple) -> bool {
        let key_of = |slot| key_of(&self.entries, slot);
        self.routes.holds(&Key::new(tuple), key_of)
    }

    /// Notes that the local ports for the destination of this four-tuple are nearly used up.
    pub(super) fn remember_crowd(&mut self, tuple: &FourTuple) {
        let Table {
            entries, routes, ..
        } = self;
        routes.remember_crowd(&Key::new(tuple), |slot| key_of(entries, slot));
    }

    /// Whether the connection of a four-tuple may be replaced: see [`Tcb::may_be_replaced`].
    pub(super) fn may_be_replaced(
        &self,
        tuple: &FourTuple,
        now: Instant,
        silence: Duration,
    ) -> bool {
        let slot = self.look_up(&Key::new(tuple));
        slot.and_then(|slot| self.at(slot))
            .is_some_and(|entry| entry.tcb.may_be_replaced(now, silence))
    }

    /// The entry in a slot.
    pub(super) fn at(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_deref()
    }

    /// The entry in a slot.
    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)?.as_deref_mut()
    }

    /// The connection of an id.
    ///
    /// # Panics
    /// If the id is not valid any more.
    pub(super) fn get(&self, id: ConnId) -> &Entry {
        self.at(id.slot)
            .filter(|entry| entry.generation == id.generation)
            .unwrap_or_else(|| panic!("{id:?} was closed"))
    }

    /// The connection of an id.
    ///
    /// # Panics
    /// If the id is not valid any more.
    pub(super) fn get_mut(&mut self, id: ConnId) -> &mut Entry {
        self.at_mut(id.slot)
            .filter(|entry| entry.generation == id.generation)
            .unwrap_or_else(|| panic!("{id:?} was closed"))
    }

    /// Whether the connection of an id exists.
    pub(super) fn holds(&self, id: ConnId) -> bool {
        (self.at(id.slot)).is_some_and(|entry| entry.generation == id.generation)
    }

    /// Whether the four-tuple found last was that of the connection in a slot.
    pub(super) fn is_latest(&self, slot: u32) -> bool {
        self.last.as_ref().is_some_and(|(_, last)| *last == slot)
    }

    /// The id of the connection in a slot.
    pub(super) fn id(&self, slot: u32) -> ConnId {
        ConnId {
            slot,
            generation: self.generations[slot as usize],
        }
    }

    /// Every connection, by its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter_map(Option::as_deref)
    }

    /// The slots of the connections for which `is_such` holds.
    fn slots_of(&self, is_such: impl Fn(&Entry) -> bool) -> Vec<u32> {
        let slots = 0..self.entries.len() as u32;
        slots
            .filter(|slot| self.at(*slot).is_some_and(&is_such))
            .collect()
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// The memory of all of them without text, in octets.
    pub(super) fn octets(&self) -> usize {
        self.len() * CONNECTION_AT_REST
    }

    /// The slots of the connections that are neither in TIME-WAIT nor closed.
    pub(super) fn unfinished(&self) -> Vec<u32> {
        let unfinished =
            |entry: &Entry| !matches!(entry.tcb.state(), State::TimeWait | State::Closed);
        self.slots_of(unfinished)
    }

    /// The slots of the connections in a state.
    pub(super) fn slots_in(&self, state: State) -> Vec<u32> {
        self.slots_of(|entry| entry.tcb.state() == state)
    }

    /// The slots of the connections that a listener has not handed out.
    pub(super) fn of_listener(&self, listener: ListenerId) -> Vec<u32> {
        self.slots_of(|entry| entry.listener == Some(listener))
    }
}

/// The four-tuple of the connection in a slot. Every slot with a route is occupied.
#[inline]
fn key_of(entries: &[Option<Box<Entry>>], slot: u32) -> Key {
    let entry = entries[slot as usize].as_ref();
    Key::new(&entry.expect("a route leads to a connection").tcb.tuple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::congestion::{Controllers, Start};

    /// The memory counted for a congestion controller is enough for any of ours.
    #[test]
    fn every_controller_has_room() {
        let start = Start {
            now: Instant::ZERO,
            mss: 1460,
            initial_window: 10,
            srtt: None,
            validation: true,
            slow_start_limit: None,
            in_segments: false,
            leaves_at_once: None,
            hystart: true,
            seed: 0,
        };
        for name in ["reno", "cubic", "bbr", "dctcp"] {
            let kind = name.parse().unwrap();
            let controller = Controllers::default().find_or_default(kind).start(&start);
            let size = size_of_val(&*controller);
            assert!(size <= CONTROLLER, "{name}: {size}");
        }
    }
}
