//! What the routers of a link are told about the groups of a host: IGMPv3 and MLDv2 (RFC 9776, RFC 9777),
//! and their earlier versions as long as a router speaks one (RFC 9776 §7.2, RFC 9777 §8.2). The same for
//! both families.
//!
//! A join or leave is reported at once, and again a little later, because a report may get lost. A query is
//! answered after a random time, so that the answers of all hosts do not come together. However often a
//! router asks, nothing here happens more than ten times a second (THREATS 42).

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::filter::{Filter, is_source_specific};
use super::group::{self, Group, Said};
use crate::time::Instant;
use crate::wire::ip;
use crate::wire::membership::{Query, Record, Version};

/// How often a report is sent, because it might get lost (RFC 9776 §8.1).
const ROBUSTNESS: u8 = 2;
/// The time from one query to the next (RFC 9776 §8.2),
const QUERY_INTERVAL: Duration = Duration::from_secs(125);
/// and how long its answers may take (§8.3).
const QUERY_RESPONSE_INTERVAL: Duration = Duration::from_secs(10);
/// A change is reported again within this time (RFC 9776 §8.11, RFC 9777 §9.11),
const UNSOLICITED: Duration = Duration::from_secs(1);
/// or this, in the earlier versions (RFC 2236 §8.10, RFC 2710 §7.10).
const UNSOLICITED_OLDER: Duration = Duration::from_secs(10);
/// Of equal queries, only one is answered in this time.
const QUIET: Duration = Duration::from_millis(100);

/// A group, its filter, and the senders that a router has asked about; none: about all.
type Answer = (IpAddr, Filter, Vec<IpAddr>);

/// The reports of one address family.
#[derive(Clone, Debug, Hash)]
pub(super) struct Reporter {
    is_ipv4: bool,
    /// Whether it reports at all.
    tells: bool,
    groups: BTreeMap<IpAddr, Group>,
    robustness: u8,
    query_interval: Duration,
    /// Until when a router that speaks only the first version, or only the second, is assumed to be
    /// on the link.
    older: [Option<Instant>; 2],
    /// When all groups are reported, because a router has asked for all; and when such a query was last
    /// answered.
    general: Option<Instant>,
    heeded: Option<Instant>,
    /// When changes are reported again.
    again: Option<Instant>,
    /// A change has not been reported yet.
    news: bool,
    /// The first of these times.
    next: Option<Instant>,
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

    /// The groups that sockets are in.
    pub(super) fn joined(&self) -> impl Iterator<Item = IpAddr> {
        let joined = self.groups.iter().filter(|(_, group)| group.is_heard());
        joined.map(|(address, _)| *address)
    }

    pub(super) fn is_member(&self, group: IpAddr) -> bool {
        self.groups.get(&group).is_some_and(Group::is_heard)
    }

    /// Whether any socket hears this sender to a group.
    pub(super) fn hears(&self, group: IpAddr, source: IpAddr) -> bool {
        let group = self.groups.get(&group);
        group.is_some_and(|group| group.hears(source))
    }

    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// Whether a group is reported to routers: not the group of all hosts, and not groups whose scope is
    /// this host alone (RFC 9776 §6, RFC 9777 §6).
    fn is_told(&self, group: IpAddr) -> bool {
        let is_here = ip::scope(group).is_some_and(|scope| scope < ip::LINK_SCOPE);
        self.tells && !is_here && !ip::is_all_nodes(group)
    }

    /// A socket changes its filter for a group. At most `most` groups that were left are kept to be
    /// reported.
    pub(super) fn change(&mut self, address: IpAddr, before: &Filter, after: &Filter, most: usize) {
        let (is_told, version) = (self.is_told(address), self.version());
        let is_source_specific = is_source_specific(address);
        let group = self.groups.entry(address).or_default();
        let told = group.filter(is_source_specific);
        group.change(before, after);
        let tells = group.filter(is_source_specific);
        if is_told {
            self.news |= group.note_change((&told, &tells), version, self.robustness);
        }
        if group.is_heard() {
            return;
        }
        match group.has_changes() {
            true => self.bound_left(address, most),
            false => drop(self.groups.remove(&address)),
        }
    }

