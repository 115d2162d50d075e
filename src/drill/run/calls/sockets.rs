//! socket, bind, listen, accept, connect, shutdown, close.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::super::super::ast::Expr;
use super::super::super::variant::Variant;
use super::super::Stop;
use super::super::files::{Descriptor, File};
use super::super::skipped;
use super::super::socket::{Socket, Stage};
use super::super::state::Run;
use super::address::{another_address, is_of_no_family, written, written_by_call};
use super::answer::Answer;
use super::args::Args;
use super::attempt::{Attempt, Begun};
use crate::bsd::linux::{AF_INET, AF_INET6, SOCK_DGRAM, SOL_TCP, TCP_INFO};
use crate::bsd::{Accepting, Closing, Connecting, Errno, Fd};

pub(super) fn socket(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let domain = match args.at(0)? {
        Expr::Ellipsis => run.domain(),
        _ => args.int(0)?,
    };
    let (kind, protocol) = (args.int(1)?, args.int(2)?);
    let mut answer = Answer::new(Ok(0));
    match run.host.calls().socket(domain, kind, protocol) {
        Err(errno) => answer.result = Err(errno),
        Ok(fd) => {
            answer.descriptor = Some(Descriptor::Socket(fd));
            let (local, remote) = run.ends(0, run.setup.connect_port);
            let socket = run.sockets.push(Socket::new(local, remote));
            socket.is_udp = kind & 0xf == SOCK_DGRAM;
        }
    }
    Ok(Begun::Done(answer))
}

impl Run<'_> {
    fn domain(&self) -> i32 {
        match self.setup.variant {
            Variant::Ipv4 => AF_INET,
            Variant::Ipv6 | Variant::Ipv4MappedIpv6 => AF_INET6,
        }
    }

    /// The local and remote addresses, as in packets.
    fn ends(&self, local: u16, remote: u16) -> (SocketAddr, SocketAddr) {
        let addresses = self.setup.addresses;
        (
            SocketAddr::new(addresses.local, local),
            SocketAddr::new(addresses.remote, remote),
        )
    }

    /// An address as the program under test writes it.
    fn written(&self, address: SocketAddr) -> SocketAddr {
        match (self.setup.variant, address.ip()) {
            (Variant::Ipv4MappedIpv6, IpAddr::V4(v4)) if v4.is_unspecified() => {
                SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port())
            }
            (Variant::Ipv4MappedIpv6, IpAddr::V4(v4)) => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }

    /// The address of the peer, as in a call.
    pub(super) fn peer(&self) -> SocketAddr {
        let (_, remote) = self.ends(0, self.setup.connect_port);
        self.written(remote)
    }
}

/// The number of a descriptor in the script: `EBADF` for one that it does not have.
pub(super) fn descriptor(run: &Run<'_>, args: &Args<'_>, index: usize) -> Result<Fd, Stop> {
    Ok(run.files.socket(args.number(index)?).unwrap_or(-1))
}

pub(super) fn bind(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let (local, _) = run.ends(run.setup.bind_port, 0);
    let any: IpAddr = match local {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => [0; 16].into(),
    };
    let own = run.written(SocketAddr::new(any, local.port()));
    let address = written(args.at(1)?)?.unwrap_or(own);
    let answer = run.host.calls().bind(fd, address);
    if answer.is_ok()
        && let Some(socket) = run.sockets.by_fd(args.number(0)?)
    {
        let bound = packet_address(address);
        let ip = if bound.ip().is_unspecified() {
            local.ip()
        } else {
            bound.ip()
        };
        socket.local = SocketAddr::new(ip, bound.port());
    }
    Ok(answer.into())
}

pub(super) fn listen(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 2)?;
    let fd = descriptor(run, args, 0)?;
    let answer = run.host.calls().listen(fd, args.int(1)?);
    if answer.is_ok()
        && let Some(socket) = run.sockets.by_fd(args.number(0)?)
    {
        socket.stage = Stage::Listening;
    }
    Ok(answer.into())
}

pub(super) fn accept(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 4)?;
    let fd = descriptor(run, args, 0)?;
    let flags = if args.len() == 4 { args.int(3)? } else { 0 };
    Ok(Begun::Waits(Attempt::Accept {
        call: Accepting::new(fd, flags),
        fd,
        flags: 0,
        wanted: written_by_call(args.at(1)?)?,
    }))
}

