//! Finds where wrongly delivered octets come from, which decides the property they violate. A
//! world needs this at most once.

use super::ends::{Conn, Ends};
use super::octets::Octets;
use super::outcome::Property;

/// How many octets are searched for elsewhere; fewer prove nothing.
const SAMPLE: usize = 8;

/// How far from their proper place octets are searched for.
const REACH: u64 = 1 << 20;

/// Describes how far a connection has got.
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

/// Diagnoses octets that are not the peer's next ones.
pub(super) fn of_octets(ends: &Ends, conn: Conn, octets: &[u8]) -> (Property, String) {
    let place = ends[conn].received;
    let peer = ends.known_partner(conn);
    let index = match peer.map(|peer| &ends[peer]) {
        Some(peer) => match peer.octets.mismatch(place, octets) {
            Some(index) => index,
            // The octets are correct, but there are too many of them.
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

/// Where in a stream these octets are, near `at`.
fn find(octets: Octets, at: u64, wrong: &[u8]) -> Option<u64> {
    let sample = &wrong[..wrong.len().min(SAMPLE)];
    if sample.len() < SAMPLE / 2 {
        return None;
    }
    let stands = |place: &u64| octets.mismatch(*place, sample).is_none();
    let first = at.saturating_sub(REACH);
    (first..at + REACH).find(stands)
}
