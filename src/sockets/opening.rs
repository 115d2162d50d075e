//! Opening connections.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use super::error;
use super::handle;
use super::net::Net;
use super::stream::TcpStream;
use crate::config::TcpConfig;
use crate::driver::Key;
use crate::stack::Readiness;

/// How a connection is opened: see [`Net::connect_with`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// Where from. Port 0: the stack chooses one. Default `None`: it chooses the address, too.
    pub local: Option<SocketAddr>,
    /// How long to wait at most. Default `None`: as long as its SYNs last
    /// ([`TcpConfig::syn_retries`]).
    pub timeout: Option<Duration>,
    /// How the connection behaves. Default: as [`Config::tcp`](crate::config::Config::tcp) says.
    pub tcp: TcpConfig,
}

impl Net {
    /// Connects to `remote`, and waits until the connection is established or has failed.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`,
    /// `ConnectionReset`; `AddrNotAvailable` if no port is left; `InvalidInput` if `remote`
    /// cannot be a peer; `NetworkDown` if the network has ended.
    pub fn connect(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_with(remote, |_| ())
    }

    /// As [`Net::connect`], giving up when `timeout` is over.
    ///
    /// # Errors
    /// As [`Net::connect`]; `TimedOut` when the timeout is over.
    pub fn connect_timeout(&self, remote: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        self.connect_with(remote, |opening| opening.timeout = Some(timeout))
    }

    /// Connects to `remote` and sends `data`, without waiting for either: by TCP Fast Open (RFC
    /// 7413) the data goes with the SYN, if the peer's host is known to take it, and otherwise as
    /// soon as the connection is established. Gives how much of it was taken; what became of the
    /// connection, the next calls say. What goes with a SYN may reach the peer twice, as a
    /// connection of its own.
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

    /// As [`Net::connect`], from the address `local`. Port 0: the stack chooses one.
    ///
    /// # Errors
    /// As [`Net::connect`]; `AddrInUse` if this very connection exists or `local` is listened on;
    /// `AddrNotAvailable` if it is not an address of this host.
    pub fn connect_from(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_with(remote, |opening| opening.local = Some(local))
    }

    /// As [`Net::connect`], in a way that differs as `change` says: from another address, for a
    /// limited time, or with a configuration of its own, which counts from the SYN on.
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
    /// makes no sense.
    pub fn connect_with(
        &self,
        remote: SocketAddr,
        change: impl FnOnce(&mut Opening),
    ) -> io::Result<TcpStream> {
        let runtime = self.hold().runtime();
        let tcp = runtime.engines()[0].call(|shared, _| shared.stack().config().tcp.clone());
        let mut opening = Opening {
            local: None,
            timeout: None,
            tcp,
        };
        // Not under the lock: it may call the network, or panic.
        change(&mut opening);
        let Opening {
            local,
            timeout,
            tcp,
        } = opening;
        let engine = self.hold().engine(runtime.home(local, remote));
        let connection =
            engine.call(|shared, now| handle::connect(shared, now, local, remote, &tcp))?;
        let id = connection.id;
        let answer = engine
            .wait(
                Key::Connection(id),
                Readiness::WRITABLE,
                timeout,
                |shared, _| handle::established(shared, id),
            )
            .map_err(|error| {
                error::wait(error, || {
                    let message = format!("{remote} did not answer in time");
                    io::Error::new(io::ErrorKind::TimedOut, message)
                })
            });
        if let Err(error) | Ok(Err(error)) = answer {
            engine.call(|shared, now| handle::let_go(shared, now, id, true));
            return Err(error);
        }
        Ok(TcpStream::new(self.hold().clone(), connection))
    }
}
