//! Message identifiers: how a receiver tells two messages with the same octets from one message
//! that arrived twice.

use siphasher::sip128::SipHasher24;
use uuid::{Builder, Uuid};

/// Which of its sender's messages a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageId {
    /// How many messages the sender sent before it.
    Counter(u64),
    /// A random UUID (version 4, RFC 9562 §5.4).
    Uuid(Uuid),
}

/// The source of a sender's identifiers, which are all different.
///
/// * A **counter** is short and cheap. It must survive a crash of its sender: one that starts again
///   at zero gives identifiers that its receivers have seen, and the new messages are taken for
///   duplicates.
/// * **UUIDs** need no memory. They are derived from a key, by SipHash of a counter, because a link
///   draws no random numbers: a sender that draws a new key at each start never gives an identifier
///   twice, as far as 122 bits can promise that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifiers {
    given: u64,
    key: Option<[u8; 16]>,
}

impl Identifiers {
    /// Counters: 0, 1, 2 …
    pub fn counter() -> Identifiers {
        Identifiers {
            given: 0,
            key: None,
        }
    }

    /// UUIDs that follow from `key`, which must be random and new at each start.
    pub fn uuid(key: [u8; 16]) -> Identifiers {
        Identifiers {
            given: 0,
            key: Some(key),
        }
    }

    /// The next identifier, which [`Identifiers::advance`] uses up.
    pub fn peek(&self) -> MessageId {
        match self.key {
            None => MessageId::Counter(self.given),
            Some(key) => {
                let hash = SipHasher24::new_with_key(&key).hash(&self.given.to_be_bytes());
                let bytes = hash.as_bytes();
                MessageId::Uuid(Builder::from_random_bytes(bytes).into_uuid())
            }
        }
    }

    /// Moves on to the next identifier.
    pub fn advance(&mut self) {
        self.given += 1;
    }

    /// The length of the header that carries an identifier, in octets.
    pub(super) fn header(&self) -> usize {
        match self.key {
            None => 1 + 8,
            Some(_) => 1 + 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn first(mut identifiers: Identifiers, count: usize) -> Vec<MessageId> {
        let mut given = Vec::new();
        for _ in 0..count {
            given.push(identifiers.peek());
            identifiers.advance();
        }
        given
    }

    #[test]
    fn none_is_given_twice() {
        for identifiers in [Identifiers::counter(), Identifiers::uuid([7; 16])] {
            let given: BTreeSet<MessageId> = first(identifiers, 1000).into_iter().collect();
            assert_eq!(given.len(), 1000);
        }
    }

    #[test]
    fn a_new_key_gives_new_uuids_and_they_are_random_ones() {
        let [one, other] = [7, 8].map(|key| first(Identifiers::uuid([key; 16]), 1000));
        assert!(one.iter().all(|id| !other.contains(id)));
        for id in one {
            let MessageId::Uuid(uuid) = id else {
                panic!("a UUID: {id:?}");
            };
            assert_eq!(uuid.get_version_num(), 4);
        }
    }
}
