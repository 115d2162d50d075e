//! What happens in a world besides its datagrams: the story of its faults.

use core::fmt;

use super::host::{Host, HostId};
use super::path::Path;
use super::queue::Upcoming;
use super::trace::{Happened, Kind};
use super::world::{LinkId, World};
use crate::time::Duration;

/// Something that happens at a moment of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A host loses all it knows, and is silent until it starts.
    Crash(HostId),
    /// A host that has crashed starts anew, with a new secret and its applications from their
    /// beginnings.
    Start(HostId),
    /// A host loses all it knows, and starts anew at once.
    Restart(HostId),
    /// A host does nothing for so long, while time goes on and datagrams wait for it.
    Pause(HostId, Duration),
    /// The clock of a host jumps so far ahead.
    ClockAhead(HostId, Duration),
    /// The clock of a host stands still for so long: it was set back, and a clock that its stack
    /// sees never goes back.
    ClockBack(HostId, Duration),
    /// From now on a path is this one. What is under way arrives as it would have.
    Replace(LinkId, Box<Path>),
    /// A path carries nothing, until it is joined or all paths heal.
    Cut(LinkId),
    /// A path that was cut carries datagrams again.
    Join(LinkId),
    /// All paths delay, and do nothing else any more.
    Heal,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Crash(host) => write!(f, "{host} crashes"),
            Happening::Start(host) => write!(f, "{host} starts"),
            Happening::Restart(host) => write!(f, "{host} crashes and starts anew"),
            Happening::Pause(host, time) => write!(f, "{host} pauses for {time:?}"),
            Happening::ClockAhead(host, time) => {
                write!(f, "the clock of {host} jumps {time:?} ahead")
            }
            Happening::ClockBack(host, time) => {
                write!(f, "the clock of {host} stands still for {time:?}")
            }
            Happening::Replace(link, _) => write!(f, "path {link} becomes another"),
            Happening::Cut(link) => write!(f, "path {link} is cut"),
            Happening::Join(link) => write!(f, "path {link} is joined"),
            Happening::Heal => f.write_str("the paths heal"),
        }
    }
}

impl World {
    /// A part of the story happens.
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
