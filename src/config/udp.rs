//! UDP sockets.

use super::FlowLabel;

/// How UDP sockets behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// The most octets of text that wait to be received, and the most datagrams; what comes beyond
    /// is dropped and counted. One datagram is taken however long it is. Default 512 KiB.
    pub receive_buffer: usize,
    /// See `receive_buffer`; 0 counts as 1. Default 1,024.
    pub receive_datagrams: usize,
    /// The most octets of text that wait to leave, and the most datagrams; beyond it a send waits.
    /// One datagram is taken however long it is. Default 256 KiB.
    pub send_buffer: usize,
    /// See `send_buffer`; 0 counts as 1. Default 256.
    pub send_datagrams: usize,
    /// What the user may change on a socket.
    pub socket: UdpOptions,
}

impl Default for UdpConfig {
    fn default() -> UdpConfig {
        UdpConfig {
            receive_buffer: 512 * 1024,
            receive_datagrams: 1_024,
            send_buffer: 256 * 1024,
            send_datagrams: 256,
            socket: UdpOptions::default(),
        }
    }
}

/// What the user of a UDP socket may change while it lives (RFC 1122 §4.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UdpOptions {
    /// TTL or hop limit of what is sent; `None`: that of the host. Default `None`.
    pub hop_limit: Option<u8>,
    /// The six DSCP bits and two ECN bits of what is sent. Default 0.
    pub traffic_class: u8,
    /// Which flow label packets of IPv6 have. Default [`FlowLabel::Constant`].
    pub flow_label: FlowLabel,
    /// What is longer than the MTU has room for is sent in fragments, up to 65,507 octets of text
    /// over IPv4 and 65,527 over IPv6. Off, it is refused: of what goes in fragments, one that is lost
    /// loses all (RFC 8085 §3.2). Default off.
    pub fragments: bool,
}
