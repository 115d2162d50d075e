//! The queue of errors of a socket. Not all that is in it are errors: what became of text that was
//! sent with `MSG_ZEROCOPY`, of TCP; when it left or arrived (`SO_TIMESTAMPING`); and what ICMP has
//! said (`reports`).
//!
//! `recvmsg` with `MSG_ERRQUEUE` takes one notice after the other.

use std::collections::VecDeque;

use super::Calls;
use super::address::Family;
use super::ancillary::OneSend;
use super::errno::Errno;
use super::linux::{
    MSG_ERRQUEUE, MSG_MORE, MSG_TRUNC, MSG_ZEROCOPY, SCM_TSTAMP_ACK, SCM_TSTAMP_SCHED,
    SCM_TSTAMP_SND, SO_EE_CODE_ZEROCOPY_COPIED, SO_EE_ORIGIN_TIMESTAMPING, SO_EE_ORIGIN_ZEROCOPY,
    SO_ZEROCOPY, SOF_TIMESTAMPING_BIND_PHC, SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_OPT_ID_TCP,
    SOF_TIMESTAMPING_OPT_STATS, SOF_TIMESTAMPING_OPT_TSONLY, SOF_TIMESTAMPING_SOFTWARE,
    SOF_TIMESTAMPING_TX_ACK, SOF_TIMESTAMPING_TX_COMPLETION, SOF_TIMESTAMPING_TX_SCHED,
    SOF_TIMESTAMPING_TX_SOFTWARE, SOL_SOCKET,
};
use super::options::info::TcpInfo;
use super::receive::{Control, Received};
use super::reports::{ExtendedError, Told};
use super::statistics::Snapshot;
use super::table::{Fd, Kind};
use crate::stack::ConnId;
use crate::tcp::State;
use crate::time::Instant;

/// The most notices that wait to be read, and the most sends that are followed: of more nothing is
/// told.
const MOST: usize = 1_024;

/// All that `SO_TIMESTAMPING` can say.
const KNOWN: i32 = 2 * SOF_TIMESTAMPING_TX_COMPLETION - 1;

/// What of it is not done here: clocks of devices.
const NOT_HERE: i32 = SOF_TIMESTAMPING_BIND_PHC;

/// The notices of one socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices {
    /// What recvmsg gives, the oldest first.
    waiting: VecDeque<Notice>,
    /// The sends of which something is still to be told, in their order.
    sends: VecDeque<Send>,
    /// Octets that the user has given, ever.
    given: u64,
    /// The next number of a send with `MSG_ZEROCOPY`.
    number: u32,
    /// `SO_TIMESTAMPING`.
    stamping: i32,
    /// The octet from which `SOF_TIMESTAMPING_OPT_ID` counts.
    base: u64,
    /// How the connection was when it was last looked at, if that is told with times.
    before: Option<Box<TcpInfo>>,
}

/// A send that is followed.
#[derive(Clone, Copy, Debug)]
struct Send {
    /// Where its text ends, in octets that the user has given.
    end: u64,
    /// Its number among those with `MSG_ZEROCOPY`.
    zerocopy: Option<u32>,
    /// Which times are still to be told: `SOF_TIMESTAMPING_TX_…`.
    stamps: i32,
    /// What they are told with.
    key: u32,
    /// When it left.
    departed: Option<Instant>,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The text of these sends is needed no more.
    ZeroCopy { first: u32, last: u32 },
    /// When the last octet of a send came so far: `SCM_TSTAMP_…`.
    Stamp {
        what: i32,
        key: u32,
        at: Instant,
        more: More,
    },
    /// What ICMP has said.
    Icmp(Told),
}

/// What goes with a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// Nothing.
    Nothing,
    /// What was sent, of which nothing is given: it is cut off.
    Packet,
    /// Attributes of netlink.
    Statistics(Vec<u8>),
}

impl Notices {
    /// Whether recvmsg with `MSG_ERRQUEUE` has something to give.
    pub(super) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Nobody will read what waits.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// `SO_TIMESTAMPING`.
    pub(super) fn stamping(&self) -> i32 {
        self.stamping
    }

