//! A path between two devices, on the real clock: what one device receives leaves through the
//! other, as the path decides.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::Clock;
use super::poll_device::PollDevice;
use super::poller::{self, Kick};
use crate::link::{Batch, DeviceError};
use crate::sim::path::Direction;
use crate::sim::transit::Transit;
use crate::time::Instant;
use crate::wire::Packet;

/// The most datagrams received from one device before the other has its turn.
const BATCH: usize = 64;

/// If a datagram leaves this late, the machine was too busy.
const LATE: Duration = Duration::from_millis(1);

/// Two devices and the path between them. The near end of the path is the first device, and
/// [`Direction::There`] leads to the second.
///
/// ```
/// use std::thread;
/// use std::time::{Duration, Instant};
/// use stubborn::config::Config;
/// use stubborn::driver::{Relay, memory};
/// use stubborn::sim::medium::{Delay, Medium};
/// use stubborn::sim::path::Path;
/// use stubborn::sim::transit::Transit;
/// use stubborn::sockets::{Net, TcpListener, TcpStream};
///
/// // client ── near ══ 10 ms ══ far ── server
/// let (client, near) = memory::pair(1500)?;
/// let (far, server) = memory::pair(1500)?;
/// let wire = Medium::new().with(Delay::new(Duration::from_millis(10)));
/// let transit = Transit::new(Path::symmetric(wire), 42);
/// let mut relay = Relay::new(Box::new(near), Box::new(far), transit)?;
/// let stop = relay.stopper();
/// let relaying = thread::spawn(move || relay.run(None));
///
/// let client = Net::start(client, Config::new(["192.0.2.1".parse()?]))?;
/// let server = Net::start(server, Config::new(["192.0.2.2".parse()?]))?;
/// let _listener = TcpListener::bind(&server, "192.0.2.2:7")?;
/// let begun = Instant::now();
/// TcpStream::connect(&client, "192.0.2.2:7")?; // one round trip
/// assert!(begun.elapsed() >= Duration::from_millis(20));
///
/// stop.stop();
/// relaying.join().expect("a relay does not panic")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Relay {
    devices: [Box<dyn PollDevice>; 2],
    transit: Transit,
    clock: Clock,
    grain: Duration,
    batch: Batch,
    stop: Stop,
    punctuality: Punctuality,
}

/// How close to their time datagrams left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Punctuality {
    /// Datagrams that left.
    pub left: u64,
    /// The number of them that left more than a millisecond late.
    pub late: u64,
    /// The greatest delay beyond its time with which one left.
    pub latest: Duration,
}

impl Punctuality {
    fn count(&mut self, late_by: Duration) {
        self.left += 1;
        self.late += u64::from(late_by > LATE);
        self.latest = self.latest.max(late_by);
    }
}

/// Ends [`Relay::run`] from another thread: see [`Relay::stopper`].
#[derive(Clone, Debug)]
pub struct Stop(Arc<(AtomicBool, Kick)>);

impl Stop {
    /// Ends the relay as soon as it notices.
    pub fn stop(&self) {
        let (flag, kick) = &*self.0;
        flag.store(true, Ordering::Release);
        kick.kick();
    }

    fn is_due(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("transit", &self.transit)
            .field("punctuality", &self.punctuality)
            .finish_non_exhaustive()
    }
}

