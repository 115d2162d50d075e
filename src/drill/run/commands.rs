//! What the shell commands of scripts mean here. No shell is ever asked.
//!
//! A command that is not known makes the script skipped: nobody could say what it would have
//! done.

use super::super::sysctl;
use super::events::Run;
use super::{Stop, failed, skipped};
use crate::config::{Config, Pacing};
use crate::stack::Counters;
use crate::tcp::State;

/// A command that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It changes nothing that a stack in a program has.
    Nothing,
    /// `sysctl key=value`.
    Setting(String, String),
    /// `ip link set dev … mtu N`.
    Mtu(usize),
    /// `ip route change … initcwnd N` and so on: metrics by name.
    Route(Vec<(String, u32)>),
    /// `tc qdisc … pfifo limit 0`: everything sent is lost.
    Deaf(bool),
    /// `tc qdisc … fq`.
    Paced,
    /// `nstat -n`: counting begins.
    CountFromHere,
    /// `nstat | grep Counter | grep -q " N "`.
    Counter(Counter, u64),
    /// A listener exists, as `/proc/net/tcp` would show.
    Listener,
    /// `dd`, `truncate`: a file of so many octets.
    File(String, u64),
    /// `rm`.
    NoFile(String),
    /// `sockstat … | grep -c STATE | grep N`: so many connections are in a state.
    Connections(State, usize),
}

/// A counter of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    OutOfWindowIcmps,
}

/// The counters when counting began.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline(Counters);

/// What the lines of a command mean.
///
/// # Errors
/// The part that is not known, in words.
pub(super) fn understand(text: &str) -> Result<Vec<Meaning>, String> {
    let joined = text.replace("\\\n", " ");
    let mut meanings = Vec::new();
    for line in joined.split(['\n', ';']).flat_map(|line| line.split("&&")) {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match meaning(&words, line) {
            Some(found) => meanings.extend(found),
            None => return Err(format!("no support for the command {line}")),
        }
    }
    for meaning in &meanings {
        if let Meaning::Setting(key, value) = meaning {
            sysctl::apply(&mut probe(), key, value)?;
        }
    }
    Ok(meanings)
}

/// A configuration to try settings on.
fn probe() -> Config {
    Config::new([[192, 168, 0, 2].into()])
}

/// Programs that have no effect on a stack in a program.
const WITHOUT_EFFECT: [&str; 12] = [
    "true", ":", "ethtool", "sleep", "echo", "exit", "cd", "modprobe", "set", "ulimit", "wait",
    "sync",
];

fn meaning(words: &[&str], line: &str) -> Option<Vec<Meaning>> {
    let first = *words.first()?;
    let program = first.rsplit('/').next().unwrap_or(first);
    match program {
        "sysctl" | "set_sysctls.py" => settings(words, line),
        "defaults.sh" | "sysctl_restore.sh" => Some(vec![Meaning::Nothing]),
        _ if program.starts_with("sysctl_restore") => Some(vec![Meaning::Nothing]),
        _ if WITHOUT_EFFECT.contains(&program) => Some(vec![Meaning::Nothing]),
        "ip" => ip(words),
        "tc" => tc(words).map(|meaning| vec![meaning]),
        "nstat" => nstat(words, line).map(|meaning| vec![meaning]),
        "grep" if line.contains("/proc/net/tcp") && line.contains(" 0A ") => {
            Some(vec![Meaning::Listener])
        }
        "rm" => words
            .last()
            .map(|path| vec![Meaning::NoFile((*path).to_owned())]),
        "dd" => dd(words).map(|meaning| vec![meaning]),
        "truncate" => match words {
            [_, "-s", size, path] => {
                let size = octets(size)?;
                Some(vec![Meaning::File((*path).to_owned(), size)])
            }
            _ => None,
        },
        "sockstat" => sockstat(line).map(|meaning| vec![meaning]),
        _ => None,
    }
}

/// `sysctl -q -w net.ipv4.X=V`, or `net.ipv4.X="a b c"`.
fn settings(words: &[&str], line: &str) -> Option<Vec<Meaning>> {
    let mut meanings = Vec::new();
    let mut rest = line.trim_start().strip_prefix(words[0])?.trim();
    while !rest.is_empty() {
        if rest.starts_with('-') || rest.starts_with('>') || rest.starts_with("2>") {
            rest = rest
                .split_once(char::is_whitespace)
                .map_or("", |(_, rest)| rest)
                .trim_start();
            continue;
        }
        let (key, after) = rest.split_once('=')?;
        let quote = after.chars().next().filter(|c| *c == '"' || *c == '\'');
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote)?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        let key = key.trim().trim_start_matches("/proc/sys/");
        meanings.push(Meaning::Setting(key.to_owned(), value.to_owned()));
        rest = next.trim_start();
    }
    (!meanings.is_empty()).then_some(meanings)
}

/// The word behind another.
fn after<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    let at = words.iter().position(|known| *known == word)?;
    words.get(at + 1).copied()
}

