//! Statistics of a stack.

use core::iter::Sum;

use super::fragments::FragmentDrop;
use super::udp::SocketKind;
use crate::tcp::{Discard, Overrun, Tcb};
use crate::wire::Malformed;

/// Counters of a stack since its start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams that arrived.
    pub datagrams_in: u64,
    /// Those of them whose text was received into the buffer of its reader.
    pub landed: u64,
    /// Datagrams given to the device.
    pub datagrams_out: u64,
    /// Datagrams to an address that is not ours, or from an address that no peer can have.
    pub not_for_us: u64,
    /// Segments that belong to no connection and no listener.
    pub strangers: u64,
    /// SYNs and handshakes dropped because a queue of the listener, or the stack, was full.
    pub listen_overflows: u64,
    /// SYNs answered with a SYN cookie.
    pub cookies_sent: u64,
    /// Acknowledgments of SYN cookies that opened a connection.
    pub cookies_taken: u64,
    /// Connections accepted with the SYN, by a cookie of Fast Open.
    pub fast_open_accepted: u64,
    /// Resets and ICMP messages not sent because there were too many.
    pub replies_suppressed: u64,
    /// ICMP errors that no connection believed.
    pub icmp_ignored: u64,
    /// Datagrams that arrived at the wrong one of several shards and were handed over to the right
    /// one: see [`Share`](super::Share).
    pub strays: u64,
    /// Datagrams that could not be handed over, because too many were waiting.
    pub strays_lost: u64,
    /// Connections opened by us.
    pub opened: u64,
    /// Connections accepted from others.
    pub accepted: u64,
    /// Retransmitted segments of connections that are gone.
    pub retransmissions: u64,
    /// Datagrams of UDP.
    pub udp: UdpCounters,
    /// Echo requests that users have sent, and replies that have come. Ports are identifiers.
    pub echo: UdpCounters,
    /// Retransmission timeouts of connections that are gone.
    pub timeouts: u64,
    /// Connections given up, because the peer did not answer, after their users had released them.
    pub orphans_given_up: u64,
    /// Connections reset, because memory was short, after their users had released them.
    pub orphans_reset: u64,
    /// Connections refused because memory was short. Segments refused for the same reason are
    /// counted as [`Discard::NoMemory`].
    pub memory_refusals: u64,
    /// Segments that end beyond the window, whether or not a part of them was used.
    pub beyond_window: u64,
    /// Those of them whose text was next in order while the window was closed.
    pub zero_window_drops: u64,
    malformed: Vec<u64>,
    discarded: Vec<u64>,
    fragments: Vec<u64>,
}

/// What became of datagrams that were not malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UdpCounters {
    /// Put into the queue of a socket.
    pub received: u64,
    /// Given to the device.
    pub sent: u64,
    /// Sent to a port where no socket receives from the sender.
    pub no_ports: u64,
    /// Dropped because the queue of the socket was full.
    pub overflows: u64,
}

impl UdpCounters {
    fn plus(self, other: UdpCounters) -> UdpCounters {
        UdpCounters {
            received: self.received + other.received,
            sent: self.sent + other.sent,
            no_ports: self.no_ports + other.no_ports,
            overflows: self.overflows + other.overflows,
        }
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            datagrams_in: 0,
            landed: 0,
            datagrams_out: 0,
            not_for_us: 0,
            strangers: 0,
            listen_overflows: 0,
            cookies_sent: 0,
            cookies_taken: 0,
            fast_open_accepted: 0,
            replies_suppressed: 0,
            icmp_ignored: 0,
            strays: 0,
            strays_lost: 0,
            opened: 0,
            accepted: 0,
            retransmissions: 0,
            udp: UdpCounters::default(),
            echo: UdpCounters::default(),
            timeouts: 0,
            orphans_given_up: 0,
            orphans_reset: 0,
            memory_refusals: 0,
            beyond_window: 0,
            zero_window_drops: 0,
            malformed: vec![0; Malformed::ALL.len()],
            discarded: vec![0; Discard::ALL.len()],
            fragments: vec![0; FragmentDrop::ALL.len()],
        }
    }
}

/// The sum of what several shards of one host have counted.
impl Sum for Counters {
    fn sum<I: Iterator<Item = Counters>>(shards: I) -> Counters {
        shards.fold(Counters::default(), |sum, shard| sum.plus(shard))
    }
}

