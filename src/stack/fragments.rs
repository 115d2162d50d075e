//! Reassembly of fragmented datagrams (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! The senders of fragments decide what is kept here, so everything has a bound: the octets in all,
//! the datagrams of one source, and the time. No honest sender makes fragments overlap, so
//! overlapping fragments spoil their datagram (RFC 5722 §4, applied here to IPv4, too).

use core::fmt;
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use crate::time::{Duration, Instant};
use crate::wire::{Ecn, Form, Fragment, IcmpError, IpHeader};

/// The most octets held, overhead included. Beyond it the oldest datagram gives way. A host with
/// little memory holds less: an eighth of its memory.
pub const MAX_OCTETS: usize = 4 << 20;
/// The most datagrams of one source. Beyond it its oldest gives way.
pub const MAX_PER_SOURCE: usize = 64;
/// How long to wait for the rest of an IPv4 datagram (RFC 1122 §3.3.2 has 60 to 120 s; common
/// stacks, 30 s).
pub const TIMEOUT_V4: Duration = Duration::from_secs(30);
/// How long to wait for the rest of an IPv6 datagram (RFC 8200 §4.5).
pub const TIMEOUT_V6: Duration = Duration::from_secs(60);

/// The approximate overhead of a datagram and of a fragment, in octets.
const DATAGRAM_COST: usize = 768;
const FRAGMENT_COST: usize = 96;
/// The longest payload: an IPv4 header is in the 65,535 octets, an IPv6 header is not.
const MAX_PAYLOAD_V4: usize = 65_535 - 20;
const MAX_PAYLOAD_V6: usize = 65_535;
/// How much of a first fragment is kept for an ICMP error to quote.
const MAX_QUOTE: usize = 1280;

/// What becomes of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was the last one missing: the whole datagram, as if it had never been fragmented.
    Complete(Vec<u8>),
    /// It waits for others.
    Held,
    /// It is not kept.
    Dropped(FragmentDrop),
}

/// Why a fragment is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FragmentDrop {
    /// The same octets are here already.
    Duplicate,
    /// It overlaps another one, or lies behind the last: its datagram is spoilt.
    Overlap,
    /// Its datagram was spoilt before.
    Spoilt,
    /// With it the datagram would be longer than 65,535 octets.
    TooLong,
    /// It completes a datagram in which one fragment met congestion, and another is not ECN-capable
    /// (RFC 3168 §5.3).
    Ecn,
    /// There is no room for it, because its own datagram is the oldest.
    NoRoom,
}

impl FragmentDrop {
    /// Every reason; `ALL[reason as usize] == reason`.
    pub const ALL: [FragmentDrop; 6] = [
        FragmentDrop::Duplicate,
        FragmentDrop::Overlap,
        FragmentDrop::Spoilt,
        FragmentDrop::TooLong,
        FragmentDrop::Ecn,
        FragmentDrop::NoRoom,
    ];

    /// A short name for counters.
    pub const fn name(self) -> &'static str {
        match self {
            FragmentDrop::Duplicate => "fragment_duplicate",
            FragmentDrop::Overlap => "fragment_overlap",
            FragmentDrop::Spoilt => "fragment_spoilt",
            FragmentDrop::TooLong => "fragment_too_long",
            FragmentDrop::Ecn => "fragment_ecn",
            FragmentDrop::NoRoom => "fragment_no_room",
        }
    }
}

impl fmt::Display for FragmentDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FragmentDrop::Duplicate => "fragment that is here already",
            FragmentDrop::Overlap => "fragment that overlaps another",
            FragmentDrop::Spoilt => "fragment of a datagram whose fragments overlap",
            FragmentDrop::TooLong => "fragment of a datagram that would be too long",
            FragmentDrop::Ecn => "fragments that disagree about ECN",
            FragmentDrop::NoRoom => "fragment without room",
        })
    }
}

/// A datagram that was not completed in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// If its first fragment is here, and no fragments overlap: the beginning of the datagram that
    /// carried it, to be quoted in an ICMP time exceeded message
    /// ([`IcmpError::ReassemblyTimeExceeded`](crate::wire::IcmpError)).
    pub first: Option<Vec<u8>>,
}

/// The fragments that wait for others.
#[derive(Clone, Debug)]
pub struct Reassembler {
    /// The most octets held.
    most: usize,
    datagrams: BTreeMap<Key, Pending>,
    /// Serial numbers, oldest first: of all, of each source, and with their deadlines.
    ages: BTreeMap<u64, Key>,
    sources: BTreeMap<IpAddr, BTreeSet<u64>>,
    deadlines: BTreeSet<(Instant, u64)>,
    next_serial: u64,
    octets: usize,
    evicted: u64,
}

