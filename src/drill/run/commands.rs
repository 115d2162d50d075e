//! What the shell commands of scripts mean here. No shell is ever asked.
//!
//! A command that is not known makes the script skipped: nobody could say what it would have
//! done.

use super::super::sysctl;
use super::events::Run;
use super::setkey::{self, Association};
use super::{Stop, failed, skipped};
use crate::config::{Config, Pacing, SignatureKey, SignatureKeys};
use crate::stack::Counters;
use crate::tcp::State;
use crate::time::Duration;

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
    /// `tcpdrop -s STATE`: the connections in a state end.
    Drop(State),
    /// `sleep`.
    Wait(Duration),
    /// `false`, `exit 1`: the command fails, and the script with it.
    Failure,
    /// Fast Open at every listener, and AccECN options whenever they fit.
    OpenToAll,
    /// `setkey`: whether what there was is forgotten, and what is added.
    Keys(bool, Vec<Association>),
}

/// A counter of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// Errors of routers that no connection believed.
    OutOfWindowIcmps,
    /// Segments within the window for which there was no memory.
    RcvQDrop,
    /// Segments that end beyond the window.
    BeyondWindow,
    /// What came next when the window was closed.
    ZeroWindowDrop,
    /// Segments without the signature that their peer's key asks for (RFC 2385).
    Md5NotFound,
    /// Signed segments of peers without a key.
    Md5Unexpected,
    /// Segments that were signed with something else.
    Md5Failure,
}

impl Counter {
    /// By the name that `nstat` has.
    const NAMES: [(&str, Counter); 7] = [
        ("TcpExtOutOfWindowIcmps", Counter::OutOfWindowIcmps),
        ("TcpExtTCPRcvQDrop", Counter::RcvQDrop),
        ("TcpExtBeyondWindow", Counter::BeyondWindow),
        ("TcpExtTCPZeroWindowDrop", Counter::ZeroWindowDrop),
        ("TcpExtTCPMD5NotFound", Counter::Md5NotFound),
        ("TcpExtTCPMD5Unexpected", Counter::Md5Unexpected),
        ("TcpExtTCPMD5Failure", Counter::Md5Failure),
    ];

