//! The background thread, which leads when no user does.

use core::time::Duration;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::Waker;

use super::engine::Engine;
use super::lead::Lead;
use super::poller;

impl Engine {
    /// The background thread: leads when no user does.
    pub(super) fn run(&self) {
        let mut shared = self.lock();
        shared.background = Some(Waker::from(Arc::clone(&self.background_kick)));
        while !shared.may_end() {
            let now = shared.shard.now();
            match shared.lead {
                Lead::Background => {
                    let until = shared.abandoned;
                    (shared, _) = self.poll_and_turn(shared, Lead::Background, now, until, None);
                }
                Lead::Nobody if shared.alarm.is_due(now) => {
                    shared.lead = Lead::Background;
                    shared.alarm.begin_anew();
                }
                Lead::User(_) | Lead::Nobody => {
                    self.release(shared);
                    self.await_alarm();
                    shared = self.lock();
                }
            }
        }
        shared.background = None;
        if shared.abandoned.is_some() && !shared.has_panicked() {
            // Connections that have not finished in time are reset.
            let now = shared.shard.now();
            shared.abort_all(now);
        }
        self.release(shared);
        if let Some(outbox) = &self.outbox {
            outbox.end();
        }
    }

    /// Sleeps until the alarm goes off or there is a kick.
    fn await_alarm(&self) {
        let alarm = Some(self.alarm.as_fd());
        poller::wait(alarm, None, &self.background_kick, Duration::ZERO, None);
        // EAGAIN: the alarm has not gone off, or a user has put it off since.
        let _ = self.alarm.wait();
    }
}
