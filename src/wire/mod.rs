//! Bytes to values and back: the door of the stack.
//!
//! Parsing ends here: behind this module there are only values that cannot be malformed. Nothing
//! in it has state or reads a clock, and no input makes it panic. `etherparse` lives here and
//! nowhere else.
//!
//! | file | what it reads and writes | where it is defined |
//! |---|---|---|
//! | [`checksum`] | the Internet checksum | RFC 1071 |
//! | [`ip`] | what IPv4 and IPv6 have in common | |
//! | [`ipv4`] | the IPv4 header | RFC 791 |
//! | [`ipv6`] | the IPv6 header and its chain of extension headers | RFC 8200 |
//! | [`icmp`] | ICMPv4 and ICMPv6: echo and errors | RFC 792, RFC 4443 |
//! | [`udp`] | the UDP header | RFC 768 |
//! | [`tcp`] | the TCP header | RFC 9293 §3.1 |
//! | [`options`] | TCP options | RFC 9293 §3.2, RFC 7323, RFC 2018 |
//! | [`packet`] | a datagram on its way out: header and borrowed text | |

pub mod options;
pub mod packet;
pub mod tcp;

pub use options::{Options, SackBlock, SackBlocks, Timestamps};
pub use packet::{Packet, Text};
pub use tcp::{Control, TcpHeader};
