//! `SOL_SOCKET`.

use core::time::Duration;

use super::{flag, int, octets, size, timeval, timeval_octets, yes};
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    IPPROTO_TCP, SO_ACCEPTCONN, SO_BINDTODEVICE, SO_COOKIE, SO_DOMAIN, SO_ERROR, SO_KEEPALIVE,
    SO_LINGER, SO_MAX_PACING_RATE, SO_MEMINFO, SO_OOBINLINE, SO_PEEK_OFF, SO_PROTOCOL, SO_RCVBUF,
    SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF,
    SO_SNDBUFFORCE, SO_SNDTIMEO, SO_TIMESTAMP, SO_TIMESTAMPING, SO_TIMESTAMPNS, SO_TXREHASH,
    SO_TXTIME, SO_TYPE, SO_ZEROCOPY, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET,
};
use crate::bsd::stream::StreamSocket;
use crate::bsd::table::{Fd, Kind};
use crate::config::FlowLabel;

/// The bounds to which `SO_RCVBUF` and `SO_SNDBUF` raise or lower a value.
const LEAST_RECEIVE: usize = 1_152;
const LEAST_SEND: usize = 2_304;
const MOST_BUFFER: usize = (1 << 30) - 1;
/// The keys under which the clock and the flags of `SO_TXTIME` are kept. The option itself says
/// whether they were set.
const TXTIME_CLOCK: i32 = -SO_TXTIME;
const TXTIME_FLAGS: i32 = -SO_TXTIME - 1;

