//! UDP and echo sockets.

use super::FlowLabel;

/// How UDP sockets behave, and echo sockets, which are their like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// The most octets of text that may wait to be received on one socket. Beyond it, datagrams are
    /// dropped and counted; but an empty queue takes one of any length. Default 512 KiB.
    pub receive_buffer: usize,
    /// The most datagrams that may wait to be received on one socket; 0 counts as 1. Default 1,024.
    pub receive_datagrams: usize,
    /// The most octets of text that may wait to be sent on one socket. Beyond it, a send blocks;
    /// but an empty queue takes one datagram of any length. Default 256 KiB.
    pub send_buffer: usize,
    /// The most datagrams that may wait to be sent on one socket; 0 counts as 1. Default 256.
    pub send_datagrams: usize,
    /// The options that a user may change on an open socket.
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

/// The options that a user may change on an open UDP or echo socket (RFC 1122 §4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UdpOptions {
    /// TTL or hop limit of the datagrams. `None`: that of the host. Default `None`.
    pub hop_limit: Option<u8>,
    /// The traffic class of the datagrams: six bits of DSCP, two of ECN. Default 0.
    pub traffic_class: u8,
    /// The flow label of IPv6 packets. Default [`FlowLabel::Constant`].
    pub flow_label: FlowLabel,
    /// Datagrams that exceed the MTU are sent in fragments, up to 65,507 octets of text
    /// over IPv4 and 65,527 over IPv6. Off, they are refused, because the loss of one fragment
    /// loses the whole datagram (RFC 8085 §3.2). Default off.
    pub fragments: bool,
    /// The most memory that datagrams waiting to be received take, counted as Linux counts packets from a
    /// TUN device: at least 832 octets each. An empty queue takes one of any length. `None`: only what
    /// [`UdpConfig`] says. Default `None`.
    pub receive_buffer: Option<usize>,
    /// ICMP reports of a path MTU count: a longer datagram is refused, or sent in smaller fragments. Off,
    /// only the MTU of the interface counts, because such a report proves nothing: anyone who knows the
    /// ports can forge one. Default off.
    pub path_mtu: bool,
    /// The next call on a connected socket fails, once, if a router reports that a datagram was too long
    /// for a link. Off, the report is returned only on request. Default off.
    pub tells_too_long: bool,
    /// ICMP errors make calls fail: those that are likely to last, of a connected UDP socket; all, of an echo socket.
    /// Off, they are only returned on request ([`Stack::udp_take_error`](crate::stack::Stack::udp_take_error),
    /// [`Stack::poll_icmp`](crate::stack::Stack::poll_icmp)). Default on.
    pub fails_calls: bool,
    /// Datagrams may be broadcast (RFC 1122 §3.3.6). Off, such a send is refused, because it is
    /// rarely intended. Broadcasts are received in any case. Default off.
    pub broadcast: bool,
    /// TTL or hop limit of datagrams to a group; 0: they do not leave the host. Default 1, so that no router
    /// passes them on (RFC 1112 §6.1).
    pub multicast_hop_limit: u8,
    /// What the socket sends to a group comes back to sockets of this host that hear it (RFC 1112 §6.1).
    /// Default on.
    pub multicast_loop: bool,
    /// The socket hears every group that some socket of the host has joined, as sockets of Linux do
    /// (`IP_MULTICAST_ALL`). Off, it hears those that it has joined itself. Default off.
    pub multicast_all: bool,
}

impl Default for UdpOptions {
    fn default() -> UdpOptions {
        UdpOptions {
            hop_limit: None,
            traffic_class: 0,
            flow_label: FlowLabel::default(),
            fragments: false,
            receive_buffer: None,
            path_mtu: false,
            tells_too_long: false,
            fails_calls: true,
            broadcast: false,
            multicast_hop_limit: 1,
            multicast_loop: true,
            multicast_all: false,
        }
    }
}
