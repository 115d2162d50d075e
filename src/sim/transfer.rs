//! One direction of a connection as its sender sees it, for a time–sequence diagram.

use core::net::SocketAddr;

use super::id::HostId;
use super::trace::{Entry, Happened, Record};
use crate::time::Instant;
use crate::wire::{self, Control, Payload, TcpHeader};

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) host: HostId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

impl Flow {
    fn ends(&self) -> (SocketAddr, SocketAddr) {
        (self.local, self.remote)
    }
}

/// What a sender sent and received, and what arrived of it. Numbers count octets from its SYN, which is
/// 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) sent: Vec<Sent>,
    pub(super) heard: Vec<Heard>,
    /// Octets of text that arrived, including duplicates.
    pub(super) arrived: u64,
}

/// Text that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) first: u64,
    /// The octet after the last.
    pub(super) end: u64,
    /// Some of the text had been sent before.
    pub(super) again: bool,
    /// No copy of the segment arrives.
    pub(super) lost: bool,
}

/// An acknowledgment that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) ack: u64,
    /// The right edge of the peer's window.
    pub(super) edge: u64,
    /// The ranges that it acknowledges selectively: the first octet, and the octet after the last.
    pub(super) sacked: Vec<(u64, u64)>,
}

/// A segment of a record.
struct Segment<'a> {
    at: Instant,
    flow: Flow,
    header: TcpHeader,
    text: &'a [u8],
    /// `None`: the segment arrived here. Otherwise it was sent, and this many copies of it arrive
    /// elsewhere.
    copies: Option<usize>,
}

fn segments(record: &Record) -> impl Iterator<Item = Segment<'_>> {
    record.entries.iter().filter_map(segment)
}

fn segment(entry: &Entry) -> Option<Segment<'_>> {
    let (datagram, copies) = match &entry.what {
        Happened::Sent { datagram, copies } => (datagram, Some(*copies)),
        Happened::Arrived(datagram) => (datagram, None),
        Happened::Story(_) => return None,
    };
    let parsed = wire::parse(datagram).ok()?;
    let Payload::Tcp(header, text) = parsed.payload else {
        return None;
    };
    let source = SocketAddr::new(parsed.ip.source, header.source_port);
    let destination = SocketAddr::new(parsed.ip.destination, header.destination_port);
    let (local, remote) = match copies {
        Some(_) => (source, destination),
        None => (destination, source),
    };
    Some(Segment {
        at: entry.at,
        flow: Flow {
            host: entry.host?,
            local,
            remote,
        },
        header,
        text,
        copies,
    })
}

/// The direction of the connection that has sent the most octets.
pub(super) fn busiest(record: &Record) -> Option<Flow> {
    let mut flows: Vec<(usize, Flow)> = Vec::new();
    for segment in segments(record).filter(|segment| segment.copies.is_some()) {
        match flows.iter_mut().find(|(_, flow)| *flow == segment.flow) {
            Some((octets, _)) => *octets += segment.text.len(),
            None => flows.push((segment.text.len(), segment.flow)),
        }
    }
    // If two sent the same amount, the first counts.
    let (_, busiest) = flows.into_iter().rev().max_by_key(|(octets, _)| *octets)?;
    Some(busiest)
}

impl Transfer {
    /// Extracts a flow from a record.
    pub(super) fn of(record: &Record, flow: Flow) -> Transfer {
        let mut transfer = Transfer::default();
        let (mut iss, mut scale, mut nxt) = (None, 0, 0);
        for segment in segments(record) {
            if segment.copies.is_none() && segment.flow.ends() == (flow.remote, flow.local) {
                transfer.arrived += segment.text.len() as u64;
            }
            if segment.flow != flow {
                continue;
            }
            let header = &segment.header;
            let is_syn = header.control.has(Control::SYN);
            if segment.copies.is_some() {
                let base = *iss.get_or_insert(header.seq);
                let first = unwrap(header.seq.wrapping_sub(base), nxt);
                // A SYN takes a number before the text that it may carry.
                let first = first + u64::from(is_syn);
                let end = first + segment.text.len() as u64;
                if end > first {
                    transfer.sent.push(Sent {
                        at: segment.at,
                        first,
                        end,
                        again: first < nxt,
                        lost: segment.copies == Some(0),
                    });
                }
                nxt = nxt.max(end);
                continue;
            }
            if is_syn {
                scale = header.options.window_scale.unwrap_or(0);
            }
            if let Some(base) = iss.filter(|_| header.control.has(Control::ACK)) {
                let place = |number: u32| unwrap(number.wrapping_sub(base), nxt);
                let ack = place(header.ack);
                // RFC 7323 §2.2: the window of a SYN is not scaled.
                let shift = if is_syn { 0 } else { scale };
                let blocks = header.options.sack.as_slice().iter();
                transfer.heard.push(Heard {
                    at: segment.at,
                    ack,
                    edge: ack + (u64::from(header.window) << shift),
                    sacked: blocks
                        .map(|block| (place(block.left), place(block.right)))
                        .collect(),
                });
            }
        }
        transfer
    }
}

/// The 64-bit number nearest to `near` whose low half is `low`.
fn unwrap(low: u32, near: u64) -> u64 {
    let ahead = low.wrapping_sub(near as u32) as i32;
    near.saturating_add_signed(i64::from(ahead))
}
