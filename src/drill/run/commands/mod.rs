//! What the shell commands of scripts mean here. No shell is ever run.
//!
//! A script with an unknown command is skipped: it is not known what the command would have done.

pub(super) mod counters;
mod files;
mod listing;
mod loops;
mod routes;
mod setkey;
mod shell;

use core::net::SocketAddr;

use super::super::sysctl;
use super::socket::Stage;
use super::state::Run;
use super::{Stop, failed, skipped};
use crate::config::{
    Config, EcnMode, Pacing, PacingConfig, SignatureKey, SignatureKeys, SlowStartSigns,
};
use crate::tcp::State;
use crate::time::Duration;
use counters::{Baseline, Check};
use listing::Listing;
use routes::{Metric, Queue};
use setkey::Association;
use shell::{Program, statements};

/// A command that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It changes nothing that a stack in a program has.
    Nothing,
    /// `sysctl key=value`.
    Setting(String, String),
    /// `ip link set dev … mtu N`.
    Mtu(usize),
    /// `ip route change … initcwnd N` and so on.
    Route(Vec<Metric>),
    /// `tc qdisc …`.
    Queue(Queue),
    /// `nstat -n`: counting begins.
    CountFromHere,
    /// `nstat | grep Counter | grep -q " N "`.
    Counter(Check),
    /// A listener exists, as `/proc/net/tcp` would show.
    Listener,
    /// `dd`, `truncate`: makes a file of this length.
    File(String, u64),
    /// `rm`.
    NoFile(String),
    /// `sockstat … | grep -c STATE | grep N`: checks how many connections are in a state.
    Connections(State, usize),
    /// `tcpdrop -s STATE`: ends the connections in a state.
    Drop(State),
    /// `ss … | grep …`: checks which sockets exist.
    Listing(Listing),
    /// `sleep`.
    Wait(Duration),
    /// `false`, `exit 1`: the command fails, and the script with it.
    Failure,
    /// Fast Open at every listener, and AccECN options whenever they fit.
    OpenToAll,
    /// `setkey`: whether it forgets the old keys, and the keys that it adds.
    Keys(bool, Vec<Association>),
}

impl Meaning {
    /// Whether the command may fail, so that what follows `||` matters.
    fn may_fail(&self) -> bool {
        matches!(
            self,
            Meaning::Counter(_)
                | Meaning::Listener
                | Meaning::Connections(..)
                | Meaning::Listing(_)
                | Meaning::Failure
        )
    }
}

/// The most that one command does.
const MOST_MEANINGS: usize = 10_000;

/// What the lines of a command mean.
///
/// # Errors
/// The part that is not known, in words.
pub(super) fn understand(text: &str) -> Result<Vec<Meaning>, String> {
    let unknown = |what: &str| format!("no support for the command {what}");
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let joined = loops::unroll(&joined).ok_or_else(|| unknown(text.trim()))?;
    let joined = products(&joined).ok_or_else(|| unknown(text))?;
    if let Some((flushes, added)) = setkey::understand(&joined) {
        return Ok(vec![Meaning::Keys(flushes, added)]);
    }
    let mut meanings = Vec::new();
    for statement in statements(&joined).ok_or_else(|| unknown(text.trim()))? {
        let found = meaning(&statement.programs).ok_or_else(|| unknown(&statement.text))?;
        if let Some(otherwise) = &statement.otherwise {
            let instead = meaning(otherwise).ok_or_else(|| unknown(&statement.text))?;
            // `||` would hide a failure of the check, so such a command is not understood.
            if found.iter().any(Meaning::may_fail) && instead != [Meaning::Failure] {
                return Err(unknown(&statement.text));
            }
        }
        meanings.extend(found);
        if meanings.len() > MOST_MEANINGS {
            return Err("no support for a command that does so much".to_owned());
        }
    }
    for meaning in &meanings {
        if let Meaning::Setting(key, value) = meaning {
            sysctl::apply(&mut probe(), key, value)?;
        }
    }
    Ok(meanings)
}

/// The text with products such as `$((15*1024*1024))` calculated; `None` for other arithmetic.
fn products(text: &str) -> Option<String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$((") {
        let (product, behind) = behind.split_once("))")?;
        let mut factors = product
            .split('*')
            .map(|factor| factor.trim().parse::<u64>().ok());
        let number = factors.try_fold(1u64, |product, factor| product.checked_mul(factor?))?;
        made += &format!("{before}{number}");
        rest = behind;
    }
    Some(made + rest)
}

/// What one script of defaults sets in addition to the profile.
const OPEN_TO_ALL: [(&str, &str); 2] = [
    ("net.ipv4.tcp_fastopen", "0x70403"),
    ("net.ipv4.tcp_ecn_option", "2"),
];

