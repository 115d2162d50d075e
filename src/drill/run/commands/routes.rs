//! `ip`, `tc`, `ifconfig`: what they change on a host with one device.
//!
//! No word is ignored: an unknown one may be what the script tests.

use super::Meaning;
use crate::config::CongestionControl;
use crate::time::Duration;

/// What a route sets for the connections that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Metric {
    /// `advmss`
    Mss(u16),
    /// `mtu`
    Mtu(usize),
    /// `initcwnd`
    FirstWindow(u32),
    /// `initrwnd`
    FirstOffer(u32),
    /// `rto_min`
    LeastRto(Duration),
    /// `hoplimit`
    HopLimit(u8),
    /// `congctl`
    Congestion(CongestionControl),
    /// `features ecn`: ECN is requested and accepted.
    Ecn,
    /// `quickack 1`: acknowledgments are not delayed.
    QuickAcks,
    /// `fastopen_no_cookie 1`
    NoCookies,
}

/// How packets wait for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Queue {
    /// Packets leave at once.
    Plain,
    /// Everything is lost.
    Deaf,
    /// Each connection sends at the rate of a window per round trip.
    Paced,
    /// Everything leaves later by this much.
    Late(Duration),
}

pub(super) fn ip(words: &[&str]) -> Option<Vec<Meaning>> {
    let words: Vec<&str> = (words.iter().copied().skip(1))
        .filter(|word| !word.starts_with('-'))
        .collect();
    match words[..] {
        [_, "show" | "list" | "ls" | "get", ..] => Some(vec![Meaning::Nothing]),
        ["tcp_metrics", "flush" | "delete" | "del", ..] => Some(vec![Meaning::Nothing]),
        ["route", "flush", "cache"] | ["route", "flush", "table", "cache"] => {
            Some(vec![Meaning::Nothing])
        }
        ["link", "set", ref rest @ ..] => link(rest),
        ["route", "change" | "replace" | "add", ref rest @ ..] => {
            let (metrics, is_metric) = route(rest)?;
            match metrics.is_empty() {
                true => is_metric.then(|| vec![Meaning::Nothing]),
                false => Some(vec![Meaning::Route(metrics)]),
            }
        }
        _ => None,
    }
}

/// `dev tun0 mtu 1280 up`
fn link(words: &[&str]) -> Option<Vec<Meaning>> {
    let mut meanings = Vec::new();
    let mut words = words.iter().copied();
    match words.next()? {
        "dev" => words.next()?,
        device => device,
    };
    while let Some(word) = words.next() {
        meanings.push(match word {
            "mtu" => Meaning::Mtu(words.next()?.parse().ok()?),
            "txqueuelen" | "qlen" => {
                words.next()?;
                Meaning::Nothing
            }
            "up" => Meaning::Nothing,
            _ => return None,
        });
    }
    Some(meanings)
}

/// `192.0.2.0/24 via 192.168.0.1 dev tun0 initcwnd 20 mtu lock 1400`; and whether there is a metric without
/// effect.
fn route(words: &[&str]) -> Option<(Vec<Metric>, bool)> {
    let mut words = words.iter().copied().filter(|word| *word != "lock");
    let to = words.next()?;
    if to != "default" && !to.contains(['.', ':']) {
        return None;
    }
    let (mut metrics, mut is_other) = (Vec::new(), false);
    while let Some(word) = words.next() {
        if matches!(word, "onlink" | "inet" | "inet6") {
            continue;
        }
        let value = words.next()?;
        metrics.push(match word {
            "via" if matches!(value, "inet" | "inet6") => {
                words.next()?;
                continue;
            }
            "dev" | "via" | "src" | "proto" | "scope" | "metric" | "table" | "pref" => continue,
            "advmss" => Metric::Mss(value.parse::<u32>().ok()?.min(65_535) as u16),
            "mtu" => Metric::Mtu(value.parse().ok()?),
            "initcwnd" => Metric::FirstWindow(value.parse::<u32>().ok()?.max(1)),
            "initrwnd" => Metric::FirstOffer(value.parse::<u32>().ok().filter(|n| *n > 0)?),
            // Linux uses these for a destination that it remembers from an earlier connection; here
            // nothing is remembered.
            "ssthresh" | "cwnd" | "reordering" => {
                value.parse::<u32>().ok()?;
                is_other = true;
                continue;
            }
            "rtt" | "rttvar" => {
                time(value)?;
                is_other = true;
                continue;
            }
            "rto_min" => Metric::LeastRto(time(value)?),
            "hoplimit" => Metric::HopLimit(value.parse().ok()?),
            "congctl" => Metric::Congestion(value.parse().ok()?),
            "features" if value == "ecn" => Metric::Ecn,
            "quickack" if value == "1" => Metric::QuickAcks,
            "fastopen_no_cookie" if value == "1" => Metric::NoCookies,
            "quickack" | "fastopen_no_cookie" if value == "0" => continue,
            _ => return None,
        });
    }
    Some((metrics, is_other))
}

