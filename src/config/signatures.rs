//! TCP MD5 signatures (RFC 2385): whose segments are signed, and with which key.

use core::fmt;
use core::net::IpAddr;
use std::sync::Arc;

/// A key that two hosts share: 1 to 80 octets.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureKey(Arc<[u8]>);

impl SignatureKey {
    /// The most octets of a key: the minimum that RFC 2385 §4.5 requires, and the maximum of Linux.
    pub const MAX: usize = 80;

    /// A key of these octets; `None` if there are none, or too many.
    pub fn new(octets: &[u8]) -> Option<SignatureKey> {
        let fits = (1..=SignatureKey::MAX).contains(&octets.len());
        fits.then(|| SignatureKey(octets.into()))
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// A key is a secret: it is not shown.
impl fmt::Debug for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureKey")
    }
}

/// The key for the hosts of one network.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shared {
    /// All bits behind the prefix are zero.
    network: IpAddr,
    prefix: u8,
    key: SignatureKey,
}

impl Shared {
    fn is_for(&self, peer: IpAddr) -> bool {
        network_of(peer, self.prefix) == Some(self.network)
    }
}

/// Why a key was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureKeyError {
    /// An address does not have that many bits.
    Prefix,
    /// There are [`SignatureKeys::MOST`] already.
    TooMany,
}

impl fmt::Display for SignatureKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureKeyError::Prefix => "an address has not so many bits",
            SignatureKeyError::TooMany => "there is no room for another key",
        })
    }
}

impl std::error::Error for SignatureKeyError {}

/// The keys of a connection or a listener, by the addresses of peers. Segments to a peer with a key
/// are signed, and those from it are accepted only if they are signed; signed segments from any other
/// peer are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureKeys {
    /// Longer prefixes stand before shorter ones.
    keys: Arc<[Shared]>,
}

impl SignatureKeys {
    /// The most keys.
    pub const MOST: usize = 256;

    /// Whether there is no key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Sets the key of the hosts whose first `prefix` bits are those of `network`, and replaces a
    /// previous key of the same network. If a host is in several networks, the smallest counts.
    ///
    /// # Errors
    /// If the prefix is longer than the address, or there is no room.
    pub fn set(
        &mut self,
        network: IpAddr,
        prefix: u8,
        key: SignatureKey,
    ) -> Result<(), SignatureKeyError> {
        let network = network_of(network, prefix).ok_or(SignatureKeyError::Prefix)?;
        let mut keys: Vec<Shared> = self.others(network, prefix);
        if keys.len() >= SignatureKeys::MOST {
            return Err(SignatureKeyError::TooMany);
        }
        let at = keys.partition_point(|shared| shared.prefix >= prefix);
        let shared = Shared {
            network,
            prefix,
            key,
        };
        keys.insert(at, shared);
        self.keys = keys.into();
        Ok(())
    }

    /// The key of one host: as [`SignatureKeys::set`] with all bits of its address.
    ///
    /// # Errors
    /// If there is no room.
    pub fn set_host(&mut self, host: IpAddr, key: SignatureKey) -> Result<(), SignatureKeyError> {
        self.set(host, bits(host), key)
    }

    /// Removes the key of a network. Returns whether it had one.
    pub fn remove(&mut self, network: IpAddr, prefix: u8) -> bool {
        let Some(network) = network_of(network, prefix) else {
            return false;
        };
        let others = self.others(network, prefix);
        let is_there = others.len() < self.keys.len();
        self.keys = others.into();
        is_there
    }

    /// The key for a peer.
    pub fn find(&self, peer: IpAddr) -> Option<&SignatureKey> {
        let shared = self.keys.iter().find(|shared| shared.is_for(peer));
        shared.map(|shared| &shared.key)
    }

    /// All keys except that of one network.
    fn others(&self, network: IpAddr, prefix: u8) -> Vec<Shared> {
        let all = self.keys.iter();
        all.filter(|it| (it.network, it.prefix) != (network, prefix))
            .cloned()
            .collect()
    }
}

/// How many bits an address has.
fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The first bits of an address, zeros behind them; `None` if it does not have that many.
fn network_of(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let behind = u32::from(bits(address).checked_sub(prefix)?);
    Some(match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SignatureKey {
        SignatureKey::new(text.as_bytes()).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_smallest_network_counts() {
        let mut keys = SignatureKeys::default();
        for (network, prefix, text) in [
            ("10.0.0.0", 8, "net"),
            ("10.1.2.3", 32, "host"),
            ("10.1.255.255", 16, "subnet"),
            ("0.0.0.0", 0, "all"),
            ("fd00::", 64, "six"),
        ] {
            keys.set(ip(network), prefix, key(text)).unwrap();
        }
        for (peer, text) in [
            ("10.1.2.3", "host"),
            ("10.1.2.4", "subnet"),
            ("10.2.2.4", "net"),
            ("11.2.2.4", "all"),
            ("fd00::5", "six"),
        ] {
            assert_eq!(keys.find(ip(peer)), Some(&key(text)), "{peer}");
        }
        assert_eq!(keys.find(ip("fd00:0:0:1::5")), None);
        assert!(keys.remove(ip("10.1.9.9"), 16));
        assert!(!keys.remove(ip("10.1.9.9"), 16));
        assert_eq!(keys.find(ip("10.1.2.4")), Some(&key("net")));
    }

    #[test]
    fn a_network_has_one_key_and_there_is_room_for_so_many() {
        let mut keys = SignatureKeys::default();
        for number in 0..SignatureKeys::MOST as u32 {
            keys.set_host(IpAddr::V4(number.into()), key("k")).unwrap();
        }
        let more = keys.set(ip("10.0.0.0"), 24, key("k"));
        assert_eq!(more, Err(SignatureKeyError::TooMany));
        keys.set_host(ip("0.0.0.7"), key("other")).unwrap();
        assert_eq!(keys.find(ip("0.0.0.7")), Some(&key("other")));
        let none = keys.set(ip("10.0.0.0"), 33, key("k"));
        assert_eq!(none, Err(SignatureKeyError::Prefix));
        assert!(!keys.remove(ip("10.0.0.0"), 33));
    }

    /// `Debug` shows nothing of a key.
    #[test]
    fn a_key_is_not_shown() {
        let mut keys = SignatureKeys::default();
        keys.set_host(ip("10.0.0.1"), key("secret")).unwrap();
        let shown = format!("{keys:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("115"),
            "{shown}"
        );
        assert_eq!(SignatureKey::new(&[]), None);
        assert_eq!(SignatureKey::new(&[0; 81]), None);
        assert!(SignatureKey::new(&[0; 80]).is_some());
    }
}
