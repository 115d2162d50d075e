//! From how far segments may come (RFC 5082, the Generalized TTL Security Mechanism): nobody can send a packet that
//! arrives with a larger TTL than its way leaves, so that of a neighbour cannot be forged from afar. What has come too
//! far is dropped before anything is made of it (§3): nobody answers it, and it resets nothing.
//!
//! An ICMP error is not judged by its TTL: a router on the way may be farther than the peer. What protects from
//! forged ones is that they must quote what is in flight (RFC 5927).

use super::Stack;
use super::arrive::tuple;
use crate::config::SocketOptions;
use crate::tcp::Discard;
use crate::wire::{IpHeader, TcpHeader};

impl Stack {
    /// Somebody behaves as these options say.
    #[inline]
    pub(super) fn note_hops(&mut self, options: &SocketOptions) {
        self.counts_hops |= options.min_hop_limit > 0;
    }

    /// Whether a segment is dropped since it has come from farther than its connection takes any, or the listener
    /// for it.
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
