//! Keeps track of which requests are answered, and sums up.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waits,
    Answered,
    Failed,
}

/// A reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// From the request to the reply.
    pub(super) time: Duration,
    /// Whether the request has been answered before.
    pub(super) is_duplicate: bool,
}

/// The requests of one run.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// When each request was sent, by its sequence number, which the 65,536th request after it
    /// reuses.
    requests: BTreeMap<u16, (Instant, Fate)>,
    transmitted: u64,
    received: u64,
    duplicates: u64,
    errors: u64,
    /// When the first and the last requests were sent.
    asked: Option<(Instant, Instant)>,
    /// Of all replies, in microseconds: the least, the most, the sum, and the sum of the squares.
    least: u64,
    most: u64,
    sum: u128,
    squares: u128,
}

impl Course {
    /// Notes that the next request is sent, and returns its sequence number. Numbers are
    /// consecutive, from 1.
    pub(super) fn ask(&mut self, now: Instant) -> u16 {
        self.transmitted += 1;
        let sequence = self.transmitted as u16;
        self.requests.insert(sequence, (now, Fate::Waits));
        self.asked = Some((self.asked.map_or(now, |(first, _)| first), now));
        sequence
    }

    /// Notes a reply; `None` if there was no such request.
    pub(super) fn reply(&mut self, sequence: u16, now: Instant) -> Option<Answer> {
        let (asked, fate) = self.requests.get_mut(&sequence)?;
        let time = now.saturating_duration_since(*asked);
        let is_duplicate = *fate == Fate::Answered;
        *fate = Fate::Answered;
        let micros = time.as_micros() as u64;
        self.least = match self.received + self.duplicates {
            0 => micros,
            _ => self.least.min(micros),
        };
        self.most = self.most.max(micros);
        self.sum += u128::from(micros);
        self.squares += u128::from(micros) * u128::from(micros);
        match is_duplicate {
            true => self.duplicates += 1,
            false => self.received += 1,
        }
        Some(Answer { time, is_duplicate })
    }

    /// Notes an error; returns whether there was such a request.
    pub(super) fn fail(&mut self, sequence: u16) -> bool {
        let Some((_, fate)) = self.requests.get_mut(&sequence) else {
            return false;
        };
        if *fate == Fate::Waits {
            *fate = Fate::Failed;
        }
        self.errors += 1;
        true
    }

    /// Whether no request still waits for an answer.
    pub(super) fn is_complete(&self) -> bool {
        !(self.requests.values()).any(|(_, fate)| *fate == Fate::Waits)
    }

    /// When the last request was sent, or now if none was.
    pub(super) fn last_asked(&self) -> Instant {
        self.asked.map_or_else(Instant::now, |(_, last)| last)
    }

    /// Whether any reply has arrived.
    pub(super) fn has_replies(&self) -> bool {
        self.received > 0
    }

    /// The summary in the format of ping(8).
    pub(super) fn summary(&self, remote: IpAddr) -> String {
        let time = (self.asked).map_or(Duration::ZERO, |(first, last)| last - first);
        let mut text = format!("\n--- {remote} ping statistics ---\n");
        let mut add = |words: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = text.write_fmt(words);
        };
        add(format_args!("{} packets transmitted, ", self.transmitted));
        add(format_args!("{} received, ", self.received));
        if self.duplicates > 0 {
            add(format_args!("+{} duplicates, ", self.duplicates));
        }
        if self.errors > 0 {
            add(format_args!("+{} errors, ", self.errors));
        }
        let lost = self.transmitted.saturating_sub(self.received) as f64;
        let percent = 100.0 * lost / self.transmitted.max(1) as f64;
        add(format_args!("{}% packet loss, ", short(percent)));
        add(format_args!("time {}ms", time.as_millis()));
        let replies = u128::from(self.received + self.duplicates);
        if let (Some(mean), Some(square)) = (
            self.sum.checked_div(replies),
            self.squares.checked_div(replies),
        ) {
            let deviation = square.saturating_sub(mean * mean).isqrt();
            add(format_args!(
                "\nrtt min/avg/max/mdev = {:.3}/{:.3}/{:.3}/{:.3} ms",
                self.least as f64 / 1e3,
                mean as f64 / 1e3,
                self.most as f64 / 1e3,
                deviation as f64 / 1e3,
            ));
        }
        text
    }
}

/// A number below a thousand, with at most six digits and no trailing zeros.
fn short(number: f64) -> String {
    let digits = match number {
        ..10.0 => 5,
        10.0..100.0 => 4,
        _ => 3,
    };
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A round-trip time in milliseconds: the shorter, the more digits. It is rounded down.
pub(super) fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    let (millis, rest) = (micros / 1000, micros % 1000);
    match millis {
        0 => format!("0.{rest:03}"),
        1..10 => format!("{millis}.{:02}", rest / 10),
        10..100 => format!("{millis}.{}", rest / 100),
        _ => millis.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> IpAddr {
        [10, 11, 12, 1].into()
    }

    #[test]
    fn the_summary_is_that_of_ping() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut course = Course::default();
        let none = "\n--- 10.11.12.1 ping statistics ---\n\
                    0 packets transmitted, 0 received, 0% packet loss, time 0ms";
        assert_eq!(course.summary(remote()), none);
        assert!(course.is_complete() && !course.has_replies());
        assert_eq!(course.ask(start), 1);
        assert_eq!(course.ask(after(1000)), 2);
        assert_eq!(course.ask(after(2000)), 3);
        assert!(!course.is_complete());
        let answer = |millis, is_duplicate| {
            let time = Duration::from_millis(millis);
            Some(Answer { time, is_duplicate })
        };
        assert_eq!(course.reply(1, after(2)), answer(2, false));
        assert_eq!(course.reply(1, after(4)), answer(4, true));
        assert_eq!(course.reply(4, after(4)), None);
        assert!(course.fail(2) && !course.fail(0));
        assert!(!course.is_complete());
        assert_eq!(course.reply(3, after(2006)), answer(6, false));
        assert!(course.is_complete() && course.has_replies());
        let all = "\n--- 10.11.12.1 ping statistics ---\n\
                   3 packets transmitted, 2 received, +1 duplicates, +1 errors, \
                   33.3333% packet loss, time 2000ms\n\
                   rtt min/avg/max/mdev = 2.000/4.000/6.000/1.632 ms";
        assert_eq!(course.summary(remote()), all);
    }

    #[test]
    fn sequence_numbers_come_again() {
        let (mut course, now) = (Course::default(), Instant::now());
        for number in 1..=65_537u32 {
            assert_eq!(course.ask(now), number as u16);
        }
        assert!(course.requests.len() <= 65_536);
    }

    #[test]
    fn numbers_are_as_exact_as_they_are_short() {
        let time = |micros| milliseconds(Duration::from_micros(micros));
        assert_eq!([time(0), time(46), time(999)], ["0.000", "0.046", "0.999"]);
        assert_eq!([time(1_239), time(10_990)], ["1.23", "10.9"]);
        assert_eq!(time(123_999), "123");
        assert_eq!([short(0.0), short(100.0)], ["0", "100"]);
        assert_eq!([short(100.0 / 3.0), short(50.0)], ["33.3333", "50"]);
    }
}
