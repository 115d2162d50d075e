//! The contents of a socket's error queue. Not all of them are errors: the fate of TCP text sent with
//! `MSG_ZEROCOPY`, the times when it left or arrived (`SO_TIMESTAMPING`), and ICMP errors.
//!
//! The calls that fill and empty it are in `error_queue`, and for ICMP in `reports`.

use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use super::errno::Errno;
use super::linux::{
    SCM_TSTAMP_ACK, SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SOF_TIMESTAMPING_OPT_ID,
    SOF_TIMESTAMPING_OPT_TSONLY, SOF_TIMESTAMPING_SOFTWARE, SOF_TIMESTAMPING_TX_ACK,
    SOF_TIMESTAMPING_TX_SCHED, SOF_TIMESTAMPING_TX_SOFTWARE,
};
use super::statistics::Snapshot;
use super::tcp_info::TcpInfo;
use crate::time::Instant;

/// The most notices that may wait, and the most sends that are followed: nothing is reported about
/// any more.
const MOST: usize = 1_024;

/// The notices of one socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices {
    /// What recvmsg returns, oldest first.
    waiting: VecDeque<Notice>,
    /// The sends about which something is still to be reported, in order.
    sends: VecDeque<Send>,
    /// How many octets the user has given so far.
    given: u64,
    /// The next number of a send with `MSG_ZEROCOPY`.
    number: u32,
    /// `SO_TIMESTAMPING`.
    stamping: i32,
    /// The octet from which `SOF_TIMESTAMPING_OPT_ID` counts.
    base: u64,
    /// The state of the connection when it was last checked, if it is reported with timestamps.
    before: Option<Box<TcpInfo>>,
}

/// A send that is followed.
#[derive(Clone, Copy, Debug)]
struct Send {
    /// Where its text ends, in octets that the user has given.
    end: u64,
    /// Its number among the sends with `MSG_ZEROCOPY`.
    zerocopy: Option<u32>,
    /// Which times are still to be reported: `SOF_TIMESTAMPING_TX_…`.
    stamps: i32,
    /// The number that is reported with them.
    key: u32,
    /// When its last octet left.
    departed: Option<Instant>,
}

/// Something to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The text of these sends is no longer needed.
    ZeroCopy { first: u32, last: u32 },
    /// When the last octet of a send reached a stage: `SCM_TSTAMP_…`.
    Stamp {
        what: i32,
        key: u32,
        at: Instant,
        more: More,
    },
    /// An ICMP error.
    Icmp(Told),
}

/// What the error queue reports about an ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) errno: Errno,
    pub(super) origin: i32,
    pub(super) kind: u8,
    pub(super) code: u8,
    pub(super) info: u32,
    /// The destination of the datagram, in the stack's form.
    pub(super) remote: SocketAddr,
    /// The sender of the message, if there was a message.
    pub(super) offender: Option<IpAddr>,
    /// What the message quotes.
    pub(super) quoted: Vec<u8>,
}

/// What is reported with a timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// Nothing.
    Nothing,
    /// The packet that was sent, but cut off to nothing.
    Packet,
    /// Netlink attributes.
    Statistics(Vec<u8>),
}

impl Notice {
    /// The error that is pending while this notice waits.
    pub(super) fn errno(&self) -> Option<Errno> {
        match self {
            Notice::Icmp(told) => Some(told.errno),
            Notice::ZeroCopy { .. } | Notice::Stamp { .. } => None,
        }
    }
}

impl Notices {
    /// Whether recvmsg with `MSG_ERRQUEUE` has something to return.
    pub(super) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Drops all waiting notices.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Takes the oldest notice, with the error that is pending once it is gone.
    pub(super) fn take(&mut self) -> Option<(Notice, Option<Errno>)> {
        let notice = self.waiting.pop_front()?;
        Some((notice, self.waiting.front().and_then(Notice::errno)))
    }

    /// `SO_TIMESTAMPING`.
    pub(super) fn stamping(&self) -> i32 {
        self.stamping
    }

    /// Sets `SO_TIMESTAMPING`. `base`: the octet from which sends are numbered, if numbering begins
    /// now.
    pub(super) fn set_stamping(&mut self, flags: i32, base: Option<u64>) {
        self.stamping = flags;
        self.base = base.unwrap_or(self.base);
    }

