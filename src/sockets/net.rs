//! A running stack.

use core::fmt;
use core::iter::Sum;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::net::Shutdown;
use std::time;

use super::handle::{self, Hold};
use super::listener::TcpListener;
use crate::config::{Config, ListenerConfig};
use crate::driver::{
    Closed, Engine, Key, PollDevice, Runtime, Shared, StartError, Traffic, Waking,
};
use crate::stack::{Counters, Readiness};
use crate::tcp::congestion::Factory;
use crate::time::Instant;

/// The default backlog of a listener: how many connections may wait for [`TcpListener::accept`].
pub const DEFAULT_BACKLOG: usize = 1024;

/// A running stack: one host on a device. Clones refer to the same stack, and any number of threads
/// may use it.
///
/// It runs until the last `Net` and its last socket are dropped. Then its connections get a few
/// seconds to send, in the background, what remains, and the stack ends. [`Net::shutdown`] waits for
/// that and reports the outcome.
///
/// After fork(2), the child must not use the stack: it does not have the stack's threads.
///
/// ```
/// use std::time::Duration;
/// use stubborn::config::Config;
/// use stubborn::driver::memory;
/// use stubborn::sockets::Net;
///
/// let (device, _other_end) = memory::pair(1500)?;
/// let net = Net::start(device, Config::new(["192.0.2.1".parse()?]))?;
/// let listener = net.listen("192.0.2.1:80".parse()?)?;
/// assert_eq!(listener.local_addr().port(), 80);
/// let summary = net.shutdown(Duration::from_secs(1));
/// assert_eq!(summary.reset, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Net {
    hold: Hold,
}

impl Net {
    /// Starts a host with the addresses of `config` on `device`. Its MTU is the smaller of the device's
    /// and that of `config`.
    ///
    /// # Errors
    /// If the configuration is invalid ([`Config::validate`]), or the operating system refuses random
    /// numbers, a descriptor or a thread.
    pub fn start(device: impl PollDevice + 'static, config: Config) -> Result<Net, StartError> {
        Net::start_queues([device], config)
    }

