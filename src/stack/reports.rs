//! ICMP errors as they came, for users that want each of them (`IP_RECVERR`). The errors with which
//! calls fail are kept by connections and sockets.

use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use super::Stack;
use super::id::ConnId;
use super::meaning::meaning;
use super::udp::{SocketKind, UdpId};
use crate::tcp::ConnectionError;
use crate::wire::{self, IcmpError, udp};

/// The most that wait to be taken; further ones are dropped.
const MOST: usize = 64;

/// Whose datagram an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// A segment of a connection.
    Connection(ConnId),
    /// A datagram of a UDP socket, or a request of an echo socket.
    Udp(UdpId),
}

/// An ICMP error about something in flight. Nothing proves that it is genuine (RFC 5927).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpReport {
    /// Whose datagram it is about.
    pub about: Reported,
    /// The destination of that datagram.
    pub remote: SocketAddr,
    /// The host that sent it.
    pub offender: Option<IpAddr>,
    /// What it means; `None`: the datagram was too long for a link on the way.
    pub reason: Option<ConnectionError>,
    /// Whether it has ended the connection.
    pub ended: bool,
    /// Its type on the wire.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The MTU of the link, or the octet where the problem is; otherwise 0.
    pub info: u32,
    /// The part of the datagram that it quotes: the header and text of a segment, what follows the header of a
    /// UDP datagram, or the header and data of an echo request. No more than fits the longest ICMPv6 error.
    pub quoted: Vec<u8>,
}

/// The most octets that are kept of what an error quotes (RFC 4443 §2.4(c)).
const MOST_QUOTED: usize = 1_232;

/// The waiting reports; `None` unless they are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports {
    waiting: Option<VecDeque<IcmpReport>>,
}

impl Stack {
    /// From now on [`Stack::poll_icmp`] returns every ICMP error that is believed.
    pub fn watch_icmp(&mut self) {
        self.reports.waiting.get_or_insert_default();
    }

    /// The oldest ICMP error that was not yet returned. After [`Stack::watch_icmp`], call this regularly:
    /// at most 64 errors wait.
    pub fn poll_icmp(&mut self) -> Option<IcmpReport> {
        self.reports.waiting.as_mut()?.pop_front()
    }

    /// An error was believed; `message` is all that came.
    pub(super) fn report_icmp(
        &mut self,
        about: Reported,
        remote: SocketAddr,
        error: IcmpError,
        ended: bool,
        message: &[u8],
    ) {
        let waiting = self.reports.waiting.as_ref();
        if waiting.is_none_or(|waiting| waiting.len() >= MOST) {
            return;
        }
        let Some((kind, code, info)) = error.numbers(remote.is_ipv4()) else {
            return;
        };
        let sends = |id| self.udp.at(id).map(|socket| socket.kind);
        let header = match about {
            Reported::Udp(id) if sends(id) == Some(SocketKind::Udp) => udp::HEADER,
            Reported::Connection(_) | Reported::Udp(_) => 0,
        };
        let quoted = wire::icmp::quoted_upper(message).and_then(|upper| upper.get(header..));
        let quoted = quoted.unwrap_or_default();
        let report = IcmpReport {
            about,
            remote,
            offender: wire::ip::source(message),
            reason: meaning(error, remote.is_ipv4()),
            ended,
            kind,
            code,
            info,
            quoted: quoted[..quoted.len().min(MOST_QUOTED)].to_vec(),
        };
        self.reports
            .waiting
            .get_or_insert_default()
            .push_back(report);
    }
}