pub(super) fn connect(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    if is_of_no_family(args.at(1)?) {
        let answer = run.host.calls().disconnect(fd);
        if let Some(socket) = run.sockets.by_fd(args.number(0)?) {
            socket.stage = match socket.stage {
                Stage::Known | Stage::Left => Stage::Left,
                // Packets to a port that was a listener's still belong to this socket.
                Stage::Listening => Stage::Listening,
                Stage::New | Stage::Connecting => Stage::New,
            };
        }
        return Ok(answer.into());
    }
    let peer = written(args.at(1)?)?.unwrap_or(run.peer());
    // A socket whose attempt has failed may try again, with another port.
    let info = run.host.calls().getsockopt(fd, SOL_TCP, TCP_INFO);
    let has_failed = info.is_ok_and(|info| info.first() == Some(&CLOSED));
    if has_failed
        && let Some(socket) = run.sockets.by_fd(args.number(0)?)
        && socket.active
        && socket.stage == Stage::Known
    {
        socket.stage = Stage::Left;
    }
    run.connecting(args.number(0)?, peer);
    let call = Connecting::new(fd, peer);
    Ok(Begun::Waits(Attempt::Connect { call, fd }))
}

/// An address as in packets: IPv4 if it is mapped.
fn packet_address(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

impl Run<'_> {
    /// Notes that the socket of a descriptor begins to connect, unless it has already.
    pub(super) fn connecting(&mut self, fd: i64, peer: SocketAddr) {
        let remote = packet_address(peer);
        let Some(socket) = self.sockets.by_fd(fd) else {
            return;
        };
        let begins = match socket.is_udp {
            true => socket.stage == Stage::New || socket.remote != remote,
            false => matches!(socket.stage, Stage::New | Stage::Listening | Stage::Left),
        };
        if begins {
            *socket = Socket {
                fd: socket.fd,
                is_udp: socket.is_udp,
                stage: Stage::Connecting,
                active: true,
                ..Socket::new(socket.local, remote)
            };
            if socket.is_udp {
                socket.stage = Stage::New;
            }
        }
    }
}

pub(super) fn shutdown(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 2)?;
    let fd = descriptor(run, args, 0)?;
    let answer = run.host.calls().shutdown(fd, args.int(1)?);
    // The shutdown has ended an attempt to connect: its reset still belongs to the old connection,
    // and a new attempt may follow.
    let info = run.host.calls().getsockopt(fd, SOL_TCP, TCP_INFO);
    let is_closed = info.is_ok_and(|info| info.first() == Some(&CLOSED));
    if answer.is_ok()
        && is_closed
        && let Some(socket) = run.sockets.by_fd(args.number(0)?)
        && socket.active
    {
        socket.stage = match socket.stage {
            Stage::Known | Stage::Left => Stage::Left,
            Stage::New | Stage::Listening | Stage::Connecting => Stage::New,
        };
    }
    Ok(answer.into())
}

/// `tcpi_state` of a socket without a connection.
const CLOSED: u8 = 7;

pub(super) fn close(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 1)?;
    let number = args.number(0)?;
    let Some(file) = run.files.close(number) else {
        return Ok(Begun::from(Err::<(), _>(Errno::EBADF)));
    };
    let Some(fd) = file.socket() else {
        return Ok(Begun::from(Ok::<(), _>(())));
    };
    // The descriptor stays open as long as another number stands for it.
    if let Some(other) = run.files.number_of(fd) {
        if let Some(socket) = run.sockets.by_fd(number) {
            socket.fd = Some(other);
        }
        return Ok(Begun::from(Ok::<(), _>(())));
    }
    if let Some(socket) = run.sockets.by_fd(number) {
        socket.fd = None;
    }
    let closing = Closing::new(fd, &mut run.host.calls());
    Ok(Begun::Waits(Attempt::Close(closing)))
}

pub(super) fn dup(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 1)?;
    Ok(match run.files.get(args.number(0)?).cloned() {
        None => Err::<i64, _>(Errno::EBADF).into(),
        // The copies would have to share their position in the file.
        Some(File::Regular { .. }) => return skipped("no support for dup of a file"),
        Some(file) => Begun::Done(Answer {
            descriptor: Some(Descriptor::Copy(file)),
            ..Answer::new(Ok(0))
        }),
    })
}

pub(super) fn getsockname(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    name_of(run.host.calls().getsockname(fd), args)
}

pub(super) fn getpeername(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    name_of(run.host.calls().getpeername(fd), args)
}

/// The address that a call returns, and whether it is the one in the script.
fn name_of(returned: Result<SocketAddr, Errno>, args: &Args<'_>) -> Result<Begun, Stop> {
    let mut answer = Answer::new(returned.map(|_| 0));
    if let Ok(returned) = returned {
        let wanted = written_by_call(args.at(1)?)?;
        answer.wrong.extend(another_address(wanted, Some(returned)));
    }
    Ok(Begun::Done(answer))
}

impl Run<'_> {
    /// Closes every descriptor at the end.
    pub(in super::super) fn close_everything(&mut self) {
        for fd in self.files.sockets() {
            // The result no longer matters.
            let _ = self.host.calls().close(fd);
        }
        self.host.drain();
    }
}