/// A time in seconds or milliseconds, as its unit says; milliseconds without a unit.
fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "ms"),
    };
    let millionths = super::super::super::text::micros_of(number)?;
    let divisor = match unit {
        "s" | "sec" | "secs" => 1,
        "ms" | "msec" | "msecs" => 1_000,
        "us" | "usec" | "usecs" => 1_000_000,
        _ => return None,
    };
    Some(Duration::from_micros(millionths / divisor))
}

/// `qdisc replace dev tun0 root fq`
pub(super) fn tc(words: &[&str]) -> Option<Meaning> {
    let words: Vec<&str> = (words.iter().copied().skip(1))
        .filter(|word| !word.starts_with('-'))
        .collect();
    let discipline = match words[..] {
        ["qdisc", "show" | "list" | "ls", ..] => return Some(Meaning::Nothing),
        ["qdisc", "del" | "delete", "dev", _, "root"] => return Some(Meaning::Queue(Queue::Plain)),
        [
            "qdisc",
            "add" | "replace" | "change",
            "dev",
            _,
            "root",
            "handle",
            _,
            ref discipline @ ..,
        ]
        | [
            "qdisc",
            "add" | "replace" | "change",
            "dev",
            _,
            "root",
            ref discipline @ ..,
        ] => discipline,
        _ => return None,
    };
    let queue = match discipline {
        ["fq"] | ["fq", "pacing"] => Queue::Paced,
        ["pfifo" | "bfifo", "limit", "0"] | ["netem", "loss", "100%"] => Queue::Deaf,
        // A time without a unit would be in another unit.
        ["netem", "delay" | "latency", delay] if delay.ends_with(char::is_alphabetic) => {
            Queue::Late(time(delay)?)
        }
        ["netem"] | ["netem", "loss", "0%"] => Queue::Plain,
        ["pfifo" | "bfifo"] | ["pfifo" | "bfifo", "limit", _] | ["fq", "nopacing"] => Queue::Plain,
        ["pfifo_fast" | "fq_codel" | "noqueue"] => Queue::Plain,
        _ => return None,
    };
    Some(Meaning::Queue(queue))
}

