//! LISTEN: the listeners, and the connections that wait to be accepted.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU64;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::epoch::Epoch;
use super::id::{ConnId, ListenerId};
use super::secret::Secret;
use crate::config::{FastOpenConfig, ListenerConfig, TcpConfig};
use crate::tcp::FourTuple;
use crate::time::Instant;

/// One listener.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) local: SocketAddr,
    pub(super) config: ListenerConfig,
    /// `config.tcp`, as its connections have it.
    pub(super) tcp: Arc<TcpConfig>,
    /// Whether the user answered on the last connection that it released.
    pub(super) is_answered: bool,
    /// Connections in SYN-RECEIVED.
    pub(super) half_open: usize,
    /// When a SYN was last answered with a cookie.
    pub(super) cookies_sent: Option<Epoch>,
    /// Connections opened by Fast Open whose handshake has not ended.
    pub(super) opened_early: usize,
    /// Until when handshakes that their peers have reset still count.
    resets: VecDeque<Instant>,
    /// Established connections, the first to be accepted first.
    pub(super) accept_queue: VecDeque<ConnId>,
}

impl Listener {
    /// Whether no other connection can wait to be accepted.
    pub(super) fn is_full(&self) -> bool {
        self.accept_queue.len() >= self.config.backlog.max(1)
    }

    /// How many connections opened by Fast Open may await the end of their handshake.
    pub(super) fn fast_open_limit(&self, config: &FastOpenConfig) -> usize {
        match self.config.fast_open {
            0 if config.all_listeners => self.config.backlog.max(1),
            limit => limit,
        }
    }

    /// How many of them do.
    pub(super) fn pending(&self) -> usize {
        self.opened_early + self.resets.len()
    }

    /// The handshake of such a connection has ended. If its peer has reset it, it still counts
    /// until `counts_until`.
    pub(super) fn end_pending(&mut self, counts_until: Option<Instant>) {
        self.opened_early = self.opened_early.saturating_sub(1);
        self.resets.extend(counts_until);
    }

    /// Forgets resets that no longer count.
    pub(super) fn forget_resets(&mut self, now: Instant) {
        while self.resets.front().is_some_and(|until| *until <= now) {
            self.resets.pop_front();
        }
    }
}

/// Hashes what decides the future. Configurations are assumed to be the same, and are not hashed.
impl Hash for Listener {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.local, self.half_open, self.accept_queue.len()).hash(hasher);
        self.is_answered.hash(hasher);
        // How often a slot has been used before makes no difference.
        (self.accept_queue.iter()).for_each(|id| id.slot.hash(hasher));
        (self.cookies_sent, self.opened_early).hash(hasher);
    }
}

/// The listeners.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Listeners {
    listeners: BTreeMap<ListenerId, Listener>,
    by_port: BTreeMap<u16, Vec<ListenerId>>,
    /// How many have ever been opened.
    opened: u64,
}

impl Listeners {
    /// Adds a listener whose address is free.
    pub(super) fn insert(
        &mut self,
        local: SocketAddr,
        config: ListenerConfig,
        tcp: Arc<TcpConfig>,
    ) -> ListenerId {
        let id = ListenerId(NonZeroU64::MIN.saturating_add(self.opened));
        self.opened += 1;
        self.by_port.entry(local.port()).or_default().push(id);
        self.listeners.insert(
            id,
            Listener {
                local,
                config,
                tcp,
                is_answered: false,
                half_open: 0,
                cookies_sent: None,
                opened_early: 0,
                resets: VecDeque::new(),
                accept_queue: VecDeque::new(),
            },
        );
        id
    }

    /// Removes a listener.
    pub(super) fn remove(&mut self, id: ListenerId) {
        let Some(listener) = self.listeners.remove(&id) else {
            return;
        };
        if let Some(ids) = self.by_port.get_mut(&listener.local.port()) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_port.remove(&listener.local.port());
            }
        }
    }

    /// The listener for segments of a connection: one for exactly this address takes precedence
    /// over one for all (RFC 9293 §3.9.1.1, MUST-43). Of several that share an address, a hash with
    /// the peer's address selects one.
    pub(super) fn find(&self, tuple: &FourTuple, secret: &Secret) -> Option<ListenerId> {
        let local = tuple.local;
        let ids = self.by_port.get(&local.port())?;
        let with = |wanted: &dyn Fn(IpAddr) -> bool| {
            let those = || (ids.iter()).filter(|id| wanted(self.listeners[id].local.ip()));
            let index = match those().count() as u64 {
                0 | 1 => 0,
                count => secret.share(tuple.remote) % count,
            };
            those().nth(index as usize).copied()
        };
        with(&|ip| ip == local.ip())
            .or_else(|| with(&|ip| ip.is_unspecified() && ip.is_ipv4() == local.is_ipv4()))
    }

    /// Whether a listener has exactly this address and port, and does not share it with one that
    /// `shares` its own.
    pub(super) fn is_taken(&self, local: SocketAddr, shares: bool) -> bool {
        let mut ids = self.by_port.get(&local.port()).into_iter().flatten();
        ids.any(|id| {
            let other = &self.listeners[id];
            other.local == local && !(shares && other.config.shares_address)
        })
    }

    /// Whether any listener has this port.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.by_port.contains_key(&port)
    }

    /// A listener that has not been closed.
    pub(super) fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.listeners.get(&id)
    }

    /// A listener that has not been closed.
    pub(super) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.listeners.get_mut(&id)
    }
}
