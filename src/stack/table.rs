//! The connections: a slab of entries, and the way from a four-tuple to one of them.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::Arc;

use super::listener::ListenerId;
use super::memory::Charge;
use super::secret::TableHasher;
use crate::config::TcpConfig;
use crate::tcp::{FourTuple, Readiness, State, Tcb, TimeWait};
use crate::time::{Duration, Instant};

/// A connection of a stack. Valid until the user lets go of it ([`Stack::close`] or
/// [`Stack::abort`]).
///
/// [`Stack::close`]: super::Stack::close
/// [`Stack::abort`]: super::Stack::abort
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(super) slot: u32,
    generation: u32,
}

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
    /// What its user has not been told yet; if any, it is in the queue of events.
    pub(super) readiness: Readiness,
    /// The way from the four-tuple leads here.
    pub(super) routed: bool,
    /// What it is charged for its buffers.
    pub(super) charge: Charge,
    /// It is in the queue of connections in TIME-WAIT.
    pub(super) waiting: bool,
}

impl Entry {
    /// Nothing has happened to it yet.
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
            waiting: false,
        }
    }
}

/// A connection, in either form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Connection<'a> {
    Awake(&'a Entry),
    /// In TIME-WAIT, and nobody holds it.
    AtRest(&'a TimeWait),
}

impl Connection<'_> {
    /// Who it is with, and its state.
    pub(super) fn outline(&self) -> (FourTuple, State) {
        match self {
            Connection::Awake(entry) => (entry.tcb.tuple(), entry.tcb.state()),
            Connection::AtRest(waiting) => (waiting.tuple(), State::TimeWait),
        }
    }
}

/// A four-tuple as few numbers: quick to hash, and small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Both addresses, both ports.
    V4(u64, u32),
    V6([u64; 4], u32),
}

impl Key {
    fn new(tuple: &FourTuple) -> Key {
        let FourTuple { local, remote } = tuple;
        let ports = u32::from(local.port()) << 16 | u32::from(remote.port());
        if let (IpAddr::V4(local), IpAddr::V4(remote)) = (local.ip(), remote.ip()) {
            let addresses = u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits());
            return Key::V4(addresses, ports);
        }
        let halves = |address: IpAddr| {
            let bits = match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
                IpAddr::V6(v6) => v6.to_bits(),
            };
            [(bits >> 64) as u64, bits as u64]
        };
        let ([a, b], [c, d]) = (halves(local.ip()), halves(remote.ip()));
        Key::V6([a, b, c, d], ports)
    }
}

/// What is in a slot.
#[derive(Clone, Debug)]
enum Held {
    Nothing,
    Awake(Box<Entry>),
    AtRest(Box<TimeWait>),
}

impl Held {
    fn connection(&self) -> Option<Connection<'_>> {
        match self {
            Held::Nothing => None,
            Held::Awake(entry) => Some(Connection::Awake(entry)),
            Held::AtRest(waiting) => Some(Connection::AtRest(waiting)),
        }
    }
}

/// A congestion controller, which is on the heap: the largest of ours has room in it.
const CONTROLLER: usize = 512;

/// A place in the table, and in the queues and the timing wheel of the stack, which have a few
/// numbers for each connection; all of them grow by doubling.
const PLACE: usize = 2 * (size_of::<Held>() + size_of::<(Key, u32)>() + 64);

/// What a connection takes that holds no text, in octets: its control block and its places in
/// tables. [`Config::memory`](crate::config::Config::memory) counts it.
pub const CONNECTION_AT_REST: usize = size_of::<Entry>() + CONTROLLER + PLACE;

/// What is left of one in TIME-WAIT that nobody holds.
const TIME_WAIT_AT_REST: usize = size_of::<TimeWait>() + PLACE;

/// The connections.
#[derive(Clone, Debug)]
pub(super) struct Table {
    entries: Vec<Held>,
    generations: Vec<u32>,
    free: Vec<u32>,
    /// How many are at rest.
    resting: usize,
    routes: HashMap<Key, u32, TableHasher>,
    /// How the connection behaves that was added last: the next is likely to do so too.
    config: Arc<TcpConfig>,
    /// The four-tuple found last: segments of one connection come in a row.
    last: Option<(Key, u32)>,
}

impl Table {
    pub(super) fn new(hasher: TableHasher) -> Table {
        Table {
            entries: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            resting: 0,
            routes: HashMap::with_hasher(hasher),
            config: Arc::default(),
            last: None,
        }
    }

