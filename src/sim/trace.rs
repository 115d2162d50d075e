//! The trace of a world: a hash over everything that happened and, on request, a record of it.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

use super::id::HostId;
use crate::tcp::State;
use crate::time::Instant;

/// The kinds of things that enter a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sent = 1,
    Arrived = 2,
    Woke = 3,
    Story = 4,
    Opened = 5,
    Accepted = 6,
    Gave = 7,
    Got = 8,
    Shut = 9,
    Over = 10,
}

/// The hash of a world, and its record.
#[derive(Debug)]
pub(super) struct Trace {
    hasher: SipHasher13,
    pub(super) events: u64,
    pub(super) record: Option<Record>,
}

/// The key of the hash. It must never change, or all recorded hashes become wrong.
const KEY: [u8; 16] = *b"a world in a box";

impl Trace {
    pub(super) fn new() -> Trace {
        Trace {
            hasher: SipHasher13::new_with_key(&KEY),
            events: 0,
            record: None,
        }
    }

    /// Adds an event at a host; `octets` says everything about it.
    #[inline]
    pub(super) fn event(&mut self, at: Instant, kind: Kind, host: Option<HostId>, octets: &[u8]) {
        self.events += 1;
        let mut head = [0; 16];
        head[..8].copy_from_slice(&at.as_nanos().to_le_bytes());
        head[8..12].copy_from_slice(&(octets.len() as u32).to_le_bytes());
        let host = host.map_or(u16::MAX, |host| host.0);
        head[12..14].copy_from_slice(&host.to_le_bytes());
        head[14] = kind as u8;
        self.hasher.write(&head);
        self.hasher.write(octets);
    }

    /// Adds a call of an application on a connection, with its result.
    #[inline]
    pub(super) fn call(&mut self, at: Instant, kind: Kind, host: HostId, conn: u32, result: u64) {
        let mut octets = [0; 12];
        octets[..4].copy_from_slice(&conn.to_le_bytes());
        octets[4..].copy_from_slice(&result.to_le_bytes());
        self.event(at, kind, Some(host), &octets);
    }

    /// The hash of everything that has happened so far.
    pub(super) fn hash(&self) -> u128 {
        self.hasher.finish128().as_u128()
    }
}

/// The datagrams of a world, as they were sent and as they arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The most entries that are kept; later ones are only counted.
    limit: usize,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// How many entries there was no room for.
    pub omitted: u64,
}

/// A datagram at a host, or an event of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// The host; `None` for the story.
    pub host: Option<HostId>,
    /// What happened.
    pub what: Happened,
    /// The state of the host's first connection afterwards; `None` if it has none.
    pub state: Option<State>,
}

/// What happened in an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A host sent a datagram; this many copies of it will arrive.
    Sent {
        /// The datagram.
        datagram: Vec<u8>,
        /// How many copies arrive; none if it is lost.
        copies: usize,
    },
    /// A datagram arrived at a host.
    Arrived(Vec<u8>),
    /// An event of the story, in words.
    Story(String),
}

impl Record {
    /// Room for this many entries.
    pub fn new(limit: usize) -> Record {
        Record {
            limit,
            ..Record::default()
        }
    }

    pub(super) fn push(
        &mut self,
        at: Instant,
        host: Option<HostId>,
        state: Option<State>,
        what: Happened,
    ) {
        if self.entries.len() < self.limit {
            self.entries.push(Entry {
                at,
                host,
                state,
                what,
            });
        } else {
            self.omitted += 1;
        }
    }
}
