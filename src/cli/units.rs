//! Values, most with units, as scenario files and command lines write them.

use std::num::NonZero;
use std::time::Duration;

use serde::Deserialize;
use stubborn::sim::random::Ratio;

/// A time: `"10 ms"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Time(pub(crate) Duration);

/// An amount: `4096`, or `"4 KiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub(crate) struct Octets(pub(crate) u64);

/// A rate: `"10 Mbit/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Rate(pub(crate) u64);

/// A probability: `0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Probability(pub(crate) Ratio);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an amount such as 4096 or \"4 KiB\"")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

const TIMES: [(&str, f64); 6] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
];

const AMOUNTS: [(&str, f64); 4] = [
    ("", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// The last three are the spellings of tc(8).
const RATES: [(&str, f64); 7] = [
    ("bit/s", 1.0),
    ("kbit/s", 1e3),
    ("Mbit/s", 1e6),
    ("Gbit/s", 1e9),
    ("kbit", 1e3),
    ("mbit", 1e6),
    ("gbit", 1e9),
];

/// A number and a unit, with or without a space between them.
fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    Some(number.parse::<f64>().ok()? * factor)
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Time, String> {
        with_unit(&text, &TIMES)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(Time)
            .ok_or(format!(
                "'{text}' is not a time such as \"10 ms\", in ns, us, ms, s, min or h"
            ))
    }
}

impl TryFrom<NumberOrText> for Octets {
    type Error = String;

    fn try_from(amount: NumberOrText) -> Result<Octets, String> {
        match amount {
            NumberOrText::Number(octets) => Ok(Octets(octets)),
            NumberOrText::Text(text) => Octets::try_from(text),
        }
    }
}

impl TryFrom<String> for Octets {
    type Error = String;

    fn try_from(text: String) -> Result<Octets, String> {
        with_unit(&text, &AMOUNTS)
            .map(|octets| Octets(octets as u64))
            .ok_or(format!(
                "'{text}' is not an amount such as 4096 or \"4 KiB\", in KiB, MiB or GiB"
            ))
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Rate, String> {
        with_unit(&text, &RATES)
            .map(|bits| Rate(bits as u64))
            .filter(|rate| rate.0 > 0)
            .ok_or(format!(
                "'{text}' is not a rate such as \"10 Mbit/s\", in bit/s, kbit/s, Mbit/s or Gbit/s"
            ))
    }
}

impl TryFrom<f64> for Probability {
    type Error = String;

    fn try_from(value: f64) -> Result<Probability, String> {
        Ratio::new(value)
            .map(Probability)
            .ok_or(format!("{value} is not a probability from 0 to 1"))
    }
}

/// Parses the seed of a world or a path: `42`.
pub(crate) fn seed(text: &str) -> Result<u64, &'static str> {
    (text.parse()).map_err(|_| "not a seed: a number such as 42, below 2^64")
}

/// Parses a number of threads: `4`.
pub(crate) fn jobs(text: &str) -> Result<NonZero<usize>, &'static str> {
    let jobs = text
        .parse()
        .ok()
        .filter(|jobs: &NonZero<usize>| jobs.get() <= 1024);
    jobs.ok_or("not a number of threads from 1 to 1024")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let time = |text: &str| Time::try_from(text.to_owned()).map(|time| time.0);
        assert_eq!(time("10 ms"), Ok(Duration::from_millis(10)));
        assert_eq!(time("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!(time("2min"), Ok(Duration::from_secs(120)));
        let rate = |text: &str| Rate::try_from(text.to_owned()).map(|rate| rate.0);
        assert_eq!(rate("1.5 Mbit/s"), Ok(1_500_000));
        assert_eq!(rate("100mbit"), Ok(100_000_000));
        let amount = |text: &str| {
            let amount = NumberOrText::Text(text.to_owned());
            Octets::try_from(amount).map(|amount| amount.0)
        };
        assert_eq!((amount("4 KiB"), amount("5GiB")), (Ok(4096), Ok(5 << 30)));
        for wrong in ["", "10", "ms", "-1 ms", "1 m", "1..2 s", "1e3 s", "nan s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0 bit/s", "0.5 bit/s", "10", "1 mbit/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "4 kb", "KiB", "-4 KiB"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        assert!(Probability::try_from(1.01).is_err());
    }
}
