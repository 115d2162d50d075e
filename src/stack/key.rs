//! The key by which tables of connections find a four-tuple.

use crate::tcp::FourTuple;
use crate::wire::Sockets;

/// A four-tuple as a few integers, as arriving datagrams give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(Sockets);

impl From<Sockets> for Key {
    #[inline]
    fn from(sockets: Sockets) -> Key {
        Key(sockets)
    }
}

impl Key {
    #[inline]
    pub(super) fn new(tuple: &FourTuple) -> Key {
        Key(Sockets::new(tuple.remote, tuple.local))
    }

    /// The port of this host.
    #[inline]
    pub(super) fn local_port(&self) -> u16 {
        let [_, local] = self.0.ports();
        local
    }

    /// The same with another port of this host.
    #[inline]
    pub(super) fn with_local_port(&self, port: u16) -> Key {
        Key(self.0.to_port(port))
    }

    /// The two hosts alone, which all their four-tuples share.
    pub(super) fn hosts(&self) -> Key {
        Key(match self.0 {
            Sockets::V4(addresses, _) => Sockets::V4(addresses, 0),
            Sockets::V6(addresses, _) => Sockets::V6(addresses, 0),
        })
    }

    /// A hash of its octets, which a hasher takes faster in one piece than address by address.
    #[inline]
    pub(super) fn hash_with(&self, hash: impl FnOnce(&[u8]) -> u64) -> u64 {
        match &self.0 {
            Sockets::V4(addresses, ports) => {
                let mut octets = [0; 12];
                octets[..8].copy_from_slice(&addresses.to_le_bytes());
                octets[8..].copy_from_slice(&ports.to_le_bytes());
                hash(&octets)
            }
            Sockets::V6(addresses, ports) => {
                let mut octets = [0; 36];
                let (words, last) = octets.as_chunks_mut::<8>();
                for (word, half) in words.iter_mut().zip(addresses) {
                    *word = half.to_le_bytes();
                }
                last.copy_from_slice(&ports.to_le_bytes());
                hash(&octets)
            }
        }
    }
}
