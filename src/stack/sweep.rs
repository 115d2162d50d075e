//! Operations on many connections at once: counting those that are still at work, and ending all.

use super::Stack;
use crate::tcp::State;

impl Stack {
    /// Connections that are still doing something: neither in TIME-WAIT nor closed. Looks at all.
    pub fn unfinished_count(&self) -> usize {
        self.table.unfinished().len()
    }

    /// ABORT of every connection that is still doing something. Ids stay valid.
    pub fn abort_all(&mut self) {
        for slot in self.table.unfinished() {
            if let Some(entry) = self.table.at_mut(slot) {
                entry.tcb.abort();
                self.touched(slot);
            }
        }
    }

    /// ABORT of every connection in a state. Ids stay valid.
    pub fn abort_in(&mut self, state: State) {
        if state == State::TimeWait {
            self.at_rest.clear();
        }
        for slot in self.table.slots_in(state) {
            if let Some(entry) = self.table.at_mut(slot) {
                entry.tcb.abort();
                self.touched(slot);
            }
        }
    }
}
