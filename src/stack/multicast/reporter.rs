//! What the routers of a link are told of the groups that a host is in: IGMPv3 and MLDv2 (RFC 3376, RFC 3810),
//! and the versions before them, as long as a router speaks one (RFC 3376 §7.2, RFC 3810 §8.2). The same for
//! both families.
//!
//! Who joins or leaves is told of at once, and once more a little later, since it may get lost. Who asks is
//! answered after a random time, so that the answers of all hosts do not come together. Nothing here is done
//! more often than ten times a second, whoever asks how often (THREATS 42).

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::time::Instant;
use crate::wire::ip;
use crate::wire::membership::{Query, Record, RecordKind, Version};

/// How often something is told that might get lost (RFC 3376 §8.1).
const ROBUSTNESS: u8 = 2;
/// The time from one query to the next (RFC 3376 §8.2),
const QUERY_INTERVAL: Duration = Duration::from_secs(125);
/// and how long answers to it may take (§8.3).
const QUERY_RESPONSE_INTERVAL: Duration = Duration::from_secs(10);
/// A change is told again within this time (RFC 3376 §8.11, RFC 3810 §9.11),
const UNSOLICITED: Duration = Duration::from_secs(1);
/// or this, in the versions before (RFC 2236 §8.10, RFC 2710 §7.10).
const UNSOLICITED_OLDER: Duration = Duration::from_secs(10);
/// Of queries that are the same, one is heeded in this time.
const QUIET: Duration = Duration::from_millis(100);
/// Of more senders than so many, a router is not told whether they are heard: it is told that all are (RFC 3376
/// §5.2 leaves that to the host).
const MOST_SOURCES: usize = 63;
/// So many of them are in a record: in the least packet there is room for that.
const SOURCES_IN_RECORD: usize = 7;

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The third version.
    Records(Vec<Record>),
    /// The versions before: the host is in a group,
    Report(Version, IpAddr),
    /// or is so no longer.
    Leave(IpAddr),
}

/// What one family tells.
#[derive(Clone, Debug, Hash)]
pub(super) struct Reporter {
    is_ipv4: bool,
    /// Whether it tells anybody anything.
    tells: bool,
    groups: BTreeMap<IpAddr, Group>,
    robustness: u8,
    query_interval: Duration,
    /// Until when a router is taken to be there that speaks the first version only, or the second.
    older: [Option<Instant>; 2],
    /// When every group is told of, since a router has asked for them all; and the last time one was heeded.
    general: Option<Instant>,
    heeded: Option<Instant>,
    /// When changes are told of once more.
    again: Option<Instant>,
    /// A change is to be told of for the first time.
    news: bool,
    /// The first of these times.
    next: Option<Instant>,
}

/// A group that the host is in, or has left.
#[derive(Clone, Debug, Default, Hash)]
struct Group {
    /// How many sockets are in it. None, and it is still to be told that it was left.
    members: usize,
    /// How often it is still to be told that it was joined or left.
    changes: u8,
    /// When a router is told of it that has asked for it; and of which senders, if not of all.
    answer: Option<(Instant, Vec<IpAddr>)>,
    /// When such a router was last heeded.
    heeded: Option<Instant>,
    /// Of the second version: nobody else has said since this host has that he is in it (RFC 2236 §3).
    is_last: bool,
}

impl Group {
    /// A router is answered by then.
    fn answer_by(&mut self, at: Instant, sources: Vec<IpAddr>) {
        // RFC 3376 §5.2, rules 3 to 5. Without senders it is about all.
        self.answer = Some(match self.answer.take() {
            None => (at, sources),
            Some((before, known)) if known.is_empty() || sources.is_empty() => {
                (at.min(before), Vec::new())
            }
            Some((before, mut known)) => {
                let new = sources.into_iter().filter(|source| !known.contains(source));
                known.extend(new.collect::<Vec<_>>());
                (at.min(before), these_or_all(known))
            }
        });
    }
}

impl Reporter {
    pub(super) fn new(is_ipv4: bool, tells: bool) -> Reporter {
        Reporter {
            is_ipv4,
            tells,
            groups: BTreeMap::new(),
            robustness: ROBUSTNESS,
            query_interval: QUERY_INTERVAL,
            older: [None; 2],
            general: None,
            heeded: None,
            again: None,
            news: false,
            next: None,
        }
    }

