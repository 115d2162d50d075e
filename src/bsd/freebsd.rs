//! What FreeBSD has and Linux has not. FreeBSD's numbers are in Linux those of something else: here a bit
//! is set in them that no number of an option or a request has there.

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
