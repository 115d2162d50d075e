//! Who sees everything that applications give and get, and says what must not be.
//!
//! | property | when it is checked |
//! |---|---|
//! | P1 no creation, P2 no duplication, P3 FIFO | every octet that is delivered |
//! | P4 the end of the stream comes after all octets | every end of a stream |
//! | P5 two ends agree on ISNs and options | as soon as both are established |
//! | P6 both sides close, nothing remains | at the end of the world |
//! | P7 something will happen while something is to be done | when nothing will |
//! | P8 nothing is stuck once the faults are over | when patience ends |
//! | P9 a peer's crash is discovered in time | so long after it |
//! | P10 no octet of an older incarnation | every octet that is delivered |
//! | P11 what always holds of a connection | after every event |
//!
//! One direction of a connection is judged as a perfect FIFO link, by the functions that judge the
//! links ([`InOrder`]), with the octet as the message. Two ends belong to each other if each has
//! the ISS of the other as its IRS: addresses would not do, since a NAT may change them, and
//! incarnations share them.

use core::net::SocketAddr;
use std::collections::BTreeSet;

use super::diagnosis;
use super::id::HostId;
use super::octets::Octets;
use super::outcome::{Failure, Property, Tally};
use crate::link::properties::InOrder;
use crate::stack::{ConnId, Stack};
use crate::tcp::{ConnectionError, SequenceSpace};
use crate::time::Instant;

/// One end of a connection, as applications and the judge know it: never used again in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub(super) u32);

/// How far an end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its application holds it.
    Open,
    /// Its application has done with it all it wanted.
    Completed,
    /// Its application has aborted it.
    Aborted,
    /// It failed.
    Failed(ConnectionError),
    /// Its host has crashed.
    Lost,
}

/// What both ends of a connection must have agreed on: timestamps, SACK, window scales of the
/// first end and of the other.
type Agreed = (bool, bool, Option<(u8, u8)>);

/// What is known of an end.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) host: HostId,
    pub(super) id: ConnId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// What it sends.
    pub(super) octets: Octets,
    /// What it has sent, and its peer has got of it.
    stream: InOrder<u8>,
    /// How many octets its stack has taken.
    pub(super) sent: u64,
    /// Its application has closed the sending direction.
    pub(super) closed: bool,
    /// How many octets its application has got.
    pub(super) received: u64,
    pub(super) phase: Phase,
    /// Its host has crashed since it was opened.
    lost: bool,
    /// When its peer lost the connection in a crash.
    pub(super) half_open: Option<Instant>,
    /// How many octets it had sent then.
    pub(super) sent_before_loss: Option<u64>,
    space: SequenceSpace,
    agreed: Agreed,
    partner: Option<Conn>,
}

impl End {
    /// Whether the connection is of the same two sockets as `other`, seen from the other end.
    fn mirrors(&self, other: &End) -> bool {
        (self.local, self.remote) == (other.remote, other.local)
    }

    fn isns(&self) -> Option<(u32, u32)> {
        Some((self.space.iss.wire(), self.space.irs?.wire()))
    }
}

/// The judge of one world.
#[derive(Debug, Default)]
pub(super) struct Judge {
    seed: u64,
    pub(super) scenario: String,
    pub(super) now: Instant,
    /// Connections may fail, by chance or by plan, without that being a failure of the world.
    pub(super) may_fail: bool,
    pub(super) tally: Tally,
    ends: Vec<End>,
    /// The ends with this ISS and this IRS.
    by_isns: BTreeSet<(u32, u32, Conn)>,
    failure: Option<Failure>,
}

