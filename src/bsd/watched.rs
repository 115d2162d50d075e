//! Which descriptors an epoll set watches, and for which events.

use std::collections::BTreeMap;

use super::fd::Fd;

/// The events for which a descriptor is watched, or those that have occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpollEvent {
    /// `EPOLLIN`, `EPOLLOUT` and so on, and the flags that say how they are reported.
    pub events: i32,
    /// The value that the program has given, returned unchanged.
    pub data: u64,
}

/// An epoll set: the descriptors that it watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoll {
    pub(super) watched: BTreeMap<Fd, Watch>,
    /// The descriptor reported last: the next call begins with another.
    pub(super) last: Fd,
}

/// One watched descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    pub(super) event: EpollEvent,
    /// `EPOLLET`: how often something had happened when it was last reported.
    pub(super) told: Option<u64>,
    /// `EPOLLONESHOT`: it was reported, and not re-armed since.
    pub(super) spent: bool,
}

impl Watch {
    pub(super) fn new(event: EpollEvent) -> Watch {
        Watch {
            event,
            told: None,
            spent: false,
        }
    }
}

impl Epoll {
    /// Whether it watches a descriptor.
    pub(super) fn watches(&self, fd: Fd) -> bool {
        self.watched.contains_key(&fd)
    }

    /// Forgets a descriptor that is closed.
    pub(super) fn forget(&mut self, fd: Fd) {
        self.watched.remove(&fd);
    }
}
