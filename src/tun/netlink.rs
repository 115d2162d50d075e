//! The few rtnetlink(7) requests that configuring an interface takes.
//!
//! Why netlink rather than the older ioctls: one kind of request adds addresses of both
//! families, several to one interface, and IPv6 addresses without duplicate address detection.

use core::net::IpAddr;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use nix::unistd::{read, write};

use super::cidr::Cidr;

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const NLMSG_ERROR: u16 = 2;

const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_CREATE: u16 = 0x400;

const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

const IFF_UP: u32 = 0x1;
const IFA_F_NODAD: u8 = 0x02;

/// Octets of `struct nlmsghdr` and of `struct ifinfomsg`.
const HEADER: usize = 16;
const LINK_HEADER: usize = 16;

/// The properties of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Its MTU, octets.
    pub(super) mtu: usize,
    /// Whether it is up.
    pub(super) up: bool,
    /// The length of the kernel's queue in front of it, packets.
    pub(super) queue_len: u32,
}

/// The number of the interface `name`.
pub(super) fn index(name: &str) -> Result<u32, Errno> {
    nix::net::if_::if_nametoindex(name)
}

/// Reads the interface `index`.
pub(super) fn link(index: u32) -> Result<Link, Errno> {
    let mut message = Message::new(RTM_GETLINK, 0);
    message.link_header(index, 0, 0);
    parse_link(&request(message)?).ok_or(Errno::EPROTO)
}

/// Brings the interface `index` up.
pub(super) fn set_up(index: u32) -> Result<(), Errno> {
    let mut message = Message::new(RTM_NEWLINK, NLM_F_ACK);
    message.link_header(index, IFF_UP, IFF_UP);
    request(message).map(drop)
}

/// Sets the length of the kernel's queue in front of the interface `index`, in packets.
pub(super) fn set_queue_len(index: u32, packets: u32) -> Result<(), Errno> {
    let mut message = Message::new(RTM_NEWLINK, NLM_F_ACK);
    message.link_header(index, 0, 0);
    message.attribute(IFLA_TXQLEN, &packets.to_ne_bytes());
    request(message).map(drop)
}

/// Gives the interface `index` an address, usable at once.
pub(super) fn add_address(index: u32, cidr: Cidr) -> Result<(), Errno> {
    let mut message = Message::new(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    let mut octets = [0; 16];
    let (family, flags, octets) = match cidr.address() {
        IpAddr::V4(v4) => {
            octets[..4].copy_from_slice(&v4.octets());
            (AddressFamily::Inet, 0, &octets[..4])
        }
        IpAddr::V6(v6) => {
            octets = v6.octets();
            // No other host is on a TUN interface, so none can have the address already.
            (AddressFamily::Inet6, IFA_F_NODAD, &octets[..])
        }
    };
    // struct ifaddrmsg: family, prefix length, flags, scope (0: universe), index.
    message.put(&[family as u8, cidr.prefix_len(), flags, 0]);
    message.put(&index.to_ne_bytes());
    message.attribute(IFA_LOCAL, octets);
    message.attribute(IFA_ADDRESS, octets);
    match request(message) {
        Err(Errno::EEXIST) => Ok(()),
        answer => answer.map(drop),
    }
}

/// A request being written.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16) -> Message {
        let mut message = Message(Vec::with_capacity(64));
        // struct nlmsghdr: length (known at the end), kind, flags, sequence number, port.
        message.put(&[0; 4]);
        message.put(&kind.to_ne_bytes());
        message.put(&(flags | NLM_F_REQUEST).to_ne_bytes());
        message.put(&[0; 8]);
        message
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// struct ifinfomsg: family, padding, type, index, flags, which flags to change.
    fn link_header(&mut self, index: u32, flags: u32, change: u32) {
        self.put(&[0; 4]);
        self.put(&index.to_ne_bytes());
        self.put(&flags.to_ne_bytes());
        self.put(&change.to_ne_bytes());
    }

    /// An attribute of at most 16 octets, whose length is a multiple of four.
    fn attribute(&mut self, kind: u16, value: &[u8]) {
        debug_assert!(value.len() <= 16 && value.len().is_multiple_of(4));
        self.put(&(4 + value.len() as u16).to_ne_bytes());
        self.put(&kind.to_ne_bytes());
        self.put(value);
    }

    fn finish(mut self) -> Vec<u8> {
        let len = self.0.len() as u32;
        self.0[..4].copy_from_slice(&len.to_ne_bytes());
        self.0
    }
}

/// Sends one request and waits for its one answer: the kernel answers within the call.
fn request(message: Message) -> Result<Vec<u8>, Errno> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    write(&socket, &message.finish())?;
    let mut answer = vec![0; 32 * 1024];
    let len = loop {
        match read(&socket, &mut answer) {
            Err(Errno::EINTR) => continue,
            len => break len?,
        }
    };
    answer.truncate(len);
    match error_of(&answer) {
        None | Some(0) => Ok(answer),
        Some(number) => Err(Errno::from_raw(number.saturating_neg())),
    }
}

/// The (negative) error number of an answer that is an error or an acknowledgment (0).
fn error_of(answer: &[u8]) -> Option<i32> {
    if u16_at(answer, 4)? != NLMSG_ERROR {
        return None;
    }
    u32_at(answer, HEADER).map(|number| number as i32)
}

/// Reads an RTM_NEWLINK message.
fn parse_link(answer: &[u8]) -> Option<Link> {
    if u16_at(answer, 4)? != RTM_NEWLINK {
        return None;
    }
    let up = u32_at(answer, HEADER + 8)? & IFF_UP != 0;
    let (mut mtu, mut queue_len) = (None, 0);
    let mut at = HEADER + LINK_HEADER;
    while let (Some(len), Some(kind)) = (u16_at(answer, at), u16_at(answer, at + 2)) {
        match kind {
            IFLA_MTU => mtu = u32_at(answer, at + 4),
            IFLA_TXQLEN => queue_len = u32_at(answer, at + 4).unwrap_or(0),
            _ => {}
        }
        // Attributes begin at multiples of four; none is shorter than its own header.
        at += usize::from(len.max(4)).next_multiple_of(4);
    }
    Some(Link {
        mtu: mtu? as usize,
        up,
        queue_len,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(field.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(field.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_can_be_read() {
        let index = index("lo").unwrap();
        let lo = link(index).unwrap();
        assert!(lo.mtu >= 1500, "{lo:?}");
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert_eq!(index("no-such-if"), Err(Errno::ENODEV));
        assert_eq!(link(0x7fff_fff0), Err(Errno::ENODEV));
    }

    #[test]
    fn a_cut_answer_is_no_link() {
        let mut message = Message::new(RTM_NEWLINK, 0);
        message.link_header(7, IFF_UP, 0);
        message.attribute(IFLA_TXQLEN, &9u32.to_ne_bytes());
        message.attribute(IFLA_MTU, &1280u32.to_ne_bytes());
        let answer = message.finish();
        let whole = Link {
            mtu: 1280,
            up: true,
            queue_len: 9,
        };
        assert_eq!(parse_link(&answer), Some(whole));
        for len in 0..answer.len() {
            assert_eq!(parse_link(&answer[..len]), None, "cut to {len}");
        }
    }
}
