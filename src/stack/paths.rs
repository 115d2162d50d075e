//! Path MTUs that connections have learnt, kept by destination for later connections (RFC 1191
//! §6.2, RFC 8201 §5.2): a bounded number, for a limited time.

use core::hash::{Hash, Hasher};
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use crate::time::{Duration, Instant};

/// Destinations whose path carries less than the interface.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    most: usize,
    known: BTreeMap<IpAddr, (u16, Instant)>,
    /// The same, the oldest first.
    by_age: BTreeSet<(Instant, IpAddr)>,
}

impl Paths {
    /// Remembers this many destinations.
    pub(super) fn new(most: usize) -> Paths {
        Paths {
            most,
            known: BTreeMap::new(),
            by_age: BTreeSet::new(),
        }
    }

    /// The path to `destination` carries datagrams of `mtu` octets.
    pub(super) fn learn(&mut self, now: Instant, destination: IpAddr, mtu: u16) {
        self.forget(destination);
        self.known.insert(destination, (mtu, now));
        self.by_age.insert((now, destination));
        self.forget_oldest();
    }

    /// Remembers at most this many destinations from now on.
    pub(super) fn limit(&mut self, most: usize) {
        self.most = most;
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        while self.known.len() > self.most
            && let Some((_, oldest)) = self.by_age.first().copied()
        {
            self.forget(oldest);
        }
    }

    /// Forgets what was learnt: the path to `destination` carries what the interface does.
    pub(super) fn forget(&mut self, destination: IpAddr) {
        if let Some((_, since)) = self.known.remove(&destination) {
            self.by_age.remove(&(since, destination));
        }
    }

    /// What was learnt of a path, and when, unless that is older than `lifetime`.
    pub(super) fn get(
        &self,
        now: Instant,
        destination: IpAddr,
        lifetime: Duration,
    ) -> Option<(u16, Instant)> {
        let known = self.known.get(&destination).copied();
        known.filter(|(_, since)| now - *since < lifetime)
    }

    /// What was learnt of a path last, however long ago.
    pub(super) fn last(&self, destination: IpAddr) -> Option<u16> {
        self.known.get(&destination).map(|(mtu, _)| *mtu)
    }

    /// Forgets what was learnt `lifetime` ago.
    pub(super) fn expire(&mut self, now: Instant, lifetime: Duration) {
        while let Some((since, oldest)) = self.by_age.first().copied()
            && now - since >= lifetime
        {
            self.forget(oldest);
        }
    }

    /// What decides the future: see [`Stack::fingerprint`](super::Stack::fingerprint).
    pub(super) fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        for (destination, (mtu, since)) in &self.known {
            (destination, mtu, now - *since).hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(host: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, host])
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_everything_in_time() {
        const LIFETIME: Duration = Duration::from_secs(600);
        let mut paths = Paths::new(2);
        for (second, number) in [(0, 1), (1, 2), (2, 1), (3, 3)] {
            paths.learn(Instant::from_secs(second), host(number), 1400);
        }
        let at = |second| Instant::from_secs(second);
        assert_eq!(paths.known.len(), 2);
        assert_eq!(paths.get(at(4), host(2), LIFETIME), None);
        let known = paths.get(at(601), host(1), LIFETIME);
        assert_eq!(known, Some((1400, at(2))));
        assert_eq!(paths.get(at(602), host(1), LIFETIME), None);
        paths.forget(host(3));
        assert_eq!((paths.known.len(), paths.by_age.len()), (1, 1));
        assert_eq!(paths.last(host(1)), Some(1400));
        paths.expire(at(601), LIFETIME);
        assert_eq!(paths.last(host(1)), Some(1400));
        paths.expire(at(602), LIFETIME);
        assert_eq!(paths.last(host(1)), None);
    }
}
