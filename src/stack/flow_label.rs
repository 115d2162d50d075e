//! Flow labels (RFC 6437), by which routers can distribute load without looking beyond the IPv6
//! header.
//!
//! A label follows from the two sockets and a secret, so that no other host can guess it, or learn
//! anything from it about ports that are hidden from it.

use core::net::SocketAddr;

use super::secret::Secret;
use crate::config::FlowLabel;

/// Bits of a flow label.
const BITS: u32 = 20;
/// The step from one label to the next, in the upper bits: an odd number, so that all labels come before
/// one repeats, and near the fraction of the golden ratio, so that successive labels lie far apart.
const STEP: u32 = 0x9e377 << (32 - BITS);

/// The value from which the flow labels of a connection follow; unused with IPv4.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow(u32);

impl Flow {
    pub(super) fn new(secret: &Secret, local: SocketAddr, remote: SocketAddr) -> Flow {
        match remote.is_ipv6() {
            true => Flow(secret.flow(local, remote)),
            false => Flow::default(),
        }
    }

    /// Its label after this many retransmission timeouts; never 0, which would mean no label.
    pub(super) fn label(self, asked: FlowLabel, timeouts: u64) -> u32 {
        let changes = match asked {
            FlowLabel::None => return 0,
            FlowLabel::Constant => 0,
            FlowLabel::ChangesAfterTimeouts => timeouts as u32,
        };
        let label = self.0.wrapping_add(changes.wrapping_mul(STEP));
        (label >> (32 - BITS)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6437 §3: not 0, 20 bits, and different for other sockets.
    #[test]
    fn labels_differ_between_flows_and_after_timeouts() {
        let secret = Secret([7; 16]);
        let local = "[fd00::1]:80".parse().unwrap();
        let flow = |port| Flow::new(&secret, local, SocketAddr::new([0xfd; 16].into(), port));
        let mut labels: Vec<u32> = (1..=1000)
            .map(|port| flow(port).label(FlowLabel::Constant, 0))
            .collect();
        labels.extend((1..=1000).map(|n| flow(1).label(FlowLabel::ChangesAfterTimeouts, n)));
        assert!(labels.iter().all(|label| (1..1 << BITS).contains(label)));
        labels.sort_unstable();
        labels.dedup();
        // Two of 2,000 in 2^20 places may meet.
        assert!(labels.len() > 1990, "{}", labels.len());
        assert_eq!(
            flow(1).label(FlowLabel::Constant, 9),
            flow(1).label(FlowLabel::Constant, 0)
        );
        assert_eq!(flow(1).label(FlowLabel::None, 9), 0);
        assert_eq!(Flow(0).label(FlowLabel::Constant, 0), 1);
    }
}
