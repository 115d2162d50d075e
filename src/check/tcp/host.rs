//! One host of the model: a real stack and a user who follows a script.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};
use std::net::Shutdown;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::configuration::{Configuration, Script};
use crate::stack::{ConnId, ListenerId, Secret, Stack};
use crate::tcp::{ConnectionError, RecvError, State};
use crate::time::Instant;
use crate::wire::{self, Control, Payload};

/// The port at which the passive side listens.
const SERVER_PORT: u16 = 80;
/// The port from which the active side calls.
const CLIENT_PORT: u16 = 4000;

/// What a user does, each a call of RFC 9293 §3.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Active OPEN.
    Open,
    /// SEND, as much as the script still has and the buffer takes.
    Send,
    /// RECEIVE, all that is there.
    Receive,
    /// CLOSE of the sending direction.
    Close,
    /// ABORT.
    Abort,
}

/// What a user has done and seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct User {
    pub(super) opened: bool,
    pub(super) sent: u8,
    pub(super) received: u8,
    /// The incarnation of the peer that the octets so far are from.
    from: Option<u8>,
    /// The end of the stream has been read.
    pub(super) ended: bool,
    pub(super) closed: bool,
    /// It has let go of the connection.
    pub(super) released: bool,
    pub(super) error: Option<ConnectionError>,
}

/// A host: cloned for each step, so a value.
#[derive(Clone, Debug)]
pub(super) struct Host {
    side: usize,
    pub(super) incarnation: u8,
    stack: Stack,
    /// Every host has a clock of its own: nothing couples them.
    now: Instant,
    listener: Option<ListenerId>,
    connection: Option<ConnId>,
    pub(super) user: User,
    /// The right edge of the window that was advertised last, and for which SYN.
    edge: Option<u32>,
    /// The promise that was broken here.
    pub(super) fault: Option<String>,
}

/// The address of a side.
fn address(configuration: &Configuration, side: usize, port: u16) -> SocketAddr {
    let ip: IpAddr = match configuration.ipv6 {
        true => [0xfd00, 0, 0, 0, 0, 0, 0, side as u16 + 1].into(),
        false => [10, 0, 0, side as u8 + 1].into(),
    };
    SocketAddr::new(ip, port)
}

/// The octet that an incarnation of a side sends at a place of its stream: another one for each.
fn octet(side: usize, incarnation: u8, place: u8) -> u8 {
    (side as u8) << 7 | (incarnation & 7) << 4 | place & 15
}

impl Host {
    /// A host that has just started.
    pub(super) fn start(configuration: &Configuration, side: usize, incarnation: u8) -> Host {
        let script = &configuration.scripts[side];
        let own = address(configuration, side, 0).ip();
        let config = configuration.config(own, side, incarnation);
        let secret = Secret([side as u8 + 1; 16]);
        let mut stack = Stack::new(config, secret).unwrap_or_else(|error| {
            unreachable!("a configuration of the checker is refused: {error}")
        });
        let listener = script.listens.then(|| {
            let local = address(configuration, side, SERVER_PORT);
            stack.listen(local, 1).unwrap_or_else(|error| {
                unreachable!("nobody else listens: {error}")
            })
        });
        Host {
            side,
            incarnation,
            stack,
            now: Instant::from_secs(1_000),
            listener,
            connection: None,
            user: User::default(),
            edge: None,
            fault: None,
        }
    }

    /// The same for two hosts that nothing can tell apart from now on.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        self.stack.fingerprint(self.now).hash(&mut hasher);
        (self.incarnation, self.listener, self.connection.is_some()).hash(&mut hasher);
        (&self.user, self.edge, &self.fault).hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// The state of the connection; LISTEN and CLOSED where there is none.
    pub(super) fn state(&self) -> State {
        let newest = self.stack.connections().last();
        match (newest, self.listener) {
            (Some((_, state)), _) => state,
            (None, Some(_)) => State::Listen,
            (None, None) => State::Closed,
        }
    }

    /// Whether nothing is left to do here: the user is done, and nothing remembers the connection.
    pub(super) fn is_done(&self, script: &Script) -> bool {
        let user = &self.user;
        let over = user.released || (!script.opens && !user.opened && script.may_stay_alone);
        over && self.stack.connection_count() == 0
    }

    /// Whether time alone will do something here.
    pub(super) fn has_timer(&self) -> bool {
        self.stack.next_deadline().is_some()
    }

    /// The next deadline comes.
    pub(super) fn fire(&mut self) {
        // A deadline that moved later is looked at once too early: that is no step.
        let before = self.stack.fingerprint(self.now);
        while let Some(deadline) = self.stack.next_deadline() {
            let moved = deadline > self.now;
            self.now = self.now.max(deadline);
            self.stack.handle_timeouts(self.now);
            if moved && self.stack.fingerprint(self.now) != before && self.something_fired(deadline) {
                return;
            }
        }
    }

    fn something_fired(&self, deadline: Instant) -> bool {
        self.stack.next_deadline() != Some(deadline)
    }

    /// A datagram arrives.
    pub(super) fn receive(&mut self, datagram: &[u8]) {
        self.stack.receive(self.now, datagram);
    }

    /// Whether the user can do `call` now.
    pub(super) fn can(&self, call: Call, script: &Script) -> bool {
        let user = &self.user;
        let holds = self.connection.is_some();
        let status = || self.connection.map(|id| self.stack.status(id));
        match call {
            Call::Open => script.opens && !user.opened,
            Call::Send => {
                holds
                    && !user.closed
                    && user.sent < script.octets
                    && status().is_some_and(|status| {
                        status.state.is_synchronized() && status.send_buffer_room > 0
                    })
            }
            Call::Receive => holds && status().is_some_and(|status| status.readable),
            Call::Close => {
                holds
                    && !user.closed
                    && (user.sent == script.octets || script.closes_early)
                    && self.state().is_synchronized()
            }
            Call::Abort => holds && script.aborts,
        }
    }
}
