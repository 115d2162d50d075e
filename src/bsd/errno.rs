//! The error codes of failed calls, with Linux's numbers.

use core::fmt;

macro_rules! errnos {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// The error code of a failed call, with its name and number on Linux
        /// on x86-64.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum Errno {
            $(#[doc = $text] $name = $number,)*
        }

        impl Errno {
            /// Every error, in the order of their numbers.
            pub const ALL: &[Errno] = &[$(Errno::$name),*];

            /// Its name: `EAGAIN`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Errno::$name => stringify!($name),)*
                }
            }

            /// What it means.
            const fn text(self) -> &'static str {
                match self {
                    $(Errno::$name => $text,)*
                }
            }
        }
    };
}

errnos! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such file or directory";
    EINTR = 4, "interrupted call";
    EIO = 5, "input or output failed";
    EBADF = 9, "not an open descriptor";
    EAGAIN = 11, "it would block";
    ENOMEM = 12, "no memory left";
    EACCES = 13, "permission denied";
    EFAULT = 14, "bad address";
    EBUSY = 16, "in use by somebody else";
    EEXIST = 17, "it exists already";
    ENODEV = 19, "no such device";
    EINVAL = 22, "invalid argument";
    EMFILE = 24, "too many open descriptors";
    ENOTTY = 25, "not a request for this kind of descriptor";
    ESPIPE = 29, "a pipe or socket has no places";
    EPIPE = 32, "broken pipe";
    EDOM = 33, "out of the range of what is asked for";
    ELOOP = 40, "descriptors watch each other in a circle";
    ENOMSG = 42, "no message of this kind";
    ENONET = 64, "the machine is not on the network";
    EPROTO = 71, "protocol error";
    ENOTSOCK = 88, "not a socket";
    EDESTADDRREQ = 89, "a destination is needed";
    EMSGSIZE = 90, "message too long";
    ENOPROTOOPT = 92, "no such option";
    EPROTONOSUPPORT = 93, "protocol not supported";
    ESOCKTNOSUPPORT = 94, "type of socket not supported";
    EOPNOTSUPP = 95, "operation not supported";
    EAFNOSUPPORT = 97, "address family not supported";
    EADDRINUSE = 98, "address in use";
    EADDRNOTAVAIL = 99, "address not available";
    ENETUNREACH = 101, "network unreachable";
    ECONNABORTED = 103, "connection aborted";
    ECONNRESET = 104, "connection reset by peer";
    ENOBUFS = 105, "no room for more";
    EISCONN = 106, "connected already";
    ENOTCONN = 107, "not connected";
    ETIMEDOUT = 110, "connection timed out";
    ECONNREFUSED = 111, "connection refused";
    EHOSTDOWN = 112, "the host is down";
    EHOSTUNREACH = 113, "no route to host";
    EALREADY = 114, "connecting already";
    EINPROGRESS = 115, "now in progress";
}

impl Errno {
    /// Its number: 11 for `EAGAIN`.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The error with this number.
    pub fn from_number(number: i32) -> Option<Errno> {
        let mut all = Errno::ALL.iter().copied();
        all.find(|errno| errno.number() == number)
    }

    /// The error with this name or alias.
    pub fn from_name(name: &str) -> Option<Errno> {
        let name = match name {
            "EWOULDBLOCK" => Errno::EAGAIN.name(),
            "ENOTSUP" => Errno::EOPNOTSUPP.name(),
            name => name,
        };
        let mut all = Errno::ALL.iter().copied();
        all.find(|errno| errno.name() == name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.name())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for &errno in Errno::ALL {
            assert_eq!(Errno::from_number(errno.number()), Some(errno));
            assert_eq!(Errno::from_name(errno.name()), Some(errno));
        }
        assert_eq!(Errno::EAGAIN.to_string(), "it would block (EAGAIN)");
        assert_eq!(Errno::from_number(0), None);
        assert_eq!(Errno::from_name("EWOULDBLOCK"), Some(Errno::EAGAIN));
        assert_eq!(Errno::from_name("ENOTSUP"), Some(Errno::EOPNOTSUPP));
    }
}
