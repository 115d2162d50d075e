//! Which application of a host holds each connection and listener.

use super::ends::Conn;
use crate::stack::{ConnId, ListenerId};

/// How many connections' sequence spaces are checked in one turn.
const LOOKS: usize = 8;

/// The connections and listeners of a host, and the applications that hold
/// them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Sorted by id.
    conns: Vec<(ConnId, Conn, u32)>,
    pub(super) listeners: Vec<(ListenerId, u32)>,
    next_look: usize,
}

impl Held {
    pub(super) fn insert(&mut self, id: ConnId, conn: Conn, app: u32) {
        let at = self.conns.partition_point(|held| held.0 < id);
        self.conns.insert(at, (id, conn, app));
    }

    pub(super) fn remove(&mut self, id: ConnId) {
        if let Ok(at) = self.conns.binary_search_by_key(&id, |held| held.0) {
            self.conns.remove(at);
        }
    }

    pub(super) fn find(&self, id: ConnId) -> Option<(Conn, u32)> {
        let at = self.conns.binary_search_by_key(&id, |held| held.0).ok()?;
        Some((self.conns[at].1, self.conns[at].2))
    }

    pub(super) fn clear(&mut self) {
        self.conns.clear();
        self.listeners.clear();
    }

    /// Some of the connections; successive calls go round all of them.
    pub(super) fn some(&mut self) -> impl Iterator<Item = Conn> {
        let len = self.conns.len();
        let first = self.next_look;
        self.next_look = (first + LOOKS) % len.max(1);
        (0..len.min(LOOKS)).map(move |step| self.conns[(first + step) % len].1)
    }
}
