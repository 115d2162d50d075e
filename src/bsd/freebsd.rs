//! What FreeBSD has and Linux has not. FreeBSD's numbers are in Linux those of something else: here a bit
//! is set in them that no number of an option or a request has there.

const OWN: i32 = 1 << 28;

macro_rules! numbers {
    ($($name:ident = $number:expr, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: i32 = OWN | $number;)*

        const NAMES: &[(&str, i32)] = &[$((stringify!($name), $name)),*];
    };
}

numbers! {
    SO_NOSIGPIPE = 0x800, "No SIGPIPE: there is none here.";
    SO_LISTENQLIMIT = 0x1011, "How many connections may wait to be accepted.";
    SO_LISTENQLEN = 0x1012, "How many do.";
    TCP_NOOPT = 8, "No options on a SYN.";
    TCP_MAXUNACKTIME = 68, "Seconds that text may stay unacknowledged; 0: R2 decides.";
    TCP_KEEPINIT = 128, "Seconds that an open may take.";
    TCP_FUNCTION_BLK = 8192, "The name of the stack: there is one, `freebsd`.";
    FIONSPACE = 118, "Octets for which the send buffer has room.";
}

/// The number of a name.
pub fn number(name: &str) -> Option<i32> {
    let mut names = NAMES.iter();
    names.find(|(known, _)| *known == name).map(|(_, n)| *n)
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
}