impl Reassembler {
    /// An empty reassembler. `memory` is that of the host
    /// ([`Config::memory`](crate::config::Config::memory)).
    pub fn new(memory: usize) -> Reassembler {
        Reassembler {
            most: Reassembler::share_of(memory),
            datagrams: BTreeMap::new(),
            ages: BTreeMap::new(),
            sources: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next_serial: 0,
            octets: 0,
            evicted: 0,
        }
    }

    fn share_of(memory: usize) -> usize {
        MAX_OCTETS.min(memory / 8)
    }

    /// Changes the memory of the host.
    pub fn limit(&mut self, memory: usize) {
        self.most = Reassembler::share_of(memory);
        while self.octets > self.most
            && let Some((&oldest, _)) = self.ages.first_key_value()
        {
            self.evict(oldest);
        }
    }

    /// A fragment arrives, in a datagram with header `ip`.
    pub fn insert(&mut self, now: Instant, ip: &IpHeader, fragment: Fragment<'_>) -> Outcome {
        let max = match ip.source {
            IpAddr::V4(_) => MAX_PAYLOAD_V4,
            IpAddr::V6(_) => MAX_PAYLOAD_V6,
        };
        if usize::from(fragment.offset) + fragment.payload.len() > max {
            return Outcome::Dropped(FragmentDrop::TooLong);
        }
        let key = Key::new(ip, &fragment);
        if !self.datagrams.contains_key(&key) {
            self.open(now, key);
        }
        let cost = Pending::cost_of(&fragment);
        self.make_room(&key, cost);
        let Some(pending) = self.datagrams.get_mut(&key) else {
            return Outcome::Dropped(FragmentDrop::NoRoom);
        };
        match pending.insert(ip, &fragment) {
            Ok(()) => self.octets += cost,
            Err(FragmentDrop::Overlap) => {
                self.octets -= pending.spoil();
                return Outcome::Dropped(FragmentDrop::Overlap);
            }
            Err(reason) => return Outcome::Dropped(reason),
        }
        if !pending.is_complete() {
            return Outcome::Held;
        }
        match self.close(key).and_then(Pending::datagram) {
            Some(datagram) => Outcome::Complete(datagram),
            None => Outcome::Dropped(FragmentDrop::Ecn),
        }
    }

    /// When [`Reassembler::expire`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Gives up one datagram whose time is over at `now`. Call it until it returns `None`.
    pub fn expire(&mut self, now: Instant) -> Option<Expired> {
        let &(deadline, serial) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        let pending = self.close(*self.ages.get(&serial)?)?;
        let first = pending.first.map(|first| first.quote);
        Some(Expired { first })
    }

    /// How many datagrams wait.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Octets held, overhead included.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// How many datagrams have given way to others.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn open(&mut self, now: Instant, key: Key) {
        if let Some(serials) = self.sources.get(&key.source)
            && serials.len() >= MAX_PER_SOURCE
            && let Some(&oldest) = serials.first()
        {
            self.evict(oldest);
        }
        let timeout = match key.source {
            IpAddr::V4(_) => TIMEOUT_V4,
            IpAddr::V6(_) => TIMEOUT_V6,
        };
        let (serial, deadline) = (self.next_serial, now + timeout);
        self.next_serial += 1;
        self.ages.insert(serial, key);
        self.sources.entry(key.source).or_default().insert(serial);
        self.deadlines.insert((deadline, serial));
        self.datagrams.insert(key, Pending::new(serial, deadline));
        self.octets += DATAGRAM_COST;
    }

    fn close(&mut self, key: Key) -> Option<Pending> {
        let pending = self.datagrams.remove(&key)?;
        self.ages.remove(&pending.serial);
        self.deadlines.remove(&(pending.deadline, pending.serial));
        if let Some(serials) = self.sources.get_mut(&key.source) {
            serials.remove(&pending.serial);
            if serials.is_empty() {
                self.sources.remove(&key.source);
            }
        }
        self.octets -= DATAGRAM_COST + pending.cost;
        Some(pending)
    }

    /// Makes room for `cost` more octets of the datagram `key`, unless it is the oldest itself.
    fn make_room(&mut self, key: &Key, cost: usize) {
        while self.octets + cost > self.most
            && self.datagrams.contains_key(key)
            && let Some((&oldest, _)) = self.ages.first_key_value()
        {
            self.evict(oldest);
        }
    }

    fn evict(&mut self, serial: u64) {
        if let Some(&key) = self.ages.get(&serial) {
            self.close(key);
            self.evicted += 1;
        }
    }
}

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// IPv4 only: with IPv6 the first fragment alone says what it is.
    protocol: Option<u8>,
}

