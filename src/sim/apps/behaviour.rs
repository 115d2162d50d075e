//! What one side does on a connection.

use crate::config::SocketOptions;
use crate::time::Duration;

/// What one side does on a connection: it sends, reads and finally closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// What it sends.
    pub sending: Sending,
    /// How it reads.
    pub reading: Reading,
    /// How long it stays idle after sending and receiving everything, before it closes its
    /// direction. Default 0.
    pub hold: Duration,
    /// How long after the opening it aborts the connection, if that still exists. Default `None`: never.
    pub abort: Option<Duration>,
    /// The socket options that it sets. Default `None`: the configuration's options stay.
    pub options: Option<SocketOptions>,
}

/// What a side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// This many octets, as fast as the stack takes them.
    Freely(u64),
    /// A response for each complete request, until the end of the stream.
    Answers {
        /// Octets of a request.
        request: u64,
        /// Octets of a response.
        response: u64,
    },
    /// Requests, each sent when the response to the one before is complete.
    Asks {
        /// The number of requests.
        times: u64,
        /// Octets of a request.
        request: u64,
        /// Octets of a response.
        response: u64,
    },
}

impl Sending {
    /// How much it may have sent after receiving `received` octets.
    pub(super) fn allowance(self, received: u64) -> u64 {
        match self {
            Sending::Freely(octets) => octets,
            Sending::Answers { request, response } => received / request * response,
            Sending::Asks {
                times,
                request,
                response,
            } => (received / response + 1).min(times) * request,
        }
    }

    /// Whether it will not send any more.
    pub(super) fn is_complete(self, sent: u64, received: u64, at_end: bool) -> bool {
        match self {
            Sending::Freely(octets) => sent == octets,
            Sending::Answers { .. } => at_end && sent == self.allowance(received),
            Sending::Asks {
                times, response, ..
            } => received >= times * response || (at_end && sent == self.allowance(received)),
        }
    }
}

/// How a side reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How long after the opening it starts to read. Default 0.
    pub after: Duration,
    /// The most octets that it reads at a time. Default 64 KiB.
    pub chunk: usize,
    /// The time between two reads. Default 0: it reads as soon as something has arrived.
    pub pause: Duration,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            after: Duration::ZERO,
            chunk: 64 * 1024,
            pause: Duration::ZERO,
        }
    }
}

impl Behaviour {
    fn new(sending: Sending) -> Behaviour {
        Behaviour {
            sending,
            reading: Reading::default(),
            hold: Duration::ZERO,
            abort: None,
            options: None,
        }
    }

    /// Sends `octets` octets, then closes. Reads to the end of the stream.
    pub fn exchange(octets: u64) -> Behaviour {
        Behaviour::new(Sending::Freely(octets))
    }

    /// Sends `octets` octets, then closes. Expects nothing but the end of the peer's stream.
    pub fn send(octets: u64) -> Behaviour {
        Behaviour::exchange(octets)
    }

    /// Sends nothing. Reads to the end of the stream.
    pub fn receive() -> Behaviour {
        Behaviour::exchange(0)
    }

    /// Sends as many octets as it receives.
    pub fn echo() -> Behaviour {
        Behaviour::answer(1, 1)
    }

    /// Answers every `request` octets with `response` octets, until the end of the stream.
    ///
    /// # Panics
    /// If a request has no octets.
    pub fn answer(request: u64, response: u64) -> Behaviour {
        assert!(request > 0, "a request of no octets");
        Behaviour::new(Sending::Answers { request, response })
    }

    /// Sends `request` octets and waits for `response` octets, `times` times; then closes.
    ///
    /// # Panics
    /// If a response has no octets.
    pub fn ask(times: u64, request: u64, response: u64) -> Behaviour {
        assert!(response > 0, "a response of no octets");
        Behaviour::new(Sending::Asks {
            times,
            request,
            response,
        })
    }

    /// With this way of reading.
    #[must_use]
    pub fn reading(mut self, reading: Reading) -> Behaviour {
        self.reading = reading;
        self
    }

    /// Stays idle for this long before it closes.
    #[must_use]
    pub fn holding(mut self, hold: Duration) -> Behaviour {
        self.hold = hold;
        self
    }

    /// Aborts this long after the opening.
    #[must_use]
    pub fn aborting(mut self, after: Duration) -> Behaviour {
        self.abort = Some(after);
        self
    }

    /// With these socket options.
    #[must_use]
    pub fn options(mut self, options: SocketOptions) -> Behaviour {
        self.options = Some(options);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_sends_the_next_request_after_the_response() {
        let asks = Behaviour::ask(2, 10, 100).sending;
        assert_eq!(
            [0, 99, 100, 200].map(|received| asks.allowance(received)),
            [10, 10, 20, 20]
        );
        assert!(!asks.is_complete(20, 199, false) && asks.is_complete(20, 200, false));
    }

    #[test]
    fn who_answers_sends_whole_responses_to_whole_requests_until_the_end() {
        let answers = Behaviour::answer(10, 100).sending;
        assert_eq!(
            [9, 10, 29].map(|received| answers.allowance(received)),
            [0, 100, 200]
        );
        assert!(!answers.is_complete(200, 29, false) && answers.is_complete(200, 29, true));
    }
}
