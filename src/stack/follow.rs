//! What the host follows up after each event of a connection: whether it has something to send, when it
//! must be looked at, what it has allocated, what its user can try, and whether it has ended.

use super::{Sender, Stack};
use crate::tcp::{Readiness, State};

impl Stack {
    /// Something happened to a connection: it may have something to send, and more may follow.
    pub(super) fn touched(&mut self, slot: u32) {
        self.queue_to_send(slot);
        self.follow_up(slot);
    }

    /// A connection may have something to send.
    #[inline]
    pub(super) fn queue_to_send(&mut self, slot: u32) {
        if let Some(entry) = self.table.at_mut(slot)
            && !core::mem::replace(&mut entry.sending, true)
        {
            match self.is_with_itself(slot) {
                true => self.itself.push(slot),
                false => self.sending.push_back(Sender::Connection(slot)),
            }
        }
    }

    /// The one place where the stack follows up what became of a connection.
    pub(super) fn follow_up(&mut self, slot: u32) {
        self.follow(slot, true);
    }

    /// As [`Stack::follow_up`], inlined where it is a good part of the work. `allocation`: the memory
    /// that the connection has allocated, or whether a user holds it, may have changed.
    #[inline(always)]
    pub(super) fn follow(&mut self, slot: u32, allocation: bool) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if (self.watched || cfg!(debug_assertions))
            && let Err(broken) = entry.tcb.check()
        {
            assert!(self.watched, "{broken}");
            self.broken.get_or_insert(broken);
        }
        // If the deadline has only moved later, the connection is looked at again at the old one.
        if entry.tcb.take_sooner() {
            self.deadlines.update(slot, entry.tcb.look_by());
        }
        debug_assert!(
            entry.tcb.is_silent()
                || self
                    .deadlines
                    .comes_in_time(slot, entry.tcb.next_deadline())
        );
        if let Some((mtu, at)) = entry.tcb.take_path_mtu() {
            let destination = entry.tcb.tuple().remote.ip();
            match mtu {
                Some(mtu) => self.paths.learn(at, destination, mtu),
                None => self.paths.forget(destination),
            }
        }
        if allocation || cfg!(debug_assertions) {
            // A closed connection needs no reset to free its memory.
            let orphan = entry.tcb.is_orphan() && entry.tcb.state() != State::Closed;
            let octets = entry.tcb.heap_size();
            debug_assert!(allocation || entry.charge.is(octets, orphan));
            (self.memory).charge(slot, &mut entry.charge, octets, orphan);
        }
        let readiness = entry.tcb.take_readiness();
        if !readiness.is_none() || entry.tcb.is_silent() {
            self.follow_readiness(slot, readiness);
        }
    }

    /// What has become worth trying on a connection, or that it is closed and silent.
    #[inline(always)]
    fn follow_readiness(&mut self, slot: u32, readiness: Readiness) {
        if readiness.has(Readiness::STATE) {
            self.follow_state(slot);
        }
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if entry.listener.is_none() && !entry.tcb.is_orphan() && !readiness.is_none() {
            if entry.readiness.is_none() {
                self.ready.push_back(slot);
            }
            entry.readiness |= readiness;
        }
        if entry.tcb.is_silent() {
            self.bury(slot);
        }
    }

    /// The state of a connection has changed.
    fn follow_state(&mut self, slot: u32) {
        let id = self.table.id(slot);
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        let state = entry.tcb.state();
        if let Some(listener) = entry.listener
            && !entry.acceptable
            && !matches!(state, State::Listen | State::SynReceived | State::Closed)
            && let Some(listening) = self.listeners.get_mut(listener)
        {
            listening.half_open = listening.half_open.saturating_sub(1);
            entry.acceptable = true;
            listening.accept_queue.push_back(id);
            self.acceptable.push_back(listener);
            self.counters.accepted += 1;
        }
        if state == State::TimeWait {
            self.enter_time_wait(slot);
        }
    }

    /// A connection is closed and silent: its four-tuple becomes free, and everything else once no
    /// user holds it.
    fn bury(&mut self, slot: u32) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if let Some(listening) = entry
            .fast_open
            .take()
            .and_then(|id| self.listeners.get_mut(id))
        {
            listening.end_pending(None);
        }
        let never_accepted = entry.listener.is_some() && !entry.acceptable;
        if never_accepted
            && let Some(listening) = entry.listener.and_then(|id| self.listeners.get_mut(id))
        {
            listening.half_open = listening.half_open.saturating_sub(1);
        }
        let finished = never_accepted || entry.tcb.is_finished();
        if finished {
            (self.memory).charge(slot, &mut entry.charge, 0, false);
            self.counters.count_ended(&entry.tcb);
        }
        self.deadlines.forget(slot);
        self.leave_time_wait(slot);
        if finished {
            self.table.remove(slot);
            self.charge_connections();
        } else {
            self.table.unroute(slot);
        }
    }
}