impl Judge {
    /// Before a world.
    pub(super) fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.scenario.clear();
        self.now = Instant::ZERO;
        self.may_fail = false;
        self.tally = Tally::default();
        self.ends.clear();
        self.by_isns.clear();
        self.failure = None;
    }

    /// What was found first.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// A property does not hold. The first finding counts: what follows may follow from it.
    #[cold]
    pub(super) fn fail(&mut self, property: Property, what: String) {
        self.failure.get_or_insert(Failure {
            property,
            seed: self.seed,
            scenario: self.scenario.clone(),
            at: self.now,
            what,
        });
    }

    /// A new end.
    pub(super) fn open(&mut self, host: HostId, id: ConnId, stack: &Stack) -> Conn {
        let conn = Conn(self.ends.len() as u32);
        self.ends.push(End {
            host,
            id,
            local: stack.local_addr(id),
            remote: stack.peer_addr(id),
            octets: Octets::new(self.seed, u64::from(conn.0)),
            stream: InOrder::new(),
            sent: 0,
            closed: false,
            received: 0,
            phase: Phase::Open,
            lost: false,
            half_open: None,
            sent_before_loss: None,
            space: stack.sequence_space(id),
            agreed: (false, false, None),
            partner: None,
        });
        if self.end(conn).space.irs.is_some() {
            self.introduce(conn, stack);
        }
        conn
    }

    /// The end of a handle.
    pub(super) fn end(&self, conn: Conn) -> &End {
        &self.ends[conn.0 as usize]
    }

    fn end_mut(&mut self, conn: Conn) -> &mut End {
        &mut self.ends[conn.0 as usize]
    }

    /// Every end.
    pub(super) fn ends(&self) -> &[End] {
        &self.ends
    }

    /// The ends that their applications hold.
    pub(super) fn open_ends(&self) -> impl Iterator<Item = Conn> {
        let conns = (0..self.ends.len() as u32).map(Conn);
        conns.filter(|conn| self.end(*conn).phase == Phase::Open)
    }

    /// Whether the other end has failed, was aborted, or was lost.
    pub(super) fn peer_is_gone(&self, conn: Conn) -> bool {
        let peer = self.known_partner(conn).map(|peer| self.end(peer));
        peer.is_some_and(|peer| peer.lost || !matches!(peer.phase, Phase::Open | Phase::Completed))
    }

    /// Looks where an end stands (P11: nothing moves back), and whom it belongs to.
    pub(super) fn look(&mut self, conn: Conn, stack: &Stack) {
        let end = self.end(conn);
        if end.phase != Phase::Open {
            return;
        }
        let (before, space) = (end.space, stack.sequence_space(end.id));
        if before == space {
            return;
        }
        if let Some(what) = moved_back(&before, &space) {
            let what = format!("{} moved back: {what}", diagnosis::name(self, conn));
            self.fail(Property::Invariants, what);
        }
        self.end_mut(conn).space = space;
        if before.irs.is_none() && space.irs.is_some() {
            self.introduce(conn, stack);
        }
    }

    /// An end knows both ISNs: whether its peer agrees (P5).
    fn introduce(&mut self, conn: Conn, stack: &Stack) {
        let status = stack.status(self.end(conn).id);
        let agreed = (status.timestamps, status.sack, status.window_scale);
        self.end_mut(conn).agreed = agreed;
        let end = self.end(conn);
        let Some((iss, irs)) = end.isns() else {
            return;
        };
        let mut disagrees = false;
        let with_iss = (irs, 0, Conn(0))..=(irs, u32::MAX, Conn(u32::MAX));
        for (_, _, other) in self.by_isns.range(with_iss) {
            let peer = self.end(*other);
            if peer.host == end.host {
                continue;
            }
            if peer.isns() == Some((irs, iss)) {
                let (timestamps, sack, scales) = peer.agreed;
                let mirrored = scales.map(|(first, second)| (second, first));
                disagrees |= agreed != (timestamps, sack, mirrored);
            } else {
                disagrees |= peer.mirrors(end) && peer.phase == Phase::Open;
            }
        }
        self.by_isns.insert((iss, irs, conn));
        if disagrees {
            let what = format!(
                "{} and its peer do not agree on ISNs or options",
                diagnosis::name(self, conn)
            );
            self.fail(Property::Agreement, what);
        }
    }

    /// The other end.
    pub(super) fn partner(&mut self, conn: Conn) -> Option<Conn> {
        let partner = self.known_partner(conn);
        self.end_mut(conn).partner = partner;
        partner
    }

    /// The other end.
    pub(super) fn known_partner(&self, conn: Conn) -> Option<Conn> {
        let end = self.end(conn);
        end.partner.or_else(|| {
            let (iss, irs) = end.isns()?;
            let with_both = (irs, iss, Conn(0))..=(irs, iss, Conn(u32::MAX));
            let ends = self.by_isns.range(with_both).map(|(_, _, other)| *other);
            // ISNs of which a test has fixed the first may be the same for several connections:
            // the same addresses tell them apart, and of several incarnations it is the last.
            ends.filter(|other| self.end(*other).host != end.host)
                .max_by_key(|other| (self.end(*other).mirrors(end), *other))
                .or_else(|| self.early_partner(end, irs))
        })
    }

    /// The other end, if it is still in SYN-SENT: by Fast Open its text is here already.
    fn early_partner(&self, end: &End, irs: u32) -> Option<Conn> {
        self.open_ends().find(|other| {
            let other = self.end(*other);
            let space = &other.space;
            other.mirrors(end) && space.irs.is_none() && space.iss.wire() == irs
        })
    }

    /// The stack took these octets.
    pub(super) fn sent(&mut self, conn: Conn, octets: &[u8]) {
        let end = self.end_mut(conn);
        end.sent += octets.len() as u64;
        end.stream.send(octets);
        self.tally.sent += octets.len() as u64;
    }

    /// The application has closed the sending direction.
    pub(super) fn closed(&mut self, conn: Conn) {
        self.end_mut(conn).closed = true;
    }

    /// Octets were delivered: P1, P2, P3, P10.
    pub(super) fn delivered(&mut self, conn: Conn, octets: &[u8]) {
        self.tally.delivered += octets.len() as u64;
        let judged = match self.partner(conn) {
            Some(peer) => self.end_mut(peer).stream.deliver(octets).is_ok(),
            None => false,
        };
        if !judged {
            let (property, what) = diagnosis::of_octets(self, conn, octets);
            self.fail(property, what);
        }
        self.end_mut(conn).received += octets.len() as u64;
    }

    /// The end of the stream was delivered: P4.
    pub(super) fn end_of_stream(&mut self, conn: Conn) {
        let received = self.end(conn).received;
        let why = match self.partner(conn).map(|peer| self.end(peer)) {
            // Nothing was ever to come: the application has closed before it was established.
            None if self.end(conn).space.irs.is_none() => return,
            None => "without a peer".to_owned(),
            Some(peer) if !peer.closed => "though the peer has not closed".to_owned(),
            Some(peer) if peer.stream.end().is_err() => {
                format!("after {received} of {} octets", peer.sent)
            }
            Some(_) => return,
        };
        let name = diagnosis::name(self, conn);
        self.fail(
            Property::EndAfterAll,
            format!("{name} got the end of the stream {why}"),
        );
    }

    /// The application lets go of an end.
    pub(super) fn over(&mut self, conn: Conn, phase: Phase) {
        self.end_mut(conn).phase = phase;
        match phase {
            Phase::Completed => self.tally.completed += 1,
            Phase::Failed(error) => {
                match error {
                    ConnectionError::Reset | ConnectionError::Refused => self.tally.reset += 1,
                    _ => self.tally.gave_up += 1,
                }
                if !self.may_fail && !self.peer_is_gone(conn) {
                    let what = format!("{}: {error}", diagnosis::name(self, conn));
                    self.fail(Property::NoFailure, what);
                }
            }
            Phase::Open | Phase::Aborted | Phase::Lost => {}
        }
    }

    /// From now on an end that is half-open is watched: what it has sent so far must tell it.
    pub(super) fn watch_half_open(&mut self, conn: Conn) {
        let end = self.end_mut(conn);
        end.sent_before_loss = Some(end.sent);
    }

    /// A host has lost all it knew. Appends the ends of other hosts that do not know it yet.
    pub(super) fn crashed(&mut self, host: HostId, half_open: &mut Vec<Conn>) {
        for index in 0..self.ends.len() as u32 {
            let conn = Conn(index);
            if self.end(conn).host != host || self.end(conn).lost {
                continue;
            }
            // Its stack may have had more to do, even if its application had not.
            self.end_mut(conn).lost = true;
            if self.end(conn).phase == Phase::Open {
                self.over(conn, Phase::Lost);
            }
            if let Some(peer) = self.partner(conn) {
                let now = self.now;
                self.end_mut(peer).half_open = Some(now);
                self.watch_half_open(peer);
                half_open.push(peer);
            }
        }
    }
}

