//! Datagrams under way on a path: they enter it, and leave when they are due.

use super::agenda::Agenda;
use super::path::{Arrival, Direction, Path};
use super::random::Random;
use crate::time::Instant;

/// The most octets under way at once: half a second at 1 Gbit/s. What exceeds it is lost.
const MOST: usize = 64 * 1024 * 1024;

/// How many buffers of datagrams that have left are kept for later ones.
const SPARE: usize = 1024;

/// A path and the datagrams on it. The owner of the clock says when they enter, and takes out
/// those that are due.
///
/// ```
/// use std::time::Duration;
/// use stubborn::sim::medium::{Delay, Medium};
/// use stubborn::sim::path::{Direction, Path};
/// use stubborn::sim::transit::Transit;
/// use stubborn::time::Instant;
///
/// let wire = Medium::new().with(Delay::new(Duration::from_millis(5)));
/// let mut transit = Transit::new(Path::symmetric(wire), 42);
/// transit.enter(Instant::from_millis(1), Direction::There, b"datagram");
/// assert_eq!(transit.next(), Some(Instant::from_millis(6)));
/// assert_eq!(transit.leave(Instant::from_millis(5)), None);
/// let arrival = transit.leave(Instant::from_millis(6)).unwrap();
/// assert_eq!(arrival.datagram, b"datagram");
/// ```
#[derive(Debug)]
pub struct Transit {
    path: Path,
    /// Each direction has its own random numbers: what becomes of its nth datagram does not depend
    /// on how many go in the other direction.
    there: Random,
    back: Random,
    under_way: Agenda<Arrival>,
    octets: usize,
    crowded_out: u64,
    /// The arrivals of one datagram; empty between calls.
    arrivals: Vec<Arrival>,
    spare: Vec<Vec<u8>>,
}

