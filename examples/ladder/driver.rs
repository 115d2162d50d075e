//! Runs a link over a socket that sends and receives datagrams, in real time.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant as RealInstant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use stubborn::link::{Link, SendError};
use stubborn::time::Instant;

/// A socket for datagrams: all that a link needs of a network.
pub(crate) trait Datagrams {
    /// Sends a datagram, or loses it.
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Waits at most so long for a datagram; its length, and where it is from.
    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>>;
}

/// The kernel's UDP. The socket must not block.
impl Datagrams for UdpSocket {
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        match UdpSocket::send_to(self, packet, to) {
            Err(error) if !is_loss(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        if !wait.is_zero() {
            // Rounded up, or the last millisecond before a deadline is spent asking.
            let millis = u16::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
            let mut ready = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::from(millis)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        match UdpSocket::recv_from(self, buffer) {
            Ok(received) => Ok(Some(received)),
            Err(error) if is_loss(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A full queue, or a peer that is not there now: a lost packet, which the link expects.
fn is_loss(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    ) || error.raw_os_error() == Some(Errno::ENOBUFS as i32)
}

/// How many datagrams are read before the link may speak.
const BATCH: usize = 64;

/// A link, a socket and a clock.
pub(crate) struct Driver<L, S> {
    link: L,
    socket: S,
    start: RealInstant,
    buffer: Vec<u8>,
}

impl<L: Link<Address = SocketAddr>, S: Datagrams> Driver<L, S> {
    /// The link over the socket, from now on.
    pub(crate) fn new(link: L, socket: S) -> Driver<L, S> {
        Driver {
            link,
            socket,
            start: RealInstant::now(),
            buffer: vec![0; 65_536],
        }
    }

    /// The link.
    pub(crate) fn link(&self) -> &L {
        &self.link
    }

    /// Sends a message to a process, if the link takes it. It leaves with the next turn.
    pub(crate) fn send(&mut self, to: SocketAddr, message: &[u8]) -> Result<(), SendError> {
        self.link.send(self.now(), to, message)
    }

    /// One turn: what the link has for the network leaves; what arrives within `wait` comes in;
    /// timeouts that are due happen; `handler(from, message)` gets what is delivered.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut handler: impl FnMut(SocketAddr, Vec<u8>),
    ) -> io::Result<()> {
        self.transmit()?;
        let deadline = self.link.next_deadline();
        let mut wait = deadline.map_or(wait, |deadline| wait.min(deadline.since(self.now())));
        for _ in 0..BATCH {
            let Some((length, from)) = self.socket.recv_from(&mut self.buffer, wait)? else {
                break;
            };
            self.link.receive(self.now(), from, &self.buffer[..length]);
            wait = Duration::ZERO;
        }
        self.link.handle_timeouts(self.now());
        while let Some((from, message)) = self.link.poll_deliver() {
            handler(from, message);
        }
        self.transmit()
    }

    fn transmit(&mut self) -> io::Result<()> {
        while let Some((to, packet)) = self.link.poll_transmit(self.now()) {
            self.socket.send_to(&packet, to)?;
        }
        Ok(())
    }

    /// Time as the link counts it: since the driver was made.
    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }
}
