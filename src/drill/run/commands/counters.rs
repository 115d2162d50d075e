//! `nstat`: the counters of Linux that this stack also has.

use super::Meaning;
use super::shell::Program;
use crate::stack::Stack;

/// A counter of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Counter(usize);

/// Its name in `nstat`, and its value.
type Row = (&'static str, fn(&Stack) -> u64);

/// All counters.
const ROWS: [Row; 20] = [
    // ICMP errors that no connection believed.
    ("TcpExtOutOfWindowIcmps", |stack| {
        stack.counters().icmp_ignored
    }),
    // Segments within the window for which there was no memory.
    ("TcpExtTCPRcvQDrop", |stack| {
        stack.counters().refused_segments()
    }),
    // Segments that end beyond the window.
    ("TcpExtBeyondWindow", |stack| stack.counters().beyond_window),
    // Segments in order that met a closed window.
    ("TcpExtTCPZeroWindowDrop", |stack| {
        stack.counters().zero_window_drops
    }),
    // Segments without the signature that their peer's key asks for (RFC 2385).
    ("TcpExtTCPMD5NotFound", |stack| {
        stack.counters().unsigned_segments()
    }),
    // Signed segments of peers without a key.
    ("TcpExtTCPMD5Unexpected", |stack| {
        stack.counters().unexpected_signatures()
    }),
    // Segments that were signed with something else.
    ("TcpExtTCPMD5Failure", |stack| {
        stack.counters().wrong_signatures()
    }),
    // Segments with a timestamp that is too old (RFC 7323 §5).
    ("TcpExtPAWSEstab", |stack| stack.counters().old_timestamps()),
    // SYNs for existing connections (RFC 5961 §4).
    ("TcpExtTCPSYNChallenge", |stack| {
        stack.counters().challenged_syns()
    }),
    // Connections that listeners had no room for.
    ("TcpExtListenOverflows", |stack| {
        stack.counters().listen_overflows
    }),
    ("TcpExtListenDrops", |stack| {
        stack.counters().listen_overflows
    }),
    ("TcpExtSyncookiesSent", |stack| {
        stack.counters().cookies_sent
    }),
    ("TcpExtSyncookiesRecv", |stack| {
        stack.counters().cookies_taken
    }),
    // Connections that began with text and a cookie (RFC 7413).
    ("TcpExtTCPFastOpenPassive", |stack| {
        stack.counters().fast_open_accepted
    }),
    ("TcpActiveOpens", |stack| stack.counters().opened),
    ("TcpPassiveOpens", |stack| stack.counters().accepted),
    ("TcpRetransSegs", |stack| {
        let now = stack.statuses().map(|(_, status)| status.retransmissions);
        stack.counters().retransmissions + now.sum::<u64>()
    }),
    ("TcpExtTCPTimeouts", |stack| {
        let now = stack.statuses().map(|(_, status)| status.timeouts);
        stack.counters().timeouts + now.sum::<u64>()
    }),
    ("UdpNoPorts", |stack| stack.counters().udp.no_ports),
    ("UdpRcvbufErrors", |stack| stack.counters().udp.overflows),
];

impl Counter {
    /// The counter whose name is in a text.
    fn named_in(text: &str) -> Option<Counter> {
        ROWS.iter()
            .position(|(name, _)| text.contains(name))
            .map(Counter)
    }

    pub(super) fn name(self) -> &'static str {
        ROWS[self.0].0
    }

    /// Its value since the start.
    fn of(self, stack: &Stack) -> u64 {
        (ROWS[self.0].1)(stack)
    }
}

/// The value of each counter when counting began.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Baseline(Vec<u64>);

impl Baseline {
    pub(super) fn of(stack: &Stack) -> Baseline {
        Baseline(ROWS.iter().map(|(_, count)| count(stack)).collect())
    }

    /// How much a counter has grown since then.
    pub(super) fn new_in(&self, counter: Counter, stack: &Stack) -> u64 {
        let then = self.0.get(counter.0).copied().unwrap_or(0);
        counter.of(stack).saturating_sub(then)
    }
}