/// Which place moved back.
fn moved_back(before: &SequenceSpace, after: &SequenceSpace) -> Option<&'static str> {
    let moved = [
        (before.iss == after.iss, "ISS"),
        (before.irs.is_none() || before.irs == after.irs, "IRS"),
        (before.snd_una <= after.snd_una, "SND.UNA"),
        (before.snd_nxt <= after.snd_nxt, "SND.NXT"),
        (
            before.irs.is_none() || before.rcv_nxt <= after.rcv_nxt,
            "RCV.NXT",
        ),
        (
            before.irs.is_none() || before.rcv_edge <= after.rcv_edge,
            "the right edge of the window",
        ),
    ];
    let place = moved.into_iter().find(|(holds, _)| !holds)?;
    Some(place.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Seq;

    fn space() -> SequenceSpace {
        let place = Seq::initial(100);
        SequenceSpace {
            iss: place,
            snd_una: place + 10,
            snd_nxt: place + 20,
            irs: Some(place),
            rcv_nxt: place + 10,
            rcv_edge: place + 20,
        }
    }

    /// P11: no stack does this, so nobody but this test can.
    #[test]
    fn a_place_that_moves_back_is_named() {
        let moved = |moves: fn(&mut SequenceSpace)| {
            let mut after = space();
            moves(&mut after);
            moved_back(&space(), &after)
        };
        assert_eq!(moved(|_| {}), None);
        assert_eq!(moved(|after| after.snd_nxt += 1), None, "forward");
        assert_eq!(moved(|after| after.iss += 1), Some("ISS"));
        assert_eq!(moved(|after| after.irs = None), Some("IRS"));
        assert_eq!(
            moved(|after| after.snd_una = after.iss + 9),
            Some("SND.UNA")
        );
        assert_eq!(
            moved(|after| after.snd_nxt = after.iss + 19),
            Some("SND.NXT")
        );
        assert_eq!(
            moved(|after| after.rcv_nxt = after.iss + 9),
            Some("RCV.NXT")
        );
        assert_eq!(
            moved(|after| after.rcv_edge = after.iss + 19),
            Some("the right edge of the window")
        );
    }
}