impl Key {
    fn new(ip: &IpHeader, fragment: &Fragment<'_>) -> Key {
        Key {
            source: ip.source,
            destination: ip.destination,
            identification: fragment.identification,
            protocol: ip.source.is_ipv4().then_some(ip.protocol),
        }
    }
}

/// An incomplete datagram.
#[derive(Clone, Debug)]
struct Pending {
    serial: u64,
    deadline: Instant,
    /// By offset; no two overlap.
    fragments: BTreeMap<u16, Box<[u8]>>,
    first: Option<First>,
    /// Where the last fragment ends, once it is here.
    end: Option<usize>,
    /// How many octets are here.
    received: usize,
    /// Which ECN codepoints the fragments carry, a bit each.
    ecn: u8,
    /// The memory of the fragments, overhead included.
    cost: usize,
    spoilt: bool,
}

/// What the first fragment says about the datagram.
#[derive(Clone, Debug)]
struct First {
    ip: IpHeader,
    quote: Vec<u8>,
}

impl Pending {
    fn new(serial: u64, deadline: Instant) -> Pending {
        Pending {
            serial,
            deadline,
            fragments: BTreeMap::new(),
            first: None,
            end: None,
            received: 0,
            ecn: 0,
            cost: 0,
            spoilt: false,
        }
    }

    fn cost_of(fragment: &Fragment<'_>) -> usize {
        let quote = match fragment.offset {
            0 => fragment.datagram.len().min(MAX_QUOTE),
            _ => 0,
        };
        FRAGMENT_COST + fragment.payload.len() + quote
    }

    fn insert(&mut self, ip: &IpHeader, fragment: &Fragment<'_>) -> Result<(), FragmentDrop> {
        if self.spoilt {
            return Err(FragmentDrop::Spoilt);
        }
        let end = usize::from(fragment.offset) + fragment.payload.len();
        self.check_place(fragment, end)?;
        if fragment.offset == 0 {
            let quote = &fragment.datagram[..fragment.datagram.len().min(MAX_QUOTE)];
            let quote = quote.to_vec();
            self.first = Some(First { ip: *ip, quote });
        }
        if !fragment.more {
            self.end = Some(end);
        }
        self.received += fragment.payload.len();
        self.ecn |= 1 << ip.ecn().bits();
        self.cost += Pending::cost_of(fragment);
        self.fragments
            .insert(fragment.offset, fragment.payload.into());
        Ok(())
    }

    /// Checks that the place of the fragment is empty, and that it agrees with the others about
    /// where the datagram ends.
    fn check_place(&self, fragment: &Fragment<'_>, end: usize) -> Result<(), FragmentDrop> {
        let ends_as_known = match (fragment.more, self.end) {
            (false, Some(known)) => end == known,
            (true, Some(known)) => end < known,
            (false, None) => self.highest() <= end,
            (true, None) => true,
        };
        let was_last = self.end == Some(end);
        if self
            .fragments
            .get(&fragment.offset)
            .is_some_and(|here| **here == *fragment.payload)
            && was_last != fragment.more
        {
            return Err(FragmentDrop::Duplicate);
        }
        let before = self.fragments.range(..=fragment.offset).next_back();
        let behind = self.fragments.range(fragment.offset..).next();
        let overlaps = before
            .is_some_and(|(&at, here)| usize::from(at) + here.len() > fragment.offset.into())
            || behind.is_some_and(|(&at, _)| usize::from(at) < end);
        match overlaps || !ends_as_known {
            true => Err(FragmentDrop::Overlap),
            false => Ok(()),
        }
    }

    /// Where the fragment with the highest offset ends.
    fn highest(&self) -> usize {
        self.fragments
            .last_key_value()
            .map_or(0, |(&at, here)| usize::from(at) + here.len())
    }

    /// Forgets the fragments and takes no more. Returns the memory that they took.
    fn spoil(&mut self) -> usize {
        self.spoilt = true;
        self.fragments.clear();
        self.first = None;
        core::mem::take(&mut self.cost)
    }

    fn is_complete(&self) -> bool {
        self.end == Some(self.received)
    }