/// Why a relay cannot go on.
#[derive(Debug)]
pub struct RelayError {
    /// The device: the first or the second.
    pub device: usize,
    /// What went wrong.
    pub error: DeviceError,
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for RelayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl Relay {
    /// Joins two devices by the path of `transit`. Time starts now.
    ///
    /// # Errors
    /// If the system has no descriptor to give.
    pub fn new(
        near: Box<dyn PollDevice>,
        far: Box<dyn PollDevice>,
        transit: Transit,
    ) -> io::Result<Relay> {
        let devices = [near, far];
        let longest = devices.iter().map(|device| device.capabilities().mtu).max();
        Ok(Relay {
            devices,
            transit,
            clock: Clock::start(),
            grain: Duration::ZERO,
            batch: Batch::new(BATCH, longest.unwrap_or_default()),
            stop: Stop(Arc::new((AtomicBool::new(false), Kick::new()?))),
            punctuality: Punctuality::default(),
        })
    }

    /// Pauses at least this long between two turns. Datagrams may enter and leave late by this much, and
    /// more of them share the work of a turn.
    #[must_use]
    pub fn with_grain(mut self, grain: Duration) -> Relay {
        self.grain = grain;
        self
    }

    /// A handle with which another thread ends it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// The path and what is under way on it.
    pub fn transit(&self) -> &Transit {
        &self.transit
    }

    /// How close to their time datagrams left so far.
    pub fn punctuality(&self) -> Punctuality {
        self.punctuality
    }

    /// Carries datagrams until it is stopped, or for `time`. It sleeps while nothing is due.
    ///
    /// # Errors
    /// If a device cannot go on.
    pub fn run(&mut self, time: Option<Duration>) -> Result<(), RelayError> {
        let end = time.map(|time| self.clock.now() + time);
        let mut ready = [true; 2];
        loop {
            let mut more = false;
            for (device, is_ready) in ready.into_iter().enumerate() {
                more |= is_ready && self.take_in(device)?;
            }
            let now = self.clock.now();
            self.let_out(now)?;
            if !more && !self.grain.is_zero() {
                // What comes meanwhile waits for the next turn.
                poller::wait(None, None, &self.stop.0.1, Duration::ZERO, Some(self.grain));
            }
            // After the pause, which consumes the kick of a stop.
            if self.stop.is_due() || end.is_some_and(|end| end <= now) {
                return Ok(());
            }
            let due = [self.transit.next(), end].into_iter().flatten().min();
            let wait = match more {
                true => Some(Duration::ZERO),
                false => due.map(|due| due - self.clock.now()),
            };
            let devices = [self.devices[0].as_fd(), self.devices[1].as_fd()];
            ready = poller::wait_for_either(devices, &self.stop.0.1, wait);
        }
    }

    /// Lets the datagrams that a device has received enter the path. Returns whether there may be
    /// more.
    fn take_in(&mut self, device: usize) -> Result<bool, RelayError> {
        let direction = [Direction::There, Direction::Back][device];
        self.batch.clear();
        let answer = self.devices[device].receive(&mut self.batch);
        let now = self.clock.now();
        for datagram in self.batch.iter() {
            self.transit.enter(now, direction, datagram);
        }
        answer.map_err(|error| RelayError { device, error })?;
        Ok(self.batch.is_full())
    }

    /// Lets the datagrams that are due leave.
    fn let_out(&mut self, now: Instant) -> Result<(), RelayError> {
        let mut used = [false; 2];
        while let Some(arrival) = self.transit.leave(now) {
            let device = match arrival.direction {
                Direction::There => 1,
                Direction::Back => 0,
            };
            self.punctuality.count(now - arrival.at);
            used[device] = true;
            let sent = self.devices[device].send(Packet::borrowed(&arrival.datagram));
            sent.map_err(|error| RelayError { device, error })?;
            self.transit.recycle(arrival.datagram);
        }
        for device in (0..2).filter(|device| used[*device]) {
            let flushed = self.devices[device].flush();
            flushed.map_err(|error| RelayError { device, error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time;

    use super::*;
    use crate::driver::memory;
    use crate::link::Device;
    use crate::sim::medium::{Delay, Medium};
    use crate::sim::path::Path;

    const MTU: usize = 1500;

    fn relay(path: Path) -> (Relay, [Box<dyn PollDevice>; 2]) {
        let (near, near_end) = memory::pair(MTU).unwrap();
        let (far, far_end) = memory::pair(MTU).unwrap();
        let relay = Relay::new(Box::new(near_end), Box::new(far_end), Transit::new(path, 1));
        (relay.unwrap(), [Box::new(near), Box::new(far)])
    }

    fn receive(device: &mut dyn PollDevice) -> Vec<u8> {
        let mut batch = Batch::new(1, MTU);
        while batch.is_empty() {
            device.receive(&mut batch).unwrap();
            thread::sleep(Duration::from_micros(100));
        }
        batch.iter().next().unwrap().to_vec()
    }

    #[test]
    fn what_one_end_sends_the_other_receives_after_the_delay() {
        let delay = Duration::from_millis(20);
        let wire = |time| Medium::new().with(Delay::new(time));
        let (mut relay, mut ends) = relay(Path::new(wire(delay), wire(Duration::ZERO)));
        let stop = relay.stopper();
        let running = thread::spawn(move || relay.run(None).map(|()| relay));
        let start = time::Instant::now();
        ends[0].send(Packet::borrowed(b"there")).unwrap();
        assert_eq!(receive(&mut *ends[1]), b"there");
        assert!(start.elapsed() >= delay);
        ends[1].send(Packet::borrowed(b"back")).unwrap();
        assert_eq!(receive(&mut *ends[0]), b"back");
        stop.stop();
        let relay = running.join().unwrap().unwrap();
        assert_eq!(relay.punctuality().left, 2);
        assert_eq!(relay.transit().path().counts().entered, 2);
    }

    /// The pause between two turns must not swallow the stop.
    #[test]
    fn it_ends_when_it_is_stopped_between_two_turns() {
        let (relay, _ends) = relay(Path::default());
        let mut relay = relay.with_grain(Duration::from_millis(200));
        let stop = relay.stopper();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(relay.run(None).is_ok()));
        thread::sleep(Duration::from_millis(50));
        stop.stop();
        assert_eq!(end.recv_timeout(Duration::from_secs(20)), Ok(true));
    }

    #[test]
    fn it_ends_after_its_time_and_when_a_device_is_closed() {
        let (mut relay, ends) = relay(Path::default());
        relay.run(Some(Duration::from_millis(5))).unwrap();
        drop(ends);
        assert!(relay.run(Some(Duration::from_secs(60))).is_err());
    }
}
