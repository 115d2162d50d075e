//! Sockets that a link can run over: the kernel's, those of our own stack, and lossy ones.

use std::cell::Cell;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use stubborn::config::Config;
use stubborn::sockets::{self, Net};
use stubborn::tun::TunDevice;

/// A socket for datagrams: all that a link needs of a network.
pub(crate) trait Datagrams {
    /// Sends a datagram, or loses it.
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Waits at most this long for a datagram; its length, and where it is from.
    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>>;
}

/// The kernel's UDP. The socket must not block.
impl Datagrams for UdpSocket {
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        match UdpSocket::send_to(self, packet, to) {
            Err(error) if !is_loss(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        if !wait.is_zero() {
            // Rounded up, or the last millisecond before a deadline is spent asking.
            let millis = u16::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
            let mut ready = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::from(millis)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        match UdpSocket::recv_from(self, buffer) {
            Ok(received) => Ok(Some(received)),
            Err(error) if is_loss(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The UDP of our own stack.
impl Datagrams for sockets::UdpSocket {
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        match sockets::UdpSocket::send_to(self, packet, to) {
            Err(error) if !is_loss(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        self.set_nonblocking(wait.is_zero());
        self.set_read_timeout((!wait.is_zero()).then_some(wait))?;
        match sockets::UdpSocket::recv_from(self, buffer) {
            Ok(received) => Ok(Some(received)),
            Err(error) if is_loss(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A full queue, or a peer that is not there now: a lost packet, which the link expects.
fn is_loss(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    ) || error.raw_os_error() == Some(Errno::ENOBUFS as i32)
}

/// A socket at `local`: of the stack that it starts on the interface `tun`, or of the kernel. It
/// loses this many percent of what it sends.
pub(crate) fn open(
    local: SocketAddr,
    tun: Option<&str>,
    loss: u64,
) -> Result<Box<dyn Datagrams>, Box<dyn Error>> {
    let socket: Box<dyn Datagrams> = match tun {
        Some(name) => {
            let net = Net::start(TunDevice::open(name)?, Config::new([local.ip()]))?;
            Box::new(sockets::UdpSocket::bind(&net, local)?)
        }
        None => {
            let socket = UdpSocket::bind(local)?;
            socket.set_nonblocking(true)?;
            Box::new(socket)
        }
    };
    let state = Cell::new(u64::from(local.port()) + 1);
    Ok(Box::new(Lossy {
        socket,
        loss,
        state,
    }))
}

/// A socket that loses some of what it sends.
struct Lossy {
    socket: Box<dyn Datagrams>,
    loss: u64,
    state: Cell<u64>,
}

impl Datagrams for Lossy {
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        // Knuth's linear congruential generator: good enough to lose packets.
        let state = self.state.get();
        let next = state.wrapping_mul(6_364_136_223_846_793_005);
        let next = next.wrapping_add(1_442_695_040_888_963_407);
        self.state.set(next);
        match (next >> 33) % 100 < self.loss {
            true => Ok(()),
            false => self.socket.send_to(packet, to),
        }
    }

    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        self.socket.recv_from(buffer, wait)
    }
}
