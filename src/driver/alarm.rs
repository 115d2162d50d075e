//! Tells the background thread that no user leads any more.
//!
//! Only time can tell that a user stays away. So a thread that gives up the lead makes sure that a
//! kernel timer goes off, unless it is put off again. Users that come back promptly, perhaps a hundred
//! thousand times a second, thus wake nobody: one of them makes a system call now and then, when half of
//! the time is over. On a virtual machine that costs 20 to 30 µs if the timer was the next of all to go
//! off, or becomes it, and otherwise 2 µs; the kernel's own tick is usually at most 4 ms away. So the longer
//! users have come back in time, the further ahead the timer is set, up to [`LONGEST`], half of which is
//! more than a tick.
//!
//! Why it is never missed: [`Alarm::put_off`] is called under the lock whenever a user gives up the
//! lead, at `now`. The timer goes off at [`Alarm::at`] or later, for it is set after the time is read
//! from which `at` follows. If `at` lies further ahead than [`Alarm::margin`], at least a [`LEASE`],
//! the timer has thus not gone off yet, and will; else it is set anew. Either way it goes off when the
//! lease is over or later, and [`LONGEST`] after the call at the latest. The background thread looks,
//! under the lock, each time after it has gone off: it finds that nobody leads, or a user, who will put
//! it off in turn.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::time::Instant;

/// How long nobody leads, after a user has given up the lead, until the background thread does, and at
/// most twice as long. Long enough for a thread that reads in a loop to come back, short enough for
/// the peers of all others.
pub(super) const LEASE: Duration = Duration::from_micros(500);

/// The same when all of a sudden those stay away who have come back in time for some 40 ms.
const LONGEST: Duration = Duration::from_millis(9);

/// How much further ahead it is set each time.
const STEP: Duration = LEASE;

/// Goes off when no user has led for a while.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: Arc<TimerFd>,
    /// It goes off then, or somewhat later, if not before now.
    at: Instant,
    /// If less is left, it is put off.
    margin: Duration,
    /// How far it is set ahead the next time.
    ahead: Duration,
    /// When a user gave up the lead last.
    left: Instant,
}

impl Alarm {
    /// Goes off when it has been put off for the first time.
    pub(super) fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Alarm {
            timer: Arc::new(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?),
            at: Instant::ZERO,
            margin: LEASE,
            ahead: 2 * LEASE,
            left: Instant::ZERO,
        })
    }

    /// What is readable when it goes off.
    pub(super) fn timer(&self) -> Arc<TimerFd> {
        Arc::clone(&self.timer)
    }

    /// No user leads from `now` on: it goes off when the lease is over, or somewhat later.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.left = now;
        if self.at >= now + self.margin {
            return;
        }
        self.at = now + self.ahead;
        self.margin = self.ahead / 2;
        let expiration = Expiration::OneShot(TimeSpec::from_duration(self.ahead));
        let set = self.timer.set(expiration, TimerSetTimeFlags::empty());
        set.expect("a time that is valid can be set");
        self.ahead = (self.ahead + STEP).min(LONGEST);
    }

    /// Whether who gave up the lead had the time to come back.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now - self.left >= LEASE
    }

    /// Nobody has come back in time: they are trusted less.
    pub(super) fn begin_anew(&mut self) {
        self.ahead = 2 * LEASE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Alarm {
        /// How long until it goes off; nothing if it has, as it may where others have the processor.
        /// `None`: it is not set.
        pub(in crate::driver) fn left(&self) -> Option<Duration> {
            match self.timer.get().unwrap() {
                Some(Expiration::OneShot(time)) => Some(time.into()),
                None => self.timer.wait().is_ok().then_some(Duration::ZERO),
                other => panic!("it goes off once, not {other:?}"),
            }
        }
    }

    #[test]
    fn it_goes_off_after_one_lease_or_two() {
        let mut alarm = Alarm::new().unwrap();
        assert_eq!(alarm.timer.get().unwrap(), None, "nobody has led yet");
        let now = Instant::from_millis(7);
        alarm.put_off(now);
        assert_eq!(alarm.at, now + 2 * LEASE);
        assert!(alarm.left().unwrap() <= 2 * LEASE);
        alarm.put_off(now + LEASE);
        assert_eq!(alarm.at, now + 2 * LEASE, "a whole lease was left");
    }

    /// Of those who come back promptly, few set it, and ever fewer; and all find a lease left.
    #[test]
    fn it_is_set_ahead_further_as_long_as_all_come_back() {
        let mut alarm = Alarm::new().unwrap();
        let start = Instant::from_millis(7);
        let mut now = start;
        let mut set = Vec::new();
        while set.len() < 20 {
            let before = alarm.at;
            alarm.put_off(now);
            assert!(alarm.at >= now + LEASE && alarm.at <= now + LONGEST);
            if alarm.at != before {
                set.push((now - start, alarm.at - now));
            }
            now += LEASE / 50;
        }
        let ahead = set.iter().map(|(_, ahead)| ahead.as_micros() / 500);
        assert!(ahead.eq((2..=18).chain([18; 3])));
        let (trusted, longest) = set[16];
        assert_eq!(longest, LONGEST);
        assert!(
            trusted >= Duration::from_millis(38),
            "only after {trusted:?}"
        );
        let (last, next) = (set[18].0, set[19].0);
        assert!(next - last >= LONGEST / 2, "half of it is a system call");
        alarm.begin_anew();
        alarm.put_off(now + LONGEST);
        assert_eq!(alarm.at, now + LONGEST + 2 * LEASE);
    }

    #[test]
    fn a_lease_begins_with_each_absence() {
        let mut alarm = Alarm::new().unwrap();
        let start = Instant::from_millis(7);
        for now in [start, start + LEASE / 2] {
            alarm.put_off(now);
            assert!(!alarm.is_due(now + (LEASE - Duration::from_nanos(1))));
            assert!(alarm.is_due(now + LEASE));
        }
    }

    /// It has gone off, and is put off before anybody has looked: then it goes off once more.
    #[test]
    fn what_is_put_off_late_goes_off_again() {
        let mut alarm = Alarm::new().unwrap();
        alarm.put_off(Instant::from_millis(7));
        std::thread::sleep(3 * LEASE);
        assert_eq!(alarm.timer.get().unwrap(), None);
        let late = Instant::from_millis(9);
        alarm.put_off(late);
        assert!(alarm.at > late, "it is set anew");
        std::thread::sleep(6 * LEASE);
        alarm.timer.wait().expect("it goes off again");
    }
}