fn ip(words: &[&str]) -> Option<Vec<Meaning>> {
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "-4" | "-6"))
        .collect();
    match words.get(1..)? {
        ["tcp_metrics", "flush", ..] => Some(vec![Meaning::Nothing]),
        ["link", "set", ..] => {
            let mtu = after(&words, "mtu")?.parse().ok()?;
            Some(vec![Meaning::Mtu(mtu)])
        }
        ["route", "change" | "replace" | "add", ..] => {
            let mut metrics = Vec::new();
            for name in ["advmss", "mtu", "initcwnd", "initrwnd", "rto_min"] {
                let value = match after(&words, name) {
                    Some("lock") => after(&words, "lock"),
                    value => value,
                };
                let Some(value) = value else { continue };
                let value = value.trim_end_matches("ms").parse().ok()?;
                metrics.push((name.to_owned(), value));
            }
            let unknown = [
                "congctl", "features", "quickack", "hoplimit", "window", "cwnd",
            ];
            let fits = !metrics.is_empty() && !words.iter().any(|word| unknown.contains(word));
            fits.then(|| vec![Meaning::Route(metrics)])
        }
        _ => None,
    }
}

fn tc(words: &[&str]) -> Option<Meaning> {
    match words.get(1..)? {
        ["qdisc", _, ..] if words.contains(&"fq") => Some(Meaning::Paced),
        ["qdisc", _, ..] if words.contains(&"pfifo") => {
            Some(Meaning::Deaf(after(words, "limit") == Some("0")))
        }
        _ => None,
    }
}

/// `nstat -n`, or a counter that must be a number.
fn nstat(words: &[&str], line: &str) -> Option<Meaning> {
    if words.get(1..) == Some(&["-n"]) {
        return Some(Meaning::CountFromHere);
    }
    let (_, pattern) = line.rsplit_once("grep")?;
    let number: String = pattern.chars().filter(char::is_ascii_digit).collect();
    let number = number.parse().ok()?;
    match line.contains("OutOfWindowIcmps") {
        true => Some(Meaning::Counter(Counter::OutOfWindowIcmps, number)),
        false => None,
    }
}

fn octets(text: &str) -> Option<u64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let unit = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// `dd bs=N count=N if=/dev/zero of=path`.
fn dd(words: &[&str]) -> Option<Meaning> {
    let option = |name: &str| {
        let mut found = words.iter().filter_map(|word| word.split_once('='));
        found
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let size = option("bs").map_or(Some(512), octets)?;
    let count = option("count")?.parse::<u64>().ok()?;
    (option("if") == Some("/dev/zero")).then_some(())?;
    let path = option("of")?.to_owned();
    Some(Meaning::File(path, size.checked_mul(count)?))
}

fn sockstat(line: &str) -> Option<Meaning> {
    const STATES: [(&str, State); 8] = [
        ("SYN_RCVD", State::SynReceived),
        ("ESTABLISHED", State::Established),
        ("FIN_WAIT_1", State::FinWait1),
        ("FIN_WAIT_2", State::FinWait2),
        ("CLOSE_WAIT", State::CloseWait),
        ("CLOSING", State::Closing),
        ("LAST_ACK", State::LastAck),
        ("TIME_WAIT", State::TimeWait),
    ];
    let (_, state) = STATES.iter().find(|(name, _)| line.contains(name))?;
    let (_, count) = line.rsplit_once("grep")?;
    Some(Meaning::Connections(*state, count.trim().parse().ok()?))
}

impl Run<'_> {
    /// Does what a command means.
    pub(super) fn command(&mut self, text: &str) -> Result<(), Stop> {
        let meanings = match understand(text) {
            Ok(meanings) => meanings,
            Err(reason) => return skipped(reason),
        };
        for meaning in meanings {
            self.apply(meaning)?;
        }
        Ok(())
    }

    fn apply(&mut self, meaning: Meaning) -> Result<(), Stop> {
        match meaning {
            Meaning::Nothing => Ok(()),
            Meaning::Setting(key, value) => {
                let mut config = self.host.stack.config().clone();
                match sysctl::apply(&mut config, &key, &value) {
                    Ok(()) => self.reconfigure(config),
                    Err(reason) => skipped(reason),
                }
            }
            Meaning::Mtu(mtu) => {
                let mut config = self.host.stack.config().clone();
                config.mtu = mtu;
                self.setup.mtu = mtu;
                self.reconfigure(config)
            }
            Meaning::Route(metrics) => self.route(&metrics),
            Meaning::Deaf(deaf) => {
                self.host.deaf = deaf;
                Ok(())
            }
            Meaning::Paced => {
                let mut config = self.host.stack.config().clone();
                config.tcp.pacing.when = Pacing::Always;
                self.reconfigure(config)
            }
            Meaning::CountFromHere => {
                self.counters_at = Baseline(self.host.stack.counters().clone());
                Ok(())
            }
            Meaning::Counter(Counter::OutOfWindowIcmps, wanted) => {
                let counters = self.host.stack.counters();
                let counted = counters.icmp_ignored - self.counters_at.0.icmp_ignored;
                same("OutOfWindowIcmps", wanted, counted)
            }
            Meaning::Listener => match self.sockets.has_listener() {
                true => Ok(()),
                false => failed("nobody listens"),
            },
            Meaning::File(path, size) => {
                self.files.sizes.insert(path, size);
                Ok(())
            }
            Meaning::NoFile(path) => {
                self.files.sizes.remove(&path);
                Ok(())
            }
            Meaning::Connections(state, wanted) => {
                let connections = self.host.stack.connections();
                let counted = connections.filter(|(_, s)| *s == state).count();
                same(
                    &format!("connections in {state}"),
                    wanted as u64,
                    counted as u64,
                )
            }
        }
    }

    fn route(&mut self, metrics: &[(String, u32)]) -> Result<(), Stop> {
        let mut config = self.host.stack.config().clone();
        for (name, value) in metrics {
            match name.as_str() {
                "advmss" => config.tcp.mss = Some((*value).min(65_535) as u16),
                "mtu" => config.mtu = *value as usize,
                "initcwnd" => config.tcp.initial_window = (*value).max(1),
                "rto_min" => {
                    config.tcp.min_rto = crate::time::Duration::from_millis((*value).into());
                }
                _ => return skipped(format!("no support for the route metric {name}")),
            }
        }
        self.reconfigure(config)
    }

    fn reconfigure(&mut self, config: Config) -> Result<(), Stop> {
        match self.host.stack.reconfigure(config) {
            Ok(()) => Ok(()),
            Err(error) => skipped(error.to_string()),
        }
    }
}