    /// Follows a send of so many octets with these flags; whether there is something to follow.
    fn follow(&mut self, octets: usize, zerocopy: bool, once: OneSend) -> bool {
        self.given += octets as u64;
        let stamps = match self.stamping & SOF_TIMESTAMPING_SOFTWARE {
            0 => 0,
            _ => once.stamps.unwrap_or(self.stamping) & (TX_SENT | SOF_TIMESTAMPING_TX_ACK),
        };
        let number = zerocopy.then_some(self.number);
        self.number = self.number.wrapping_add(zerocopy.into());
        let counts = self.stamping & SOF_TIMESTAMPING_OPT_ID != 0;
        if (stamps != 0 || zerocopy) && self.sends.len() < MOST {
            self.sends.push_back(Send {
                end: self.given,
                zerocopy: number,
                stamps,
                key: match counts {
                    true => (self.given - self.base - 1) as u32,
                    false => 0,
                },
                departed: None,
            });
        }
        !self.sends.is_empty()
    }

    /// So many octets have been sent, and so many have arrived; the connection is as in `snapshot`, if
    /// that is told with times.
    fn progress(
        &mut self,
        now: Instant,
        (sent, arrived): (u64, u64),
        snapshot: Option<&Snapshot>,
    ) -> bool {
        let before = self.waiting.len();
        for at in 0..self.sends.len() {
            let mut send = self.sends[at];
            if send.end <= sent {
                send.departed.get_or_insert(now);
            }
            for (bit, what, reached) in [
                (SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED, sent),
                (SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND, sent),
                (SOF_TIMESTAMPING_TX_ACK, SCM_TSTAMP_ACK, arrived),
            ] {
                if send.stamps & bit != 0 && send.end <= reached {
                    send.stamps &= !bit;
                    let more = self.with(what, send.departed.unwrap_or(now), snapshot);
                    self.tell(Notice::Stamp {
                        what,
                        key: send.key,
                        at: now,
                        more,
                    });
                }
            }
            if send.end <= arrived
                && let Some(number) = send.zerocopy.take()
            {
                self.tell_copied(number);
            }
            self.sends[at] = send;
        }
        let is_told = |send: &Send| send.zerocopy.is_none() && send.stamps == 0;
        self.sends.retain(|send| !is_told(send));
        self.before = snapshot.map(|snapshot| Box::new(snapshot.info));
        self.waiting.len() > before
    }

    /// What goes with a time: `SCM_TSTAMP_…`, of what left at `departed`.
    fn with(&self, what: i32, departed: Instant, snapshot: Option<&Snapshot>) -> More {
        match snapshot {
            Some(snapshot) => {
                let before = (self.before.as_deref()).filter(|_| what == SCM_TSTAMP_ACK);
                let before = before.unwrap_or(&snapshot.info);
                More::Statistics(snapshot.attributes(before, departed))
            }
            None if self.stamping & SOF_TIMESTAMPING_OPT_TSONLY != 0 => More::Nothing,
            None => More::Packet,
        }
    }

    /// A datagram has left; whether that is told. Only those are numbered of which it is.
    fn tell_departed(&mut self, now: Instant, once: OneSend) -> bool {
        let stamps = once.stamps.unwrap_or(self.stamping) & TX_SENT;
        if stamps == 0 {
            return false;
        }
        let counts = self.stamping & SOF_TIMESTAMPING_OPT_ID != 0;
        let key = match once.number {
            Some(number) => number,
            None if counts => {
                self.given += 1;
                (self.given - self.base - 1) as u32
            }
            None => 0,
        };
        if self.stamping & SOF_TIMESTAMPING_SOFTWARE == 0 {
            return false;
        }
        for (bit, what) in [
            (SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED),
            (SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND),
        ] {
            if stamps & bit != 0 {
                let more = self.with(what, now, None);
                self.tell(Notice::Stamp {
                    what,
                    key,
                    at: now,
                    more,
                });
            }
        }
        true
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(notice);
        }
    }

    /// Numbers that follow each other are one notice.
    fn tell_copied(&mut self, number: u32) {
        match self.waiting.back_mut() {
            Some(Notice::ZeroCopy { last, .. }) if last.wrapping_add(1) == number => {
                *last = number;
            }
            _ => self.tell(Notice::ZeroCopy {
                first: number,
                last: number,
            }),
        }
    }
}