impl Transit {
    /// An empty path. Random decisions follow from `seed`.
    pub fn new(path: Path, seed: u64) -> Transit {
        let random = Random::new(seed);
        Transit {
            path,
            there: random.fork("there"),
            back: random.fork("back"),
            under_way: Agenda::default(),
            octets: 0,
            crowded_out: 0,
            arrivals: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The path. Its counters show what became of the datagrams.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Datagrams that were lost because too many octets were under way.
    pub fn crowded_out(&self) -> u64 {
        self.crowded_out
    }

    /// Lets a datagram enter at `now`.
    pub fn enter(&mut self, now: Instant, direction: Direction, datagram: &[u8]) {
        let mut octets = self.spare.pop().unwrap_or_default();
        octets.clear();
        octets.extend_from_slice(datagram);
        let random = match direction {
            Direction::There => &mut self.there,
            Direction::Back => &mut self.back,
        };
        (self.path).carry(now, direction, octets, random, &mut self.arrivals);
        for arrival in self.arrivals.drain(..) {
            let len = arrival.datagram.len();
            if self.octets + len > MOST {
                self.crowded_out += 1;
                continue;
            }
            self.octets += len;
            self.under_way.put(arrival.at, arrival);
        }
    }

    /// When the next datagram leaves.
    pub fn next(&self) -> Option<Instant> {
        self.under_way.first().map(|(at, _)| at)
    }

    /// The next datagram that is due at `now` or before. If two are due at the same time, it is
    /// the one that entered first.
    pub fn leave(&mut self, now: Instant) -> Option<Arrival> {
        if self.next()? > now {
            return None;
        }
        let (_, arrival) = self.under_way.pop()?;
        self.octets -= arrival.datagram.len();
        Some(arrival)
    }

    /// Takes back the memory of a datagram that has left.
    pub fn recycle(&mut self, datagram: Vec<u8>) {
        if self.spare.len() < SPARE {
            self.spare.push(datagram);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::sim::medium::{Delay, Loss, Medium, Queue, RateLimit, Reordering};
    use crate::sim::random::Ratio;

    const fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn delayed(millis: u64) -> Medium {
        Medium::new().with(Delay::new(Duration::from_millis(millis)))
    }

    /// The datagrams that have left by `now`: the time and the first octet of each.
    fn left(transit: &mut Transit, now: Instant) -> Vec<(Instant, u8)> {
        let mut left = Vec::new();
        while let Some(arrival) = transit.leave(now) {
            left.push((arrival.at, arrival.datagram[0]));
            transit.recycle(arrival.datagram);
        }
        left
    }

    #[test]
    fn each_leaves_in_its_time_and_those_of_one_moment_in_order() {
        let mut transit = Transit::new(Path::new(delayed(10), delayed(3)), 0);
        transit.enter(ms(0), Direction::There, &[1]);
        transit.enter(ms(0), Direction::There, &[2]);
        transit.enter(ms(2), Direction::Back, &[3]);
        assert_eq!(transit.next(), Some(ms(5)));
        assert_eq!(left(&mut transit, ms(4)), []);
        assert_eq!(left(&mut transit, ms(9)), [(ms(5), 3)]);
        assert_eq!(left(&mut transit, ms(50)), [(ms(10), 1), (ms(10), 2)]);
        assert_eq!(transit.next(), None);
    }

    /// 1000 octets at 1 Mbit/s take 8 ms. The second datagram waits for the first, the third finds
    /// no room.
    #[test]
    fn a_rate_and_its_queue_hold_on_whatever_clock() {
        let rate = RateLimit::new(1_000_000, Queue::Octets(2_000));
        let mut transit = Transit::new(Path::symmetric(Medium::new().with(rate)), 0);
        for number in 1..=3 {
            transit.enter(ms(1), Direction::There, &[number; 1000]);
        }
        assert_eq!(left(&mut transit, ms(50)), [(ms(9), 1), (ms(17), 2)]);
        assert_eq!(transit.path().counts().overflowed, 1);
    }

    /// A datagram that is held back for as long as the bottleneck needs for three and a half
    /// others arrives after three others.
    #[test]
    fn one_that_is_held_back_is_overtaken() {
        let medium = Medium::new()
            .with(RateLimit::new(1_000_000, Queue::Octets(200_000)))
            .with(Reordering::by(Ratio::percent(2), Duration::from_millis(28)));
        let mut transit = Transit::new(Path::symmetric(medium), 3);
        (0..200).for_each(|number| transit.enter(ms(0), Direction::There, &[number; 1000]));
        let left = left(&mut transit, Instant::from_secs(10));
        let overtakers = |place: usize| {
            let number = left[place].1;
            let before = &left[..place];
            before.iter().filter(|(_, other)| *other > number).count()
        };
        let overtaken: Vec<usize> = (0..left.len()).map(overtakers).filter(|n| *n > 0).collect();
        assert_eq!(overtaken, [3; 4]);
        assert_eq!(transit.path().counts().held_back, 4);
    }

    #[test]
    fn what_becomes_of_one_direction_does_not_depend_on_the_other() {
        let lossy = Medium::new().with(Loss::new(Ratio::percent(50)));
        let survivors = |also_back: bool| {
            let mut transit = Transit::new(Path::symmetric(lossy.clone()), 7);
            for number in 0..100 {
                transit.enter(ms(0), Direction::There, &[number]);
                if also_back {
                    transit.enter(ms(0), Direction::Back, &[200]);
                }
            }
            let mut left = left(&mut transit, ms(0));
            left.retain(|(_, number)| *number < 100);
            left
        };
        assert_eq!(survivors(false), survivors(true));
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut transit = Transit::new(Path::symmetric(delayed(1)), 0);
        let datagram = vec![0; 60_000];
        let fit = MOST / datagram.len();
        for _ in 0..fit + 5 {
            transit.enter(ms(0), Direction::There, &datagram);
        }
        assert_eq!(transit.crowded_out(), 5);
        assert_eq!(left(&mut transit, ms(1)).len(), fit);
        transit.enter(ms(1), Direction::There, &datagram);
        assert_eq!(transit.crowded_out(), 5, "there is room again");
    }
}
