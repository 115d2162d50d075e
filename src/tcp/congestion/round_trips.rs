//! The round-trip times that are known when an acknowledgment arrives.

use core::time::Duration;

/// Round-trip times, as far as they are known. Each is kept in nanoseconds and converted on request,
/// because for most acknowledgments at most one is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrips {
    smoothed: u64,
    latest: u64,
    least: u64,
}

/// No round trip takes that long.
const NEVER: u64 = u64::MAX;

impl RoundTrips {
    /// Nothing is known.
    pub const UNKNOWN: RoundTrips = RoundTrips {
        smoothed: NEVER,
        latest: NEVER,
        least: NEVER,
    };

    /// The values for [`RoundTrips::smoothed`], [`RoundTrips::latest`] and [`RoundTrips::least`].
    pub fn new(
        smoothed: Option<Duration>,
        latest: Option<Duration>,
        least: Option<Duration>,
    ) -> RoundTrips {
        RoundTrips::of_nanos(nanos(smoothed), nanos(latest), nanos(least))
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(crate) fn of_nanos(
        smoothed: Option<u64>,
        latest: Option<u64>,
        least: Option<u64>,
    ) -> RoundTrips {
        RoundTrips {
            smoothed: smoothed.unwrap_or(NEVER),
            latest: latest.unwrap_or(NEVER),
            least: least.unwrap_or(NEVER),
        }
    }

    /// The smoothed round-trip time, once known.
    #[inline]
    pub fn smoothed(&self) -> Option<Duration> {
        known(self.smoothed).map(Duration::from_nanos)
    }

    /// The round-trip time that this acknowledgment measures; `None` if it measures none.
    #[inline]
    pub fn latest(&self) -> Option<Duration> {
        self.latest_nanos().map(Duration::from_nanos)
    }

    /// The same, in nanoseconds.
    #[inline]
    pub(super) fn latest_nanos(&self) -> Option<u64> {
        known(self.latest)
    }

    /// The least round-trip time so far; `None` before the first sample.
    #[inline]
    pub fn least(&self) -> Option<Duration> {
        known(self.least).map(Duration::from_nanos)
    }
}

#[inline]
fn known(nanos: u64) -> Option<u64> {
    (nanos != NEVER).then_some(nanos)
}

fn nanos(duration: Option<Duration>) -> Option<u64> {
    duration.map(|it| u64::try_from(it.as_nanos()).unwrap_or(NEVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_given_as_it_was() {
        let [short, long] = [1, 584 * 365 * 24 * 60 * 60 * 1_000_000_000].map(Duration::from_nanos);
        let round_trips = RoundTrips::new(Some(short), None, Some(long));
        assert_eq!(round_trips.smoothed(), Some(short));
        assert_eq!(round_trips.latest(), None);
        assert_eq!(round_trips.least(), Some(long));
        let nothing = RoundTrips::new(None, None, None);
        assert_eq!(nothing, RoundTrips::UNKNOWN);
    }
}
