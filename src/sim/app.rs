//! Applications: scripts that use a stack as a program uses sockets.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::net::Shutdown;

use super::ends::Phase;
use super::held::Held;
use super::id::HostId;
use super::judge::Judge;
use super::trace::{Kind, Trace};
use crate::stack::{ConnectError, ListenError, Readiness, Stack};
use crate::tcp::{ConnectionError, RecvError, SendError, Status};
use crate::time::{Duration, Instant};

pub use super::ends::Conn;
pub use crate::stack::ListenerId;

/// Why an application is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Its host has started, for the first time or after a crash. All earlier connections are
    /// gone.
    Started,
    /// The time it asked for has come.
    Time,
    /// One of its listeners has a connection to accept.
    Acceptable(ListenerId),
    /// Calls on one of its connections may succeed now.
    Ready(Conn, Readiness),
}

/// A scripted application.
pub trait App: fmt::Debug + Send {
    /// Handles news.
    fn on(&mut self, news: News, calls: &mut Calls<'_>);

    /// Whether the application has nothing left to do on its connections.
    fn is_done(&self) -> bool;
}

/// What an application can call: the calls of RFC 9293 §3.10 on its host. The judge watches
/// them.
///
/// It always sends the next octets of its direction of the connection, which the [module of
/// octets](super::octets) defines. The judge compares what it receives with what the peer sent.
#[derive(Debug)]
pub struct Calls<'a> {
    /// The world's time, for the trace.
    pub(super) at: Instant,
    /// What the host's clock shows.
    pub(super) now: Instant,
    pub(super) host: HostId,
    pub(super) app: u32,
    pub(super) stack: &'a mut Stack,
    pub(super) held: &'a mut Held,
    pub(super) judge: &'a mut Judge,
    pub(super) trace: &'a mut Trace,
    pub(super) wake: &'a mut Option<Instant>,
    pub(super) octets: &'a mut [u8],
}

