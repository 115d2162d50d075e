//! An address with the length of its network's prefix.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};
use core::str::FromStr;

/// An interface address with the length of its network's prefix: `192.0.2.1/24`, `fd00::1/64`.
///
/// ```
/// use stubborn::tun::Cidr;
///
/// let cidr: Cidr = "fd00::1/64".parse()?;
/// assert_eq!(cidr.prefix_len(), 64);
/// assert!("192.0.2.1/33".parse::<Cidr>().is_err());
/// # Ok::<(), stubborn::tun::CidrError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix_len: u8,
}

impl Cidr {
    /// The address `address` in a network whose prefix has `prefix_len` bits.
    ///
    /// # Errors
    /// If the prefix is longer than the address (32 or 128 bits).
    pub fn new(address: IpAddr, prefix_len: u8) -> Result<Cidr, CidrError> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        if prefix_len > most {
            return Err(CidrError::PrefixTooLong { prefix_len, most });
        }
        Ok(Cidr {
            address,
            prefix_len,
        })
    }

    /// The address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The broadcast address of the network (RFC 922 §7). There is none with IPv6, nor in a network of one
    /// or two addresses (RFC 3021 §2.2).
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(v4) if self.prefix_len < 31 => {
                let hosts = u32::MAX >> self.prefix_len;
                Some(Ipv4Addr::from_bits(v4.to_bits() | hosts))
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }

    /// The length of the prefix, in bits.
    pub fn prefix_len(&self) -> u8 {
        self.prefix_len
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let (address, prefix_len) = text.split_once('/').ok_or(CidrError::NoPrefix)?;
        let address = address.parse().map_err(|_| CidrError::Address)?;
        let prefix_len = prefix_len.parse().map_err(|_| CidrError::Prefix)?;
        Cidr::new(address, prefix_len)
    }
}

/// Why a text is not an address with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CidrError {
    /// There is no `/`.
    NoPrefix,
    /// What stands before the `/` is not an IPv4 or IPv6 address.
    Address,
    /// What stands after the `/` is not a number from 0 to 255.
    Prefix,
    /// The prefix is longer than the address.
    PrefixTooLong {
        /// The length asked for, bits.
        prefix_len: u8,
        /// The length of the address, bits.
        most: u8,
    },
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CidrError::NoPrefix => {
                f.write_str("a prefix length is missing: write 192.0.2.1/24 or fd00::1/64")
            }
            CidrError::Address => f.write_str("the part before / is not an IP address"),
            CidrError::Prefix => f.write_str("the part after / is not a prefix length"),
            CidrError::PrefixTooLong { prefix_len, most } => {
                write!(f, "a prefix length of {prefix_len} is above {most}")
            }
        }
    }
}

impl std::error::Error for CidrError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_both_families() {
        for text in ["192.0.2.1/24", "0.0.0.0/0", "fd00::1/64", "::1/128"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_network_has_an_address_for_all_of_its_hosts() {
        for (cidr, all) in [
            ("192.0.2.1/24", Some([192, 0, 2, 255])),
            ("10.1.2.3/30", Some([10, 1, 2, 3])),
            ("10.1.2.3/8", Some([10, 255, 255, 255])),
            ("10.1.2.3/31", None),
            ("10.1.2.3/32", None),
            ("fd00::1/64", None),
        ] {
            let cidr: Cidr = cidr.parse().unwrap();
            assert_eq!(cidr.broadcast(), all.map(Ipv4Addr::from));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("192.0.2.1", CidrError::NoPrefix),
            ("192.0.2/24", CidrError::Address),
            ("192.0.2.1/", CidrError::Prefix),
            ("192.0.2.1/-1", CidrError::Prefix),
            (
                "192.0.2.1/33",
                CidrError::PrefixTooLong {
                    prefix_len: 33,
                    most: 32,
                },
            ),
            (
                "::1/129",
                CidrError::PrefixTooLong {
                    prefix_len: 129,
                    most: 128,
                },
            ),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(error), "{text}");
        }
    }
}
