//! Tells the background thread that no user leads any more.
//!
//! Only time can tell that a user stays away. So a thread that gives up the lead makes sure that a kernel
//! timer goes off, unless it is put off again. Users that come back promptly, perhaps a hundred thousand
//! times a second, thus wake no thread: now and then, when half of the time is over, one of them makes a
//! system call. On a virtual machine that call costs 20 to 30 µs if this timer was, or becomes, the next of
//! all timers to go off, and otherwise 2 µs; the kernel's own tick is usually at most 4 ms away. So the
//! longer users have come back in time, the further ahead the timer is set, up to [`LONGEST`], half of
//! which is more than a tick.
//!
//! Why it is never missed: [`Alarm::put_off`] is called under the lock whenever a user gives up the
//! lead, at `now`. The timer never goes off before [`Alarm::at`], because it is set after reading the
//! time from which `at` follows. If `at` lies further ahead than [`Alarm::margin`], which is at least a
//! [`LEASE`], the timer has not gone off yet, and will; otherwise it is set anew. Either way it goes
//! off when the lease is over or later, and at the latest [`LONGEST`] after the call. Each time it has
//! gone off, the background thread looks under the lock. It finds either no lead, or a user, which will
//! put the alarm off in turn.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::time::Instant;

/// After a user has given up the lead, the background thread takes it once no thread has led for this
/// long, or at most twice as long. Long enough for a thread that reads in a loop to come back, short
/// enough for the peers of all other connections.
pub(super) const LEASE: Duration = Duration::from_micros(500);

/// The longest such time: users that came back in time for some 40 ms may suddenly stay away.
const LONGEST: Duration = Duration::from_millis(9);

/// How much further ahead the timer is set each time.
const STEP: Duration = LEASE;

/// Goes off when no user has led for a while.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: Arc<TimerFd>,
    /// When it goes off, or somewhat later; in the past if it has gone off.
    at: Instant,
    /// If less time than this is left, the timer is set anew.
    margin: Duration,
    /// How far it is set ahead the next time.
    ahead: Duration,
    /// When a user last gave up the lead.
    left: Instant,
}

impl Alarm {
    /// An alarm that is not set until it is put off for the first time.
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

    /// The descriptor that is readable once it has gone off.
    pub(super) fn timer(&self) -> Arc<TimerFd> {
        Arc::clone(&self.timer)
    }

    /// No user leads from `now` on: the alarm goes off when the lease is over, or somewhat later.
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

    /// Whether the last lead had enough time to come back.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now - self.left >= LEASE
    }

    /// No user has come back in time: the timer is set less far ahead again.
    pub(super) fn begin_anew(&mut self) {
        self.ahead = 2 * LEASE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Alarm {
        /// How long until it goes off; zero if it has, which happens if other programs have the
        /// processor. `None`: it is not set.
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

    /// While users come back promptly, fewer and fewer of them set the timer, and all find a lease
    /// left.
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

    /// It has gone off, and is put off before the background thread has looked: then it goes off
    /// once more.
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
