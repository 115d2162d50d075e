//! Samples of the state of connections while a world runs, for example to plot the congestion
//! window. Sampling changes nothing: the trace is the same with and without it.

use core::net::SocketAddr;

use super::host::Host;
use super::id::HostId;
use crate::stack::Stack;
use crate::tcp::Status;
use crate::time::Instant;

/// The state of one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in the world's time.
    pub at: Instant,
    /// The host.
    pub host: HostId,
    /// The address and port of this end.
    pub local: SocketAddr,
    /// The address and port of the other end.
    pub remote: SocketAddr,
    /// The result of STATUS (RFC 9293 §3.10.6).
    pub status: Status,
}

/// The samples of a world. Whenever a host has done everything there is to do at a moment, each
/// of its connections that has changed is sampled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The most samples that are kept.
    limit: usize,
    /// The samples, in order of time.
    pub entries: Vec<Sample>,
    /// How many samples there was no room for.
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

    /// Samples the connections of a host.
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

/// Whether nothing that the plots show has changed.
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
