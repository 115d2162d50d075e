//! Users who do nothing before an event tells them that it is worth while.

use std::net::Shutdown;
use std::time::Duration;

use stubborn::stack::{ConnId, Readiness, Stack};
use stubborn::tcp::{RecvError, SendError};
use stubborn::time::Instant;

use super::world::Random;

/// What a user does in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Sends everything, closes for sending, reads to the end, lets go.
    Orderly,
    /// Reads to the end first, then sends.
    Answers,
    /// Lets go when it has sent everything, whatever comes.
    Hasty,
    /// Lets go in the middle.
    Leaves,
    /// Aborts in the middle.
    Aborts,
}

impl End {
    /// Whether its peer gets all that it sends, and is heard to the end.
    pub fn is_faithful(self) -> bool {
        matches!(self, End::Orderly | End::Answers)
    }
}

/// What a user does.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// What it sends: the octets of [`octet`] with this key.
    pub key: u64,
    pub total: usize,
    pub write: usize,
    pub read: usize,
    /// How long it rests after each time it has read.
    pub pause: Duration,
    pub end: End,
}

impl Script {
    pub fn any(random: &mut Random, most: usize, end: End) -> Script {
        let pauses = [0, 0, 0, 1, 30, 400, 2_000];
        Script {
            key: random.number(),
            total: random.below(most + 1),
            write: 1 + random.pick(&[0, 1, 30, 2_000, 20_000]),
            read: 1 + random.pick(&[0, 1, 100, 5_000]),
            pause: Duration::from_millis(random.pick(&pauses)),
            end,
        }
    }
}

/// The octet of a stream at `index`.
pub fn octet(key: u64, index: usize) -> u8 {
    ((index as u64)
        .wrapping_add(key)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 40) as u8
}

/// A user and its connection.
pub struct App {
    pub id: ConnId,
    pub script: Script,
    /// What the peer sends.
    expected: Script,
    pub sent: usize,
    pub received: usize,
    /// The end of the stream has come.
    ended: bool,
    shut: bool,
    /// An event has said so, or nobody has tried yet.
    may_read: bool,
    may_write: bool,
    pub rests_until: Option<Instant>,
    /// It has let go; if not as its script says, since the connection ended.
    pub gone: bool,
    pub failed: bool,
}

impl App {
    /// `is_open`: the connection is established.
    pub fn new(id: ConnId, script: Script, expected: Script, is_open: bool) -> App {
        App {
            id,
            script,
            expected,
            sent: 0,
            received: 0,
            ended: false,
            shut: false,
            may_read: true,
            may_write: is_open,
            rests_until: None,
            gone: false,
            failed: false,
        }
    }

    pub fn hears(&mut self, readiness: Readiness) {
        self.may_read |= readiness.has(Readiness::READABLE);
        self.may_write |= readiness.has(Readiness::WRITABLE);
    }

    /// Whether all that must happen has happened.
    pub fn has_everything(&self) -> bool {
        !self.failed && self.ended && self.received == self.expected.total
    }

    pub fn runs(&mut self, now: Instant, stack: &mut Stack) {
        if self.gone {
            return;
        }
        if self.rests_until.is_some_and(|until| until <= now) {
            self.rests_until = None;
        }
        self.reads(now, stack);
        if !self.gone && (self.script.end != End::Answers || self.ended) {
            self.writes(now, stack);
        }
        if self.gone {
            return;
        }
        let half = self.sent + self.received >= (self.script.total + self.expected.total) / 2;
        match self.script.end {
            End::Orderly | End::Answers => {
                if self.shut && self.ended {
                    stack.close(now, self.id);
                    self.gone = true;
                }
            }
            End::Hasty if self.shut => {
                stack.close(now, self.id);
                self.gone = true;
            }
            End::Leaves if half => {
                stack.close(now, self.id);
                self.gone = true;
            }
            End::Aborts if half => {
                stack.abort(now, self.id);
                self.gone = true;
            }
            End::Hasty | End::Leaves | End::Aborts => {}
        }
    }

    fn writes(&mut self, now: Instant, stack: &mut Stack) {
        while self.may_write && self.sent < self.script.total {
            let end = self.script.total.min(self.sent + self.script.write);
            let data: Vec<u8> = (self.sent..end)
                .map(|index| octet(self.script.key, index))
                .collect();
            match stack.send(now, self.id, &data) {
                Ok(taken) => {
                    self.sent += taken;
                    self.may_write = taken == data.len();
                }
                Err(SendError::WouldBlock) => self.may_write = false,
                Err(_) => return self.fails(now, stack),
            }
        }
        // CLOSE before the connection is established would delete it (RFC 9293 §3.10.4).
        let done = self.sent == self.script.total && !self.shut;
        if done && (self.may_write || self.sent > 0) {
            self.shut = true;
            if stack.shutdown(now, self.id, Shutdown::Write).is_err() {
                self.fails(now, stack);
            }
        }
    }

    fn reads(&mut self, now: Instant, stack: &mut Stack) {
        let mut buffer = vec![0; self.script.read];
        while !self.gone && self.may_read && !self.ended && self.rests_until.is_none() {
            match stack.recv(now, self.id, &mut buffer) {
                Ok(0) => self.ended = true,
                Ok(len) => {
                    self.checks(&buffer[..len]);
                    if !self.script.pause.is_zero() {
                        self.rests_until = Some(now + self.script.pause);
                    }
                }
                Err(RecvError::WouldBlock | RecvError::Lent) => self.may_read = false,
                Err(_) => return self.fails(now, stack),
            }
        }
    }

    fn checks(&mut self, text: &[u8]) {
        for got in text {
            let wanted = octet(self.expected.key, self.received);
            assert_eq!(*got, wanted, "octet {}", self.received);
            self.received += 1;
        }
        assert!(self.received <= self.expected.total, "more than was sent");
    }

    fn fails(&mut self, now: Instant, stack: &mut Stack) {
        self.failed = true;
        self.gone = true;
        stack.close(now, self.id);
    }
}
