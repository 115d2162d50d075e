//! `ss` and `netstat`: list listeners and connections, in lines that `grep` filters or `wc` counts.

use core::net::SocketAddr;

use super::shell::Program;
use crate::tcp::State;

/// The lines, and what the programs do with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Listing {
    style: Style,
    /// Which states are listed.
    states: Vec<State>,
    /// Title lines at the start.
    titles: usize,
    /// The lines omit the state, because it is the same in all.
    hides_state: bool,
    steps: Vec<Step>,
}

/// The program whose format the lines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Ss,
    Netstat,
}

/// What a program does with the lines that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// `grep`: prints the lines that have a pattern, or with `-v` those that do not; with `-c`, their
    /// number.
    Grep {
        pattern: String,
        inverted: bool,
        counts: bool,
        whole_words: bool,
    },
    /// `wc -l`: their number.
    Count,
}

/// The names of states: in `ss`, in its filters, and in `netstat`.
const STATES: [(State, &str, &str, &str); 11] = [
    (State::Closed, "UNCONN", "closed", "CLOSE"),
    (State::Listen, "LISTEN", "listening", "LISTEN"),
    (State::SynSent, "SYN-SENT", "syn-sent", "SYN_SENT"),
    (State::SynReceived, "SYN-RECV", "syn-recv", "SYN_RECV"),
    (State::Established, "ESTAB", "established", "ESTABLISHED"),
    (State::FinWait1, "FIN-WAIT-1", "fin-wait-1", "FIN_WAIT1"),
    (State::FinWait2, "FIN-WAIT-2", "fin-wait-2", "FIN_WAIT2"),
    (State::CloseWait, "CLOSE-WAIT", "close-wait", "CLOSE_WAIT"),
    (State::Closing, "CLOSING", "closing", "CLOSING"),
    (State::LastAck, "LAST-ACK", "last-ack", "LAST_ACK"),
    (State::TimeWait, "TIME-WAIT", "time-wait", "TIME_WAIT"),
];

/// States that neither lists unless asked to; closed sockets are never listed.
const UNASKED: [State; 2] = [State::Listen, State::Closed];

/// The meaning of programs that begin with `ss` or `netstat`; `None` if they are not understood.
pub(super) fn understand(programs: &[Program]) -> Option<Listing> {
    let (first, filters) = programs.split_first()?;
    let words = &first.words()[1..];
    let options: String = words.iter().filter_map(|it| it.strip_prefix('-')).collect();
    let has = |option: char| options.contains(option);
    let (style, known) = match first.name() {
        "ss" => (Style::Ss, "tnalH46"),
        _ => (Style::Netstat, "tnalW46"),
    };
    // Without `t`, other sockets would be listed, too.
    if !options.chars().all(|option| known.contains(option)) || !has('t') || filters.is_empty() {
        return None;
    }
    let others: Vec<&str> = words
        .iter()
        .copied()
        .filter(|it| !it.starts_with('-'))
        .collect();
    let named = match (style, &others[..]) {
        (_, []) => None,
        (Style::Ss, ["state", name]) => Some(STATES.iter().find(|row| row.2 == *name)?.0),
        _ => return None,
    };
    let is_listed = |state: State| match named {
        Some(named) => state == named,
        None if has('a') => state != State::Closed,
        None if has('l') => state == State::Listen,
        None if style == Style::Ss && matches!(state, State::TimeWait | State::SynReceived) => {
            false
        }
        None => !UNASKED.contains(&state),
    };
    let states = STATES
        .iter()
        .map(|row| row.0)
        .filter(|state| is_listed(*state));
    Some(Listing {
        style,
        states: states.collect(),
        titles: match style {
            Style::Ss => usize::from(!has('H')),
            Style::Netstat => 2,
        },
        hides_state: named.is_some(),
        steps: filters.iter().map(step).collect::<Option<_>>()?,
    })
}

fn step(program: &Program) -> Option<Step> {
    let words = &program.words()[1..];
    match (program.name(), words) {
        ("wc", ["-l"]) => Some(Step::Count),
        ("grep" | "egrep" | "fgrep", [options @ .., pattern]) => {
            let options: Option<String> = options.iter().map(|it| it.strip_prefix('-')).collect();
            let options = options.filter(|it| it.chars().all(|c| "qcvwEFe".contains(c)))?;
            // A dot matches only itself here. Of the other special characters, only the ends of a line are
            // supported.
            let inner = pattern.trim_start_matches('^').trim_end_matches('$');
            let is_plain = !inner.contains(['^', '$', '*', '+', '?', '[', '\\', '|', '(']);
            is_plain.then(|| Step::Grep {
                pattern: (*pattern).to_owned(),
                inverted: options.contains('v'),
                counts: options.contains('c'),
                whole_words: options.contains('w'),
            })
        }
        _ => None,
    }
}

