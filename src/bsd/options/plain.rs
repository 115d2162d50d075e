//! Options of `SOL_SOCKET` that the layer keeps without any effect here, except `SO_BROADCAST`.

use super::{int, octets};
use crate::bsd::Calls;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    SO_BPF_EXTENSIONS, SO_BROADCAST, SO_BSDCOMPAT, SO_BUSY_POLL, SO_DEBUG, SO_DONTROUTE,
    SO_INCOMING_CPU, SO_INCOMING_NAPI_ID, SO_MARK, SO_NO_CHECK, SO_NOFCS, SO_PASSCRED,
    SO_PASSPIDFD, SO_PASSRIGHTS, SO_PASSSEC, SO_PREFER_BUSY_POLL, SO_PRIORITY, SO_RCVMARK,
    SO_RCVPRIORITY, SO_RESERVE_MEM, SO_RXQ_OVFL, SO_SELECT_ERR_QUEUE, SO_SNDLOWAT, SO_WIFI_STATUS,
    SOL_SOCKET,
};
use crate::bsd::table::Fd;

/// What an option accepts, and what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    /// A flag.
    Flag,
    /// A number; initially this one.
    Number(i32),
    /// A number that is not below zero.
    Natural,
    /// Anything; the value is forgotten.
    Forgotten,
    /// It can only be read.
    Constant(i32),
    /// The option is for sockets of another kind.
    Elsewhere,
    /// Setting the option fails: no memory is reserved for a socket.
    Refused,
}

const PLAIN: [(i32, Plain); 24] = [
    (SO_DEBUG, Plain::Flag),
    (SO_DONTROUTE, Plain::Flag),
    (SO_BROADCAST, Plain::Flag),
    (SO_NO_CHECK, Plain::Flag),
    (SO_PRIORITY, Plain::Number(0)),
    (SO_BSDCOMPAT, Plain::Forgotten),
    (SO_PASSCRED, Plain::Elsewhere),
    (SO_SNDLOWAT, Plain::Constant(1)),
    (SO_PASSSEC, Plain::Elsewhere),
    (SO_MARK, Plain::Number(0)),
    (SO_RXQ_OVFL, Plain::Flag),
    (SO_WIFI_STATUS, Plain::Flag),
    (SO_NOFCS, Plain::Flag),
    (SO_SELECT_ERR_QUEUE, Plain::Flag),
    (SO_BUSY_POLL, Plain::Natural),
    (SO_BPF_EXTENSIONS, Plain::Constant(64)),
    (SO_INCOMING_CPU, Plain::Number(-1)),
    (SO_INCOMING_NAPI_ID, Plain::Constant(0)),
    (SO_PREFER_BUSY_POLL, Plain::Flag),
    (SO_RESERVE_MEM, Plain::Refused),
    (SO_RCVMARK, Plain::Flag),
    (SO_PASSPIDFD, Plain::Elsewhere),
    (SO_RCVPRIORITY, Plain::Flag),
    (SO_PASSRIGHTS, Plain::Elsewhere),
];

fn plain(name: i32) -> Result<Plain, Errno> {
    let mut known = PLAIN.iter().filter(|(known, _)| *known == name);
    let (_, plain) = known.next().ok_or(Errno::ENOPROTOOPT)?;
    Ok(*plain)
}

impl Calls<'_> {
    pub(super) fn set_plain_option(
        &mut self,
        fd: Fd,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        let plain = plain(name)?;
        let value = match (plain, int(value)?) {
            (Plain::Flag, value) => i32::from(value != 0),
            (Plain::Natural | Plain::Refused, value) if value < 0 => return Err(Errno::EINVAL),
            (Plain::Number(_) | Plain::Natural, value) => value,
            (Plain::Forgotten, _) => return Ok(()),
            (Plain::Constant(_), _) => return Err(Errno::ENOPROTOOPT),
            (Plain::Elsewhere | Plain::Refused, _) => return Err(Errno::EOPNOTSUPP),
        };
        self.settings_mut(fd)?.keep(SOL_SOCKET, name, value);
        if name == SO_BROADCAST
            && let Ok(socket) = self.datagram_mut(fd)
        {
            socket.options.broadcast = value != 0;
            return self.apply_datagram(fd);
        }
        Ok(())
    }

    pub(super) fn plain_option(&self, fd: Fd, name: i32) -> Result<Vec<u8>, Errno> {
        let settings = self.settings(fd)?;
        let kept = |default| Ok(octets(settings.kept(SOL_SOCKET, name, default)));
        match plain(name)? {
            Plain::Number(default) => kept(default),
            Plain::Constant(value) => Ok(octets(value)),
            Plain::Elsewhere => Err(Errno::EOPNOTSUPP),
            Plain::Flag | Plain::Natural | Plain::Forgotten | Plain::Refused => kept(0),
        }
    }
}
