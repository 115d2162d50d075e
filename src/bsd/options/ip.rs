//! `SOL_IP`, `SOL_IPV6`.

use super::{int_or_octet, octets, size, yes};
use crate::bsd::Calls;
use crate::bsd::address::Family;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    IP_BIND_ADDRESS_NO_PORT, IP_MINTTL, IP_MTU, IP_MTU_DISCOVER, IP_PKTINFO, IP_PMTUDISC_DO,
    IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE, IP_PMTUDISC_WANT, IP_RECVERR, IP_RECVTOS, IP_RECVTTL,
    IP_TOS, IP_TTL, IPV6_AUTOFLOWLABEL, IPV6_MINHOPCOUNT, IPV6_MTU, IPV6_MTU_DISCOVER,
    IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_TCLASS,
    IPV6_UNICAST_HOPS, IPV6_V6ONLY, SO_PRIORITY, SOL_IP, SOL_IPV6, SOL_SOCKET,
};
use crate::bsd::stream::Role;
use crate::bsd::table::{Fd, Kind};
use crate::config::FlowLabel;

/// Whether an option is a flag that the layer keeps: those about the error queue, about what comes with a
/// datagram, and about when a port is chosen.
fn is_flag(level: i32, name: i32) -> bool {
    match level {
        SOL_IP => matches!(
            name,
            IP_RECVERR | IP_BIND_ADDRESS_NO_PORT | IP_PKTINFO | IP_RECVTTL | IP_RECVTOS
        ),
        _ => matches!(
            name,
            IPV6_RECVERR | IPV6_RECVPKTINFO | IPV6_RECVHOPLIMIT | IPV6_RECVTCLASS
        ),
    }
}

/// The priority that Linux derives from a type of service (RFC 1349): bulk, interactive, or both.
fn priority_of(class: u8) -> i32 {
    match class & 0x18 {
        0x08 => 2,
        0x10 => 6,
        0x18 => 4,
        _ => 0,
    }
}

