//! Carries out the events of a story.

use super::host::Host;
use super::id::HostId;
use super::queue::Upcoming;
use super::story::Happening;
use super::trace::{Happened, Kind};
use super::world::World;
use crate::time::Duration;

impl World {
    /// Carries out one event of the story.
    pub(super) fn enact(&mut self, happening: Happening) {
        let words = happening.to_string();
        self.trace
            .event(self.now, Kind::Story, None, words.as_bytes());
        if let Some(record) = &mut self.trace.record {
            record.push(self.now, None, None, Happened::Story(words));
        }
        match happening {
            Happening::Crash(host) => self.crash(host),
            Happening::Start(host) => {
                if self.host_mut(host).stack().is_none() {
                    self.start(host);
                }
            }
            Happening::Restart(host) => {
                self.crash(host);
                self.start(host);
            }
            Happening::Pause(host, time) => {
                let until = self.now + time;
                self.disturbed_at = self.disturbed_at.max(until);
                let paused = self.host_mut(host);
                paused.paused_until = paused.paused_until.max(until);
                paused.woken_at = None;
                self.wake(host, until);
            }
            Happening::ClockAhead(host, time) => {
                self.host_mut(host).clock.jump(nanos(time));
                self.turn(host);
            }
            Happening::ClockBack(host, time) => {
                self.disturbed_at = self.disturbed_at.max(self.now + time);
                self.host_mut(host).clock.jump(-nanos(time));
                self.turn(host);
            }
            Happening::Replace(link, path) => self.links[link.0 as usize].path = *path,
            Happening::Cut(link) => self.links[link.0 as usize].is_cut = true,
            Happening::Join(link) => self.links[link.0 as usize].is_cut = false,
            Happening::Heal => {
                for link in &mut self.links {
                    link.is_cut = false;
                    link.path.heal();
                }
            }
        }
    }

    fn crash(&mut self, host: HostId) {
        self.with(host, Host::crash);
        let mut half_open = core::mem::take(&mut self.half_open);
        self.judge.crashed(host, &mut half_open);
        for conn in half_open.drain(..) {
            let due = self.now + self.half_open_bound;
            self.queue.push(due, Upcoming::HalfOpen(conn.0));
        }
        self.half_open = half_open;
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
