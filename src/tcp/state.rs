//! The states of a connection (RFC 9293 §3.3.2, figure 5).
//!
//! ```text
//!                             +---------+ ---------\      active OPEN
//!                             |  CLOSED |            \    -----------
//!                             +---------+<---------\   \   snd SYN
//!                               |     ^              \   \
//!                  passive OPEN |     |   CLOSE        \   \
//!                               V     |                  \   \
//!                             +---------+            CLOSE |    \
//!                             |  LISTEN |                  |     |
//!                             +---------+                  |     |
//!                  rcv SYN      |     |     SEND           |     |
//!                -----------    |     |    -------         |     V
//! +--------+     snd SYN,ACK   /       \   snd SYN        +---------+
//! |        |<-----------------           ---------------->|         |
//! |  SYN   |                    rcv SYN                   |  SYN    |
//! |  RCVD  |<---------------------------------------------|  SENT   |
//! |        |                  snd SYN,ACK                 |         |
//! |        |------------------           -----------------|         |
//! +--------+   rcv ACK of SYN  \       /  rcv SYN,ACK     +---------+
//!    |         --------------   |     |   -----------
//!    |                x         |     |     snd ACK
//!    |                          V     V
//!    |  CLOSE                 +---------+
//!    | -------                |  ESTAB  |
//!    | snd FIN                +---------+
//!    |                 CLOSE    |     |    rcv FIN
//!    V                -------   |     |    -------
//! +---------+         snd FIN  /       \   snd ACK         +---------+
//! |  FIN    |<----------------          ------------------>|  CLOSE  |
//! | WAIT-1  |------------------                            |   WAIT  |
//! +---------+          rcv FIN  \                          +---------+
//!   | rcv ACK of FIN   -------   |                          CLOSE  |
//!   | --------------   snd ACK   |                         ------- |
//!   V        x                   V                         snd FIN V
//! +---------+               +---------+                    +---------+
//! |FINWAIT-2|               | CLOSING |                    | LAST-ACK|
//! +---------+               +---------+                    +---------+
//!   |              rcv ACK of FIN |                 rcv ACK of FIN |
//!   |  rcv FIN     -------------- |    Timeout=2MSL -------------- |
//!   |  -------            x       V    ------------        x       V
//!    \ snd ACK              +---------+delete TCB          +---------+
//!      -------------------->|TIME-WAIT|------------------->| CLOSED  |
//!                           +---------+                    +---------+
//! ```
//!
//! What the figure leaves out, and RFC 9293 §3.3.2 and §3.10 say in words, is in [`ARROWS`], too:
//! resets, ABORT, giving up, and a FIN that comes with the last part of the handshake.

use core::fmt;

/// The states of a connection, in the order in which RFC 9293 §3.3.2 names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waiting for a connection request from any remote TCP peer and port.
    Listen,
    /// Waiting for a matching connection request after having sent one.
    SynSent,
    /// Waiting for the acknowledgment of our request after having both received and sent one.
    SynReceived,
    /// An open connection.
    Established,
    /// Waiting for the peer's FIN, or for the acknowledgment of ours.
    FinWait1,
    /// Waiting for the peer's FIN.
    FinWait2,
    /// Waiting for the local user to close.
    CloseWait,
    /// Waiting for the acknowledgment of our FIN; the peer's has arrived.
    Closing,
    /// Waiting for the acknowledgment of our FIN, which also acknowledged the peer's.
    LastAck,
    /// Waiting until no old segment of this connection can be in the network.
    TimeWait,
    /// No connection.
    Closed,
}

/// What moves a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// OPEN, passive.
    PassiveOpen,
    /// OPEN, active.
    ActiveOpen,
    /// SEND on a connection in LISTEN.
    Send,
    /// CLOSE.
    Close,
    /// ABORT.
    Abort,
    /// A SYN without an acknowledgment of ours.
    RcvSyn,
    /// A SYN that acknowledges ours.
    RcvSynAck,
    /// The acknowledgment of our SYN.
    RcvAckOfSyn,
    /// The peer's FIN, everything before it received.
    RcvFin,
    /// The acknowledgment of our FIN.
    RcvAckOfFin,
    /// An acceptable reset.
    RcvRst,
    /// An acceptable reset, or a second SYN, while the handshake of a passive OPEN is under way.
    RcvRstPassive,
    /// The retransmission limit R2, the user timeout or an unanswered keepalive.
    GiveUp,
    /// Two maximum segment lifetimes have passed (or, in FIN-WAIT-2, the time that a connection
    /// which no user holds may wait for the peer's FIN).
    Timeout,
}

/// One arrow of the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrow {
    /// Where it starts.
    pub from: State,
    /// What must happen.
    pub event: Event,
    /// What is done on the way, in the figure's words; empty if nothing is sent.
    pub action: &'static str,
    /// Where it ends.
    pub to: State,
}

const fn arrow(from: State, event: Event, action: &'static str, to: State) -> Arrow {
    Arrow {
        from,
        event,
        action,
        to,
    }
}

