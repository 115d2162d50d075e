//! `SOL_TCP`.

use core::str::FromStr;
use core::time::Duration;

use super::{int, octets, size, yes};
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    SOL_TCP, TCP_CC_INFO, TCP_CONGESTION, TCP_CORK, TCP_DEFER_ACCEPT, TCP_DELACK_MAX_US,
    TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_KEY, TCP_FASTOPEN_NO_COOKIE, TCP_INFO,
    TCP_INQ, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_LINGER2, TCP_MAXSEG, TCP_MD5SIG,
    TCP_MD5SIG_EXT, TCP_NODELAY, TCP_NOTSENT_LOWAT, TCP_QUICKACK, TCP_RTO_MAX_MS, TCP_RTO_MIN_US,
    TCP_SYNCNT, TCP_TIMESTAMP, TCP_ULP, TCP_USER_TIMEOUT, TCP_WINDOW_CLAMP,
};
use crate::bsd::stream::{Phase, Role, StreamSocket};
use crate::bsd::table::Fd;
use crate::bsd::{Calls, System};
use crate::config::{CongestionControl, FastOpenKeys, TimerBounds};
use crate::tcp::State;

/// The values that `TCP_MAXSEG` accepts.
const SEGMENTS: core::ops::RangeInclusive<i32> = 88..=32_767;
/// What `TCP_MAXSEG` returns before there is a connection (RFC 9293 §3.7.1, SHLD-5).
const DEFAULT_SEGMENT: i32 = 536;
/// The octets of the timestamps option in each segment.
const TIMESTAMPS: i32 = 12;
/// The values that `TCP_KEEPIDLE` and `TCP_KEEPINTVL` accept, in seconds.
const KEEPALIVE_SECS: core::ops::RangeInclusive<i32> = 1..=32_767;
/// The values that `TCP_RTO_MAX_MS` accepts.
const LONGEST_RTO_MILLIS: core::ops::RangeInclusive<i32> = 1_000..=120_000;
/// The values that `TCP_RTO_MIN_US` and `TCP_DELACK_MAX_US` accept: the least is two ticks of a kernel
/// with a thousand ticks a second.
const BOUND_MICROS: core::ops::RangeInclusive<i32> = 2_000..=200_000;
/// The initial value of `TCP_DELACK_MAX_US`.
const LONGEST_DELAY_MICROS: i32 = 200_000;
/// The values that `TCP_KEEPCNT` and `TCP_SYNCNT` accept.
const RETRIES: core::ops::RangeInclusive<i32> = 1..=127;
/// The longest time that `TCP_LINGER2` accepts, in seconds.
const LONGEST_LINGER2: i32 = 120;
/// The least value that `TCP_WINDOW_CLAMP` sets: a smaller one is raised to it.
const LEAST_CLAMP: usize = 1_152;
/// The greatest value that `TCP_FASTOPEN` sets: no listener has a longer queue.
const MOST_FAST_OPEN: usize = 4_096;
/// The longest deferral takes this many SYN,ACKs.
const MOST_SYN_ACKS: u32 = 255;
/// Octets of a key of Fast Open cookies.
const FAST_OPEN_KEY: usize = 16;
/// Octets of a controller's name.
const CONTROLLER_NAME: usize = 16;

