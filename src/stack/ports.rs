//! Local addresses and ports of connections that this host opens.

use core::net::SocketAddr;
use std::collections::BTreeSet;

use super::Stack;
use super::calls::ConnectError;
use crate::tcp::FourTuple;
use crate::time::Instant;

impl Stack {
    /// Ends the connection in TIME-WAIT that has this four-tuple, if any: its SND.NXT.
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
        let may_draw = |stack: &Stack, port| !stack.reserved_ports.contains(&port);
        self.draw_port(|stack, port| may_draw(stack, port) && stack.is_free(&tuple(port)))
            .or_else(|| {
                let nobody_waits = self.time_wait.is_empty() && self.at_rest.len() == 0;
                if nobody_waits {
                    return None;
                }
                self.draw_port(|stack, port| {
                    may_draw(stack, port) && stack.gives_way(now, &tuple(port))
                })
            })
            .map(tuple)
            .ok_or(ConnectError::AddressNotAvailable)
    }

    /// Local ports that connections do not get unless they ask for them: somebody has bound them.
    /// Those before are free again.
    pub fn reserve_ports(&mut self, ports: BTreeSet<u16>) {
        self.reserved_ports = ports;
    }

    fn is_free(&self, tuple: &FourTuple) -> bool {
        !self.table.is_taken(tuple)
            && !self.at_rest.holds(tuple)
            && !self.listeners.has_port(tuple.local.port())
            && self.share.owns(tuple)
    }

    /// Whether a four-tuple is that of a connection in TIME-WAIT that may be replaced.
    fn gives_way(&self, now: Instant, tuple: &FourTuple) -> bool {
        let silence = self.config.time_wait_reuse;
        !self.listeners.has_port(tuple.local.port())
            && self.share.owns(tuple)
            && silence.is_some_and(|silence| {
                self.table.may_be_replaced(tuple, now, silence)
                    || self.at_rest.may_be_replaced(tuple, now, silence)
            })
    }

    /// An ephemeral port that `is_free`: an unpredictable one, or the next free one after it (RFC
    /// 6056 §3.3.1; nothing about other destinations shows in it).
    pub(super) fn draw_port(&mut self, is_free: impl Fn(&Stack, u16) -> bool) -> Option<u16> {
        let (first, last) = self.config.ephemeral_ports;
        let count = u32::from(last - first) + 1;
        let start = (self.draw() % u64::from(count)) as u32;
        (0..count)
            .map(|step| first + ((start + step) % count) as u16)
            .find(|port| is_free(self, *port))
    }
}
