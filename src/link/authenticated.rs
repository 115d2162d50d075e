//! `AuthenticatedLink`: a fair-loss link over a network that changes and forges.
//!
//! It uses a link with fair loss and finite duplication, over a network that may deliver anything,
//! from any process to any other: packets with changed bits, misdirected packets, forged packets.
//! It provides:
//!
//! * **Fair loss** (FLL1). *Because* what is delivered below unchanged is delivered here.
//! * **Finite duplication** (FLL2), if the network does not replay packets (see below).
//! * **No creation** (FLL3). *Because* a message carries a code (HMAC-SHA-256, RFC 2104) over itself, its
//!   sender and its receiver, under a key that only these two have. So a message with the right code was
//!   made by one of the two; and not by the receiver, whose own messages have the names the other way
//!   round.
//!
//! **Replay** is not prevented: a packet that was overheard can be delivered again and again with a valid
//! code. That is duplication, and a perfect link above detects it, because the
//! identifier is inside what is authenticated. Together the two links provide PL1–3 even over a hostile
//! network, unless that delivers nothing at all.
//!
//! The names of the processes are part of the code. If addresses are translated on the way (NAT), the
//! receiver sees another name than the sender used, and delivers nothing.
//!
//! The algorithm is the book's "authenticate and filter" (2.4), but one level lower: below the
//! retransmission, so that forgeries never reach the links above.

use std::collections::{BTreeMap, VecDeque};

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::header::{Header, TAG};
use super::interface::{Address, Link, Parcel, SendError, fits};
use crate::time::Instant;

/// A secret that two processes share, 32 random octets. It is not printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(pub [u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Delivers only messages that their sender has authenticated for this receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatedLink<L: Link> {
    below: L,
    me: L::Address,
    keys: BTreeMap<L::Address, Key>,
    ready: VecDeque<Parcel<L::Address>>,
}

impl<L: Link> AuthenticatedLink<L> {
    /// A link of the process `me`, as others name it, with a key for each process that it communicates with.
    /// Messages from and to all others are refused.
    pub fn new(below: L, me: L::Address, keys: BTreeMap<L::Address, Key>) -> AuthenticatedLink<L> {
        AuthenticatedLink {
            below,
            me,
            keys,
            ready: VecDeque::new(),
        }
    }
}

/// The code of a message and its two ends, before it is written or compared. Each name is preceded
/// by its length, so that no two different inputs look the same.
fn code<A: Address>(key: &Key, from: A, to: A, message: &[u8]) -> Hmac<Sha256> {
    // RFC 2104 §2: a key shorter than a block of the hash is padded with zeros.
    let mut block = [0; 64];
    block[..32].copy_from_slice(&key.0);
    let mut code = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for name in [from.octets(), to.octets()] {
        code.update(&(name.len() as u64).to_be_bytes());
        code.update(&name);
    }
    code.update(message);
    code
}

impl<L: Link> Link for AuthenticatedLink<L> {
    type Address = L::Address;

    fn longest(&self) -> usize {
        self.below.longest().saturating_sub(1 + TAG)
    }

    fn send(&mut self, now: Instant, to: L::Address, message: &[u8]) -> Result<(), SendError> {
        fits(message.len(), self.longest())?;
        let key = self.keys.get(&to).ok_or(SendError::NoKey)?;
        let tag = code(key, self.me, to, message).finalize().into_bytes();
        let packet = Header::Authenticated(tag.into()).before(message);
        self.below.send(now, to, &packet)
    }

    fn receive(&mut self, now: Instant, from: L::Address, packet: &[u8]) {
        self.below.receive(now, from, packet);
        while let Some((from, packet)) = self.below.poll_deliver() {
            let Some(key) = self.keys.get(&from) else {
                continue;
            };
            let Ok((Header::Authenticated(tag), message)) = Header::parse(&packet) else {
                continue;
            };
            // In constant time: it must not show how much of a guess was right.
            let is_right = code(key, from, self.me, message).verify(&tag.into());
            if is_right.is_ok() {
                self.ready.push_back((from, message.to_vec()));
            }
        }
    }

    fn poll_deliver(&mut self) -> Option<Parcel<L::Address>> {
        self.ready.pop_front()
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<L::Address>> {
        self.below.poll_transmit(now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.below.next_deadline()
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.below.handle_timeouts(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FairLossLink;
    use super::*;

    const NOW: Instant = Instant::ZERO;

    fn link(me: u8) -> AuthenticatedLink<FairLossLink<u8>> {
        let keys = (1..=3u8).filter(|peer| *peer != me);
        // One key for each pair, whichever of the two asks.
        let keys = keys.map(|peer| (peer, Key([me * peer; 32])));
        AuthenticatedLink::new(FairLossLink::new(64), me, keys.collect())
    }

    fn delivers(me: u8, from: u8, packet: &[u8]) -> bool {
        let mut link = link(me);
        link.receive(NOW, from, packet);
        link.poll_deliver().is_some()
    }

    fn packet() -> Vec<u8> {
        let mut sender = link(1);
        sender.send(NOW, 2, b"pay 10").unwrap();
        sender.poll_transmit(NOW).unwrap().1
    }

    #[test]
    fn what_was_signed_is_delivered_once_for_each_arrival() {
        let mut receiver = link(2);
        for _ in 0..2 {
            receiver.receive(NOW, 1, &packet());
            assert_eq!(receiver.poll_deliver(), Some((1, b"pay 10".to_vec())));
        }
    }

    #[test]
    fn every_changed_bit_is_found() {
        let packet = packet();
        assert!(delivers(2, 1, &packet));
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!delivers(2, 1, &changed), "bit {bit}");
        }
        for length in 0..packet.len() {
            assert!(!delivers(2, 1, &packet[..length]), "the first {length}");
        }
        assert!(!delivers(2, 1, &[&packet[..], b"0"].concat()));
    }

    #[test]
    fn other_ends_are_found() {
        let packet = packet();
        assert!(!delivers(2, 3, &packet), "as if from another");
        assert!(!delivers(3, 1, &packet), "led to another");
        assert!(!delivers(1, 2, &packet), "sent back to its sender");
        assert!(!delivers(2, 9, &packet), "from somebody without a key");
        let sent = link(1).send(NOW, 9, b"x");
        assert_eq!(sent, Err(SendError::NoKey));
    }

    #[test]
    fn a_name_that_ends_where_the_next_begins_is_another() {
        let key = Key([7; 32]);
        let tag = |from: &[u8], to: &[u8]| {
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            struct Name<'a>(&'a [u8]);
            impl Address for Name<'_> {
                fn octets(&self) -> Vec<u8> {
                    self.0.to_vec()
                }
            }
            code(&key, Name(from), Name(to), b"x")
                .finalize()
                .into_bytes()
        };
        assert_ne!(tag(b"ab", b"c"), tag(b"a", b"bc"));
    }
}