    /// Whether sends are numbered.
    pub(super) fn counts(&self) -> bool {
        self.stamping & SOF_TIMESTAMPING_OPT_ID != 0
    }

    /// How many octets the user has given so far.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Whether something is still to be reported about any send.
    pub(super) fn follows(&self) -> bool {
        !self.sends.is_empty()
    }

    /// Follows a send of `octets` octets; returns whether there is anything to follow. `stamps`: the
    /// times to report for it, if not those of the socket.
    pub(super) fn follow(&mut self, octets: usize, zerocopy: bool, stamps: Option<i32>) -> bool {
        // There is nothing to report about an empty send, and it has no number.
        if octets == 0 {
            return self.follows();
        }
        self.given += octets as u64;
        let stamps = match self.stamping & SOF_TIMESTAMPING_SOFTWARE {
            0 => 0,
            _ => stamps.unwrap_or(self.stamping) & (TX_SENT | SOF_TIMESTAMPING_TX_ACK),
        };
        let number = zerocopy.then_some(self.number);
        self.number = self.number.wrapping_add(zerocopy.into());
        if (stamps != 0 || zerocopy) && self.sends.len() < MOST {
            self.sends.push_back(Send {
                end: self.given,
                zerocopy: number,
                stamps,
                key: match self.counts() {
                    true => (self.given - self.base - 1) as u32,
                    false => 0,
                },
                departed: None,
            });
        }
        self.follows()
    }

    /// Reports what is due when `sent` octets have left and `arrived` have arrived. `snapshot` is the
    /// state of the connection, if it is reported with timestamps.
    pub(super) fn progress(
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

    /// What is reported with the timestamp `what` (`SCM_TSTAMP_…`) of a send that left at
    /// `departed`.
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

    /// Reports that a datagram has left, if that was asked for; returns whether it did. Only datagrams
    /// for which it was asked for are numbered. `stamps`: as in [`Notices::follow`]; `number`: an
    /// explicit number in place of the counted one.
    pub(super) fn tell_departed(
        &mut self,
        now: Instant,
        stamps: Option<i32>,
        number: Option<u32>,
    ) -> bool {
        let stamps = stamps.unwrap_or(self.stamping) & TX_SENT;
        if stamps == 0 {
            return false;
        }
        let key = match number {
            Some(number) => number,
            None if self.counts() => {
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

    /// Adds a notice, unless too many wait.
    pub(super) fn tell(&mut self, notice: Notice) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(notice);
        }
    }

    /// Reports that a datagram was sent with `MSG_ZEROCOPY`: it is copied at once.
    pub(super) fn tell_datagram_copied(&mut self) {
        let number = self.number;
        self.number = number.wrapping_add(1);
        self.tell_copied(number);
    }

    /// Consecutive numbers share one notice.
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

/// The times of a send: when it enters the device's queue and when it leaves it, which here are the
/// same.
const TX_SENT: i32 = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE;

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::from_fn;

    /// The queue grows no longer than this if nothing reads it; what waits already is still reported.
    #[test]
    fn only_so_many_notices_wait() {
        let mut notices = Notices::default();
        notices.set_stamping(
            SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE,
            None,
        );
        for _ in 0..MOST + 5 {
            assert!(notices.tell_departed(Instant::ZERO, None, None));
        }
        assert_eq!(from_fn(|| notices.take()).count(), MOST);
    }

    /// Sends beyond the limit are not reported, but still numbered.
    #[test]
    fn only_so_many_sends_are_followed() {
        let mut notices = Notices::default();
        for _ in 0..MOST + 5 {
            assert!(notices.follow(1, true, None));
        }
        let all = notices.given();
        assert_eq!(all, MOST as u64 + 5);
        assert!(notices.progress(Instant::ZERO, (all, all), None));
        assert!(!notices.follows());
        let told = |first, last| Some((Notice::ZeroCopy { first, last }, None));
        assert_eq!(notices.take(), told(0, MOST as u32 - 1));
        notices.follow(1, true, None);
        notices.progress(Instant::ZERO, (all + 1, all + 1), None);
        assert_eq!(notices.take(), told(MOST as u32 + 5, MOST as u32 + 5));
    }
}
