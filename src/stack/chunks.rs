//! A vector that grows by chunks: its elements never move, and it never reserves twice the room it
//! needs, as an ordinary vector may.

/// Values in a chunk.
const CHUNK: usize = 128;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T>(Vec<Vec<T>>);

impl<T> Chunks<T> {
    /// An empty list.
    pub(super) const fn new() -> Chunks<T> {
        Chunks(Vec::new())
    }

    /// How many values.
    pub(super) fn len(&self) -> usize {
        let full = self.0.len().saturating_sub(1) * CHUNK;
        full + self.0.last().map_or(0, Vec::len)
    }

    /// Adds a value at the end.
    pub(super) fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.0.push(chunk);
            }
        }
    }

    /// The value in a place.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&T> {
        let place = place as usize;
        self.0.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The value in a place.
    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        let place = place as usize;
        self.0.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// Every value, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are() {
        let mut list = Chunks::new();
        assert_eq!((list.len(), list.get(0)), (0, None));
        list.push(0);
        let first: *const u32 = list.get(0).unwrap();
        for value in 1..1000 {
            list.push(value);
        }
        assert_eq!(list.len(), 1000);
        assert_eq!(list.get(0).unwrap() as *const u32, first);
        assert!(list.iter().copied().eq(0..1000));
        *list.get_mut(999).unwrap() = 7;
        assert_eq!((list.get(999), list.get(1000)), (Some(&7), None));
    }
}
