//! The stack under test, its clock, and what it has sent.

use std::collections::VecDeque;

use super::super::packet::Observed;
use crate::bsd::{Bsd, Calls, System};
use crate::config::{Config, SignatureKeys};
use crate::stack::{Secret, Stack};
use crate::time::{Duration, Instant};
use crate::wire::is_signed_with;

/// The most datagrams that wait for expectations, in case a stack sends without end.
const MAX_SNIFFED: usize = 100_000;

/// A datagram and its direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When.
    pub at: Instant,
    /// Whether the stack sent it, or it was sent to the stack.
    pub outbound: bool,
    /// Its octets.
    pub datagram: Vec<u8>,
}

/// A host in virtual time.
pub(super) struct Host {
    pub(super) now: Instant,
    pub(super) stack: Stack,
    bsd: Bsd,
    /// What the stack has sent and no expectation has taken.
    pub(super) sniffed: VecDeque<Observed>,
    /// Everything that went over the wire, if it is wanted.
    pub(super) captured: Option<Vec<Captured>>,
    /// The device takes nothing: all output is lost.
    pub(super) deaf: bool,
    /// The device takes everything later by this much.
    pub(super) delay: Duration,
    /// The datagrams that are delayed, each with its time.
    late: VecDeque<(Instant, Vec<u8>)>,
    /// The secret with which signatures are checked.
    pub(super) secret: Option<Vec<u8>>,
}

impl Host {
    /// A host with this configuration.
    ///
    /// # Errors
    /// If the configuration makes no sense, in words.
    pub(super) fn new(
        config: Config,
        system: System,
        capture: bool,
        secret: Option<Vec<u8>>,
    ) -> Result<Host, String> {
        let mut stack = Stack::new(config, SECRET).map_err(|error| error.to_string())?;
        stack.watch();
        Ok(Host {
            now: Instant::ZERO,
            stack,
            bsd: Bsd::of(system),
            sniffed: VecDeque::new(),
            captured: capture.then(Vec::new),
            deaf: false,
            delay: Duration::ZERO,
            late: VecDeque::new(),
            secret,
        })
    }

    /// The calls of the program under test, now.
    pub(super) fn calls(&mut self) -> Calls<'_> {
        self.bsd.at(self.now, &mut self.stack)
    }

    /// The keys of `setkey`.
    pub(super) fn associations(&self) -> &SignatureKeys {
        self.bsd.associations()
    }

    /// Sets the keys of `setkey`.
    pub(super) fn associate(&mut self, keys: SignatureKeys) {
        self.bsd.associate(keys);
    }

    /// Delivers datagrams together, as a device does to a driver: the stack's answers leave after
    /// all of them.
    pub(super) fn inject(&mut self, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.capture(false, datagram);
            self.stack.receive(self.now, datagram);
        }
        self.drain();
    }

    /// Takes what the stack sends now. The socket layer sees when that was.
    pub(super) fn drain(&mut self) {
        while self.sniffed.len() + self.late.len() < MAX_SNIFFED
            && let Some(packet) = self.stack.poll_transmit(self.now)
        {
            let datagram = packet.to_vec();
            if !self.deaf {
                self.late.push_back((self.now + self.delay, datagram));
            }
        }
        while self.late.front().is_some_and(|(at, _)| *at <= self.now)
            && let Some((_, datagram)) = self.late.pop_front()
        {
            self.leaves(&datagram);
        }
        let _ = self.calls();
    }

    /// Puts a datagram on the wire.
    fn leaves(&mut self, datagram: &[u8]) {
        self.capture(true, datagram);
        if let Some(mut observed) = Observed::read(self.now, datagram) {
            let secret = self.secret.as_deref();
            observed.note_signature(secret.is_some_and(|key| is_signed_with(datagram, key)));
            self.sniffed.push_back(observed);
        }
    }

    fn capture(&mut self, outbound: bool, datagram: &[u8]) {
        let at = self.now;
        if let Some(captured) = &mut self.captured {
            captured.push(Captured {
                at,
                outbound,
                datagram: datagram.to_vec(),
            });
        }
    }

    /// Advances to the next thing that is due at or before `until`; false if there is none, and
    /// then the time is `until`.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.drain();
        let leaves = self.late.front().map(|(at, _)| *at);
        match self.stack.next_deadline().into_iter().chain(leaves).min() {
            Some(deadline) if deadline <= until => {
                self.now = self.now.max(deadline);
                self.stack.handle_timeouts(self.now);
                self.drain();
                true
            }
            _ => {
                self.now = self.now.max(until);
                false
            }
        }
    }

    /// The invariant of the stack that broke, in words.
    pub(super) fn broken(&self) -> Option<String> {
        self.stack.broken().map(ToString::to_string)
    }
}

/// Results of scripts do not depend on the secret; it is constant to make runs reproducible.
const SECRET: Secret = Secret(*b"a drill, no more");
