//! TCP Fast Open (RFC 7413), the part of a connection: text on a SYN, and use of a connection
//! before its handshake has ended.
//!
//! ```text
//!  client                                server
//!  <SEQ=100><DATA=5><CTL=SYN> cookie -->        the cookie is good: the user may accept,
//!                                               read five octets, and answer at once
//!         <-- <SEQ=300><ACK=106><CTL=SYN,ACK>
//!         <-- <SEQ=301><ACK=106><DATA=9><CTL=ACK>
//! ```
//!
//! The stack handles cookies: which one goes with a SYN, whether one is valid, and when it is
//! better not to try.

use super::handshake::{Path, own_mss};
use super::readiness::Readiness;
use super::receive_memory::Packet;
use super::seq::Seq;
use super::state::State;
use super::tcb::{Open, Tcb};
use crate::config::TcpConfig;
use crate::time::Instant;
use crate::wire;

/// How an OPEN uses Fast Open: by default, not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastOpen {
    /// The option of our first SYN or SYN,ACK. What is sent again goes without (RFC 7413 §7.1).
    pub option: Option<wire::FastOpen>,
    /// Active: our first SYN carries as much text as there is and fits. Passive: the text of the
    /// peer's SYN is accepted, and the connection may be used before the handshake has ended.
    pub takes_text: bool,
    /// Active: the MSS that the peer is known to have, 0 for the default (RFC 7413 §4.1.3).
    pub mss: u16,
    /// [`FastOpenConfig::reserves_options`](crate::config::FastOpenConfig::reserves_options).
    pub reserves_options: bool,
}

impl FastOpen {
    /// The most text that our SYN may carry, besides options unless there is room for them.
    pub(crate) fn most(&self, config: &TcpConfig, path: Path) -> usize {
        let (own, default) = match self.reserves_options {
            true => (own_mss(config, path), own_mss(config, path)),
            false => (path.mss, path.default_mss),
        };
        let known = if self.mss == 0 { default } else { self.mss };
        let reserved = if self.reserves_options {
            MOST_OPTIONS
        } else {
            0
        };
        usize::from(known.min(own)).saturating_sub(reserved)
    }
}

/// Octets of the longest options (RFC 9293 §3.1).
const MOST_OPTIONS: usize = 40;

/// The outcome of a SYN that asked for a cookie or carried text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FastOpenOutcome {
    /// Text went both ways.
    Worked,
    /// The peer's SYN,ACK did not acknowledge the text.
    Refused,
    /// Nothing came back in time.
    NoAnswer,
    /// After the handshake nothing came through: something on the path blocks connections that
    /// began like this.
    BlackHole,
}

/// Why an OPEN with text did not fully succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FastOpenFailure {
    /// No cookie of the peer was known.
    NoCookie,
    /// The SYN,ACK did not acknowledge all text of the SYN.
    TextLeft,
    /// The SYN,ACK did not acknowledge the text of a SYN that was sent again.
    SynResent,
}

/// What a connection knows of how it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Opening {
    option: Option<wire::FastOpen>,
    takes_text: bool,
    /// The most text that our SYN may carry, besides options unless there is room for them.
    most: usize,
    reserves_options: bool,
    /// It was opened by the peer's SYN and its cookie, and may be used before the handshake ends.
    pub(super) is_child: bool,
    /// Text on a SYN was acknowledged, all of it or a part.
    pub(super) syn_text_taken: bool,
    /// Why text did not go with our SYN, or not all of it arrived.
    failure: Option<FastOpenFailure>,
    /// Our SYN was one of Fast Open, and no text has come from the peer yet.
    is_watched: bool,
    outcome: Option<FastOpenOutcome>,
}

/// After this many retransmission timeouts in a row, with nothing received since the handshake, a
/// black hole is assumed.
const BLACK_HOLE_TIMEOUTS: u32 = 3;

impl Opening {
    pub(super) fn new(open: &Open<'_>) -> Opening {
        let fast_open = open.fast_open;
        Opening {
            option: fast_open.option,
            takes_text: fast_open.takes_text,
            most: fast_open.most(open.config, open.path),
            reserves_options: fast_open.reserves_options,
            failure: (fast_open.option)
                .filter(|option| option.cookie.is_none() && !fast_open.takes_text)
                .map(|_| FastOpenFailure::NoCookie),
            ..Opening::default()
        }
    }

    /// Whether the first text from the peer will decide the outcome of Fast Open.
    pub(super) fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// The MSS assumed for a peer that was asked for Fast Open and offers none, if SYNs reserve room for
    /// the longest options, as in Linux: the one that it is known to have, or what the path takes.
    pub(super) fn assumed_mss(&self) -> Option<u16> {
        let asks = self.option.is_some() || self.takes_text;
        (asks && self.reserves_options).then(|| (self.most + MOST_OPTIONS) as u16)
    }

    /// Whether our SYN carries text.
    pub(super) fn takes_text(&self) -> bool {
        self.takes_text
    }

    /// The option of a SYN that leaves for the first time.
    pub(super) fn option(&self) -> Option<wire::FastOpen> {
        self.option
    }
}

impl Tcb {
    /// The place after the text that our first SYN carries.
    pub(super) fn syn_text_end(&self) -> Seq {
        let start = self.snd.iss + 1;
        if !self.opening.takes_text || self.rcv.irs.is_some() {
            return start;
        }
        // RFC 7413 §4.2.2: as much as the MSS, which counts no options, has room for.
        let options = match self.opening.reserves_options {
            true => 0,
            false => self.syn_options(Instant::ZERO, true).wire_len(),
        };
        let room = self.opening.most.saturating_sub(options);
        start + (self.send_buffer.end() - start).min(room)
    }