/// The expected value of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Check {
    pub(super) counter: Counter,
    /// The number; `None`: any but 0.
    pub(super) wanted: Option<u64>,
    /// Whether the value counts from the start, no matter when counting began.
    pub(super) absolute: bool,
}

/// `nstat -n` begins to count. `nstat | grep NAME | grep -q " N "` checks that a counter has a value;
/// without a number, that it is not zero. Without `-s`, the next `nstat` counts from this one.
pub(super) fn nstat(programs: &[Program]) -> Option<Vec<Meaning>> {
    let (first, filters) = programs.split_first()?;
    let options = first
        .words
        .iter()
        .skip(1)
        .filter(|word| word.starts_with('-'));
    let options: String = options.cloned().collect();
    if !options.chars().all(|c| "-nasz".contains(c)) {
        return None;
    }
    let after = match options.contains('s') {
        true => Meaning::Nothing,
        false => Meaning::CountFromHere,
    };
    let Some(last) = filters.last() else {
        return Some(vec![after]);
    };
    let all: Vec<&str> = programs.iter().flat_map(Program::words).collect();
    let counter = Counter::named_in(&all.join(" "))?;
    if !filters.iter().all(selects) {
        return None;
    }
    let pattern = last.words.last()?.replace(counter.name(), "");
    let digits: String = pattern.chars().filter(char::is_ascii_digit).collect();
    let wanted = match digits.is_empty() {
        true => None,
        false => Some(digits.parse().ok()?),
    };
    let absolute = options.contains('a');
    let check = Check {
        counter,
        wanted,
        absolute,
    };
    Some(vec![Meaning::Counter(check), after])
}

/// Whether a program is a `grep` that prints the lines with a pattern.
fn selects(program: &Program) -> bool {
    let mut options = program
        .words
        .iter()
        .skip(1)
        .filter(|word| word.starts_with('-'));
    matches!(program.name(), "grep" | "egrep")
        && options.all(|option| option.chars().all(|c| "-qwEFe".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::super::understand;
    use super::*;

    fn check(name: &str, wanted: Option<u64>, absolute: bool) -> Meaning {
        let counter = Counter::named_in(name).unwrap();
        Meaning::Counter(Check {
            counter,
            wanted,
            absolute,
        })
    }

    /// With Linux's names; and without `-s`, each time only what is new.
    #[test]
    fn nstat_tells_what_is_new() {
        for (name, _) in ROWS {
            assert_eq!(
                understand(&format!("nstat -s | grep {name} | grep -q \" 2 \"")),
                Ok(vec![check(name, Some(2), false), Meaning::Nothing])
            );
            assert_eq!(
                understand(&format!("nstat | grep {name} | grep -q \" 2 \"")),
                Ok(vec![check(name, Some(2), false), Meaning::CountFromHere])
            );
        }
    }

    /// The digits of a name are not those of the number.
    #[test]
    fn patterns_in_every_form() {
        let name = "TcpExtTCPMD5Failure";
        let rows = [
            (
                "nstat -az TcpExtTCPMD5Failure | grep -q 'Failure *7 '",
                Some(7),
                true,
            ),
            (
                "nstat -z | grep -qE \"TcpExtTCPMD5Failure[[:space:]]+7\"",
                Some(7),
                false,
            ),
            ("nstat | grep -q TcpExtTCPMD5Failure", None, false),
            (
                "nstat -z | grep -w TcpExtTCPMD5Failure | grep -q ' 0 '",
                Some(0),
                false,
            ),
        ];
        for (text, wanted, absolute) in rows {
            let checks = [check(name, wanted, absolute), Meaning::CountFromHere];
            assert_eq!(understand(text), Ok(checks.to_vec()), "{text}");
        }
        for text in ["nstat > /dev/null", "nstat -n"] {
            assert_eq!(understand(text), Ok(vec![Meaning::CountFromHere]));
        }
        for text in [
            "nstat | grep -v TcpExtTCPMD5Failure",
            "nstat -d 5",
            "nstat | grep TcpExtTCPMD5Failure | wc -l",
            "nstat | grep TcpExtTCPAbortOnMemory | grep -q \" 1 \"",
        ] {
            assert!(understand(text).is_err(), "{text}");
        }
    }
}
