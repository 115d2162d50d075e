//! What each call does to the stack, once, without waiting. If that returns `Pending`, nothing has
//! changed, and it can be tried again.

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;
use std::io::{self, IoSlice};
use std::sync::Arc;

use super::error;
use crate::config::{ListenerConfig, TcpConfig};
use crate::driver::{Attempt, Engine, Key, Room, Runtime, Shared};
use crate::stack::{ConnId, ListenerId, Stack, UdpId, UdpMarks, UdpRecvError, UdpSendError};
use crate::tcp::{ConnectionError, Draft, Loan, RecvError, SendError, State};
use crate::time::Instant;
use crate::wire::Kept;

/// A reference to a running stack: [`Net`](super::Net) and every socket have one. The stack ends when the
/// last one is dropped.
#[derive(Clone)]
pub(super) struct Hold(Arc<Held>);

struct Held(Runtime);

impl Hold {
    pub(super) fn new(runtime: Runtime) -> Hold {
        Hold(Arc::new(Held(runtime)))
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.0.0
    }

    /// One shard of it.
    pub(super) fn engine(&self, shard: usize) -> &Engine {
        self.runtime().engine(shard)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// What a listener accepts: the connection, and its two addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    /// The shard that has it.
    pub(super) shard: usize,
    pub(super) id: ConnId,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// Passive OPEN at one shard.
pub(super) fn listen(
    shared: &mut Shared,
    local: SocketAddr,
    config: ListenerConfig,
) -> io::Result<(ListenerId, SocketAddr)> {
    check_open(shared)?;
    let id = shared
        .stack()
        .listen_with(local, config)
        .map_err(|error| error::listen(local, error))?;
    shared.listeners.insert(id);
    // If `local` has no port, the stack has chosen one.
    let chosen = shared.stack().listener_addr(id).unwrap_or(local);
    Ok((id, chosen))
}

pub(super) fn accept(shared: &mut Shared, id: ListenerId) -> Poll<io::Result<Connection>> {
    let connection = shared.stack().accept(id);
    shared.has_come(id);
    match connection {
        Some(connection) => {
            shared.note_accepted(connection);
            Poll::Ready(Ok(adopt(shared, connection)))
        }
        None => Poll::Pending,
    }
}

/// Ends a listener, unless that has happened. Its waiters are woken.
pub(super) fn close_listener(shared: &mut Shared, now: Instant, id: ListenerId) {
    if shared.listeners.remove(&id) && !shared.has_panicked() {
        shared.stack().close_listener(now, id);
        shared.wake_key(Key::Listener(id));
        shared.has_come(id);
    }
}

/// Active OPEN.
pub(super) fn connect(
    shared: &mut Shared,
    now: Instant,
    local: Option<SocketAddr>,
    remote: SocketAddr,
    config: &TcpConfig,
) -> io::Result<Connection> {
    check_open(shared)?;
    let id = shared
        .stack()
        .connect_with(now, local, remote, config)
        .map_err(|error| error::connect(local, remote, error))?;
    Ok(adopt(shared, id))
}

/// Active OPEN together with the first SEND: the connection, and how much was taken.
pub(super) fn connect_sending(
    shared: &mut Shared,
    now: Instant,
    remote: SocketAddr,
    data: &[u8],
) -> io::Result<(Connection, usize)> {
    check_open(shared)?;
    let config = shared.stack().config().tcp.clone();
    let (id, taken) = shared
        .stack()
        .connect_sending(now, None, remote, &config, data)
        .map_err(|error| error::connect(None, remote, error))?;
    Ok((adopt(shared, id), taken))
}

/// Whether a connection that was opened here is established or has failed.
pub(super) fn established(shared: &mut Shared, id: ConnId) -> Poll<io::Result<()>> {
    match shared.stack().status(id).state {
        State::SynSent | State::SynReceived => Poll::Pending,
        State::Closed | State::Listen => {
            let error = shared.stack().take_error(id);
            let error = error.unwrap_or(ConnectionError::Refused);
            Poll::Ready(Err(error::connection(error)))
        }
        State::Established
        | State::FinWait1
        | State::FinWait2
        | State::CloseWait
        | State::Closing
        | State::LastAck
        | State::TimeWait => Poll::Ready(Ok(())),
    }
}

/// What a read got.
pub(super) enum Received {
    /// The number of octets in the buffer.
    Copied(usize),
    /// Octets in the memory into which they were received, to be copied after unlocking the stack.
    Kept(Vec<Kept>),
}

impl Received {
    /// Completes the read once the lock is released. Returns how many octets are in `buffer`.
    pub(super) fn copy_to(self, buffer: &mut [u8]) -> usize {
        match self {
            Received::Copied(len) => len,
            Received::Kept(parts) => parts.iter().fold(0, |copied, part| {
                let end = copied + part.len();
                buffer[copied..end].copy_from_slice(part);
                end
            }),
        }
    }
}

/// A read, until it has something.
pub(super) struct Reading<'a> {
    id: ConnId,
    buffer: &'a mut [u8],
    /// Octets that have landed in the buffer.
    landed: usize,
}

impl<'a> Reading<'a> {
    /// Reads into `buffer`, which is not empty.
    pub(super) fn new(id: ConnId, buffer: &'a mut [u8]) -> Reading<'a> {
        let landed = 0;
        Reading { id, buffer, landed }
    }
}

impl Attempt<io::Result<Received>> for Reading<'_> {
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<io::Result<Received>> {
        if self.landed > 0 {
            return Poll::Ready(Ok(Received::Copied(self.landed)));
        }
        let parts = shared.stack().recv_kept(now, self.id, self.buffer.len());
        if !parts.is_empty() {
            return Poll::Ready(Ok(Received::Kept(parts)));
        }
        match shared.stack().recv(now, self.id, self.buffer) {
            Ok(len) => Poll::Ready(Ok(Received::Copied(len))),
            Err(RecvError::WouldBlock) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error::receive(error))),
        }
    }

    fn room(&mut self) -> Option<Room<'_>> {
        Some(Room {
            connection: self.id,
            buffer: self.buffer,
            filled: &mut self.landed,
        })
    }
}

