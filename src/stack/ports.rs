//! Local addresses and ports of connections that this host opens.

use core::cell::Cell;
use core::net::SocketAddr;
use std::collections::BTreeSet;

use super::Stack;
use super::error::ConnectError;
use crate::tcp::FourTuple;
use crate::time::Instant;

/// If more ports than this were found taken before a free one, or without any, few are left for the
/// destination, and the next searches must be quick.
const CROWDED: u32 = 64;

impl Stack {
    /// Ends the connection in TIME-WAIT that has this four-tuple, if any, and returns its SND.NXT.
    pub(super) fn replace(&mut self, tuple: FourTuple) -> Option<u32> {
        let slot = self.table.find(&tuple).or_else(|| self.wake(&tuple))?;
        let entry = self.table.at_mut(slot)?;
        let old = entry.tcb.snd_nxt();
        entry.tcb.end_time_wait();
        self.table.unroute(slot);
        self.touched(slot);
        Some(old)
    }

    pub(super) fn choose_local(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<FourTuple, ConnectError> {
        let own = match self.is_own(remote.ip()) {
            true => remote.ip(),
            false => self
                .own_address(remote.is_ipv4())
                .ok_or(ConnectError::FamilyNotConfigured)?,
        };
        let (address, port) = match local {
            None => (own, 0),
            Some(local) if local.ip().is_unspecified() => (own, local.port()),
            Some(local) => (local.ip(), local.port()),
        };
        if !self.is_own(address) || address.is_ipv4() != remote.is_ipv4() {
            return Err(ConnectError::AddressNotAvailable);
        }
        let tuple = |port| FourTuple {
            local: SocketAddr::new(address, port),
            remote,
        };
        if port != 0 {
            let can_be_had = self.is_free(&tuple(port)) || self.gives_way(now, &tuple(port));
            return match can_be_had {
                true => Ok(tuple(port)),
                false => Err(ConnectError::AddressInUse),
            };
        }
        self.draw_tuple(now, tuple)
            .ok_or(ConnectError::AddressNotAvailable)
    }

    /// A four-tuple with an ephemeral port to which no other socket is bound: a free one, or that
    /// of a connection that gives way.
    fn draw_tuple(&mut self, now: Instant, tuple: impl Fn(u16) -> FourTuple) -> Option<FourTuple> {
        let may_draw = |stack: &Stack, port| !stack.reserved_ports.contains(&port);
        let taken = Cell::new(0);
        let free = self.draw_port(|stack, port| {
            if stack.is_taken(&tuple(port)) {
                taken.set(taken.get() + 1);
                return false;
            }
            may_draw(stack, port) && stack.may_have(&tuple(port))
        });
        if taken.get() > CROWDED {
            self.table.remember_crowd(&tuple(0));
            self.at_rest.remember_crowd(&tuple(0));
        }
        let nobody_waits = self.time_wait.is_empty() && self.at_rest.len() == 0;
        if free.is_some() || nobody_waits {
            return free.map(tuple);
        }
        let gives_way =
            |stack: &Stack, port| may_draw(stack, port) && stack.gives_way(now, &tuple(port));
        self.draw_port(gives_way).map(tuple)
    }

    /// Sets the local ports that connections get only if they ask for them, because other sockets are bound
    /// to them. Replaces those set before.
    pub fn reserve_ports(&mut self, ports: BTreeSet<u16>) {
        self.reserved_ports = ports;
    }

    fn is_free(&self, tuple: &FourTuple) -> bool {
        !self.is_taken(tuple) && self.may_have(tuple)
    }

    /// Whether a four-tuple is that of a connection.
    fn is_taken(&self, tuple: &FourTuple) -> bool {
        self.table.is_taken(tuple) || self.at_rest.holds(tuple)
    }

    /// Whether a connection that this host opens may have a four-tuple.
    fn may_have(&self, tuple: &FourTuple) -> bool {
        !self.listeners.has_port(tuple.local.port()) && self.share.owns(tuple)
    }

    /// Whether a four-tuple is that of a connection in TIME-WAIT that may be replaced.
    fn gives_way(&self, now: Instant, tuple: &FourTuple) -> bool {
        let silence = self.config.time_wait_reuse;
        self.may_have(tuple)
            && silence.is_some_and(|silence| {
                self.table.may_be_replaced(tuple, now, silence)
                    || self.at_rest.may_be_replaced(tuple, now, silence)
            })
    }

    /// An ephemeral port that `is_free`: an unpredictable one, or the next free one after it (RFC
    /// 6056 §3.3.1; it reveals nothing about other destinations).
    pub(super) fn draw_port(&mut self, is_free: impl Fn(&Stack, u16) -> bool) -> Option<u16> {
        let (first, last) = self.config.ephemeral_ports;
        let count = u32::from(last - first) + 1;
        let start = (self.draw() % u64::from(count)) as u32;
        (0..count)
            .map(|step| first + ((start + step) % count) as u16)
            .find(|port| is_free(self, *port))
    }
}
