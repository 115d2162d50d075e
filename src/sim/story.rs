//! The story of a world: the faults that happen besides those of datagrams.

use core::fmt;

use super::id::{HostId, LinkId};
use super::path::Path;
use crate::time::Duration;

/// An event of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A host loses all its state, and is silent until it starts.
    Crash(HostId),
    /// A host that has crashed starts again, with a new secret. Its applications start from the
    /// beginning.
    Start(HostId),
    /// A host loses all its state, and starts again at once.
    Restart(HostId),
    /// A host does nothing for this long, while time passes and datagrams wait for it.
    Pause(HostId, Duration),
    /// The clock of a host jumps ahead by this much.
    ClockAhead(HostId, Duration),
    /// The clock of a host stands still for this long: it was set back, but the clock that the
    /// stack sees never goes back.
    ClockBack(HostId, Duration),
    /// Replaces a path. What is already under way arrives as before.
    Replace(LinkId, Box<Path>),
    /// A path carries nothing, until it is joined or all paths heal.
    Cut(LinkId),
    /// A path that was cut carries datagrams again.
    Join(LinkId),
    /// All faults of paths end: from now on they only delay.
    Heal,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Crash(host) => write!(f, "{host} crashes"),
            Happening::Start(host) => write!(f, "{host} starts"),
            Happening::Restart(host) => write!(f, "{host} crashes and starts anew"),
            Happening::Pause(host, time) => write!(f, "{host} pauses for {time:?}"),
            Happening::ClockAhead(host, time) => {
                write!(f, "the clock of {host} jumps {time:?} ahead")
            }
            Happening::ClockBack(host, time) => {
                write!(f, "the clock of {host} stands still for {time:?}")
            }
            Happening::Replace(link, _) => write!(f, "path {link} becomes another"),
            Happening::Cut(link) => write!(f, "path {link} is cut"),
            Happening::Join(link) => write!(f, "path {link} is joined"),
            Happening::Heal => f.write_str("the paths heal"),
        }
    }
}
