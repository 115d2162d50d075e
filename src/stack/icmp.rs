//! ICMP: errors about our packets, and the messages that this host sends.

use core::net::IpAddr;

use super::Stack;
use super::meaning::{is_broken, meaning, means_no_peer};
use super::reports::Reported;
use super::share::quoted;
use super::udp::SocketKind;
use crate::tcp::State;
use crate::time::Instant;
use crate::wire::{Echo, Ecn, IcmpError, IcmpMessage, IpHeader, Quote, icmp, ip, protocol};

impl Stack {
    /// A message arrives; `datagram` is the whole datagram.
    pub(super) fn icmp_arrives(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        message: IcmpMessage<'_>,
        datagram: &[u8],
    ) {
        match message {
            IcmpMessage::EchoRequest(echo) => self.answer_echo(ip, &echo),
            IcmpMessage::EchoReply(echo) => self.echo_reply_arrives(now, ip, &echo),
            IcmpMessage::Error(error, quote) => match SocketKind::of(quote.protocol) {
                Some(kind) => self.udp_error(now, kind, error, &quote, datagram),
                None => self.icmp_error(now, error, &quote, datagram),
            },
            IcmpMessage::Ignored { .. } => {}
        }
    }

    /// Not limited in rate, only by the queue: each answers one request and is no longer than it.
    fn answer_echo(&mut self, ip: &IpHeader, echo: &Echo<'_>) {
        let Some(from) = self.answering(ip.destination) else {
            return;
        };
        let mut back = IpHeader::new(from, ip.source, ip.protocol, self.config.hop_limit);
        // RFC 1349 §5.1: the same service as the request, but without its marks of congestion.
        back.traffic_class = Ecn::NotEct.on(ip.traffic_class);
        self.reply(icmp::echo_reply(&back, echo));
    }

    /// The address from which to answer a datagram to `destination`, if that is for this host (RFC
    /// 4443 §2.2).
    fn answering(&self, destination: IpAddr) -> Option<IpAddr> {
        match destination {
            own if self.is_own(own) => Some(own),
            many if many.is_ipv6() && self.is_among(many) => self.source_for_many(many),
            _ => None,
        }
    }

    /// RFC 5927: an error counts only for the connection that it quotes, and only if what it
    /// quotes is in flight.
    fn icmp_error(&mut self, now: Instant, error: IcmpError, quote: &Quote, datagram: &[u8]) {
        let tuple = quoted(quote);
        let slot = (quote.protocol == protocol::TCP)
            .then(|| self.table.find(&tuple))
            .flatten();
        let Some((slot, entry)) = slot.and_then(|slot| Some((slot, self.table.at_mut(slot)?)))
        else {
            self.counters.icmp_ignored += 1;
            return;
        };
        if !entry.tcb.believes_quote(quote.seq) {
            self.counters.icmp_ignored += 1;
            return;
        }
        match (error, meaning(error, tuple.local.is_ipv4())) {
            (IcmpError::PacketTooBig { mtu }, _) => {
                (entry.tcb).on_packet_too_big(now, mtu as usize, quote.seq);
            }
            (IcmpError::ReassemblyTimeExceeded, _)
                if tuple.local.is_ipv4() && entry.tcb.doubts_reassembly() => {}
            (_, Some(reason)) => {
                entry.tcb.on_icmp_error(reason);
                if is_broken(reason, tuple.local.is_ipv4()) {
                    entry.tcb.on_path_broken(now, quote.seq);
                }
                if means_no_peer(error, tuple.local.is_ipv4()) {
                    entry.tcb.on_unreachable_peer();
                }
                let ended = entry.tcb.state() == State::Closed;
                let about = Reported::Connection(self.table.id(slot));
                self.report_icmp(about, tuple.remote, error, ended, datagram);
            }
            (_, None) => {}
        }
        self.touched(slot);
    }

    /// Tells the sender of `datagram` what is wrong with it, if its kind may be answered at all.
    pub(super) fn answer_with_error(&mut self, now: Instant, error: IcmpError, datagram: &[u8]) {
        let from = ip::destination(datagram).and_then(|to| self.answering(to));
        // RFC 1122 §3.2.2: a malformed datagram may claim to come from a broadcast address.
        let to = ip::source(datagram).filter(|to| !self.is_broadcast(*to));
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        let Some(message) = icmp::error(from, self.config.hop_limit, error, datagram) else {
            return;
        };
        if self.icmp_limiter.allows(now, to) {
            self.reply(message);
        } else {
            self.counters.replies_suppressed += 1;
        }
    }
}
