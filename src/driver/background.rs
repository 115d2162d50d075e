//! The background thread, which leads when no user does.

use core::time::Duration;

use super::engine::Engine;
use super::lead::{Lead, Watch};
use super::parker::Parker;

/// How long nobody leads, after a user has given up the lead, until the background thread does.
/// Long enough for a thread that reads in a loop to come back, short enough for the peers of all
/// others.
const LEASE: Duration = Duration::from_micros(500);

/// How soon users come back who are expected to do so again.
const PROMPT: Duration = Duration::from_micros(100);

/// How often the background thread looks whether somebody leads, while all come back promptly: it
/// looks in vain, and takes processor time from them. From [`LEASE`] the time doubles up to this. It is
/// also how much longer than [`LEASE`] others may have to wait when, all of a sudden, nobody comes back.
const LONGEST_LOOK: Duration = Duration::from_millis(8);

impl Engine {
    /// The background thread: leads when no user does.
    pub(super) fn run(&self) {
        let parker = Parker::current();
        let mut seen = None;
        let mut shared = self.lock();
        shared.background = Some(parker.waker().clone());
        while !shared.may_end() {
            let now = shared.shard.now();
            let absence = self.absence.lasts(now);
            match shared.lead {
                Lead::Background => {
                    let until = shared.abandoned;
                    shared = self.poll_and_turn(shared, Lead::Background, now, until, None);
                }
                Lead::Nobody if absence >= Some(LEASE) => shared.lead = Lead::Background,
                // One user has led for a while: it says when it ends.
                Lead::User(_) if seen.take() == Some(self.absence.leads_ended()) => {
                    shared.watch = Watch::Asleep;
                    self.release(shared);
                    parker.park(None);
                    shared = self.lock();
                    shared.watch = Watch::Timed;
                }
                Lead::User(_) | Lead::Nobody => {
                    self.release(shared);
                    seen = Some(self.watch(&parker));
                    shared = self.lock();
                }
            }
        }
        shared.background = None;
        if shared.abandoned.is_some() && !shared.has_panicked() {
            // Those who were not done in time.
            let now = shared.shard.now();
            shared.stack().abort_all();
            shared.send_due(now);
        }
        self.release(shared);
        if let Some(outbox) = &self.outbox {
            outbox.end();
        }
    }

    /// Looks now and then, without the lock, until no user has led for a [`LEASE`], or the same one
    /// has all the time between two looks; or until woken. Says how many leads had ended by then.
    fn watch(&self, parker: &Parker) -> u64 {
        let mut look = LEASE;
        let mut seen = None;
        loop {
            let ended = self.absence.leads_ended();
            let sleep = match self.absence.lasts(self.clock.now()) {
                Some(absence) if absence >= LEASE => return ended,
                // As long as all come back promptly this one will, too.
                Some(_) if look > LEASE => look,
                Some(absence) => LEASE - absence,
                None if seen == Some(ended) => return ended,
                None => look,
            };
            if parker.park(Some(sleep)) {
                return ended;
            }
            look = match self.absence.take_longest() <= PROMPT {
                true => (look * 2).min(LONGEST_LOOK),
                false => LEASE,
            };
            seen = Some(ended);
        }
    }
}
