//! One group of a host: what its sockets hear of it together, and what of that routers are still to be told.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::filter::Filter;
use crate::time::Instant;
use crate::wire::membership::{Record, RecordKind, Version};

/// Of more senders than so many, a router is not told whether they are heard: it is told of all (RFC 9776 §5.2
/// leaves that to the host).
pub(super) const MOST_ASKED: usize = 63;
/// Of more changes than so many, each is not told by itself: the whole filter is.
const MOST_CHANGES: usize = 256;

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

/// A group that sockets are in, or have left.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Group {
    heard: Merged,
    /// How often the whole filter is still to be told, since its mode has changed.
    mode_changes: u8,
    /// How often it is still to be told whether these senders are heard.
    source_changes: BTreeMap<IpAddr, u8>,
    /// When a router is told of the group that has asked for it; and of which senders, if not of all.
    answer: Option<(Instant, Vec<IpAddr>)>,
    /// When such a router was last heeded.
    pub(super) heeded: Option<Instant>,
    /// Of the second version: nobody else has said since this host has that he is in it (RFC 2236 §3).
    pub(super) is_last: bool,
}

/// The filters of all sockets of the host, put together.
#[derive(Clone, Debug, Default, Hash)]
struct Merged {
    /// How many sockets hear everybody but some.
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
    /// A socket has another filter.
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

    /// RFC 9776 §3.2, RFC 9777 §4.2: who is heard by any socket is heard by the host.
    fn hears(&self, source: IpAddr) -> bool {
        match self.named.get(&source) {
            Some(naming) => naming.including > 0 || naming.excluding < self.excluding,
            None => self.excluding > 0,
        }
    }

    /// The filter of the host; of sockets that name those whom they hear, if only these count.
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

    /// What routers are told. To a source-specific group nobody can listen without naming senders, so sockets
    /// that do so are passed over (RFC 4604 §2.2).
    pub(super) fn filter(&self, is_source_specific: bool) -> Filter {
        self.heard.filter(is_source_specific)
    }

    /// A socket has another filter.
    pub(super) fn change(&mut self, before: &Filter, after: &Filter) {
        self.heard.change(before, after);
        if !self.is_heard() {
            self.answer = None;
        }
    }

    /// What routers are to be told has changed; it is told so many times (RFC 9776 §5.1). Whether it is news.
    pub(super) fn note_change(
        &mut self,
        (before, after): (&Filter, &Filter),
        version: Version,
        times: u8,
    ) -> bool {
        let has_new_mode = match version {
            Version::Third => before.excludes() != after.excludes(),
            // These know of no senders.
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

    /// Whether something of it is still to be told.
    pub(super) fn has_changes(&self) -> bool {
        self.mode_changes > 0 || !self.source_changes.is_empty()
    }

    /// Nothing of it is to be told any more.
    pub(super) fn forget_changes(&mut self) {
        self.mode_changes = 0;
        self.source_changes.clear();
        self.forget_answer();
    }

    /// No router is answered any more that has asked so far.
    pub(super) fn forget_answer(&mut self) {
        self.answer = None;
    }

    /// What is told of its changes, this time, in the versions that know of no senders: whether it has members.
    pub(super) fn tell_membership(
        &mut self,
        address: IpAddr,
        filter: &Filter,
        version: Version,
    ) -> Option<Said> {
        self.source_changes.clear();
        if filter.is_nobody() {
            // RFC 2236 §3: once is enough; the first version has no word for it.
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

    /// A router is answered by then, of these senders; of none: of all.
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

    /// When a router is answered.
    pub(super) fn answer_at(&self) -> Option<Instant> {
        Some(self.answer.as_ref()?.0)
    }

    /// Of which senders it is answered, if by now.
    pub(super) fn take_answer(&mut self, now: Instant) -> Option<Vec<IpAddr>> {
        let (_, sources) = self.answer.take_if(|(at, _)| *at <= now)?;
        Some(sources)
    }
}

/// What a router is told that asks: of all senders, or of those that it has asked for. `None`: that nobody is
/// heard is not said (RFC 9776 §5.2).
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

/// None where there are too many: then it is about all senders.
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

    /// What a router knows (RFC 9776 §6.4), of one host.
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
        /// Whatever three sockets do, the host hears what RFC 9776 says; and a router that hears every report, or
        /// all but some that do not come in a row, knows it in the end.
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
