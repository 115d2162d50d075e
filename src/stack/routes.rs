//! Finds the slot of a four-tuple: a keyed hash table of slots only, because each connection knows
//! its own four-tuple.

use hashbrown::HashTable;

use super::crowds::Crowds;
use super::key::Key;
use super::secret::TableHasher;

/// The places of connections, found by four-tuple. `key_of` gives the four-tuple of a place.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    places: HashTable<u32>,
    hasher: TableHasher,
    crowds: Crowds,
}

impl Routes {
    pub(super) fn new(hasher: TableHasher) -> Routes {
        Routes {
            places: HashTable::new(),
            hasher,
            crowds: Crowds::default(),
        }
    }

    /// The place of a four-tuple.
    #[inline]
    pub(super) fn find(&self, key: &Key, key_of: impl Fn(u32) -> Key) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let is_it = |place: &u32| key_of(*place) == *key;
        self.places.find(self.hasher.hash(key), is_it).copied()
    }

    /// Whether a four-tuple has a place.
    pub(super) fn holds(&self, key: &Key, key_of: impl Fn(u32) -> Key) -> bool {
        let known = self.crowds.is_taken(key);
        known.unwrap_or_else(|| self.find(key, key_of).is_some())
    }

    /// Makes it quick from now on to tell which four-tuples that differ from `key` only in the
    /// local port have a place.
    pub(super) fn remember_crowd(&mut self, key: &Key, key_of: impl Fn(u32) -> Key) {
        let mut crowds = core::mem::take(&mut self.crowds);
        crowds.remember(key, |key| self.find(key, &key_of).is_some());
        self.crowds = crowds;
    }

    /// Adds a place; its four-tuple must not have another.
    pub(super) fn insert(&mut self, place: u32, key_of: impl Fn(u32) -> Key) {
        let key = key_of(place);
        self.crowds.note(&key, true);
        let hash = self.hasher.hash(&key);
        let rehash = |place: &u32| self.hasher.hash(&key_of(*place));
        self.places.insert_unique(hash, place, rehash);
    }

    /// Removes the place of a four-tuple.
    pub(super) fn remove(&mut self, key: &Key, place: u32) {
        let hash = self.hasher.hash(key);
        if let Ok(entry) = self.places.find_entry(hash, |held| *held == place) {
            entry.remove();
            self.crowds.note(key, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;
    use crate::tcp::FourTuple;

    fn key(remote: u16, ipv6: bool) -> Key {
        let local = match ipv6 {
            true => "[fd00::1]:7".parse().unwrap(),
            false => "10.0.0.1:7".parse().unwrap(),
        };
        let remote = match ipv6 {
            true => format!("[fd00::2]:{remote}").parse().unwrap(),
            false => format!("10.0.0.2:{remote}").parse().unwrap(),
        };
        Key::new(&FourTuple { local, remote })
    }

    #[test]
    fn each_four_tuple_leads_to_its_place_until_it_is_removed() {
        let keys: Vec<Key> = (0..1000).map(|n| key(n / 2, n % 2 == 0)).collect();
        let key_of = |place: u32| keys[place as usize];
        let mut routes = Routes::new(Secret([1; 16]).table_hasher());
        (0..1000).for_each(|place| routes.insert(place, key_of));
        for place in (0..1000).step_by(3) {
            routes.remove(&key_of(place), place);
        }
        for place in 0..1000u32 {
            let expected = (!place.is_multiple_of(3)).then_some(place);
            assert_eq!(routes.find(&key_of(place), key_of), expected);
        }
    }
}
