//! The meaning of an ICMP error of either family.

/// What happened to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpError {
    /// It did not reach its destination.
    Unreachable(Unreachable),
    /// It is too long for a link on the way, and may not be fragmented (RFC 1191, RFC 8201).
    PacketTooBig {
        /// The longest datagram that the link takes, in octets; 0 if an old router does not say.
        mtu: u32,
    },
    /// It took too long: its hop limit was exceeded on the way.
    HopLimitExceeded,
    /// It took too long: fragments were missing at the receiver.
    ReassemblyTimeExceeded,
    /// A host or router could not process it.
    ParameterProblem {
        /// IPv6: 0, wrong field; 1, unknown next header; 2, unknown option; 3, a first fragment
        /// without its whole header chain. IPv4: 0.
        code: u8,
        /// The octet of the datagram where the problem is.
        pointer: u32,
    },
    /// ICMPv6: an error that this host does not know (RFC 4443 §2.4 (a)).
    Unknown {
        /// The type field, below 128.
        kind: u8,
        /// The code field.
        code: u8,
    },
}

/// Why a datagram did not reach its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreachable {
    /// No route to the network.
    Network,
    /// The host does not answer its router.
    Host,
    /// The host does not support the protocol (IPv4 only).
    Protocol,
    /// No socket uses the port.
    Port,
    /// The source route failed (IPv4 only).
    SourceRouteFailed,
    /// The network is unknown (IPv4 only).
    NetworkUnknown,
    /// The host is unknown (IPv4 only).
    HostUnknown,
    /// The source is isolated (IPv4 only, obsolete).
    SourceHostIsolated,
    /// The network is prohibited (IPv4 only).
    NetworkProhibited,
    /// The host is prohibited (IPv4 only).
    HostProhibited,
    /// The network is unreachable with this type of service (IPv4 only).
    NetworkTypeOfService,
    /// The host is unreachable with this type of service (IPv4 only).
    HostTypeOfService,
    /// A filter prohibits it.
    Prohibited,
    /// Host precedence violation (IPv4 only).
    HostPrecedence,
    /// Precedence cutoff in effect (IPv4 only).
    PrecedenceCutoff,
    /// Beyond the scope of the source address (IPv6 only).
    BeyondScope,
    /// The source address failed ingress or egress policy (IPv6 only).
    SourcePolicy,
    /// The route to the destination rejects (IPv6 only).
    RejectRoute,
}

impl Unreachable {
    /// Codes of ICMPv4 type 3; code 4 is [`IcmpError::PacketTooBig`].
    pub(super) const V4: [(u8, Unreachable); 15] = [
        (0, Unreachable::Network),
        (1, Unreachable::Host),
        (2, Unreachable::Protocol),
        (3, Unreachable::Port),
        (5, Unreachable::SourceRouteFailed),
        (6, Unreachable::NetworkUnknown),
        (7, Unreachable::HostUnknown),
        (8, Unreachable::SourceHostIsolated),
        (9, Unreachable::NetworkProhibited),
        (10, Unreachable::HostProhibited),
        (11, Unreachable::NetworkTypeOfService),
        (12, Unreachable::HostTypeOfService),
        (13, Unreachable::Prohibited),
        (14, Unreachable::HostPrecedence),
        (15, Unreachable::PrecedenceCutoff),
    ];

    /// Codes of ICMPv6 type 1.
    pub(super) const V6: [(u8, Unreachable); 7] = [
        (0, Unreachable::Network),
        (1, Unreachable::Prohibited),
        (2, Unreachable::BeyondScope),
        (3, Unreachable::Host),
        (4, Unreachable::Port),
        (5, Unreachable::SourcePolicy),
        (6, Unreachable::RejectRoute),
    ];

    pub(super) fn from_code(codes: &[(u8, Unreachable)], code: u8) -> Option<Unreachable> {
        let (_, unreachable) = codes.iter().find(|(number, _)| *number == code)?;
        Some(*unreachable)
    }

    pub(super) fn code(self, codes: &[(u8, Unreachable)]) -> Option<u8> {
        let (code, _) = codes.iter().find(|(_, unreachable)| *unreachable == self)?;
        Some(*code)
    }
}