impl Calls<'_> {
    pub(super) fn set_tcp_option(&mut self, fd: Fd, name: i32, value: &[u8]) -> Result<(), Errno> {
        match name {
            TCP_CONGESTION => return self.set_congestion_control(fd, value),
            // No upper-layer protocol is known.
            TCP_ULP if value.is_empty() => return Err(Errno::EINVAL),
            TCP_ULP => return Err(Errno::ENOENT),
            TCP_FASTOPEN_KEY => return self.set_fast_open_keys(fd, value),
            TCP_MD5SIG | TCP_MD5SIG_EXT => return self.set_signature_key(fd, name, value),
            TCP_FASTOPEN_CONNECT | TCP_FASTOPEN_NO_COOKIE => {
                return self.set_fast_open_flag(fd, name, int(value)?);
            }
            _ => {}
        }
        // For an unknown option, a short value is not the error.
        let number = match int(value) {
            Err(_) if self.tcp_option(fd, name).is_err() => return Err(Errno::ENOPROTOOPT),
            number => number?,
        };
        self.set_tcp_number(fd, name, number)
    }

    /// An option whose value is a number.
    fn set_tcp_number(&mut self, fd: Fd, name: i32, number: i32) -> Result<(), Errno> {
        let in_range = |range: core::ops::RangeInclusive<i32>| match range.contains(&number) {
            true => Ok(number as u32),
            false => Err(Errno::EINVAL),
        };
        let secs = |secs: u32| Duration::from_secs(u64::from(secs));
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        match name {
            TCP_NODELAY => return self.set_nodelay(fd, number != 0),
            TCP_CORK => socket.config.socket.cork = number != 0,
            TCP_MAXSEG if number == 0 => socket.config.mss = None,
            TCP_MAXSEG => socket.config.mss = Some(in_range(SEGMENTS)? as u16),
            TCP_KEEPIDLE | TCP_KEEPINTVL | TCP_KEEPCNT => {
                return self.set_keepalive(fd, name, number);
            }
            TCP_SYNCNT => socket.config.socket.syn_retries = Some(in_range(RETRIES)?),
            TCP_RTO_MAX_MS | TCP_RTO_MIN_US | TCP_DELACK_MAX_US => {
                return self.set_timer_bound(fd, name, number);
            }
            TCP_LINGER2 => {
                let time = secs(number.clamp(0, LONGEST_LINGER2) as u32);
                socket.config.socket.fin_wait_2_timeout = (number != 0).then_some(time);
            }
            TCP_USER_TIMEOUT => {
                let millis = u64::try_from(number).map_err(|_| Errno::EINVAL)?;
                let limit = (millis > 0).then(|| Duration::from_millis(millis));
                socket.config.socket.user_timeout = limit;
            }
            TCP_NOTSENT_LOWAT => return self.set_unsent_low_water(fd, number),
            TCP_WINDOW_CLAMP => {
                if number == 0 && !matches!(socket.role, Role::Fresh) {
                    return Err(Errno::EINVAL);
                }
                socket.config.socket.window_clamp = match number {
                    0 => None,
                    clamp => Some(usize::try_from(clamp).unwrap_or(0).max(LEAST_CLAMP)),
                };
            }
            TCP_INQ => {
                if !(0..=1).contains(&number) {
                    return Err(Errno::EINVAL);
                }
                socket.settings.tell_waiting = number == 1;
            }
            TCP_QUICKACK => return self.set_quick_ack(fd, number),
            TCP_FASTOPEN if socket.is_connected() => return Err(Errno::EINVAL),
            TCP_FASTOPEN => {
                let most = usize::try_from(number).map_err(|_| Errno::EINVAL)?;
                socket.fast_open = most.min(MOST_FAST_OPEN);
            }
            TCP_DEFER_ACCEPT => {
                let wait = deferral(u32::try_from(number).unwrap_or(0));
                socket.defer_accept = wait;
                socket.config.socket.holds_handshake_ack |= wait.is_some();
            }
            _ => return self.set_rare_option(fd, name, number),
        }
        self.apply(fd)
    }

    fn set_quick_ack(&mut self, fd: Fd, number: i32) -> Result<(), Errno> {
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        let Some(id) = socket.connection() else {
            // A program that wants no quick acknowledgment is about to send.
            socket.config.socket.holds_handshake_ack = number == 0;
            return Ok(());
        };
        let waited = self.stack.quick_ack(self.now, id, number != 0);
        // On Linux, an even number applies only to the acknowledgment that waits.
        if waited && number & 1 == 0 {
            self.stack.quick_ack(self.now, id, false);
        }
        Ok(())
    }

    /// Setting the option again, even to the same value, also sends what waits.
    fn set_nodelay(&mut self, fd: Fd, nodelay: bool) -> Result<(), Errno> {
        for value in [false, nodelay] {
            self.stream_mut(fd, Errno::EINVAL)?.config.socket.nodelay = value;
            self.apply(fd)?;
        }
        Ok(())
    }

    /// -1, which is all ones, means no limit; 0 means the host's limit.
    fn set_unsent_low_water(&mut self, fd: Fd, number: i32) -> Result<(), Errno> {
        let host = self.stack.config().tcp.socket.unsent_low_water;
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.settings.keep(SOL_TCP, TCP_NOTSENT_LOWAT, number);
        socket.config.socket.unsent_low_water = match number {
            0 => host,
            number => usize::try_from(number).ok(),
        };
        self.apply(fd)
    }

    /// Sets the bounds of the RTO, or of the delay of acknowledgments.
    fn set_timer_bound(&mut self, fd: Fd, name: i32, value: i32) -> Result<(), Errno> {
        let range = match name {
            TCP_RTO_MAX_MS => LONGEST_RTO_MILLIS,
            _ => BOUND_MICROS,
        };
        if !range.contains(&value) {
            return Err(Errno::EINVAL);
        }
        let value = u64::from(value.unsigned_abs());
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        let config = &mut socket.config;
        match name {
            // This also bounds the interval of window probes.
            TCP_RTO_MAX_MS => {
                config.max_rto = Duration::from_millis(value);
                config.max_persist = config.max_rto;
            }
            TCP_RTO_MIN_US => config.min_rto = Duration::from_micros(value),
            _ => {
                let most = Duration::from_micros(value);
                config.delayed_ack = config.delayed_ack.map(|wait| wait.min(most));
                socket.settings.keep(SOL_TCP, name, value as i32);
            }
        }
        let bounds = TimerBounds::of(&socket.config);
        match socket.connection() {
            None => self.apply(fd),
            Some(id) => {
                self.stack.set_timer_bounds(self.now, id, bounds);
                Ok(())
            }
        }
    }

    /// `TCP_FASTOPEN_CONNECT`, `TCP_FASTOPEN_NO_COOKIE`: before there is a connection.
    fn set_fast_open_flag(&mut self, fd: Fd, name: i32, value: i32) -> Result<(), Errno> {
        if !(0..=1).contains(&value) {
            return Err(Errno::EINVAL);
        }
        let is_client = self.stack.config().fast_open.client;
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        let is_fresh = matches!(socket.role, Role::Fresh);
        match name {
            TCP_FASTOPEN_CONNECT if !is_client => return Err(Errno::EOPNOTSUPP),
            TCP_FASTOPEN_CONNECT if !is_fresh => return Err(Errno::EINVAL),
            TCP_FASTOPEN_CONNECT => socket.connects_late = value == 1,
            _ if socket.is_connected() => return Err(Errno::EINVAL),
            _ => socket.config.fast_open_without_cookie = value == 1,
        }
        self.apply(fd)
    }

    /// `TCP_FASTOPEN_KEY`: one key of sixteen octets, or two: today's, and the one before it.
    fn set_fast_open_keys(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let (current, previous) = match value.len() {
            FAST_OPEN_KEY => (value, None),
            len if len == 2 * FAST_OPEN_KEY => {
                let (current, previous) = value.split_at(FAST_OPEN_KEY);
                (current, previous.first_chunk().copied())
            }
            _ => return Err(Errno::EINVAL),
        };
        let current = *current.first_chunk().ok_or(Errno::EINVAL)?;
        let keys = FastOpenKeys { current, previous };
        self.stream_mut(fd, Errno::EINVAL)?.fast_open_keys = Some(keys);
        self.apply(fd)
    }

    /// Sets how keepalive probes, or would probe if it were on.
    fn set_keepalive(&mut self, fd: Fd, name: i32, value: i32) -> Result<(), Errno> {
        let range = match name {
            TCP_KEEPCNT => RETRIES,
            _ => KEEPALIVE_SECS,
        };
        if !range.contains(&value) {
            return Err(Errno::EINVAL);
        }
        let time = Duration::from_secs(value.unsigned_abs().into());
        let keepalive = &mut self.settings_mut(fd)?.keepalive;
        match name {
            TCP_KEEPIDLE => keepalive.idle = time,
            TCP_KEEPINTVL => keepalive.interval = time,
            _ => keepalive.count = value.unsigned_abs(),
        }
        self.apply_keepalive(fd)
    }

    pub(super) fn tcp_option(&mut self, fd: Fd, name: i32) -> Result<Vec<u8>, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        let (config, settings) = (&socket.config, &socket.settings);
        let secs = |time: Duration| size(time.as_secs());
        Ok(match name {
            TCP_NODELAY => yes(config.socket.nodelay),
            TCP_CORK => yes(config.socket.cork),
            TCP_MAXSEG => octets(self.segment_size(socket)),
            TCP_KEEPIDLE => secs(settings.keepalive.idle),
            TCP_KEEPINTVL => secs(settings.keepalive.interval),
            TCP_KEEPCNT => size(settings.keepalive.count),
            TCP_SYNCNT => {
                let own = config.socket.syn_retries;
                size(own.unwrap_or(config.syn_retries))
            }
            TCP_RTO_MAX_MS => size(config.max_rto.as_millis()),
            TCP_RTO_MIN_US => size(config.min_rto.as_micros()),
            TCP_DELACK_MAX_US => octets(settings.kept(SOL_TCP, name, LONGEST_DELAY_MICROS)),
            TCP_LINGER2 => match (config.socket.fin_wait_2_timeout).or(config.fin_wait_2_timeout) {
                Some(time) if time.is_zero() => octets(-1),
                Some(time) => secs(time),
                None => octets(0),
            },
            TCP_USER_TIMEOUT => {
                let limit = config.socket.user_timeout.unwrap_or_default();
                size(limit.as_millis())
            }
            TCP_NOTSENT_LOWAT => octets(settings.kept(SOL_TCP, name, 0)),
            TCP_WINDOW_CLAMP => size(self.window_clamp(socket)),
            TCP_TIMESTAMP => {
                let id = socket.connection();
                let clock = id.map_or(0, |id| self.stack.timestamp_clock(self.now, id));
                octets(clock.cast_signed())
            }
            // No controller has more to report than TCP_INFO.
            TCP_CC_INFO => Vec::new(),
            TCP_INQ => yes(settings.tell_waiting),
            TCP_QUICKACK => yes(self.is_quick(socket)),
            TCP_FASTOPEN => size(self.fast_open_limit(socket)),
            TCP_FASTOPEN_CONNECT => yes(socket.connects_late),
            TCP_FASTOPEN_NO_COOKIE => yes(config.fast_open_without_cookie),
            TCP_FASTOPEN_KEY => {
                let own = socket.fast_open_keys.as_ref();
                let keys = own.or(self.stack.config().fast_open.keys.as_ref());
                keys.map_or_else(Vec::new, |keys| {
                    let mut octets = keys.current.to_vec();
                    octets.extend(keys.previous.iter().flatten());
                    octets
                })
            }
            TCP_DEFER_ACCEPT => secs(socket.defer_accept.unwrap_or_default()),
            TCP_CONGESTION => {
                let asked = config.congestion_control.name();
                let name =
                    (socket.connection()).map_or(asked, |id| self.stack.congestion_control(id));
                let name = match (self.system, name) {
                    (System::Freebsd, "reno") => "newreno",
                    (System::Linux | System::Freebsd, name) => name,
                };
                let mut name = name.as_bytes().to_vec();
                name.resize(CONTROLLER_NAME, 0);
                name
            }
            TCP_INFO => self.tcp_info(fd)?.octets(),
            _ => self.rare_option(fd, name)?,
        })
    }

    /// `TCP_QUICKACK`; without a connection, the value that was set.
    fn is_quick(&self, socket: &StreamSocket) -> bool {
        let waits = socket.config.socket.holds_handshake_ack && socket.defer_accept.is_none();
        let id = socket.connection();
        id.map_or(!waits, |id| self.stack.is_quick(id))
    }

    /// The largest allowed window; 0 if it was not set and there is no connection.
    fn window_clamp(&self, socket: &StreamSocket) -> usize {
        let id = socket.connection();
        let known = id.and_then(|id| self.stack.status(id).receiving.clamp);
        let asked = socket.config.socket.window_clamp;
        known.or(asked).unwrap_or(0)
    }

    /// `TCP_MAXSEG`: what a segment carries; without a connection, the value that was set.
    fn segment_size(&self, socket: &StreamSocket) -> i32 {
        let asked = socket.config.mss.map_or(DEFAULT_SEGMENT, i32::from);
        match socket.role {
            Role::Connection(id, phase) => {
                let status = self.stack.status(id);
                match status.state {
                    // The value stays as it was.
                    State::Closed if phase == Phase::Connected => i32::from(status.snd_mss),
                    State::Closed | State::Listen => asked,
                    // The peer's MSS is not known yet, and the options that our SYN offers take
                    // room.
                    State::SynSent => {
                        let options = if socket.config.timestamps {
                            TIMESTAMPS
                        } else {
                            0
                        };
                        asked.min(i32::from(status.snd_mss)) - options
                    }
                    _ => i32::from(status.snd_mss),
                }
            }
            Role::Fresh | Role::Listening(_) => asked,
        }
    }

    /// How many Fast Open requests a listener accepts.
    fn fast_open_limit(&self, socket: &StreamSocket) -> usize {
        let all = self.stack.config().fast_open.all_listeners;
        let backlogs = match &socket.role {
            Role::Listening(ids) if all && socket.fast_open == 0 => &ids[..],
            Role::Listening(_) | Role::Fresh | Role::Connection(..) => &[],
        };
        let configs = backlogs
            .iter()
            .filter_map(|id| self.stack.listener_config(*id));
        let backlogs = configs.map(|config| self.system.asked(config.backlog));
        backlogs.max().unwrap_or(socket.fast_open)
    }

    /// Sets the congestion controller by name; anything after a NUL is ignored.
    fn set_congestion_control(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        if value.is_empty() {
            return Err(Errno::EINVAL);
        }
        let name = value.split(|octet| *octet == 0).next().unwrap_or_default();
        let name = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let name = match (self.system, name) {
            (System::Freebsd, "newreno") => CongestionControl::Reno.name(),
            (System::Linux | System::Freebsd, name) => name,
        };
        let controller = CongestionControl::from_str(name).map_err(|_| Errno::ENOENT)?;
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.config.congestion_control = controller;
        match socket.connection() {
            None => self.apply(fd),
            Some(id) => (self.stack)
                .set_congestion_control(self.now, id, controller)
                .map_err(|_| Errno::ENOENT),
        }
    }
}

/// `TCP_DEFER_ACCEPT`: these seconds, rounded up to the time that a number of SYN,ACKs takes. Their
/// intervals begin with one second and double up to two minutes.
fn deferral(secs: u32) -> Option<Duration> {
    let (mut interval, mut total) = (1, 1);
    for _ in 1..MOST_SYN_ACKS {
        if total >= secs {
            break;
        }
        interval = (interval * 2).min(120);
        total += interval;
    }
    (secs > 0).then(|| Duration::from_secs(u64::from(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deferral_ends_with_a_retransmission() {
        let secs = |asked| deferral(asked).map(|time| time.as_secs());
        assert_eq!(secs(0), None);
        let table = [
            (1, 1),
            (2, 3),
            (3, 3),
            (4, 7),
            (10, 15),
            (16, 31),
            (128, 247),
            (40_000, 29_887),
        ];
        for (asked, given) in table {
            assert_eq!(secs(asked), Some(given), "{asked}");
        }
    }
}
