//! ICMP: what is told of our segments, and what this host tells of those of others.

use super::Stack;
use super::reports::Reported;
use super::share::quoted;
use crate::tcp::{ConnectionError, State};
use crate::time::Instant;
use crate::wire::{Echo, IcmpError, IcmpMessage, IpHeader, Quote, Unreachable, icmp, ip, protocol};

impl Stack {
    pub(super) fn icmp_arrives(&mut self, now: Instant, ip: &IpHeader, message: IcmpMessage<'_>) {
        match message {
            IcmpMessage::EchoRequest(echo) => self.answer_echo(ip, &echo),
            IcmpMessage::Error(error, quote) if quote.protocol == protocol::UDP => {
                self.udp_error(error, &quote);
            }
            IcmpMessage::Error(error, quote) => self.icmp_error(now, error, &quote),
            IcmpMessage::EchoReply(_) | IcmpMessage::Ignored { .. } => {}
        }
    }

    /// Not limited in rate, only by the queue: each answers one request and is no longer than it.
    fn answer_echo(&mut self, ip: &IpHeader, echo: &Echo<'_>) {
        let hop_limit = self.config.hop_limit;
        let back = IpHeader::new(ip.destination, ip.source, ip.protocol, hop_limit);
        self.reply(icmp::echo_reply(&back, echo));
    }

    /// RFC 5927: an error counts only for the connection that it quotes, and only if what it
    /// quotes is in flight.
    fn icmp_error(&mut self, now: Instant, error: IcmpError, quote: &Quote) {
        let tuple = quoted(quote);
        let slot = (quote.protocol == protocol::TCP)
            .then(|| self.table.find(&tuple))
            .flatten();
        let Some((slot, entry)) = slot.and_then(|slot| Some((slot, self.table.at_mut(slot)?)))
        else {
            self.counters.icmp_ignored += 1;
            return;
        };
        if !entry.tcb.is_in_flight(quote.seq) {
            self.counters.icmp_ignored += 1;
            return;
        }
        match (error, meaning(error, tuple.local.is_ipv4())) {
            (IcmpError::PacketTooBig { mtu }, _) => {
                (entry.tcb).on_packet_too_big(now, mtu as usize, quote.seq);
            }
            (_, Some(reason)) => {
                entry.tcb.on_icmp_error(reason, quote.seq);
                let ended = entry.tcb.state() == State::Closed;
                let about = Reported::Connection(self.table.id(slot));
                self.report_icmp(about, tuple.remote, error, ended);
            }
            (_, None) => {}
        }
        self.touched(slot);
    }

    /// Tells the sender of `datagram` what is wrong with it, if its kind may be answered at all.
    pub(super) fn answer_with_error(&mut self, now: Instant, error: IcmpError, datagram: &[u8]) {
        let Some(from) = ip::destination(datagram).filter(|to| self.is_own(*to)) else {
            return;
        };
        let Some(message) = icmp::error(from, self.config.hop_limit, error, datagram) else {
            return;
        };
        if self.icmp_limiter.allows(now) {
            self.reply(message);
        } else {
            self.counters.replies_suppressed += 1;
        }
    }
}

/// What an error means to the user of a connection; `None` if it is only about the length.
pub(super) fn meaning(error: IcmpError, is_ipv4: bool) -> Option<ConnectionError> {
    match error {
        IcmpError::PacketTooBig { .. } => None,
        IcmpError::Unreachable(reason) => Some(explain(reason, is_ipv4)),
        IcmpError::HopLimitExceeded | IcmpError::ReassemblyTimeExceeded => {
            Some(ConnectionError::HostUnreachable)
        }
        IcmpError::ParameterProblem { .. } => Some(ConnectionError::HeaderRefused),
    }
}

/// What "destination unreachable" means to the user of a connection.
fn explain(reason: Unreachable, is_ipv4: bool) -> ConnectionError {
    match reason {
        Unreachable::Port => ConnectionError::Refused,
        Unreachable::Protocol => ConnectionError::ProtocolUnreachable,
        Unreachable::SourceRouteFailed => ConnectionError::SourceRouteFailed,
        Unreachable::HostUnknown => ConnectionError::HostUnknown,
        Unreachable::SourceHostIsolated => ConnectionError::SourceIsolated,
        Unreachable::Network
        | Unreachable::NetworkUnknown
        | Unreachable::NetworkProhibited
        | Unreachable::NetworkTypeOfService => ConnectionError::NetworkUnreachable,
        Unreachable::Prohibited | Unreachable::SourcePolicy | Unreachable::RejectRoute
            if !is_ipv4 =>
        {
            ConnectionError::Prohibited
        }
        _ => ConnectionError::HostUnreachable,
    }
}
