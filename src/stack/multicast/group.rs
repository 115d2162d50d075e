//! One group of a host: the merged filters of its sockets, and what routers have yet to be told about it.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::filter::Filter;
use crate::time::Instant;
use crate::wire::membership::{Record, RecordKind, Version};

/// If a router asks about more senders than this, the answer is about all senders (RFC 9776 §5.2 leaves
/// that to the host).
pub(super) const MOST_ASKED: usize = 63;
/// If more senders than this have changed, the whole filter is reported instead.
const MOST_CHANGES: usize = 256;

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The third version.
    Records(Vec<Record>),
    /// The earlier versions: the host is in a group,
    Report(Version, IpAddr),
    /// or no longer is.
    Leave(IpAddr),
}

/// A group that sockets are in, or have left.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Group {
    heard: Merged,
    /// How often the whole filter has still to be reported, because its mode has changed.
    mode_changes: u8,
    /// How often these senders have still to be reported, because they have changed.
    source_changes: BTreeMap<IpAddr, u8>,
    /// When to answer a router's query, and about which senders; none: about all.
    answer: Option<(Instant, Vec<IpAddr>)>,
    /// When a query about the group was last answered.
    pub(super) heeded: Option<Instant>,
    /// In the second version: no other host has reported the group since this host did (RFC 2236 §3).
    pub(super) is_last: bool,
}

/// The filters of all sockets of the host, put together.
#[derive(Clone, Debug, Default, Hash)]
struct Merged {
    /// How many sockets hear all but some senders.
    excluding: usize,
    /// The senders that sockets name.
    named: BTreeMap<IpAddr, Naming>,
}

/// How many sockets name a sender, to hear it or not to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Naming {
    including: usize,
    excluding: usize,
}

impl Merged {
    /// A socket changes its filter.
    fn change(&mut self, before: &Filter, after: &Filter) {
        self.excluding += usize::from(after.excludes());
        self.excluding -= usize::from(before.excludes());
        for source in after.sources() {
            *self.named.entry(*source).or_default().of(after) += 1;
        }
        for source in before.sources() {
            if let Some(naming) = self.named.get_mut(source) {
                *naming.of(before) -= 1;
                if *naming == Naming::default() {
                    self.named.remove(source);
                }
            }
        }
    }

    fn is_nobody(&self) -> bool {
        self.excluding == 0 && self.named.is_empty()
    }

    /// RFC 9776 §3.2, RFC 9777 §4.2: the host hears a sender if any socket does.
    fn hears(&self, source: IpAddr) -> bool {
        match self.named.get(&source) {
            Some(naming) => naming.including > 0 || naming.excluding < self.excluding,
            None => self.excluding > 0,
        }
    }

    /// The filter of the host. `only_including`: only sockets in INCLUDE mode count.
    fn filter(&self, only_including: bool) -> Filter {
        let sources = self.named.keys().copied();
        match self.excluding > 0 && !only_including {
            true => Filter::exclude(sources.filter(|source| !self.hears(*source))),
            false => Filter::include(sources.filter(|source| self.named[source].including > 0)),
        }
    }
}

impl Naming {
    fn of(&mut self, filter: &Filter) -> &mut usize {
        match filter.excludes() {
            true => &mut self.excluding,
            false => &mut self.including,
        }
    }
}

impl Group {
    /// Whether any socket is in it.
    pub(super) fn is_heard(&self) -> bool {
        !self.heard.is_nobody()
    }

    /// Whether any socket hears this sender.
    pub(super) fn hears(&self, source: IpAddr) -> bool {
        self.heard.hears(source)
    }

    /// The filter that routers are told. A source-specific group cannot be heard without naming senders, so
    /// sockets that name none to include are ignored (RFC 4604 §2.2).
    pub(super) fn filter(&self, is_source_specific: bool) -> Filter {
        self.heard.filter(is_source_specific)
    }

    /// A socket changes its filter.
    pub(super) fn change(&mut self, before: &Filter, after: &Filter) {
        self.heard.change(before, after);
        if !self.is_heard() {
            self.answer = None;
        }
    }

