//! A running shard: its lock, its background thread, and the user threads that wait and lead.
//!
//! Why no wake-up is lost: a thread tries its call and, if that is pending, registers as a waiter
//! or as the lead *under the same lock*. A thread that changes the stack holds the lock, too, and
//! looks for waiters and the lead before it unlocks. A waiter's wake-up and the lead's kick persist
//! until they are consumed, so they may come before the sleep begins.
//!
//! Why few wake-ups are needless: an event wakes only the threads that it concerns, and after unlocking; and the
//! lead is kicked only for an event of its own, or for a deadline earlier than the one until which it sleeps.
//! Needless ones are counted ([`Waking`]).

use core::ops::{Deref, DerefMut};
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::thread;

use nix::sys::timerfd::TimerFd;
use parking_lot::{Mutex, MutexGuard};

use super::alarm::Alarm;
use super::attempt::{Attempt, WaitError};
use super::closed::Closed;
use super::intake::Intake;
use super::lead::{Lead, Ticket, USER_KICKS};
use super::lock::FairMutex;
use super::mail::Mail;
use super::outbox::{Hand, Outbox};
use super::parker::Parker;
use super::poll_device::PollDevice;
use super::poller::Kick;
use super::shard::{Shard, Traffic};
use super::shared::{Shared, earlier};
use super::waiters::{Key, Place, wake_all};
use super::waking::Waking;
use crate::stack::{ConnId, Readiness};
use crate::time::Instant;

/// How long connections may take to finish once the last handle of the network and of its sockets
/// is dropped.
const DRAIN: Duration = Duration::from_secs(5);

/// A running shard.
pub(crate) struct Engine {
    shared: FairMutex<Shared>,
    /// The receiving half of the device, if it has one. A thread that holds it may wait for `shared`,
    /// but not the other way round.
    pub(super) intake: Option<Mutex<Intake>>,
    /// The device's descriptor, to poll while others hold the lock.
    pub(super) device: OwnedFd,
    /// Datagrams that other shards hand over, to be polled as well; `None` if there are no other
    /// shards.
    pub(super) mail: Option<Mail>,
    /// Packets to be written when the lock is free; `None` if the device has no sending half, or there
    /// is only one processor.
    pub(super) outbox: Option<Arc<Outbox>>,
    /// How long a waiting thread polls before it sleeps.
    pub(super) busy_poll: Duration,
    /// There is only one processor: nothing arrives while the lead runs on it.
    pub(super) is_alone: bool,
    /// Readable when no user has led for a while.
    pub(super) alarm: Arc<TimerFd>,
    pub(super) background_kick: Arc<Kick>,
    pub(super) user_kicks: [Kick; USER_KICKS],
}

impl Engine {
    /// The engine of a shard. The descriptor of its device is `device`.
    pub(super) fn new(
        shard: Shard<Box<dyn PollDevice>>,
        device: OwnedFd,
        mail: Option<Mail>,
    ) -> io::Result<Engine> {
        let is_alone = thread::available_parallelism().is_ok_and(|count| count.get() == 1);
        Engine::with(shard, device, mail, is_alone)
    }

    /// As [`Engine::new`]; `is_alone`: there is only one processor.
    fn with(
        mut shard: Shard<Box<dyn PollDevice>>,
        device: OwnedFd,
        mail: Option<Mail>,
        is_alone: bool,
    ) -> io::Result<Engine> {
        // With one processor, no other thread could use the lock while this one writes.
        let outbox = match is_alone {
            true => None,
            false => shard.sender().map(|sender| Arc::new(Outbox::new(sender))),
        };
        let busy_poll = shard.stack().config().busy_poll;
        let intake = shard.intake().map(Mutex::new);
        let alarm = Alarm::new()?;
        let timer = alarm.timer();
        let shared = Shared::new(shard, mail.clone(), outbox.clone(), alarm);
        Ok(Engine {
            intake,
            shared: FairMutex::new(shared),
            outbox,
            device,
            mail,
            busy_poll,
            is_alone,
            alarm: timer,
            background_kick: Arc::new(Kick::new()?),
            user_kicks: [Kick::new()?, Kick::new()?],
        })
    }