    /// The whole datagram; `None` if one fragment met congestion (CE), and another is not
    /// ECN-capable (Not-ECT).
    fn datagram(self) -> Option<Vec<u8>> {
        let seen = |codepoint: Ecn| self.ecn & (1 << codepoint.bits()) != 0;
        if seen(Ecn::Ce) && seen(Ecn::NotEct) {
            return None;
        }
        let mut ip = self.first?.ip;
        if seen(Ecn::Ce) {
            ip.traffic_class = Ecn::Ce.on(ip.traffic_class);
        }
        let mut datagram = vec![0; 40];
        let header = ip.write(self.received, &mut datagram);
        datagram.truncate(header);
        datagram.reserve_exact(self.received);
        for fragment in self.fragments.values() {
            datagram.extend_from_slice(fragment);
        }
        Some(datagram)
    }
}

impl Stack {
    pub(super) fn fragment_arrives(&mut self, now: Instant, ip: &IpHeader, fragment: Fragment<'_>) {
        let outcome = self.reassembler.insert(now, ip, fragment);
        self.memory.charge_fragments(self.reassembler.octets());
        match outcome {
            Outcome::Complete(whole) => self.take(now, (&*whole).into(), Form::default()),
            Outcome::Held => {}
            Outcome::Dropped(reason) => self.counters.count_fragment(reason),
        }
    }

