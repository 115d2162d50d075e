//! One side of one connection, from its opening to its end.

use super::behaviour::Behaviour;
use crate::sim::app::{Calls, Conn};
use crate::stack::Readiness;
use crate::tcp::{ConnectionError, RecvError, SendError};
use crate::time::Instant;

/// A connection, and how far its script has got.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) conn: Conn,
    behaviour: Behaviour,
    opened: Instant,
    sent: u64,
    received: u64,
    established: bool,
    /// The end of the stream has been received.
    at_end: bool,
    /// Its own direction is closed.
    shut: bool,
    /// It does not read before this time.
    reads_at: Instant,
    /// It does not close before this time; known once everything is sent.
    closes_at: Option<Instant>,
}

/// Whether a script continues.
pub(super) enum Next {
    /// When there is news, or at this time.
    Wait(Option<Instant>),
    /// The script is over, and the connection is released.
    Over,
}

impl Conversation {
    /// A conversation on a connection that was accepted, or has just been opened.
    pub(super) fn new(
        conn: Conn,
        behaviour: Behaviour,
        established: bool,
        calls: &mut Calls<'_>,
    ) -> Conversation {
        if let Some(options) = behaviour.options {
            calls.set_options(conn, options);
        }
        Conversation {
            conn,
            behaviour,
            opened: calls.now(),
            sent: 0,
            received: 0,
            established,
            at_end: false,
            shut: false,
            reads_at: calls.after(behaviour.reading.after),
            closes_at: None,
        }
    }

    /// Notes that the stack reports the connection ready.
    pub(super) fn ready(&mut self, readiness: Readiness) {
        self.established |= readiness.has(Readiness::WRITABLE);
    }

    /// Does everything that can be done now.
    pub(super) fn run(&mut self, calls: &mut Calls<'_>) -> Next {
        if let Some(abort) = self.behaviour.abort
            && calls.now() >= self.opened + abort
        {
            calls.abort(self.conn);
            return Next::Over;
        }
        match self.read(calls).and_then(|()| self.write(calls)) {
            Err(error) => {
                calls.give_up(self.conn, error);
                Next::Over
            }
            Ok(()) if self.at_end && self.shut => {
                calls.close(self.conn);
                Next::Over
            }
            Ok(()) => Next::Wait(self.next(calls.now())),
        }
    }

    fn read(&mut self, calls: &mut Calls<'_>) -> Result<(), ConnectionError> {
        let reading = self.behaviour.reading;
        while !self.at_end && calls.now() >= self.reads_at {
            match calls.recv(self.conn, reading.chunk) {
                Ok(0) => self.at_end = true,
                Ok(taken) => {
                    self.received += taken as u64;
                    self.reads_at = calls.after(reading.pause);
                }
                Err(RecvError::WouldBlock | RecvError::Lent) => return Ok(()),
                Err(RecvError::Connection(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn write(&mut self, calls: &mut Calls<'_>) -> Result<(), ConnectionError> {
        let sending = self.behaviour.sending;
        loop {
            let due = sending.allowance(self.received) - self.sent;
            if due == 0 || self.shut {
                break;
            }
            match calls.send(self.conn, due) {
                Ok(taken) => self.sent += taken as u64,
                Err(SendError::WouldBlock | SendError::Closing) => return Ok(()),
                Err(SendError::Connection(error)) => return Err(error),
            }
        }
        let complete = sending.is_complete(self.sent, self.received, self.at_end);
        // CLOSE before the connection is established would delete it (RFC 9293 §3.10.4).
        if self.shut || !complete || !self.established {
            return Ok(());
        }
        let closes_at = *(self.closes_at).get_or_insert(calls.after(self.behaviour.hold));
        if calls.now() >= closes_at {
            self.shut = true;
            if calls.shutdown(self.conn).is_err() {
                // The connection has ended in the meantime.
                return Err(calls
                    .take_error(self.conn)
                    .unwrap_or(ConnectionError::Reset));
            }
        }
        Ok(())
    }

    /// When there will be something to do even without news.
    fn next(&self, now: Instant) -> Option<Instant> {
        let reads = Some(self.reads_at).filter(|_| !self.at_end);
        let closes = self.closes_at.filter(|_| !self.shut);
        let aborts = self.behaviour.abort.map(|abort| self.opened + abort);
        let times = [reads, closes, aborts];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }
}