    /// Adds a connection; its four-tuple must be free.
    pub(super) fn insert(&mut self, mut tcb: Tcb, listener: Option<ListenerId>) -> ConnId {
        tcb.share_config(&mut self.config);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Held::Nothing);
            self.generations.push(0);
            (self.entries.len() - 1) as u32
        });
        let generation = self.generations[slot as usize];
        self.routes.insert(Key::new(&tcb.tuple()), slot);
        self.entries[slot as usize] = Held::Awake(Box::new(Entry::new(tcb, generation, listener)));
        ConnId { slot, generation }
    }

    /// Nothing but `waiting` is left of a connection.
    pub(super) fn put_to_rest(&mut self, slot: u32, waiting: TimeWait) {
        self.entries[slot as usize] = Held::AtRest(Box::new(waiting));
        self.resting += 1;
    }

    /// The connection in a slot, if it is at rest.
    pub(super) fn at_rest(&self, slot: u32) -> Option<&TimeWait> {
        match &self.entries[slot as usize] {
            Held::AtRest(waiting) => Some(waiting),
            Held::Nothing | Held::Awake(_) => None,
        }
    }

    /// A connection that was at rest is whole again.
    pub(super) fn wake(&mut self, slot: u32, tcb: Tcb) {
        let generation = self.generations[slot as usize];
        let entry = Entry {
            waiting: true,
            ..Entry::new(tcb, generation, None)
        };
        self.entries[slot as usize] = Held::Awake(Box::new(entry));
        self.resting -= 1;
    }

    /// Removes a connection; its id, and every other handle on it, is stale from then on.
    pub(super) fn remove(&mut self, slot: u32) {
        self.unroute(slot);
        self.entries[slot as usize] = Held::Nothing;
        let generation = &mut self.generations[slot as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
    }

    /// The four-tuple no longer leads to this connection, which is closed.
    pub(super) fn unroute(&mut self, slot: u32) {
        let Held::Awake(entry) = &mut self.entries[slot as usize] else {
            return;
        };
        if core::mem::take(&mut entry.routed) {
            self.routes.remove(&Key::new(&entry.tcb.tuple()));
            self.last = None;
        }
    }

    /// The connection of a four-tuple.
    pub(super) fn find(&mut self, tuple: &FourTuple) -> Option<u32> {
        let key = Key::new(tuple);
        match self.last {
            Some((last, slot)) if last == key => Some(slot),
            _ => {
                let slot = *self.routes.get(&key)?;
                self.last = Some((key, slot));
                Some(slot)
            }
        }
    }

    /// Whether a four-tuple is taken.
    pub(super) fn is_taken(&self, tuple: &FourTuple) -> bool {
        self.routes.contains_key(&Key::new(tuple))
    }

    /// Whether the connection of a four-tuple may be replaced: see [`Tcb::may_be_replaced`].
    pub(super) fn may_be_replaced(
        &self,
        tuple: &FourTuple,
        now: Instant,
        silence: Duration,
    ) -> bool {
        let held = self.routes.get(&Key::new(tuple));
        match held.map(|slot| &self.entries[*slot as usize]) {
            Some(Held::Awake(entry)) => entry.tcb.may_be_replaced(now, silence),
            Some(Held::AtRest(waiting)) => waiting.may_be_replaced(now, silence),
            Some(Held::Nothing) | None => false,
        }
    }

    /// The entry in a slot; `None` if its connection is at rest.
    pub(super) fn at(&self, slot: u32) -> Option<&Entry> {
        match &self.entries[slot as usize] {
            Held::Awake(entry) => Some(entry),
            Held::Nothing | Held::AtRest(_) => None,
        }
    }

    /// The entry in a slot; `None` if its connection is at rest.
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        match &mut self.entries[slot as usize] {
            Held::Awake(entry) => Some(entry),
            Held::Nothing | Held::AtRest(_) => None,
        }
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

    /// The id of the connection in a slot.
    pub(super) fn id(&self, slot: u32) -> ConnId {
        ConnId {
            slot,
            generation: self.generations[slot as usize],
        }
    }

    /// Every connection, by its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = Connection<'_>> {
        self.entries.iter().filter_map(Held::connection)
    }

    /// The slots of the connections that are awake, and are such.
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

    /// What all of them take, whatever text they hold, in octets.
    pub(super) fn octets(&self) -> usize {
        (self.len() - self.resting) * CONNECTION_AT_REST + self.resting * TIME_WAIT_AT_REST
    }

    /// The slots of the connections that are neither in TIME-WAIT nor closed.
    pub(super) fn unfinished(&self) -> Vec<u32> {
        let unfinished =
            |entry: &Entry| !matches!(entry.tcb.state(), State::TimeWait | State::Closed);
        self.slots_of(unfinished)
    }

    /// The slots of the connections in a state.
    pub(super) fn slots_in(&self, state: State) -> Vec<u32> {
        let in_state = |held: &Held| held.connection().is_some_and(|it| it.outline().1 == state);
        (0u32..)
            .zip(&self.entries)
            .filter(|(_, held)| in_state(held))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// The slots of the connections that a listener has not handed out.
    pub(super) fn of_listener(&self, listener: ListenerId) -> Vec<u32> {
        self.slots_of(|entry| entry.listener == Some(listener))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::congestion::{Controllers, Start};

    /// What is counted for a congestion controller is as much as any of ours takes.
    #[test]
    fn every_controller_has_room() {
        let start = Start {
            now: Instant::ZERO,
            mss: 1460,
            initial_window: 10,
            srtt: None,
            validation: true,
            slow_start_limit: None,
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
