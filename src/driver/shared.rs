//! What all threads of one stack share, under one lock.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeSet;
use std::mem;
use std::task::Waker;

use super::PollDevice;
use super::shard::Shard;
use super::waiters::{Key, Waiters};
use crate::link::DeviceError;
use crate::stack::{ConnId, Event, ListenerId, Stack};
use crate::time::Instant;

/// Polls in a row that promised something and gave nothing before the device is left alone for a
/// while. A few are innocent: a thread that led before may have taken what was there.
const FRUITLESS_ALLOWED: u32 = 4;

/// The first time for which such a device is left alone; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Why nothing goes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The device is closed for good.
    Device,
    /// The user shut the network down.
    Shutdown,
    /// The user closed this listener.
    Listener,
    /// The stack panicked.
    Panicked,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closed::Device => "the network device is closed",
            Closed::Shutdown => "the network was shut down",
            Closed::Listener => "the listener is closed",
            Closed::Panicked => "the network stack failed",
        })
    }
}

/// Who polls the device and does the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nobody at this moment; the background thread comes soon.
    Nobody,
    /// The background thread.
    Background,
    /// A thread that waits for this.
    User(Key),
}

/// How the background thread waits when it does not lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// It looks again by itself before long.
    Timed,
    /// It sleeps until it is woken.
    Asleep,
}

/// Everything under the lock.
pub(crate) struct Shared {
    pub(super) shard: Shard<Box<dyn PollDevice>>,
    pub(super) waiters: Waiters,
    pub(super) lead: Lead,
    /// How often a user has given up the lead.
    pub(super) leads_ended: u64,
    pub(super) watch: Watch,
    /// What wakes the background thread.
    pub(super) background: Option<Waker>,
    pub(crate) closed: Option<Closed>,
    /// Nobody holds a handle any more: the background thread ends when every connection has
    /// finished, and then at the latest.
    pub(super) abandoned: Option<Instant>,
    /// Connections whose id is valid.
    pub(crate) connections: BTreeSet<ConnId>,
    /// Listeners whose id is valid.
    pub(crate) listeners: BTreeSet<ListenerId>,
    /// The last turn ended at its limits.
    pub(super) more: bool,
    /// When the lead looks at the time again, at the latest; `None`: when it is kicked.
    wake_at: Option<Instant>,
    /// Polls in a row that promised something and gave nothing.
    fruitless: u32,
    /// Until when the device is left alone.
    pause_until: Option<Instant>,
    /// To be woken when the lock is free.
    woken: Vec<Waker>,
    /// Something happened that the user who leads waits for.
    lead_concerned: bool,
}

impl Shared {
    pub(super) fn new(shard: Shard<Box<dyn PollDevice>>) -> Shared {
        Shared {
            shard,
            waiters: Waiters::default(),
            lead: Lead::Background,
            leads_ended: 0,
            watch: Watch::Timed,
            background: None,
            closed: None,
            abandoned: None,
            connections: BTreeSet::new(),
            listeners: BTreeSet::new(),
            more: false,
            wake_at: None,
            fruitless: 0,
            pause_until: None,
            woken: Vec::new(),
            lead_concerned: false,
        }
    }

    /// The stack, for calls of a user.
    pub(crate) fn stack(&mut self) -> &mut Stack {
        self.shard.stack()
    }

    /// Whether anything can still come of waiting for `key`. When the device is closed, what a
    /// connection has received can still be read; when the network is shut down, it cannot.
    pub(super) fn check(&self, key: Key) -> Result<(), Closed> {
        match (key, self.closed) {
            (_, Some(reason @ (Closed::Shutdown | Closed::Panicked))) => Err(reason),
            (Key::Listener(id), closed) if !self.listeners.contains(&id) => {
                Err(closed.unwrap_or(Closed::Listener))
            }
            (Key::Listener(_) | Key::Connection(_) | Key::Finished, _) => Ok(()),
        }
    }

    /// One turn, and its events. `promised`: poll said that the device has something.
    pub(super) fn turn(&mut self, promised: bool) {
        if self.closed.is_some() {
            return;
        }
        match self.shard.turn() {
            Ok(turn) => {
                self.more = turn.more;
                match turn.received {
                    0 if promised => self.fruitless(self.fruitless.saturating_add(1)),
                    0 => {}
                    _ if self.fruitless > 0 => self.fruitless(0),
                    _ => {}
                }
            }
            Err(error) => self.device_failed(error),
        }
        self.dispatch();
    }

    /// After calls of a user: sends what they made due, and dispatches their events.
    pub(crate) fn after_calls(&mut self, now: Instant) {
        if self.closed.is_none() {
            match self.shard.transmit(now) {
                Ok(more) => self.more |= more,
                Err(error) => self.device_failed(error),
            }
        }
        self.dispatch();
    }