    /// Since the start.
    fn of(self, counters: &Counters) -> u64 {
        match self {
            Counter::OutOfWindowIcmps => counters.icmp_ignored,
            Counter::RcvQDrop => counters.refused_segments(),
            Counter::BeyondWindow => counters.beyond_window,
            Counter::ZeroWindowDrop => counters.zero_window_drops,
            Counter::Md5NotFound => counters.unsigned_segments(),
            Counter::Md5Unexpected => counters.unexpected_signatures(),
            Counter::Md5Failure => counters.wrong_signatures(),
        }
    }
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
    let joined = products(&joined).ok_or_else(|| format!("no support for the command {text}"))?;
    if let Some((flushes, added)) = setkey::understand(&joined) {
        return Ok(vec![Meaning::Keys(flushes, added)]);
    }
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

/// A text whose products, `$((15*1024*1024))`, are numbers; `None` for other arithmetic.
fn products(text: &str) -> Option<String> {
    let Some((before, after)) = text.split_once("$((") else {
        return Some(text.to_owned());
    };
    let (product, after) = after.split_once("))")?;
    let mut factors = product
        .split('*')
        .map(|factor| factor.trim().parse::<u64>().ok());
    let number = factors.try_fold(1u64, |product, factor| product.checked_mul(factor?))?;
    Some(format!("{before}{number}{}", products(after)?))
}

/// What one script of defaults sets beside the profile.
const OPEN_TO_ALL: [(&str, &str); 2] = [
    ("net.ipv4.tcp_fastopen", "0x70403"),
    ("net.ipv4.tcp_ecn_option", "2"),
];

/// A configuration to try settings on.
fn probe() -> Config {
    Config::new([[192, 168, 0, 2].into()])
}

/// Programs that have no effect on a stack in a program, unless they write into a file.
const WITHOUT_EFFECT: [&str; 11] = [
    "true", ":", "ethtool", "echo", "cd", "modprobe", "kldload", "set", "ulimit", "wait", "sync",
];

fn meaning(words: &[&str], line: &str) -> Option<Vec<Meaning>> {
    let first = *words.first()?;
    let program = first.rsplit('/').next().unwrap_or(first);
    let one = |meaning: Option<Meaning>| meaning.map(|meaning| vec![meaning]);
    match program {
        "sysctl" | "set_sysctls.py" => settings(words, line),
        // Two sets of scripts begin with one of this name; the one that several directories share
        // sets these beside what the profile is.
        "defaults.sh" if first.contains("common/") => Some(vec![Meaning::OpenToAll]),
        "defaults.sh" => Some(vec![Meaning::Nothing]),
        _ if program.starts_with("sysctl_restore") => Some(vec![Meaning::Nothing]),
        "echo" if line.contains('>') => one(echo(line)),
        _ if WITHOUT_EFFECT.contains(&program) => Some(vec![Meaning::Nothing]),
        "false" => Some(vec![Meaning::Failure]),
        "exit" => match words.get(1) {
            None | Some(&"0") => Some(vec![Meaning::Nothing]),
            Some(_) => Some(vec![Meaning::Failure]),
        },
        "sleep" => {
            let micros = super::super::text::micros_of(words.get(1)?)?;
            Some(vec![Meaning::Wait(Duration::from_micros(micros))])
        }
        "ip" => ip(words),
        "tc" => one(tc(words)),
        "nstat" => nstat(words, line),
        "grep" if line.contains("/proc/net/tcp") && line.contains(" 0A ") => {
            Some(vec![Meaning::Listener])
        }
        "rm" => one(words.last().map(|path| Meaning::NoFile((*path).to_owned()))),
        "dd" => one(dd(words)),
        "truncate" => match words {
            [_, "-s", size, path] => {
                let size = octets(size)?;
                Some(vec![Meaning::File((*path).to_owned(), size)])
            }
            _ => None,
        },
        "sockstat" => one(sockstat(line)),
        "tcpdrop" => match words {
            [_, "-s", state] => one(state_of(state).map(Meaning::Drop)),
            _ => None,
        },
        _ => None,
    }
}

/// `echo VALUE > /proc/sys/net/ipv4/…`, or to where the parameters of a controller are.
fn echo(line: &str) -> Option<Meaning> {
    let (said, path) = line.split_once('>')?;
    let path = path.trim_start_matches('>').trim();
    let value = said.trim().strip_prefix("echo")?.trim();
    let value = value.trim_matches(['"', '\'']);
    if path == "/dev/null" {
        return Some(Meaning::Nothing);
    }
    let key = (path.strip_prefix("/proc/sys/")).or(path.strip_prefix("/sys/module/"))?;
    Some(Meaning::Setting(key.to_owned(), value.to_owned()))
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
        let word = rest.split(char::is_whitespace).next()?;
        if is_key(word) {
            // It is asked for, and nobody reads the answer.
            rest = rest[word.len()..].trim_start();
            meanings.push(Meaning::Nothing);
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

/// The name of a setting, without a value.
fn is_key(word: &str) -> bool {
    word.contains(['.', '/'])
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
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

/// `nstat -n`, or a counter that must be a number. Without `-s` it tells next time what is new
/// since this one.
fn nstat(words: &[&str], line: &str) -> Option<Vec<Meaning>> {
    if words.get(1..) == Some(&["-n"]) {
        return Some(vec![Meaning::CountFromHere]);
    }
    let (_, pattern) = line.rsplit_once("grep")?;
    let number: String = pattern.chars().filter(char::is_ascii_digit).collect();
    let number = number.parse().ok()?;
    let mut known = Counter::NAMES.iter();
    let (_, counter) = known.find(|(name, _)| line.contains(name))?;
    let mut meanings = vec![Meaning::Counter(*counter, number)];
    if words.get(1) != Some(&"-s") {
        meanings.push(Meaning::CountFromHere);
    }
    Some(meanings)
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

/// How FreeBSD writes states.
const STATES: [(&str, State); 11] = [
    ("CLOSED", State::Closed),
    ("LISTEN", State::Listen),
    ("SYN_SENT", State::SynSent),
    ("SYN_RCVD", State::SynReceived),
    ("ESTABLISHED", State::Established),
    ("FIN_WAIT_1", State::FinWait1),
    ("FIN_WAIT_2", State::FinWait2),
    ("CLOSE_WAIT", State::CloseWait),
    ("CLOSING", State::Closing),
    ("LAST_ACK", State::LastAck),
    ("TIME_WAIT", State::TimeWait),
];

fn state_of(name: &str) -> Option<State> {
    let found = STATES.iter().find(|(known, _)| *known == name);
    found.map(|(_, state)| *state)
}

fn sockstat(line: &str) -> Option<Meaning> {
    let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let state = words.find_map(state_of)?;
    let (_, count) = line.rsplit_once("grep")?;
    Some(Meaning::Connections(state, count.trim().parse().ok()?))
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
            Meaning::Counter(counter, wanted) => {
                let now = counter.of(self.host.stack.counters());
                let then = counter.of(&self.counters_at.0);
                same(&format!("{counter:?}"), wanted, now - then)
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
                let counted = self.sockets_in(state) as u64;
                same(&format!("connections in {state}"), wanted as u64, counted)
            }
            Meaning::Drop(state) => {
                self.host.stack.abort_in(state);
                Ok(())
            }
            Meaning::Wait(time) => self.advance(self.host.now + time),
            Meaning::Failure => failed("the command fails"),
            Meaning::Keys(flushes, added) => self.associate(flushes, added),
            Meaning::OpenToAll => {
                for (key, value) in OPEN_TO_ALL {
                    self.apply(Meaning::Setting(key.to_owned(), value.to_owned()))?;
                }
                Ok(())
            }
        }
    }

    /// How many sockets `sockstat` would show in a state: those that the program has and that
    /// were never connected are closed, too.
    fn sockets_in(&mut self, state: State) -> usize {
        let calls = self.host.calls();
        match state {
            State::Listen => calls.listening_count(),
            State::Closed => calls.unconnected_count(),
            _ => {
                let connections = self.host.stack.connections();
                connections.filter(|(_, known)| *known == state).count()
            }
        }
    }

    /// `setkey`: the keys that sockets may ask for from now on.
    fn associate(&mut self, flushes: bool, added: Vec<Association>) -> Result<(), Stop> {
        let mut keys = match flushes {
            true => SignatureKeys::default(),
            false => self.host.associations().clone(),
        };
        for Association { hosts, key } in added {
            let Some(key) = SignatureKey::new(&key) else {
                return failed("a key has 1 to 80 octets");
            };
            for host in hosts {
                if keys.set_host(host, key.clone()).is_err() {
                    return failed("there are too many keys");
                }
            }
        }
        self.host.associate(keys);
        Ok(())
    }

    fn route(&mut self, metrics: &[(String, u32)]) -> Result<(), Stop> {
        let mut config = self.host.stack.config().clone();
        for (name, value) in metrics {
            match name.as_str() {
                "advmss" => config.tcp.mss = Some((*value).min(65_535) as u16),
                "mtu" => config.mtu = *value as usize,
                "initcwnd" => config.tcp.initial_window = (*value).max(1),
                "rto_min" => {
                    config.tcp.min_rto = Duration::from_millis((*value).into());
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
            ("../../common/defaults.sh", Meaning::OpenToAll),
            ("tcpdrop -s TIME_WAIT", Meaning::Drop(State::TimeWait)),
            ("sleep 1.5", Meaning::Wait(Duration::from_millis(1_500))),
            ("exit 0", Meaning::Nothing),
            ("exit 1", Meaning::Failure),
            ("false", Meaning::Failure),
            ("kldload -n cc_newreno", Meaning::Nothing),
            ("sysctl net.inet.tcp.rfc1323", Meaning::Nothing),
            ("echo hello > /dev/null", Meaning::Nothing),
            (
                "sysctl -q net.ipv4.tcp_base_mss=$((2 * 256))",
                Meaning::Setting("net.ipv4.tcp_base_mss".to_owned(), "512".to_owned()),
            ),
            (
                "echo 0 > /proc/sys/net/ipv4/tcp_sack",
                Meaning::Setting("net/ipv4/tcp_sack".to_owned(), "0".to_owned()),
            ),
            (
                "echo 2 > /sys/module/tcp_cubic/parameters/hystart_detect",
                Meaning::Setting(
                    "tcp_cubic/parameters/hystart_detect".to_owned(),
                    "2".to_owned(),
                ),
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
                "sockstat -6 -P tcp -s | grep fd3d | grep -c CLOSED | grep 0",
                Meaning::Connections(State::Closed, 0),
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

    /// By the names of Linux; and unless `-s` says so, each time only what is new.
    #[test]
    fn nstat_tells_what_is_new() {
        for (name, counter) in Counter::NAMES {
            let wanted = Meaning::Counter(counter, 2);
            assert_eq!(
                one(&format!("nstat -s | grep {name} | grep -q \" 2 \"")),
                wanted
            );
            assert_eq!(
                understand(&format!("nstat | grep {name} | grep -q \" 2 \"")),
                Ok(vec![wanted, Meaning::CountFromHere])
            );
        }
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for text in [
            "reboot",
            "sysctl -w net.ipv4.nonsense=1",
            "tc qdisc add netem loss 1",
            "ip rule",
            "echo 1 > /sys/module/tcp_cubic/parameters/beta",
            "sysctl -q net.ipv4.tcp_fin_timeout=$((1+2))",
            "nstat | grep TcpExtTCPAbortOnMemory | grep -q \" 1 \"",
            "setkey -c",
            "sysctl net.inet.tcp.rfc1323 | grep 1",
            "tcpdrop -a",
        ] {
            assert!(
                understand(text).unwrap_err().starts_with("no support for"),
                "{text}"
            );
        }
    }
}
