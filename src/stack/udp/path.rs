//! How long a datagram may be. What routers report about a path counts for a while, for sockets that
//! want that (`UdpOptions::path_mtu`). It does not count for TCP, which can check whether a report is
//! about a segment in flight.

use core::net::IpAddr;

use super::names::HEADER;
use super::{Socket, UdpId};
use crate::stack::Stack;
use crate::time::Instant;
use crate::wire::ip;

/// The least MTU of an IPv6 link (RFC 8200 §5): nothing smaller is believed (RFC 8201 §4).
pub(super) const LEAST_IPV6_MTU: u32 = 1280;
/// No path of IPv4 is believed to carry less (`net.ipv4.route.min_pmtu` of Linux): RFC 1191 §3 would allow 68.
const LEAST_IPV4_MTU: u32 = 552;

impl Stack {
    /// A router reports that no more than `mtu` octets pass to a host; 0: it does not say how many (RFC
    /// 1191 §4).
    pub(super) fn udp_learn_path(&mut self, now: Instant, destination: IpAddr, mtu: u32) {
        let least = match destination.is_ipv4() {
            true => LEAST_IPV4_MTU,
            false => LEAST_IPV6_MTU,
        };
        self.udp_forget_paths(now);
        let mtu = mtu.max(least);
        if (mtu as usize) < self.udp_path_mtu(destination) {
            self.udp.paths.learn(now, destination, mtu as u16);
        }
    }

    /// Forgets old reports: paths may have changed since (RFC 1191 §6.3).
    pub(super) fn udp_forget_paths(&mut self, now: Instant) {
        let lifetime = self.config.tcp.path_mtu.raise_after;
        self.udp.paths.expire(now, lifetime);
    }

    /// The longest datagram that passes to a host, headers included, as far as routers have reported it to
    /// sockets that want to know (`UdpOptions::path_mtu`); the MTU of the interface if nothing is known.
    pub fn udp_path_mtu(&self, destination: IpAddr) -> usize {
        let mtu = self.config.mtu;
        let known = self.udp.paths.last(destination);
        known.map_or(mtu, |known| mtu.min(usize::from(known)))
    }

    /// The most octets of text that one datagram of the socket has room for: to its peer, if it is connected.
    pub fn udp_most(&self, id: UdpId) -> usize {
        let socket = self.udp.get(id);
        self.udp_most_to(id, socket.remote.map(|remote| remote.ip()))
    }

    /// As [`Stack::udp_most`], for a datagram to a host.
    pub(super) fn udp_most_to(&self, id: UdpId, destination: Option<IpAddr>) -> usize {
        let socket = self.udp.get(id);
        let is_ipv4 = socket.local.is_ipv4();
        let longest = match (socket.options.fragments, is_ipv4) {
            (false, _) => self.udp_mtu(socket, destination) - ip::header_len(is_ipv4),
            // The total length of IPv4 includes its header; the payload length of IPv6 does not.
            (true, true) => ip::MAX_DATAGRAM - ip::header_len(true),
            (true, false) => ip::MAX_DATAGRAM,
        };
        longest - HEADER
    }

    /// The longest datagram or fragment that a socket sends to a host.
    pub(super) fn udp_mtu(&self, socket: &Socket, destination: Option<IpAddr>) -> usize {
        match destination.filter(|_| socket.options.path_mtu) {
            Some(destination) => self.udp_path_mtu(destination),
            None => self.config.mtu,
        }
    }
}