pub(super) fn lend(shared: &mut Shared, id: ConnId) -> Poll<io::Result<Option<Loan>>> {
    match shared.stack().lend(id) {
        Ok(loan) => Poll::Ready(Ok(loan)),
        Err(RecvError::WouldBlock) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error::receive(error))),
    }
}

/// A read that takes nothing.
pub(super) fn peek(
    shared: &mut Shared,
    now: Instant,
    id: ConnId,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let loan = match lend(shared, id) {
        Poll::Ready(Ok(Some(loan))) => loan,
        other => return other.map_ok(|_| 0),
    };
    let mut len = 0;
    for piece in loan.text().pieces() {
        let more = piece.len().min(buffer.len() - len);
        buffer[len..len + more].copy_from_slice(&piece[..more]);
        len += more;
    }
    shared.stack().take_back(now, id, loan);
    Poll::Ready(Ok(len))
}

/// Whether a read would not wait. It takes nothing, not even an error.
pub(super) fn readable(shared: &mut Shared, id: ConnId) -> Poll<io::Result<()>> {
    match shared.stack().is_readable(id) {
        true => Poll::Ready(Ok(())),
        false => Poll::Pending,
    }
}

/// Whether a write would not wait.
pub(super) fn writable(shared: &mut Shared, id: ConnId) -> Poll<io::Result<()>> {
    check_open(shared)?;
    match shared.stack().finds_room(id) {
        true => Poll::Ready(Ok(())),
        false => Poll::Pending,
    }
}

/// A write, until something of it is taken.
pub(super) struct Writing<'a> {
    id: ConnId,
    data: &'a [u8],
}

impl<'a> Writing<'a> {
    pub(super) fn new(id: ConnId, data: &'a [u8]) -> Writing<'a> {
        Writing { id, data }
    }
}

impl Attempt<io::Result<usize>> for Writing<'_> {
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<io::Result<usize>> {
        check_open(shared)?;
        let answer = shared.stack().send(now, self.id, self.data);
        if let Ok(len) = answer {
            shared.note_written(self.id, len, now);
        }
        sent(answer)
    }

    fn writes(&self) -> Option<(ConnId, usize)> {
        Some((self.id, self.data.len()))
    }
}

pub(super) fn draft(shared: &mut Shared, id: ConnId, most: usize) -> Poll<io::Result<Draft>> {
    check_open(shared)?;
    sent(shared.stack().draft(id, most))
}

pub(super) fn write_draft(
    shared: &mut Shared,
    now: Instant,
    id: ConnId,
    draft: Draft,
) -> io::Result<usize> {
    check_open(shared)?;
    let answer = shared.stack().send_draft(now, id, draft);
    answer.map_err(error::send)
}

pub(super) fn write_urgent(
    shared: &mut Shared,
    now: Instant,
    id: ConnId,
    data: &[u8],
) -> Poll<io::Result<usize>> {
    check_open(shared)?;
    sent(shared.stack().send_urgent(now, id, data))
}

/// How many octets lie before the urgent mark, as far as they can still be read.
pub(super) fn urgent_mark(shared: &mut Shared, id: ConnId) -> Option<u64> {
    let ahead = shared.stack().urgent_mark(id)?;
    let status = shared.stack().status(id);
    let left = match status.fin_received || status.state == State::Closed {
        true => ahead.min(status.recv_queue as u64),
        false => ahead,
    };
    (left > 0).then_some(left)
}

