//! What can happen to one host.

use super::forgery::Forgery;
use super::host::Call;

/// A datagram, by number.
pub(super) type DatagramId = u16;

/// What can happen to one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    Deliver(DatagramId),
    /// A datagram arrives with one bit flipped.
    DeliverCorrupted(DatagramId),
    Forge(Forgery),
    Expire,
    Call(Call),
    Crash,
}