/// Whether a line has a pattern.
fn matches(line: &str, pattern: &str, whole_words: bool) -> bool {
    let (from_start, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (to_end, pattern) = match pattern.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(pattern).any(|(at, found)| {
        let (before, after) = (&line[..at], &line[at + found.len()..]);
        let is_apart = !before.ends_with(is_of_word) && !after.starts_with(is_of_word);
        (!from_start || before.is_empty())
            && (!to_end || after.is_empty())
            && (!whole_words || is_apart)
    })
}

impl Listing {
    /// Whether the last program succeeds; `sockets`: the state, and both ends, of every socket.
    pub(super) fn holds(&self, sockets: &[(State, SocketAddr, Option<SocketAddr>)]) -> bool {
        let titles = (0..self.titles).map(|_| "Local Address Peer Address".to_owned());
        let listed = sockets.iter().filter(|it| self.states.contains(&it.0));
        let mut lines: Vec<String> = titles.chain(listed.map(|it| self.line(it))).collect();
        let mut holds = true;
        for step in &self.steps {
            let counts = match step {
                Step::Count => true,
                Step::Grep {
                    pattern,
                    inverted,
                    counts,
                    whole_words,
                } => {
                    lines.retain(|line| matches(line, pattern, *whole_words) != *inverted);
                    holds = !lines.is_empty();
                    *counts
                }
            };
            if counts {
                lines = vec![lines.len().to_string()];
            }
        }
        holds
    }

    fn line(&self, (state, local, peer): &(State, SocketAddr, Option<SocketAddr>)) -> String {
        let peer = peer.map_or("0.0.0.0:*".to_owned(), |peer| peer.to_string());
        let mut rows = STATES.iter();
        let words = rows.find(|row| row.0 == *state);
        let (ss, netstat) = words.map_or(("", ""), |row| (row.1, row.3));
        match self.style {
            Style::Ss if self.hides_state => format!("0 0 {local} {peer}"),
            Style::Ss => format!("{ss} 0 0 {local} {peer}"),
            Style::Netstat => format!("tcp 0 0 {local} {peer} {netstat}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shell::statements;
    use super::*;

    fn listing(text: &str) -> Option<Listing> {
        understand(&statements(text)?[0].programs)
    }

    #[test]
    fn lines_are_found_and_counted() {
        let local: SocketAddr = ([192, 168, 0, 1], 8080).into();
        let peer = Some(SocketAddr::from(([192, 0, 2, 1], 49_152)));
        let sockets = [
            (State::Listen, ([0; 4], 8080).into(), None),
            (State::Established, local, peer),
            (State::TimeWait, local, peer),
        ];
        for (text, holds) in [
            ("ss -tn | grep -q ESTAB", true),
            ("ss -tn | grep -q TIME-WAIT", false),
            ("ss -tan | grep TIME-WAIT | grep -q 192.0.2.1:49152", true),
            ("ss -tn | grep -q LISTEN", false),
            ("ss -tln | grep -q :8080", true),
            ("ss -Htan | wc -l | grep -q '^3$'", true),
            ("ss -tan | wc -l | grep -q 4", true),
            ("ss -Htn state established | wc -l | grep -qw 1", true),
            ("ss -tn state established | grep -q ESTAB", false),
            ("ss -tan | grep -c FIN-WAIT-1 | grep 0", true),
            ("ss -tan | grep -c FIN-WAIT-1", false),
            ("ss -Htan | grep -v LISTEN | wc -l | grep 2", true),
            ("netstat -tan | grep -q ESTABLISHED", true),
            ("netstat -tn | grep -c 8080 | grep -w 2", true),
            ("netstat -tln | grep 8081", false),
        ] {
            assert_eq!(
                listing(text).map(|it| it.holds(&sockets)),
                Some(holds),
                "{text}"
            );
        }
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for text in [
            "ss -tn",
            "ss -tin | grep -q cwnd:10",
            "ss -an | grep -q ESTAB",
            "ss -tn sport = :8080 | grep -q ESTAB",
            "ss -tn state mine | grep -q ESTAB",
            "ss -tn | grep -q 'EST.*8080'",
            "ss -tn | awk '{print $1}'",
            "netstat -s | grep -q resets",
        ] {
            assert_eq!(listing(text), None, "{text}");
        }
    }
}
