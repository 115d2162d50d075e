//! Destinations for which the local ports are nearly used up: for these, a bitmap records which
//! ports are taken.
//!
//! A search for a free port tries one after the other, and each try looks up a four-tuple: that
//! takes a hash, and a connection that is in no cache. If thousands are taken in a row, a bitmap
//! is some thirty times as quick.

use super::key::Key;

/// How many destinations are remembered. Each has used up thousands of ports, unless the range is
/// small.
const CAPACITY: usize = 16;

const PORTS: usize = 1 << 16;

/// The local ports of one local address that are taken for one destination.
#[derive(Clone, Debug)]
struct Crowd {
    /// Their four-tuple without the local port.
    between: Key,
    taken: Box<[u64]>,
}

/// The destinations that are remembered, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowds(Vec<Crowd>);

impl Crowds {
    /// From now on remembers the local ports with which `key` is taken, and if necessary forgets
    /// the destination that has been remembered longest.
    pub(super) fn remember(&mut self, key: &Key, is_taken: impl Fn(&Key) -> bool) {
        if self.is_taken(key).is_some() {
            return;
        }
        if self.0.len() == CAPACITY {
            self.0.remove(0);
        }
        let mut taken = vec![0; PORTS / 64].into_boxed_slice();
        for port in 0..=u16::MAX {
            if is_taken(&key.with_local_port(port)) {
                let (word, bit) = place(port);
                taken[word] |= bit;
            }
        }
        let between = key.with_local_port(0);
        self.0.push(Crowd { between, taken });
    }

    /// Whether a four-tuple is taken, if its destination is remembered.
    #[inline]
    pub(super) fn is_taken(&self, key: &Key) -> Option<bool> {
        if self.0.is_empty() {
            return None;
        }
        let between = key.with_local_port(0);
        let crowd = self.0.iter().find(|crowd| crowd.between == between)?;
        let (word, bit) = place(key.local_port());
        Some(crowd.taken[word] & bit != 0)
    }

    /// Notes that a four-tuple is taken, or free again.
    #[inline]
    pub(super) fn note(&mut self, key: &Key, is_taken: bool) {
        if self.0.is_empty() {
            return;
        }
        let between = key.with_local_port(0);
        if let Some(crowd) = self.0.iter_mut().find(|crowd| crowd.between == between) {
            let (word, bit) = place(key.local_port());
            match is_taken {
                true => crowd.taken[word] |= bit,
                false => crowd.taken[word] &= !bit,
            }
        }
    }
}

/// Where the bit of a port is.
fn place(port: u16) -> (usize, u64) {
    (usize::from(port) / 64, 1 << (port % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tcp::FourTuple;

    fn key(local: u16, remote: &str) -> Key {
        let local = format!("10.0.0.1:{local}").parse().unwrap();
        let remote = remote.parse().unwrap();
        Key::new(&FourTuple { local, remote })
    }

    /// What is remembered is true for each port, whatever the order of events.
    #[test]
    fn a_crowd_is_kept_up_to_date() {
        let mut ports = BTreeSet::from([0, 63, 64, 32_768, 65_535]);
        let mut crowds = Crowds::default();
        assert_eq!(crowds.is_taken(&key(64, "10.0.0.2:80")), None);
        crowds.remember(&key(7, "10.0.0.2:80"), |key| {
            ports.contains(&key.local_port())
        });

        crowds.note(&key(63, "10.0.0.2:80"), false);
        crowds.note(&key(65, "10.0.0.2:80"), true);
        crowds.note(&key(66, "10.0.0.2:81"), true);
        ports.remove(&63);
        ports.insert(65);
        for port in 0..=u16::MAX {
            let taken = crowds.is_taken(&key(port, "10.0.0.2:80"));
            assert_eq!(taken, Some(ports.contains(&port)), "{port}");
        }
        assert_eq!(crowds.is_taken(&key(65, "10.0.0.2:81")), None);
        assert_eq!(crowds.is_taken(&key(65, "[fd00::2]:80")), None);
    }

    /// The number of remembered destinations has a bound: the oldest is forgotten.
    #[test]
    fn crowds_are_few() {
        let mut crowds = Crowds::default();
        let to = |last: usize| key(1, &format!("10.0.1.{last}:80"));
        for last in 0..=CAPACITY {
            crowds.remember(&to(last), |_| true);
            crowds.remember(&to(last), |_| unreachable!("it is remembered"));
        }
        assert_eq!(crowds.is_taken(&to(0)), None);
        assert!((1..=CAPACITY).all(|last| crowds.is_taken(&to(last)) == Some(true)));
        assert_eq!(crowds.0.len(), CAPACITY);
    }
}