    /// Starts the background thread, which ends some time after [`Engine::abandon`], and the writing
    /// thread, which ends with it.
    pub(super) fn start(self: &Arc<Engine>) -> io::Result<()> {
        let spawn = |name: &str, run: fn(&Engine)| {
            let engine = Arc::clone(self);
            let thread = thread::Builder::new().name(name.to_owned());
            let started = thread.spawn(move || run(&engine));
            started.map(drop)
        };
        spawn("stubborn", Engine::run)?;
        if self.outbox.is_some() {
            spawn("stubborn writes", Engine::run_writer)?;
        }
        Ok(())
    }

    /// Makes a call that does not wait.
    pub(crate) fn call<R>(&self, call: impl FnOnce(&mut Shared, Instant) -> R) -> R {
        let mut shared = self.lock();
        let now = shared.shard.now();
        let result = call(&mut shared, now);
        self.finish(shared, now);
        result
    }

    /// Makes a call that does not wait, unless `key` has ended.
    pub(crate) fn call_on<R>(
        &self,
        key: Key,
        call: impl FnOnce(&mut Shared, Instant) -> R,
    ) -> Result<R, Closed> {
        self.call(|shared, now| {
            shared.check(key)?;
            Ok(call(shared, now))
        })
    }

    /// Repeats `attempt` until it has an answer, and in between waits for `interest` in `key`, or
    /// leads. `timeout`: `None` means for ever. A pending attempt must not have changed anything.
    pub(crate) fn wait<T>(
        &self,
        key: Key,
        interest: Readiness,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Shared, Instant) -> Poll<T>,
    ) -> Result<T, WaitError> {
        self.wait_for(key, interest, timeout, &mut attempt)
    }

    /// As [`Engine::wait`]. If the thread leads, text may land in the buffer of the attempt.
    pub(crate) fn wait_for<T>(
        &self,
        key: Key,
        interest: Readiness,
        timeout: Option<Duration>,
        attempt: &mut impl Attempt<T>,
    ) -> Result<T, WaitError> {
        let mut shared = self.lock();
        let mut now = shared.shard.now();
        let deadline = timeout.map(|timeout| now + timeout);
        let writer = attempt.writes();
        let writer = writer.filter(|&(id, len)| shared.takes_turns(id, len, now));
        let mut lead = None;
        let mut displaced = false;
        let mut woken = false;
        let answer = loop {
            if let Err(reason) = shared.check(key) {
                break Err(WaitError::Closed(reason));
            }
            if let Some((id, _)) = writer {
                (shared, now) = self.await_turn(shared, id, &mut lead, now, deadline);
            }
            if let Poll::Ready(value) = attempt.attempt(&mut shared, now) {
                break Ok(value);
            }
            shared.waking.in_vain += u64::from(mem::take(&mut woken));
            if let Some(reason) = shared.closed {
                break Err(WaitError::Closed(reason));
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                break Err(WaitError::TimedOut);
            }
            let until = writer.and_then(|(id, _)| shared.keeps_turn(id, now));
            let until = earlier(until, deadline);
            if !mem::take(&mut displaced) {
                lead = lead.or_else(|| self.take_lead(&mut shared, key));
            }
            (shared, now) = match lead {
                Some(ticket) => {
                    self.poll_and_turn(shared, Lead::User(ticket), now, until, attempt.room())
                }
                None => {
                    let shared = self.park(shared, key, interest, until);
                    let now = shared.shard.now();
                    woken = until.is_none_or(|until| now < until);
                    (shared, now)
                }
            };
            // Another thread may have taken the lead meanwhile.
            if let Some(ticket) = lead.take_if(|ticket| shared.lead != Lead::User(*ticket)) {
                shared.give_up_lead(ticket, now);
                // This thread was idle as the lead, so it sleeps until an event of its own.
                displaced = true;
            }
        };
        if let Some(ticket) = lead {
            shared.give_up_lead(ticket, now);
        }
        self.finish(shared, now);
        answer
    }

    /// Waits until it is the turn of `id` to have long text written, or until `deadline`. A thread that leads gives
    /// up the lead to wait.
    fn await_turn<'a>(
        &'a self,
        mut shared: Guard<'a>,
        id: ConnId,
        lead: &mut Option<Ticket>,
        mut now: Instant,
        deadline: Option<Instant>,
    ) -> (Guard<'a>, Instant) {
        while shared.closed.is_none() && !shared.takes_turn(id, now) {
            if let Some(ticket) = lead.take() {
                shared.give_up_lead(ticket, now);
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                shared.leave_turns(id);
                break;
            }
            let until = earlier(shared.writers.watch(id), deadline);
            shared = self.park(shared, Key::Turn(id), Readiness::NONE, until);
            now = shared.shard.now();
        }
        (shared, now)
    }

    /// There will be no more calls: the background thread ends as soon as every connection has
    /// finished, or some seconds from now.
    pub(crate) fn abandon(&self) {
        self.call(|shared, now| shared.abandon(now + DRAIN));
    }

    /// How often threads slept here, and how often in vain.
    pub(crate) fn waking(&self) -> Waking {
        self.lock().waking
    }

    /// The traffic through the device so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.lock().shard.traffic()
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        Guard {
            engine: self,
            shared: self.shared.lock(),
            was_panicking: thread::panicking(),
        }
    }

    /// A guard to hold while using a half of the device without the lock.
    pub(super) fn using_device(&self) -> Using<'_> {
        Using {
            engine: self,
            was_panicking: thread::panicking(),
        }
    }

    /// A thread panics while it changes the stack or uses the device: this ends the network, and
    /// wakes all waiters.
    fn fail(&self, shared: &mut MutexGuard<'_, Shared>) {
        shared.close(Closed::Panicked);
        let woken = shared.take_woken();
        MutexGuard::unlocked(shared, || wake_all(woken));
        self.kick(shared.lead);
        if let Some(outbox) = &self.outbox {
            outbox.fail();
        }
    }

    /// Ends a call of a user: sends what is due, unlocks, and wakes the threads that are concerned.
    fn finish(&self, mut shared: Guard<'_>, now: Instant) {
        let lead = shared.lead;
        shared.send_due(now);
        if shared.wants_assistance() {
            match self.intake.as_ref().map(Mutex::try_lock) {
                None => shared.assist(None, now),
                Some(Some(mut intake)) => shared.assist(Some(&mut intake), now),
                // Another thread is receiving already.
                Some(None) => {}
            }
        }
        self.release_from(shared, lead);
    }

    /// As [`release`](Engine::release), but also kicks `lead`, which led before, if it has to look or
    /// has lost the lead.
    fn release_from(&self, mut shared: Guard<'_>, lead: Lead) {
        let must_look = shared.lead_must_look() || shared.lead != lead;
        let hand = unlock(shared);
        if must_look {
            self.kick(lead);
        }
        if let Some(hand) = hand {
            self.write(hand, false);
        }
    }

    /// Unlocks, wakes the threads that are concerned, and writes what has departed.
    pub(super) fn release(&self, shared: Guard<'_>) {
        if let Some(hand) = unlock(shared) {
            self.write(hand, false);
        }
    }

    /// Writes what is in hand, and then what could not depart before for lack of room.
    fn write(&self, mut hand: Hand, by_thread: bool) {
        let Some(outbox) = &self.outbox else {
            return;
        };
        loop {
            let using = self.using_device();
            let written = outbox.write(hand, by_thread);
            drop(using);
            if matches!(written, Ok(false)) {
                return;
            }
            let mut shared = self.lock();
            let (now, lead) = (shared.shard.now(), shared.lead);
            if let Err(error) = written {
                shared.device_failed(error);
            }
            shared.send_due(now);
            let must_look = shared.lead_must_look();
            let next = unlock(shared);
            if must_look {
                self.kick(lead);
            }
            match next {
                Some(next) => hand = next,
                None => return,
            }
        }
    }

    /// Runs the thread that only writes.
    fn run_writer(&self) {
        let Some(outbox) = &self.outbox else {
            return;
        };
        while let Some(hand) = outbox.next() {
            self.write(hand, true);
        }
    }

    /// Takes the lead for a wait for `key`, if it may, and kicks the previous one.
    fn take_lead(&self, shared: &mut Shared, key: Key) -> Option<Ticket> {
        let before = shared.lead;
        let ticket = shared.take_lead(key)?;
        self.kick(before);
        Some(ticket)
    }

    /// Gets `lead` out of poll.
    pub(super) fn kick(&self, lead: Lead) {
        match lead {
            Lead::User(ticket) => self.user_kicks[ticket.kick].kick(),
            Lead::Background => self.background_kick.kick(),
            Lead::Nobody => {}
        }
    }

    /// Unlocks, sleeps until woken for `interest` in `key` or `deadline`, and locks.
    fn park<'a>(
        &'a self,
        mut shared: Guard<'a>,
        key: Key,
        interest: Readiness,
        deadline: Option<Instant>,
    ) -> Guard<'a> {
        let (parker, now) = (Parker::current(), shared.shard.now());
        let place = Place::default();
        shared.send_held(now);
        shared.waking.parked += 1;
        shared
            .waiters
            .add_thread(key, interest, parker.waker(), &place);
        let crowd = shared.crowd();
        if crowd.is_there() {
            parker.expect();
        }
        self.release(shared);
        let left = deadline.map(|deadline| deadline - now);
        parker.park(key.look(crowd.look(self.busy_poll)), left);
        let mut shared = self.lock();
        // This waker belongs to a thread: dropping it under the lock drops no task.
        let _ = shared.waiters.remove(key, &place);
        if shared.turns.has_called(key) {
            let now = shared.shard.now();
            shared.turns.has_come(key, now);
        }
        shared
    }
}