    /// Gives up incomplete datagrams whose time is over.
    pub(super) fn expire_fragments(&mut self, now: Instant) {
        while let Some(expired) = self.reassembler.expire(now) {
            if let Some(first) = expired.first {
                self.answer_with_error(now, IcmpError::ReassemblyTimeExceeded, &first);
            }
        }
        self.memory.charge_fragments(self.reassembler.octets());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{self, Payload, protocol};

    const START: Instant = Instant::from_secs(1000);
    const OTHER: u8 = 253;

    fn v4() -> IpHeader {
        IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), OTHER, 64)
    }

    fn v6() -> IpHeader {
        IpHeader::new([0xfd; 16].into(), [0xfc; 16].into(), OTHER, 64)
    }

    /// From which octet to which, and whether more follow.
    type Piece = (u16, u16, bool);

    /// Inserts octets `from` to `to` of a payload of consecutive numbers, as a fragment of datagram
    /// `identification`.
    fn insert_of(
        reassembler: &mut Reassembler,
        ip: &IpHeader,
        identification: u32,
        (from, to, more): Piece,
    ) -> Outcome {
        let payload: Vec<u8> = (from..to).map(|octet| octet as u8).collect();
        let fragment = Fragment {
            identification,
            offset: from,
            more,
            payload: &payload,
            datagram: &payload,
        };
        reassembler.insert(START, ip, fragment)
    }

    fn insert(reassembler: &mut Reassembler, ip: &IpHeader, piece: Piece) -> Outcome {
        insert_of(reassembler, ip, 7, piece)
    }

    fn whole(ip: &IpHeader, len: u16) -> Outcome {
        let payload: Vec<u8> = (0..len).map(|octet| octet as u8).collect();
        Outcome::Complete(ip.datagram(&payload))
    }

    fn dropped(reason: FragmentDrop) -> Outcome {
        Outcome::Dropped(reason)
    }

    const PIECES: [Piece; 4] = [(0, 8, true), (8, 24, true), (24, 32, true), (32, 37, false)];

    #[test]
    fn four_fragments_in_every_order() {
        for ip in [v4(), v6()] {
            for order in 0..256 {
                let order: [usize; 4] = [order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6];
                if (0..4).any(|piece| !order.contains(&piece)) {
                    continue;
                }
                let mut reassembler = Reassembler::new(usize::MAX);
                for &piece in &order[..3] {
                    let outcome = insert(&mut reassembler, &ip, PIECES[piece]);
                    assert_eq!(outcome, Outcome::Held, "{order:?}");
                }
                let outcome = insert(&mut reassembler, &ip, PIECES[order[3]]);
                assert_eq!(outcome, whole(&ip, 37), "{order:?}");
                assert!(reassembler.is_empty());
                assert_eq!((reassembler.octets, reassembler.next_deadline()), (0, None));
            }
        }
    }

    #[test]
    fn datagrams_do_not_mix() {
        let mut reassembler = Reassembler::new(usize::MAX);
        let elsewhere = |last| IpHeader {
            source: [10, 0, 0, last].into(),
            ..v4()
        };
        let to = |last| IpHeader {
            destination: [10, 0, 0, last].into(),
            ..v4()
        };
        let other_protocol = IpHeader {
            protocol: 254,
            ..v4()
        };
        let all = [
            (v4(), 7),
            (v4(), 8),
            (elsewhere(9), 7),
            (to(9), 7),
            (other_protocol, 7),
            (v6(), 7),
        ];
        for (ip, id) in all {
            let outcome = insert_of(&mut reassembler, &ip, id, (0, 8, true));
            assert_eq!(outcome, Outcome::Held);
        }
        assert_eq!(reassembler.len(), all.len());
        for (ip, id) in all {
            let outcome = insert_of(&mut reassembler, &ip, id, (8, 9, false));
            assert_eq!(outcome, whole(&ip, 9));
        }
    }

    /// RFC 8200 §4.5: only the first fragment says what the datagram carries.
    #[test]
    fn an_ipv6_datagram_is_what_its_first_fragment_says() {
        let mut reassembler = Reassembler::new(usize::MAX);
        let last = IpHeader {
            protocol: protocol::UDP,
            hop_limit: 1,
            ..v6()
        };
        assert_eq!(
            insert(&mut reassembler, &last, (8, 9, false)),
            Outcome::Held
        );
        let outcome = insert(&mut reassembler, &v6(), (0, 8, true));
        assert_eq!(outcome, whole(&v6(), 9));
    }

    #[test]
    fn exact_duplicates_are_ignored() {
        for ip in [v4(), v6()] {
            let mut reassembler = Reassembler::new(usize::MAX);
            for piece in [PIECES[1], PIECES[3], PIECES[0]] {
                assert_eq!(insert(&mut reassembler, &ip, piece), Outcome::Held);
                let octets = reassembler.octets;
                let again = insert(&mut reassembler, &ip, piece);
                assert_eq!(again, dropped(FragmentDrop::Duplicate));
                assert_eq!(reassembler.octets, octets);
            }
            assert_eq!(insert(&mut reassembler, &ip, PIECES[2]), whole(&ip, 37));
        }
    }

    #[test]
    fn any_overlap_spoils_the_datagram_until_its_time_is_over() {
        let rows: &[(&str, &[Piece])] = &[
            ("front", &[(8, 24, true), (0, 16, true)]),
            ("back", &[(8, 24, true), (16, 32, true)]),
            ("inside", &[(8, 32, true), (16, 24, true)]),
            ("around", &[(16, 24, true), (8, 32, true)]),
            ("same place, shorter", &[(0, 16, true), (0, 8, true)]),
            ("same place, longer", &[(0, 8, true), (0, 16, true)]),
            (
                "same place, suddenly the last",
                &[(0, 8, true), (0, 8, false)],
            ),
            (
                "same place, no longer the last",
                &[(8, 16, false), (8, 16, true)],
            ),
            ("teardrop", &[(0, 32, true), (24, 28, false)]),
            ("behind the last", &[(8, 16, false), (16, 24, true)]),
            ("the last before others", &[(16, 24, true), (8, 12, false)]),
            ("a last elsewhere", &[(16, 20, false), (8, 12, false)]),
            ("a last farther on", &[(8, 16, false), (16, 20, false)]),
        ];
        for ip in [v4(), v6()] {
            for (what, pieces) in rows {
                let mut reassembler = Reassembler::new(usize::MAX);
                let held = insert(&mut reassembler, &ip, pieces[0]);
                assert_eq!(held, Outcome::Held, "{what}");
                let outcome = insert(&mut reassembler, &ip, pieces[1]);
                assert_eq!(outcome, dropped(FragmentDrop::Overlap), "{what}");
                assert_eq!(reassembler.octets, DATAGRAM_COST, "{what}");
                for piece in PIECES {
                    let outcome = insert(&mut reassembler, &ip, piece);
                    assert_eq!(outcome, dropped(FragmentDrop::Spoilt), "{what}");
                }
                let deadline = reassembler.next_deadline().unwrap();
                let expired = Some(Expired { first: None });
                assert_eq!(reassembler.expire(deadline), expired, "{what}");
                assert_eq!(reassembler.expire(deadline), None, "{what}");
                for piece in &PIECES[..3] {
                    insert(&mut reassembler, &ip, *piece);
                }
                let outcome = insert(&mut reassembler, &ip, PIECES[3]);
                assert_eq!(outcome, whole(&ip, 37), "{what}");
            }
        }
    }

    #[test]
    fn the_same_place_with_other_octets_is_an_overlap() {
        let mut reassembler = Reassembler::new(usize::MAX);
        let mut fragment = Fragment {
            identification: 7,
            offset: 8,
            more: true,
            payload: b"original",
            datagram: &[],
        };
        assert_eq!(reassembler.insert(START, &v4(), fragment), Outcome::Held);
        fragment.payload = b"replaced";
        let outcome = reassembler.insert(START, &v4(), fragment);
        assert_eq!(outcome, dropped(FragmentDrop::Overlap));
    }

    #[test]
    fn time_is_over_after_30_s_with_ipv4_and_60_s_with_ipv6() {
        for (ip, seconds) in [(v4(), 30), (v6(), 60)] {
            let mut reassembler = Reassembler::new(usize::MAX);
            insert(&mut reassembler, &ip, PIECES[1]);
            let deadline = START + Duration::from_secs(seconds);
            assert_eq!(reassembler.next_deadline(), Some(deadline));
            let before = Instant::from_nanos(deadline.as_nanos() - 1);
            assert_eq!(reassembler.expire(before), None);
            let later = Fragment {
                identification: 7,
                offset: 24,
                more: true,
                payload: &[0; 8],
                datagram: &[],
            };
            reassembler.insert(before, &ip, later);
            assert_eq!(
                reassembler.next_deadline(),
                Some(deadline),
                "it counts from the first"
            );
            assert_eq!(reassembler.expire(deadline), Some(Expired { first: None }));
            assert!(reassembler.is_empty());
            assert_eq!((reassembler.octets, reassembler.next_deadline()), (0, None));
        }
    }

    /// An arriving first fragment is given up, and is quoted in an error to its sender.
    #[test]
    fn a_first_fragment_that_waited_in_vain_is_quoted() {
        let mut datagram = v4().datagram(&[7; 1400]);
        datagram[6] = 0x20;
        let checksum = wire::checksum::checksum(&[&datagram[..10], &datagram[12..20]].concat());
        datagram[10..12].copy_from_slice(&checksum.to_be_bytes());
        let read = wire::parse(&datagram).unwrap();
        let Payload::Fragment(fragment) = read.payload else {
            panic!("no fragment: {read:?}");
        };
        let mut reassembler = Reassembler::new(usize::MAX);
        let outcome = reassembler.insert(START, &read.ip, fragment);
        assert_eq!(outcome, Outcome::Held);
        let expired = reassembler.expire(START + TIMEOUT_V4).unwrap();
        let first = expired.first.unwrap();
        assert_eq!(first, datagram[..1280]);
        let error = IcmpError::ReassemblyTimeExceeded;
        let sent = wire::icmp::error(read.ip.destination, 64, error, &first).unwrap();
        assert_eq!(sent.len(), 576);
    }

    #[test]
    fn a_datagram_that_would_be_too_long() {
        for (ip, longest) in [(v4(), 65_515u16), (v6(), 65_535)] {
            let mut reassembler = Reassembler::new(usize::MAX);
            let start = longest / 8 * 8;
            assert_eq!(
                insert(&mut reassembler, &ip, (start, longest, false)),
                Outcome::Held
            );
            let payload = vec![0; usize::from(longest - start) + 1];
            let fragment = Fragment {
                identification: 8,
                offset: start,
                more: false,
                payload: &payload,
                datagram: &[],
            };
            let outcome = reassembler.insert(START, &ip, fragment);
            assert_eq!(outcome, dropped(FragmentDrop::TooLong));
            let outcome = insert(&mut reassembler, &ip, (0, start, true));
            assert_eq!(outcome, whole(&ip, longest));
        }
    }

    /// RFC 3168 §5.3.
    #[test]
    fn congestion_met_by_one_fragment_is_met_by_the_datagram() {
        let rows = [
            (0b00, 0b00, Some(0b00)),
            (0b10, 0b10, Some(0b10)),
            (0b01, 0b01, Some(0b01)),
            (0b10, 0b11, Some(0b11)),
            (0b11, 0b01, Some(0b11)),
            (0b11, 0b11, Some(0b11)),
            (0b00, 0b11, None),
            (0b11, 0b00, None),
        ];
        for (first, last, expected) in rows {
            let with = |ecn: u8| IpHeader {
                traffic_class: 0x48 | ecn,
                ..v6()
            };
            let mut reassembler = Reassembler::new(usize::MAX);
            insert(&mut reassembler, &with(first), (0, 8, true));
            let outcome = insert(&mut reassembler, &with(last), (8, 9, false));
            let expected = match expected {
                Some(ecn) => whole(&with(ecn), 9),
                None => dropped(FragmentDrop::Ecn),
            };
            assert_eq!(outcome, expected, "{first} and {last}");
        }
    }

    #[test]
    fn one_source_holds_64_datagrams_its_newest() {
        let mut reassembler = Reassembler::new(usize::MAX);
        insert(&mut reassembler, &v6(), (0, 8, true));
        for identification in 0..1000 {
            insert_of(&mut reassembler, &v4(), identification, (0, 8, true));
        }
        assert_eq!(reassembler.len(), 1 + MAX_PER_SOURCE);
        assert_eq!(reassembler.evicted(), 1000 - MAX_PER_SOURCE as u64);
        let outcome = insert(&mut reassembler, &v6(), (8, 9, false));
        assert_eq!(outcome, whole(&v6(), 9), "another source is not touched");
        for identification in 1000 - MAX_PER_SOURCE as u32..1000 {
            let outcome = insert_of(&mut reassembler, &v4(), identification, (8, 9, false));
            assert_eq!(outcome, whole(&v4(), 9));
        }
        assert!(reassembler.is_empty());
    }

    /// From ever new sources, with the most and the least expensive fragments: ten million in all
    /// where `scripts/soak` runs it.
    #[test]
    fn a_flood_is_bounded_and_the_oldest_give_way() {
        for len in [8, 1480] {
            let mut reassembler = Reassembler::new(usize::MAX);
            let from = |number: u32| IpHeader {
                source: (0x0a00_0000 + number).to_be_bytes().into(),
                ..v4()
            };
            let floods = match cfg!(debug_assertions) {
                true => 20_000,
                false => 5_000_000,
            };
            for number in 0..floods {
                let outcome = insert(&mut reassembler, &from(number), (8, 8 + len, true));
                assert_eq!(outcome, Outcome::Held);
                assert!(reassembler.octets <= MAX_OCTETS);
            }
            assert_eq!(
                reassembler.len() as u64 + reassembler.evicted(),
                u64::from(floods)
            );
            assert_eq!(reassembler.ages.len(), reassembler.len());
            assert_eq!(reassembler.deadlines.len(), reassembler.len());
            assert_eq!(reassembler.sources.len(), reassembler.len());
            let newest = from(floods - 1);
            insert(&mut reassembler, &newest, (0, 8, true));
            let outcome = insert(&mut reassembler, &newest, (8 + len, 9 + len, false));
            assert_eq!(outcome, whole(&newest, 9 + len));
        }
    }

    #[test]
    fn a_host_with_little_memory_holds_an_eighth_of_it() {
        let memory = 80_000;
        let mut reassembler = Reassembler::new(memory);
        for identification in 0..100 {
            insert_of(&mut reassembler, &v4(), identification, (0, 1480, true));
            assert!(reassembler.octets() <= memory / 8);
        }
        assert!(reassembler.octets() > memory / 16);
        let outcome = insert_of(&mut reassembler, &v4(), 99, (1480, 1481, false));
        assert_eq!(outcome, whole(&v4(), 1481));
    }

    /// [`Stack::reconfigure`] gives less to all that holds memory, and charges what is left.
    #[test]
    fn with_less_memory_than_before_the_oldest_give_way() {
        let mut config = crate::config::Config::new([v4().destination]);
        let mut stack = Stack::new(config.clone(), crate::stack::Secret([1; 16])).unwrap();
        for identification in 0..10 {
            insert_of(
                &mut stack.reassembler,
                &v4(),
                identification,
                (0, 1480, true),
            );
        }
        let each = stack.reassembler.octets() / 10;
        config.memory = 8 * (each * 3 + each / 2);
        stack.reconfigure(config).unwrap();
        let reassembler = &mut stack.reassembler;
        assert_eq!((reassembler.len(), reassembler.evicted()), (3, 7));
        for identification in 7..10 {
            let outcome = insert_of(reassembler, &v4(), identification, (1480, 1481, false));
            assert_eq!(outcome, whole(&v4(), 1481));
        }
    }

    #[test]
    fn a_datagram_of_tiny_fragments_is_bounded_and_comes_together() {
        let mut reassembler = Reassembler::new(usize::MAX);
        for number in (1..8000).rev() {
            let outcome = insert(&mut reassembler, &v6(), (8 * number, 8 * number + 8, true));
            assert_eq!(outcome, Outcome::Held);
        }
        assert!(reassembler.octets <= MAX_OCTETS / 4);
        insert(&mut reassembler, &v6(), (64_000, 64_001, false));
        let outcome = insert(&mut reassembler, &v6(), (0, 8, true));
        assert_eq!(outcome, whole(&v6(), 64_001));
    }

    #[test]
    fn the_oldest_datagram_does_not_grow_when_there_is_no_room() {
        let mut reassembler = Reassembler::new(usize::MAX);
        insert(&mut reassembler, &v6(), (0, 8, true));
        let mut number = 0u32;
        let room = |reassembler: &Reassembler| MAX_OCTETS - reassembler.octets;
        while room(&reassembler) > 8_000 {
            let from = IpHeader {
                source: (0x0a00_0000 + number).to_be_bytes().into(),
                ..v4()
            };
            insert(&mut reassembler, &from, (8, 4_008, true));
            number += 1;
        }
        assert_eq!(reassembler.evicted(), 0);
        let outcome = insert(&mut reassembler, &v6(), (8, 16_008, true));
        assert_eq!(outcome, dropped(FragmentDrop::NoRoom));
        assert_eq!(reassembler.evicted(), 1);
    }

    #[test]
    fn reasons_are_numbered_and_named_apart() {
        for (index, reason) in FragmentDrop::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            let same = |other: &&FragmentDrop| {
                other.name() == reason.name() || other.to_string() == reason.to_string()
            };
            assert_eq!(FragmentDrop::ALL.iter().filter(same).count(), 1);
        }
    }

    proptest! {
        /// Cut anywhere, in any order, with any piece twice: the datagram is reassembled once.
        #[test]
        fn what_is_cut_comes_together(
            len in 9..2000u16,
            cuts in prop::collection::btree_set(1..250u16, 1..20),
            order in any::<[u64; 64]>(),
            six in any::<bool>(),
        ) {
            let ip = if six { v6() } else { v4() };
            let inner = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < len);
            let edges: Vec<u16> = [0].into_iter().chain(inner).chain([len]).collect();
            let pieces: Vec<_> = edges.windows(2).map(|edge| (edge[0], edge[1], edge[1] < len)).collect();
            prop_assume!(pieces.len() > 1);
            let mut sending: Vec<_> = pieces.iter().chain(&pieces).zip(order).collect();
            sending.sort_by_key(|(_, place)| *place);
            let mut reassembler = Reassembler::new(usize::MAX);
            let mut complete = 0;
            for (piece, _) in sending {
                match insert(&mut reassembler, &ip, *piece) {
                    Outcome::Held | Outcome::Dropped(FragmentDrop::Duplicate) => {}
                    outcome => {
                        prop_assert_eq!(outcome, whole(&ip, len));
                        complete += 1;
                    }
                }
                prop_assert!(reassembler.octets <= MAX_OCTETS);
            }
            // Pieces that come twice may complete the datagram twice, or begin a second one in
            // vain.
            prop_assert!((1..=2).contains(&complete));
        }

        /// Against a model that remembers every octet: only pieces that neither overlap nor
        /// disagree are reassembled.
        #[test]
        fn what_overlaps_never_comes_together(
            pieces in prop::collection::vec((0..6u16, 1..4u16, any::<bool>()), 1..8),
        ) {
            let mut reassembler = Reassembler::new(usize::MAX);
            let mut taken: Vec<Piece> = vec![];
            let mut spoilt = false;
            for (at, len, more) in pieces {
                let piece = (8 * at, 8 * (at + len), more);
                let (from, to, _) = piece;
                let clash = |&(start, end, last): &Piece| {
                    (from < end && start < to) || (!more && end > to) || (!last && to > end)
                };
                let expected = if spoilt {
                    dropped(FragmentDrop::Spoilt)
                } else if taken.contains(&piece) {
                    dropped(FragmentDrop::Duplicate)
                } else if taken.iter().any(clash) {
                    spoilt = true;
                    dropped(FragmentDrop::Overlap)
                } else {
                    taken.push(piece);
                    let octets: u16 = taken.iter().map(|(start, end, _)| end - start).sum();
                    match taken.iter().find(|(_, _, more)| !more) {
                        Some((_, end, _)) if octets == *end => {
                            taken.clear();
                            whole(&v4(), octets)
                        }
                        _ => Outcome::Held,
                    }
                };
                prop_assert_eq!(insert(&mut reassembler, &v4(), piece), expected);
            }
        }
    }
}
