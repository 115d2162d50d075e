//! Options that FreeBSD has and Linux lacks.

use core::time::Duration;

use super::{flag, int, octets, size, yes};
use crate::bsd::errno::Errno;
use crate::bsd::freebsd::{
    SO_LISTENQLEN, SO_LISTENQLIMIT, SO_NOSIGPIPE, TCP_FUNCTION_BLK, TCP_KEEPINIT, TCP_MAXUNACKTIME,
    TCP_NOOPT,
};
use crate::bsd::linux::{SOL_SOCKET, SOL_TCP};
use crate::bsd::stream::Role;
use crate::bsd::table::Fd;
use crate::bsd::{Calls, System};
use crate::config::OptionLayout;

/// The name of the only stack, and the octets of a name: `struct tcp_function_set`.
const STACK: &[u8] = b"freebsd";
const NAME: usize = 32;

impl Calls<'_> {
    /// Changes an option of FreeBSD; `None` if it is not one.
    pub(super) fn set_freebsd_option(
        &mut self,
        fd: Fd,
        (level, name): (i32, i32),
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        if self.system != System::Freebsd {
            return None;
        }
        Some(match (level, name) {
            (SOL_SOCKET, SO_NOSIGPIPE) => int(value).and_then(|value| {
                self.settings_mut(fd)?.keep(SOL_SOCKET, name, value);
                Ok(())
            }),
            (SOL_TCP, TCP_KEEPINIT) => self.set_opening_timeout(fd, value),
            (SOL_TCP, TCP_MAXUNACKTIME) => self.set_unacked_time(fd, value),
            (SOL_TCP, TCP_NOOPT) => self.set_without_options(fd, value),
            (SOL_TCP, TCP_FUNCTION_BLK) => {
                let set = value.split(|octet| *octet == 0).next();
                (set == Some(STACK)).then_some(()).ok_or(Errno::ENOENT)
            }
            _ => return None,
        })
    }

    /// The value of an option of FreeBSD; `None` if it is not one.
    pub(super) fn freebsd_option(
        &self,
        fd: Fd,
        (level, name): (i32, i32),
    ) -> Option<Result<Vec<u8>, Errno>> {
        if self.system != System::Freebsd {
            return None;
        }
        let socket = self.stream(fd, Errno::EINVAL);
        let secs = |time: Duration| size(time.as_secs());
        let config = socket.map(|socket| &socket.config);
        Some(match (level, name) {
            (SOL_SOCKET, SO_NOSIGPIPE) => {
                (self.settings(fd)).map(|it| octets(it.kept(SOL_SOCKET, name, 0)))
            }
            (SOL_SOCKET, SO_LISTENQLIMIT) => self.tcp_info(fd).map(|info| size(info.sacked)),
            (SOL_SOCKET, SO_LISTENQLEN) => self.tcp_info(fd).map(|info| size(info.unacked)),
            (SOL_TCP, TCP_KEEPINIT) => {
                config.map(|config| secs(config.endings.opening_timeout.unwrap_or_default()))
            }
            (SOL_TCP, TCP_MAXUNACKTIME) => {
                config.map(|config| secs(config.socket.user_timeout.unwrap_or_default()))
            }
            (SOL_TCP, TCP_NOOPT) => {
                config.map(|config| yes(config.option_layout == OptionLayout::WithoutOptions))
            }
            (SOL_TCP, TCP_FUNCTION_BLK) => socket.map(|_| {
                let mut value = STACK.to_vec();
                // The number of connections follows the name; it is not counted here.
                value.resize(NAME + 4, 0);
                value
            }),
            _ => return None,
        })
    }

    /// How long an open may take, from its SYN on.
    fn set_opening_timeout(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let secs = u64::try_from(int(value)?).unwrap_or(0);
        if secs == 0 {
            return Err(Errno::EINVAL);
        }
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.config.endings.opening_timeout = Some(Duration::from_secs(secs));
        self.apply(fd)
    }

    fn set_unacked_time(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let secs = u64::try_from(int(value)?).map_err(|_| Errno::EINVAL)?;
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        socket.config.socket.user_timeout = (secs > 0).then(|| Duration::from_secs(secs));
        self.apply(fd)
    }

    /// Options that are not offered are not agreed on either. An existing connection does not change.
    fn set_without_options(&mut self, fd: Fd, value: &[u8]) -> Result<(), Errno> {
        let on = flag(value)?;
        let host = self.stack.config().tcp.clone();
        let socket = self.stream_mut(fd, Errno::EINVAL)?;
        if matches!(socket.role, Role::Connection(..)) {
            return Ok(());
        }
        let config = &mut socket.config;
        config.option_layout = match on {
            true => OptionLayout::WithoutOptions,
            false => host.option_layout,
        };
        config.window_scaling = host.window_scaling && !on;
        config.timestamps = host.timestamps && !on;
        config.sack = host.sack && !on;
        self.apply(fd)
    }
}
