//! Signed segments (RFC 2385). With a key for a peer, only segments signed with it are accepted;
//! without a key, no signed segments are. A refused segment is dropped before any other processing
//! (§2.0): it is not answered in any state, and resets nothing.
//!
//! | a segment is for | the key is that of |
//! |---|---|
//! | a connection, in TIME-WAIT too | the connection |
//! | a listener | the listener, for this peer |
//! | neither, and is signed | the listener at its source port, for this peer: if both hosts listen at one port, the host that has forgotten a connection can reset it |

use core::net::SocketAddr;

use super::Stack;
use crate::config::{SignatureKey, SignatureKeys};
use crate::tcp::{Discard, FourTuple};
use crate::wire::{self, IpHeader, Packet, TcpHeader, Text};

impl Stack {
    /// Notes keys that are now in use.
    #[inline]
    pub(super) fn note_keys(&mut self, keys: &SignatureKeys) {
        self.signs |= !keys.is_empty();
    }

    /// Whether a segment is dropped for its signature, or for having none.
    #[inline]
    pub(super) fn refuses_signature(
        &mut self,
        ip: &IpHeader,
        header: &TcpHeader,
        datagram: &[u8],
    ) -> bool {
        (self.signs || header.options.signature) && self.is_forged(ip, header, datagram)
    }

    fn is_forged(&mut self, ip: &IpHeader, header: &TcpHeader, datagram: &[u8]) -> bool {
        let tuple = FourTuple {
            local: SocketAddr::new(ip.destination, header.destination_port),
            remote: SocketAddr::new(ip.source, header.source_port),
        };
        let woken = match self.table.find(&tuple) {
            Some(_) => None,
            None => self.wake(&tuple),
        };
        let is_signed = header.options.signature;
        let key = match self.key_for(&tuple) {
            None if is_signed => self.key_of_lost_connection(&tuple),
            key => key,
        };
        let reason = match (key, is_signed) {
            (None, false) => return false,
            (Some(key), true) if wire::is_signed_with(datagram, key.octets()) => return false,
            (Some(_), true) => Discard::SignatureWrong,
            (Some(_), false) => Discard::Unsigned,
            (None, true) => Discard::SignatureUnexpected,
        };
        self.counters.count_discarded(reason);
        // It goes to rest again.
        if let Some(slot) = woken {
            self.touched(slot);
        }
        true
    }

    /// The key of the connection with a four-tuple, or of a listener for it.
    fn key_for(&mut self, tuple: &FourTuple) -> Option<SignatureKey> {
        if let Some(entry) = (self.table.find(tuple)).and_then(|slot| self.table.at(slot)) {
            return entry.tcb.signature_key().cloned();
        }
        let listener = self.listeners.find(tuple, &self.secret)?;
        let keys = &self.listeners.get(listener)?.config.tcp.signatures;
        keys.find(tuple.remote.ip()).cloned()
    }

    /// The key of a connection that this host opened and has forgotten, if this host also listens at
    /// the peer's port.
    fn key_of_lost_connection(&mut self, tuple: &FourTuple) -> Option<SignatureKey> {
        let local = SocketAddr::new(tuple.local.ip(), tuple.remote.port());
        let listener = self
            .listeners
            .find(&FourTuple { local, ..*tuple }, &self.secret)?;
        let keys = &self.listeners.get(listener)?.config.tcp.signatures;
        keys.find(tuple.remote.ip()).cloned()
    }

    /// Sends a segment without text that belongs to no connection; signed, if there is a key for its
    /// peer.
    pub(super) fn reply_segment(&mut self, ip: &IpHeader, tuple: &FourTuple, header: &TcpHeader) {
        let key = match self.signs {
            true => self
                .key_for(tuple)
                .or_else(|| self.key_of_lost_connection(tuple)),
            false => None,
        };
        let Some(key) = key else {
            return self.reply(Packet::tcp(ip, header, Text::EMPTY).to_vec());
        };
        let mut header = *header;
        header.options.signature = true;
        let packet = Packet::tcp(ip, &header, Text::EMPTY).signed(ip, key.octets());
        self.reply(packet.to_vec());
    }
}
