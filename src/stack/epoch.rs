//! The epochs in which SYN cookies are valid.

use crate::time::{Duration, Instant};

/// The length of an epoch. A cookie is valid in the epoch in which it was made, and in the next.
const EPOCH: Duration = Duration::from_secs(64);

/// The number of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Epoch(pub(super) u64);

impl Epoch {
    pub(super) fn at(now: Instant) -> Epoch {
        Epoch(now.as_nanos() / EPOCH.as_nanos() as u64)
    }

    pub(super) fn before(self) -> Epoch {
        Epoch(self.0.saturating_sub(1))
    }
}