    /// A group was left and has to be reported. If more than `most` such groups wait, one of the
    /// others is forgotten.
    fn bound_left(&mut self, address: IpAddr, most: usize) {
        let groups = self.groups.iter();
        let others = groups.filter(|(other, group)| !group.is_heard() && **other != address);
        let others: Vec<IpAddr> = others.map(|(other, _)| *other).collect();
        if let Some(first) = others.first().filter(|_| others.len() >= most) {
            self.groups.remove(first);
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

    /// A query arrives.
    pub(super) fn asked(
        &mut self,
        now: Instant,
        query: &Query<'_>,
        random: &mut dyn FnMut() -> u64,
    ) {
        let heeded = match query.group {
            None => &mut self.heeded,
            Some(group) => match self.groups.get_mut(&group) {
                Some(group) if group.is_heard() => &mut group.heeded,
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
            // RFC 9776 §5.2, rule 1: a report about all groups is due earlier anyway.
            (Version::Third, _) if self.general.is_some_and(|general| general <= at) => {}
            (Version::Third, None) => self.general = Some(at),
            (_, None) => {
                let heard = self.groups.values_mut().filter(|group| group.is_heard());
                heard.for_each(|group| group.answer_by(delay(), Vec::new()));
            }
            (version, Some(group)) => {
                let mut sources: Vec<IpAddr> = Vec::new();
                if version == Version::Third {
                    // With more senders than the limit, the answer is about all of them.
                    sources.extend(query.sources.iter().take(group::MOST_ASKED + 1));
                }
                if let Some(group) = self.groups.get_mut(&group) {
                    group.answer_by(at, sources);
                }
            }
        }
        self.settle();
    }

    /// Learns from a query about the router: its version, and how often it asks.
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
        if self.version() != before {
            self.news = false;
            self.forget_pending();
        }
    }

    /// RFC 9776 §7.2.1: when the version changes, pending answers and repetitions are dropped. A change
    /// that has not been reported yet is reported in the new version.
    #[cold]
    #[inline(never)]
    fn forget_pending(&mut self) {
        self.general = None;
        if self.news {
            self.groups.values_mut().for_each(Group::forget_answer);
            return;
        }
        self.again = None;
        self.groups.retain(|_, group| group.is_heard());
        self.groups.values_mut().for_each(Group::forget_changes);
    }

    /// Another host has reported that it is in a group, so the router knows (RFC 2236 §3). In the third
    /// version, and for source-specific groups always, every host reports for itself (RFC 4604 §2.2).
    pub(super) fn overheard(&mut self, address: IpAddr) {
        if self.version() == Version::Third || is_source_specific(address) {
            return;
        }
        let group = self.groups.get_mut(&address);
        if let Some(group) = group.filter(|group| group.is_heard()) {
            group.forget_changes();
            group.is_last = false;
        }
    }

    /// Reports what has changed, and sets when to report it again.
    pub(super) fn tell_changes(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
    ) -> Vec<Said> {
        (self.news, self.again) = (false, None);
        let version = self.version();
        let (mut said, mut records) = (Vec::new(), Vec::new());
        let changed = self.groups.iter_mut();
        for (address, group) in changed.filter(|(_, group)| group.has_changes()) {
            let filter = group.filter(is_source_specific(*address));
            match version {
                Version::Third => records.extend(group.tell_changes(*address, &filter)),
                Version::First | Version::Second => {
                    said.extend(group.tell_membership(*address, &filter, version));
                }
            }
        }
        self.groups
            .retain(|_, group| group.is_heard() || group.has_changes());
        if self.groups.values().any(Group::has_changes) {
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

    /// When [`Reporter::expire`] is due; may be early.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Computes when something is due next.
    fn settle(&mut self) {
        let groups = self.groups.values();
        let answers = groups.filter_map(Group::answer_at);
        let others = [self.older[0], self.older[1], self.general, self.again];
        self.next = answers.chain(others.into_iter().flatten()).min();
    }

    /// The due answers to queries about one group.
    fn take_answers(&mut self, now: Instant) -> Vec<Answer> {
        let due = self.groups.iter_mut().filter_map(|(address, group)| {
            let asked = group.take_answer(now)?;
            let filter = group.filter(is_source_specific(*address));
            Some((*address, filter, asked))
        });
        let due: Vec<Answer> = due.collect();
        let told = due.into_iter().filter(|(group, ..)| self.is_told(*group));
        told.collect()
    }

    /// The answer to a query about all groups.
    fn all(&self) -> impl Iterator<Item = Record> {
        let told = self
            .groups
            .iter()
            .filter(|(group, _)| self.is_told(**group));
        told.filter_map(|(address, group)| {
            let filter = group.filter(is_source_specific(*address));
            group::current(*address, &filter, &[])
        })
    }

    /// Does what was due at or before `now`, and returns what to send.
    pub(super) fn expire(&mut self, now: Instant, random: &mut dyn FnMut() -> u64) -> Vec<Said> {
        let is_due = |at: &mut Instant| *at <= now;
        let before = self.version();
        for older in &mut self.older {
            older.take_if(is_due);
        }
        let (version, mut records) = (self.version(), Vec::new());
        if version != before {
            self.forget_pending();
        }
        if self.general.take_if(is_due).is_some() {
            records.extend(self.all());
        }
        let mut said = Vec::new();
        for (address, filter, asked) in self.take_answers(now) {
            match version {
                Version::Third => records.extend(group::current(address, &filter, &asked)),
                Version::First | Version::Second if filter.is_nobody() => {}
                Version::First | Version::Second => {
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

/// A random part of a time, up to all of it.
fn fraction(time: Duration, random: u64) -> Duration {
    let nanos = (time.as_nanos() * u128::from(random)) >> 64;
    Duration::from_nanos(nanos as u64)
}