/// Every arrow of the diagram: first those of figure 5, then those of §3.10's text.
pub const ARROWS: &[Arrow] = {
    use Event::*;
    use State::*;
    &[
        arrow(Closed, PassiveOpen, "create TCB", Listen),
        arrow(Closed, ActiveOpen, "create TCB, snd SYN", SynSent),
        arrow(Listen, Close, "delete TCB", Closed),
        arrow(Listen, RcvSyn, "snd SYN,ACK", SynReceived),
        arrow(Listen, Send, "snd SYN", SynSent),
        arrow(SynSent, Close, "delete TCB", Closed),
        arrow(SynSent, RcvSyn, "snd SYN,ACK", SynReceived),
        arrow(SynSent, RcvSynAck, "snd ACK", Established),
        arrow(SynReceived, RcvAckOfSyn, "", Established),
        arrow(SynReceived, Close, "snd FIN", FinWait1),
        arrow(SynReceived, RcvRstPassive, "", Listen),
        arrow(Established, Close, "snd FIN", FinWait1),
        arrow(Established, RcvFin, "snd ACK", CloseWait),
        arrow(FinWait1, RcvAckOfFin, "", FinWait2),
        arrow(FinWait1, RcvFin, "snd ACK", Closing),
        arrow(FinWait2, RcvFin, "snd ACK", TimeWait),
        arrow(CloseWait, Close, "snd FIN", LastAck),
        arrow(Closing, RcvAckOfFin, "", TimeWait),
        arrow(LastAck, RcvAckOfFin, "delete TCB", Closed),
        arrow(TimeWait, Timeout, "delete TCB", Closed),
        // §3.10.1: an active OPEN of a connection in LISTEN.
        arrow(Listen, ActiveOpen, "snd SYN", SynSent),
        // §3.10.7: resets.
        arrow(SynSent, RcvRst, "delete TCB", Closed),
        arrow(SynReceived, RcvRst, "delete TCB", Closed),
        arrow(Established, RcvRst, "delete TCB", Closed),
        arrow(FinWait1, RcvRst, "delete TCB", Closed),
        arrow(FinWait2, RcvRst, "delete TCB", Closed),
        arrow(CloseWait, RcvRst, "delete TCB", Closed),
        arrow(Closing, RcvRst, "delete TCB", Closed),
        arrow(LastAck, RcvRst, "delete TCB", Closed),
        // §3.10.5: ABORT.
        arrow(Listen, Abort, "delete TCB", Closed),
        arrow(SynSent, Abort, "delete TCB", Closed),
        arrow(SynReceived, Abort, "snd RST", Closed),
        arrow(Established, Abort, "snd RST", Closed),
        arrow(FinWait1, Abort, "snd RST", Closed),
        arrow(FinWait2, Abort, "snd RST", Closed),
        arrow(CloseWait, Abort, "snd RST", Closed),
        arrow(Closing, Abort, "delete TCB", Closed),
        arrow(LastAck, Abort, "delete TCB", Closed),
        arrow(TimeWait, Abort, "delete TCB", Closed),
        // §3.8.3, §3.8.4, §3.10.8: the peer does not answer any more.
        arrow(SynSent, GiveUp, "delete TCB", Closed),
        arrow(SynReceived, GiveUp, "delete TCB", Closed),
        arrow(Established, GiveUp, "delete TCB", Closed),
        arrow(FinWait1, GiveUp, "delete TCB", Closed),
        arrow(FinWait2, GiveUp, "delete TCB", Closed),
        arrow(CloseWait, GiveUp, "delete TCB", Closed),
        arrow(Closing, GiveUp, "delete TCB", Closed),
        arrow(LastAck, GiveUp, "delete TCB", Closed),
        // Not in the RFC: FIN-WAIT-2 without an end would let a silent peer hold memory for ever.
        arrow(FinWait2, Timeout, "delete TCB", Closed),
    ]
};

impl State {
    /// Every state.
    pub const ALL: [State; 11] = [
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
        State::Closed,
    ];

    /// Where `event` leads from here; `None` if the diagram has no such arrow.
    pub fn on(self, event: Event) -> Option<State> {
        ARROWS
            .iter()
            .find(|arrow| arrow.from == self && arrow.event == event)
            .map(|arrow| arrow.to)
    }

    /// ESTABLISHED and every later state but CLOSED: both sides know each other's sequence
    /// numbers.
    pub const fn is_synchronized(self) -> bool {
        match self {
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => true,
            State::Listen | State::SynSent | State::SynReceived | State::Closed => false,
        }
    }

    /// The peer has not sent its FIN: text and FIN may arrive (RFC 9293 §3.10.7.4, steps six and
    /// seven).
    pub const fn receives_text(self) -> bool {
        matches!(self, State::Established | State::FinWait1 | State::FinWait2)
    }

    /// The user has not closed: SEND takes data.
    pub const fn takes_data(self) -> bool {
        matches!(
            self,
            State::SynSent | State::SynReceived | State::Established | State::CloseWait
        )
    }

    /// Text and FIN of ours may leave, for the first time or again.
    pub const fn sends_text(self) -> bool {
        matches!(
            self,
            State::Established
                | State::FinWait1
                | State::CloseWait
                | State::Closing
                | State::LastAck
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
            State::Closed => "CLOSED",
        })
    }
}

/// In the figure's words.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Event::PassiveOpen => "passive OPEN",
            Event::ActiveOpen => "active OPEN",
            Event::Send => "SEND",
            Event::Close => "CLOSE",
            Event::Abort => "ABORT",
            Event::RcvSyn => "rcv SYN",
            Event::RcvSynAck => "rcv SYN,ACK",
            Event::RcvAckOfSyn => "rcv ACK of SYN",
            Event::RcvFin => "rcv FIN",
            Event::RcvAckOfFin => "rcv ACK of FIN",
            Event::RcvRst => "rcv RST",
            Event::RcvRstPassive => "rcv RST (after passive OPEN)",
            Event::GiveUp => "no answer",
            Event::Timeout => "Timeout=2MSL",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_arrows_start_alike() {
        for (index, one) in ARROWS.iter().enumerate() {
            for other in &ARROWS[index + 1..] {
                assert!(
                    (one.from, one.event) != (other.from, other.event),
                    "{one:?} and {other:?}"
                );
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_left() {
        for state in State::ALL {
            assert!(ARROWS.iter().any(|arrow| arrow.to == state), "{state}");
            assert!(ARROWS.iter().any(|arrow| arrow.from == state), "{state}");
        }
    }
}
