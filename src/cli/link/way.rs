//! What happens on the way: turns options of the command line into parts of a medium.

use std::time::Duration;

use stubborn::sim::medium::{
    Bursts, Corruption, Delay, Duplication, Jitter, Loss, Medium, Queue, RateLimit, Reordering,
};
use stubborn::sim::random::Ratio;

use super::super::units::{Octets, Rate, Time};

/// The default queue holds one bandwidth-delay product, and at least this many octets.
const LEAST_QUEUE: u64 = 64 * 1024;

/// The impairments in one direction: by default, none.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Impairments, in each direction")]
pub(super) struct Way {
    /// The one-way delay: 25ms
    #[arg(long, value_name = "TIME", value_parser = time)]
    delay: Option<Duration>,

    /// Up to this much additional delay, without reordering
    #[arg(long, value_name = "TIME", value_parser = time)]
    jitter: Option<Duration>,

    /// The rate of the bottleneck: 100mbit or "100 Mbit/s"
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<u64>,

    /// How much may wait before the bottleneck: a time (50ms), octets (64KiB), or a multiple of
    /// rate x round trip (1bdp)
    ///
    /// The default is 1bdp, but at least 64 KiB.
    #[arg(long, value_name = "SIZE", value_parser = queue)]
    queue: Option<QueueSize>,

    /// The share of datagrams that are lost, independently: 1%
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    loss: Option<Ratio>,

    /// Bursts of loss: the probability that one begins at a datagram, and that it ends: 0.1%/30%
    #[arg(long, value_name = "RATIO/RATIO", value_parser = bursts)]
    bursts: Option<(Ratio, Ratio)>,

    /// The share of datagrams that are held back, and how long: until a number of datagrams could
    /// overtake (1%/3, needs a rate), or up to a time (1%/4ms)
    #[arg(long, value_name = "RATIO/N", value_parser = reorder)]
    reorder: Option<Reorder>,

    /// The share of datagrams that arrive twice
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    duplicate: Option<Ratio>,

    /// The share of datagrams in which a bit flips
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    corrupt: Option<Ratio>,
}

/// How much may wait before a bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueSize {
    Octets(u64),
    Time(Duration),
    /// Thousandths of rate × round trip.
    Bdp(u64),
}

/// What is held back, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reorder {
    /// Until this many datagrams could overtake it, if the bottleneck is busy.
    Datagrams(Ratio, u32),
    /// Up to this long.
    Time(Ratio, Duration),
}

impl Way {
    /// The delay in this direction.
    pub(super) fn delay(&self) -> Duration {
        self.delay.unwrap_or_default()
    }

    /// These options, with those of `base` for the ones that are not given.
    pub(super) fn over(self, base: &Way) -> Way {
        Way {
            delay: self.delay.or(base.delay),
            jitter: self.jitter.or(base.jitter),
            rate: self.rate.or(base.rate),
            queue: self.queue.or(base.queue),
            loss: self.loss.or(base.loss),
            bursts: self.bursts.or(base.bursts),
            reorder: self.reorder.or(base.reorder),
            duplicate: self.duplicate.or(base.duplicate),
            corrupt: self.corrupt.or(base.corrupt),
        }
    }

    /// The medium: the bottleneck first, then the wire behind it. `round_trip` is the delay of
    /// both directions without queueing, `mtu` the longest datagram in octets.
    pub(super) fn medium(&self, round_trip: Duration, mtu: usize) -> Result<Medium, String> {
        let mut medium = Medium::new();
        if let Some(rate) = self.rate {
            medium = medium.with(RateLimit::new(rate, self.room(rate, round_trip)?));
        } else if self.queue.is_some() {
            return Err("a queue needs a bottleneck: give a --rate, too".to_owned());
        }
        if let Some(loss) = self.loss {
            medium = medium.with(Loss::new(loss));
        }
        if let Some((worsens, recovers)) = self.bursts {
            medium = medium.with(Bursts::new(worsens, recovers, Ratio::ALWAYS));
        }
        if let Some(duplicate) = self.duplicate {
            medium = medium.with(Duplication::new(duplicate));
        }
        if let Some(corrupt) = self.corrupt {
            medium = medium.with(Corruption::per_datagram(corrupt));
        }
        if let Some(delay) = self.delay {
            medium = medium.with(Delay::new(delay));
        }
        if let Some(jitter) = self.jitter {
            medium = medium.with(Jitter::new(jitter));
        }
        match self.reorder {
            Some(reorder) => Ok(medium.with(self.reordering(reorder, mtu)?)),
            None => Ok(medium),
        }
    }

