//! What all threads of one stack share, under one lock: the shard, and its waiters.
//!
//! The methods about the lead are in `leading`; those about turns to read or write long text, in
//! `readers` and `writers`.

mod leading;
mod readers;
mod writers;

use core::time::Duration;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::alarm::Alarm;
use super::busy::Busy;
use super::closed::Closed;
use super::crowd::Crowd;
use super::intake::Intake;
use super::lead::{Lead, USER_KICKS};
use super::mail::Mail;
use super::outbox::{Hand, Outbox, Outlook};
use super::poll_device::PollDevice;
use super::reading::{Aim, Luck, Room};
use super::shard::{Shard, Turn};
use super::turns::{LONG, Turns};
use super::waiters::{Key, Waiters};
use super::waking::Waking;
use super::writers::Writers;
use crate::link::{DeviceError, Run};
use crate::stack::{ConnId, Event, ListenerId, Stack};
use crate::time::Instant;

/// After more polls in a row that promised something and gave nothing, the device is left alone for
/// a while. A few are normal: the previous lead may have taken what was there.
const FRUITLESS_ALLOWED: u32 = 4;

/// How long such a device is left alone at first; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// If more datagrams than this arrive together, there will be much to write,
const MUCH: usize = 2;

/// unless they have this many octets on average: then they bring text, and its acknowledgments are few.
/// But if more wait than a turn takes, and they are not super-segments, all threads wait for the one that
/// receives. Then another processor should write the acknowledgment, because within that call the kernel
/// cuts and queues the next sixty segments.
const FULL: usize = 1024;

/// Everything under the lock.
pub(crate) struct Shared {
    pub(super) shard: Shard<Box<dyn PollDevice>>,
    /// Datagrams from and to other shards, if there are any.
    mail: Option<Mail>,
    pub(super) waiters: Waiters,
    pub(super) waking: Waking,
    pub(super) lead: Lead,
    /// Goes off when no user has led for a while.
    pub(super) alarm: Alarm,
    /// Whether the lead polls busily before it sleeps.
    pub(super) busy: Busy,
    /// How often a user has taken the lead.
    leads_begun: u64,
    /// Kicks that no thread polls.
    free_kicks: Vec<usize>,
    /// Events and turns without anything for the lead, in a row.
    idle_events: u32,
    /// What wakes the background thread.
    pub(super) background: Option<Waker>,
    pub(crate) closed: Option<Closed>,
    /// Set once the last handle is dropped: the background thread ends when every connection has
    /// finished, and at this time at the latest.
    pub(super) abandoned: Option<Instant>,
    /// Connections whose id is valid.
    pub(crate) connections: BTreeSet<ConnId>,
    /// Listeners whose id is valid.
    pub(crate) listeners: BTreeSet<ListenerId>,
    /// The last turn ended at its limits.
    pub(super) more: bool,
    /// Until when the lead sleeps at most; `None`: until it is kicked.
    wake_at: Option<Instant>,
    /// Polls in a row that promised something and gave nothing.
    fruitless: u32,
    /// Until when the device is left alone.
    pause_until: Option<Instant>,
    /// Wakers to wake when the lock is free.
    pub(super) woken: Vec<Waker>,
    /// Something happened that the lead waits for.
    lead_concerned: bool,
    /// A lead that yields the processor and will look again by itself: it need not be kicked as long as
    /// it leads.
    returning: Option<Lead>,
    /// The last turn has sent nothing yet: the lead reads first.
    held: bool,
    /// Packets to be written when the lock is free; `None`: they are written at once.
    outbox: Option<Arc<Outbox>>,
    /// What has departed since the lock was taken.
    departed: Run,
    /// How much will have to be written, judged by what the last turn brought.
    outlook: Outlook,
    /// Whether connections come and go, several at once.
    crowd: Crowd,
    /// The connection that was accepted last.
    accepted: Option<ConnId>,
    /// Whether text lands as expected.
    luck: Luck,
    /// Turns to read long text.
    pub(super) turns: Turns,
    /// Turns to write long text.
    pub(super) writers: Writers,
}

