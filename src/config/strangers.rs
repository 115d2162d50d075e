//! What is told to those who have no connection.

/// How segments are answered that belong to no connection, or to none that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strangers {
    /// Who ends a handshake when no other connection can wait to be accepted is reset, as in FreeBSD, and in Linux
    /// if it is asked to. Off, the acknowledgment is ignored, and the SYN-ACK comes again. Default off.
    pub resets_overflows: bool,
    /// And a SYN that comes then is answered, as in FreeBSD. Off, it is ignored, as in Linux. Default off.
    pub takes_overflows: bool,
    /// What a segment for a port is told on which nobody listens. Default [`ClosedPorts::Reset`].
    pub closed_ports: ClosedPorts,
    /// A SYN with a FIN opens nothing: nobody sends it but to probe or to confuse. Off, its FIN does not
    /// count, as in FreeBSD. Default on.
    pub drops_syn_fin: bool,
}

impl Default for Strangers {
    fn default() -> Strangers {
        Strangers {
            resets_overflows: false,
            takes_overflows: false,
            closed_ports: ClosedPorts::Reset,
            drops_syn_fin: true,
        }
    }
}

/// What comes back from a port on which nobody listens (RFC 9293 §3.10.7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClosedPorts {
    /// A reset.
    #[default]
    Reset,
    /// Nothing to a SYN, and otherwise a reset: who looks for open ports waits.
    IgnoreSyn,
    /// Nothing.
    Ignore,
}