/// Unlocks, and then wakes the waiters, so that they do not run into the lock. If this returns a
/// hand, the caller must write it.
fn unlock(mut shared: Guard<'_>) -> Option<Hand> {
    let woken = shared.take_woken();
    let hand = shared.hand_over();
    drop(shared);
    wake_all(woken);
    hand
}

/// The lock, held. If its holder panics, the stack is in no known state: see [`Engine::fail`].
pub(super) struct Guard<'a> {
    engine: &'a Engine,
    shared: MutexGuard<'a, Shared>,
    /// A thread that was panicking already may still close its sockets.
    was_panicking: bool,
}

impl Deref for Guard<'_> {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut Shared {
        &mut self.shared
    }
}

/// A panic while the stack is locked ends the network, so no thread sees a half-done change: sockets
/// may be used across `catch_unwind`.
impl RefUnwindSafe for Engine {}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.engine.fail(&mut self.shared);
        }
    }
}

/// A half of the device, used while the lock is free. If that panics, it is in no known state.
pub(super) struct Using<'a> {
    engine: &'a Engine,
    was_panicking: bool,
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.engine.fail(&mut self.engine.shared.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::driver::alarm::LEASE;
    use crate::driver::{memory, start};
    use crate::link::{Batch, Capabilities, Device, DeviceError, Sender};
    use crate::stack::UdpId;
    use crate::wire::{Control, IpHeader, Packet, TcpHeader, Text, UdpHeader, protocol};
    use std::os::fd::{AsFd, BorrowedFd};

    const LONG: Option<Duration> = Some(Duration::from_secs(10));

    /// A host with a UDP socket at port 7, as if there were one processor only, and the same for a
    /// peer.
    fn hosts() -> [(Engine, UdpId); 2] {
        hosts_with(1500)
    }

    /// As [`hosts`], with an MTU of this many octets.
    fn hosts_with(mtu: usize) -> [(Engine, UdpId); 2] {
        let (left, right) = memory::pair(mtu).unwrap();
        [(left, "192.0.2.1"), (right, "192.0.2.2")].map(|(device, address)| {
            let mut config = Config::new([address.parse().unwrap()]);
            config.mtu = mtu;
            let mut engines = start::engines(vec![Box::new(device)], &config).unwrap();
            let mut engine = engines.remove(0);
            engine.is_alone = true;
            let local = format!("{address}:7").parse().unwrap();
            let id = engine.call(|shared, _| shared.stack().udp_bind(local).unwrap());
            (engine, id)
        })
    }

    fn send((engine, id): &(Engine, UdpId), to: &str, text: &[u8]) {
        let to = to.parse().unwrap();
        engine.call(|shared, _| shared.stack().udp_send(*id, text, Some(to)).unwrap());
    }

    /// Waits for one datagram and returns its length.
    fn receive(
        (engine, id): &(Engine, UdpId),
        timeout: Option<Duration>,
    ) -> Result<usize, WaitError> {
        let key = Key::Udp(*id);
        engine.wait(key, Readiness::READABLE, timeout, |shared, _| match shared
            .stack()
            .udp_recv(*id, &mut [0; 100])
        {
            Ok(received) => Poll::Ready(received.len),
            Err(_) => Poll::Pending,
        })
    }

    /// The datagram comes while the lead yields, or when it sleeps already.
    #[test]
    fn on_one_processor_a_wait_gives_way_and_then_sleeps() {
        let [server, client] = hosts();
        thread::scope(|scope| {
            scope.spawn(|| {
                for len in 1..60 {
                    assert_eq!(receive(&server, LONG), Ok(len));
                    send(&server, "192.0.2.2:7", &[0; 100][..len]);
                }
            });
            for len in 1..60 {
                if len % 10 == 0 {
                    thread::sleep(Duration::from_millis(2));
                }
                send(&client, "192.0.2.1:7", &[0; 100][..len]);
                assert_eq!(receive(&client, LONG), Ok(len));
            }
        });
        let start = std::time::Instant::now();
        let short = Duration::from_millis(3);
        assert_eq!(receive(&client, Some(short)), Err(WaitError::TimedOut));
        assert!(start.elapsed() >= short);
    }

    /// Once there is much for the lead to read, the rest waits until that is read.
    #[test]
    fn a_turn_is_over_when_the_lead_has_much_to_read() {
        let [server, client] = hosts_with(60_000);
        let (count, text) = (10u64, [0; 50_000]);
        (0..count).for_each(|_| send(&client, "192.0.2.1:7", &text));
        let received = || server.0.traffic().datagrams_in;
        for number in 1..=count {
            assert_eq!(receive(&server, LONG), Ok(text.len()), "number {number}");
            // A batch has three of them, which are more than enough.
            assert_eq!(received(), (number.next_multiple_of(3)).min(count));
        }
    }

    /// Users come back promptly again and again and then stay away: the background thread leads.
    #[test]
    fn when_prompt_users_stop_the_background_thread_leads() {
        let [server, client] = hosts();
        thread::scope(|scope| {
            scope.spawn(|| server.0.run());
            for _ in 0..3 {
                for _ in 0..100 {
                    send(&client, "192.0.2.1:7", &[0]);
                    assert_eq!(receive(&server, LONG), Ok(1));
                }
                let start = std::time::Instant::now();
                while server.0.lock().lead != Lead::Background {
                    assert!(start.elapsed() < Duration::from_secs(10), "nobody leads");
                    thread::sleep(LEASE);
                }
            }
            server.0.abandon();
        });
    }

    /// One datagram at a time was expected, but several come together: none is left behind.
    #[test]
    fn what_comes_together_is_received_in_order() {
        let [server, client] = hosts();
        for run in [1, 1, 1, 1, 5, 1, 1, 30, 1] {
            (0..run).for_each(|number| send(&client, "192.0.2.1:7", &[0; 100][..number]));
            for number in 0..run {
                assert_eq!(receive(&server, LONG), Ok(number));
            }
        }
    }

    /// A device whose sending half waits at a gate with each datagram.
    struct Gated {
        device: memory::MemoryDevice,
        gate: Arc<Mutex<()>>,
    }

    impl Device for Gated {
        fn capabilities(&self) -> Capabilities {
            self.device.capabilities()
        }

        fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
            self.device.receive(batch)
        }

        fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
            self.device.send(packet)
        }

        fn sender(&mut self) -> Option<Box<dyn Sender>> {
            let (sender, gate) = (self.device.sender()?, Arc::clone(&self.gate));
            Some(Box::new(AtGate { sender, gate }))
        }
    }

    impl AsFd for Gated {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.device.as_fd()
        }
    }

    struct AtGate {
        sender: Box<dyn Sender>,
        gate: Arc<Mutex<()>>,
    }

    impl Sender for AtGate {
        fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
            let _passing = self.gate.lock();
            self.sender.send(packet)
        }
    }

    /// While the outbox is full nothing departs, and perhaps no other call follows that would look
    /// again.
    #[test]
    fn who_makes_room_in_the_outbox_lets_depart_what_waits_for_it() {
        const MTU: usize = 60_000;
        let (device, mut other_end) = memory::pair(MTU).unwrap();
        let gate = Arc::new(Mutex::new(()));
        let device = Gated {
            device,
            gate: Arc::clone(&gate),
        };
        let mut config = Config::new(["192.0.2.1".parse().unwrap()]);
        config.mtu = MTU;
        let mut shards = start::shards(vec![Box::new(device)], &config).unwrap();
        let (shard, fd) = shards.remove(0);
        let engine = Engine::with(shard, fd, None, false).unwrap();
        let local = "192.0.2.1:7".parse().unwrap();
        let id = engine.call(|shared, _| shared.stack().udp_bind(local).unwrap());
        let host = (engine, id);
        let (count, text) = (14, [0; 50_000]);
        let departed = || host.0.traffic().datagrams_out;
        let closed = gate.lock();
        thread::scope(|scope| {
            scope.spawn(|| send(&host, "192.0.2.2:7", &text));
            while departed() == 0 {
                thread::yield_now();
            }
            (1..count).for_each(|_| send(&host, "192.0.2.2:7", &text));
            assert!((1..count).contains(&departed()), "some wait for room");
            drop(closed);
        });
        assert_eq!(departed(), count);
        let mut batch = Batch::new(count as usize, MTU);
        other_end.receive(&mut batch).unwrap();
        assert!(batch.is_full(), "all have been written");
    }

    /// What was held back for a lead that reads first does not wait until other threads have
    /// written.
    #[test]
    fn who_gives_up_the_lead_to_wait_for_a_turn_sends_what_was_held() {
        let (device, mut other_end) = memory::pair(1500).unwrap();
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut engines = start::engines(vec![Box::new(device)], &config).unwrap();
        let engine = engines.remove(0);
        let [mine, others] = [1, 2].map(|port| {
            let remote = format!("192.0.2.2:{port}").parse().unwrap();
            engine.call(|shared, now| shared.stack().connect(now, None, remote).unwrap())
        });
        let local = "192.0.2.1:7".parse().unwrap();
        let id = engine.call(|shared, _| shared.stack().udp_bind(local).unwrap());
        let departed = |shared: &Guard<'_>| shared.shard.traffic().datagrams_out;
        let before = departed(&engine.lock());

        let mut lead = engine.lock().take_lead(Key::Udp(id));
        let me = Lead::User(lead.unwrap());
        let ip = |protocol| {
            let hosts = ["192.0.2.2", "192.0.2.1"].map(|host| host.parse().unwrap());
            IpHeader::new(hosts[0], hosts[1], protocol, 64)
        };
        let refused = TcpHeader {
            source_port: 9,
            destination_port: 9,
            control: Control::SYN,
            ..TcpHeader::default()
        };
        let refused = Packet::tcp(&ip(protocol::TCP), &refused, Text::EMPTY);
        other_end.send(refused).unwrap();
        let ports = UdpHeader {
            source_port: 9,
            destination_port: 7,
        };
        let read = Packet::udp(&ip(protocol::UDP), &ports, Text::EMPTY);
        other_end.send(read).unwrap();
        let shared = engine.lock();
        let now = shared.shard.now();
        let (mut shared, now) = engine.poll_and_turn(shared, me, now, None, None);
        assert_eq!(departed(&shared), before, "the lead has something to read");

        let round = Duration::from_micros(1);
        for id in [mine, others] {
            let takes_turns = shared.writers.begins(id, round, now);
            assert!(!takes_turns, "it has not written long yet");
        }
        shared.writers.enqueue(others);
        assert_eq!(shared.writers.call(now), Some(others));
        let (shared, _) = engine.await_turn(shared, mine, &mut lead, now, None);
        assert_eq!((departed(&shared), lead), (before + 1, None));
    }
}