/// A configuration to try settings on, of a host that has them all.
fn probe() -> Config {
    let mut config = Config::new([[192, 168, 0, 2].into()]);
    config.tcp.habits.leaves_slow_start_at_once = Some(SlowStartSigns::default());
    config
}

/// Programs that have no effect on a stack in a program, unless they write to a file.
const WITHOUT_EFFECT: [&str; 12] = [
    "true", ":", "ethtool", "cd", "modprobe", "kldload", "kldstat", "set", "ulimit", "wait",
    "sync", "logger",
];

/// The meaning of a pipeline.
fn meaning(programs: &[Program]) -> Option<Vec<Meaning>> {
    let first = programs.first()?;
    let one = |meaning: Option<Meaning>| meaning.map(|meaning| vec![meaning]);
    match (first.name(), programs) {
        ("nstat", _) => counters::nstat(programs),
        ("sockstat", _) => one(sockstat(programs)),
        ("ss" | "netstat", _) => one(listing::understand(programs).map(Meaning::Listing)),
        ("grep" | "cat", _) if lists_listeners(programs) => Some(vec![Meaning::Listener]),
        ("echo" | "printf", [said, tee]) if tee.name() == "tee" => {
            one(written(said, tee.words.last()?))
        }
        (_, [alone]) => alone_means(alone),
        _ => None,
    }
}

fn alone_means(program: &Program) -> Option<Vec<Meaning>> {
    let words = &program.words()[..];
    let one = |meaning: Option<Meaning>| meaning.map(|meaning| vec![meaning]);
    match program.name() {
        "sysctl" | "set_sysctls.py" => settings(words),
        // Two sets of scripts begin with a script of this name; the one that several directories
        // share sets these in addition to the profile.
        "defaults.sh" if words[0].contains("common/") => Some(vec![Meaning::OpenToAll]),
        "defaults.sh" => Some(vec![Meaning::Nothing]),
        name if name.starts_with("sysctl_restore") => Some(vec![Meaning::Nothing]),
        "." | "source" | "sh" | "bash" => script(program),
        "echo" | "printf" => match &program.into {
            None => Some(vec![Meaning::Nothing]),
            Some(path) => one(written(program, path)),
        },
        name if WITHOUT_EFFECT.contains(&name) => Some(vec![Meaning::Nothing]),
        "cat" => match program.into.as_deref() {
            None | Some("/dev/null") => Some(vec![Meaning::Nothing]),
            Some(_) => None,
        },
        "false" => Some(vec![Meaning::Failure]),
        "exit" => match words.get(1) {
            None | Some(&"0") => Some(vec![Meaning::Nothing]),
            Some(_) => Some(vec![Meaning::Failure]),
        },
        "sleep" => {
            let seconds = words.get(1)?;
            let seconds = seconds.strip_suffix('s').unwrap_or(seconds);
            let micros = super::super::text::micros_of(seconds)?;
            Some(vec![Meaning::Wait(Duration::from_micros(micros))])
        }
        "usleep" => {
            let micros = words.get(1)?.parse().ok()?;
            Some(vec![Meaning::Wait(Duration::from_micros(micros))])
        }
        "ip" => routes::ip(words),
        "tc" => one(routes::tc(words)),
        "ifconfig" => one(routes::ifconfig(words)),
        "rm" | "dd" | "truncate" | "fallocate" | "head" | "touch" => {
            one(files::understand(program))
        }
        "tcpdrop" => match words {
            [_, "-s", state] => one(state_of(state).map(Meaning::Drop)),
            _ => None,
        },
        _ => None,
    }
}

/// `sh -c 'TEXT'`, or a known script file.
fn script(program: &Program) -> Option<Vec<Meaning>> {
    match &program.words()[1..] {
        ["-c", text] => understand(text).ok(),
        [path] => {
            let words = vec![(*path).to_owned()];
            let known = ["defaults.sh", "sysctl_restore"];
            let is_known = known.iter().any(|name| path.contains(name));
            let program = Program { words, into: None };
            is_known.then(|| alone_means(&program)).flatten()
        }
        _ => None,
    }
}

/// A `grep` for the state LISTEN in what `/proc/net/tcp` shows.
fn lists_listeners(programs: &[Program]) -> bool {
    let mut words = programs.iter().flat_map(Program::words);
    let is_of_connections = words.clone().any(|word| word.starts_with("/proc/net/tcp"));
    let is_inverted = words.clone().any(|word| word == "-v");
    is_of_connections && !is_inverted && words.any(|word| word.contains(" 0A "))
}