    /// Our first SYN leaves.
    pub(super) fn on_first_syn_sent(&mut self) {
        self.opening.is_watched = self.state == State::SynSent
            && (self.opening.option.is_some() || self.opening.takes_text);
    }

    /// Takes the text of the peer's SYN, whose cookie is valid: the user may read it, and send,
    /// before the handshake has ended (RFC 7413 §4.2.2).
    pub fn take_syn_text(&mut self, now: Instant, text: &[u8]) {
        self.opening.is_child = true;
        let room = self.rcv.edge.saturating_since(self.rcv.nxt);
        let text = &text[..text.len().min(room)];
        self.recv_buffer.insert(self.rcv.nxt, text.into());
        let first = core::mem::replace(&mut self.rcv.nxt, self.recv_buffer.next());
        let headers = self.path.headers + self.agreed.options();
        if let Some(memory) = self.rcv.memory.as_mut().filter(|_| !text.is_empty()) {
            // As in Linux, the first window begins behind it.
            memory.begin_behind(text.len());
            memory.rounds.start(now);
            memory.append(Packet::new(first..self.rcv.nxt, headers).at(now));
            self.rcv.edge += text.len();
        }
        self.opening.syn_text_taken = !text.is_empty();
        self.stats.text_segments_in += u64::from(!text.is_empty());
        self.readiness |= Readiness::READABLE | Readiness::WRITABLE;
        self.settle(now);
    }

    /// Whether it may be used although its handshake has not ended.
    pub(super) fn is_open_early(&self) -> bool {
        self.opening.is_child && self.state == State::SynReceived
    }

    /// Whether text left before the handshake ended, after a SYN,ACK that could not express the whole
    /// window.
    #[cold]
    pub(super) fn has_sent_early(&self) -> bool {
        self.is_open_early() && self.snd.nxt > self.snd.iss + 1 && self.counts_packets()
    }

    /// Whether congestion control, which started before the handshake ended, goes on unchanged: text was in
    /// flight, and the window is what timeouts of our SYN,ACK have left of it, if there were several.
    pub(super) fn has_begun_early(&self, retries: u32, was_lost: bool) -> bool {
        let has_sent = self.opening.is_child && self.snd.nxt > self.snd.iss + 1;
        has_sent && (retries > 1 || !was_lost)
    }

    /// Whether our SYN has not been acknowledged yet.
    pub fn awaits_ack_of_syn(&self) -> bool {
        self.snd.una == self.snd.iss && !matches!(self.state, State::Closed | State::Listen)
    }

    /// How many segments have arrived, where our SYN and all of its text are counted as two but
    /// were one.
    pub(super) fn as_segments(&self, counted: u64) -> u64 {
        let is_one = !self.passive && self.opening.syn_text_taken && self.opening.failure.is_none();
        counted.saturating_sub(u64::from(is_one))
    }

    /// Why text that should have gone with our SYN did not, or why not all of it arrived.
    pub fn fast_open_failure(&self) -> Option<FastOpenFailure> {
        self.opening.failure
    }

    /// The request for a cookie that our first SYN made, if it was the only SYN.
    pub(crate) fn asked_for_cookie(&self) -> Option<wire::FastOpen> {
        let only = self.recovery.retries() == 0;
        self.opening
            .option
            .filter(|option| option.cookie.is_none() && only)
    }

    /// Whether the peer may rely on the text of its SYN,ACK being accepted: we asked for Fast Open, and
    /// nothing that we sent is missing.
    pub(super) fn is_answered_in_full(&self) -> bool {
        let has_asked = self.opening.option.is_some() || self.opening.takes_text;
        has_asked && self.snd.una == self.snd.nxt
    }

    /// The peer's SYN,ACK has arrived. Text of our SYN that it does not acknowledge is sent again
    /// at once: it is lost, but not because of congestion.
    pub(super) fn on_syn_text_answered(&mut self) {
        if self.opening.is_child || self.snd.nxt == self.snd.iss + 1 {
            return;
        }
        self.opening.syn_text_taken = self.snd.una > self.snd.iss + 1;
        if self.snd.una < self.snd.nxt {
            self.opening.failure = Some(match self.stats.retransmissions {
                0 => FastOpenFailure::TextLeft,
                _ => FastOpenFailure::SynResent,
            });
        }
        if !self.opening.syn_text_taken {
            self.end_watch(FastOpenOutcome::Refused);
        }
        (self.recovery).on_syn_text_left(self.snd.una..self.snd.nxt);
    }

    /// The retransmission timer has expired.
    pub(super) fn watch_timeouts(&mut self) {
        if self.state == State::SynSent {
            self.end_watch(FastOpenOutcome::NoAnswer);
        } else if self.recovery.retries() >= BLACK_HOLE_TIMEOUTS {
            self.end_watch(FastOpenOutcome::BlackHole);
        }
    }

    /// Text has come from the peer.
    pub(super) fn watch_text(&mut self) {
        if self.opening.syn_text_taken {
            self.end_watch(FastOpenOutcome::Worked);
        }
        self.opening.is_watched = false;
    }

    /// The peer, or a host on the path, has reset the connection.
    pub(super) fn watch_reset(&mut self) {
        self.end_watch(FastOpenOutcome::BlackHole);
    }

    fn end_watch(&mut self, outcome: FastOpenOutcome) {
        if core::mem::take(&mut self.opening.is_watched) {
            self.opening.outcome = Some(outcome);
        }
    }

    /// Takes the outcome of Fast Open.
    pub fn take_fast_open_outcome(&mut self) -> Option<FastOpenOutcome> {
        self.opening.outcome.take()
    }
}
