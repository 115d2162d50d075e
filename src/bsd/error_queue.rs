//! The calls that fill the error queue of a socket (`SO_TIMESTAMPING`, `MSG_ZEROCOPY`), and `recvmsg`
//! with `MSG_ERRQUEUE`, which takes one notice after another. ICMP errors come from `reports`.

use super::Calls;
use super::address::Family;
use super::ancillary::OneSend;
use super::errno::Errno;
use super::extended_error::ExtendedError;
use super::linux::{
    MSG_ERRQUEUE, MSG_MORE, MSG_TRUNC, MSG_ZEROCOPY, SO_EE_CODE_ZEROCOPY_COPIED,
    SO_EE_ORIGIN_TIMESTAMPING, SO_EE_ORIGIN_ZEROCOPY, SO_ZEROCOPY, SOF_TIMESTAMPING_BIND_PHC,
    SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_OPT_ID_TCP, SOF_TIMESTAMPING_OPT_STATS,
    SOF_TIMESTAMPING_OPT_TSONLY, SOF_TIMESTAMPING_TX_COMPLETION, SOL_SOCKET,
};
use super::notices::{More, Notice, Told};
use super::received::{Control, Received};
use super::statistics::Snapshot;
use super::table::{Fd, Kind};
use crate::stack::ConnId;
use crate::tcp::State;

/// All flags of `SO_TIMESTAMPING`.
const KNOWN: i32 = 2 * SOF_TIMESTAMPING_TX_COMPLETION - 1;

/// The flags that are not supported here: clocks of devices.
const NOT_HERE: i32 = SOF_TIMESTAMPING_BIND_PHC;

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
            let begins = numbers && !notices.counts();
            notices.set_stamping(flags, begins.then_some(notices.given()));
            return Ok(());
        }
        let socket = self.stream(fd, Errno::ENOPROTOOPT)?;
        let mut base = None;
        if numbers && !socket.notices.counts() {
            // Numbers need a connection that is open or being opened.
            let id = socket.connection().ok_or(Errno::EINVAL)?;
            if self.stack.status(id).state == State::Closed {
                return Err(Errno::EINVAL);
            }
            let given = socket.notices.given();
            base = Some(match from_here {
                true => given,
                false => self.reached(id).1.min(given),
            });
        }
        let socket = self.stream_mut(fd, Errno::ENOPROTOOPT)?;
        socket.notices.set_stamping(flags, base);
        Ok(())
    }

    /// The current state of a socket's connection, if it is reported with timestamps.
    fn snapshot(&self, fd: Fd) -> Option<Snapshot> {
        let socket = self.stream(fd, Errno::EINVAL).ok()?;
        if socket.notices.stamping() & SOF_TIMESTAMPING_OPT_STATS == 0 {
            return None;
        }
        let status = self.stack.status(socket.connection()?);
        Some(Snapshot {
            info: self.tcp_info(fd).ok()?,
            send_queue: status.send_queue,
        })
    }

    /// Notes that the user has given text.
    pub(super) fn note_sent(&mut self, fd: Fd, octets: usize, flags: i32, once: OneSend) {
        let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) else {
            return;
        };
        let asked = socket.settings.kept(SOL_SOCKET, SO_ZEROCOPY, 0) != 0;
        let zerocopy = asked && flags & MSG_ZEROCOPY != 0 && octets > 0;
        if socket.notices.follow(octets, zerocopy, once.stamps) {
            self.table.follow(fd);
        }
    }

    /// Notes that the user has given a datagram, which leaves at once.
    pub(super) fn note_datagram(&mut self, fd: Fd, flags: i32, once: OneSend) {
        let now = self.now;
        let Ok(socket) = self.datagram_mut(fd) else {
            return;
        };
        let asked = socket.settings.kept(SOL_SOCKET, SO_ZEROCOPY, 0) != 0;
        let is_copied = asked && flags & MSG_ZEROCOPY != 0;
        if is_copied {
            socket.notices.tell_datagram_copied();
        }
        let notices = &mut socket.notices;
        let has_left =
            flags & MSG_MORE == 0 && notices.tell_departed(now, once.stamps, once.number);
        if is_copied || has_left {
            self.table.happened(fd);
        }
    }

    /// Checks the progress of the sends that are followed.
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
            if !socket.notices.follows() {
                self.table.follow_no_more(fd);
            }
            if told {
                self.table.happened(fd);
            }
        }
    }

    /// How many octets of text have been sent, and how many have arrived. When a connection has
    /// ended, everything counts as arrived, because its text is no longer needed.
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

    /// recvmsg with `MSG_ERRQUEUE`. The packet that belongs to a timestamp is not returned.
    pub(super) fn receive_notice(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<Received, Errno> {
        let (notices, family) = match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => (&mut socket.notices, socket.family),
            Kind::Datagram(socket) => (&mut socket.notices, socket.family),
            Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
        };
        let (notice, next) = notices.take().ok_or(Errno::EAGAIN)?;
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
    /// Copies the notice's text into `buffer`; returns its length, and whether it was cut off. An ICMP
    /// error has its quote as text; on Linux, statistics are text, too.
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

    /// The notice's control messages.
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
