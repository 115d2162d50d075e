//! Everything unpredictable, derived from one key (SipHash): ISNs, timestamp offsets, ports, the
//! hashing of the connection table.

use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};
use core::net::SocketAddr;

use siphasher::sip::{SipHasher13, SipHasher24};

use super::key::Key;
use crate::tcp::FourTuple;
use crate::time::Instant;

/// The key from which a stack derives everything unpredictable. It must be random on a real
/// network; a simulation derives it from its seed.
#[derive(Clone, Copy)]
pub struct Secret(pub [u8; 16]);

/// Keys do not belong in logs.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Uses of the key, kept apart.
#[derive(Clone, Copy, Hash)]
enum Use {
    InitialSequenceNumber,
    TimestampOffset,
    SynCookie,
    FastOpen,
    Number,
    Table,
    Share,
    Order,
    FlowLabel,
}

impl Secret {
    fn prf(&self, usage: Use, input: impl Hash) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        usage.hash(&mut hasher);
        input.hash(&mut hasher);
        hasher.finish()
    }

    /// As `prf`, over sockets or hosts, which every new connection needs.
    fn prf_of(&self, usage: Use, key: Key) -> u64 {
        key.hash_with(|sockets| {
            let mut octets = [0; 37];
            let input = &mut octets[..=sockets.len()];
            input[0] = usage as u8;
            input[1..].copy_from_slice(sockets);
            SipHasher24::new_with_key(&self.0).hash(input)
        })
    }

    /// ISN = M + F(local, remote, key), M a clock of 4 microseconds (RFC 9293 §3.4.1, SHLD-1;
    /// RFC 6528 §3).
    pub(super) fn initial_sequence_number(&self, now: Instant, tuple: &FourTuple) -> u32 {
        let m = (now.as_nanos() / 4_000) as u32;
        m.wrapping_add(self.prf_of(Use::InitialSequenceNumber, Key::new(tuple)) as u32)
    }

    /// Where the timestamp clock for this pair of hosts starts (RFC 7323 §7.1).
    pub(super) fn timestamp_offset(&self, tuple: &FourTuple) -> u32 {
        self.prf_of(Use::TimestampOffset, Key::new(tuple).hosts()) as u32
    }

    /// The value from which the flow labels from one socket to another follow.
    pub(super) fn flow(&self, local: SocketAddr, remote: SocketAddr) -> u32 {
        self.prf(Use::FlowLabel, (local, remote)) as u32
    }

    /// A MAC over what a SYN cookie stands for (RFC 4987 §3.6).
    pub(super) fn syn_cookie(&self, input: impl Hash) -> u32 {
        self.prf(Use::SynCookie, input) as u32
    }

    /// The key of Fast Open cookies, if the user has given none.
    pub(super) fn fast_open_key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.prf(Use::FastOpen, 0u8).to_le_bytes());
        key[8..].copy_from_slice(&self.prf(Use::FastOpen, 1u8).to_le_bytes());
        key
    }

    /// The `nonce`th unpredictable number.
    pub(super) fn number(&self, nonce: u64) -> u64 {
        self.prf(Use::Number, nonce)
    }

    /// A keyed hash for an order that cannot be known from outside.
    pub(super) fn order(&self, input: impl Hash) -> u64 {
        self.prf(Use::Order, input)
    }

    /// A keyed hash that assigns flows to shards: an attacker cannot choose flows that all belong
    /// to one shard.
    pub(super) fn share(&self, flow: impl Hash) -> u64 {
        self.prf(Use::Share, flow)
    }

    /// A keyed hash for the connection table: an attacker cannot choose connections that collide.
    pub(super) fn table_hasher(&self) -> TableHasher {
        TableHasher(self.prf(Use::Table, 0u8), self.prf(Use::Table, 1u8))
    }
}

/// The hash function of the connection table, and a maker of hashers for others.
#[derive(Clone, Copy)]
pub(super) struct TableHasher(u64, u64);

impl TableHasher {
    /// An attacker cannot choose four-tuples that collide.
    #[inline]
    pub(super) fn hash(&self, key: &Key) -> u64 {
        key.hash_with(|octets| self.build_hasher().hash(octets))
    }
}

/// These keys do not belong in logs, either.
impl fmt::Debug for TableHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TableHasher(..)")
    }
}

impl BuildHasher for TableHasher {
    type Hasher = SipHasher13;
    #[inline]
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(port: u16) -> FourTuple {
        FourTuple {
            local: "10.0.0.1:80".parse().unwrap(),
            remote: SocketAddr::new("10.0.0.2".parse().unwrap(), port),
        }
    }

    /// RFC 6528 §3: monotone for one connection, unrelated between connections.
    #[test]
    fn sequence_numbers_grow_with_time_and_differ_between_connections() {
        let secret = Secret([7; 16]);
        let at =
            |secs, port| secret.initial_sequence_number(Instant::from_secs(secs), &tuple(port));
        assert_eq!(at(61, 1).wrapping_sub(at(1, 1)), 60 * 250_000);
        assert_ne!(at(1, 1), at(1, 2));
        let other = Secret([8; 16]);
        assert_ne!(
            at(1, 1),
            other.initial_sequence_number(Instant::from_secs(1), &tuple(1))
        );
    }

