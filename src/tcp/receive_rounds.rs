//! How long a round trip is as a receiver sees it, and how much its user reads in one, as Linux computes it
//! when packets are counted: see [`ReceiveRoom::Packets`](crate::config::ReceiveRoom).
//!
//! A round trip is the time in which a window full of text arrives, of which the shortest counts; and with
//! timestamps the average time of an echo. If the user reads more in one round trip than ever before, the
//! window is enlarged.

use core::hash::{Hash, Hasher};

use super::seq::Seq;
use crate::time::{Duration, Instant};

/// The weight of a sample in the average is one in this many.
const OF_AVERAGE: u64 = 8;

/// What a receiver knows of round trips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    /// Eight round trips, in microseconds; 0 before there is one.
    eight: u64,
    /// The window being timed: where it ends, and since when.
    window: Option<(Seq, Instant)>,
    /// The last echo of a timestamp that was looked at.
    echo: Option<u32>,
    /// The most octets that were read in a round trip, less those that still waited.
    most: usize,
    /// When the count began, and up to where the user had read.
    began: Instant,
    from: Seq,
}

impl Hash for Rounds {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Rounds {
            eight,
            window,
            echo,
            most,
            began: _,
            from,
        } = self;
        (eight, window.map(|(end, _)| end), echo, most, from).hash(hasher);
    }
}

impl Rounds {
    /// The peer's first octet will lie at `from`, and no more than `most` are expected in the first round trip.
    pub(super) fn new(from: Seq, most: usize) -> Rounds {
        Rounds {
            eight: 0,
            window: None,
            echo: None,
            most,
            began: Instant::ZERO,
            from,
        }
    }

    /// From now on the user may read.
    pub(super) fn start(&mut self, now: Instant) {
        self.began = now;
    }

    /// The round trip; `None` before there is one.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        let micros = self.eight / OF_AVERAGE;
        (self.eight > 0).then(|| Duration::from_micros(micros))
    }

    /// No window can have more octets than these.
    pub(super) fn expect_at_most(&mut self, octets: usize) {
        self.most = self.most.min(octets);
    }

    /// The most octets that were read in a round trip.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A full segment echoes a timestamp sent `ticks` milliseconds ago; `waits`: some text before it is
    /// unread.
    pub(super) fn on_echo(&mut self, echo: u32, ticks: u32, waits: bool) {
        let is_new = self.echo.replace(echo) != Some(echo);
        let micros = u64::from(ticks) * 1_000;
        if !is_new || ticks == 0 || ticks.cast_signed() < 0 {
            return;
        }
        if self.eight == 0 || micros * OF_AVERAGE < self.eight {
            self.eight = micros * OF_AVERAGE;
        } else if !waits {
            self.eight = self.eight - self.eight / OF_AVERAGE + micros;
        }
    }

    /// Text has come in order up to `nxt`, and the window that was told last has `window` octets.
    pub(super) fn on_text(&mut self, now: Instant, nxt: Seq, window: usize) {
        if let Some((end, since)) = self.window {
            if nxt < end {
                return;
            }
            let micros = (now.since(since).as_micros() as u64).max(1);
            if self.eight == 0 || micros * OF_AVERAGE < self.eight {
                self.eight = micros * OF_AVERAGE;
            }
        }
        self.window = Some((nxt + window, now));
    }

    /// The user has read up to `place`, with `waiting` octets behind it. Returns the window that this
    /// requires, if it was more than in any round trip before.
    pub(super) fn on_read(&mut self, now: Instant, place: Seq, waiting: usize) -> Option<usize> {
        let elapsed = now.since(self.began).as_micros() as u64;
        if self.eight == 0 || elapsed < self.eight / OF_AVERAGE {
            return None;
        }
        let octets = (place.saturating_since(self.from)).saturating_sub(waiting);
        (self.began, self.from) = (now, place);
        if octets <= self.most {
            return None;
        }
        let before = core::mem::replace(&mut self.most, octets);
        // The count is a round trip late, and in slow start the next round trip brings as much more
        // again, twice over.
        let twice = 2 * octets as u128;
        let growing = twice * (octets - before) as u128 / before.max(1) as u128;
        Some(usize::try_from(twice + 2 * growing).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::ZERO + Duration::from_micros(micros)
    }

    fn rounds() -> Rounds {
        Rounds::new(Seq::initial(1), 14_600)
    }

    #[test]
    fn a_window_that_comes_sooner_is_a_round_trip() {
        let mut rounds = rounds();
        rounds.on_text(at(100), Seq::initial(1_001), 5_000);
        rounds.on_text(at(900), Seq::initial(6_000), 5_000);
        assert_eq!(rounds.round_trip(), None);
        rounds.on_text(at(1_100), Seq::initial(6_001), 5_000);
        assert_eq!(rounds.round_trip(), Some(Duration::from_micros(1_000)));
        rounds.on_text(at(4_100), Seq::initial(11_001), 5_000);
        assert_eq!(rounds.round_trip(), Some(Duration::from_micros(1_000)));
        rounds.on_text(at(4_200), Seq::initial(16_001), 5_000);
        assert_eq!(rounds.round_trip(), Some(Duration::from_micros(100)));
    }

    #[test]
    fn echoes_are_averaged_while_nothing_waits() {
        let mut rounds = rounds();
        let mut seen = Vec::new();
        for (echo, ticks, waits) in [
            (1, 101, false),
            (2, 0, false),
            (3, 1, true),
            (4, 51, true),
            (5, 51, false),
            (5, 9, false),
            (6, u32::MAX, false),
        ] {
            rounds.on_echo(echo, ticks, waits);
            seen.push(rounds.round_trip().map(|it| it.as_micros()));
        }
        let expected = [101_000, 101_000, 1_000, 1_000, 7_250, 7_250, 7_250].map(Some);
        assert_eq!(seen, expected);
    }

    #[test]
    fn who_reads_more_in_a_round_trip_is_told_a_larger_window() {
        let mut rounds = rounds();
        assert_eq!(rounds.on_read(at(1_000), Seq::initial(90_001), 0), None);
        rounds.on_echo(7, 1, false);
        assert_eq!(rounds.on_read(at(999), Seq::initial(90_001), 0), None);
        // What waits counts against it.
        assert_eq!(
            rounds.on_read(at(1_000), Seq::initial(31_001), 20_000),
            None
        );
        let window = rounds.on_read(at(2_000), Seq::initial(56_001), 0);
        assert_eq!(window, Some(121_232));
        assert_eq!(rounds.most(), 25_000);
        assert_eq!(rounds.on_read(at(3_000), Seq::initial(81_001), 0), None);
    }
}