impl Shared {
    pub(super) fn new(
        shard: Shard<Box<dyn PollDevice>>,
        mail: Option<Mail>,
        outbox: Option<Arc<Outbox>>,
        alarm: Alarm,
    ) -> Shared {
        Shared {
            shard,
            mail,
            waiters: Waiters::default(),
            waking: Waking::default(),
            lead: Lead::Background,
            alarm,
            busy: Busy::default(),
            leads_begun: 0,
            free_kicks: (0..USER_KICKS).collect(),
            idle_events: 0,
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
            returning: None,
            held: false,
            outbox,
            departed: Run::default(),
            outlook: Outlook::Unknown,
            crowd: Crowd::default(),
            accepted: None,
            luck: Luck::default(),
            turns: Turns::default(),
            writers: Writers::default(),
        }
    }

    /// The stack, for calls of a user.
    pub(crate) fn stack(&mut self) -> &mut Stack {
        self.shard.stack()
    }

    /// Whether it is still of use to wait for `key`. When the device is closed, what a socket has
    /// received can still be read; when the network is shut down, it cannot.
    pub(super) fn check(&self, key: Key) -> Result<(), Closed> {
        match (key, self.closed) {
            (_, Some(reason @ (Closed::Shutdown | Closed::Panicked))) => Err(reason),
            (Key::Listener(id), closed) if !self.listeners.contains(&id) => {
                Err(closed.unwrap_or(Closed::Listener))
            }
            (Key::Listener(_) | Key::Connection(_) | Key::Turn(_), _)
            | (Key::Udp(_) | Key::Finished, _) => Ok(()),
        }
    }

    /// Does one turn, and dispatches its events. `promised`: poll said that the device has
    /// something; `intake`: its receiving half, if it has one.
    pub(super) fn turn(&mut self, promised: bool, intake: Option<&mut Intake>) {
        if self.closed.is_some() {
            return;
        }
        let turn = match intake {
            Some(intake) => self.shard.turn_from(intake),
            None => self.shard.turn(),
        };
        self.end_turn(promised, turn);
    }

    /// Hands up what was received while the lock was free, and dispatches the events.
    pub(super) fn take_in(
        &mut self,
        now: Instant,
        intake: &mut Intake,
        mut aim: Option<&mut Aim<'_>>,
    ) -> usize {
        if self.closed.is_some() {
            return 0;
        }
        let received = self
            .shard
            .hand_up(now, &mut intake.inlet, aim.as_deref_mut());
        if let Some(aim) = aim.filter(|_| received > 0) {
            self.luck.note(aim.landing.has_missed());
        }
        self.dispatch();
        received
    }