    /// THREATS 7: what a million ISNs of other connections, all of one moment, tell about the next:
    /// nothing. Their octets come equally often, neighbours are not alike, and the place where three
    /// differences in a row have led before (the attractor of a phase space) is no better a guess than
    /// any other.
    #[test]
    fn sequence_numbers_lie_nowhere_in_particular() {
        let count = if cfg!(debug_assertions) {
            100_000
        } else {
            1_000_000
        };
        let secret = Secret([7; 16]);
        let isns: Vec<u32> = (0..count)
            .map(|number: u32| {
                let mut tuple = tuple(number as u16);
                tuple.local.set_port((number >> 16) as u16);
                secret.initial_sequence_number(Instant::from_secs(1), &tuple)
            })
            .collect();
        let n = f64::from(count);
        for shift in [0, 8, 16, 24] {
            let mut counts = [0f64; 256];
            isns.iter()
                .for_each(|isn| counts[(isn >> shift) as usize & 255] += 1.0);
            let mean = n / 256.0;
            let chi: f64 = counts.iter().map(|n| (n - mean).powi(2) / mean).sum();
            // 255 degrees of freedom: above 350 once in thirty thousand.
            assert!(chi < 350.0, "octet at {shift}: {chi}");
        }
        let centred = |isn: &u32| (f64::from(*isn) / f64::from(u32::MAX) - 0.5) * 12f64.sqrt();
        let pairs = isns.iter().zip(&isns[1..]);
        let sum: f64 = pairs.map(|(a, b)| centred(a) * centred(b)).sum();
        assert!(
            (sum / n.sqrt()).abs() < 4.5,
            "serial correlation: {}",
            sum / n
        );
        let steps: Vec<u32> = isns
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
            .collect();
        let (known, asked) = steps.split_at(steps.len() / 2);
        let mut attractor: Vec<_> = known.windows(3).map(|s| (s[0], s[1], s[2])).collect();
        attractor.sort_unstable();
        let hits = asked.windows(3).filter(|step| {
            let at = attractor.partition_point(|point| *point < (step[0], step[1], 0));
            let near = at.saturating_sub(2)..(at + 3).min(attractor.len());
            let mut guesses = attractor[near].iter();
            guesses.any(|(_, _, next)| next.wrapping_sub(step[2]).cast_signed().abs() <= 1000)
        });
        // Five guesses of 2,001 numbers each, of 2^32: 2.3 in a million.
        assert!(hits.count() <= 10);
    }

    /// THREATS 39: whatever connections an attacker chooses, no place of the table gets twice its
    /// share; and with another key they lie elsewhere.
    #[test]
    fn chosen_connections_do_not_collide() {
        const PLACES: usize = 1 << 9;
        // A million in all where `scripts/soak` runs this.
        let share: usize = if cfg!(debug_assertions) { 200 } else { 2_000 };
        let place = |secret: u8, tuple: &FourTuple| {
            let hash = Secret([secret; 16]).table_hasher().hash(&Key::new(tuple));
            hash as usize % PLACES
        };
        // Ports in a row, and addresses that differ in their highest bits.
        let ports: fn(u32) -> FourTuple = |number| FourTuple {
            local: SocketAddr::from(([10, 0, 0, 1], 80 + (number >> 16) as u16)),
            ..tuple(number as u16)
        };
        let addresses: fn(u32) -> FourTuple = |number| FourTuple {
            remote: SocketAddr::from((number.swap_bytes().to_be_bytes(), 1)),
            ..tuple(1)
        };
        for chosen in [ports, addresses] {
            let mut counts = [0usize; PLACES];
            let all: Vec<_> = (0..(share * PLACES) as u32).map(chosen).collect();
            all.iter().for_each(|tuple| counts[place(1, tuple)] += 1);
            let most = counts.iter().max();
            assert!(most.is_some_and(|most| *most <= 2 * share), "{most:?}");
        }
        // Those that collide with one key.
        let tuples: Vec<_> = (0..65_536).map(ports).collect();
        let same = |tuple: &&FourTuple| place(1, tuple) == place(1, &tuples[0]);
        let collide: Vec<_> = tuples.iter().filter(same).collect();
        let again = collide
            .iter()
            .filter(|tuple| place(2, tuple) == place(2, collide[0]));
        assert!(collide.len() > 50 && again.count() < collide.len() / 4);
    }

    /// RFC 7323 §7.1, THREATS: two destinations get unrelated clocks; one destination gets the same
    /// clock.
    #[test]
    fn timestamp_offsets_depend_on_the_hosts_alone() {
        let secret = Secret([7; 16]);
        assert_eq!(
            secret.timestamp_offset(&tuple(1)),
            secret.timestamp_offset(&tuple(2))
        );
        let mut elsewhere = tuple(1);
        elsewhere.remote.set_ip("10.0.0.3".parse().unwrap());
        assert_ne!(
            secret.timestamp_offset(&tuple(1)),
            secret.timestamp_offset(&elsewhere)
        );
    }
}