/// A write of several pieces, until something of them is taken.
pub(super) struct Gathering<'a> {
    id: ConnId,
    pieces: &'a [IoSlice<'a>],
}

impl<'a> Gathering<'a> {
    pub(super) fn new(id: ConnId, pieces: &'a [IoSlice<'a>]) -> Gathering<'a> {
        Gathering { id, pieces }
    }

    /// How many octets there are to write.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }
}

impl Attempt<io::Result<usize>> for Gathering<'_> {
    fn attempt(&mut self, shared: &mut Shared, now: Instant) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        for piece in self.pieces.iter().filter(|piece| !piece.is_empty()) {
            match Writing::new(self.id, piece).attempt(shared, now) {
                Poll::Ready(Ok(len)) => {
                    taken += len;
                    if len < piece.len() {
                        break;
                    }
                }
                // The previous piece filled the buffer: there is no room for more.
                _ if taken > 0 => break,
                nothing => return nothing,
            }
        }
        Poll::Ready(Ok(taken))
    }

    fn writes(&self) -> Option<(ConnId, usize)> {
        Some((self.id, self.len()))
    }
}

/// Whether the peer has acknowledged everything that was sent, the FIN included, or never will.
pub(super) fn all_acknowledged(shared: &mut Shared, id: ConnId) -> Poll<()> {
    match shared.stack().status(id).state {
        State::FinWait2 | State::TimeWait | State::Closed | State::Listen => Poll::Ready(()),
        State::SynSent
        | State::SynReceived
        | State::Established
        | State::FinWait1
        | State::CloseWait
        | State::Closing
        | State::LastAck => Poll::Pending,
    }
}

/// The user releases a connection: gracefully, or with a reset.
pub(super) fn let_go(shared: &mut Shared, now: Instant, id: ConnId, reset: bool) {
    if shared.forget(id) && !shared.has_panicked() {
        match reset {
            true => shared.stack().abort(now, id),
            false => shared.stack().close(now, id),
        }
    }
}

pub(super) fn udp_send(
    shared: &mut Shared,
    id: UdpId,
    data: &[u8],
    remote: Option<SocketAddr>,
) -> Poll<io::Result<usize>> {
    check_open(shared)?;
    match shared.stack().udp_send(id, data, remote) {
        Ok(()) => Poll::Ready(Ok(data.len())),
        Err(UdpSendError::WouldBlock) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error::udp_send(error))),
    }
}

pub(super) fn echo_send(
    shared: &mut Shared,
    id: UdpId,
    sequence: u16,
    data: &[u8],
    host: Option<IpAddr>,
) -> Poll<io::Result<()>> {
    check_open(shared)?;
    let sent = (shared.stack()).echo_send(id, sequence, data, host, UdpMarks::default());
    match sent {
        Ok(()) => Poll::Ready(Ok(())),
        Err(UdpSendError::WouldBlock) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error::udp_send(error))),
    }
}

/// `recv`: whether the datagram leaves the queue.
pub(super) fn udp_recv<T>(
    shared: &mut Shared,
    id: UdpId,
    recv: impl FnOnce(&mut Stack, UdpId) -> Result<T, UdpRecvError>,
) -> Poll<io::Result<T>> {
    match recv(shared.stack(), id) {
        Ok(received) => Poll::Ready(Ok(received)),
        Err(UdpRecvError::WouldBlock) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error::udp_recv(error))),
    }
}

/// Whether a receive would not wait. It takes nothing, not even an error.
pub(super) fn udp_readable(shared: &mut Shared, id: UdpId) -> Poll<io::Result<()>> {
    let stack = shared.stack();
    match stack.udp_waiting(id).is_some() || stack.udp_has_error(id) {
        true => Poll::Ready(Ok(())),
        false => Poll::Pending,
    }
}

/// Whether a send would not wait.
pub(super) fn udp_writable(shared: &mut Shared, id: UdpId) -> Poll<io::Result<()>> {
    check_open(shared)?;
    let stack = shared.stack();
    match stack.udp_has_error(id) || stack.udp_finds_room(id) {
        true => Poll::Ready(Ok(())),
        false => Poll::Pending,
    }
}

fn adopt(shared: &mut Shared, id: ConnId) -> Connection {
    shared.connections.insert(id);
    Connection {
        shard: shared.stack().share().index(),
        id,
        local: shared.stack().local_addr(id),
        peer: shared.stack().peer_addr(id),
    }
}

fn sent<T>(answer: Result<T, SendError>) -> Poll<io::Result<T>> {
    match answer {
        Ok(sent) => Poll::Ready(Ok(sent)),
        Err(SendError::WouldBlock) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error::send(error))),
    }
}

/// Whether anything can still be sent.
pub(super) fn check_open(shared: &Shared) -> io::Result<()> {
    match shared.closed {
        Some(reason) => Err(error::closed(reason)),
        None => Ok(()),
    }
}
