//! The reasons for which a segment is not used: what RFC 9293 §3.10.7 drops, and what other RFCs
//! drop.

/// Why a segment, or the rest of it, was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discard {
    /// The connection is closed.
    Closed,
    /// It lies outside the window (§3.10.7.4, first).
    NotAcceptable,
    /// Its timestamp is older than the last one (RFC 7323 §5.3), or missing where it is required (§3.2).
    Paws,
    /// The peer's SYN came again.
    RepeatedSyn,
    /// A reset outside the window, or in TIME-WAIT (RFC 1337).
    ResetIgnored,
    /// A reset in the window, but not at its left edge (RFC 5961 §3).
    ResetChallenged,
    /// It reset the connection.
    Reset,
    /// A SYN in a synchronized state (RFC 5961 §4).
    SynChallenged,
    /// A SYN that has ended the connection, and is answered like a stranger's.
    SynRefused,
    /// In SYN-SENT: it is neither SYN nor RST (§3.10.7.3, fifth).
    NoSyn,
    /// It has no ACK.
    NoAck,
    /// It acknowledges what was never sent, or lies too far back (RFC 5961 §5).
    BadAck,
    /// It would end a handshake that waits for text.
    Deferred,
    /// Text for a user that has closed (RFC 9293 §3.6.1, SHLD-3): the connection was reset.
    TextAfterClose,
    /// Text that goes on beyond the peer's FIN: the connection was reset.
    TextBeyondFin,
    /// It ended the connection: the acknowledgment of the last FIN.
    Finished,
    /// There was no memory for its text.
    NoMemory,
    /// It is not signed, and its peer has a key (RFC 2385).
    Unsigned,
    /// It is signed, and its peer has no key.
    SignatureUnexpected,
    /// It is signed with another key, or was changed on its way.
    SignatureWrong,
    /// It came from farther away than allowed (RFC 5082).
    TooFar,
}

impl Discard {
    /// Every reason.
    pub const ALL: [Discard; 21] = [
        Discard::Closed,
        Discard::NotAcceptable,
        Discard::Paws,
        Discard::RepeatedSyn,
        Discard::ResetIgnored,
        Discard::ResetChallenged,
        Discard::Reset,
        Discard::SynChallenged,
        Discard::SynRefused,
        Discard::NoSyn,
        Discard::NoAck,
        Discard::BadAck,
        Discard::Deferred,
        Discard::TextAfterClose,
        Discard::TextBeyondFin,
        Discard::Finished,
        Discard::NoMemory,
        Discard::Unsigned,
        Discard::SignatureUnexpected,
        Discard::SignatureWrong,
        Discard::TooFar,
    ];
}
