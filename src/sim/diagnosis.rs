//! Octets that should not have been delivered: where do they come from? It decides which property
//! they break, and is asked once in the life of a world at most.

use super::judge::{Conn, Judge};
use super::octets::Octets;
use super::outcome::Property;

/// Octets that are looked for in other places; fewer prove nothing.
const SAMPLE: usize = 8;

/// How far from its place an octet is looked for.
const REACH: u64 = 1 << 20;

/// A connection's name in a report.
pub(super) fn name(judge: &Judge, conn: Conn) -> String {
    let end = judge.end(conn);
    let host = end.host;
    format!("host {host}, connection {} > {}", end.local, end.remote)
}

/// How far a connection has come, in words.
pub(super) fn progress(judge: &Judge, conn: Conn) -> String {
    let end = judge.end(conn);
    let due = match judge.known_partner(conn).map(|peer| judge.end(peer).sent) {
        Some(sent) => format!("{} of {sent}", end.received),
        None => format!("{}", end.received),
    };
    format!(
        "{} has sent {} octets and received {due}",
        name(judge, conn),
        end.sent
    )
}

/// Octets that are not the next of the peer's.
pub(super) fn of_octets(judge: &Judge, conn: Conn, octets: &[u8]) -> (Property, String) {
    let place = judge.end(conn).received;
    let peer = judge.known_partner(conn);
    let index = match peer.map(|peer| judge.end(peer)) {
        Some(peer) => match peer.octets.mismatch(place, octets) {
            Some(index) => index,
            // They are right, and too many.
            None => (peer.sent - place) as usize,
        },
        None => 0,
    };
    let (at, wrong) = (place + index as u64, &octets[index..]);
    let from = peer.and_then(|peer| find(judge.end(peer).octets, at, wrong));
    let (property, why) = match from {
        Some(from) if from < at => (
            Property::NoDuplication,
            format!("what it had got at {from}"),
        ),
        Some(from) if from > at => (Property::Fifo, format!("what belongs at {from}")),
        Some(_) => (Property::NoCreation, "what was not sent yet".to_owned()),
        None => stranger(judge, conn, peer, at, wrong)
            .unwrap_or((Property::NoCreation, "what nobody sent".to_owned())),
    };
    let what = format!("{} got at octet {at} {why}", name(judge, conn));
    (property, what)
}

/// Octets that another connection sent.
fn stranger(
    judge: &Judge,
    conn: Conn,
    peer: Option<Conn>,
    at: u64,
    wrong: &[u8],
) -> Option<(Property, String)> {
    let own = judge.end(conn);
    let others = (0..judge.ends().len() as u32).map(Conn);
    let source = others
        .filter(|other| Some(*other) != peer)
        .find(|other| find(judge.end(*other).octets, at, wrong).is_some())?;
    let end = judge.end(source);
    let older = (end.local, end.remote) == (own.remote, own.local);
    let property = match older {
        true => Property::Incarnations,
        false => Property::NoCreation,
    };
    Some((
        property,
        format!("what was sent on {}", name(judge, source)),
    ))
}

/// Where in a stream these octets stand, near `at`.
fn find(octets: Octets, at: u64, wrong: &[u8]) -> Option<u64> {
    let sample = &wrong[..wrong.len().min(SAMPLE)];
    if sample.len() < SAMPLE / 2 {
        return None;
    }
    let stands = |place: &u64| octets.mismatch(*place, sample).is_none();
    let first = at.saturating_sub(REACH);
    (first..at + REACH).find(stands)
}
