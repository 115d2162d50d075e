//! A turn of the lead: waits for the device, receives while the stack is not locked, and hands up
//! what has arrived.

use core::time::Duration;
use std::mem;
use std::os::fd::AsFd;
use std::thread;

use parking_lot::Mutex;

use super::engine::{Engine, Guard};
use super::intake::Intake;
use super::lead::Lead;
use super::poller;
use super::reading::{Aim, Room};
use super::shard::{BATCHES, Turn};
use super::shared::{Shared, earlier};
use crate::link::DeviceError;
use crate::time::Instant;

/// A turn that has brought this many octets, some of them for the lead, is over: the lead reads them while
/// they are in the cache, and its acknowledgment lets the peer go on. If a turn received everything there
/// is, the peer would fill its window and wait.
const ENOUGH: usize = 128 * 1024;

/// What was received while the lock was free, and then handed up.
struct Arrival {
    /// When the last batch of it was handed up.
    at: Instant,
    /// How many datagrams, and how many octets they have.
    count: usize,
    octets: usize,
    /// Whether there may be more; an error concerns what follows.
    more: Result<bool, DeviceError>,
}

impl Engine {
    /// Unlocks, waits as the lead `me` from `now` until `deadline` at most, locks, and does a turn
    /// if the lead is still `me`. Text may land in `room`. Returns when that was over.
    pub(super) fn poll_and_turn<'a>(
        &'a self,
        mut shared: Guard<'a>,
        me: Lead,
        now: Instant,
        deadline: Option<Instant>,
        room: Option<Room<'_>>,
    ) -> (Guard<'a>, Instant) {
        shared.send_held(now);
        let mut aim = room.and_then(|room| shared.aim(room));
        let turned = match mem::take(&mut shared.more) {
            true => {
                shared.plan_poll(now);
                self.release(shared);
                self.turn(me, false, aim.as_mut())
            }
            false => self.wait_and_turn(shared, me, now, deadline, aim.as_mut()),
        };
        if let Some(aim) = aim {
            aim.end();
        }
        turned
    }

    /// As [`Engine::poll_and_turn`], if nothing is due at once.
    fn wait_and_turn<'a>(
        &'a self,
        mut shared: Guard<'a>,
        me: Lead,
        mut now: Instant,
        deadline: Option<Instant>,
        mut aim: Option<&mut Aim<'_>>,
    ) -> (Guard<'a>, Instant) {
        let mut busy = shared.busy.next(self.busy_poll);
        if self.is_alone
            && !busy.is_zero()
            && shared.may_ask()
            && let Some(intake) = &self.intake
        {
            let last = deadline.map_or(now + busy, |deadline| deadline.min(now + busy));
            let found;
            (shared, now, found) =
                self.give_way_and_turn(shared, intake, me, last, aim.as_deref_mut());
            shared.busy.note(!found);
            if found {
                return (shared, now);
            }
            busy = Duration::ZERO;
        }
        let (until, poll_device) = shared.plan_poll(now);
        let timeout = earlier(until, deadline).map(|until| until - now);
        self.release(shared);
        let kick = match me {
            Lead::User(ticket) => &self.user_kicks[ticket.kick],
            Lead::Background | Lead::Nobody => &self.background_kick,
        };
        let device = poll_device.then_some(self.device.as_fd());
        let mail = self.mail.as_ref().map(AsFd::as_fd);
        let found = poller::wait(device, mail, kick, busy, timeout);
        let (mut shared, now) = self.turn(me, found.device, aim);
        if !busy.is_zero() {
            shared.busy.note(found.slept);
        }
        (shared, now)
    }

    /// Locks and does a turn, if the lead is still `me`. `promised`: the device has something.
    fn turn(&self, me: Lead, promised: bool, aim: Option<&mut Aim<'_>>) -> (Guard<'_>, Instant) {
        if let Some(intake) = &self.intake {
            let mut intake = intake.lock();
            let (mut shared, arrival) = self.receive(&mut intake, me, aim);
            let at = arrival.at;
            self.end_turn(&mut shared, &mut intake, me, promised, arrival);
            let now = shared.end_of_turn(at);
            return (shared, now);
        }
        let mut shared = self.lock();
        match shared.lead == me {
            true => shared.turn(promised, None),
            false => {
                let now = shared.shard.now();
                self.end_turn_of_another(&mut shared, now);
            }
        }
        let now = shared.shard.now();
        (shared, now)
    }

    /// With a single processor nothing arrives while the lead runs. So `me` receives and yields the
    /// processor by turns until `last`, without calling poll(2). (It receives first, because the thread
    /// that its last write woke may have run already.) If something has arrived or is due, it does a turn.
    /// Returns when it last looked, and whether it did a turn.
    fn give_way_and_turn<'a>(
        &'a self,
        mut shared: Guard<'a>,
        intake: &Mutex<Intake>,
        me: Lead,
        last: Instant,
        mut aim: Option<&mut Aim<'_>>,
    ) -> (Guard<'a>, Instant, bool) {
        let mut gives_way = false;
        loop {
            shared.give_way();
            self.release(shared);
            if mem::replace(&mut gives_way, true) {
                thread::yield_now();
            }
            let mut intake = intake.lock();
            let arrival;
            (shared, arrival) = self.receive(&mut intake, me, aim.as_deref_mut());
            let now = arrival.at;
            if shared.returned(me, now) || arrival.count > 0 || arrival.more.is_err() {
                self.end_turn(&mut shared, &mut intake, me, false, arrival);
                let now = shared.end_of_turn(now);
                return (shared, now, true);
            }
            if now >= last {
                return (shared, now, false);
            }
        }
    }

    /// `me` receives while the lock is free, locks, and hands up what has arrived, as much as one turn
    /// may take. If another thread takes the lead meanwhile, it hands up only what it has received
    /// already.
    fn receive(
        &self,
        intake: &mut Intake,
        me: Lead,
        mut aim: Option<&mut Aim<'_>>,
    ) -> (Guard<'_>, Arrival) {
        let mut most = intake.exchange.first();
        let (mut batches, mut count, mut octets) = (0, 0, 0);
        loop {
            let using = self.using_device();
            let answer = intake.receive(most, aim.as_deref_mut());
            drop(using);
            let mut shared = self.lock();
            let at = shared.shard.now();
            batches += 1;
            count += shared.take_in(at, intake, aim.as_deref_mut());
            octets += intake.inlet.batch.taken();
            let is_over = aim.as_ref().is_some_and(|aim| aim.landing.is_over());
            let for_lead = shared.is_lead_concerned();
            let is_over = is_over || for_lead && octets >= ENOUGH;
            // The expected datagram is enough.
            let more = answer.map(|more| more && !(most == 1 && for_lead));
            let goes_on = matches!(more, Ok(true)) && batches < BATCHES && !is_over;
            if goes_on && shared.is_led_by(me) {
                self.release(shared);
                most = usize::MAX;
                continue;
            }
            intake.note(count, for_lead);
            let arrival = Arrival {
                at,
                count,
                octets,
                more,
            };
            return (shared, arrival);
        }
    }

    /// Ends a turn of `me`, if it still leads.
    fn end_turn(
        &self,
        shared: &mut Shared,
        intake: &mut Intake,
        me: Lead,
        promised: bool,
        arrival: Arrival,
    ) {
        let Arrival {
            at,
            count,
            octets,
            more,
        } = arrival;
        if shared.is_led_by(me) {
            shared.shard.end_turn(at, &mut intake.inlet, count);
            let turn = more.map(|more| Turn {
                received: count,
                octets,
                more,
            });
            shared.end_turn(promised, turn);
        } else {
            self.end_turn_of_another(shared, at);
        }
    }

    /// Another thread took the lead since the turn began, and may sleep already. So what became due is
    /// sent here.
    fn end_turn_of_another(&self, shared: &mut Shared, now: Instant) {
        shared.send_due(now);
        if shared.lead_must_look() {
            self.kick(shared.lead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::driver::{memory, start};
    use crate::link::Device;
    use crate::wire::{Control, IpHeader, Packet, TcpHeader, Text, protocol};

    /// The thread that leads by then may sleep, and is not woken for this.
    #[test]
    fn what_one_has_received_who_leads_no_more_is_answered() {
        let (device, mut other_end) = memory::pair(1500).unwrap();
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut engines = start::engines(vec![Box::new(device)], &config).unwrap();
        let engine = engines.remove(0);
        let syn = TcpHeader {
            source_port: 9,
            destination_port: 9,
            control: Control::SYN,
            ..TcpHeader::default()
        };
        let hosts = ["192.0.2.2", "192.0.2.1"].map(|host| host.parse().unwrap());
        let ip = IpHeader::new(hosts[0], hosts[1], protocol::TCP, 64);
        let refused = Packet::tcp(&ip, &syn, Text::EMPTY);
        other_end.send(refused).unwrap();
        let me = Lead::Nobody;
        assert_ne!(engine.lock().lead, me);
        let (shared, _) = engine.turn(me, true, None);
        engine.release(shared);
        let traffic = engine.traffic();
        assert_eq!((traffic.datagrams_in, traffic.datagrams_out), (1, 1));
    }
}
