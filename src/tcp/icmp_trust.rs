//! Which ICMP errors are believed: see [`IcmpTrust`](crate::config::IcmpTrust).

use super::state::{Event, State};
use super::tcb::Tcb;

impl Tcb {
    /// Whether an ICMP error that quotes the segment with this sequence number is about this
    /// connection (RFC 5927 §4; [`IcmpTrust::next_place`](crate::config::IcmpTrust::next_place)).
    pub fn believes_quote(&self, seq: u32) -> bool {
        let is_next = self.config.habits.icmp_trust.next_place && seq == self.snd.nxt.wire();
        is_next || self.is_in_flight(seq)
    }

    /// Whether ICMP errors about missing fragments are ignored: see
    /// [`IcmpTrust::doubts_reassembly`](crate::config::IcmpTrust::doubts_reassembly).
    pub fn doubts_reassembly(&self) -> bool {
        self.config.habits.icmp_trust.doubts_reassembly
    }

    /// Whether an active OPEN is under way, perhaps a simultaneous one.
    pub(super) fn opens_actively(&self) -> bool {
        match self.state {
            State::SynSent => true,
            State::SynReceived => !self.passive,
            _ => false,
        }
    }

    /// Whether an ICMP error ends a simultaneous open (see
    /// [`IcmpTrust::ends_handshakes`](crate::config::IcmpTrust::ends_handshakes)).
    pub(super) fn error_ends_crossing(&self) -> bool {
        self.opens_actively() && self.config.habits.icmp_trust.ends_handshakes
    }

    /// An ICMP error says that the peer of a passive handshake cannot be reached, which may end
    /// the handshake (see
    /// [`IcmpTrust::ends_handshakes`](crate::config::IcmpTrust::ends_handshakes)).
    pub fn on_unreachable_peer(&mut self) {
        let is_passive = self.state == State::SynReceived && self.passive && !self.opening.is_child;
        if is_passive && self.config.habits.icmp_trust.ends_handshakes {
            self.end(Event::RcvRstPassive, None);
        }
    }
}
