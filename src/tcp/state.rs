//! The states of a connection (RFC 9293 §3.3.2, figure 5).

use core::fmt;

/// The states of a connection, in the order in which RFC 9293 §3.3.2 names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// Waiting for the acknowledgment of our FIN; the peer's has come.
    Closing,
    /// Waiting for the acknowledgment of our FIN, which also acknowledged the peer's.
    LastAck,
    /// Waiting until no old segment of this connection can be in the network.
    TimeWait,
    /// No connection.
    Closed,
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
