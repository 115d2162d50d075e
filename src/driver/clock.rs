//! Real time as the stack takes it.

use std::time;

use crate::time::Instant;

/// A clock that starts at [`Instant::ZERO`] and never goes backwards: the system's monotonic one,
/// which no setting of the time of day moves.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock {
            start: time::Instant::now(),
        }
    }

    /// How late it is.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
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
