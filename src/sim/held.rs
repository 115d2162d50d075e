//! Which application of a host holds which connections and listeners.

use super::ends::Conn;
use crate::stack::{ConnId, ListenerId};

/// Connections whose places are looked at in one turn.
const LOOKS: usize = 8;

/// Who holds what at a host.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// In the order of their ids.
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

    /// Some of the connections, all of them one after the other.
    pub(super) fn some(&mut self) -> impl Iterator<Item = Conn> {
        let len = self.conns.len();
        let first = self.next_look;
        self.next_look = (first + LOOKS) % len.max(1);
        (0..len.min(LOOKS)).map(move |step| self.conns[(first + step) % len].1)
    }
}
