//! Opening connections.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use super::error;
use super::handle::{self, Connection, Hold};
use super::net::Net;
use super::stream::TcpStream;
use crate::config::TcpConfig;
use crate::driver::{Engine, Key};
use crate::stack::Readiness;

/// How a connection is opened: see [`Net::connect_with`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// The local address. If its port is 0, the stack chooses one. Default `None`: it chooses the address, too.
    pub local: Option<SocketAddr>,
    /// How long to wait for the connection. Default `None`: until the last retransmission of the SYN has timed out
    /// ([`TcpConfig::syn_retries`]).
    pub timeout: Option<Duration>,
    /// The configuration of the connection. Default: [`Config::tcp`](crate::config::Config::tcp).
    pub tcp: TcpConfig,
}

impl Opening {
    /// The defaults of the host, as modified by `change`.
    pub(super) fn new(net: &Net, change: impl FnOnce(&mut Opening)) -> Opening {
        let engine = net.hold().engine(0);
        let mut opening = Opening {
            local: None,
            timeout: None,
            tcp: engine.call(|shared, _| shared.stack().config().tcp.clone()),
        };
        // Not under the lock: it may call the network, or panic.
        change(&mut opening);
        opening
    }
}

impl Net {
    /// Connects to `remote`, and waits until the connection is established or has failed.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`,
    /// `ConnectionReset`; `AddrNotAvailable` if no local port is left; `InvalidInput` if `remote`
    /// cannot be a peer (port 0, a multicast address, …); `NetworkDown` if the network has ended.
    pub fn connect(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_with(remote, |_| ())
    }

    /// As [`Net::connect`], but gives up after `timeout`.
    ///
    /// # Errors
    /// As [`Net::connect`]; `TimedOut` after `timeout`; `InvalidInput` if it is zero.
    pub fn connect_timeout(&self, remote: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        self.connect_with(remote, |opening| opening.timeout = Some(timeout))
    }

    /// Connects to `remote` and sends `data`, without waiting for either. With TCP Fast Open (RFC 7413) the
    /// data goes on the SYN if the peer's host is known to accept that, and otherwise as soon as the
    /// connection is established. Returns how much of `data` was taken; whether the connection succeeds
    /// shows in later calls. Data on a SYN may reach the peer twice, the second time on a separate
    /// connection.
    ///
    /// # Errors
    /// As [`Net::connect`], if not even a SYN can be sent.
    pub fn connect_sending(
        &self,
        remote: SocketAddr,
        data: &[u8],
    ) -> io::Result<(TcpStream, usize)> {
        let engine = self.hold().engine(self.hold().runtime().home(None, remote));
        let (connection, taken) =
            engine.call(|shared, now| handle::connect_sending(shared, now, remote, data))?;
        Ok((TcpStream::new(self.hold().clone(), connection), taken))
    }

    /// As [`Net::connect`], from the address `local`. If its port is 0, the stack chooses one.
    ///
    /// # Errors
    /// As [`Net::connect`]; `AddrInUse` if this very connection exists or a listener has `local`;
    /// `AddrNotAvailable` if `local` is not an address of this host.
    pub fn connect_from(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_with(remote, |opening| opening.local = Some(local))
    }

    /// As [`Net::connect`], with options that `change` may set: a local address, a timeout, or a
    /// configuration for this connection, which applies from the SYN on.
    ///
    /// ```
    /// # use stubborn::driver::memory;
    /// # use stubborn::sockets::{Net, TcpListener};
    /// use std::time::Duration;
    /// use stubborn::config::{Config, CongestionControl};
    ///
    /// # let (left, right) = memory::pair(1500)?;
    /// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
    /// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
    /// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
    /// let stream = client.connect_with("192.0.2.1:7".parse()?, |opening| {
    ///     opening.timeout = Some(Duration::from_secs(3));
    ///     opening.tcp.congestion_control = CongestionControl::Bbr;
    ///     opening.tcp.socket.hop_limit = Some(3);
    /// })?;
    /// assert_eq!(stream.congestion_control(), "bbr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Net::connect_from`] and [`Net::connect_timeout`]; `InvalidInput` if the configuration
    /// is invalid.
    pub fn connect_with(
        &self,
        remote: SocketAddr,
        change: impl FnOnce(&mut Opening),
    ) -> io::Result<TcpStream> {
        let opening = Opening::new(self, change);
        let timeout = opening.timeout;
        error::check_timeout(timeout)?;
        let opened = Opened::begin(self, remote, &opening)?;
        let id = opened.connection.id;
        opened
            .engine()
            .wait(opened.key(), Readiness::WRITABLE, timeout, |shared, _| {
                handle::established(shared, id)
            })
            .map_err(|error| {
                error::wait(error, || {
                    let message = format!("{remote} did not answer in time");
                    io::Error::new(io::ErrorKind::TimedOut, message)
                })
            })??;
        Ok(opened.finish())
    }
}

/// A connection that is being opened. Dropping this before `finish` abandons the connection.
pub(super) struct Opened {
    hold: Hold,
    pub(super) connection: Connection,
    is_finished: bool,
}

impl Opened {
    /// Sends a SYN.
    pub(super) fn begin(net: &Net, remote: SocketAddr, opening: &Opening) -> io::Result<Opened> {
        error::check_hop_limit(opening.tcp.socket.hop_limit)?;
        let (hold, local) = (net.hold().clone(), opening.local);
        let engine = hold.engine(hold.runtime().home(local, remote));
        let connection =
            engine.call(|shared, now| handle::connect(shared, now, local, remote, &opening.tcp))?;
        Ok(Opened {
            hold,
            connection,
            is_finished: false,
        })
    }

    /// The shard that has it.
    pub(super) fn engine(&self) -> &Engine {
        self.hold.engine(self.connection.shard)
    }

    /// What is waited for.
    pub(super) fn key(&self) -> Key {
        Key::Connection(self.connection.id)
    }

    /// It is established.
    pub(super) fn finish(mut self) -> TcpStream {
        self.is_finished = true;
        TcpStream::new(self.hold.clone(), self.connection)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.is_finished {
            let id = self.connection.id;
            self.engine()
                .call(|shared, now| handle::let_go(shared, now, id, true));
        }
    }
}
