//! Waits as futures: each has its own place among the waiters, and gives it up when it is dropped.

use core::future::poll_fn;
use core::task::{Context, Poll};
use std::io;

use super::super::error;
use crate::driver::{Closed, Engine, Key, Place, Runtime};

/// A wait at one shard.
pub(super) struct AtOne<'a> {
    pub(super) engine: &'a Engine,
    pub(super) key: Key,
    pub(super) place: Place,
}

impl AtOne<'_> {
    /// Polls with its place until there is an answer.
    pub(super) async fn until<T>(
        self,
        mut poll: impl FnMut(&Place, &mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|context| poll(&self.place, context)).await
    }
}

impl Drop for AtOne<'_> {
    fn drop(&mut self) {
        self.engine.leave(self.key, &self.place);
    }
}

/// A wait at all shards.
pub(super) struct AtAll<'a> {
    runtime: &'a Runtime,
    keys: &'a [Key],
    places: Box<[Place]>,
}

impl<'a> AtAll<'a> {
    pub(super) fn new(runtime: &'a Runtime, keys: &'a [Key]) -> AtAll<'a> {
        let places = runtime.places();
        AtAll {
            runtime,
            keys,
            places,
        }
    }

    /// Polls with its places until there is an answer.
    pub(super) async fn until<T>(
        self,
        mut poll: impl FnMut(&[Place], &mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|context| poll(&self.places, context)).await
    }
}

impl Drop for AtAll<'_> {
    fn drop(&mut self) {
        self.runtime.leave(self.keys, &self.places);
    }
}

/// What is waited for, or why it will never come.
pub(super) fn answer<T>(polled: Poll<Result<io::Result<T>, Closed>>) -> Poll<io::Result<T>> {
    polled.map(|answer| answer.map_err(error::closed)?)
}
