//! A datagram for many arrives.

use crate::stack::Stack;
use crate::time::Instant;
use crate::wire::{Arrived, Cut, Datagram, IcmpMessage, Payload, ip, pieces};

impl Stack {
    /// A datagram that is for none of this host's addresses: either for many, or not for this host. Of
    /// datagrams to many, only UDP is accepted, and only IPv6 echo requests are answered (RFC 1122
    /// §3.2.2.6, RFC 4443 §4.2).
    #[inline(never)]
    pub(in crate::stack) fn arrives_for_others(
        &mut self,
        now: Instant,
        parsed: &Datagram<'_>,
        datagram: Arrived<'_>,
        cut: Option<Cut>,
    ) {
        let ip = &parsed.ip;
        // A datagram whose scope is the host itself cannot come over a link (RFC 4291 §2.7).
        let is_from_here = ip::scope(ip.destination).is_some_and(|scope| scope < ip::LINK_SCOPE);
        let is_heard = match parsed.payload {
            Payload::Membership(_) => self.is_among(ip.destination),
            _ => self.hears(ip.destination, ip.source),
        };
        if !self.is_sender_to_many(parsed) || is_from_here || !is_heard {
            self.counters.not_for_us += 1;
            return;
        }
        match parsed.payload {
            Payload::Udp(ref header, text) => {
                pieces(text, cut).for_each(|text| self.udp_for_many(now, ip, header, text));
            }
            Payload::Icmp(message @ IcmpMessage::EchoRequest(_)) if ip.source.is_ipv6() => {
                self.icmp_arrives(now, ip, message, datagram.octets());
            }
            Payload::Membership(message) => self.membership_arrives(now, ip, &message),
            Payload::Fragment(fragment) => self.fragment_arrives(now, ip, fragment),
            Payload::Tcp(..) | Payload::Icmp(_) | Payload::Unknown { .. } | Payload::Nothing => {
                self.counters.not_for_us += 1;
            }
        }
    }

    /// Whether a datagram to many comes from another host. A message about groups may come from a host
    /// without an address: a switch that asks in place of a router (RFC 4541 §2.1.1).
    fn is_sender_to_many(&self, parsed: &Datagram<'_>) -> bool {
        let source = parsed.ip.source;
        let is_message = matches!(parsed.payload, Payload::Membership(_));
        self.is_sender(source) || (is_message && source.is_unspecified())
    }
}
