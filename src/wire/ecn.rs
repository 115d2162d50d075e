//! The ECN field of the IP header (RFC 3168 §5): the low two bits of the traffic class.

use core::fmt;

/// What the ECN field says: whether the transport understands congestion marks, and whether the
/// network has set one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Not-ECT: a router that is congested drops the datagram.
    #[default]
    NotEct,
    /// ECT(1): ECN-capable; since RFC 9331, of a transport for low latency.
    Ect1,
    /// ECT(0): ECN-capable.
    Ect0,
    /// CE: congestion experienced.
    Ce,
}

impl Ecn {
    /// Every codepoint, as the field numbers them.
    pub const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

    /// The codepoint in a traffic class (IPv6) or type of service (IPv4).
    pub const fn of(traffic_class: u8) -> Ecn {
        Ecn::ALL[(traffic_class & 0b11) as usize]
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Ecn::NotEct => 0b00,
            Ecn::Ect1 => 0b01,
            Ecn::Ect0 => 0b10,
            Ecn::Ce => 0b11,
        }
    }

    /// The traffic class with the six DSCP bits of `traffic_class` and this codepoint.
    pub const fn on(self, traffic_class: u8) -> u8 {
        traffic_class & !0b11 | self.bits()
    }

    /// Whether a router may mark the datagram instead of dropping it, or one has.
    pub const fn is_capable(self) -> bool {
        !matches!(self, Ecn::NotEct)
    }
}

/// As the RFC writes it.
impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ecn::NotEct => "Not-ECT",
            Ecn::Ect1 => "ECT(1)",
            Ecn::Ect0 => "ECT(0)",
            Ecn::Ce => "CE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3168, figure 1.
    #[test]
    fn every_traffic_class_has_a_codepoint() {
        for class in 0..=255u8 {
            let expected = match class % 4 {
                0b00 => (Ecn::NotEct, "Not-ECT", false),
                0b01 => (Ecn::Ect1, "ECT(1)", true),
                0b10 => (Ecn::Ect0, "ECT(0)", true),
                _ => (Ecn::Ce, "CE", true),
            };
            let ecn = Ecn::of(class);
            assert_eq!((ecn, &*ecn.to_string(), ecn.is_capable()), expected);
            assert_eq!(ecn.on(class), class);
            for other in Ecn::ALL {
                assert_eq!(other.on(class), class & 0xfc | other.bits());
                assert_eq!(Ecn::of(other.on(class)), other);
            }
        }
    }
}
