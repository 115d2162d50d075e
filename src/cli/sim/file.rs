//! A scenario as a TOML file: docs/SIMULATION.md is the reference. This module reads the file as a
//! whole and its story; `host` reads the hosts, `path` the path.

mod host;
mod path;

use std::fmt;

use serde::Deserialize;
use stubborn::sim::scenario::{End, Event, Family, Opening, Plan};
use stubborn::time::Instant;

use self::host::Host;
use self::path::PathTable;
use super::super::units::Time;

/// Reads a scenario.
pub(super) fn parse(text: &str) -> Result<Plan, FileError> {
    let file: File = toml::from_str(text).map_err(|error| FileError::at(text, &error))?;
    file.plan().map_err(|what| FileError { place: None, what })
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileError {
    /// Line and column, counted from one.
    place: Option<(usize, usize)>,
    what: String,
}

impl FileError {
    fn at(text: &str, error: &toml::de::Error) -> FileError {
        let before = error.span().and_then(|span| text.get(..span.start));
        FileError {
            place: before.map(|before| {
                let line = before.rsplit('\n').next().unwrap_or_default();
                (before.matches('\n').count() + 1, line.chars().count() + 1)
            }),
            what: error.message().trim().replace('\n', ", "),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.what),
            None => write!(f, " {}", self.what),
        }
    }
}