    /// Groups that it is in, or still to tell of.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn joined(&self) -> impl Iterator<Item = IpAddr> {
        let joined = self.groups.iter().filter(|(_, group)| group.members > 0);
        joined.map(|(address, _)| *address)
    }

    pub(super) fn is_member(&self, group: IpAddr) -> bool {
        self.groups
            .get(&group)
            .is_some_and(|group| group.members > 0)
    }

    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// Whether routers are told of a group: not of that of all hosts, and not of those of the host itself (RFC
    /// 3376 §6, RFC 3810 §6).
    fn is_told(&self, group: IpAddr) -> bool {
        let is_here = ip::scope(group).is_some_and(|scope| scope < ip::LINK_SCOPE);
        self.tells && !is_here && !ip::is_all_nodes(group)
    }

    /// One socket more is in a group; false if there would be more than `most`.
    pub(super) fn join(&mut self, address: IpAddr, most: usize) -> bool {
        if !self.groups.contains_key(&address) && self.groups.len() >= most {
            // What was left need not be told of twice.
            let mut left = self.groups.iter().filter(|(_, group)| group.members == 0);
            let Some(left) = left.next().map(|(left, _)| *left) else {
                return false;
            };
            self.groups.remove(&left);
        }
        let group = self.groups.entry(address).or_default();
        group.members += 1;
        if group.members == 1 {
            self.changed(address);
        }
        true
    }

    /// One socket less is.
    pub(super) fn leave(&mut self, address: IpAddr) {
        let Some(group) = self.groups.get_mut(&address) else {
            return;
        };
        group.members = group.members.saturating_sub(1);
        if group.members > 0 {
            return;
        }
        group.answer = None;
        match self.is_told(address) {
            true => self.changed(address),
            false => drop(self.groups.remove(&address)),
        }
    }

    /// A group was joined or left.
    fn changed(&mut self, address: IpAddr) {
        let (is_told, robustness) = (self.is_told(address), self.robustness);
        if let Some(group) = self.groups.get_mut(&address).filter(|_| is_told) {
            group.changes = robustness;
            self.news = true;
        }
    }

    /// The version that all routers of the link understand.
    fn version(&self) -> Version {
        match self.older {
            [Some(_), _] => Version::First,
            [None, Some(_)] => Version::Second,
            [None, None] => Version::Third,
        }
    }

    /// A router asks.
    pub(super) fn asked(
        &mut self,
        now: Instant,
        query: &Query<'_>,
        random: &mut dyn FnMut() -> u64,
    ) {
        let heeded = match query.group {
            None => &mut self.heeded,
            Some(group) => match self.groups.get_mut(&group) {
                Some(group) if group.members > 0 => &mut group.heeded,
                _ => return,
            },
        };
        if !self.tells || heeded.is_some_and(|last| now - last < QUIET) {
            return;
        }
        *heeded = Some(now);
        self.learn(now, query);
        let mut delay = || now + fraction(query.max_response, random());
        let at = delay();
        match (self.version(), query.group) {
            // RFC 3376 §5.2, rule 1: what is told of all anyway says this, too.
            (Version::Third, _) if self.general.is_some_and(|general| general <= at) => {}
            (Version::Third, None) => self.general = Some(at),
            (_, None) => {
                for (_, group) in self
                    .groups
                    .iter_mut()
                    .filter(|(_, group)| group.members > 0)
                {
                    group.answer_by(delay(), Vec::new());
                }
            }
            (version, Some(group)) => {
                let mut sources: Vec<IpAddr> = Vec::new();
                if version == Version::Third {
                    sources.extend(query.sources.iter().take(MOST_SOURCES + 1));
                }
                if let Some(group) = self.groups.get_mut(&group) {
                    group.answer_by(at, these_or_all(sources));
                }
            }
        }
        self.settle();
    }

    /// What a query says of the router: its version, and how often it asks.
    fn learn(&mut self, now: Instant, query: &Query<'_>) {
        let before = self.version();
        let lasts = self.query_interval * u32::from(self.robustness) + QUERY_RESPONSE_INTERVAL;
        match (query.version, query.group) {
            (Version::Third, _) => {
                self.robustness = match query.robustness {
                    0 => ROBUSTNESS,
                    said => said,
                };
                self.query_interval = match query.interval {
                    Duration::ZERO => QUERY_INTERVAL,
                    said => said,
                };
            }
            (Version::First, None) => self.older[0] = Some(now + lasts),
            (Version::Second, None) => self.older[1] = Some(now + lasts),
            (Version::First | Version::Second, Some(_)) => {}
        }
        // RFC 3376 §7.2.1: what was to be said in another version is not said.
        if self.version() != before {
            (self.general, self.again, self.news) = (None, None, false);
            self.groups.retain(|_, group| group.members > 0);
            for group in self.groups.values_mut() {
                (group.changes, group.answer) = (0, None);
            }
        }
    }

    /// Another host is in a group: the router knows now (RFC 2236 §3). In the third version every host speaks
    /// for itself.
    pub(super) fn overheard(&mut self, group: IpAddr) {
        if self.version() == Version::Third {
            return;
        }
        if let Some(group) = self
            .groups
            .get_mut(&group)
            .filter(|group| group.members > 0)
        {
            (group.changes, group.answer, group.is_last) = (0, None, false);
        }
    }

    /// Tells of what has changed, and says when it is told again.
    pub(super) fn tell_changes(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
    ) -> Vec<Said> {
        (self.news, self.again) = (false, None);
        let version = self.version();
        let (mut said, mut records) = (Vec::new(), Vec::new());
        for (address, group) in &mut self.groups {
            let is_member = group.members > 0;
            if group.changes == 0 {
                continue;
            }
            group.changes -= 1;
            match version {
                Version::Third => records.push(record(
                    *address,
                    match is_member {
                        true => RecordKind::ToExclude,
                        false => RecordKind::ToInclude,
                    },
                )),
                _ if is_member => {
                    group.is_last = true;
                    said.push(Said::Report(version, *address));
                }
                // RFC 2236 §3: once is enough; the first version has no word for it.
                _ => {
                    group.changes = 0;
                    if version == Version::Second && group.is_last {
                        said.push(Said::Leave(*address));
                    }
                }
            }
        }
        self.groups
            .retain(|_, group| group.members > 0 || group.changes > 0);
        if self.groups.values().any(|group| group.changes > 0) {
            let within = match version {
                Version::Third => UNSOLICITED,
                Version::First | Version::Second => UNSOLICITED_OLDER,
            };
            self.again = Some(now + fraction(within, random()));
        }
        if !records.is_empty() {
            said.push(Said::Records(records));
        }
        self.settle();
        said
    }

    /// When there is something to do; may be early.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Whatever there is to do has changed.
    fn settle(&mut self) {
        let groups = self.groups.values();
        let answers = groups.filter_map(|group| Some(group.answer.as_ref()?.0));
        let others = [self.older[0], self.older[1], self.general, self.again];
        self.next = answers.chain(others.into_iter().flatten()).min();
    }

    /// The groups that routers are to be told of by now, since they have asked, and of which senders.
    fn take_answers(&mut self, now: Instant) -> Vec<(IpAddr, Vec<IpAddr>)> {
        let due = self.groups.iter_mut().filter_map(|(address, group)| {
            let (_, sources) = group.answer.take_if(|(at, _)| *at <= now)?;
            Some((*address, sources))
        });
        let due: Vec<_> = due.collect();
        let told = due.into_iter().filter(|(group, _)| self.is_told(*group));
        told.collect()
    }

    /// Does what was due at or before `now`, and gives what is to be said.
    pub(super) fn expire(&mut self, now: Instant, random: &mut dyn FnMut() -> u64) -> Vec<Said> {
        let is_due = |at: &mut Instant| *at <= now;
        for older in &mut self.older {
            older.take_if(is_due);
        }
        let (version, mut records) = (self.version(), Vec::new());
        if self.general.take_if(is_due).is_some() {
            let told = self.joined().filter(|group| self.is_told(*group));
            records.extend(told.map(|group| record(group, RecordKind::IsExclude)));
        }
        let mut said = Vec::new();
        for (address, sources) in self.take_answers(now) {
            match (version, sources.is_empty()) {
                (Version::Third, true) => records.push(record(address, RecordKind::IsExclude)),
                // RFC 3376 §5.2: of the senders that the router asks for, all are heard.
                (Version::Third, false) => {
                    records.extend(sources.chunks(SOURCES_IN_RECORD).map(|sources| Record {
                        sources: sources.to_vec(),
                        ..record(address, RecordKind::IsInclude)
                    }));
                }
                (Version::First | Version::Second, _) => {
                    if let Some(group) = self.groups.get_mut(&address) {
                        group.is_last = true;
                    }
                    said.push(Said::Report(version, address));
                }
            }
        }
        if !records.is_empty() {
            said.push(Said::Records(records));
        }
        if self.again.is_some_and(|at| at <= now) {
            said.extend(self.tell_changes(now, random));
        }
        self.settle();
        said
    }
}

/// None where there are too many: then it is about all senders.
fn these_or_all(sources: Vec<IpAddr>) -> Vec<IpAddr> {
    match sources.len() > MOST_SOURCES {
        true => Vec::new(),
        false => sources,
    }
}

fn record(group: IpAddr, kind: RecordKind) -> Record {
    Record {
        kind,
        group,
        sources: Vec::new(),
    }
}

/// A part of a time, by chance: up to all of it.
fn fraction(time: Duration, random: u64) -> Duration {
    let nanos = (time.as_nanos() * u128::from(random)) >> 64;
    Duration::from_nanos(nanos as u64)
}
