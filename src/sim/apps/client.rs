//! A client: opens connections, one after another or several at once.

use core::net::SocketAddr;

use super::behaviour::Behaviour;
use super::conversation::{Conversation, Next};
use crate::sim::app::{App, Calls, Conn, News};
use crate::time::{Duration, Instant};

/// Opens connections to one server, and behaves the same way on each.
#[derive(Debug)]
pub struct Client {
    remote: SocketAddr,
    port: u16,
    behaviour: Behaviour,
    connections: u32,
    at_once: usize,
    pause: Duration,
    after: Duration,
    is_fast: bool,
    opened: u32,
    opens_at: Instant,
    /// In the order of their connections.
    conversations: Vec<Conversation>,
    wakes: Vec<(Instant, Conn)>,
}

impl Client {
    /// A client that opens one connection to `remote` when its host starts.
    pub fn new(remote: SocketAddr, behaviour: Behaviour) -> Client {
        Client {
            remote,
            port: 0,
            behaviour,
            connections: 1,
            at_once: 1,
            pause: Duration::ZERO,
            after: Duration::ZERO,
            is_fast: false,
            opened: 0,
            opens_at: Instant::ZERO,
            conversations: Vec::new(),
            wakes: Vec::new(),
        }
    }

    /// Opens this many connections, at most `at_once` at the same time.
    #[must_use]
    pub fn connections(mut self, connections: u32, at_once: usize) -> Client {
        (self.connections, self.at_once) = (connections, at_once);
        self
    }

    /// Opens all connections from this local port, instead of one that the
    /// stack chooses.
    #[must_use]
    pub fn from_port(mut self, port: u16) -> Client {
        self.port = port;
        self
    }

    /// Opens all connections with TCP Fast Open.
    #[must_use]
    pub fn fast(mut self) -> Client {
        self.is_fast = true;
        self
    }

    /// Waits this long between two openings, and after one that failed.
    #[must_use]
    pub fn pausing(mut self, pause: Duration) -> Client {
        self.pause = pause;
        self
    }

    /// Opens the first connection this long after its host starts.
    #[must_use]
    pub fn starting_after(mut self, after: Duration) -> Client {
        self.after = after;
        self
    }

    fn open(&mut self, calls: &mut Calls<'_>) {
        while self.opened < self.connections
            && self.conversations.len() < self.at_once
            && calls.now() >= self.opens_at
        {
            self.opens_at = calls.after(self.pause);
            let opened = match self.is_fast {
                true => calls.connect_fast(self.port, self.remote),
                false => calls.connect(self.port, self.remote),
            };
            let Ok(conn) = opened else {
                // The port is still in use, but only until TIME-WAIT ends.
                self.opens_at = calls.after(self.pause.max(Duration::from_secs(1)));
                return;
            };
            self.opened += 1;
            let conversation = Conversation::new(conn, self.behaviour, false, calls);
            self.conversations.push(conversation);
            self.run(self.conversations.len() - 1, calls);
        }
    }

    fn run(&mut self, index: usize, calls: &mut Calls<'_>) {
        let conn = self.conversations[index].conn;
        run(&mut self.conversations, index, &mut self.wakes, calls);
        if self.conversations.get(index).is_none_or(|c| c.conn != conn) {
            self.opens_at = self.opens_at.max(calls.after(self.pause));
        }
    }
}

/// Runs one of several conversations, and removes it if it is over.
pub(super) fn run(
    conversations: &mut Vec<Conversation>,
    index: usize,
    wakes: &mut Vec<(Instant, Conn)>,
    calls: &mut Calls<'_>,
) {
    let conn = conversations[index].conn;
    let next = conversations[index].run(calls);
    wakes.retain(|(_, other)| *other != conn);
    match next {
        Next::Wait(Some(at)) => wakes.push((at, conn)),
        Next::Wait(None) => {}
        Next::Over => {
            conversations.remove(index);
        }
    }
}

/// The index of a conversation in a list sorted by connection.
pub(super) fn find(conversations: &[Conversation], conn: Conn) -> Option<usize> {
    conversations
        .binary_search_by_key(&conn, |conversation| conversation.conn)
        .ok()
}

/// The conversations whose wake-up time has come.
pub(super) fn due(wakes: &[(Instant, Conn)], now: Instant) -> Vec<Conn> {
    let due = wakes.iter().filter(|(at, _)| *at <= now);
    due.map(|(_, conn)| *conn).collect()
}

impl App for Client {
    fn on(&mut self, news: News, calls: &mut Calls<'_>) {
        match news {
            News::Started => {
                self.conversations.clear();
                self.wakes.clear();
                self.opened = 0;
                self.opens_at = calls.after(self.after);
            }
            News::Time => {
                for conn in due(&self.wakes, calls.now()) {
                    if let Some(index) = find(&self.conversations, conn) {
                        self.run(index, calls);
                    }
                }
            }
            News::Acceptable(_) => {}
            News::Ready(conn, readiness) => {
                if let Some(index) = find(&self.conversations, conn) {
                    self.conversations[index].ready(readiness);
                    self.run(index, calls);
                }
            }
        }
        self.open(calls);
        let may_open = self.opened < self.connections && self.conversations.len() < self.at_once;
        let opens = may_open.then_some(self.opens_at);
        let wakes = self.wakes.iter().map(|(at, _)| *at);
        calls.wake_at(wakes.chain(opens).min());
    }

    fn is_done(&self) -> bool {
        self.opened == self.connections && self.conversations.is_empty()
    }
}