    /// How to receive into `room`, if what arrives next is expected to be text for it.
    pub(super) fn aim<'a>(&mut self, room: Room<'a>) -> Option<Aim<'a>> {
        let headers = self.shard.headers_of_landing(room.connection)?;
        let aim = Aim::new(headers, room)?;
        self.luck.tries().then_some(aim)
    }

    /// Whether the device may be asked without a promise by poll.
    pub(super) fn may_ask(&self) -> bool {
        self.fruitless == 0
    }

    /// Ends a turn, and dispatches its events.
    pub(super) fn end_turn(&mut self, promised: bool, turn: Result<Turn, DeviceError>) {
        let mut is_idle = true;
        match turn {
            Ok(turn) => {
                self.more = turn.more;
                self.turns.note(turn.received, turn.octets);
                is_idle = turn.received == 0 && !turn.more;
                if turn.received > 0 {
                    self.crowd.note_turn();
                }
                self.outlook = outlook(&turn, self.crowd);
                match turn.received {
                    0 if promised => self.fruitless(self.fruitless.saturating_add(1)),
                    0 => {}
                    _ if self.fruitless > 0 => self.fruitless(0),
                    _ => {}
                }
            }
            Err(error) => self.device_failed(error),
        }
        self.exchange_strays();
        self.dispatch();
        self.call_readers(is_idle);
        // If the lead has what it waits for, it reads first, so that the acknowledgment offers the
        // room that this makes.
        self.held = self.lead_concerned && matches!(self.lead, Lead::User(_));
        if !self.lead_concerned {
            self.idle_events = self.idle_events.saturating_add(1);
        }
        if !self.held {
            let now = self.shard.now();
            self.send_due(now);
        }
    }

    /// The time after a turn that handed up its datagrams `at`. If anything has left since then, or come
    /// from another shard, time must not go back behind that.
    pub(super) fn end_of_turn(&self, at: Instant) -> Instant {
        match self.held && self.mail.is_none() {
            true => at,
            false => self.shard.now(),
        }
    }

    /// Takes in datagrams that other shards have received for this one, and hands over those that
    /// belong to other shards.
    fn exchange_strays(&mut self) {
        let Some(mail) = &self.mail else {
            return;
        };
        let now = self.shard.now();
        let stack = self.shard.stack();
        for stray in mail.collect() {
            stack.receive_stray(now, &stray);
        }
        while let Some(stray) = stack.poll_stray() {
            if !mail.post(stray) {
                stack.count_lost_stray();
            }
        }
    }

    /// Sends what a turn has held back.
    pub(super) fn send_held(&mut self, now: Instant) {
        if self.held {
            self.send_due(now);
        }
    }

    /// Sends what turns and calls of a user made due, and dispatches the events.
    pub(crate) fn send_due(&mut self, now: Instant) {
        self.held = false;
        // Otherwise the thread that makes room calls this again.
        let has_room = (self.outbox.as_ref()).is_none_or(|outbox| outbox.has_room());
        if self.closed.is_none() && has_room {
            match self.let_depart(now) {
                Ok(more) => self.more |= more,
                Err(error) => self.device_failed(error),
            }
        }
        self.dispatch();
    }

    /// Lets what is due depart, up to the limit of a turn. Returns whether the limit was reached.
    fn let_depart(&mut self, now: Instant) -> Result<bool, DeviceError> {
        let Some(outbox) = &self.outbox else {
            return self.shard.transmit(now);
        };
        let departed = &mut self.departed;
        self.shard.collect(now, |packet| {
            departed.push(packet);
            outbox.begin(departed);
        })
    }

    /// ABORT of every connection. All that is due departs now, because there will be no later call; if the
    /// device has closed, it is lost.
    pub(crate) fn abort_all(&mut self, now: Instant) {
        self.stack().abort_all();
        loop {
            match self.let_depart(now) {
                Ok(true) => {}
                Ok(false) => break,
                // One datagram is lost; the others are tried.
                Err(error) => self.device_failed(error),
            }
        }
        self.dispatch();
    }

    /// Moves what has departed into the outbox. If this returns a hand, the caller must write it
    /// when the lock is free.
    pub(super) fn hand_over(&mut self) -> Option<Hand> {
        let outbox = self.outbox.as_ref()?;
        outbox.take(&mut self.departed, self.outlook)
    }

    /// Whether connections come and go side by side.
    pub(super) fn crowd(&self) -> Crowd {
        self.crowd
    }

    /// Finds the waiters that the stack's events concern. They are woken when the lock is free: see
    /// [`Shared::take_woken`].
    fn dispatch(&mut self) {
        if self.has_panicked() {
            // All waiters have been woken.
            return;
        }
        while let Some(event) = self.shard.stack().poll_event() {
            if self.waits_for_turn(event) {
                continue;
            }
            let key = match event {
                Event::Connection(id, _) => Key::Connection(id),
                Event::Acceptable(id) => Key::Listener(id),
                Event::Udp(id, _) => Key::Udp(id),
            };
            self.note_state_of_writer(event);
            // Other threads may wait for the same connection as the lead, as one reads and another
            // writes. A connection to accept is for one thread only, which then calls the next.
            let for_lead = matches!(event, Event::Acceptable(_)) && self.lead.is_for(key);
            if !for_lead {
                self.waiters.take(event, &mut self.woken);
            }
            self.note_event(key);
        }
        let awaited = self.lead.is_for(Key::Finished) || self.waiters.is_finish_awaited();
        if awaited && self.unfinished() == 0 {
            self.wake_key(Key::Finished);
        }
    }

    /// The number of connections that have not finished. Looks at all of them.
    pub(crate) fn unfinished(&mut self) -> usize {
        self.shard.stack().unfinished_count()
    }

    pub(super) fn device_failed(&mut self, error: DeviceError) {
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

    /// Notes that this many polls in a row have promised something and given nothing.
    fn fruitless(&mut self, times: u32) {
        self.fruitless = times;
        let now = self.shard.now();
        self.pause_until = pause(times).map(|pause| now + pause);
    }

    /// Ends the stack, and wakes all waiters.
    pub(crate) fn close(&mut self, reason: Closed) {
        self.closed = self.closed.max(Some(reason));
        if reason == Closed::Shutdown {
            // The program may end before the last handle is dropped, and the device with it.
            self.shard.end();
        }
        self.waiters.take_all(&mut self.woken);
        self.woken.extend(self.background.clone());
        self.lead_concerned = true;
    }

    /// Whether the stack is in no known state. It must not be used then, because it might panic again.
    pub(crate) fn has_panicked(&self) -> bool {
        self.closed == Some(Closed::Panicked)
    }

    /// Wakes all waiters for `key`, the lead included.
    pub(crate) fn wake_key(&mut self, key: Key) {
        self.waiters.take_key(key, &mut self.woken);
        self.lead_concerned |= self.lead.is_for(key);
    }

    /// A waiter has looked for a connection to accept: if more are there, another waiter is called.
    pub(crate) fn has_come(&mut self, id: ListenerId) {
        self.waiters.has_come(id);
        if self.stack().acceptable_count(id) > 0 {
            self.waiters.call_one(id, &mut self.woken);
        }
    }

    /// Notes that a connection is accepted.
    pub(crate) fn note_accepted(&mut self, id: ConnId) {
        let before = self.accepted.replace(id);
        let is_there = before.is_some_and(|id| self.connections.contains(&id));
        self.crowd.note_accepted(is_there);
    }

    /// Whether the background thread has no more to do.
    pub(super) fn may_end(&mut self) -> bool {
        let now = self.shard.now();
        self.closed.is_some()
            || (self.abandoned).is_some_and(|until| until <= now || self.unfinished() == 0)
    }

    /// The last handle is gone: wakes the background thread and the lead, which must look.
    pub(super) fn abandon(&mut self, until: Instant) {
        self.abandoned = Some(until);
        self.woken.extend(self.background.clone());
        self.lead_concerned = true;
    }

    /// Takes the wakers to wake once the lock is free.
    pub(super) fn take_woken(&mut self) -> Vec<Waker> {
        mem::take(&mut self.woken)
    }
}

