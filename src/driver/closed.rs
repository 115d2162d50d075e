//! Why a stack, or one of its listeners, has ended.

use core::fmt;

/// Why a wait can no longer succeed. A later variant takes precedence over
/// those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closed {
    /// The user closed this listener.
    Listener,
    /// The device is closed for good.
    Device,
    /// The user shut the network down.
    Shutdown,
    /// The stack panicked.
    Panicked,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closed::Device => "the network device is closed",
            Closed::Shutdown => "the network was shut down",
            Closed::Listener => "the listener is closed",
            Closed::Panicked => "the network stack failed",
        })
    }
}
