//! The three ways to run a script.

use core::fmt;

/// Which family a script runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// IPv4 sockets, IPv4 packets.
    Ipv4,
    /// IPv6 sockets, IPv6 packets.
    Ipv6,
    /// IPv6 sockets with mapped addresses, IPv4 packets.
    Ipv4MappedIpv6,
}

impl Variant {
    /// All three.
    pub const ALL: [Variant; 3] = [Variant::Ipv4, Variant::Ipv6, Variant::Ipv4MappedIpv6];

    /// The variant with this name, as in options.
    pub fn from_name(name: &str) -> Option<Variant> {
        let name = name.replace('_', "-");
        Variant::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its name, as in options.
    pub const fn name(self) -> &'static str {
        match self {
            Variant::Ipv4 => "ipv4",
            Variant::Ipv6 => "ipv6",
            Variant::Ipv4MappedIpv6 => "ipv4-mapped-ipv6",
        }
    }

    /// Whether its packets are IPv6.
    pub const fn is_ipv6(self) -> bool {
        matches!(self, Variant::Ipv6)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
