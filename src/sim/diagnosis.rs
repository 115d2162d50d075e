//! Where octets come from that should not have been delivered. This decides which property they
//! violate; it is asked at most once in the life of a world.

use super::ends::{Conn, Ends};
use super::octets::Octets;
use super::outcome::Property;

/// Octets that are looked for in other places; fewer prove nothing.
const SAMPLE: usize = 8;

/// How far from its place an octet is looked for.
const REACH: u64 = 1 << 20;

/// How far a connection has come, in words.
pub(super) fn progress(ends: &Ends, conn: Conn) -> String {
    let end = &ends[conn];
    let due = match ends.known_partner(conn).map(|peer| ends[peer].sent) {
        Some(sent) => format!("{} of {sent}", end.received),
        None => format!("{}", end.received),
    };
    format!(
        "{} has sent {} octets and received {due}",
        ends[conn].name(),
        end.sent
    )
}

/// Octets that are not the next of the peer's.
pub(super) fn of_octets(ends: &Ends, conn: Conn, octets: &[u8]) -> (Property, String) {
    let place = ends[conn].received;
    let peer = ends.known_partner(conn);
    let index = match peer.map(|peer| &ends[peer]) {
        Some(peer) => match peer.octets.mismatch(place, octets) {
            Some(index) => index,
            // They are right, and too many.
            None => (peer.sent - place) as usize,
        },
        None => 0,
    };
    let (at, wrong) = (place + index as u64, &octets[index..]);
    let from = peer.and_then(|peer| find(ends[peer].octets, at, wrong));
    let (property, why) = match from {
        Some(from) if from < at => (
            Property::NoDuplication,
            format!("what it had got at {from}"),
        ),
        Some(from) if from > at => (Property::Fifo, format!("what belongs at {from}")),
        Some(_) => (Property::NoCreation, "what was not sent yet".to_owned()),
        None => stranger(ends, conn, peer, at, wrong)
            .unwrap_or((Property::NoCreation, "what nobody sent".to_owned())),
    };
    let what = format!("{} got at octet {at} {why}", ends[conn].name());
    (property, what)
}

/// Octets that another connection sent.
fn stranger(
    ends: &Ends,
    conn: Conn,
    peer: Option<Conn>,
    at: u64,
    wrong: &[u8],
) -> Option<(Property, String)> {
    let own = &ends[conn];
    let others = ends.all();
    let source = others
        .filter(|other| Some(*other) != peer)
        .find(|other| find(ends[*other].octets, at, wrong).is_some())?;
    let end = &ends[source];
    let older = (end.local, end.remote) == (own.remote, own.local);
    let property = match older {
        true => Property::Incarnations,
        false => Property::NoCreation,
    };
    Some((property, format!("what was sent on {}", end.name())))
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
