//! What UDP sockets and echo sockets have in common: one socket of the stack at each shard.

use core::fmt::Display;
use core::net::SocketAddr;
use core::task::Poll;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::blocking::{self, Patience, Waits};
use super::error;
use super::handle::{self, Hold};
use crate::config::UdpOptions;
use crate::driver::{Engine, Key, Runtime, Shared};
use crate::stack::{Readiness, Received, Stack, UdpId, UdpRecvError, UdpSendError};

/// A user's socket. Dropping it frees the port.
pub(super) struct Datagrams {
    hold: Hold,
    /// The socket of each shard.
    ids: Vec<UdpId>,
    /// What to wait for at each shard.
    keys: Vec<Key>,
    /// The shard that sends to the address that the socket is connected to.
    home: AtomicUsize,
    waits: Waits,
}

impl Datagrams {
    /// Binds at every shard. The first one chooses the port and refuses one that is taken, so of
    /// two competing calls the second fails there.
    pub(super) fn bind(
        hold: &Hold,
        mut local: SocketAddr,
        bind: impl Fn(&mut Stack, SocketAddr) -> io::Result<UdpId>,
    ) -> io::Result<Datagrams> {
        let engines = hold.runtime().engines();
        let mut socket = Datagrams {
            hold: hold.clone(),
            ids: Vec::with_capacity(engines.len()),
            keys: Vec::with_capacity(engines.len()),
            home: AtomicUsize::new(0),
            waits: Waits::default(),
        };
        for engine in engines {
            // After an error, dropping `socket` frees what it has.
            let (id, chosen) = engine.call(|shared, _| {
                handle::check_open(shared)?;
                let id = bind(shared.stack(), local)?;
                io::Result::Ok((id, shared.stack().udp_local_addr(id)))
            })?;
            socket.ids.push(id);
            socket.keys.push(Key::Udp(id));
            local = chosen;
        }
        Ok(socket)
    }

    /// Restricts the socket to `remote`: it receives only from there, and sends there. `name`:
    /// the user's name for the socket.
    pub(super) fn connect(&self, remote: SocketAddr, name: impl Display) -> io::Result<()> {
        self.at_each(|stack, id| stack.udp_connect(id, remote))
            .map_err(|error| error::udp_connect(name, error))?;
        self.home.store(self.sender_to(remote), Ordering::Relaxed);
        Ok(())
    }

    /// The address that it is connected to.
    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.call(|stack, id| stack.udp_peer_addr(id))
            .ok_or_else(|| error::udp_send(UdpSendError::NotConnected))
    }

    /// Takes the last ICMP error about one of its datagrams.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        let mut errors = (self.shards())
            .map(|(engine, id)| engine.call(|shared, _| shared.stack().udp_take_error(id)));
        errors.find_map(|error| error).map(error::undelivered)
    }

    /// Sends at the shard of `remote`, or of the address that it is connected to.
    pub(super) fn send<T>(
        &self,
        patience: Patience,
        remote: Option<SocketAddr>,
        mut send: impl FnMut(&mut Shared, UdpId) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let shard = self.sender(remote);
        let id = self.ids[shard];
        blocking::run(
            self.hold.engine(shard),
            self.keys[shard],
            Readiness::WRITABLE,
            patience,
            |shared: &mut Shared, _| send(shared, id),
        )
    }

    /// Receives at whichever shard has something.
    pub(super) fn recv(
        &self,
        patience: Patience,
        mut recv: impl FnMut(&mut Stack, UdpId) -> Result<Received, UdpRecvError>,
    ) -> io::Result<Received> {
        let attempt = |shard: usize, shared: &mut Shared, _| {
            handle::udp_recv(shared, self.ids[shard], &mut recv)
        };
        blocking::run_any(
            self.hold.runtime(),
            &self.keys,
            Readiness::READABLE,
            patience,
            attempt,
        )
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.hold.runtime()
    }

    /// The socket at each shard.
    pub(super) fn ids(&self) -> &[UdpId] {
        &self.ids
    }

    /// What to wait for at each shard.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// For how long calls wait.
    pub(super) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Makes a call whose answer is the same at all shards.
    pub(super) fn call<T>(&self, call: impl FnOnce(&mut Stack, UdpId) -> T) -> T {
        (self.hold.engine(0)).call(|shared, _| call(shared.stack(), self.ids[0]))
    }

    /// Makes a change at all shards. If the first shard refuses it, nothing has changed.
    pub(super) fn at_each<E>(
        &self,
        mut change: impl FnMut(&mut Stack, UdpId) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut shards = self.shards();
        shards.try_for_each(|(engine, id)| engine.call(|shared, _| change(shared.stack(), id)))
    }

    /// Two threads may change different options at the same time: neither change is lost.
    pub(super) fn set_option(&self, change: impl Fn(&mut UdpOptions)) {
        for (engine, id) in self.shards() {
            engine.call(|shared, _| {
                let mut options = shared.stack().udp_options(id);
                change(&mut options);
                shared.stack().udp_set_options(id, options);
            });
        }
    }

    /// The shards, and the socket at each.
    fn shards(&self) -> impl DoubleEndedIterator<Item = (&Engine, UdpId)> {
        let engines = self.hold.runtime().engines().iter();
        engines
            .map(|engine| &**engine)
            .zip(self.ids.iter().copied())
    }

    /// The shard that sends to `remote`, or to the address that the socket is connected to.
    pub(super) fn sender(&self, remote: Option<SocketAddr>) -> usize {
        let home = || self.home.load(Ordering::Relaxed);
        remote.map_or_else(home, |remote| self.sender_to(remote))
    }

    /// The shard that sends to `remote`: the same each time, so that datagrams keep their order.
    fn sender_to(&self, remote: SocketAddr) -> usize {
        let mut hasher = DefaultHasher::new();
        remote.hash(&mut hasher);
        (hasher.finish() % self.ids.len() as u64) as usize
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        // The first shard last: a port that is free there is then free everywhere.
        for (engine, id) in self.shards().rev() {
            engine.call(|shared, _| {
                if !shared.has_panicked() {
                    shared.stack().udp_close(id);
                }
            });
        }
    }
}