impl Counters {
    /// Every field is named: a new one must be added up, too.
    fn plus(self, other: Counters) -> Counters {
        let add = |ours: Vec<u64>, others: Vec<u64>| {
            ours.iter().zip(others).map(|(a, b)| a + b).collect()
        };
        Counters {
            datagrams_in: self.datagrams_in + other.datagrams_in,
            landed: self.landed + other.landed,
            datagrams_out: self.datagrams_out + other.datagrams_out,
            not_for_us: self.not_for_us + other.not_for_us,
            strangers: self.strangers + other.strangers,
            listen_overflows: self.listen_overflows + other.listen_overflows,
            cookies_sent: self.cookies_sent + other.cookies_sent,
            cookies_taken: self.cookies_taken + other.cookies_taken,
            fast_open_accepted: self.fast_open_accepted + other.fast_open_accepted,
            replies_suppressed: self.replies_suppressed + other.replies_suppressed,
            icmp_ignored: self.icmp_ignored + other.icmp_ignored,
            strays: self.strays + other.strays,
            strays_lost: self.strays_lost + other.strays_lost,
            opened: self.opened + other.opened,
            accepted: self.accepted + other.accepted,
            retransmissions: self.retransmissions + other.retransmissions,
            udp: self.udp.plus(other.udp),
            echo: self.echo.plus(other.echo),
            timeouts: self.timeouts + other.timeouts,
            orphans_given_up: self.orphans_given_up + other.orphans_given_up,
            orphans_reset: self.orphans_reset + other.orphans_reset,
            memory_refusals: self.memory_refusals + other.memory_refusals,
            beyond_window: self.beyond_window + other.beyond_window,
            zero_window_drops: self.zero_window_drops + other.zero_window_drops,
            malformed: add(self.malformed, other.malformed),
            discarded: add(self.discarded, other.discarded),
            fragments: add(self.fragments, other.fragments),
        }
    }

    /// Those of the sockets of a kind.
    pub(super) fn of_mut(&mut self, kind: SocketKind) -> &mut UdpCounters {
        match kind {
            SocketKind::Udp => &mut self.udp,
            SocketKind::Echo => &mut self.echo,
        }
    }

    pub(super) fn count_malformed(&mut self, reason: Malformed) {
        self.malformed[reason as usize] += 1;
    }

    pub(super) fn count_discarded(&mut self, reason: Discard) {
        self.discarded[reason as usize] += 1;
    }

    pub(super) fn count_overrun(&mut self, overrun: Overrun) {
        self.beyond_window += 1;
        self.zero_window_drops += u64::from(overrun == Overrun::ZeroWindow);
    }

    /// Counts a connection that has ended, or is in TIME-WAIT without a user.
    pub(super) fn count_ended(&mut self, tcb: &Tcb) {
        let (retransmissions, timeouts) = tcb.repeated();
        self.retransmissions += retransmissions;
        self.timeouts += timeouts;
        self.orphans_given_up += u64::from(tcb.gave_up_alone());
    }

    pub(super) fn count_fragment(&mut self, reason: FragmentDrop) {
        self.fragments[reason as usize] += 1;
    }

    /// Fragments dropped for this reason.
    pub fn fragments_dropped(&self, reason: FragmentDrop) -> u64 {
        self.fragments[reason as usize]
    }

    /// Datagrams refused for this reason.
    pub fn malformed(&self, reason: Malformed) -> u64 {
        self.malformed[reason as usize]
    }

    /// Segments refused because memory was short.
    pub fn refused_segments(&self) -> u64 {
        self.discarded(Discard::NoMemory)
    }

    /// Segments without a signature from peers that have a key (RFC 2385).
    pub fn unsigned_segments(&self) -> u64 {
        self.discarded(Discard::Unsigned)
    }

    /// Signed segments from peers that have no key.
    pub fn unexpected_signatures(&self) -> u64 {
        self.discarded(Discard::SignatureUnexpected)
    }

    /// Segments from farther away than allowed (RFC 5082).
    pub fn segments_from_afar(&self) -> u64 {
        self.discarded(Discard::TooFar)
    }

    /// Segments with a timestamp that is too old (RFC 7323 §5).
    pub fn old_timestamps(&self) -> u64 {
        self.discarded(Discard::Paws)
    }

    /// SYNs for existing connections (RFC 5961 §4).
    pub fn challenged_syns(&self) -> u64 {
        self.discarded(Discard::SynChallenged)
    }

    /// Segments signed with another key, or changed on the way.
    pub fn wrong_signatures(&self) -> u64 {
        self.discarded(Discard::SignatureWrong)
    }

    /// Segments that a connection did not use, or not wholly, for this reason.
    pub fn discarded(&self, reason: Discard) -> u64 {
        self.discarded[reason as usize]
    }
}
