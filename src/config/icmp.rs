//! Which ICMP errors are believed.

/// Differences from RFC 5927 in which ICMP errors about a connection are believed. By default all are off; Linux
/// has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IcmpTrust {
    /// An error may also quote SND.NXT, which has not been sent yet. Off, it must quote something in flight (RFC
    /// 5927 §4). Default off.
    pub next_place: bool,
    /// An error that says that the peer cannot be reached silently ends a passive handshake. Any error ends a
    /// simultaneous open. Off, none does (RFC 9293 MUST-56). Default off.
    pub ends_handshakes: bool,
    /// Over IPv4, "fragment reassembly time exceeded" is ignored, because the segment is retransmitted anyway. Off,
    /// it is an error like others (RFC 1122 §4.2.3.9). Default off.
    pub doubts_reassembly: bool,
    /// Over IPv4, a path MTU below 552 octets counts as 552. An error may also quote a SYN, although that is shorter than
    /// the reported MTU. A path MTU that is enough for all that we send is remembered for the destination. Off, all of
    /// these are ignored (RFC 5927 §7.2 gives reasons). Default off.
    pub any_path_mtu: bool,
    /// An error is forgotten when an acknowledgment arrives, even of nothing new, except one that only accompanies text
    /// in order. Off, only an acknowledgment of something new shows that the path works (RFC 1122 §4.2.3.9). Default off.
    pub ends_with_any_ack: bool,
    /// An error that says, of the segment at SND.UNA, that its network or host is unreachable undoes one doubling
    /// of the timeout (RFC 6069, which is experimental). Default off.
    pub unreachable_undoes_back_off: bool,
}
