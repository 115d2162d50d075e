//! Everything unpredictable, derived from one key (SipHash): ISNs, timestamp offsets, ports, the
//! hashing of the connection table.

use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};

use siphasher::sip::{SipHasher13, SipHasher24};

use crate::tcp::FourTuple;
use crate::time::Instant;

/// The key from which a stack derives everything unpredictable. It must be random on a real
/// network; a simulation derives it from its seed.
#[derive(Clone, Copy)]
pub struct Secret(pub [u8; 16]);

/// Keys do not belong into logs.
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
}

impl Secret {
    fn prf(&self, usage: Use, input: impl Hash) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        usage.hash(&mut hasher);
        input.hash(&mut hasher);
        hasher.finish()
    }

    /// ISN = M + F(local, remote, key), M a clock of 4 microseconds (RFC 9293 §3.4.1, SHLD-1;
    /// RFC 6528 §3).
    pub(super) fn initial_sequence_number(&self, now: Instant, tuple: &FourTuple) -> u32 {
        let m = (now.as_nanos() / 4_000) as u32;
        m.wrapping_add(self.prf(Use::InitialSequenceNumber, tuple) as u32)
    }

    /// Where the timestamp clock for this pair of hosts starts (RFC 7323 §7.1).
    pub(super) fn timestamp_offset(&self, tuple: &FourTuple) -> u32 {
        let hosts = (tuple.local.ip(), tuple.remote.ip());
        self.prf(Use::TimestampOffset, hosts) as u32
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

    /// A keyed hash that says which of several shards has a flow: nobody outside can choose flows
    /// that are all one shard's.
    pub(super) fn share(&self, flow: impl Hash) -> u64 {
        self.prf(Use::Share, flow)
    }

    /// A keyed hash for the connection table: nobody outside can choose connections that collide.
    pub(super) fn table_hasher(&self) -> TableHasher {
        TableHasher(self.prf(Use::Table, 0u8), self.prf(Use::Table, 1u8))
    }
}

/// Makes hashers for the connection table.
#[derive(Clone, Copy)]
pub(super) struct TableHasher(u64, u64);

impl BuildHasher for TableHasher {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;

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

    /// RFC 7323 §7.1, THREATS: two destinations give unrelated clocks, one destination one.
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
