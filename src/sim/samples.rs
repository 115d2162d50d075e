//! Samples of the state of connections while a world runs, from which the congestion window is
//! plotted. Sampling changes nothing: the trace is the same with and without.

use core::net::SocketAddr;

use super::host::Host;
use super::id::HostId;
use crate::stack::Stack;
use crate::tcp::Status;
use crate::time::Instant;

/// How one end of a connection stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in the world's time.
    pub at: Instant,
    /// Where.
    pub host: HostId,
    /// The address and port of this end.
    pub local: SocketAddr,
    /// Those of the other end.
    pub remote: SocketAddr,
    /// What STATUS says (RFC 9293 §3.10.6).
    pub status: Status,
}

/// The samples of a world. One is taken whenever a host has done all there is to do at a moment,
/// for each of its connections that stands otherwise than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The most that are kept.
    limit: usize,
    /// Each, in the order of time.
    pub entries: Vec<Sample>,
    /// How many there was no room for.
    pub omitted: u64,
}

impl Samples {
    /// Room for this many.
    pub(super) fn new(limit: usize) -> Samples {
        Samples {
            limit,
            ..Samples::default()
        }
    }

    /// Looks at the connections of a host.
    pub(super) fn take(&mut self, at: Instant, id: HostId, host: &Host) {
        for (tuple, status) in host.stack().into_iter().flat_map(Stack::statuses) {
            let (local, remote) = (tuple.local, tuple.remote);
            let is_it = |sample: &&Sample| {
                (sample.host, sample.local, sample.remote) == (id, local, remote)
            };
            let last = self.entries.iter().rev().find(is_it);
            if last.is_some_and(|last| stands_alike(&last.status, &status)) {
                continue;
            }
            if self.entries.len() == self.limit {
                self.omitted += 1;
                continue;
            }
            self.entries.push(Sample {
                at,
                host: id,
                local,
                remote,
                status,
            });
        }
    }
}

/// Whether nothing that is drawn has changed.
fn stands_alike(one: &Status, other: &Status) -> bool {
    let drawn = |status: &Status| {
        (
            status.state,
            (status.cwnd, status.ssthresh, status.in_flight),
            (status.srtt, status.rto),
            (status.retransmissions, status.timeouts),
        )
    };
    drawn(one) == drawn(other)
}
