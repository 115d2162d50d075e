//! Control messages of sendmsg: settings for one send that replace those of the socket.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Calls;
use super::datagram::DatagramSocket;
use super::errno::Errno;
use super::linux::{
    IP_PKTINFO, IP_TOS, IP_TTL, IPV6_HOPLIMIT, IPV6_PKTINFO, IPV6_TCLASS, SCM_CREDENTIALS,
    SCM_RIGHTS, SCM_TS_OPT_ID, SCM_TXTIME, SO_MARK, SO_PRIORITY, SO_TIMESTAMPING, SO_TXTIME,
    SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_TX_ACK, SOF_TIMESTAMPING_TX_COMPLETION,
    SOF_TIMESTAMPING_TX_HARDWARE, SOF_TIMESTAMPING_TX_SCHED, SOF_TIMESTAMPING_TX_SOFTWARE, SOL_IP,
    SOL_IPV6, SOL_SOCKET, SOL_UDP, UDP_SEGMENT,
};
use super::received::DEVICE;
use super::table::{Fd, Kind};
use crate::stack::UdpMarks;

/// Which times one send may ask for.
const TIMES: i32 = SOF_TIMESTAMPING_TX_HARDWARE
    | SOF_TIMESTAMPING_TX_SOFTWARE
    | SOF_TIMESTAMPING_TX_SCHED
    | SOF_TIMESTAMPING_TX_ACK
    | SOF_TIMESTAMPING_TX_COMPLETION;

/// A control message of sendmsg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancillary {
    /// `cmsg_level`.
    pub level: i32,
    /// `cmsg_type`.
    pub kind: i32,
    /// `cmsg_data`, in the order of octets of x86-64.
    pub data: Vec<u8>,
}

/// What all control messages of one call ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneSend {
    /// `SO_TIMESTAMPING`: which times of this send are reported.
    pub(super) stamps: Option<i32>,
    /// `SCM_TS_OPT_ID`: the number that is reported with them.
    pub(super) number: Option<u32>,
    /// Fields of the datagram's IP header.
    pub(super) marks: UdpMarks,
    /// `IP_PKTINFO`, `IPV6_PKTINFO`: the source address.
    pub(super) source: Option<IpAddr>,
    /// `UDP_SEGMENT`: the length of the datagrams into which the text is cut.
    pub(super) segment: Option<u16>,
    /// The caller waits for the result.
    pub(super) waits: bool,
}

impl Ancillary {
    fn int(&self) -> Result<i32, Errno> {
        let octets = <[u8; 4]>::try_from(&self.data[..]);
        octets.map(i32::from_le_bytes).map_err(|_| Errno::EINVAL)
    }

    /// An `int` from `least` to 255; -1, where it is allowed, means the socket's value.
    fn octet(&self, least: i32) -> Result<Option<u8>, Errno> {
        match self.int()? {
            value if value < least || value > 255 => Err(Errno::EINVAL),
            -1 => Ok(None),
            value => Ok(Some(value as u8)),
        }
    }
}

impl OneSend {
    /// What control messages ask for a send on a TCP socket. Messages of other levels than `SOL_SOCKET`
    /// are ignored; marks and priorities have no effect here.
    ///
    /// # Errors
    /// `EINVAL` for an unknown message of that level, or an invalid length or value. As on Linux,
    /// also for `SCM_TXTIME` and `SCM_TS_OPT_ID`: TCP has no transmit times, and numbers its octets
    /// itself.
    pub fn of(messages: &[Ancillary]) -> Result<OneSend, Errno> {
        let mut one = OneSend::default();
        for message in messages.iter().filter(|it| it.level == SOL_SOCKET) {
            one.take(message)?;
        }
        Ok(one)
    }

