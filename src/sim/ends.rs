//! The ends of all connections of a world, and which two belong together: the IRS of each is the ISS
//! of the other. Addresses cannot decide this, since a NAT may change them, and incarnations share
//! them.

use core::net::SocketAddr;
use core::ops::{Index, IndexMut};
use std::collections::BTreeSet;

use super::id::HostId;
use super::octets::Octets;
use crate::link::properties::InOrder;
use crate::stack::ConnId;
use crate::tcp::{ConnectionError, SequenceSpace};
use crate::time::Instant;

/// The handle by which applications and the judge know one end of a connection. A world never
/// reuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub(super) u32);

/// The phase of an end's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its application holds it.
    Open,
    /// Its application has done all that it wanted, and released it.
    Completed,
    /// Its application has aborted it.
    Aborted,
    /// It failed.
    Failed(ConnectionError),
    /// Its host has crashed.
    Lost,
}

/// What both ends of a connection must agree on: timestamps, SACK, and the window scales of the
/// first end and of the other.
pub(super) type Agreed = (bool, bool, Option<(u8, u8)>);

/// What the judge knows about an end.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) host: HostId,
    pub(super) id: ConnId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// The octets that it sends.
    pub(super) octets: Octets,
    /// What it has sent, and what its peer has received of that.
    pub(super) stream: InOrder<u8>,
    /// How many octets its stack has taken.
    pub(super) sent: u64,
    /// Its application has closed the sending direction.
    pub(super) closed: bool,
    /// How many octets its application has received.
    pub(super) received: u64,
    pub(super) phase: Phase,
    /// Its host has crashed since it was opened.
    pub(super) lost: bool,
    /// When its peer lost the connection in a crash.
    pub(super) half_open: Option<Instant>,
    /// How many octets it had sent by then.
    pub(super) sent_before_loss: Option<u64>,
    pub(super) space: SequenceSpace,
    pub(super) agreed: Agreed,
    pub(super) partner: Option<Conn>,
}

impl End {
    /// The end's name in a report.
    pub(super) fn name(&self) -> String {
        let End {
            host,
            local,
            remote,
            ..
        } = self;
        format!("host {host}, connection {local} > {remote}")
    }

    /// Whether `other` has the same two sockets, seen from the other end.
    pub(super) fn mirrors(&self, other: &End) -> bool {
        (self.local, self.remote) == (other.remote, other.local)
    }

    pub(super) fn isns(&self) -> Option<(u32, u32)> {
        Some((self.space.iss.wire(), self.space.irs?.wire()))
    }
}

/// All ends that a world has had.
#[derive(Debug, Default)]
pub(super) struct Ends {
    list: Vec<End>,
    /// The ends that know both numbers, sorted by their ISS and IRS.
    by_isns: BTreeSet<(u32, u32, Conn)>,
}

impl Index<Conn> for Ends {
    type Output = End;

    fn index(&self, conn: Conn) -> &End {
        &self.list[conn.0 as usize]
    }
}

impl IndexMut<Conn> for Ends {
    fn index_mut(&mut self, conn: Conn) -> &mut End {
        &mut self.list[conn.0 as usize]
    }
}

impl Ends {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.by_isns.clear();
    }

    /// The handle of the next end.
    pub(super) fn next(&self) -> Conn {
        Conn(self.list.len() as u32)
    }

    /// Adds an end.
    pub(super) fn push(&mut self, end: End) {
        self.list.push(end);
    }

    /// All ends.
    pub(super) fn all(&self) -> impl Iterator<Item = Conn> + use<> {
        (0..self.list.len() as u32).map(Conn)
    }

    /// The ends that their applications hold.
    pub(super) fn open(&self) -> impl Iterator<Item = Conn> {
        self.all().filter(|conn| self[*conn].phase == Phase::Open)
    }

    /// Notes that an end has learnt its IRS.
    pub(super) fn introduce(&mut self, conn: Conn) {
        if let Some((iss, irs)) = self[conn].isns() {
            self.by_isns.insert((iss, irs, conn));
        }
    }

    /// The ends with this ISS that have learnt their IRS.
    pub(super) fn with_iss(&self, iss: u32) -> impl Iterator<Item = &End> {
        let range = (iss, 0, Conn(0))..=(iss, u32::MAX, Conn(u32::MAX));
        self.by_isns.range(range).map(|(_, _, conn)| &self[*conn])
    }

    /// Whether the other end has failed, was aborted, or was lost.
    pub(super) fn peer_is_gone(&self, conn: Conn) -> bool {
        let peer = self.known_partner(conn).map(|peer| &self[peer]);
        peer.is_some_and(|peer| peer.lost || !matches!(peer.phase, Phase::Open | Phase::Completed))
    }

    /// The other end. Once found, it is remembered.
    pub(super) fn partner(&mut self, conn: Conn) -> Option<Conn> {
        let partner = self.known_partner(conn);
        self[conn].partner = partner;
        partner
    }

    /// The other end, if it can be told.
    pub(super) fn known_partner(&self, conn: Conn) -> Option<Conn> {
        let end = &self[conn];
        end.partner.or_else(|| {
            let (iss, irs) = end.isns()?;
            let with_both = (irs, iss, Conn(0))..=(irs, iss, Conn(u32::MAX));
            let ends = self.by_isns.range(with_both).map(|(_, _, other)| *other);
            // If a test has fixed the first ISN, several connections may have the same ISNs. Their
            // addresses tell them apart; among incarnations with the same addresses, it is the
            // last.
            ends.filter(|other| self[*other].host != end.host)
                .max_by_key(|other| (self[*other].mirrors(end), *other))
                .or_else(|| self.early_partner(end, irs))
        })
    }

    /// The other end, if it is still in SYN-SENT: with Fast Open, its text may arrive that early.
    fn early_partner(&self, end: &End, irs: u32) -> Option<Conn> {
        self.open().find(|other| {
            let other = &self[*other];
            let space = &other.space;
            other.mirrors(end) && space.irs.is_none() && space.iss.wire() == irs
        })
    }
}
