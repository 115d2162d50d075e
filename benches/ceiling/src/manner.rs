//! How the program treats its connections, as the command line says.

use bench_tun::Kind;

/// How connections are served.
#[derive(Clone, Copy)]
pub struct Manner {
    pub kind: Kind,
    /// How many segments one acknowledgment is for.
    pub every: u32,
    /// The most that may be in flight on a connection, either way, in octets, if not the usual.
    pub flight: Option<u32>,
    /// Text is copied to and from a user, as behind any socket.
    pub copies: bool,
}
