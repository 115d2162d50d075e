//! How a connection begins: with a SYN for a listener, or for a connection in TIME-WAIT; and what
//! every OPEN needs to know.

use core::net::IpAddr;
use std::sync::Arc;

use super::arrive::Arrival;
use super::flow_label::Flow;
use super::id::{ConnId, ListenerId};
use super::{CONNECTION_AT_REST, Stack};
use crate::config::TcpConfig;
use crate::tcp::{FastOpen, FourTuple, Open, Path, Tcb};
use crate::time::Instant;
use crate::wire::{Control, Ecn};

/// The configuration of a connection whose SYN had this traffic class: see
/// [`TcpConfig::reflects_traffic_class`].
fn of_syn(of_listener: &Arc<TcpConfig>, traffic_class: u8) -> Arc<TcpConfig> {
    let mut config = Arc::clone(of_listener);
    let without_ecn = Ecn::NotEct.on(traffic_class);
    if config.reflects_traffic_class && config.socket.traffic_class != without_ecn {
        Arc::make_mut(&mut config).socket.traffic_class = without_ecn;
    }
    config
}

impl Stack {
    /// A SYN for a listener. `old`: SND.NXT of the incarnation that it has ended.
    pub(super) fn open_passive(
        &mut self,
        now: Instant,
        id: ListenerId,
        arrival: &Arrival<'_>,
        old: Option<u32>,
    ) {
        let (tuple, syn) = (arrival.tuple, arrival.header);
        let is_full = self.is_full();
        let Some(listener) = self.listeners.get(id) else {
            return;
        };
        if is_full || (listener.is_full() && !self.config.strangers.takes_overflows) {
            self.counters.listen_overflows += 1;
            return;
        }
        let is_queue_full = listener.half_open >= self.config.max_half_open;
        // A cookie as ISS would not lie beyond the old sequence numbers; and a peer that was
        // connected before is not part of a flood.
        if old.is_none() && self.wants_cookie(is_queue_full) {
            return self.answer_with_cookie(now, id, tuple, syn);
        }
        if is_queue_full {
            self.counters.listen_overflows += 1;
            return;
        }
        let fast_open = self.fast_open_server(now, id, arrival);
        let Some(listener) = self.listeners.get(id) else {
            return;
        };
        let (defer_accept, is_answered) = (listener.config.defer_accept, listener.is_answered);
        let config = of_syn(&listener.tcp, arrival.traffic_class);
        let open = Open {
            // The user already has a connection that is accepted early.
            defer_accept: defer_accept.filter(|_| !fast_open.takes_text),
            is_answered,
            fast_open,
            ..self.open(now, &config, tuple, old)
        };
        let mut tcb = Tcb::open_passive(now, &open, arrival.ecn(), syn);
        if fast_open.takes_text {
            tcb.take_syn_text(now, &arrival.text);
        }
        let conn = self.insert(tcb, Some(id));
        match fast_open.takes_text {
            true => self.hand_out_early(id, conn),
            false => {
                if let Some(listener) = self.listeners.get_mut(id) {
                    listener.half_open += 1;
                }
            }
        }
        self.touched(conn.slot);
    }

    /// A SYN opens a new incarnation of the connection in TIME-WAIT in `slot` (RFC 9293 MAY-2). If
    /// there is no room for it, the old one stays, and the peer tries again.
    #[cold]
    #[inline(never)]
    pub(super) fn reopen(
        &mut self,
        now: Instant,
        slot: u32,
        id: ListenerId,
        arrival: &Arrival<'_>,
    ) {
        if !self.has_room_in_place_of(slot, id) {
            self.counters.listen_overflows += 1;
            // Puts it to rest again, if it was.
            return self.touched(slot);
        }
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        let old = entry.tcb.snd_nxt();
        entry.tcb.end_time_wait();
        self.table.unroute(slot);
        self.touched(slot);
        // A SYN with a FIN may end TIME-WAIT, and open nothing.
        if self.config.strangers.drops_syn_fin && arrival.header.control.has(Control::FIN) {
            self.counters.strangers += 1;
            return;
        }
        self.open_passive(now, id, arrival, Some(old));
    }

    /// Whether a listener has room for a handshake that takes the place of the connection in `slot`.
    fn has_room_in_place_of(&mut self, slot: u32, id: ListenerId) -> bool {
        let goes = self.table.at(slot).is_some_and(|it| it.tcb.is_orphan());
        let freed = if goes { CONNECTION_AT_REST } else { 0 };
        while self.memory.is_crowded_without(freed) && self.end_first_at_rest() {}
        let others = self.connection_count() - usize::from(goes);
        let takes_overflows = self.config.strangers.takes_overflows;
        !self.memory.is_short()
            && !self.memory.is_crowded_without(freed)
            && others < self.config.max_connections
            && self.listeners.get(id).is_some_and(|listener| {
                (takes_overflows || !listener.is_full())
                    && listener.half_open < self.config.max_half_open
            })
    }

    /// Whether there is no room for another connection.
    pub(super) fn is_full(&mut self) -> bool {
        while self.memory.is_crowded() && self.end_first_at_rest() {}
        if self.memory.is_crowded() || self.memory.is_short() {
            self.counters.memory_refusals += 1;
            return true;
        }
        self.connection_count() >= self.config.max_connections
    }

    /// What an OPEN needs to know. `old`: SND.NXT of the last incarnation, which the new one must
    /// start beyond (RFC 9293 MUST-8, RFC 6191 §2).
    pub(super) fn open<'a>(
        &self,
        now: Instant,
        config: &'a Arc<TcpConfig>,
        tuple: FourTuple,
        old: Option<u32>,
    ) -> Open<'a> {
        let fixed = config.fixed_iss;
        let iss = fixed.unwrap_or_else(|| self.secret.initial_sequence_number(now, &tuple));
        let iss = match old {
            Some(old) if iss.wrapping_sub(old).cast_signed() <= 0 => old.wrapping_add(64_000),
            _ => iss,
        };
        Open {
            config,
            controller: (self.controllers).find_or_default(config.congestion_control),
            tuple,
            path: self.path(now, tuple.remote.ip()),
            iss,
            timestamp_offset: self.secret.timestamp_offset(&tuple),
            defer_accept: None,
            is_answered: false,
            fast_open: FastOpen::default(),
        }
    }

    /// What is known of the path to a host.
    fn path(&self, now: Instant, destination: IpAddr) -> Path {
        let lifetime = self.config.tcp.path_mtu.raise_after;
        Path {
            learnt: self.paths.get(now, destination, lifetime),
            ..Path::new(self.config.mtu, destination.is_ipv6())
        }
    }

    /// Adds a connection; its four-tuple must be free.
    pub(super) fn insert(&mut self, tcb: Tcb, listener: Option<ListenerId>) -> ConnId {
        let FourTuple { local, remote } = tcb.tuple();
        let id = self.table.insert(tcb, listener);
        self.table.get_mut(id).flow = Flow::new(&self.secret, local, remote);
        self.charge_connections();
        id
    }
}