    /// A control message of `SOL_SOCKET` that any socket takes.
    fn take(&mut self, message: &Ancillary) -> Result<(), Errno> {
        match message.kind {
            SO_MARK | SO_PRIORITY => drop(message.int()?),
            SO_TIMESTAMPING => match message.int()? {
                flags if flags & !TIMES != 0 => return Err(Errno::EINVAL),
                flags => self.stamps = Some(flags),
            },
            SCM_RIGHTS | SCM_CREDENTIALS => {}
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// A control message of a datagram over IPv6 or IPv4. Messages for the other version are
    /// ignored.
    fn take_of_datagram(
        &mut self,
        message: &Ancillary,
        socket: &DatagramSocket,
        is_ipv6: bool,
    ) -> Result<(), Errno> {
        let has_times = socket.settings.kept(SOL_SOCKET, SO_TXTIME, 0) != 0;
        let has_numbers = socket.notices.stamping() & SOF_TIMESTAMPING_OPT_ID != 0;
        match (message.level, message.kind) {
            // The datagram leaves at once, as on a device whose queue does not know transmit times.
            (SOL_SOCKET, SCM_TXTIME) if has_times && message.data.len() == 8 => {}
            (SOL_SOCKET, SCM_TS_OPT_ID) if has_numbers => {
                self.number = Some(message.int()?.cast_unsigned());
            }
            (SOL_SOCKET, _) => self.take(message)?,
            (SOL_IP, _) if is_ipv6 => {}
            (SOL_IP, IP_PKTINFO) => {
                let info = <[u8; 12]>::try_from(&message.data[..]).map_err(|_| Errno::EINVAL)?;
                let [a, b, c, d] = [info[4], info[5], info[6], info[7]];
                check_device(&info[..4])?;
                self.source = Some(Ipv4Addr::new(a, b, c, d).into());
            }
            (SOL_IP, IP_TTL) => self.marks.hop_limit = message.octet(1)?,
            (SOL_IP, IP_TOS) => {
                self.marks.traffic_class = match message.data[..] {
                    [octet] => Some(octet),
                    _ => message.octet(0)?,
                }
            }
            (SOL_IPV6, IPV6_PKTINFO) => {
                let info = <[u8; 20]>::try_from(&message.data[..]).map_err(|_| Errno::EINVAL)?;
                check_device(&info[16..])?;
                let address = info.first_chunk::<16>().copied().unwrap_or_default();
                self.source = Some(Ipv6Addr::from(address).to_canonical());
            }
            (SOL_IPV6, _) if !is_ipv6 => {}
            (SOL_IPV6, IPV6_HOPLIMIT) => self.marks.hop_limit = message.octet(-1)?,
            // Here -1 means all ones.
            (SOL_IPV6, IPV6_TCLASS) => {
                self.marks.traffic_class = Some(message.octet(-1)?.unwrap_or(0xff));
            }
            (SOL_UDP, _) if socket.is_echo => {}
            (SOL_UDP, UDP_SEGMENT) => {
                let octets = <[u8; 2]>::try_from(&message.data[..]);
                self.segment = Some(octets.map(u16::from_le_bytes).map_err(|_| Errno::EINVAL)?);
            }
            (SOL_IP | SOL_IPV6 | SOL_UDP, _) => return Err(Errno::EINVAL),
            _ => {}
        }
        Ok(())
    }
}

/// Checks the number of a device: it must be that of the only one, or zero.
fn check_device(number: &[u8]) -> Result<(), Errno> {
    let is_ours = number == DEVICE.to_le_bytes() || number == [0; 4];
    is_ours.then_some(()).ok_or(Errno::ENODEV)
}

impl Calls<'_> {
    /// What control messages ask for a send, to a given address or to the connected peer.
    ///
    /// # Errors
    /// `EBADF`, `ENOTSOCK`; `EINVAL` as for [`OneSend::of`]. For UDP, `EINVAL` also for unknown messages
    /// of the IP and UDP levels, `SCM_TXTIME` without `SO_TXTIME`, and `SCM_TS_OPT_ID` without
    /// `SOF_TIMESTAMPING_OPT_ID`.
    pub fn one_send(
        &self,
        fd: Fd,
        messages: &[Ancillary],
        to: Option<SocketAddr>,
    ) -> Result<OneSend, Errno> {
        let socket = match &self.table.get(fd)?.kind {
            Kind::Stream(_) => return OneSend::of(messages),
            Kind::Datagram(socket) => socket,
            Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
        };
        let is_ipv6 = (to.or(socket.peer)).is_some_and(|to| to.ip().to_canonical().is_ipv6());
        let mut one = OneSend::default();
        for message in messages {
            one.take_of_datagram(message, socket, is_ipv6)?;
        }
        // The unspecified address leaves the choice to the stack; any other must belong to this host.
        one.source = one.source.filter(|source| !source.is_unspecified());
        let own = self.stack.addresses();
        match one.source.is_none_or(|source| own.contains(&source)) {
            true => Ok(one),
            false => Err(Errno::EINVAL),
        }
    }
}