    fn room(&self, rate: u64, round_trip: Duration) -> Result<Queue, String> {
        let bdp = |thousandths: u64| {
            let octets = u128::from(rate).saturating_mul(round_trip.as_nanos()) / 8_000_000_000;
            let octets = octets.saturating_mul(u128::from(thousandths)) / 1000;
            u64::try_from(octets).unwrap_or(u64::MAX)
        };
        match self.queue {
            None => Ok(Queue::Octets(bdp(1000).max(LEAST_QUEUE))),
            Some(QueueSize::Octets(octets)) => Ok(Queue::Octets(octets)),
            Some(QueueSize::Time(time)) => Ok(Queue::Time(time)),
            Some(QueueSize::Bdp(_)) if round_trip.is_zero() => {
                Err("a queue in bdp needs a round trip: give a --delay, too".to_owned())
            }
            Some(QueueSize::Bdp(thousandths)) => Ok(Queue::Octets(bdp(thousandths))),
        }
    }

    fn reordering(&self, reorder: Reorder, mtu: usize) -> Result<Reordering, String> {
        match (reorder, self.rate) {
            (Reorder::Time(ratio, most), _) => Ok(Reordering::new(ratio, most)),
            (Reorder::Datagrams(..), None) => Err(
                "reordering by a number of datagrams needs a --rate: or give a time, as 1%/4ms"
                    .to_owned(),
            ),
            (Reorder::Datagrams(ratio, count), Some(rate)) => {
                // Half a datagram more: the datagram then arrives between two others, not at the
                // same time as one.
                let half_datagrams = u64::from(count) * 2 + 1;
                let bits = half_datagrams * mtu as u64 * 8 / 2;
                let nanos = u128::from(bits) * 1_000_000_000 / u128::from(rate);
                Ok(Reordering::by(ratio, Duration::from_nanos(nanos as u64)))
            }
        }
    }
}

/// Parses the options that differ in one direction: `delay=5ms,loss=50%`.
pub(super) fn changes(text: &str) -> Result<Way, String> {
    let mut way = Way::default();
    for change in text.split(',') {
        let Some((name, value)) = change.split_once('=') else {
            return Err(format!("'{change}' is not a change such as loss=1%"));
        };
        match name.trim() {
            "delay" => way.delay = Some(time(value)?),
            "jitter" => way.jitter = Some(time(value)?),
            "rate" => way.rate = Some(rate(value)?),
            "queue" => way.queue = Some(queue(value)?),
            "loss" => way.loss = Some(ratio(value)?),
            "bursts" => way.bursts = Some(bursts(value)?),
            "reorder" => way.reorder = Some(reorder(value)?),
            "duplicate" => way.duplicate = Some(ratio(value)?),
            "corrupt" => way.corrupt = Some(ratio(value)?),
            _ => {
                return Err(format!(
                    "there is no '{name}' to change, but delay, jitter, rate, queue, loss, bursts, \
                     reorder, duplicate and corrupt"
                ));
            }
        }
    }
    Ok(way)
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    Time::try_from(text.to_owned()).map(|time| time.0)
}

/// Parses a time greater than zero.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err(format!("'{text}' is no time at all")),
        time => Ok(time),
    }
}

fn rate(text: &str) -> Result<u64, String> {
    Rate::try_from(text.to_owned()).map(|rate| rate.0)
}

/// `1%`, or `0.01`.
fn ratio(text: &str) -> Result<Ratio, String> {
    let (number, hundred) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let value = number.trim().parse::<f64>().ok();
    value
        .and_then(|value| Ratio::new(value / hundred))
        .ok_or_else(|| format!("'{text}' is not a ratio such as 1% or 0.01"))
}

fn queue(text: &str) -> Result<QueueSize, String> {
    if let Some(number) = text.strip_suffix("bdp") {
        let thousandths = number.trim().parse::<f64>().ok().map(|n| n * 1000.0);
        let thousandths = thousandths.filter(|n| (1.0..=1e6).contains(n));
        return thousandths
            .map(|n| QueueSize::Bdp(n.round() as u64))
            .ok_or_else(|| format!("'{text}' is not a multiple from 0.001bdp to 1000bdp"));
    }
    if let Ok(time) = time(text) {
        return Ok(QueueSize::Time(time));
    }
    Octets::try_from(text.to_owned())
        .map(|octets| QueueSize::Octets(octets.0))
        .map_err(|_| format!("'{text}' is not a queue such as 1bdp, 50ms or 64KiB"))
}

