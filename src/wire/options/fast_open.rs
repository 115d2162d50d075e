//! The Fast Open option (RFC 7413 §4.1.1): a cookie, or the request of one.

use core::fmt;

/// A cookie of TCP Fast Open: an even number of octets, 4 to 16.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cookie {
    octets: [u8; Cookie::MAX],
    len: u8,
}

impl Cookie {
    /// The most octets.
    pub const MAX: usize = 16;
    /// The fewest.
    pub const MIN: usize = 4;

    /// A cookie of these octets; `None` if the length is invalid.
    pub fn new(octets: &[u8]) -> Option<Cookie> {
        let len = octets.len();
        if !(Cookie::MIN..=Cookie::MAX).contains(&len) || len % 2 == 1 {
            return None;
        }
        let mut cookie = Cookie {
            octets: [0; Cookie::MAX],
            len: len as u8,
        };
        cookie.octets[..len].copy_from_slice(octets);
        Some(cookie)
    }

    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }
}

impl From<[u8; 8]> for Cookie {
    fn from(eight: [u8; 8]) -> Cookie {
        let mut octets = [0; Cookie::MAX];
        octets[..8].copy_from_slice(&eight);
        Cookie { octets, len: 8 }
    }
}

/// In hexadecimal digits.
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut octets = self.as_slice().iter();
        octets.try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A Fast Open option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FastOpen {
    /// The cookie; `None` asks for one.
    pub cookie: Option<Cookie>,
    /// It has the kind for experiments, 254, with the magic number 0xF989 in front (RFC 6994), as
    /// before the option had a kind of its own.
    pub experimental: bool,
}

/// What marks an option of kind 254 as one of Fast Open.
pub(super) const EXPERIMENT: [u8; 2] = [0xf9, 0x89];

impl FastOpen {
    /// Parses what follows kind and length; `None` if no cookie has that length.
    pub(super) fn read(octets: &[u8], experimental: bool) -> Option<FastOpen> {
        let cookie = match octets {
            [] => None,
            octets => Some(Cookie::new(octets)?),
        };
        Some(FastOpen {
            cookie,
            experimental,
        })
    }

    /// Octets of the cookie.
    pub(super) fn cookie_octets(&self) -> &[u8] {
        self.cookie.as_ref().map_or(&[], Cookie::as_slice)
    }

    /// The length of the option in octets, without padding.
    pub(super) fn len(&self) -> usize {
        let marks = if self.experimental { 4 } else { 2 };
        marks + self.cookie_octets().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::super::{
        AccurateEcn, ByteCounters, CounterOrder, Options, SackBlock, SackBlocks, Timestamps,
    };
    use super::*;

    fn option(cookie: &[u8], experimental: bool) -> Options {
        Options {
            fast_open: Some(FastOpen {
                cookie: Cookie::new(cookie),
                experimental,
            }),
            ..Options::default()
        }
    }

    /// RFC 7413 §4.1.1, and appendix A.2 on its predecessor.
    #[test]
    fn a_request_and_a_cookie_as_they_stand_in_a_header() {
        assert_eq!(written(option(&[], false)), [34, 2, 1, 1]);
        assert_eq!(
            written(option(&[1, 2, 3, 4, 5, 6, 7, 8], false)),
            [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1]
        );
        assert_eq!(written(option(&[], true)), [254, 4, 0xf9, 0x89]);
        assert_eq!(
            written(option(&[1, 2, 3, 4, 5, 6], true)),
            [254, 10, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 1, 1]
        );
    }

    /// RFC 7413 §4.1.1: an option of an invalid length is ignored.
    #[test]
    fn a_cookie_has_an_even_length_from_4_to_16() {
        for len in 0..=38usize {
            let cookie: Vec<u8> = (0..len as u8).collect();
            let good = len == 0 || (4..=16).contains(&len) && len.is_multiple_of(2);
            for experimental in [false, true] {
                let mut bytes = match experimental {
                    true => vec![254, len as u8 + 4, 0xf9, 0x89],
                    false => vec![34, len as u8 + 2],
                };
                bytes.extend(&cookie);
                let expected = match good {
                    true => option(&cookie, experimental),
                    false => Options::default(),
                };
                assert_eq!(Options::parse(&bytes), expected, "{bytes:?}");
            }
        }
        for other in [&[254, 2][..], &[254, 3, 0xf9], &[254, 4, 0xf9, 0x8a]] {
            assert_eq!(Options::parse(other), Options::default());
        }
    }

    /// Whatever else a SYN carries, the header has room for this option, or it is left out.
    #[test]
    fn an_option_without_room_is_left_out() {
        let full = |cookie: &[u8]| Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps::default()),
            ..option(cookie, false)
        };
        assert_eq!(full(&[7; 16]).wire_len(), Options::MAX_LEN);
        assert_eq!(Options::parse(&written(full(&[7; 16]))), full(&[7; 16]));
        let mut longer = option(&[7; 16], true);
        let mut sack = SackBlocks::default();
        sack.push(SackBlock { left: 1, right: 2 });
        sack.push(SackBlock { left: 3, right: 4 });
        sack.push(SackBlock { left: 5, right: 6 });
        longer.sack = sack;
        let read = Options::parse(&written(longer));
        assert_eq!((read.fast_open, read.sack.len()), (longer.fast_open, 2));
        longer.mss = Some(1);
        longer.window_scale = Some(1);
        longer.timestamps = Some(Timestamps::default());
        assert_eq!(Options::parse(&written(longer)).fast_open, longer.fast_open);
        longer.accurate_ecn = Some(AccurateEcn::new(
            CounterOrder::E0First,
            ByteCounters::default(),
            3,
        ));
        assert_eq!(Options::parse(&written(longer)).fast_open, None);
    }
}
