//! Waiting for a device, a kick or a time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// What gets a thread out of poll(2): a kick stays until it is felt, however early it came.
#[derive(Debug)]
pub(crate) struct Kick(EventFd);

impl Kick {
    pub(crate) fn new() -> io::Result<Kick> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        Ok(Kick(EventFd::from_flags(flags)?))
    }

    /// Kicks whoever polls, or will poll next.
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

impl AsFd for Kick {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until `device` (if given) has something, there is a kick, or `timeout` is over. Feels
/// all kicks. Says whether the device has something.
pub(crate) fn wait(device: Option<BorrowedFd<'_>>, kick: &Kick, timeout: Option<Duration>) -> bool {
    let both = [Some(kick.as_fd()), device];
    let mut fds = both.map(|fd| PollFd::new(fd.unwrap_or(kick.as_fd()), PollFlags::POLLIN));
    let fds = &mut fds[..1 + usize::from(device.is_some())];
    match ppoll(fds, timeout.map(TimeSpec::from_duration), None) {
        // A signal: whoever waits looks again.
        Err(Errno::EINTR) | Ok(0) => return false,
        Err(errno) => unreachable!("ppoll with valid arguments failed: {errno}"),
        Ok(_) => {}
    }
    let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
    if ready(&fds[0]) {
        kick.clear();
    }
    fds.get(1).is_some_and(ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

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
    fn a_device_that_has_something_ends_the_wait() {
        let (device, kick) = (Kick::new().unwrap(), Kick::new().unwrap());
        assert!(!wait(Some(device.as_fd()), &kick, Some(Duration::ZERO)));
        device.kick();
        assert!(wait(Some(device.as_fd()), &kick, LONG));
    }
}
