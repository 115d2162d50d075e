//! How far ICMP is believed.

/// What ICMP errors about a connection are believed, beyond those that RFC 5927 believes, or are not.
/// Each default is the RFCs'; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IcmpTrust {
    /// An error may quote SND.NXT, which has not been sent yet. RFC 5927 §4 wants what is in flight.
    /// Default off.
    pub next_place: bool,
    /// An error that says that the peer cannot be reached ends a passive handshake without a word.
    /// RFC 9293 MUST-56 lets none of them do so. Default off.
    pub ends_handshakes: bool,
    /// Over IPv4, that a host has waited for fragments in vain says nothing: what they were part of is sent
    /// again. Off, it is an error as others are (RFC 1122 §4.2.3.9). Default off.
    pub doubts_reassembly: bool,
    /// Over IPv4, a path MTU below the least, 552 octets, counts as the least; and a SYN in flight is
    /// enough for one to be believed, though it is shorter than that. RFC 5927 §7.2 has reasons for
    /// neither. Default off.
    pub any_path_mtu: bool,
}