fn bursts(text: &str) -> Result<(Ratio, Ratio), String> {
    let (worsens, recovers) = text
        .split_once('/')
        .ok_or_else(|| format!("'{text}' is not a pair of ratios such as 0.1%/30%"))?;
    Ok((ratio(worsens)?, ratio(recovers)?))
}

fn reorder(text: &str) -> Result<Reorder, String> {
    let wrong = || format!("'{text}' is not a ratio and how far, such as 1%/3 or 1%/4ms");
    let (share, far) = text.split_once('/').ok_or_else(wrong)?;
    let share = ratio(share)?;
    match far.parse::<u32>() {
        Ok(count @ 1..=10_000) => Ok(Reorder::Datagrams(share, count)),
        Ok(_) => Err(wrong()),
        Err(_) => time(far).map_or_else(|_| Err(wrong()), |time| Ok(Reorder::Time(share, time))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stubborn::sim::medium::Part;

    fn parts(text: &str, round_trip: u64) -> Result<Vec<Part>, String> {
        let medium = changes(text)?.medium(Duration::from_millis(round_trip), 1500)?;
        Ok(medium.parts().to_vec())
    }

    #[test]
    fn options_become_parts_the_bottleneck_first() {
        let ms = Duration::from_millis;
        let percent = Ratio::percent;
        let cases: [(&str, Vec<Part>); 8] = [
            ("delay=25ms", vec![Delay::new(ms(25)).into()]),
            (
                "loss=1%,rate=8mbit,queue=1bdp",
                vec![
                    RateLimit::new(8_000_000, Queue::Octets(50_000)).into(),
                    Loss::new(Ratio::new(0.01).unwrap()).into(),
                ],
            ),
            (
                "rate=8mbit,queue=2.5bdp",
                vec![RateLimit::new(8_000_000, Queue::Octets(125_000)).into()],
            ),
            (
                "rate=8mbit",
                vec![RateLimit::new(8_000_000, Queue::Octets(LEAST_QUEUE)).into()],
            ),
            (
                "rate=8 Mbit/s,queue=20ms",
                vec![RateLimit::new(8_000_000, Queue::Time(ms(20))).into()],
            ),
            // 1500 octets take 1.5 ms at 8 Mbit/s.
            (
                "rate=8mbit,queue=4096,reorder=0.5/3",
                vec![
                    RateLimit::new(8_000_000, Queue::Octets(4096)).into(),
                    Reordering::by(percent(50), Duration::from_micros(5250)).into(),
                ],
            ),
            (
                "reorder=50%/4ms,jitter=2ms",
                vec![
                    Jitter::new(ms(2)).into(),
                    Reordering::new(percent(50), ms(4)).into(),
                ],
            ),
            (
                "bursts=25%/50%,duplicate=25%,corrupt=0.5",
                vec![
                    Bursts::new(percent(25), percent(50), Ratio::ALWAYS).into(),
                    Duplication::new(percent(25)).into(),
                    Corruption::per_datagram(percent(50)).into(),
                ],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text, 50), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_in_one_line() {
        let cases = [
            ("loss", "'loss' is not a change such as loss=1%"),
            ("los=1%", "there is no 'los' to change, but delay, "),
            ("loss=101%", "'101%' is not a ratio such as 1% or 0.01"),
            ("delay=25", "'25' is not a time such as"),
            ("rate=0mbit", "'0mbit' is not a rate such as"),
            ("queue=50ms", "a queue needs a bottleneck"),
            (
                "rate=1mbit,queue=0bdp",
                "'0bdp' is not a multiple from 0.001bdp",
            ),
            ("rate=1mbit,queue=1x", "'1x' is not a queue such as"),
            ("bursts=1%", "'1%' is not a pair of ratios"),
            ("reorder=1%/0", "'1%/0' is not a ratio and how far"),
            ("reorder=1%/3", "reordering by a number of datagrams needs"),
        ];
        for (text, expected) in cases {
            let error = parts(text, 50).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
            assert!(!error.contains('\n'), "{text}");
        }
        let error = parts("rate=1mbit,queue=1bdp", 0).unwrap_err();
        assert!(error.starts_with("a queue in bdp needs a round trip"));
    }

    #[test]
    fn one_direction_differs_where_it_says_so() {
        let base = changes("delay=5ms,loss=1%").unwrap();
        let back = changes("loss=50%").unwrap().over(&base);
        assert_eq!(back, changes("delay=5ms,loss=50%").unwrap());
    }
}