    /// Notes that the reported filter has changed; the change is reported `times` times (RFC 9776 §5.1).
    /// Returns whether there is anything to report.
    pub(super) fn note_change(
        &mut self,
        (before, after): (&Filter, &Filter),
        version: Version,
        times: u8,
    ) -> bool {
        let has_new_mode = match version {
            Version::Third => before.excludes() != after.excludes(),
            // These versions know no senders.
            Version::First | Version::Second => before.is_nobody() != after.is_nobody(),
        };
        if has_new_mode {
            self.source_changes.clear();
            self.mode_changes = times;
            return true;
        }
        if version != Version::Third || before == after {
            return false;
        }
        let changed = before.sources().symmetric_difference(after.sources());
        let changed = changed.map(|source| (*source, times));
        self.source_changes.extend(changed);
        if self.source_changes.len() > MOST_CHANGES {
            self.source_changes.clear();
            self.mode_changes = times;
        }
        true
    }

    /// Whether any change has still to be reported.
    pub(super) fn has_changes(&self) -> bool {
        self.mode_changes > 0 || !self.source_changes.is_empty()
    }

    /// Drops all pending changes and answers.
    pub(super) fn forget_changes(&mut self) {
        self.mode_changes = 0;
        self.source_changes.clear();
        self.forget_answer();
    }

    /// Drops the pending answer.
    pub(super) fn forget_answer(&mut self) {
        self.answer = None;
    }

    /// The next report of its changes in the versions that know no senders: whether it has members.
    pub(super) fn tell_membership(
        &mut self,
        address: IpAddr,
        filter: &Filter,
        version: Version,
    ) -> Option<Said> {
        self.source_changes.clear();
        if filter.is_nobody() {
            // RFC 2236 §3: once is enough; the first version has no such message.
            self.mode_changes = 0;
            let is_said = version == Version::Second && self.is_last;
            return is_said.then_some(Said::Leave(address));
        }
        self.mode_changes = self.mode_changes.saturating_sub(1);
        self.is_last = true;
        Some(Said::Report(version, address))
    }

    /// The same in the third version (RFC 9776 §5.1).
    pub(super) fn tell_changes(&mut self, address: IpAddr, filter: &Filter) -> Vec<Record> {
        let has_new_mode = self.mode_changes > 0;
        let sources = |is_heard: bool| -> Vec<IpAddr> {
            let changed = self.source_changes.keys().copied();
            changed
                .filter(|source| filter.hears(*source) == is_heard)
                .collect()
        };
        let record = |kind, sources| Record {
            kind,
            group: address,
            sources,
        };
        let records = match (has_new_mode, filter.excludes()) {
            (true, excludes) => {
                let kind = match excludes {
                    true => RecordKind::ToExclude,
                    false => RecordKind::ToInclude,
                };
                vec![record(kind, filter.sources().iter().copied().collect())]
            }
            (false, _) => {
                let allowed = record(RecordKind::Allow, sources(true));
                let blocked = record(RecordKind::Block, sources(false));
                let both = [allowed, blocked].into_iter();
                both.filter(|record| !record.sources.is_empty()).collect()
            }
        };
        self.mode_changes = self.mode_changes.saturating_sub(1);
        self.source_changes.retain(|_, times| {
            *times -= 1;
            *times > 0
        });
        records
    }

