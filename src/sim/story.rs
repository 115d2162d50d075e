//! What happens in a world besides its datagrams: its faults, as a story.

use core::fmt;

use super::id::{HostId, LinkId};
use super::path::Path;
use crate::time::Duration;

/// Something that happens at a moment of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A host loses all it knows, and is silent until it starts.
    Crash(HostId),
    /// A host that has crashed starts anew, with a new secret and its applications from their
    /// beginnings.
    Start(HostId),
    /// A host loses all it knows, and starts anew at once.
    Restart(HostId),
    /// A host does nothing for this long, while time goes on and datagrams wait for it.
    Pause(HostId, Duration),
    /// The clock of a host jumps so far ahead.
    ClockAhead(HostId, Duration),
    /// The clock of a host stands still for this long: it was set back, and a clock that its stack
    /// sees never goes back.
    ClockBack(HostId, Duration),
    /// From now on a path is this one. What is under way arrives as it would have.
    Replace(LinkId, Box<Path>),
    /// A path carries nothing, until it is joined or all paths heal.
    Cut(LinkId),
    /// A path that was cut carries datagrams again.
    Join(LinkId),
    /// All paths delay, and do nothing else any more.
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
