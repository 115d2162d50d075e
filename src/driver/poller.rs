//! Waits for a device, a kick or a time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::Wake;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// Gets a thread out of poll(2). A kick persists until it is consumed, however early it came.
#[derive(Debug)]
pub(crate) struct Kick(EventFd);

impl Kick {
    pub(crate) fn new() -> io::Result<Kick> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        Ok(Kick(EventFd::from_flags(flags)?))
    }

    /// Kicks the thread that polls, or polls next.
    pub(crate) fn kick(&self) {
        // EAGAIN: the counter is full, so the kick is there already.
        let _ = self.0.write(1);
    }

    /// Forgets the kicks so far.
    pub(crate) fn clear(&self) {
        // EAGAIN: there was none.
        let _ = self.0.read();
    }
}

impl Wake for Kick {
    fn wake(self: Arc<Self>) {
        self.kick();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.kick();
    }
}

impl AsFd for Kick {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The device has something.
    pub(crate) device: bool,
    /// The thread had to sleep, because busy polling was not enough.
    pub(crate) slept: bool,
}

/// Waits until `device` or `mail` (if given) has something, there is a kick, or `timeout` is over.
/// Polls busily for as long as `busy`, then sleeps. Consumes all kicks.
pub(crate) fn wait(
    device: Option<BorrowedFd<'_>>,
    mail: Option<BorrowedFd<'_>>,
    kick: &Kick,
    busy: Duration,
    timeout: Option<Duration>,
) -> Found {
    let all = [Some(kick.as_fd()), device, mail];
    // An event that is not asked for does not come.
    let mut fds = all.map(|fd| match fd {
        Some(fd) => PollFd::new(fd, PollFlags::POLLIN),
        None => PollFd::new(kick.as_fd(), PollFlags::empty()),
    });
    let asked = match (device, mail) {
        (None, None) => 1,
        (Some(_), None) => 2,
        (_, Some(_)) => 3,
    };
    let busy = timeout.map_or(busy, |timeout| timeout.min(busy));
    let slept = !poll_busily(&mut fds[..asked], kick, busy);
    if slept {
        let left = timeout.map(|timeout| timeout - busy);
        poll(&mut fds[..asked], kick, left);
    }
    Found {
        device: device.is_some() && is_ready(&fds[1]),
        slept,
    }
}

/// Polls busily for this long, and yields the processor in between. Returns whether there was
/// something.
fn poll_busily(fds: &mut [PollFd<'_>], kick: &Kick, limit: Duration) -> bool {
    if limit.is_zero() {
        return false;
    }
    let start = Instant::now();
    loop {
        poll(fds, kick, Some(Duration::ZERO));
        if fds.iter().any(is_ready) {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::yield_now();
    }
}

/// As [`wait`], for two devices: returns which of them has something.
pub(crate) fn wait_for_either(
    devices: [BorrowedFd<'_>; 2],
    kick: &Kick,
    timeout: Option<Duration>,
) -> [bool; 2] {
    let all = [kick.as_fd(), devices[0], devices[1]];
    let mut fds = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    poll(&mut fds, kick, timeout);
    [is_ready(&fds[1]), is_ready(&fds[2])]
}

/// Waits for any of `fds`, of which the first is the kick.
fn poll(fds: &mut [PollFd<'_>], kick: &Kick, timeout: Option<Duration>) {
    match ppoll(fds, timeout.map(TimeSpec::from_duration), None) {
        // After a signal none of `fds` is ready, and the caller looks again.
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => unreachable!("ppoll with valid arguments failed: {errno}"),
    }
    if fds.first().is_some_and(is_ready) {
        kick.clear();
    }
}

/// Whether poll(2) found something. An event that nix has no name for is one, too.
fn is_ready(fd: &PollFd<'_>) -> bool {
    fd.any().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

    fn wait(device: Option<BorrowedFd<'_>>, kick: &Kick, timeout: Option<Duration>) -> bool {
        super::wait(device, None, kick, Duration::ZERO, timeout).device
    }

    #[test]
    fn a_kick_is_felt_once() {
        let kick = Kick::new().unwrap();
        kick.kick();
        kick.kick();
        let start = Instant::now();
        assert!(!wait(None, &kick, LONG));
        assert!(start.elapsed() < Duration::from_secs(30));
        assert!(!wait(None, &kick, Some(Duration::from_micros(300))));
        assert!(start.elapsed() >= Duration::from_micros(300));
    }

    #[test]
    fn mail_ends_the_wait_and_promises_nothing_of_the_device() {
        let [device, mail, kick] = [(); 3].map(|()| Kick::new().unwrap());
        mail.kick();
        for busy in [Duration::ZERO, Duration::from_secs(60)] {
            let fds = (Some(device.as_fd()), Some(mail.as_fd()));
            for device in [fds.0, None] {
                let found = super::wait(device, fds.1, &kick, busy, LONG);
                let slept = busy.is_zero();
                assert_eq!(
                    found,
                    Found {
                        device: false,
                        slept
                    }
                );
            }
        }
    }

    /// The limit of the busy time is kept, and it is part of the timeout.
    #[test]
    fn a_busy_wait_ends_in_time() {
        let (device, kick) = (Kick::new().unwrap(), Kick::new().unwrap());
        let wait = |busy, timeout| {
            let start = Instant::now();
            let found = super::wait(Some(device.as_fd()), None, &kick, busy, Some(timeout));
            (found.device, start.elapsed())
        };
        let (short, long) = (Duration::from_millis(5), Duration::from_secs(60));
        for (busy, timeout) in [(short / 2, short), (short, short), (long, short)] {
            let (found, took) = wait(busy, timeout);
            assert!(!found && took >= short && took < long / 2, "{took:?}");
        }
        device.kick();
        for busy in [short, long] {
            let (found, took) = wait(busy, long);
            assert!(found && took < long / 2, "{took:?}");
        }
        kick.kick();
        assert!(wait(long, long).1 < long / 2, "a kick ends it as well");
    }

    #[test]
    fn a_device_that_has_something_ends_the_wait() {
        let (device, kick) = (Kick::new().unwrap(), Kick::new().unwrap());
        assert!(!wait(Some(device.as_fd()), &kick, Some(Duration::ZERO)));
        device.kick();
        assert!(wait(Some(device.as_fd()), &kick, LONG));
    }
}
