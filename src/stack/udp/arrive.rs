//! A datagram arrives, or an ICMP error about one that left.

use core::net::SocketAddr;

use super::path::LEAST_IPV6_MTU;
use super::{Arrival, DatagramError, EchoFailure, SocketKind, UdpMarks, Undelivered};
use crate::stack::share::quoted;
use crate::stack::{Reported, Stack, UdpId};
use crate::tcp::{FourTuple, Readiness};
use crate::time::Instant;
use crate::wire::{Form, IcmpError, IpHeader, Quote, UdpHeader, Unreachable, ip, pieces};

impl Stack {
    /// A datagram arrives for one of this host's addresses, or several that a device has merged into one;
    /// `datagram` is all of it, for ICMP errors to quote.
    pub(in crate::stack) fn udp_arrives(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        header: &UdpHeader,
        text: &[u8],
        datagram: &[u8],
        form: Form,
    ) {
        let tuple = FourTuple {
            local: SocketAddr::new(ip.destination, header.destination_port),
            remote: SocketAddr::new(ip.source, header.source_port),
        };
        match self.udp.find(SocketKind::Udp, &tuple) {
            Some(id) => pieces(text, form.cut)
                .for_each(|text| self.udp_takes(now, id, ip, tuple.remote, 0, text)),
            None => form.take_apart(datagram, |datagram| self.udp_refuses(now, datagram)),
        }
    }

    /// RFC 1122 §4.1.3.1: no socket has the port.
    fn udp_refuses(&mut self, now: Instant, datagram: &[u8]) {
        self.counters.udp.no_ports += 1;
        let error = IcmpError::Unreachable(Unreachable::Port);
        self.answer_with_error(now, error, datagram);
    }

    /// Queues a datagram for the user of a socket, if there is room.
    pub(super) fn udp_takes(
        &mut self,
        now: Instant,
        id: UdpId,
        ip: &IpHeader,
        remote: SocketAddr,
        sequence: u16,
        text: &[u8],
    ) {
        let Some(socket) = self.udp.at_mut(id) else {
            return;
        };
        let counted = self.counters.of_mut(socket.kind);
        let may_wait = self.memory.datagrams_may_wait() || socket.received.is_empty();
        let marks = UdpMarks {
            hop_limit: Some(ip.hop_limit),
            traffic_class: Some(ip.traffic_class),
        };
        let most = socket.options.receive_buffer;
        let fits = most.is_none_or(|most| socket.received.fits(text.len(), most));
        let queue = &mut socket.received;
        if !may_wait || !fits || !queue.push(ip.destination, remote, marks, sequence, text) {
            socket.lost.0 = socket.lost.0.wrapping_add(1);
            counted.overflows += 1;
            return;
        }
        let lost = socket.lost.0;
        socket.received.note(Arrival { at: now, lost });
        socket.received.charge(&mut self.memory);
        counted.received += 1;
        self.udp_note(id, Readiness::READABLE);
    }

    /// RFC 1122 §4.1.3.3: an ICMP error about a datagram reaches the socket that sent it. `message` is
    /// the whole ICMP datagram.
    pub(in crate::stack) fn udp_error(
        &mut self,
        now: Instant,
        kind: SocketKind,
        error: IcmpError,
        quote: &Quote,
        message: &[u8],
    ) {
        let tuple = quoted(quote);
        // A socket at the unspecified address has sent from an address of this host only.
        let is_ours = self.is_own(quote.source);
        let socket = is_ours.then(|| self.udp.find(kind, &tuple)).flatten();
        let socket = socket.and_then(|id| Some((id, self.udp.at_mut(id)?)));
        let reason = explain(error, tuple.local.is_ipv6());
        let (Some((id, socket)), Some(reason)) = (socket, reason) else {
            self.counters.icmp_ignored += 1;
            return;
        };
        // An error that fails calls is not replaced by one that does not.
        let is_hard = socket.fails_for(reason);
        let fails = (socket.error).is_some_and(|known| socket.fails_for(known.reason));
        if is_hard || !fails {
            let remote = tuple.remote;
            let echo = echo_failure(kind, error, quote, message);
            socket.error = Some(DatagramError {
                remote,
                reason,
                echo,
            });
        }
        let (fails_calls, learns) = (socket.fails_calls(), socket.learns_paths());
        if is_hard && fails_calls {
            self.udp_note(id, Readiness::READABLE | Readiness::WRITABLE);
        }
        if let (Undelivered::TooLong { mtu }, true) = (reason, learns) {
            self.udp_learn_path(now, tuple.remote.ip(), mtu);
        }
        self.report_icmp(Reported::Udp(id), tuple.remote, error, false, message);
    }

    /// Notes an event for the user of a socket.
    pub(in crate::stack) fn udp_note(&mut self, id: UdpId, readiness: Readiness) {
        let Some(socket) = self.udp.at_mut(id).filter(|socket| !socket.closed) else {
            return;
        };
        if socket.readiness.is_none() {
            self.udp_ready.push_back(id);
        }
        socket.readiness |= readiness;
    }
}

/// The details of an error that the sender of an echo request needs in addition to its meaning.
fn echo_failure(
    kind: SocketKind,
    error: IcmpError,
    quote: &Quote,
    message: &[u8],
) -> Option<EchoFailure> {
    let offender = ip::source(message)?;
    (kind == SocketKind::Echo).then_some(EchoFailure {
        // It has sixteen bits.
        sequence: quote.seq as u16,
        offender,
        error,
    })
}

/// What an ICMP error means to the user of a socket; `None` if it cannot be genuine.
fn explain(error: IcmpError, is_ipv6: bool) -> Option<Undelivered> {
    Some(match error {
        IcmpError::PacketTooBig { mtu } if is_ipv6 && mtu < LEAST_IPV6_MTU => return None,
        IcmpError::PacketTooBig { mtu } => Undelivered::TooLong { mtu },
        IcmpError::Unreachable(reason) => match reason {
            Unreachable::Port => Undelivered::Refused,
            Unreachable::Protocol => Undelivered::NoProtocol,
            Unreachable::NetworkProhibited => Undelivered::NetworkProhibited,
            Unreachable::HostProhibited | Unreachable::Prohibited => Undelivered::HostProhibited,
            Unreachable::Network
            | Unreachable::NetworkUnknown
            | Unreachable::NetworkTypeOfService => Undelivered::NetworkUnreachable,
            _ => Undelivered::HostUnreachable,
        },
        IcmpError::HopLimitExceeded
        | IcmpError::ReassemblyTimeExceeded
        | IcmpError::ParameterProblem { .. }
        | IcmpError::Unknown { .. } => Undelivered::HostUnreachable,
    })
}
