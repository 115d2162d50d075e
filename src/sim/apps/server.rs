//! A server: accepts every connection to its port.

use super::behaviour::Behaviour;
use super::client::{due, find, run};
use super::conversation::Conversation;
use crate::sim::app::{App, Calls, Conn, News};
use crate::time::Instant;

/// Listens on a port, and behaves the same way on every connection.
#[derive(Debug)]
pub struct Server {
    port: u16,
    backlog: usize,
    behaviour: Behaviour,
    conversations: Vec<Conversation>,
    wakes: Vec<(Instant, Conn)>,
}

impl Server {
    /// Listens on `port`.
    pub fn new(port: u16, behaviour: Behaviour) -> Server {
        Server {
            port,
            backlog: 128,
            behaviour,
            conversations: Vec::new(),
            wakes: Vec::new(),
        }
    }

    /// Sets how many connections may wait to be accepted. Default 128.
    #[must_use]
    pub fn backlog(mut self, backlog: usize) -> Server {
        self.backlog = backlog;
        self
    }
}

impl App for Server {
    fn on(&mut self, news: News, calls: &mut Calls<'_>) {
        match news {
            News::Started => {
                self.conversations.clear();
                self.wakes.clear();
                // This fails only if the scenario is wrong, and then no connection
                // succeeds.
                let _ = calls.listen(self.port, self.backlog);
            }
            News::Time => {
                for conn in due(&self.wakes, calls.now()) {
                    if let Some(index) = find(&self.conversations, conn) {
                        run(&mut self.conversations, index, &mut self.wakes, calls);
                    }
                }
            }
            News::Acceptable(listener) => {
                while let Some(conn) = calls.accept(listener) {
                    let conversation = Conversation::new(conn, self.behaviour, true, calls);
                    self.conversations.push(conversation);
                    let last = self.conversations.len() - 1;
                    run(&mut self.conversations, last, &mut self.wakes, calls);
                }
            }
            News::Ready(conn, readiness) => {
                if let Some(index) = find(&self.conversations, conn) {
                    self.conversations[index].ready(readiness);
                    run(&mut self.conversations, index, &mut self.wakes, calls);
                }
            }
        }
        calls.wake_at(self.wakes.iter().map(|(at, _)| *at).min());
    }

    fn is_done(&self) -> bool {
        self.conversations.is_empty()
    }
}