fn same(what: &str, wanted: u64, counted: u64) -> Result<(), Stop> {
    match wanted == counted {
        true => Ok(()),
        false => failed(format!(
            "{what}: {wanted} is expected, {counted} is counted"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Meaning {
        let mut meanings = understand(text).unwrap();
        assert_eq!(meanings.len(), 1, "{text}");
        meanings.remove(0)
    }

    #[test]
    fn settings_in_every_form() {
        let setting = |key: &str, value: &str| Meaning::Setting(key.to_owned(), value.to_owned());
        let meanings = understand(
            "./defaults.sh\nsysctl -q -e -w net.ipv4.tcp_sack=0 net/ipv4/tcp_timestamps=1;\
             ../set_sysctls.py /proc/sys/net/ipv4/tcp_wmem=\"1 2 3\" && true",
        );
        assert_eq!(
            meanings.unwrap(),
            [
                Meaning::Nothing,
                setting("net.ipv4.tcp_sack", "0"),
                setting("net/ipv4/tcp_timestamps", "1"),
                setting("net/ipv4/tcp_wmem", "1 2 3"),
                Meaning::Nothing,
            ]
        );
    }

    #[test]
    fn every_other_command() {
        let rows = [
            (
                "ip tcp_metrics flush all > /dev/null 2>&1",
                Meaning::Nothing,
            ),
            ("ip link set dev tun0 mtu 1280", Meaning::Mtu(1280)),
            ("ethtool -K tun0 tso off gso off", Meaning::Nothing),
            (
                "tc qdisc replace dev tun0 root pfifo limit 0",
                Meaning::Deaf(true),
            ),
            ("tc qdisc replace dev tun0 root pfifo", Meaning::Deaf(false)),
            ("tc qdisc replace dev tun0 root fq", Meaning::Paced),
            ("nstat -n", Meaning::CountFromHere),
            (
                "nstat | grep TcpExtOutOfWindowIcmps | grep -q \" 1 \"",
                Meaning::Counter(Counter::OutOfWindowIcmps, 1),
            ),
            ("rm -f testfile", Meaning::NoFile("testfile".to_owned())),
            (
                "dd bs=1k count=4 if=/dev/zero of=testfile status=none",
                Meaning::File("testfile".to_owned(), 4096),
            ),
            ("truncate -s 10 f", Meaning::File("f".to_owned(), 10)),
            ("grep -q \" 0A \" /proc/net/tcp", Meaning::Listener),
            (
                "sockstat -4 -P tcp -p 8080 -s | grep 192.0.2.1 | grep -c TIME_WAIT | grep 1",
                Meaning::Connections(State::TimeWait, 1),
            ),
            (
                "ip route change 192.0.2.0/24 via 192.168.0.1 initcwnd 20 mtu lock 1400",
                Meaning::Route(vec![("mtu".to_owned(), 1400), ("initcwnd".to_owned(), 20)]),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for text in [
            "reboot",
            "sysctl -w net.ipv4.nonsense=1",
            "tc qdisc add netem loss 1",
            "ip rule",
        ] {
            assert!(
                understand(text).unwrap_err().starts_with("no support for"),
                "{text}"
            );
        }
    }
}
