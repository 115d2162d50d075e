//! What an ICMP error says, in the words of ping(8).

use stubborn::sockets::{IcmpError, Unreachable};

/// The words for an error of one family.
pub(super) fn of(error: IcmpError, is_ipv4: bool) -> String {
    match is_ipv4 {
        true => of_ipv4(error),
        false => of_ipv6(error),
    }
}

fn of_ipv4(error: IcmpError) -> String {
    match error {
        IcmpError::Unreachable(reason) => unreachable_over_ipv4(reason).to_owned(),
        IcmpError::PacketTooBig { mtu } => format!("Frag needed and DF set (mtu = {mtu})"),
        IcmpError::HopLimitExceeded => "Time to live exceeded".to_owned(),
        IcmpError::ReassemblyTimeExceeded => "Frag reassembly time exceeded".to_owned(),
        IcmpError::ParameterProblem { pointer, .. } => {
            format!("Parameter problem: pointer = {pointer}")
        }
        IcmpError::Unknown { kind, code } => unknown(kind, code),
    }
}

fn unreachable_over_ipv4(reason: Unreachable) -> &'static str {
    match reason {
        Unreachable::Network => "Destination Net Unreachable",
        Unreachable::Host => "Destination Host Unreachable",
        Unreachable::Protocol => "Destination Protocol Unreachable",
        Unreachable::Port => "Destination Port Unreachable",
        Unreachable::SourceRouteFailed => "Source Route Failed",
        Unreachable::NetworkUnknown => "Destination Net Unknown",
        Unreachable::HostUnknown => "Destination Host Unknown",
        Unreachable::SourceHostIsolated => "Source Host Isolated",
        Unreachable::NetworkProhibited => "Destination Net Prohibited",
        Unreachable::HostProhibited => "Destination Host Prohibited",
        Unreachable::NetworkTypeOfService => "Destination Net Unreachable for Type of Service",
        Unreachable::HostTypeOfService => "Destination Host Unreachable for Type of Service",
        Unreachable::Prohibited => "Packet filtered",
        Unreachable::HostPrecedence => "Precedence Violation",
        Unreachable::PrecedenceCutoff => "Precedence Cutoff",
        // IPv4 has none of these.
        Unreachable::BeyondScope | Unreachable::SourcePolicy | Unreachable::RejectRoute => {
            "Destination Unreachable"
        }
    }
}

fn of_ipv6(error: IcmpError) -> String {
    match error {
        IcmpError::Unreachable(reason) => {
            let why = match reason {
                Unreachable::Network => "No route",
                Unreachable::Prohibited => "Administratively prohibited",
                Unreachable::BeyondScope => "Beyond scope of source address",
                Unreachable::Host => "Address unreachable",
                Unreachable::Port => "Port unreachable",
                Unreachable::SourcePolicy => "Source address failed ingress/egress policy",
                Unreachable::RejectRoute => "Reject route to destination",
                _ => "Unknown code",
            };
            format!("Destination unreachable: {why}")
        }
        IcmpError::PacketTooBig { mtu } => format!("Packet too big: mtu={mtu}"),
        IcmpError::HopLimitExceeded => "Time exceeded: Hop limit".to_owned(),
        IcmpError::ReassemblyTimeExceeded => "Time exceeded: Defragmentation failure".to_owned(),
        IcmpError::ParameterProblem { code, pointer } => {
            let what = match code {
                0 => "Wrong header field",
                1 => "Unknown header",
                2 => "Unknown option",
                _ => "Header chain cut off",
            };
            format!("Parameter problem: {what} at {pointer}")
        }
        IcmpError::Unknown { kind, code } => unknown(kind, code),
    }
}

fn unknown(kind: u8, code: u8) -> String {
    format!("Unknown error: type {kind}, code {code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_the_words_of_their_family() {
        let rows = [
            (
                IcmpError::Unreachable(Unreachable::Port),
                "Destination Port Unreachable",
                "Destination unreachable: Port unreachable",
            ),
            (
                IcmpError::PacketTooBig { mtu: 1400 },
                "Frag needed and DF set (mtu = 1400)",
                "Packet too big: mtu=1400",
            ),
            (
                IcmpError::HopLimitExceeded,
                "Time to live exceeded",
                "Time exceeded: Hop limit",
            ),
        ];
        for (error, v4, v6) in rows {
            assert_eq!((of(error, true), of(error, false)), (v4.into(), v6.into()));
        }
    }
}
