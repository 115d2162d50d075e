//! What was served, counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that all connections' threads add to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Whether datagrams, not streams, are served.
    of_datagrams: bool,
    connections: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    datagrams_in: AtomicU64,
    datagrams_out: AtomicU64,
}

impl Tally {
    /// A tally for UDP: each call of `received` or `sent` counts a datagram.
    pub(crate) fn of_datagrams() -> Tally {
        Tally {
            of_datagrams: true,
            ..Tally::default()
        }
    }

    /// Counts a connection that was established.
    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts octets received from the peer.
    pub(crate) fn received(&self, octets: usize) {
        self.received.fetch_add(octets as u64, Ordering::Relaxed);
        self.datagrams_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts octets given to the stack for the peer.
    pub(crate) fn sent(&self, octets: usize) {
        self.sent.fetch_add(octets as u64, Ordering::Relaxed);
        self.datagrams_out.fetch_add(1, Ordering::Relaxed);
    }

    /// The line that the program prints when it ends.
    pub(crate) fn summary(&self, retransmissions: u64) -> Summary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (received, sent) = (read(&self.received), read(&self.sent));
        let datagrams = [&self.datagrams_in, &self.datagrams_out].map(read);
        Summary(match self.of_datagrams {
            true => format!(
                "datagrams in: {}, octets in: {received}, datagrams out: {}, octets out: {sent}",
                datagrams[0], datagrams[1]
            ),
            false => format!(
                "connections: {}, octets in: {received}, octets out: {sent}, \
                 retransmissions: {retransmissions}",
                read(&self.connections)
            ),
        })
    }
}

/// A final count, ready to print.
#[derive(Debug)]
pub(crate) struct Summary(String);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
        let tally = Tally::of_datagrams();
        tally.received(12);
        tally.received(3);
        tally.sent(0);
        assert_eq!(
            tally.summary(0).to_string(),
            "datagrams in: 2, octets in: 15, datagrams out: 1, octets out: 0"
        );
    }
}
