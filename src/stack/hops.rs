//! From how far segments may come (RFC 5082, the Generalized TTL Security Mechanism). Every router
//! decreases the TTL, so the TTL of a neighbour's packet cannot be forged from afar. A segment from too far
//! away is dropped before any other processing (§3): it is not answered, and resets nothing.
//!
//! An ICMP error is not judged by its TTL, because a router on the way may be farther away than the peer.
//! The protection from forged errors is that they must quote what is in flight (RFC 5927).

use super::Stack;
use super::arrive::tuple;
use crate::config::SocketOptions;
use crate::tcp::Discard;
use crate::wire::{IpHeader, TcpHeader};

impl Stack {
    /// Notes options that are now in use.
    #[inline]
    pub(super) fn note_hops(&mut self, options: &SocketOptions) {
        self.counts_hops |= options.min_hop_limit > 0;
    }

    /// Whether a segment is dropped because it comes from farther away than its connection or listener
    /// accepts.
    #[inline]
    pub(super) fn refuses_hops(&mut self, ip: &IpHeader, header: &TcpHeader) -> bool {
        self.counts_hops && self.comes_too_far(ip, header)
    }

    fn comes_too_far(&mut self, ip: &IpHeader, header: &TcpHeader) -> bool {
        let tuple = tuple(ip, header);
        let connection = self.table.find(&tuple);
        let least = match connection.and_then(|slot| self.table.at(slot)) {
            Some(entry) => entry.tcb.min_hop_limit(),
            None => {
                let listener = self.listeners.find(&tuple, &self.secret);
                let listener = listener.and_then(|id| self.listeners.get(id));
                listener.map_or(0, |it| it.config.tcp.socket.min_hop_limit)
            }
        };
        let is_too_far = ip.hop_limit < least;
        if is_too_far {
            self.counters.count_discarded(Discard::TooFar);
        }
        is_too_far
    }
}
