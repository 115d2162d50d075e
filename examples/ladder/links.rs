//! The rungs of the ladder, by name.

use std::net::SocketAddr;
use std::time::Duration;

use stubborn::link::{
    FairLossLink, Identifiers, Link, PerfectFifoLink, PerfectLink, StubbornLink, WindowConfig,
    WindowedLink,
};

/// What fits into a UDP datagram over Ethernet, IPv6 or IPv4.
const LONGEST: usize = 1452;

/// How often a stubborn link sends again.
const PERIOD: Duration = Duration::from_millis(200);

/// The link of this name.
pub(crate) fn build(name: &str) -> Option<Box<dyn Link<Address = SocketAddr>>> {
    let bottom = FairLossLink::new(LONGEST);
    let stubborn = || StubbornLink::new(FairLossLink::new(LONGEST), PERIOD);
    let perfect = || PerfectLink::new(stubborn(), Identifiers::counter());
    Some(match name {
        "fair-loss" => Box::new(bottom),
        "stubborn" => Box::new(stubborn()),
        "perfect" => Box::new(perfect()),
        "fifo" => Box::new(PerfectFifoLink::new(perfect())),
        "windowed" => {
            let config = WindowConfig {
                window: 512,
                period: Duration::from_millis(20),
                doublings: 4,
                reordering: Some(3),
                peers: 16,
            };
            Box::new(WindowedLink::new(bottom, config))
        }
        _ => return None,
    })
}

/// Whether the link delivers everything once and in order.
pub(crate) fn is_fifo(name: &str) -> bool {
    matches!(name, "fifo" | "windowed")
}
