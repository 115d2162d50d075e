//! Runs a link over a socket that sends and receives datagrams, in real time.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant as RealInstant};

use stubborn::link::{Link, SendError};
use stubborn::time::Instant;

use super::sockets::Datagrams;

/// How many datagrams are read before the link may speak.
const BATCH: usize = 64;

/// A link, a socket and a clock.
pub(crate) struct Driver {
    link: Box<dyn Link<Address = SocketAddr>>,
    socket: Box<dyn Datagrams>,
    start: RealInstant,
    buffer: Vec<u8>,
}

impl Driver {
    /// The link over the socket, from now on.
    pub(crate) fn new(
        link: Box<dyn Link<Address = SocketAddr>>,
        socket: Box<dyn Datagrams>,
    ) -> Driver {
        Driver {
            link,
            socket,
            start: RealInstant::now(),
            buffer: vec![0; 65_536],
        }
    }

    /// The longest message that the link takes, in octets.
    pub(crate) fn longest(&self) -> usize {
        self.link.longest()
    }

    /// Sends a message to a process, if the link takes it. It leaves with the next turn.
    pub(crate) fn send(&mut self, to: SocketAddr, message: &[u8]) -> Result<(), SendError> {
        self.link.send(self.now(), to, message)
    }

    /// One turn: what the link has for the network leaves; what arrives within `wait` comes in;
    /// timeouts that are due happen; `handler(from, message)` gets what is delivered. Returns
    /// whether anything arrived, delivered or not.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut handler: impl FnMut(SocketAddr, Vec<u8>),
    ) -> io::Result<bool> {
        self.transmit()?;
        let deadline = self.link.next_deadline();
        let mut wait = deadline.map_or(wait, |deadline| wait.min(deadline.since(self.now())));
        let mut has_arrived = false;
        for _ in 0..BATCH {
            let Some((length, from)) = self.socket.recv_from(&mut self.buffer, wait)? else {
                break;
            };
            has_arrived = true;
            self.link.receive(self.now(), from, &self.buffer[..length]);
            wait = Duration::ZERO;
        }
        self.link.handle_timeouts(self.now());
        while let Some((from, message)) = self.link.poll_deliver() {
            handler(from, message);
        }
        self.transmit()?;
        Ok(has_arrived)
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
