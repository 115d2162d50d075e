//! What FreeBSD has and Linux lacks. On Linux, FreeBSD's numbers mean something else, so here they have
//! an additional bit set that no option or request of Linux uses.

use super::errno::Errno;
use super::linux::{
    SO_ACCEPTCONN, SO_BROADCAST, SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_REUSEADDR, SO_REUSEPORT,
    SOL_SOCKET, SOL_TCP, TCP_CORK, TCP_NODELAY,
};
use super::numbers::numbers;

const OWN: i32 = 1 << 28;

numbers! {
    SO_NOSIGPIPE = OWN | 0x800, "No SIGPIPE: there is none here.";
    SO_LISTENQLIMIT = OWN | 0x1011, "How many connections may wait to be accepted.";
    SO_LISTENQLEN = OWN | 0x1012, "How many do.";
    TCP_NOOPT = OWN | 8, "No options on a SYN.";
    TCP_MAXUNACKTIME = OWN | 68, "Seconds that text may stay unacknowledged; 0: R2 decides.";
    TCP_KEEPINIT = OWN | 128, "Seconds that an open may take.";
    TCP_FUNCTION_BLK = OWN | 8192, "The name of the stack: there is one, `freebsd`.";
    FIONSPACE = OWN | 118, "Octets for which the send buffer has room.";
}

/// FreeBSD returns an option that is on not as 1 but as the bit under which it stores the option:
/// level, name and bit.
const BITS: [(i32, i32, i32); 11] = [
    (SOL_SOCKET, SO_ACCEPTCONN, 0x2),
    (SOL_SOCKET, SO_REUSEADDR, 0x4),
    (SOL_SOCKET, SO_KEEPALIVE, 0x8),
    (SOL_SOCKET, SO_BROADCAST, 0x20),
    (SOL_SOCKET, SO_LINGER, 0x80),
    (SOL_SOCKET, SO_OOBINLINE, 0x100),
    (SOL_SOCKET, SO_REUSEPORT, 0x200),
    (SOL_SOCKET, SO_NOSIGPIPE, 0x800),
    (SOL_TCP, TCP_NODELAY, 0x4),
    (SOL_TCP, TCP_NOOPT, 0x8),
    (SOL_TCP, TCP_CORK, 0x1000),
];

/// The bit of an option; `None` if it is not such an option.
pub(super) fn bit(level: i32, name: i32) -> Option<i32> {
    let mut bits = BITS.iter();
    let found = bits.find(|(of, option, _)| (*of, *option) == (level, name));
    found.map(|(_, _, bit)| *bit)
}

/// The errors whose numbers differ on FreeBSD.
const ERRNOS: [(Errno, i32); 26] = [
    (Errno::EAGAIN, 35),
    (Errno::EINPROGRESS, 36),
    (Errno::EALREADY, 37),
    (Errno::ENOTSOCK, 38),
    (Errno::EDESTADDRREQ, 39),
    (Errno::EMSGSIZE, 40),
    (Errno::ENOPROTOOPT, 42),
    (Errno::EPROTONOSUPPORT, 43),
    (Errno::ESOCKTNOSUPPORT, 44),
    (Errno::EOPNOTSUPP, 45),
    (Errno::EAFNOSUPPORT, 47),
    (Errno::EADDRINUSE, 48),
    (Errno::EADDRNOTAVAIL, 49),
    (Errno::ENETUNREACH, 51),
    (Errno::ECONNABORTED, 53),
    (Errno::ECONNRESET, 54),
    (Errno::ENOBUFS, 55),
    (Errno::EISCONN, 56),
    (Errno::ENOTCONN, 57),
    (Errno::ETIMEDOUT, 60),
    (Errno::ECONNREFUSED, 61),
    (Errno::ELOOP, 62),
    (Errno::EHOSTDOWN, 64),
    (Errno::EHOSTUNREACH, 65),
    (Errno::ENOMSG, 83),
    (Errno::EPROTO, 92),
];

/// The last number that means the same in both systems.
const LAST_COMMON: i32 = 34;

/// The error with this number on FreeBSD.
pub fn errno(number: i32) -> Option<Errno> {
    let mut others = ERRNOS.iter();
    let other = others.find(|(_, known)| *known == number);
    other.map(|(errno, _)| *errno).or_else(|| {
        let common = Errno::from_number(number).filter(|_| number <= LAST_COMMON);
        common.filter(|errno| *errno != Errno::EAGAIN)
    })
}

#[cfg(test)]
mod tests {
    use super::super::linux;
    use super::*;

    #[test]
    fn no_name_and_no_number_is_one_of_linux() {
        for (name, value) in NAMES {
            assert_eq!(number(name), Some(*value));
            assert_eq!(linux::number(name), None, "{name}");
            let is_flag = |name: &str| name.starts_with("EPOLL") || name.starts_with("MSG_");
            let mut others = linux::NAMES.iter().filter(|(name, _)| !is_flag(name));
            assert!(others.all(|(_, other)| other & OWN == 0));
        }
        assert_eq!(number("SO_UNHEARD_OF"), None);
    }

    #[test]
    fn errors_have_other_numbers() {
        assert_eq!(errno(54), Some(Errno::ECONNRESET));
        assert_eq!(errno(35), Some(Errno::EAGAIN));
        assert_eq!(errno(32), Some(Errno::EPIPE));
        // On FreeBSD this is EDEADLK, which no socket returns.
        assert_eq!(errno(11), None);
        assert_eq!(errno(104), None);
    }
}