impl std::error::Error for FileError {}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    family: Option<FamilyName>,
    open: Option<OpeningName>,
    connections: Option<u32>,
    pause: Option<Time>,
    from_port: Option<u16>,
    heals_at: Option<Time>,
    patience: Option<Time>,
    may_fail: Option<bool>,
    near: Host,
    far: Host,
    path: PathTable,
    #[serde(default)]
    story: Vec<Chapter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FamilyName {
    Ipv4,
    Ipv6,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OpeningName {
    Near,
    Both,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chapter {
    at: Time,
    event: EventName,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
enum EventName {
    Crash(EndName),
    Start(EndName),
    Restart(EndName),
    Pause { host: EndName, time: Time },
    ClockAhead { host: EndName, time: Time },
    ClockBack { host: EndName, time: Time },
    Cut,
    Join,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EndName {
    Near,
    Far,
}

impl File {
    fn plan(self) -> Result<Plan, String> {
        let family = match self.family {
            Some(FamilyName::Ipv6) => Family::V6,
            Some(FamilyName::Ipv4) | None => Family::V4,
        };
        let path = self.path.path(family)?;
        let mut plan = Plan::new(self.near.behaviour()?, self.far.behaviour()?, path);
        plan.family = family;
        plan.opening = match self.open {
            Some(OpeningName::Both) => Opening::Both,
            Some(OpeningName::Near) | None => Opening::Near,
        };
        self.near.settings(&mut plan.near);
        self.far.settings(&mut plan.far);
        plan.connections = self.connections.unwrap_or(plan.connections);
        if plan.connections == 0 {
            return Err("a scenario without a connection".to_owned());
        }
        plan.pause = self.pause.map_or(plan.pause, |time| time.0);
        plan.from_port = self.from_port;
        plan.heals_at = self.heals_at.map_or(plan.heals_at, Time::moment);
        plan.patience = self.patience.map(|time| time.0);
        plan.may_fail = self.may_fail.unwrap_or(false);
        for chapter in &self.story {
            plan.story
                .push((chapter.at.moment(), chapter.event.event()));
        }
        plan.check().map_err(|error| error.to_string())?;
        Ok(plan)
    }
}

impl Time {
    fn moment(self) -> Instant {
        Instant::ZERO + self.0
    }
}

impl EventName {
    fn event(self) -> Event {
        match self {
            EventName::Crash(end) => Event::Crash(end.end()),
            EventName::Start(end) => Event::Start(end.end()),
            EventName::Restart(end) => Event::Restart(end.end()),
            EventName::Pause { host, time } => Event::Pause(host.end(), time.0),
            EventName::ClockAhead { host, time } => Event::ClockAhead(host.end(), time.0),
            EventName::ClockBack { host, time } => Event::ClockBack(host.end(), time.0),
            EventName::Cut => Event::Cut,
            EventName::Join => Event::Join,
        }
    }
}

impl EndName {
    fn end(self) -> End {
        match self {
            EndName::Near => End::Near,
            EndName::Far => End::Far,
        }
    }
}

#[cfg(test)]
mod tests {
    use stubborn::config::SocketOptions;
    use stubborn::sim::apps::Behaviour;
    use stubborn::sim::path::Path;

    use super::*;

    const LEAST: &str = "[near]\n[far]\n[path]\nthere = []\n";

    fn complaint(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_least_file_is_a_wire_and_nothing_to_say() {
        let plan = parse(LEAST).unwrap();
        let same = Plan::new(
            Behaviour::receive().options(SocketOptions::default()),
            Behaviour::receive().options(SocketOptions::default()),
            Path::default(),
        );
        assert_eq!(plan, same);
    }

    #[test]
    fn mistakes_have_a_place() {
        let part = |part: &str| complaint(&format!("[near]\n[far]\n[path]\nthere = [{part}]\n"));
        for (part_text, expected) in [
            ("{ los = 0.1 }", "4:12: unknown variant `los`"),
            (
                "{ loss = 1.1 }",
                "4:10: 1.1 is not a probability from 0 to 1",
            ),
            (
                "{ delay = \"10\" }",
                "4:10: '10' is not a time such as \"10 ms\"",
            ),
            (
                "{ reordering = { ratio = 0.1 } }",
                "4:25: missing field `most`",
            ),
            (
                "{ duplication = { ratio = 0.1, copies = 3 } }",
                "4:41: unexpected keys in table: copies",
            ),
        ] {
            let found = part(part_text);
            assert!(found.starts_with(expected), "{found}");
        }
        assert!(
            complaint("[near\n").starts_with("1:6: "),
            "{}",
            complaint("[near\n")
        );
        let unknown = complaint(&format!("colour = 1\n{LEAST}"));
        assert!(
            unknown.starts_with("1:1: unknown field `colour`"),
            "{unknown}"
        );
    }

    #[test]
    fn values_that_do_not_fit_together_are_refused() {
        let near = |lines: &str| complaint(&LEAST.replace("[far]", &format!("{lines}\n[far]")));
        for (lines, expected) in [
            (
                "sends = 1\nasks = { times = 1, request = 1, response = 1 }",
                "only one",
            ),
            (
                "asks = { times = 1, request = 1, response = 0 }",
                "response of no octets",
            ),
            (
                "answers = { request = 0, response = 1 }",
                "request of no octets",
            ),
            ("reads = { chunk = 0 }", "never ends"),
            ("mtu = 20", "an MTU of 20 is not in the range 68 to 65535"),
            ("receive-buffer = 0", "receive_buffer must not be zero"),
        ] {
            let found = near(lines);
            assert!(found.contains(expected), "{found}");
        }
        let nothing = complaint(&format!("connections = 0\n{LEAST}"));
        assert!(nothing.contains("without a connection"), "{nothing}");
        let part = |part: &str| complaint(&LEAST.replace("[]", &format!("[{part}]")));
        for (text, expected) in [
            (
                "{ duplication = { ratio = 0.1, most = 0 } }",
                "without a copy",
            ),
            (
                "{ duplication = { ratio = 0.1, most = 1001 } }",
                "more than 1000 copies",
            ),
            ("{ corruption = {} }", "one of them"),
            (
                "{ mtu = { octets = 1, reports = true, then = [{ at = \"0 s\", octets = 1 }] } }",
                "in the order",
            ),
        ] {
            let found = part(text);
            assert!(found.contains(expected), "{found}");
        }
    }
}