/// Times of what has been sent: given to the queue of the device, and taken from it, which is the
/// same moment here.
const TX_SENT: i32 = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE;

impl Calls<'_> {
    /// `SO_TIMESTAMPING`.
    pub(super) fn set_stamping(&mut self, fd: Fd, flags: i32) -> Result<(), Errno> {
        if flags & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        if flags & NOT_HERE != 0 {
            return Err(Errno::ENOPROTOOPT);
        }
        let has = |flag: i32| flags & flag != 0;
        let from_here = has(SOF_TIMESTAMPING_OPT_ID_TCP);
        let numbers = has(SOF_TIMESTAMPING_OPT_ID);
        let statistics = has(SOF_TIMESTAMPING_OPT_STATS);
        if from_here && !numbers || statistics && !has(SOF_TIMESTAMPING_OPT_TSONLY) {
            return Err(Errno::EINVAL);
        }
        if let Ok(socket) = self.datagram_mut(fd) {
            let notices = &mut socket.notices;
            if numbers && notices.stamping & SOF_TIMESTAMPING_OPT_ID == 0 {
                notices.base = notices.given;
            }
            notices.stamping = flags;
            return Ok(());
        }
        let socket = self.stream(fd, Errno::ENOPROTOOPT)?;
        let begins = numbers && socket.notices.stamping & SOF_TIMESTAMPING_OPT_ID == 0;
        let mut base = socket.notices.base;
        if begins {
            // Numbers are those of a connection that is, or is being, opened.
            let id = socket.connection().ok_or(Errno::EINVAL)?;
            if self.stack.status(id).state == State::Closed {
                return Err(Errno::EINVAL);
            }
            let given = socket.notices.given;
            base = match from_here {
                true => given,
                false => self.reached(id).1.min(given),
            };
        }
        let socket = self.stream_mut(fd, Errno::ENOPROTOOPT)?;
        (socket.notices.stamping, socket.notices.base) = (flags, base);
        Ok(())
    }

    /// How the connection of a socket is now, if that is told with times.
    fn snapshot(&self, fd: Fd) -> Option<Snapshot> {
        let socket = self.stream(fd, Errno::EINVAL).ok()?;
        if socket.notices.stamping & SOF_TIMESTAMPING_OPT_STATS == 0 {
            return None;
        }
        let status = self.stack.status(socket.connection()?);
        Some(Snapshot {
            info: self.tcp_info(fd).ok()?,
            send_queue: status.send_queue,
        })
    }

    /// The user has given text.
    pub(super) fn note_sent(&mut self, fd: Fd, octets: usize, flags: i32, once: OneSend) {
        let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) else {
            return;
        };
        let asked = socket.settings.kept(SOL_SOCKET, SO_ZEROCOPY, 0) != 0;
        let zerocopy = asked && flags & MSG_ZEROCOPY != 0 && octets > 0;
        if socket.notices.follow(octets, zerocopy, once) {
            self.table.follow(fd);
        }
    }

    /// The user has given a datagram, which leaves at once.
    pub(super) fn note_datagram(&mut self, fd: Fd, flags: i32, once: OneSend) {
        let now = self.now;
        let Ok(socket) = self.datagram_mut(fd) else {
            return;
        };
        let asked = socket.settings.kept(SOL_SOCKET, SO_ZEROCOPY, 0) != 0;
        let is_copied = asked && flags & MSG_ZEROCOPY != 0;
        if is_copied {
            let number = socket.notices.number;
            socket.notices.number = number.wrapping_add(1);
            socket.notices.tell_copied(number);
        }
        let has_left = flags & MSG_MORE == 0 && socket.notices.tell_departed(now, once);
        if is_copied || has_left {
            self.table.happened(fd);
        }
    }

    /// Looks at what has become of what is followed.
    pub(super) fn follow_sends(&mut self) {
        for fd in self.table.followed() {
            let id = (self.stream(fd, Errno::EINVAL).ok()).and_then(|socket| socket.connection());
            let reached = id.map_or((u64::MAX, u64::MAX), |id| self.reached(id));
            let (now, snapshot) = (self.now, self.snapshot(fd));
            let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) else {
                self.table.follow_no_more(fd);
                continue;
            };
            let told = socket.notices.progress(now, reached, snapshot.as_ref());
            if socket.notices.sends.is_empty() {
                self.table.follow_no_more(fd);
            }
            if told {
                self.table.happened(fd);
            }
        }
    }

    /// Octets of text that have left, and that have arrived. What a connection that has ended had
    /// is needed no more.
    fn reached(&self, id: ConnId) -> (u64, u64) {
        if self.stack.status(id).state == State::Closed {
            return (u64::MAX, u64::MAX);
        }
        let space = self.stack.sequence_space(id);
        let text = space.iss + 1;
        let sent = space.snd_nxt.saturating_since(text);
        let arrived = space.snd_una.saturating_since(text);
        (sent as u64, arrived as u64)
    }

    /// recvmsg with `MSG_ERRQUEUE`. The packet that a time is of is not given.
    pub(super) fn receive_notice(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<Received, Errno> {
        let (notices, family) = match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => (&mut socket.notices, socket.family),
            Kind::Datagram(socket) => (&mut socket.notices, socket.family),
            Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
        };
        let notice = notices.waiting.pop_front().ok_or(Errno::EAGAIN)?;
        let next = notices.waiting.front().and_then(Notice::errno);
        if notice.errno().or(next).is_some() {
            self.told(fd, next);
        }
        let from = match &notice {
            Notice::Icmp(told) => Some(family.outward(told.remote)),
            Notice::ZeroCopy { .. } | Notice::Stamp { .. } => None,
        };
        let (len, is_cut) = notice.give_text(buffer);
        Ok(Received {
            len,
            from,
            flags: MSG_ERRQUEUE | if is_cut { MSG_TRUNC } else { 0 },
            control: notice.control(family == Family::Inet6),
        })
    }
}

