//! Real time as the stack takes it.

use nix::time::{ClockId, clock_gettime};

use crate::time::Instant;

/// A clock that starts at [`Instant::ZERO`] and never goes backwards: the system's monotonic one,
/// which no setting of the time of day moves.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The system's clock when this one started, in nanoseconds.
    start: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock {
            start: monotonic_nanos(),
        }
    }

    /// The time since it was started.
    pub fn now(&self) -> Instant {
        Instant::from_nanos(monotonic_nanos().saturating_sub(self.start))
    }
}

/// The system's monotonic clock, in one number: it is read several times for each datagram, and
/// `std::time::Instant` would subtract seconds and nanoseconds each time.
fn monotonic_nanos() -> u64 {
    match clock_gettime(ClockId::CLOCK_MONOTONIC) {
        Ok(time) => time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64,
        Err(errno) => unreachable!("every Linux has CLOCK_MONOTONIC, and it failed: {errno}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn goes_forward_by_what_passes() {
        let clock = Clock::start();
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now() - before >= Duration::from_millis(2));
    }
}