    /// As [`Net::start`], on a device with several queues
    /// ([`TunDevice::open_queues`](crate::tun::TunDevice::open_queues)): each gets a stack and a
    /// thread of its own, and connections are spread over them. Listeners and UDP sockets exist at
    /// all of them. The limits of `config` for the whole host are divided among them.
    ///
    /// # Errors
    /// As [`Net::start`]; if there is no queue.
    pub fn start_queues<D: PollDevice + 'static>(
        queues: impl IntoIterator<Item = D>,
        config: Config,
    ) -> Result<Net, StartError> {
        let queues = queues
            .into_iter()
            .map(|queue| Box::new(queue) as Box<dyn PollDevice>);
        let runtime = Runtime::start(queues.collect(), &config)?;
        Ok(Net {
            hold: Hold::new(runtime),
        })
    }

    /// Listens on `local`. If the port is 0, the stack chooses one; if the address is unspecified
    /// (`0.0.0.0`, `::`), it listens on all addresses of that family.
    ///
    /// # Errors
    /// `AddrInUse` if another listener has this address and port; `AddrNotAvailable` if it is not an
    /// address of this host; `NetworkDown` if the network has ended.
    pub fn listen(&self, local: SocketAddr) -> io::Result<TcpListener> {
        self.listen_with_backlog(local, DEFAULT_BACKLOG)
    }

    /// As [`Net::listen`]; at most `backlog` connections wait to be accepted.
    ///
    /// # Errors
    /// As [`Net::listen`].
    pub fn listen_with_backlog(
        &self,
        local: SocketAddr,
        backlog: usize,
    ) -> io::Result<TcpListener> {
        self.listen_with(local, |listener| listener.backlog = backlog)
    }

    /// As [`Net::listen`], with a configuration that `change` may modify: the listener may accept text on
    /// SYNs ([`ListenerConfig::fast_open`]), wait for text before it accepts a connection
    /// ([`defer_accept`](ListenerConfig::defer_accept)), or give accepted connections a configuration of
    /// their own ([`ListenerConfig::tcp`]).
    ///
    /// # Errors
    /// As [`Net::listen`]; `InvalidInput` if the configuration is invalid.
    pub fn listen_with(
        &self,
        local: SocketAddr,
        change: impl FnOnce(&mut ListenerConfig),
    ) -> io::Result<TcpListener> {
        TcpListener::open(self.hold.clone(), local, change)
    }

    /// Adds a custom congestion controller. From now on
    /// [`CongestionControl::Custom`](crate::config::CongestionControl::Custom) with its name
    /// selects it, in the configuration and in
    /// [`TcpStream::set_congestion_control`](super::TcpStream::set_congestion_control).
    ///
    /// # Errors
    /// `AlreadyExists` if one of that name exists.
    pub fn add_congestion_control(&self, factory: &'static dyn Factory) -> io::Result<()> {
        let mut engines = self.hold.runtime().engines().iter();
        engines
            .try_for_each(|engine| {
                engine.call(|shared, _| shared.stack().add_congestion_control(factory))
            })
            .map_err(|taken| io::Error::new(io::ErrorKind::AlreadyExists, taken))
    }

    /// Ends the network, waiting at most `grace`. Listeners close at once; on every open connection,
    /// what was written and a FIN still go out. Connections that have not finished after `grace` are
    /// reset. From then on every call on a socket fails with `NetworkDown`.
    pub fn shutdown(&self, grace: Duration) -> Summary {
        self.close_all();
        let start = time::Instant::now();
        for engine in self.hold.runtime().engines() {
            let left = grace.saturating_sub(start.elapsed());
            // The number of connections left tells whether this was in time.
            let _ = engine.wait(Key::Finished, Readiness::STATE, Some(left), finished);
        }
        self.end()
    }

    /// Ends the listeners, and this side of every connection.
    pub(super) fn close_all(&self) {
        let engines = self.hold.runtime().engines().iter();
        engines.for_each(|engine| engine.call(close_all));
    }

    /// Resets what is left, and ends the network.
    pub(super) fn end(&self) -> Summary {
        let engines = self.hold.runtime().engines();
        Summary {
            reset: engines.iter().map(|engine| engine.call(end)).sum(),
            traffic: self.traffic(),
        }
    }

    /// The traffic through the device so far.
    pub fn traffic(&self) -> Traffic {
        self.sum(Engine::traffic)
    }

    /// The statistics of the stack. Retransmissions are counted when a connection ends, so they are
    /// complete after [`Net::shutdown`].
    pub fn counters(&self) -> Counters {
        self.sum(|engine| engine.call(|shared, _| shared.stack().counters().clone()))
    }

    /// The number of connections, in all states. Once the device has closed, they stay as they are until
    /// [`Net::shutdown`].
    pub fn connection_count(&self) -> usize {
        self.sum(|engine| engine.call(|shared, _| shared.stack().connection_count()))
    }

    /// How often waiting threads slept until another thread woke them, and how often they were woken
    /// in vain.
    pub fn waking(&self) -> Waking {
        self.hold.runtime().waking()
    }

    /// The sum of a figure over all shards.
    fn sum<T: Sum>(&self, figure: impl Fn(&Engine) -> T) -> T {
        let engines = self.hold.runtime().engines().iter();
        engines.map(|engine| figure(engine)).sum()
    }

    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }
}

/// Whether no connection is left unfinished.
pub(super) fn finished(shared: &mut Shared, _: Instant) -> Poll<()> {
    match shared.unfinished() {
        0 => Poll::Ready(()),
        _ => Poll::Pending,
    }
}

/// Ends the listeners, and this side of every connection.
fn close_all(shared: &mut Shared, now: Instant) {
    if shared.has_panicked() {
        return;
    }
    for id in shared.listeners.clone() {
        handle::close_listener(shared, now, id);
    }
    for id in shared.connections.clone() {
        // An error says that the connection is closing or gone already.
        let _ = shared.stack().shutdown(now, id, Shutdown::Write);
    }
}

/// Resets the connections that are left, returns their number, and ends the network.
fn end(shared: &mut Shared, now: Instant) -> usize {
    let mut left = 0;
    if !shared.has_panicked() {
        left = shared.unfinished();
        shared.abort_all(now);
    }
    shared.close(Closed::Shutdown);
    left
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}

/// How a network ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of connections that had not finished in time, and were reset.
    pub reset: usize,
    /// The traffic through the device.
    pub traffic: Traffic,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.traffic.fmt(f)?;
        match self.reset {
            0 => Ok(()),
            1 => f.write_str("; 1 connection was reset"),
            reset => write!(f, "; {reset} connections were reset"),
        }
    }
}
