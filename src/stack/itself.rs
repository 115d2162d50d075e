//! What this host sends to itself (loopback, RFC 1122 §3.2.1.3): connections between two of its
//! ports, or of a port with itself, and datagrams. These do not reach the device; they come back.
//!
//! A datagram from outside never counts as sent by this host: see `dispatch`.

use core::net::IpAddr;
use std::collections::VecDeque;

use super::Stack;
use super::udp::{Head, UdpId};
use crate::time::Instant;
use crate::wire::{self, Arrived, Checksum, Form, Offload, Payload, ip};

/// The most resets and datagrams that wait; any more are lost, as if a path had lost them.
const MOST: usize = 64;

/// What this host has to send to itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Itself {
    /// The host has opened such a connection, or sent such a datagram; otherwise there is nothing to
    /// look for.
    talks: bool,
    /// Slots of connections that may have something to send.
    sending: VecDeque<u32>,
    /// Everything else: resets, datagrams, and ICMP errors about them.
    replies: VecDeque<Vec<u8>>,
}

impl Itself {
    /// Notes that the host opens such a connection, or sends such a datagram.
    pub(super) fn begin(&mut self) {
        self.talks = true;
    }

    /// Whether there is certainly nothing to send.
    #[inline]
    pub(super) fn is_silent(&self) -> bool {
        self.sending.is_empty() && self.replies.is_empty()
    }

    /// Queues a datagram that comes back.
    fn keep(&mut self, datagram: Vec<u8>) {
        if self.replies.len() < MOST {
            self.replies.push_back(datagram);
        }
    }

    /// The connection in this slot may have something to send.
    pub(super) fn push(&mut self, slot: u32) {
        self.sending.push_back(slot);
    }
}

impl Stack {
    /// Whether an address is this host's.
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        self.config.addresses.contains(&address)
    }

    /// The first address of a family.
    pub(super) fn own_address(&self, is_ipv4: bool) -> Option<IpAddr> {
        let mut addresses = self.config.addresses.iter().copied();
        addresses.find(|address| address.is_ipv4() == is_ipv4)
    }

    /// Whether the connection in a slot is with this host itself.
    #[inline]
    pub(super) fn is_with_itself(&self, slot: u32) -> bool {
        self.itself.talks && self.has_own_peer(slot)
    }

    #[inline(never)]
    fn has_own_peer(&self, slot: u32) -> bool {
        let entry = self.table.at(slot);
        entry.is_some_and(|it| self.is_own(it.tcb.tuple().remote.ip()))
    }

    /// Whether datagrams to `destination` stay on this host.
    pub(super) fn is_for_itself(&self, destination: IpAddr) -> bool {
        self.itself.talks && self.is_own(destination)
    }

    /// Keeps a reply that is for this host itself; returns any other.
    pub(super) fn keep_own(&mut self, datagram: Vec<u8>) -> Option<Vec<u8>> {
        if !ip::destination(&datagram).is_some_and(|to| self.is_for_itself(to)) {
            return Some(datagram);
        }
        self.itself.keep(datagram);
        None
    }

    /// The datagram of a UDP or echo socket that just departs arrives here.
    pub(super) fn udp_to_itself(&mut self, now: Instant, id: UdpId, head: Head) {
        if let Some(datagram) = self.whole_datagram(id, head) {
            self.itself.keep(datagram);
            self.talk_to_itself(now);
        }
    }

    /// Delivers all that this host has to send to itself, and whatever follows from it. This ends,
    /// because windows fill up, and segments without text are answered at a limited rate.
    pub(super) fn talk_to_itself(&mut self, now: Instant) {
        while let Some(datagram) = self.departs_to_itself(now) {
            let Ok(parsed) = wire::parse_as(&datagram, Checksum::Verified) else {
                continue;
            };
            match parsed.payload {
                Payload::Tcp(ref header, _)
                    if self.refuses_signature(&parsed.ip, header, &datagram) => {}
                Payload::Tcp(ref header, text) => {
                    let arrived = Arrived::from(&*datagram).part(text);
                    self.tcp_arrives(now, &parsed.ip, header, arrived, text.len());
                }
                Payload::Udp(ref header, text) if self.is_for_many(parsed.ip.destination) => {
                    self.udp_for_many(now, &parsed.ip, header, text);
                }
                Payload::Udp(ref header, text) => {
                    self.udp_arrives(now, &parsed.ip, header, text, &datagram, Form::default());
                }
                Payload::Icmp(message) => {
                    self.icmp_arrives(now, &parsed.ip, message, &datagram);
                }
                Payload::Membership(_)
                | Payload::Fragment(_)
                | Payload::Unknown { .. }
                | Payload::Nothing => {}
            }
        }
    }

    /// The next datagram for this host itself.
    fn departs_to_itself(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(reply) = self.itself.replies.pop_front() {
            return Some(reply);
        }
        while let Some(&slot) = self.itself.sending.front() {
            // Another connection may be in its slot by now.
            let is_own = self.is_with_itself(slot);
            if is_own {
                let entry = self.table.at_mut(slot)?;
                if let Some(departure) = entry.tcb.depart(now, 0) {
                    let packet = self.segment(now, slot, departure, Offload::NONE)?;
                    return Some(packet.to_vec());
                }
            }
            self.itself.sending.pop_front();
            if is_own {
                self.has_sent_all(slot);
            }
        }
        None
    }
}
