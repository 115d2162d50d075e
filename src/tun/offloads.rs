//! What the kernel leaves to us of what it sends, while we have an interface.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::libc::{TUN_F_CSUM, TUN_F_TSO_ECN, TUN_F_TSO4, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6};

use super::sys;

/// Sets of offloads, the best first: what the kernel may leave to us of what it sends. Of what we
/// send, it takes all of them in any case.
const OFFLOADS: [(u32, &str); 4] = [
    (
        TCP | TUN_F_USO4 | TUN_F_USO6,
        "checksums, segments of TCP and UDP",
    ),
    (TCP, "checksums, segments of TCP"),
    (TUN_F_CSUM, "checksums"),
    (0, "nothing"),
];

/// All there is for TCP.
const TCP: u32 = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

/// That the queues of one interface have accepted offloads. They belong to the interface: one that
/// stays keeps them, for whoever comes next. So the last queue that ends takes them back.
#[derive(Clone, Debug)]
pub(super) struct Accepted(Arc<()>);

impl Accepted {
    /// Accepts as much as the kernel can leave to us; `None` if that is nothing.
    pub(super) fn all(fd: &OwnedFd, name: &str) -> Option<Accepted> {
        let accepted = (OFFLOADS.iter()).position(|(set, _)| sys::set_offload(fd, *set).is_ok());
        match accepted.map(|place| (place, OFFLOADS[place].1)) {
            Some((0, all)) => log::debug!("{name}: offloads: {all}"),
            Some((_, some)) => log::info!("{name}: offloads: {some}; the kernel has no more"),
            None => log::info!("{name}: the kernel lets nobody choose its offloads"),
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

/// The kernel is to leave nothing to whoever has the interface.
pub(super) fn switch_off(fd: &OwnedFd, name: &str) {
    // An interface that was deleted has none.
    if let Err(errno) = sys::set_offload(fd, 0) {
        log::debug!("{name}: offloads cannot be switched off: {errno}");
    }
}