impl Calls<'_> {
    pub(super) fn set_ip_option(
        &mut self,
        fd: Fd,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        self.check_level(fd, level)?;
        if let Some(answer) = self.set_group_option(fd, (level, name), value) {
            return answer;
        }
        let value = int_or_octet(value)?;
        match (level, name) {
            (SOL_IP, IP_TOS) => self.set_type_of_service(fd, value as u8),
            (SOL_IPV6, IPV6_TCLASS) => match value {
                -1 => self.set_traffic_class(fd, 0),
                0..=255 => self.set_traffic_class(fd, value as u8),
                _ => Err(Errno::EINVAL),
            },
            (SOL_IP, IP_TTL) => match value {
                -1 => self.set_hop_limit(fd, None),
                1..=255 => self.set_hop_limit(fd, Some(value as u8)),
                _ => Err(Errno::EINVAL),
            },
            (SOL_IPV6, IPV6_UNICAST_HOPS) => match value {
                -1 => self.set_hop_limit(fd, None),
                0..=255 => self.set_hop_limit(fd, Some(value as u8)),
                _ => Err(Errno::EINVAL),
            },
            (SOL_IP, IP_MINTTL) | (SOL_IPV6, IPV6_MINHOPCOUNT) => {
                if !(0..=255).contains(&value) {
                    return Err(Errno::EINVAL);
                }
                self.settings_mut(fd)?.keep(level, name, value);
                self.set_min_hop_limit(fd)
            }
            (SOL_IPV6, IPV6_V6ONLY) => self.set_v6only(fd, value != 0),
            (SOL_IPV6, IPV6_AUTOFLOWLABEL) => self.set_labels(fd, value != 0),
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_MTU_DISCOVER) => {
                // The two further values only concern what routers report.
                if !(IP_PMTUDISC_DONT..=IP_PMTUDISC_PROBE + 2).contains(&value) {
                    return Err(Errno::EINVAL);
                }
                self.settings_mut(fd)?.keep(level, name, value);
                if let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) {
                    if level == SOL_IP {
                        let heeds = (IP_PMTUDISC_WANT..=IP_PMTUDISC_PROBE).contains(&value);
                        socket.config.socket.fragments = !heeds;
                    }
                    return self.apply(fd);
                }
                let options = &mut self.datagram_mut(fd)?.options;
                options.fragments = !matches!(value, IP_PMTUDISC_DO | IP_PMTUDISC_PROBE);
                options.path_mtu = value < IP_PMTUDISC_PROBE;
                options.tells_too_long = (IP_PMTUDISC_WANT..=IP_PMTUDISC_PROBE).contains(&value);
                self.apply_datagram(fd)
            }
            _ if is_flag(level, name) => {
                if matches!(name, IP_RECVERR | IPV6_RECVERR) {
                    self.wants_errors(fd, value != 0);
                }
                self.settings_mut(fd)?
                    .keep(level, name, i32::from(value != 0));
                Ok(())
            }
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    pub(super) fn ip_option(&mut self, fd: Fd, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        self.check_level(fd, level)?;
        if let Some(answer) = self.group_option(fd, level, name) {
            return answer;
        }
        let settings = self.settings(fd)?;
        let host = i32::from(self.stack.config().hop_limit);
        Ok(match (level, name) {
            (SOL_IP, IP_TOS) | (SOL_IPV6, IPV6_TCLASS) => {
                octets(i32::from(self.traffic_class(fd)?))
            }
            (SOL_IP, IP_TTL) | (SOL_IPV6, IPV6_UNICAST_HOPS) => {
                octets(self.hop_limit(fd)?.map_or(host, i32::from))
            }
            (SOL_IPV6, IPV6_V6ONLY) => yes(settings.v6only),
            (SOL_IPV6, IPV6_AUTOFLOWLABEL) => yes(self.flow_label(fd)? != FlowLabel::None),
            (SOL_IP, IP_MTU_DISCOVER) | (SOL_IPV6, IPV6_MTU_DISCOVER) => {
                octets(settings.kept(level, name, IP_PMTUDISC_WANT))
            }
            (SOL_IP, IP_MINTTL) | (SOL_IPV6, IPV6_MINHOPCOUNT) => {
                octets(settings.kept(level, name, 0))
            }
            _ if is_flag(level, name) => octets(settings.kept(level, name, 0)),
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) => size(self.path_mtu(fd)?),
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    /// IPv6 options are for `AF_INET6` only, IPv4 options for both families.
    fn check_level(&self, fd: Fd, level: i32) -> Result<(), Errno> {
        let family = match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => socket.family,
            Kind::Datagram(socket) => socket.family,
            Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
        };
        match family == Family::Inet && level == SOL_IPV6 {
            true => Err(Errno::ENOPROTOOPT),
            false => Ok(()),
        }
    }

    /// As on Linux, an IPv4 class also sets `SO_PRIORITY`, until that is set itself.
    fn set_type_of_service(&mut self, fd: Fd, class: u8) -> Result<(), Errno> {
        let before = self.traffic_class(fd)?;
        self.set_traffic_class(fd, class)?;
        let after = self.traffic_class(fd)?;
        if after != before {
            let priority = priority_of(after);
            (self.settings_mut(fd)?).keep(SOL_SOCKET, SO_PRIORITY, priority);
        }
        Ok(())
    }

    fn set_traffic_class(&mut self, fd: Fd, class: u8) -> Result<(), Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => {
                // The ECN bits belong to TCP (RFC 3168 §6.1).
                socket.config.socket.traffic_class = class & !3;
                self.apply(fd)
            }
            Kind::Datagram(socket) => {
                socket.options.traffic_class = class;
                self.apply_datagram(fd)
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    fn traffic_class(&self, fd: Fd) -> Result<u8, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(socket.config.socket.traffic_class),
            Kind::Datagram(socket) => Ok(socket.options.traffic_class),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    fn set_hop_limit(&mut self, fd: Fd, limit: Option<u8>) -> Result<(), Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => {
                socket.config.socket.hop_limit = limit;
                self.apply(fd)
            }
            Kind::Datagram(socket) => {
                socket.options.hop_limit = limit;
                self.apply_datagram(fd)
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// A socket of both families has a single limit, the stricter of the two: neither option weakens the
    /// other. For datagrams, the limit is only kept, as on Linux.
    fn set_min_hop_limit(&mut self, fd: Fd) -> Result<(), Errno> {
        let settings = self.settings(fd)?;
        let ipv4 = settings.kept(SOL_IP, IP_MINTTL, 0);
        let ipv6 = settings.kept(SOL_IPV6, IPV6_MINHOPCOUNT, 0);
        let least = ipv4.max(ipv6) as u8;
        let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) else {
            return Ok(());
        };
        socket.config.socket.min_hop_limit = least;
        self.apply(fd)
    }

    fn hop_limit(&self, fd: Fd) -> Result<Option<u8>, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(socket.config.socket.hop_limit),
            Kind::Datagram(socket) => Ok(socket.options.hop_limit),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Turns flow labels on or off. The host's setting decides whether a label may change.
    fn set_labels(&mut self, fd: Fd, on: bool) -> Result<(), Errno> {
        let host = self.stack.config().tcp.socket.flow_label;
        let label = match (on, host) {
            (false, _) => FlowLabel::None,
            (true, FlowLabel::None) => FlowLabel::Constant,
            (true, host) => host,
        };
        self.set_flow_label(fd, label)
    }

    pub(super) fn set_flow_label(&mut self, fd: Fd, label: FlowLabel) -> Result<(), Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => {
                socket.config.socket.flow_label = label;
                self.apply(fd)
            }
            Kind::Datagram(socket) => {
                socket.options.flow_label = label;
                self.apply_datagram(fd)
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    pub(super) fn flow_label(&self, fd: Fd) -> Result<FlowLabel, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(socket.config.socket.flow_label),
            Kind::Datagram(socket) => Ok(socket.options.flow_label),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// Applies changed options to the stack's sockets of a UDP socket.
    pub(in crate::bsd) fn apply_datagram(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.datagram(fd)?;
        for id in socket.ids.clone() {
            let is_ipv4 = self.stack.udp_local_addr(id).is_ipv4();
            let options = self.datagram(fd)?.options_of(is_ipv4);
            self.stack.udp_set_options(id, options);
        }
        Ok(())
    }

    /// Sets `IPV6_V6ONLY`, which is only possible before bind.
    fn set_v6only(&mut self, fd: Fd, only: bool) -> Result<(), Errno> {
        let settled = match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => socket.bound.is_some() || !matches!(socket.role, Role::Fresh),
            Kind::Datagram(socket) => socket.bound.is_some(),
            Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
        };
        if settled {
            return Err(Errno::EINVAL);
        }
        self.settings_mut(fd)?.v6only = only;
        Ok(())
    }

    /// The longest datagram that the path to the peer is known to carry.
    fn path_mtu(&self, fd: Fd) -> Result<usize, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => {
                let id = socket.connection().ok_or(Errno::ENOTCONN)?;
                Ok(self.stack.status(id).path_mtu)
            }
            Kind::Datagram(socket) => {
                let peer = socket.peer.ok_or(Errno::ENOTCONN)?;
                Ok(self.stack.udp_path_mtu(socket.family.inward(peer)?.ip()))
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::int;
    use super::*;

    #[test]
    fn an_option_of_one_octet_is_an_int_too() {
        assert_eq!(int_or_octet(&[7]), Ok(7));
        assert_eq!(int_or_octet(&[1, 1, 0, 0]), Ok(257));
        assert_eq!(int_or_octet(&[]), Err(Errno::EINVAL));
        assert_eq!(int(&[7]), Err(Errno::EINVAL));
    }
}