impl Calls<'_> {
    pub(super) fn set_socket_option(
        &mut self,
        fd: Fd,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        // The value of any other option, known or not, is at least an `int`.
        if name != SO_BINDTODEVICE {
            int(value)?;
        }
        match name {
            SO_LINGER => return self.set_linger(fd, value),
            SO_RCVTIMEO => self.settings_mut(fd)?.receive_timeout = timeval(value)?,
            SO_SNDTIMEO => self.settings_mut(fd)?.send_timeout = timeval(value)?,
            SO_REUSEADDR => self.settings_mut(fd)?.reuse_address = flag(value)?,
            SO_REUSEPORT => self.settings_mut(fd)?.reuse_port = flag(value)?,
            SO_OOBINLINE => self.settings_mut(fd)?.urgent_inline = flag(value)?,
            SO_KEEPALIVE => {
                self.settings_mut(fd)?.keepalive_on = flag(value)?;
                return self.apply_keepalive(fd);
            }
            SO_RCVLOWAT => return self.set_low_water(fd, int(value)?),
            SO_RCVBUF | SO_RCVBUFFORCE | SO_SNDBUF | SO_SNDBUFFORCE => {
                return self.ask_for_buffer(fd, name, int(value)?);
            }
            SO_MAX_PACING_RATE => {
                let rate = rate(value)?;
                self.stream_mut(fd, Errno::ENOPROTOOPT)?
                    .config
                    .socket
                    .max_pacing_rate = rate;
                return self.apply(fd);
            }
            SO_BINDTODEVICE => return self.bind_to_device(fd, value),
            SO_TIMESTAMPING => return self.set_stamping(fd, int(value)?),
            // Each of the two replaces the other.
            SO_TIMESTAMP | SO_TIMESTAMPNS => {
                let kept = if flag(value)? { name } else { 0 };
                self.settings_mut(fd)?.keep(SOL_SOCKET, SO_TIMESTAMP, kept);
            }
            SO_TXREHASH => return self.set_rehash(fd, int(value)?),
            SO_TXTIME => return self.set_transmit_times(fd, value),
            // What is sent is copied anyway.
            SO_ZEROCOPY if !(0..=1).contains(&int(value)?) => return Err(Errno::EINVAL),
            SO_ZEROCOPY => {
                let value = int(value)?;
                self.settings_mut(fd)?.keep(SOL_SOCKET, name, value);
            }
            SO_PEEK_OFF => {
                let place = usize::try_from(int(value)?).ok();
                self.stream_mut(fd, Errno::EOPNOTSUPP)?.peek_place = place;
            }
            // Some options can only be read.
            SO_ERROR | SO_TYPE | SO_PROTOCOL | SO_DOMAIN | SO_ACCEPTCONN | SO_MEMINFO
            | SO_COOKIE => {
                return Err(Errno::ENOPROTOOPT);
            }
            _ => return self.set_plain_option(fd, name, value),
        }
        Ok(())
    }

    /// Sets how many octets make a stream readable. On Linux, a negative value means as many as possible,
    /// and zero means one.
    fn set_low_water(&mut self, fd: Fd, least: i32) -> Result<(), Errno> {
        let least = usize::try_from(least).unwrap_or(i32::MAX as usize).max(1);
        let most = self.most_low_water(fd)?;
        let least = least.min(most);
        self.settings_mut(fd)?.receive_low_water = least;
        if let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) {
            socket.config.socket.receive_low_water = least;
            self.apply(fd)?;
        }
        self.make_room_for(fd, least)?;
        self.table.happened(fd);
        Ok(())
    }

    /// Takes the pending error of a socket.
    pub(in crate::bsd) fn take_pending(&mut self, fd: Fd) -> Option<Errno> {
        match &self.table.get(fd).ok()?.kind {
            Kind::Stream(_) => self.take_stream_error(fd),
            Kind::Datagram(_) | Kind::Epoll(_) | Kind::Pipe(_) => self.take_datagram_error(fd),
        }
    }

    pub(super) fn socket_option(&mut self, fd: Fd, name: i32) -> Result<Vec<u8>, Errno> {
        let settings = self.settings(fd)?;
        Ok(match name {
            SO_ERROR => octets(self.take_pending(fd).map_or(0, Errno::number)),
            SO_LINGER => self.linger(fd)?,
            SO_RCVTIMEO => timeval_octets(settings.receive_timeout),
            SO_SNDTIMEO => timeval_octets(settings.send_timeout),
            SO_REUSEADDR => yes(settings.reuse_address),
            SO_REUSEPORT => yes(settings.reuse_port),
            SO_OOBINLINE => yes(settings.urgent_inline),
            SO_KEEPALIVE => yes(settings.keepalive_on),
            SO_RCVLOWAT => size(settings.receive_low_water),
            SO_RCVBUF => size(self.system.told(self.asked_receive_buffer(fd)?)),
            SO_SNDBUF => size(self.told_send_buffer(fd)?),
            SO_MAX_PACING_RATE => {
                let socket = self.stream(fd, Errno::ENOPROTOOPT)?;
                let limit = socket.config.socket.max_pacing_rate;
                // A caller with room for less than a `long` gets as much as fits.
                limit.unwrap_or(u64::MAX).to_le_bytes().to_vec()
            }
            SO_ZEROCOPY => octets(settings.kept(SOL_SOCKET, name, 0)),
            SO_TXTIME => self.transmit_times(fd)?,
            SO_PEEK_OFF => {
                let place = self.stream(fd, Errno::EOPNOTSUPP)?.peek_place;
                place.map_or(octets(-1), size)
            }
            SO_TIMESTAMP | SO_TIMESTAMPNS => {
                yes(settings.kept(SOL_SOCKET, SO_TIMESTAMP, 0) == name)
            }
            SO_TIMESTAMPING => {
                let flags = match &self.table.get(fd)?.kind {
                    Kind::Stream(socket) => socket.notices.stamping(),
                    Kind::Datagram(socket) => socket.notices.stamping(),
                    Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
                };
                // The second number selects a clock, but there is only one.
                [octets(flags), octets(0)].concat()
            }
            SO_TXREHASH => {
                self.stream(fd, Errno::EOPNOTSUPP)?;
                yes(self.flow_label(fd)? == FlowLabel::ChangesAfterTimeouts)
            }
            SO_BINDTODEVICE if settings.bound_to_device => [self.device.as_bytes(), &[0]].concat(),
            SO_BINDTODEVICE => Vec::new(),
            SO_MEMINFO => self.memory(fd)?,
            SO_COOKIE => self.table.get(fd)?.made.to_le_bytes().to_vec(),
            SO_TYPE | SO_PROTOCOL | SO_DOMAIN | SO_ACCEPTCONN => match &self.table.get(fd)?.kind {
                Kind::Stream(socket) => octets(stream_constant(socket, name)?),
                Kind::Datagram(socket) => octets(match name {
                    SO_TYPE => SOCK_DGRAM,
                    SO_PROTOCOL => socket.protocol(),
                    SO_DOMAIN => socket.family.number(),
                    _ => 0,
                }),
                Kind::Epoll(_) | Kind::Pipe(_) => return Err(Errno::ENOTSOCK),
            },
            _ => self.plain_option(fd, name)?,
        })
    }

    /// Binds to a device by name. Anything after a NUL is ignored, and an empty name means no
    /// device.
    fn bind_to_device(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let name = value.split(|octet| *octet == 0).next().unwrap_or_default();
        if !name.is_empty() && name != self.device.as_bytes() {
            return Err(Errno::ENODEV);
        }
        self.settings_mut(fd)?.bound_to_device = !name.is_empty();
        Ok(())
    }

    /// `struct sock_txtime`: a clock and two flags. Nothing here waits for a transmit time.
    fn set_transmit_times(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        if value.len() != 8 || int(&value[4..])? & !3 != 0 {
            return Err(Errno::EINVAL);
        }
        let (clock, flags) = (int(value)?, int(&value[4..])?);
        let settings = self.settings_mut(fd)?;
        settings.keep(SOL_SOCKET, SO_TXTIME, 1);
        settings.keep(SOL_SOCKET, TXTIME_CLOCK, clock);
        settings.keep(SOL_SOCKET, TXTIME_FLAGS, flags);
        Ok(())
    }

    fn transmit_times(&self, fd: Fd) -> Result<Vec<u8>, Errno> {
        let settings = self.settings(fd)?;
        let clock = settings.kept(SOL_SOCKET, TXTIME_CLOCK, 0);
        let flags = settings.kept(SOL_SOCKET, TXTIME_FLAGS, 0);
        Ok([octets(clock), octets(flags)].concat())
    }

    /// Sets whether the flow label changes after a timeout; -1: the host's setting.
    fn set_rehash(&mut self, fd: Fd, value: i32) -> Result<(), Errno> {
        self.stream(fd, Errno::EOPNOTSUPP)?;
        let label = match (value, self.flow_label(fd)?) {
            (-1, _) => self.stack.config().tcp.socket.flow_label,
            (0 | 1, FlowLabel::None) => FlowLabel::None,
            (0, _) => FlowLabel::Constant,
            (1, _) => FlowLabel::ChangesAfterTimeouts,
            _ => return Err(Errno::EINVAL),
        };
        self.set_flow_label(fd, label)
    }

    /// `struct linger`: on or off, and seconds.
    fn set_linger(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let (on, secs) = (int(value)?, int(value.get(4..).unwrap_or_default())?);
        if self.stream(fd, Errno::EINVAL).is_err() {
            return Ok(());
        }
        // On Linux, a negative value means forever.
        let time = u64::try_from(secs).map_or(Duration::MAX, Duration::from_secs);
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.config.socket.linger = (on != 0).then_some(time);
        self.apply(fd)
    }

    fn linger(&self, fd: Fd) -> Result<Vec<u8>, Errno> {
        let linger = self.stream(fd, Errno::EINVAL).ok();
        let linger = linger.and_then(|socket| socket.config.socket.linger);
        let secs = linger.map_or(0, |time| time.as_secs());
        let mut value = yes(linger.is_some());
        value.extend(size(secs));
        Ok(value)
    }

    /// Turns keepalive on or off, according to the settings.
    pub(super) fn apply_keepalive(&mut self, fd: Fd) -> Result<(), Errno> {
        let Ok(socket) = self.stream_mut(fd, Errno::EINVAL) else {
            return Ok(());
        };
        let settings = &socket.settings;
        socket.config.socket.keepalive = settings.keepalive_on.then_some(settings.keepalive);
        self.apply(fd)
    }

    /// Without force, no buffer becomes larger than the host allows. A negative size, read as an unsigned
    /// number, asks for that much.
    fn ask_for_buffer(&mut self, fd: Fd, name: i32, value: i32) -> Result<(), Errno> {
        let config = self.stack.config();
        let asked = match name {
            SO_RCVBUF => (value.cast_unsigned() as usize).min(config.most_receive_buffer),
            SO_SNDBUF => (value.cast_unsigned() as usize).min(config.most_send_buffer),
            _ => value.max(0) as usize,
        };
        let asked = asked.min(MOST_BUFFER);
        match name {
            SO_RCVBUF | SO_RCVBUFFORCE => self.resize(fd, Some(asked.max(LEAST_RECEIVE)), None),
            _ => self.resize(fd, None, Some(asked.max(LEAST_SEND))),
        }
    }

    /// Sets the buffers of a socket, in octets of text, to receive and to send; `None`: no change.
    fn resize(&mut self, fd: Fd, receive: Option<usize>, send: Option<usize>) -> Result<(), Errno> {
        match &mut self.table.get_mut(fd)?.kind {
            Kind::Stream(socket) => {
                let options = &mut socket.config.socket;
                options.receive_buffer = receive.or(options.receive_buffer);
                options.send_buffer = send.or(options.send_buffer);
                self.apply(fd)
            }
            Kind::Datagram(socket) => {
                for (name, octets) in [(SO_RCVBUF, receive), (SO_SNDBUF, send)] {
                    if let Some(octets) = octets {
                        socket.settings.keep(SOL_SOCKET, name, octets as i32);
                    }
                }
                let told = receive.map(|octets| self.system.told(octets));
                socket.options.receive_buffer = told.or(socket.options.receive_buffer);
                self.apply_datagram(fd)
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The receive buffer that the user has asked for, even if the window still promises more; otherwise
    /// the present one.
    fn asked_receive_buffer(&self, fd: Fd) -> Result<usize, Errno> {
        let octets = self.buffers(fd)?.0;
        match &self.table.get(fd)?.kind {
            // A size that was rounded up to whole segments is reported rounded.
            Kind::Stream(socket)
                if socket.is_connected() && !socket.config.windows.whole_segment_buffers =>
            {
                Ok((socket.config.socket.receive_buffer).map_or(octets, |asked| asked.min(octets)))
            }
            _ => Ok(octets),
        }
    }

    /// A stream that waits for this much must be able to hold it.
    fn make_room_for(&mut self, fd: Fd, least: usize) -> Result<(), Errno> {
        let is_stream = matches!(self.table.get(fd)?.kind, Kind::Stream(_));
        let most = self.stack.config().tcp.receive_buffer;
        match is_stream && self.buffers(fd)?.0 < least {
            true => self.resize(fd, Some(least.min(most)), None),
            false => Ok(()),
        }
    }

    /// The buffers of a socket, in octets of text, to receive and to send.
    fn buffers(&self, fd: Fd) -> Result<(usize, usize), Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => Ok(self.stream_buffers(socket)),
            Kind::Datagram(socket) => {
                let config = &self.stack.config().udp;
                let kept = |name, default: usize| {
                    socket.settings.kept(SOL_SOCKET, name, default as i32) as usize
                };
                let memory = socket.options.receive_buffer.map(|octets| octets / 2);
                Ok((
                    kept(SO_RCVBUF, memory.unwrap_or(config.receive_buffer)),
                    kept(SO_SNDBUF, config.send_buffer),
                ))
            }
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The greatest value that `SO_RCVLOWAT` sets: what a buffer that was asked for holds, or half of
    /// what the buffer may grow to.
    fn most_low_water(&self, fd: Fd) -> Result<usize, Errno> {
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => {
                let config = &socket.config;
                let largest = config.receive_buffer / 2;
                Ok(config.socket.receive_buffer.unwrap_or(largest).max(1))
            }
            Kind::Datagram(_) => Ok(usize::MAX),
            Kind::Epoll(_) | Kind::Pipe(_) => Err(Errno::ENOTSOCK),
        }
    }

    /// The buffers of a TCP socket, in octets of text.
    pub(in crate::bsd) fn stream_buffers(&self, socket: &StreamSocket) -> (usize, usize) {
        let config = &socket.config;
        let first =
            |asked: Option<usize>, initial: usize, most: usize| asked.unwrap_or(initial.min(most));
        match socket.connection().map(|id| self.stack.status(id)) {
            Some(status) => (status.receive_buffer, status.send_buffer),
            None => (
                first(
                    config.socket.receive_buffer,
                    config.initial_receive_buffer,
                    config.receive_buffer,
                ),
                first(
                    config.socket.send_buffer,
                    config.initial_send_buffer,
                    config.send_buffer,
                ),
            ),
        }
    }

    /// Linux reports a size that was asked for doubled, and any other as it is.
    fn told_send_buffer(&self, fd: Fd) -> Result<usize, Errno> {
        let octets = self.buffers(fd)?.1;
        match &self.table.get(fd)?.kind {
            Kind::Stream(socket) if socket.config.socket.send_buffer.is_none() => Ok(octets),
            _ => Ok(self.system.told(octets)),
        }
    }

    /// `SO_MEMINFO`: `SK_MEMINFO_RMEM_ALLOC` and eight more.
    fn memory(&self, fd: Fd) -> Result<Vec<u8>, Errno> {
        let (receive, send) = (self.buffers(fd)?.0, self.told_send_buffer(fd)?);
        let connection = match &self.table.get(fd)?.kind {
            Kind::Stream(socket) => socket.connection(),
            Kind::Datagram(_) | Kind::Epoll(_) | Kind::Pipe(_) => None,
        };
        let status = connection.map(|id| self.stack.status(id));
        let (held, queued) = status.map_or((0, 0), |it| (it.receiving.memory, it.send_queue));
        let numbers = [held, 2 * receive, 0, send, 0, queued, 0, 0, 0];
        Ok(numbers.into_iter().flat_map(size).collect())
    }
}

/// Octets a second, as an `unsigned int` or an `unsigned long`; all ones: no limit.
fn rate(value: &[u8]) -> Result<Option<u64>, Errno> {
    let (rate, none) = match value.first_chunk() {
        Some(long) => (u64::from_le_bytes(*long), u64::MAX),
        None => (u64::from(int(value)?.cast_unsigned()), u64::from(u32::MAX)),
    };
    Ok((rate != none).then_some(rate))
}

fn stream_constant(socket: &StreamSocket, name: i32) -> Result<i32, Errno> {
    match name {
        SO_TYPE => Ok(SOCK_STREAM),
        SO_PROTOCOL => Ok(IPPROTO_TCP),
        SO_DOMAIN => Ok(socket.family.number()),
        SO_ACCEPTCONN => Ok(i32::from(socket.is_listening())),
        _ => Err(Errno::ENOPROTOOPT),
    }
}