/// `echo VALUE > /proc/sys/net/ipv4/…`, or into a parameter of a congestion controller.
fn written(said: &Program, path: &str) -> Option<Meaning> {
    if matches!(path, "/dev/null" | "/dev/stderr" | "/dev/kmsg") {
        return Some(Meaning::Nothing);
    }
    let words = said.words();
    let value = words[1..].iter().filter(|word| **word != "-n");
    let value: Vec<&str> = value.copied().collect();
    let key = (path.strip_prefix("/proc/sys/")).or(path.strip_prefix("/sys/module/"))?;
    Some(Meaning::Setting(key.to_owned(), value.join(" ")))
}

/// `sysctl -q -w net.ipv4.X=V net/ipv4/Y="a b c"`.
fn settings(words: &[&str]) -> Option<Vec<Meaning>> {
    let mut meanings = Vec::new();
    for word in &words[1..] {
        if let Some(options) = word.strip_prefix('-') {
            if !options.chars().all(|c| "qwenNbi".contains(c)) {
                return None;
            }
            continue;
        }
        meanings.push(match word.split_once('=') {
            Some((key, value)) => {
                let key = key.trim().trim_start_matches("/proc/sys/");
                let value = value.trim().trim_matches(['"', '\'']);
                Meaning::Setting(key.to_owned(), value.to_owned())
            }
            // The value is only asked for, and nothing reads the answer.
            None if is_key(word) => Meaning::Nothing,
            None => return None,
        });
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

/// FreeBSD's names of states.
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

/// `sockstat … | grep ADDRESS | grep -c STATE | grep N`
fn sockstat(programs: &[Program]) -> Option<Meaning> {
    let (last, others) = programs.split_last()?;
    let mut words = others.iter().flat_map(Program::words);
    let state = words.find_map(state_of)?;
    let are_greps = programs[1..].iter().all(|program| program.name() == "grep");
    let count = last.words.last()?.trim().parse().ok()?;
    are_greps.then_some(Meaning::Connections(state, count))
}

impl Run<'_> {
    /// Carries out a command.
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
            Meaning::Queue(queue) => self.queue(queue),
            Meaning::CountFromHere => {
                self.counters_at = Baseline::of(&self.host.stack);
                Ok(())
            }
            Meaning::Counter(check) => self.check(check),
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
            Meaning::Listing(listing) => match listing.holds(&self.listed()) {
                true => Ok(()),
                false => failed("nothing like that is listed"),
            },
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

    /// Sets what happens to everything that leaves from now on.
    fn queue(&mut self, queue: Queue) -> Result<(), Stop> {
        self.host.deaf = queue == Queue::Deaf;
        self.host.delay = match queue {
            Queue::Late(delay) => delay,
            Queue::Plain | Queue::Deaf | Queue::Paced => Duration::ZERO,
        };
        let mut config = self.host.stack.config().clone();
        config.tcp.pacing.when = match queue {
            Queue::Paced => Pacing::Always,
            Queue::Plain | Queue::Deaf | Queue::Late(_) => PacingConfig::default().when,
        };
        self.reconfigure(config)
    }

    /// How many sockets `sockstat` would show in a state. The program's sockets that were never
    /// connected count as closed, too.
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

    /// Listeners and connections: their states, and both ends.
    fn listed(&self) -> Vec<(State, SocketAddr, Option<SocketAddr>)> {
        let listeners = self
            .sockets
            .iter()
            .filter(|it| it.stage == Stage::Listening);
        let listeners = listeners.map(|it| (State::Listen, it.local, None));
        let connections = self.host.stack.connections();
        let connections = connections.filter(|(_, state)| *state != State::Listen);
        let connections = connections.map(|(ends, state)| (state, ends.local, Some(ends.remote)));
        listeners.chain(connections).collect()
    }

    /// `setkey`: changes the keys that sockets can use from now on.
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

    /// Checks the value of a counter.
    fn check(&self, check: Check) -> Result<(), Stop> {
        let start = Baseline::default();
        let base = if check.absolute {
            &start
        } else {
            &self.counters_at
        };
        let counted = base.new_in(check.counter, &self.host.stack);
        let name = check.counter.name();
        match check.wanted {
            Some(wanted) => same(name, wanted, counted),
            None if counted > 0 => Ok(()),
            None => failed(format!("{name}: nothing is counted")),
        }
    }

    fn route(&mut self, metrics: &[Metric]) -> Result<(), Stop> {
        let mut config = self.host.stack.config().clone();
        for metric in metrics {
            match metric {
                Metric::Mss(mss) => config.tcp.mss = Some(*mss),
                Metric::Mtu(mtu) => config.mtu = *mtu,
                Metric::FirstWindow(segments) => config.tcp.initial_window = *segments,
                Metric::FirstOffer(segments) => config.tcp.windows.first_segments = Some(*segments),
                Metric::LeastRto(rto) => config.tcp.min_rto = *rto,
                Metric::HopLimit(limit) => config.hop_limit = *limit,
                Metric::Congestion(controller) => config.tcp.congestion_control = *controller,
                Metric::Ecn => {
                    for mode in [&mut config.tcp.ecn.ask, &mut config.tcp.ecn.accept] {
                        if *mode == EcnMode::Off {
                            *mode = EcnMode::Classic;
                        }
                    }
                }
                Metric::QuickAcks => config.tcp.delayed_ack = None,
                Metric::NoCookies => {
                    config.fast_open.client_without_cookie = true;
                    config.fast_open.server_without_cookie = true;
                }
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
    fn what_is_done_has_a_bound() {
        let many = |text: &str, times| understand(&text.repeat(times));
        assert_eq!(many(": $((1)); ", 5_000).map(|all| all.len()), Ok(5_000));
        let inner = "sh -c 'for x in 1 2 3 4 5 6 7 8 9; do :; :; :; :; :; :; :; :; :; :; done';";
        for (text, times) in [(": $((1)); ", 100_000), (inner, 1_000)] {
            assert!(many(text, times).is_err(), "{text}");
        }
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
            ("truncate --size=2k f", Meaning::File("f".to_owned(), 2048)),
            ("fallocate -l 10 f", Meaning::File("f".to_owned(), 10)),
            (
                "head -c 10 /dev/zero > f",
                Meaning::File("f".to_owned(), 10),
            ),
            ("touch f", Meaning::File("f".to_owned(), 0)),
            ("sleep 2s", Meaning::Wait(Duration::from_secs(2))),
            ("echo \"here\" >&2", Meaning::Nothing),
            (
                "kldstat -q -m tcp_rack || kldload tcp_rack",
                Meaning::Nothing,
            ),
            (". ./defaults.sh", Meaning::Nothing),
            ("grep -q \" 0A \" /proc/net/tcp", Meaning::Listener),
            (
                "sockstat -4 -P tcp -p 8080 -s | grep 192.0.2.1 | grep -c TIME_WAIT | grep 1",
                Meaning::Connections(State::TimeWait, 1),
            ),
            (
                "sockstat -6 -P tcp -s | grep fd3d | grep -c CLOSED | grep 0",
                Meaning::Connections(State::Closed, 0),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    /// Settings as scripts write them: with quotes, prefixes and other shell syntax.
    #[test]
    fn settings_as_people_write_them() {
        let sack = Meaning::Setting("net.ipv4.tcp_sack".to_owned(), "0".to_owned());
        for text in [
            "sysctl -wq net.ipv4.tcp_sack=0 >/dev/null 2>&1",
            "sysctl -q 'net.ipv4.tcp_sack=0' 2> /dev/null || true",
            "sysctl -q \"net.ipv4.tcp_sack=0\" || exit 1",
            "sudo /sbin/sysctl -w net.ipv4.tcp_sack=0   # off",
            "sh -c 'sysctl -q -w net.ipv4.tcp_sack=0'",
            "sysctl -q -w \\\r\n  net.ipv4.tcp_sack=0",
        ] {
            assert_eq!(one(text), sack, "{text}");
        }
        let sack = Meaning::Setting("net/ipv4/tcp_sack".to_owned(), "0".to_owned());
        for text in [
            "echo \"0\" >/proc/sys/net/ipv4/tcp_sack",
            "echo 0 | sudo tee /proc/sys/net/ipv4/tcp_sack > /dev/null",
            "echo 0 | tee /proc/sys/net/ipv4/tcp_sack",
            "printf 0 > '/proc/sys/net/ipv4/tcp_sack'",
        ] {
            assert_eq!(one(text), sack, "{text}");
        }
        let memory = Meaning::Setting("net.ipv4.tcp_rmem".to_owned(), "1 2 3".to_owned());
        assert_eq!(one("sysctl -w \"net.ipv4.tcp_rmem=1 2 3\""), memory);
    }

    /// A check whose failure would be ignored is not understood.
    #[test]
    fn checks_cannot_be_forgiven() {
        let check = "grep -q \" 0A \" /proc/net/tcp";
        assert_eq!(one(check), Meaning::Listener);
        assert_eq!(one(&format!("{check} || exit 1")), Meaning::Listener);
        for text in ["{} || true", "{} || echo none", "! {}", "false || true"] {
            assert!(understand(&text.replace("{}", check)).is_err(), "{text}");
        }
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for text in [
            "reboot",
            "sysctl -w net.ipv4.nonsense=1",
            "cat x > y",
            "sleep 1 &",
            "if true; then false; fi",
            "sysctl -a",
            "echo 1 | nc 192.0.2.1 80",
            "grep -v \" 0A \" /proc/net/tcp",
            "sysctl -q net.ipv4.tcp_timestamps=$(cat file)",
            "echo 1 > /sys/module/tcp_cubic/parameters/beta",
            "sysctl -q net.ipv4.tcp_fin_timeout=$((1+2))",
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