impl Notice {
    /// The error that is pending with it.
    fn errno(&self) -> Option<Errno> {
        match self {
            Notice::Icmp(told) => Some(told.errno),
            Notice::ZeroCopy { .. } | Notice::Stamp { .. } => None,
        }
    }

    /// The text that goes with it: how much of it, and whether that is not all. Of an ICMP error, what it
    /// quotes; and to Linux, statistics are text, too.
    fn give_text(&self, buffer: &mut [u8]) -> (usize, bool) {
        match self {
            Notice::Stamp {
                more: More::Statistics(text),
                ..
            }
            | Notice::Icmp(Told { quoted: text, .. }) => {
                let len = text.len().min(buffer.len());
                buffer[..len].copy_from_slice(&text[..len]);
                (len, len < text.len())
            }
            Notice::Stamp { more, .. } => (0, *more == More::Packet),
            Notice::ZeroCopy { .. } => (0, false),
        }
    }

    /// Its control messages.
    fn control(self, is_ipv6: bool) -> Vec<Control> {
        let error = |errno, origin: i32, code: i32, info, data| ExtendedError {
            errno,
            origin: origin as u8,
            kind: 0,
            code: code as u8,
            info,
            data,
            is_ipv6,
            offender: None,
        };
        match self {
            Notice::ZeroCopy { first, last } => {
                let (origin, code) = (SO_EE_ORIGIN_ZEROCOPY, SO_EE_CODE_ZEROCOPY_COPIED);
                vec![Control::Error(error(None, origin, code, first, last))]
            }
            Notice::Stamp {
                what,
                key,
                at,
                more,
            } => {
                let origin = SO_EE_ORIGIN_TIMESTAMPING;
                let told = error(Some(Errno::ENOMSG), origin, 0, what as u32, key);
                let mut control = vec![Control::Stamp(at)];
                if let More::Statistics(attributes) = more {
                    control.push(Control::Statistics(attributes));
                }
                control.push(Control::Error(told));
                control
            }
            Notice::Icmp(told) => {
                let code = i32::from(told.code);
                vec![Control::Error(ExtendedError {
                    kind: told.kind,
                    offender: told.offender,
                    ..error(Some(told.errno), told.origin, code, told.info, 0)
                })]
            }
        }
    }
}
