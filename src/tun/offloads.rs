//! The offloads of an interface: work that the kernel leaves to us on the packets it sends.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::libc::{TUN_F_CSUM, TUN_F_TSO_ECN, TUN_F_TSO4, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6};

use super::sys;

/// Sets of offloads that we may accept for the packets the kernel sends, the best set first. For
/// the packets we send, the kernel supports all of them in any case.
const OFFLOADS: [(u32, &str); 4] = [
    (
        TCP | TUN_F_USO4 | TUN_F_USO6,
        "checksums, segments of TCP and UDP",
    ),
    (TCP, "checksums, segments of TCP"),
    (TUN_F_CSUM, "checksums"),
    (0, "nothing"),
];

/// All offloads for TCP.
const TCP: u32 = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

/// Records that the queues of one interface have accepted offloads. Offloads belong to the
/// interface, and one that stays would keep them for the next program. So the last queue that ends
/// switches them off.
#[derive(Clone, Debug)]
pub(super) struct Accepted(Arc<()>);

impl Accepted {
    /// Accepts the best set that the kernel has; `None` if it has none of them.
    pub(super) fn all(fd: &OwnedFd, name: &str) -> Option<Accepted> {
        let accepted = (OFFLOADS.iter()).position(|(set, _)| sys::set_offload(fd, *set).is_ok());
        match accepted.map(|place| (place, OFFLOADS[place].1)) {
            Some((0, all)) => log::debug!("{name}: offloads: {all}"),
            Some((_, some)) => log::info!("{name}: offloads: {some}; the kernel has no more"),
            None => log::info!("{name}: the kernel does not let programs choose its offloads"),
        }
        accepted
            .filter(|&place| OFFLOADS[place].0 != 0)
            .map(|_| Accepted(Arc::default()))
    }

    /// The queue `fd` of the interface `name` ends.
    pub(super) fn end(self, fd: &OwnedFd, name: &str) {
        if Arc::into_inner(self.0).is_some() {
            switch_off(fd, name);
        }
    }
}

/// Switches all offloads of the interface off.
pub(super) fn switch_off(fd: &OwnedFd, name: &str) {
    // An interface that was deleted has none.
    if let Err(errno) = sys::set_offload(fd, 0) {
        log::debug!("{name}: offloads cannot be switched off: {errno}");
    }
}