/// `ifconfig tun0 mtu 1280`
pub(super) fn ifconfig(words: &[&str]) -> Option<Meaning> {
    match words[1..] {
        [_, "mtu", octets] | [_, "mtu", octets, "up"] => Some(Meaning::Mtu(octets.parse().ok()?)),
        [_, "up"] => Some(Meaning::Nothing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::understand;
    use super::*;

    #[test]
    fn metrics_of_routes() {
        let rows = [
            (
                "192.0.2.0/24 via 192.168.0.1 initcwnd 20 mtu lock 1400",
                vec![Metric::FirstWindow(20), Metric::Mtu(1400)],
            ),
            ("default dev tun0 advmss 99999", vec![Metric::Mss(65_535)]),
            ("default initrwnd 10", vec![Metric::FirstOffer(10)]),
            (
                "default initrwnd 8 ssthresh 5 rtt lock 50ms rttvar 5 cwnd 9 reordering 4",
                vec![Metric::FirstOffer(8)],
            ),
            (
                "fd00::/8 dev tun0 proto static rto_min 0.5s hoplimit 9",
                vec![
                    Metric::LeastRto(Duration::from_millis(500)),
                    Metric::HopLimit(9),
                ],
            ),
            (
                "default rto_min lock 5ms rto_min 20",
                vec![
                    Metric::LeastRto(Duration::from_millis(5)),
                    Metric::LeastRto(Duration::from_millis(20)),
                ],
            ),
            (
                "default congctl lock reno features ecn quickack 1",
                vec![
                    Metric::Congestion(CongestionControl::Reno),
                    Metric::Ecn,
                    Metric::QuickAcks,
                ],
            ),
            (
                "default via inet6 fd00::1 dev tun0 fastopen_no_cookie 1 quickack 0",
                vec![Metric::NoCookies],
            ),
        ];
        for (text, metrics) in rows {
            for command in ["ip route change", "ip -6 route replace"] {
                let understood = understand(&format!("{command} {text}"));
                assert_eq!(understood, Ok(vec![Meaning::Route(metrics.clone())]));
            }
        }
    }

    #[test]
    fn no_word_of_a_route_is_passed_over() {
        for text in [
            "ip route change default initcwnd 5 ssthresh x",
            "ip route change default initcwnd 5 nonsense",
            "ip route change default initrwnd 0",
            "ip route change default window 8000",
            "ip route add blackhole 192.0.2.0/24 mtu 1400",
            "ip route add 192.0.2.0/24 dev tun0",
            "ip route change default rto_min 5h",
            "ip route del default",
            "ip link set dev tun0 mtu 1400 down",
            "ip rule",
            "ifconfig tun0 down",
        ] {
            assert!(understand(text).is_err(), "{text}");
        }
    }

    #[test]
    fn devices() {
        let rows = [
            ("ip link set dev tun0 up", vec![Meaning::Nothing]),
            (
                "ip link set tun0 mtu 1400 up",
                vec![Meaning::Mtu(1400), Meaning::Nothing],
            ),
            ("ip -s link show", vec![Meaning::Nothing]),
            ("ip route flush cache", vec![Meaning::Nothing]),
            ("ip route change default rtt 5ms", vec![Meaning::Nothing]),
            ("ip tcp_metrics flush", vec![Meaning::Nothing]),
            ("ifconfig tun0 mtu 1400", vec![Meaning::Mtu(1400)]),
            ("tc -s qdisc show dev tun0", vec![Meaning::Nothing]),
        ];
        for (text, meanings) in rows {
            assert_eq!(understand(text), Ok(meanings), "{text}");
        }
    }

    #[test]
    fn queues() {
        let rows = [
            ("replace dev tun0 root pfifo limit 0", Queue::Deaf),
            ("replace dev tun0 root netem loss 100%", Queue::Deaf),
            ("replace dev tun0 root handle 1: pfifo", Queue::Plain),
            ("add dev tun0 root pfifo_fast", Queue::Plain),
            ("del dev tun0 root", Queue::Plain),
            ("replace dev tun0 root fq", Queue::Paced),
            (
                "add dev tun0 root netem delay 10ms",
                Queue::Late(Duration::from_millis(10)),
            ),
            (
                "change dev tun0 root netem latency 1500us",
                Queue::Late(Duration::from_micros(1_500)),
            ),
            ("change dev tun0 root fq nopacing", Queue::Plain),
        ];
        for (text, queue) in rows {
            let understood = understand(&format!("tc qdisc {text}"));
            assert_eq!(understood, Ok(vec![Meaning::Queue(queue)]), "{text}");
        }
        for text in [
            "replace dev tun0 root fq maxrate 1mbit",
            "replace dev tun0 root netem delay 10ms 2ms",
            "replace dev tun0 root netem delay soon",
            "replace dev tun0 root netem delay 10000",
            "add netem loss 1",
        ] {
            assert!(understand(&format!("tc qdisc {text}")).is_err(), "{text}");
        }
    }
}
