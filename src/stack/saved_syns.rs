//! The SYNs of connections, for users that want to see them as they came.

use std::collections::BTreeMap;

use super::Stack;
use super::id::ConnId;
use crate::tcp::FourTuple;
use crate::wire::Control;

/// How many may wait in addition to those of existing connections.
const SPARE: usize = 16;

/// The IP and TCP headers of SYNs, by connection.
#[derive(Clone, Debug, Default)]
pub(super) struct SavedSyns {
    /// Some listener wants them, or once did.
    wanted: bool,
    saved: BTreeMap<ConnId, Vec<u8>>,
}

impl SavedSyns {
    /// Notes whether a listener wants them.
    pub(super) fn note(&mut self, wants: bool) {
        self.wanted |= wants;
    }

    /// Whether a segment may be such a SYN.
    pub(super) fn may_want(&self, control: Control) -> bool {
        self.wanted && control.has(Control::SYN) && !control.has(Control::ACK)
    }
}

impl Stack {
    /// The IP and TCP headers of the SYN that opened a connection, once, if its listener saves them
    /// ([`ListenerConfig::saves_syns`](crate::config::ListenerConfig::saves_syns)). There is none if the SYN was
    /// answered with a cookie.
    pub fn take_saved_syn(&mut self, id: ConnId) -> Option<Vec<u8>> {
        self.saved_syns.saved.remove(&id)
    }

    /// The length of those headers, in octets.
    pub fn saved_syn_len(&self, id: ConnId) -> usize {
        self.saved_syns.saved.get(&id).map_or(0, Vec::len)
    }

    /// A SYN with these headers has arrived. Keeps them if it has opened a connection whose listener wants
    /// that.
    pub(super) fn save_syn(&mut self, tuple: &FourTuple, headers: &[u8]) {
        let Some(slot) = self.table.find(tuple) else {
            return;
        };
        let listener = self.table.at(slot).and_then(|entry| entry.listener);
        let listener = listener.and_then(|id| self.listeners.get(id));
        if !listener.is_some_and(|listener| listener.config.saves_syns) {
            return;
        }
        // Forgets the SYNs of connections that are gone, which no user can ask for any more.
        if self.saved_syns.saved.len() > 2 * self.connection_count() + SPARE {
            let table = &self.table;
            self.saved_syns.saved.retain(|id, _| table.holds(*id));
        }
        let id = self.table.id(slot);
        let saved = self.saved_syns.saved.entry(id);
        saved.or_insert_with(|| headers.to_vec());
    }
}
