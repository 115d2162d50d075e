//! A scenario as a TOML file: docs/SIMULATION.md is its reference.

use std::fmt;

use serde::Deserialize;
use stubborn::config::{CongestionControl, Keepalive, SocketOptions};
use stubborn::sim::apps::{Behaviour, Reading};
use stubborn::sim::medium::nat::Nat;
use stubborn::sim::medium::{
    BlackHole, Bursts, Corruption, Delay, Duplication, Jitter, Loss, Mangling, Marking, Medium,
    Mtu, Queue, RateLimit, Reordering, Stall, TooLong, WordSwap,
};
use stubborn::sim::path::Path;
use stubborn::sim::scenario::{End, Event, Family, HostPlan, Opening, Plan};
use stubborn::time::Instant;

use super::super::units::{Octets, Probability, Rate, Time};

/// Copies that a part makes of a datagram: more would only fill the memory.
const MOST_COPIES: u32 = 1000;

/// Reads a scenario.
pub(super) fn parse(text: &str) -> Result<Plan, FileError> {
    let file: File = toml::from_str(text).map_err(|error| FileError::at(text, &error))?;
    file.plan().map_err(|what| FileError { place: None, what })
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileError {
    /// Line and column, from one.
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
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Host {
    sends: Option<Octets>,
    asks: Option<Requests>,
    answers: Option<Responses>,
    reads: Option<Reads>,
    holds: Option<Time>,
    aborts_after: Option<Time>,
    keepalive: Option<KeepaliveTable>,
    mtu: Option<usize>,
    offloads: Option<bool>,
    mss: Option<u16>,
    receive_buffer: Option<Octets>,
    send_buffer: Option<Octets>,
    window_scaling: Option<bool>,
    timestamps: Option<bool>,
    sack: Option<bool>,
    congestion_control: Option<ControllerName>,
    nodelay: Option<bool>,
}

/// `"cubic"`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct ControllerName(CongestionControl);

impl TryFrom<String> for ControllerName {
    type Error = String;

    fn try_from(name: String) -> Result<ControllerName, String> {
        let known = name.parse().map(ControllerName);
        known.map_err(|_| format!("no congestion control is called '{name}'"))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    times: u64,
    request: Octets,
    response: Octets,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Responses {
    request: Octets,
    response: Octets,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reads {
    after: Option<Time>,
    chunk: Option<Octets>,
    pause: Option<Time>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepaliveTable {
    idle: Time,
    interval: Time,
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathTable {
    there: Vec<PartName>,
    back: Option<Vec<PartName>>,
    nat: Option<NatTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NatTable {
    idle_timeout: Option<Time>,
    #[serde(default)]
    rebinds_at: Vec<Time>,
}

/// The parts of a medium, by their names in a file.
#[derive(Clone, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
enum PartName {
    Delay(Time),
    Jitter(Time),
    Stall {
        from: Time,
        until: Time,
    },
    Loss(Probability),
    Bursts {
        worsens: Probability,
        recovers: Probability,
        loss: Probability,
        loss_when_good: Option<Probability>,
    },
    BlackHole {
        from: Time,
        until: Time,
    },
    Duplication {
        ratio: Probability,
        most: Option<u32>,
        spread: Option<Time>,
    },
    Reordering {
        ratio: Probability,
        most: Time,
    },
    Corruption {
        per_datagram: Option<Probability>,
        per_bit: Option<Probability>,
    },
    WordSwap(Probability),
    RateLimit {
        rate: Rate,
        queue: QueueSize,
        marks_above: Option<QueueSize>,
    },
    Marking(Probability),
    Mangling(ManglingName),
    Mtu {
        octets: usize,
        reports: bool,
        #[serde(default)]
        then: Vec<MtuChange>,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum QueueSize {
    Octets(Octets),
    Time(Time),
}

impl From<QueueSize> for Queue {
    fn from(size: QueueSize) -> Queue {
        match size {
            QueueSize::Octets(octets) => Queue::Octets(octets.0),
            QueueSize::Time(time) => Queue::Time(time.0),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ManglingName {
    ClearsField,
    MarksEverything,
    ClearsFlags,
    ClearsFlagsLater,
    StripsOption,
    DropsSyns,
    DropsOption,
}

impl From<ManglingName> for Mangling {
    fn from(name: ManglingName) -> Mangling {
        match name {
            ManglingName::ClearsField => Mangling::ClearsField,
            ManglingName::MarksEverything => Mangling::MarksEverything,
            ManglingName::ClearsFlags => Mangling::ClearsFlags,
            ManglingName::ClearsFlagsLater => Mangling::ClearsFlagsLater,
            ManglingName::StripsOption => Mangling::StripsOption,
            ManglingName::DropsSyns => Mangling::DropsSyns,
            ManglingName::DropsOption => Mangling::DropsOption,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct MtuChange {
    at: Time,
    octets: usize,
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
        let path = self.path.path(&self.family)?;
        let mut plan = Plan::new(self.near.behaviour()?, self.far.behaviour()?, path);
        plan.family = match self.family {
            Some(FamilyName::Ipv6) => Family::V6,
            Some(FamilyName::Ipv4) | None => Family::V4,
        };
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

impl Host {
    fn behaviour(&self) -> Result<Behaviour, String> {
        let behaviour = match (self.sends, self.asks, self.answers) {
            (Some(octets), None, None) => Behaviour::exchange(octets.0),
            (None, Some(asks), None) if asks.response.0 > 0 => {
                Behaviour::ask(asks.times, asks.request.0, asks.response.0)
            }
            (None, None, Some(answers)) if answers.request.0 > 0 => {
                Behaviour::answer(answers.request.0, answers.response.0)
            }
            (None, None, None) => Behaviour::receive(),
            (None, Some(_), None) => return Err("a response of no octets".to_owned()),
            (None, None, Some(_)) => return Err("a request of no octets".to_owned()),
            _ => return Err("a host sends, asks or answers: only one of them".to_owned()),
        };
        let reading = self.reads.map_or(Reading::default(), Reads::reading);
        if reading.chunk == 0 {
            return Err("a host that reads no octets at a time never ends".to_owned());
        }
        let options = SocketOptions {
            nodelay: self.nodelay.unwrap_or(false),
            keepalive: self.keepalive.map(|keepalive| Keepalive {
                idle: keepalive.idle.0,
                interval: keepalive.interval.0,
                count: keepalive.count,
            }),
            ..SocketOptions::default()
        };
        let behaviour = behaviour
            .reading(reading)
            .holding(self.holds.map_or_else(Default::default, |time| time.0))
            .options(options);
        Ok(match self.aborts_after {
            Some(time) => behaviour.aborting(time.0),
            None => behaviour,
        })
    }

    fn settings(&self, host: &mut HostPlan) {
        let octets = |octets: Octets| usize::try_from(octets.0).unwrap_or(usize::MAX);
        host.mtu = self.mtu.unwrap_or(host.mtu);
        host.offload = self.offloads.unwrap_or(host.offload);
        let tcp = &mut host.tcp;
        tcp.mss = self.mss.or(tcp.mss);
        tcp.receive_buffer = self.receive_buffer.map_or(tcp.receive_buffer, octets);
        tcp.send_buffer = self.send_buffer.map_or(tcp.send_buffer, octets);
        tcp.window_scaling = self.window_scaling.unwrap_or(tcp.window_scaling);
        tcp.timestamps = self.timestamps.unwrap_or(tcp.timestamps);
        tcp.sack = self.sack.unwrap_or(tcp.sack);
        if let Some(name) = self.congestion_control {
            tcp.congestion_control = name.0;
        }
        // What the peer says goes, down to a segment of one octet.
        tcp.min_send_mss = tcp.min_send_mss.min(self.mss.unwrap_or(tcp.min_send_mss));
    }
}

impl Reads {
    fn reading(self) -> Reading {
        let default = Reading::default();
        Reading {
            after: self.after.map_or(default.after, |time| time.0),
            chunk: self.chunk.map_or(default.chunk, |chunk| {
                usize::try_from(chunk.0).unwrap_or(usize::MAX)
            }),
            pause: self.pause.map_or(default.pause, |time| time.0),
        }
    }
}

impl PathTable {
    fn path(&self, family: &Option<FamilyName>) -> Result<Path, String> {
        let there = medium(&self.there)?;
        let back = medium(self.back.as_ref().unwrap_or(&self.there))?;
        let path = Path::new(there, back);
        let Some(table) = &self.nat else {
            return Ok(path);
        };
        let family = match family {
            Some(FamilyName::Ipv6) => Family::V6,
            Some(FamilyName::Ipv4) | None => Family::V4,
        };
        let mut nat = Nat::new([family.public()]);
        if let Some(timeout) = table.idle_timeout {
            nat = nat.idle_timeout(timeout.0);
        }
        for at in &table.rebinds_at {
            nat = nat.rebind_at(at.moment());
        }
        Ok(path.with_nat(nat))
    }
}

fn medium(parts: &[PartName]) -> Result<Medium, String> {
    let mut medium = Medium::new();
    for part in parts {
        medium = part.add_to(medium)?;
    }
    Ok(medium)
}

impl PartName {
    fn add_to(&self, medium: Medium) -> Result<Medium, String> {
        Ok(match self {
            PartName::Delay(time) => medium.with(Delay::new(time.0)),
            PartName::Jitter(time) => medium.with(Jitter::new(time.0)),
            PartName::Stall { from, until } => {
                medium.with(Stall::new(from.moment(), until.moment()))
            }
            PartName::Loss(ratio) => medium.with(Loss::new(ratio.0)),
            PartName::Bursts {
                worsens,
                recovers,
                loss,
                loss_when_good,
            } => {
                let bursts = Bursts::new(worsens.0, recovers.0, loss.0);
                let when_good = loss_when_good.map_or_else(Default::default, |ratio| ratio.0);
                medium.with(bursts.also_when_good(when_good))
            }
            PartName::BlackHole { from, until } => {
                medium.with(BlackHole::new(from.moment(), until.moment()))
            }
            PartName::Duplication {
                ratio,
                most,
                spread,
            } => {
                let most = most.unwrap_or(1);
                if most == 0 {
                    return Err("a duplication without a copy".to_owned());
                }
                if most > MOST_COPIES {
                    return Err(format!("more than {MOST_COPIES} copies of a datagram"));
                }
                let spread = spread.map_or_else(Default::default, |time| time.0);
                medium.with(Duplication::new(ratio.0).up_to(most).spread(spread))
            }
            PartName::Reordering { ratio, most } => medium.with(Reordering::new(ratio.0, most.0)),
            PartName::Corruption {
                per_datagram,
                per_bit,
            } => corruption(medium, *per_datagram, *per_bit)?,
            PartName::WordSwap(ratio) => medium.with(WordSwap::new(ratio.0)),
            PartName::RateLimit {
                rate,
                queue,
                marks_above,
            } => {
                let limit = RateLimit::new(rate.0, (*queue).into());
                medium.with(match marks_above {
                    Some(threshold) => limit.marking_above((*threshold).into()),
                    None => limit,
                })
            }
            PartName::Marking(ratio) => medium.with(Marking::new(ratio.0)),
            PartName::Mangling(name) => medium.with(Mangling::from(*name)),
            PartName::Mtu {
                octets,
                reports,
                then,
            } => medium.with(mtu(*octets, *reports, then)?),
        })
    }
}

/// Damage that no checksum sees is kept away: a receiver could not tell it from what was sent.
fn corruption(
    medium: Medium,
    per_datagram: Option<Probability>,
    per_bit: Option<Probability>,
) -> Result<Medium, String> {
    let part = match (per_datagram, per_bit) {
        (Some(ratio), None) => Corruption::per_datagram(ratio.0),
        (None, Some(ratio)) => Corruption::per_bit(ratio.0),
        _ => return Err("corruption is per-datagram or per-bit: one of them".to_owned()),
    };
    Ok(medium.with(part.detectable()))
}

fn mtu(octets: usize, reports: bool, then: &[MtuChange]) -> Result<Mtu, String> {
    let too_long = match reports {
        true => TooLong::IsReported,
        false => TooLong::Vanishes,
    };
    let mut mtu = Mtu::new(octets, too_long);
    let mut last = Instant::ZERO;
    for change in then {
        if change.at.moment() <= last {
            return Err("changes of an MTU stand in the order of their times".to_owned());
        }
        last = change.at.moment();
        mtu = mtu.then(last, change.octets);
    }
    Ok(mtu)
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
