//! Connections in TIME-WAIT that nobody holds: at rest they are kept as a [`TimeWait`], and wake
//! when something arrives for them or their time is over.

use super::Stack;
use super::table::ConnId;
use crate::tcp::{Path, Tcb, TimeWait};

impl Stack {
    /// The connection in `slot` has nothing to send: if nothing but TIME-WAIT is left of it, it
    /// goes to rest.
    pub(super) fn put_to_rest(&mut self, slot: u32) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        let Some(waiting) = entry.tcb.to_time_wait() else {
            return;
        };
        (self.memory).charge(slot, &mut entry.charge, 0, false);
        self.counters.count_ended(&entry.tcb);
        self.table.put_to_rest(slot, waiting);
        self.memory.charge_at_rest(self.table.octets());
    }

    /// The connection in `slot` is needed whole, if it is at rest.
    pub(super) fn wake(&mut self, slot: u32) {
        if let Some(waiting) = self.table.at_rest(slot) {
            let tcb = self.woken(waiting);
            self.table.wake(slot, tcb);
            self.memory.charge_at_rest(self.table.octets());
        }
    }

    /// The oldest connection in TIME-WAIT gives way to another, unless somebody holds it: whether it
    /// does.
    pub(super) fn end_oldest_time_wait(&mut self) -> bool {
        let oldest = self.time_wait.front().copied();
        let Some(ConnId { slot, .. }) = oldest.filter(|id| self.table.id(id.slot) == *id) else {
            return false;
        };
        if self.table.at_rest(slot).is_none() {
            return false;
        }
        self.time_wait.pop_front();
        self.wake(slot);
        if let Some(entry) = self.table.at_mut(slot) {
            entry.tcb.end_time_wait();
            self.touched(slot);
        }
        true
    }

    /// A connection at rest, whole.
    pub(super) fn woken(&self, waiting: &TimeWait) -> Tcb {
        let name = waiting.congestion_control();
        let controller = self.controllers.find_or_default(name);
        let is_ipv6 = waiting.tuple().remote.is_ipv6();
        waiting.wake(controller, Path::new(self.config.mtu, is_ipv6))
    }
}