impl Calls<'_> {
    /// What the host's clock shows.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Asks to be called with [`News::Time`] at `at`, instead of the time asked for before.
    pub fn wake_at(&mut self, at: Option<Instant>) {
        *self.wake = at;
    }

    /// OPEN, passive: listens at this port of every address of the host.
    ///
    /// # Errors
    /// As [`Stack::listen`].
    pub fn listen(&mut self, port: u16, backlog: usize) -> Result<ListenerId, ListenError> {
        let all: IpAddr = match self.stack.addresses().iter().any(IpAddr::is_ipv4) {
            true => [0; 4].into(),
            false => [0; 16].into(),
        };
        let listener = self.stack.listen(SocketAddr::new(all, port), backlog)?;
        self.held.listeners.push((listener, self.app));
        Ok(listener)
    }

    /// The next established connection of a listener.
    pub fn accept(&mut self, listener: ListenerId) -> Option<Conn> {
        let id = self.stack.accept(listener)?;
        let conn = self.judge.open(self.host, id, self.stack);
        self.held.insert(id, conn, self.app);
        self.judge.tally.accepted += 1;
        self.told(Kind::Accepted, conn, 0);
        Some(conn)
    }

    /// OPEN, active. `port` is the local port; 0 lets the stack choose.
    ///
    /// # Errors
    /// As [`Stack::connect`].
    pub fn connect(&mut self, port: u16, remote: SocketAddr) -> Result<Conn, ConnectError> {
        self.open(port, remote, false)
    }

    /// OPEN, active, with Fast Open: what the application sends in the same call of [`App::on`]
    /// may go with the SYN.
    ///
    /// # Errors
    /// As [`Stack::connect_sending`].
    pub fn connect_fast(&mut self, port: u16, remote: SocketAddr) -> Result<Conn, ConnectError> {
        self.open(port, remote, true)
    }

    fn open(&mut self, port: u16, remote: SocketAddr, is_fast: bool) -> Result<Conn, ConnectError> {
        let any: IpAddr = match remote.is_ipv4() {
            true => [0; 4].into(),
            false => [0; 16].into(),
        };
        let local = SocketAddr::new(any, port);
        let id = match is_fast {
            true => {
                let config = self.stack.config().tcp.clone();
                let opened =
                    (self.stack).connect_sending(self.now, Some(local), remote, &config, &[]);
                opened?.0
            }
            false => self.stack.connect(self.now, Some(local), remote)?,
        };
        let conn = self.judge.open(self.host, id, self.stack);
        self.held.insert(id, conn, self.app);
        self.judge.tally.opened += 1;
        self.told(Kind::Opened, conn, 0);
        Ok(conn)
    }

    /// SEND: the next octets of the stream, at most `most`. Returns how many the stack took.
    ///
    /// # Errors
    /// As [`Stack::send`].
    pub fn send(&mut self, conn: Conn, most: u64) -> Result<usize, SendError> {
        let end = &self.judge.ends()[conn];
        let (id, octets, place) = (end.id, end.octets, end.sent);
        let len =
            usize::try_from(most).map_or(self.octets.len(), |most| most.min(self.octets.len()));
        octets.fill(place, &mut self.octets[..len]);
        let taken = self.stack.send(self.now, id, &self.octets[..len])?;
        self.judge.sent(conn, &self.octets[..taken]);
        self.told(Kind::Gave, conn, taken as u64);
        Ok(taken)
    }

    /// RECEIVE, at most `most` octets. `Ok(0)`: the end of the stream.
    ///
    /// # Errors
    /// As [`Stack::recv`].
    pub fn recv(&mut self, conn: Conn, most: usize) -> Result<usize, RecvError> {
        let id = self.judge.ends()[conn].id;
        let len = most.clamp(1, self.octets.len());
        let taken = self.stack.recv(self.now, id, &mut self.octets[..len])?;
        match taken {
            0 => self.judge.end_of_stream(conn),
            _ => self.judge.delivered(conn, &self.octets[..taken]),
        }
        self.told(Kind::Got, conn, taken as u64);
        Ok(taken)
    }

    /// CLOSE of the sending direction; the receiving direction stays open.
    ///
    /// # Errors
    /// As [`Stack::shutdown`].
    pub fn shutdown(&mut self, conn: Conn) -> Result<(), SendError> {
        let id = self.judge.ends()[conn].id;
        self.stack.shutdown(self.now, id, Shutdown::Write)?;
        self.judge.closed(conn);
        self.told(Kind::Shut, conn, 0);
        Ok(())
    }

    /// CLOSE, and release of the connection: the application has done all that it wanted.
    pub fn close(&mut self, conn: Conn) {
        let id = self.judge.ends()[conn].id;
        self.stack.close(self.now, id);
        self.judge.closed(conn);
        self.let_go(conn, Phase::Completed);
    }

    /// ABORT, and release of the connection.
    pub fn abort(&mut self, conn: Conn) {
        let id = self.judge.ends()[conn].id;
        self.stack.abort(self.now, id);
        self.let_go(conn, Phase::Aborted);
    }

    /// Releases a connection that has failed, as a call on it reported.
    pub fn give_up(&mut self, conn: Conn, error: ConnectionError) {
        let id = self.judge.ends()[conn].id;
        self.stack.close(self.now, id);
        self.let_go(conn, Phase::Failed(error));
    }

    /// Why the connection ended; returned once.
    pub fn take_error(&mut self, conn: Conn) -> Option<ConnectionError> {
        self.stack.take_error(self.judge.ends()[conn].id)
    }

    /// STATUS.
    pub fn status(&self, conn: Conn) -> Status {
        self.stack.status(self.judge.ends()[conn].id)
    }

    /// Sets the connection's options: keepalive, a user timeout, and so on.
    pub fn set_options(&mut self, conn: Conn, options: crate::config::SocketOptions) {
        let id = self.judge.ends()[conn].id;
        self.stack.set_options(self.now, id, options);
    }

    /// How many octets were sent and received on the connection.
    pub fn progress(&self, conn: Conn) -> (u64, u64) {
        let end = &self.judge.ends()[conn];
        (end.sent, end.received)
    }

    /// The time `delay` from now.
    pub fn after(&self, delay: Duration) -> Instant {
        self.now + delay
    }

    fn let_go(&mut self, conn: Conn, phase: Phase) {
        self.held.remove(self.judge.ends()[conn].id);
        self.judge.over(conn, phase);
        let how = match phase {
            Phase::Open | Phase::Lost => 0,
            Phase::Completed => 1,
            Phase::Aborted => 2,
            Phase::Failed(error) => 3 + error as u64,
        };
        self.told(Kind::Over, conn, how);
    }

    fn told(&mut self, kind: Kind, conn: Conn, result: u64) {
        self.trace.call(self.at, kind, self.host, conn.0, result);
    }
}