    /// Sets an answer due by `at`, about these senders; none: about all.
    pub(super) fn answer_by(&mut self, at: Instant, sources: Vec<IpAddr>) {
        let sources = these_or_all(sources);
        // RFC 9776 §5.2, rules 3 to 5.
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

    /// When an answer is due.
    pub(super) fn answer_at(&self) -> Option<Instant> {
        Some(self.answer.as_ref()?.0)
    }

    /// Takes the senders of an answer that is due.
    pub(super) fn take_answer(&mut self, now: Instant) -> Option<Vec<IpAddr>> {
        let (_, sources) = self.answer.take_if(|(at, _)| *at <= now)?;
        Some(sources)
    }
}

/// The answer to a query: about all senders, or about those in `asked`. `None`: that no sender is heard is
/// not reported (RFC 9776 §5.2).
pub(super) fn current(address: IpAddr, filter: &Filter, asked: &[IpAddr]) -> Option<Record> {
    let is_of_all = asked.is_empty();
    let (kind, sources): (_, Vec<IpAddr>) = match is_of_all {
        true => {
            let kind = match filter.excludes() {
                true => RecordKind::IsExclude,
                false => RecordKind::IsInclude,
            };
            (kind, filter.sources().iter().copied().collect())
        }
        false => {
            let heard = asked.iter().copied().filter(|source| filter.hears(*source));
            (RecordKind::IsInclude, heard.collect())
        }
    };
    let says_something = kind == RecordKind::IsExclude || !sources.is_empty();
    says_something.then_some(Record {
        kind,
        group: address,
        sources,
    })
}

/// An empty list if there are too many: then the answer is about all senders.
fn these_or_all(sources: Vec<IpAddr>) -> Vec<IpAddr> {
    match sources.len() > MOST_ASKED {
        true => Vec::new(),
        false => sources,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const GROUP: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(239, 1, 2, 3));

    fn sender(number: u8) -> IpAddr {
        [1, 0, 0, number].into()
    }

    /// Any filter of five senders.
    fn any_filter() -> impl Strategy<Value = Filter> {
        (any::<bool>(), 0..32_u8).prop_map(|(excludes, set)| {
            let senders = (0..5).filter(|bit| set >> bit & 1 == 1).map(sender);
            match excludes {
                true => Filter::exclude(senders),
                false => Filter::include(senders),
            }
        })
    }

    /// RFC 9776 §3.2 in its own words.
    fn merged(filters: &[Filter]) -> Filter {
        let of = |excludes: bool| {
            let of_mode = filters.iter().filter(move |it| it.excludes() == excludes);
            of_mode.map(|filter| filter.sources().clone())
        };
        let union: BTreeSet<IpAddr> = of(false).flatten().collect();
        match of(true).reduce(|some, others| &some & &others) {
            Some(intersection) => Filter::exclude(&intersection - &union),
            None => Filter::include(union),
        }
    }

    /// What a router knows about one host (RFC 9776 §6.4).
    fn hear(known: &Filter, record: &Record) -> Filter {
        let named: BTreeSet<IpAddr> = record.sources.iter().copied().collect();
        let adds = match record.kind {
            RecordKind::ToInclude | RecordKind::IsInclude => return Filter::include(named),
            RecordKind::ToExclude | RecordKind::IsExclude => return Filter::exclude(named),
            RecordKind::Allow => !known.excludes(),
            RecordKind::Block => known.excludes(),
        };
        let sources = match adds {
            true => known.sources() | &named,
            false => known.sources() - &named,
        };
        match known.excludes() {
            true => Filter::exclude(sources),
            false => Filter::include(sources),
        }
    }

    proptest! {
        /// Whatever three sockets do, the host hears what RFC 9776 says; and a router that receives every
        /// report, or loses only some and never two in a row, knows it in the end.
        #[test]
        fn routers_learn_what_sockets_hear(
            steps in prop::collection::vec((0..3_usize, any_filter(), 0..3_u8), 1..30),
            times in 2..4_u8,
        ) {
            let mut group = Group::default();
            let mut filters = [(); 3].map(|()| Filter::nobody());
            let mut known = Filter::nobody();
            let mut was_lost = false;
            for (socket, filter, chance) in steps {
                let before = group.filter(false);
                group.change(&filters[socket], &filter);
                filters[socket] = filter;
                let after = group.filter(false);
                prop_assert_eq!(&after, &merged(&filters));
                for number in 0..8 {
                    let is_heard = filters.iter().any(|filter| filter.hears(sender(number)));
                    prop_assert_eq!(group.hears(sender(number)), is_heard);
                }
                prop_assert_eq!(group.is_heard(), filters.iter().any(|it| !it.is_nobody()));
                let is_news = group.note_change((&before, &after), Version::Third, times);
                prop_assert_eq!(is_news, before != after);
                if chance > 0 {
                    let records = group.tell_changes(GROUP, &after);
                    was_lost = chance == 1 && !was_lost;
                    if !was_lost {
                        known = records.iter().fold(known, |known, record| hear(&known, record));
                    }
                }
            }
            let filter = group.filter(false);
            while group.has_changes() {
                let records = group.tell_changes(GROUP, &filter);
                was_lost = !was_lost;
                if !was_lost {
                    known = records.iter().fold(known, |known, record| hear(&known, record));
                }
            }
            prop_assert_eq!(known, filter);
        }
    }
}
