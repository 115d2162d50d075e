//! What was served, counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that every connection's thread adds to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connections: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Tally {
    /// A connection was established.
    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// So many octets came from the peer.
    pub(crate) fn received(&self, octets: usize) {
        self.received.fetch_add(octets as u64, Ordering::Relaxed);
    }

    /// So many octets were given to the stack for the peer.
    pub(crate) fn sent(&self, octets: usize) {
        self.sent.fetch_add(octets as u64, Ordering::Relaxed);
    }

    /// The line with which the program ends.
    pub(crate) fn summary(&self, retransmissions: u64) -> Summary {
        Summary {
            connections: self.connections.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            retransmissions,
        }
    }
}

/// A final count, ready to print.
#[derive(Debug)]
pub(crate) struct Summary {
    connections: u64,
    received: u64,
    sent: u64,
    retransmissions: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "connections: {}, octets in: {}, octets out: {}, retransmissions: {}",
            self.connections, self.received, self.sent, self.retransmissions
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_one_line_of_counts() {
        let tally = Tally::default();
        tally.connection();
        tally.received(12);
        tally.received(3);
        tally.sent(7);
        assert_eq!(
            tally.summary(2).to_string(),
            "connections: 1, octets in: 15, octets out: 7, retransmissions: 2"
        );
    }
}
