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
    poll(fds, kick, timeout);
    fds.get(1).is_some_and(is_ready)
}

/// As [`wait`], for two devices: says which of them has something.
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
        // After a signal whoever waits looks again; none of `fds` is ready yet.
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
