//! How segments that belong to no connection are answered.

/// How segments are answered that belong to no connection, or that cannot open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strangers {
    /// If the accept queue is full when a handshake ends, the peer is reset: as in FreeBSD, and in Linux if
    /// `tcp_abort_on_overflow` is set. Off, the acknowledgment is ignored, and the SYN-ACK is sent again. Default
    /// off.
    pub resets_overflows: bool,
    /// A SYN that arrives while the accept queue is full is answered, as in FreeBSD. Off, it is ignored, as in
    /// Linux. Default off.
    pub takes_overflows: bool,
    /// The most connections that wait at one listener of [`bsd`](crate::bsd), whatever backlog it asks
    /// for (`somaxconn`). Default 4,096.
    pub max_backlog: usize,
    /// How a segment for a port without a listener is answered. Default [`ClosedPorts::Reset`].
    pub closed_ports: ClosedPorts,
    /// A SYN with a FIN is dropped, because it is only sent to probe or confuse hosts. Off, its FIN is
    /// ignored, as in FreeBSD. Default on.
    pub drops_syn_fin: bool,
}

impl Default for Strangers {
    fn default() -> Strangers {
        Strangers {
            resets_overflows: false,
            takes_overflows: false,
            max_backlog: 4_096,
            closed_ports: ClosedPorts::Reset,
            drops_syn_fin: true,
        }
    }
}

/// The answer from a port without a listener (RFC 9293 §3.10.7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedPorts {
    /// A reset.
    #[default]
    Reset,
    /// None to a SYN, and a reset to anything else, which slows port scans down.
    IgnoreSyn,
    /// None.
    Ignore,
}
