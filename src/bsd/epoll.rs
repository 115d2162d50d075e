//! epoll: watches descriptors by level, by edge, or once.

use super::Calls;
use super::errno::Errno;
use super::linux::{
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLEXCLUSIVE,
    EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLWAKEUP,
};
use super::table::{Fd, Kind};
use super::watched::{Epoll, EpollEvent, Watch};

/// The longest chain of sets that watch each other.
const DEEPEST: u32 = 5;

/// Events that are reported even if not asked for.
const ALWAYS: i32 = EPOLLERR | EPOLLHUP;

/// The events that may be watched exclusively.
const EXCLUSIVELY: i32 =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

/// Whether the use of `EPOLLEXCLUSIVE` is valid. It is allowed only when watching begins, and the watch
/// cannot be modified afterwards. `old`: the events watched so far.
fn may_be_exclusive(operation: i32, event: EpollEvent, old: Option<i32>) -> bool {
    let is_exclusive = |events: i32| events & EPOLLEXCLUSIVE != 0;
    match operation {
        EPOLL_CTL_MOD => !is_exclusive(event.events) && !old.is_some_and(is_exclusive),
        _ => !is_exclusive(event.events) || event.events & !EXCLUSIVELY == 0,
    }
}

impl Calls<'_> {
    /// A new set.
    ///
    /// # Errors
    /// `EINVAL` for unknown flags, `EMFILE`.
    pub fn epoll_create(&mut self, flags: i32) -> Result<Fd, Errno> {
        if flags & !EPOLL_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        self.table.insert(flags, Kind::Epoll(Epoll::default()))
    }

    /// Adds a descriptor to a set, changes its events, or removes it. A set can watch another one.
    ///
    /// # Errors
    /// `EBADF`, `EEXIST`, `ENOENT`; `EINVAL`, also if a set would watch itself; `ELOOP` if sets
    /// would watch each other in a circle, or in a chain of more than five.
    pub fn epoll_ctl(
        &mut self,
        epfd: Fd,
        operation: i32,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        self.table.get(fd)?;
        if fd == epfd {
            return Err(Errno::EINVAL);
        }
        if operation == EPOLL_CTL_ADD {
            let below = self.sets_below(fd, epfd)?;
            if below > 0 && below + self.sets_above(epfd) > DEEPEST {
                return Err(Errno::ELOOP);
            }
        }
        let Kind::Epoll(epoll) = &mut self.table.get_mut(epfd)?.kind else {
            return Err(Errno::EINVAL);
        };
        let old = epoll.watched.get(&fd).map(|watch| watch.event.events);
        match operation {
            EPOLL_CTL_ADD | EPOLL_CTL_MOD if !may_be_exclusive(operation, event, old) => {
                return Err(Errno::EINVAL);
            }
            EPOLL_CTL_ADD if epoll.watched.contains_key(&fd) => return Err(Errno::EEXIST),
            EPOLL_CTL_ADD => {
                epoll.watched.insert(fd, Watch::new(event));
            }
            EPOLL_CTL_MOD => {
                *epoll.watched.get_mut(&fd).ok_or(Errno::ENOENT)? = Watch::new(event);
            }
            EPOLL_CTL_DEL => {
                epoll.watched.remove(&fd).ok_or(Errno::ENOENT)?;
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// The events that have occurred, at most `most`. If there are none, the caller waits and asks again.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL`.
    pub fn epoll_wait(&mut self, epfd: Fd, most: usize) -> Result<Vec<EpollEvent>, Errno> {
        if most == 0 {
            return Err(Errno::EINVAL);
        }
        let Kind::Epoll(epoll) = &self.table.get(epfd)?.kind else {
            return Err(Errno::EINVAL);
        };
        let (before, after): (Vec<Fd>, Vec<Fd>) =
            epoll.watched.keys().partition(|fd| **fd <= epoll.last);
        let mut told = Vec::new();
        for fd in after.into_iter().chain(before) {
            if told.len() == most {
                break;
            }
            let ready = self.watched_ready(epfd, fd);
            let edges = self.table.get(fd)?.edges;
            if let Kind::Epoll(epoll) = &mut self.table.get_mut(epfd)?.kind
                && let Some(watch) = epoll.watched.get_mut(&fd)
                && ready != 0
            {
                watch.told = Some(edges);
                watch.spent = watch.event.events & EPOLLONESHOT != 0;
                epoll.last = fd;
                told.push(EpollEvent {
                    events: ready,
                    data: watch.event.data,
                });
            }
        }
        Ok(told)
    }

    /// The length of the longest chain of watching sets from `fd` downwards; `ELOOP` if `circle` is
    /// among them.
    fn sets_below(&self, fd: Fd, circle: Fd) -> Result<u32, Errno> {
        let Kind::Epoll(epoll) = &self.table.get(fd)?.kind else {
            return Ok(0);
        };
        if fd == circle {
            return Err(Errno::ELOOP);
        }
        let mut deepest = 0;
        for watched in epoll.watched.keys() {
            deepest = deepest.max(self.sets_below(*watched, circle)?);
        }
        Ok(deepest + 1)
    }

    /// The length of the longest chain of watching sets from `fd`, a set, upwards.
    fn sets_above(&self, fd: Fd) -> u32 {
        let watching = self.table.sets_watching(fd).into_iter();
        let above = watching.map(|set| self.sets_above(set)).max();
        above.unwrap_or(0) + 1
    }

    /// Whether a set has events to report.
    pub(super) fn epoll_ready(&self, epoll: &Epoll) -> bool {
        (epoll.watched.iter()).any(|(fd, watch)| self.worth_telling(*fd, watch) != 0)
    }

    fn watched_ready(&self, epfd: Fd, fd: Fd) -> i32 {
        match self.table.get(epfd).map(|known| &known.kind) {
            Ok(Kind::Epoll(epoll)) => {
                let watch = epoll.watched.get(&fd);
                watch.map_or(0, |watch| self.worth_telling(fd, watch))
            }
            _ => 0,
        }
    }

    /// The events to report for a watched descriptor: none if only edges are asked for and nothing
    /// has happened since the last report.
    fn worth_telling(&self, fd: Fd, watch: &Watch) -> i32 {
        let Ok(descriptor) = self.table.get(fd) else {
            return 0;
        };
        let by_edge = watch.event.events & EPOLLET != 0;
        if watch.spent || (by_edge && watch.told == Some(descriptor.edges)) {
            return 0;
        }
        self.ready(fd).unwrap_or(0) & (watch.event.events | ALWAYS)
    }
}
