//! Operations on many connections at once: counting the unfinished ones, and ending all.

use super::Stack;
use crate::tcp::State;

impl Stack {
    /// The number of unfinished connections: neither in TIME-WAIT nor closed. Looks at all of them.
    pub fn unfinished_count(&self) -> usize {
        self.table.unfinished().len()
    }

    /// ABORT of every connection. Those in TIME-WAIT end without a reset (RFC 9293 §3.10.5). Ids stay
    /// valid.
    pub fn abort_all(&mut self) {
        let unfinished = self.table.unfinished();
        self.abort_slots(unfinished);
        self.abort_in(State::TimeWait);
    }

    /// ABORT of every connection in a state. Ids stay valid.
    pub fn abort_in(&mut self, state: State) {
        if state == State::TimeWait {
            self.at_rest.clear();
        }
        let slots = self.table.slots_in(state);
        self.abort_slots(slots);
    }

    fn abort_slots(&mut self, slots: Vec<u32>) {
        for slot in slots {
            if let Some(entry) = self.table.at_mut(slot) {
                entry.tcb.abort();
                self.touched(slot);
            }
        }
    }
}
