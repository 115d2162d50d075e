//! A link on the path with a limited MTU.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Arrival, Counts};
use crate::time::Instant;
use crate::wire::{IcmpError, icmp, ip};

/// What becomes of a datagram that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TooLong {
    /// It is dropped silently: a path MTU black hole (RFC 2923).
    Vanishes,
    /// Its sender gets an ICMP error with the MTU (RFC 1191, RFC 8201).
    IsReported,
}

/// A link with an MTU, which may change as routes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mtu {
    /// The MTUs, each with the time from which it holds; in order of time.
    steps: Vec<(Instant, usize)>,
    too_long: TooLong,
}

/// The source of the ICMP errors: documentation addresses (RFC 5737, RFC 3849).
const ROUTER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];
const HOP_LIMIT: u8 = 64;

impl Mtu {
    /// Datagrams of more than `octets` octets, IP header included, are too long.
    pub fn new(octets: usize, too_long: TooLong) -> Mtu {
        Mtu {
            steps: vec![(Instant::ZERO, octets)],
            too_long,
        }
    }

    /// Changes the MTU from `at` on.
    ///
    /// # Panics
    /// If `at` is not later than the change before.
    #[must_use]
    pub fn then(mut self, at: Instant, octets: usize) -> Mtu {
        let in_order = self.steps.last().is_some_and(|(before, _)| *before < at);
        assert!(in_order, "changes of the MTU in order of time");
        self.steps.push((at, octets));
        self
    }

    fn at(&self, now: Instant) -> usize {
        let past = self.steps.iter().take_while(|(at, _)| *at <= now);
        past.last().map_or(usize::MAX, |(_, octets)| *octets)
    }

    pub(super) fn passes(
        &self,
        copy: &Arrival,
        counts: &mut Counts,
        answers: &mut Vec<Arrival>,
    ) -> bool {
        let mtu = self.at(copy.at);
        if copy.datagram.len() <= mtu {
            return true;
        }
        counts.too_long += 1;
        let report = match self.too_long {
            TooLong::Vanishes => None,
            TooLong::IsReported => report(mtu, &copy.datagram),
        };
        answers.extend(report.map(|datagram| Arrival {
            at: copy.at,
            direction: copy.direction.reverse(),
            datagram,
        }));
        false
    }
}

fn report(mtu: usize, datagram: &[u8]) -> Option<Vec<u8>> {
    let v4 = ip::destination(datagram)?.is_ipv4();
    let router = ROUTER[usize::from(!v4)];
    let error = IcmpError::PacketTooBig {
        mtu: u32::try_from(mtu).ok()?,
    };
    icmp::error(router, HOP_LIMIT, error, datagram)
}