/// How much will have to be written after such a turn. In a crowd each thread writes the answer of the
/// connection it serves: the writing thread would be called for every second answer, and would run on the
/// processor of one of these threads.
fn outlook(turn: &Turn, crowd: Crowd) -> Outlook {
    let (full, long) = (turn.received * FULL, turn.received * LONG);
    match turn.octets {
        _ if crowd.is_there() => Outlook::Little,
        _ if turn.received <= MUCH => Outlook::Unknown,
        octets if octets < full || turn.more && octets < long => Outlook::Much,
        _ => Outlook::Little,
    }
}

/// The earlier of two times, `None` being never.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// For how long to leave a device alone after this many polls in a row that promised something and
/// gave nothing (as an interface that is down may do).
fn pause(fruitless: u32) -> Option<Duration> {
    let beyond = fruitless.checked_sub(FRUITLESS_ALLOWED + 1)?;
    let factor = 1 << beyond.min(10);
    Some((FIRST_PAUSE * factor).min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::driver::{memory, start};

    pub(super) const NOW: Instant = Instant::ZERO;

    #[test]
    fn a_device_that_gives_nothing_is_left_alone_ever_longer() {
        let millis = |fruitless| pause(fruitless).map(|pause| pause.as_millis());
        assert_eq!(millis(FRUITLESS_ALLOWED), None);
        assert_eq!(millis(FRUITLESS_ALLOWED + 1), Some(1));
        assert_eq!(millis(FRUITLESS_ALLOWED + 4), Some(8));
        assert_eq!(millis(u32::MAX), Some(1000));
    }

    /// A host with a listener, the listener's key, and the other end of the host's device.
    pub(super) fn host() -> (Shared, Key, memory::MemoryDevice) {
        let (device, other_end) = memory::pair(1500).unwrap();
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut shards = start::shards(vec![Box::new(device)], &config).unwrap();
        let (shard, _) = shards.remove(0);
        let mut shared = Shared::new(shard, None, None, Alarm::new().unwrap());
        let local = "192.0.2.1:7".parse().unwrap();
        let id = shared.stack().listen(local, 1).unwrap();
        (shared, Key::Listener(id), other_end)
    }

    /// A turn sends after it has handed up what arrived, so time has passed; not if it has sent nothing.
    #[test]
    fn who_led_a_turn_goes_on_when_it_has_ended() {
        let (mut shared, key, _other_end) = host();
        let at = shared.shard.now();
        shared.end_turn(false, Ok(Turn::default()));
        let sent = shared.shard.now();
        assert!(shared.end_of_turn(at) >= sent);
        let _lead = shared.take_lead(key).expect("nobody leads");
        shared.note_event(key);
        shared.end_turn(false, Ok(Turn::default()));
        assert_eq!(shared.end_of_turn(at), at);
    }

    #[test]
    fn only_many_short_datagrams_have_many_answers() {
        let mut crowd = Crowd::default();
        let outlook_in = |crowd, received, octets, more| {
            let turn = Turn {
                received,
                octets,
                more,
            };
            outlook(&turn, crowd)
        };
        let outlook_with = |received, octets, more| outlook_in(crowd, received, octets, more);
        let outlook = |received, octets| outlook_with(received, octets, false);
        assert_eq!(outlook(0, 0), Outlook::Unknown);
        assert_eq!(outlook(MUCH, MUCH * 64), Outlook::Unknown);
        assert_eq!(outlook(8, 8 * 576), Outlook::Much);
        assert_eq!(outlook(8, 8 * 1500), Outlook::Little);
        assert_eq!(outlook(8, 8 * LONG), Outlook::Little);
        assert_eq!(outlook_with(64, 64 * 1500, true), Outlook::Much);
        assert_eq!(outlook_with(64, 64 * LONG, true), Outlook::Little);
        crowd.note_accepted(true);
        for received in [0, MUCH, 8] {
            let outlook = outlook_in(crowd, received, received * 576, false);
            assert_eq!(outlook, Outlook::Little, "{received} in a crowd");
        }
    }

    #[test]
    fn what_ended_a_network_last_outweighs_what_did_before_unless_it_is_less() {
        let (mut shared, key, _other_end) = host();
        for (reason, closed) in [
            (Closed::Device, Closed::Device),
            (Closed::Panicked, Closed::Panicked),
            (Closed::Shutdown, Closed::Panicked),
        ] {
            shared.close(reason);
            assert_eq!(shared.closed, Some(closed));
        }
        assert_eq!(shared.check(key), Err(Closed::Panicked));
    }

    #[test]
    fn connections_that_are_accepted_side_by_side_are_a_crowd() {
        let (mut shared, _, _other_end) = host();
        for (port, stays, is_crowd) in [(1, false, false), (2, true, false), (3, true, true)] {
            let remote = format!("192.0.2.9:{port}").parse().unwrap();
            let id = shared.stack().connect(NOW, None, remote).unwrap();
            shared.note_accepted(id);
            assert_eq!(shared.crowd.is_there(), is_crowd, "connection {port}");
            if stays {
                shared.connections.insert(id);
            }
        }
    }
}