    /// Finds those whom the stack's events concern. They are woken when the lock is free: see
    /// [`Shared::take_woken`].
    fn dispatch(&mut self) {
        while let Some(event) = self.shard.stack().poll_event() {
            let key = match event {
                Event::Connection(id, _) => Key::Connection(id),
                Event::Acceptable(id) => Key::Listener(id),
            };
            // Others may wait for the same connection as the lead: one reads, one writes.
            self.lead_concerned |= self.lead == Lead::User(key);
            self.waiters.take(event, &mut self.woken);
        }
        let awaited = self.lead == Lead::User(Key::Finished) || self.waiters.has(Key::Finished);
        if awaited && self.unfinished() == 0 {
            self.wake_key(Key::Finished);
        }
    }

    /// Connections that are still doing something. Looks at all of them.
    pub(crate) fn unfinished(&mut self) -> usize {
        self.shard.stack().unfinished_count()
    }

    fn device_failed(&mut self, error: DeviceError) {
        match error {
            DeviceError::Closed => {
                log::info!("the device is closed");
                self.close(Closed::Device);
            }
            DeviceError::Io(error) => {
                if self.fruitless <= FRUITLESS_ALLOWED {
                    log::warn!("the device failed and is tried again: {error}");
                }
                self.fruitless(self.fruitless.max(FRUITLESS_ALLOWED).saturating_add(1));
            }
        }
    }

    /// So many polls in a row have promised something and given nothing.
    fn fruitless(&mut self, times: u32) {
        self.fruitless = times;
        let now = self.shard.now();
        self.pause_until = pause(times).map(|pause| now + pause);
    }

    /// Nothing goes any more; everybody learns of it.
    pub(crate) fn close(&mut self, reason: Closed) {
        self.closed.get_or_insert(reason);
        self.waiters.take_all(&mut self.woken);
        self.woken.extend(self.background.clone());
        self.lead_concerned = true;
    }

    /// All who wait for `key` are to be woken, the one who leads included.
    pub(crate) fn wake_key(&mut self, key: Key) {
        self.waiters.take_key(key, &mut self.woken);
        self.lead_concerned |= self.lead == Lead::User(key);
    }

    /// If `key` is a listener, the one who has waited longest for it is to be woken.
    pub(super) fn wake_one_if_listener(&mut self, key: Key) {
        if matches!(key, Key::Listener(_)) {
            self.waiters.take_one(key, &mut self.woken);
        }
    }

    /// Whether the background thread has no more to do.
    pub(super) fn may_end(&mut self) -> bool {
        let now = self.shard.now();
        self.closed.is_some()
            || (self.abandoned).is_some_and(|until| until <= now || self.unfinished() == 0)
    }

    /// Whoever sleeps until there is something to lead for is to look: everybody is gone.
    pub(super) fn abandon(&mut self, until: Instant) {
        self.abandoned = Some(until);
        self.woken.extend(self.background.clone());
        self.lead_concerned = true;
    }

    /// A user gives up the lead. The background thread takes it before long.
    pub(super) fn give_up_lead(&mut self) {
        self.lead = Lead::Nobody;
        self.leads_ended += 1;
        if self.watch == Watch::Asleep {
            self.woken.extend(self.background.clone());
        }
    }

    /// Those to wake once the lock is free.
    pub(super) fn take_woken(&mut self) -> Vec<Waker> {
        mem::take(&mut self.woken)
    }

    /// Whether whoever is in poll must come out: what it waits for happened, there is more to
    /// send than one turn sends, or a deadline has come nearer than the time to which it sleeps.
    pub(super) fn lead_must_look(&mut self) -> bool {
        let nearer = match (self.shard.next_deadline(), self.wake_at) {
            (Some(due), Some(wake_at)) => due < wake_at,
            (Some(_), None) => true,
            (None, _) => false,
        };
        mem::take(&mut self.lead_concerned) || self.more || nearer
    }

    /// Until when the lead may poll, and whether the device is to be polled, not left alone.
    ///
    /// A planned time stays even if its deadline is cancelled meanwhile: one early wake-up now
    /// and then costs less than a kick for each retransmission timer that is armed anew.
    pub(super) fn plan_poll(&mut self) -> (Option<Instant>, bool) {
        let now = self.shard.now();
        let planned = self.wake_at.filter(|&at| at > now);
        self.wake_at = earlier(planned, self.shard.next_deadline());
        self.lead_concerned = false;
        let pause = self.pause_until.filter(|&until| until > now);
        (earlier(self.wake_at, pause), pause.is_none())
    }
}

/// The earlier of two times, `None` being never.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// For how long to leave a device alone that has so often promised something and given nothing
/// (an interface that is down may do so).
fn pause(fruitless: u32) -> Option<Duration> {
    let beyond = fruitless.checked_sub(FRUITLESS_ALLOWED + 1)?;
    let factor = 1 << beyond.min(10);
    Some((FIRST_PAUSE * factor).min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_gives_nothing_is_left_alone_ever_longer() {
        let millis = |fruitless| pause(fruitless).map(|pause| pause.as_millis());
        assert_eq!(millis(FRUITLESS_ALLOWED), None);
        assert_eq!(millis(FRUITLESS_ALLOWED + 1), Some(1));
        assert_eq!(millis(FRUITLESS_ALLOWED + 4), Some(8));
        assert_eq!(millis(u32::MAX), Some(1000));
    }
}
