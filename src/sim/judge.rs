//! The judge: sees everything that applications send and receive, and reports violations.
//!
//! | property | when it is checked |
//! |---|---|
//! | P1 no creation, P2 no duplication, P3 FIFO | every octet that is delivered |
//! | P4 the end of the stream comes after all octets | every end of a stream |
//! | P5 two ends agree on ISNs and options | as soon as both are established |
//! | P6 both sides close, nothing remains | at the end of the world |
//! | P7 while something remains to be done, something will happen | when nothing will |
//! | P8 nothing is stuck once the faults are over | when patience ends |
//! | P9 a peer's crash is discovered in time | a fixed time after it |
//! | P10 no octet of an older incarnation | every octet that is delivered |
//! | P11 what always holds of a connection | after every event |
//!
//! The judge treats one direction of a connection as a perfect FIFO link whose messages are
//! octets, with the same code that judges the links ([`InOrder`]).

use super::diagnosis;
use super::ends::{Conn, End, Ends, Phase};
use super::id::HostId;
use super::octets::Octets;
use super::outcome::{Failure, Property, Tally};
use crate::link::properties::InOrder;
use crate::stack::{ConnId, Stack};
use crate::tcp::{ConnectionError, SequenceSpace};
use crate::time::Instant;

/// The judge of one world.
#[derive(Debug, Default)]
pub(super) struct Judge {
    seed: u64,
    pub(super) scenario: String,
    pub(super) now: Instant,
    /// Connections may fail, by chance or by plan; that is not a failure of the world.
    pub(super) may_fail: bool,
    pub(super) tally: Tally,
    ends: Ends,
    failure: Option<Failure>,
}

impl Judge {
    /// Prepares for a new world.
    pub(super) fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.scenario.clear();
        self.now = Instant::ZERO;
        self.may_fail = false;
        self.tally = Tally::default();
        self.ends.clear();
        self.failure = None;
    }

    /// The first failure found.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Reports that a property does not hold. Only the first failure counts: later ones may
    /// be consequences of it.
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

    /// Adds a new end.
    pub(super) fn open(&mut self, host: HostId, id: ConnId, stack: &Stack) -> Conn {
        let conn = self.ends.next();
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
        if self.ends[conn].space.irs.is_some() {
            self.introduce(conn, stack);
        }
        conn
    }

    /// Everything known about the ends.
    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Checks an end's sequence space (P11: nothing moves back), and introduces the end once
    /// it knows both ISNs.
    pub(super) fn look(&mut self, conn: Conn, stack: &Stack) {
        let end = &self.ends[conn];
        if end.phase != Phase::Open {
            return;
        }
        let (before, space) = (end.space, stack.sequence_space(end.id));
        if before == space {
            return;
        }
        if let Some(what) = moved_back(&before, &space) {
            let what = format!("{} moved back: {what}", self.ends[conn].name());
            self.fail(Property::Invariants, what);
        }
        self.ends[conn].space = space;
        if before.irs.is_none() && space.irs.is_some() {
            self.introduce(conn, stack);
        }
    }

    /// Checks, once an end knows both ISNs, whether its peer agrees (P5).
    fn introduce(&mut self, conn: Conn, stack: &Stack) {
        let status = stack.status(self.ends[conn].id);
        let agreed = (status.timestamps, status.sack, status.window_scale);
        self.ends[conn].agreed = agreed;
        let end = &self.ends[conn];
        let Some((iss, irs)) = end.isns() else {
            return;
        };
        let mut disagrees = false;
        for peer in self.ends.with_iss(irs) {
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
        self.ends.introduce(conn);
        if disagrees {
            let what = format!(
                "{} and its peer do not agree on ISNs or options",
                self.ends[conn].name()
            );
            self.fail(Property::Agreement, what);
        }
    }

    /// Notes that the stack took these octets.
    pub(super) fn sent(&mut self, conn: Conn, octets: &[u8]) {
        let end = &mut self.ends[conn];
        end.sent += octets.len() as u64;
        end.stream.send(octets);
        self.tally.sent += octets.len() as u64;
    }

    /// Notes that the application has closed the sending direction.
    pub(super) fn closed(&mut self, conn: Conn) {
        self.ends[conn].closed = true;
    }

    /// Checks octets that were delivered: P1, P2, P3, P10.
    pub(super) fn delivered(&mut self, conn: Conn, octets: &[u8]) {
        self.tally.delivered += octets.len() as u64;
        let judged = match self.ends.partner(conn) {
            Some(peer) => self.ends[peer].stream.deliver(octets).is_ok(),
            None => false,
        };
        if !judged {
            let (property, what) = diagnosis::of_octets(&self.ends, conn, octets);
            self.fail(property, what);
        }
        self.ends[conn].received += octets.len() as u64;
    }

    /// Checks that the end of the stream was due: P4.
    pub(super) fn end_of_stream(&mut self, conn: Conn) {
        let received = self.ends[conn].received;
        let why = match self.ends.partner(conn).map(|peer| &self.ends[peer]) {
            // Nothing could come: the application closed before the connection was
            // established.
            None if self.ends[conn].space.irs.is_none() => return,
            None => "without a peer".to_owned(),
            Some(peer) if !peer.closed => "though the peer has not closed".to_owned(),
            Some(peer) if peer.stream.end().is_err() => {
                format!("after {received} of {} octets", peer.sent)
            }
            Some(_) => return,
        };
        let name = self.ends[conn].name();
        self.fail(
            Property::EndAfterAll,
            format!("{name} got the end of the stream {why}"),
        );
    }

    /// Notes that the application releases an end.
    pub(super) fn over(&mut self, conn: Conn, phase: Phase) {
        self.ends[conn].phase = phase;
        match phase {
            Phase::Completed => self.tally.completed += 1,
            Phase::Failed(error) => {
                match error {
                    ConnectionError::Reset
                    | ConnectionError::Refused
                    | ConnectionError::Withdrawn => self.tally.reset += 1,
                    _ => self.tally.gave_up += 1,
                }
                if !self.may_fail && !self.ends.peer_is_gone(conn) {
                    let what = format!("{}: {error}", self.ends[conn].name());
                    self.fail(Property::NoFailure, what);
                }
            }
            Phase::Open | Phase::Aborted | Phase::Lost => {}
        }
    }

    /// Starts to watch a half-open end: what it has sent so far must reveal the loss.
    pub(super) fn watch_half_open(&mut self, conn: Conn) {
        let end = &mut self.ends[conn];
        end.sent_before_loss = Some(end.sent);
    }

    /// Notes that a host has lost all its state. Appends the other hosts' ends that do not
    /// know this yet.
    pub(super) fn crashed(&mut self, host: HostId, half_open: &mut Vec<Conn>) {
        for conn in self.ends.all() {
            if self.ends[conn].host != host || self.ends[conn].lost {
                continue;
            }
            // The stack may have had more to do even if the application had not.
            self.ends[conn].lost = true;
            if self.ends[conn].phase == Phase::Open {
                self.over(conn, Phase::Lost);
            }
            if let Some(peer) = self.ends.partner(conn) {
                let now = self.now;
                self.ends[peer].half_open = Some(now);
                self.watch_half_open(peer);
                half_open.push(peer);
            }
        }
    }
}

/// The sequence number that moved back, if one did.
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

    /// P11: no stack does this, so only this test covers the check.
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
