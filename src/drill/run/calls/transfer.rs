//! read, write and related calls; files and pipes.

use core::net::SocketAddr;

use super::super::super::ast::{Expr, Field};
use super::super::Stop;
use super::super::files::{Descriptor, File};
use super::super::state::Run;
use super::super::{failed, skipped};
use super::address::{is_of_no_family, written, written_by_call};
use super::answer::Answer;
use super::args::{self, Args, O_CREAT, O_EXCL, O_TRUNC, field, fields, list, only};
use super::attempt::{Attempt, Begun};
use super::messages::{Wanted, ancillary};
use super::sockets::descriptor;
use crate::bsd::linux::{MSG_FASTOPEN, MSG_MORE, MSG_TRUNC, SPLICE_F_MORE};
use crate::bsd::{Errno, Fd, OneSend, Sending};
use crate::time::Duration;

/// The most octets of a pipe.
const PIPE: usize = 65_536;

/// Receives into the buffer at argument `index`. `NULL` has no room, but what is thrown away needs
/// none.
fn receive_into(fd: Fd, args: &Args<'_>, index: usize, flags: i32) -> Result<Attempt, Stop> {
    args.buffer(index)?;
    let len = args.size(index + 1)?;
    let is_nowhere = args.is_null(index) && flags & MSG_TRUNC == 0;
    Ok(match is_nowhere {
        true => Attempt::receive_nowhere(fd, flags, len),
        false => Attempt::receive(fd, flags, len),
    })
}

/// Sends from the buffer at argument `index`: `NULL` holds nothing.
fn transmit_from(
    run: &mut Run<'_>,
    fd: Fd,
    args: &Args<'_>,
    index: usize,
    flags: i32,
) -> Result<Begun, Stop> {
    args.buffer(index)?;
    let len = args.size(index + 1)?;
    if args.is_null(index) && len > 0 {
        let answer = run.host.calls().send(fd, &[], flags);
        return Ok(answer.and(Err::<i64, _>(Errno::EFAULT)).into());
    }
    Ok(transmit(fd, len, flags))
}

fn transmit(fd: Fd, len: usize, flags: i32) -> Begun {
    Begun::Waits(Attempt::send(Sending::new(fd, flags, None), fd, flags, len))
}

pub(super) fn read(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    if let Some(File::Regular { path, at }) = run.files.get(args.number(0)?).cloned() {
        let size = run.files.sizes.get(&path).copied().unwrap_or(0);
        let len = (args.size(2)? as u64).min(size.saturating_sub(at));
        run.files.go_on(args.number(0)?, len);
        return Ok(Ok(len as i64).into());
    }
    let fd = descriptor(run, args, 0)?;
    if args.size(2)? == 0 {
        let answer = run.host.calls().read(fd, &mut []);
        return Ok(answer.map(|len| len as i64).into());
    }
    receive_into(fd, args, 1, 0).map(Begun::Waits)
}

pub(super) fn readv(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let len = args::pieces(args.at(1)?, args.number(2)?)?;
    Ok(Begun::Waits(Attempt::receive(
        descriptor(run, args, 0)?,
        0,
        len,
    )))
}

pub(super) fn recv(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 6)?;
    let fd = descriptor(run, args, 0)?;
    let from = match args.len() {
        6 => written_by_call(args.at(4)?)?,
        _ => None,
    };
    let attempt = receive_into(fd, args, 1, args.int(3)?)?;
    Ok(Begun::Waits(attempt.from(from)))
}

pub(super) fn write(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let len = args.size(2)?;
    if let Some(File::Pipe {
        number,
        writes: true,
    }) = run.files.get(args.number(0)?).cloned()
    {
        return Ok(fill(run, number, len).into());
    }
    if let Some(File::Regular { path, at }) = run.files.get(args.number(0)?).cloned() {
        let end = at + len as u64;
        let size = run.files.sizes.entry(path).or_default();
        *size = end.max(*size);
        run.files.go_on(args.number(0)?, len as u64);
        return Ok(Ok(len as i64).into());
    }
    let fd = descriptor(run, args, 0)?;
    transmit_from(run, fd, args, 1, 0)
}

pub(super) fn writev(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let len = args::pieces(args.at(1)?, args.number(2)?)?;
    Ok(transmit(fd, len, 0))
}

pub(super) fn send(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 4)?;
    let fd = descriptor(run, args, 0)?;
    transmit_from(run, fd, args, 1, args.int(3)?)
}

/// The peer, if the argument names one.
fn destination(run: &Run<'_>, expr: &Expr) -> Result<Option<SocketAddr>, Stop> {
    match expr {
        Expr::Ellipsis | Expr::Struct(_) => Ok(Some(written(expr)?.unwrap_or(run.peer()))),
        _ => Ok(None),
    }
}

pub(super) fn sendto(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(6, 6)?;
    args.buffer(1)?;
    let fd = descriptor(run, args, 0)?;
    let (len, flags) = (args.size(2)?, args.int(3)?);
    let to = destination(run, args.at(4)?)?;
    // An address of no family cannot be connected to.
    if flags & MSG_FASTOPEN != 0 && is_of_no_family(args.at(4)?) {
        return Ok(Err::<i64, _>(Errno::EOPNOTSUPP).into());
    }
    run.sending_to(args.number(0)?, to, flags);
    Ok(Begun::Waits(Attempt::send(
        Sending::new(fd, flags, to),
        fd,
        flags,
        len,
    )))
}

pub(super) fn sendmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let flags = args.int(2)?;
    Ok(
        match outgoing(run, (args.number(0)?, fd), fields(args.at(1)?)?, flags)? {
            Ok((call, len)) => Begun::Waits(Attempt::send(call, fd, flags, len)),
            Err(errno) => Err::<i64, _>(errno).into(),
        },
    )
}

/// The members of a `struct msghdr`. The lengths have no effect: they are counted here.
const MESSAGE: [&str; 7] = [
    "msg_name",
    "msg_namelen",
    "msg_iov",
    "msg_iovlen",
    "msg_control",
    "msg_controllen",
    "msg_flags",
];

/// Whether the argument is not `NULL`.
fn is_there(expr: &&Expr) -> bool {
    !matches!(expr, Expr::Word(word) if word == "NULL")
}

/// The send for a message, given the number of its descriptor in the script and the real one; and
/// its length.
pub(super) fn outgoing(
    run: &mut Run<'_>,
    (number, fd): (i64, Fd),
    message: &[Field],
    flags: i32,
) -> Result<Result<(Sending, usize), Errno>, Stop> {
    only(message, &MESSAGE)?;
    let len = octets_of(message)?;
    let to = match field(message, "msg_name") {
        Some(name @ Expr::Struct(_)) => destination(run, name)?,
        Some(name) if flags & MSG_FASTOPEN != 0 => destination(run, name)?,
        _ => None,
    };
    let once = match field(message, "msg_control").filter(is_there) {
        Some(control) => {
            let messages = ancillary(control)?;
            match run.host.calls().one_send(fd, &messages, to) {
                Ok(once) => once,
                Err(errno) => return Ok(Err(errno)),
            }
        }
        None => OneSend::default(),
    };
    run.sending_to(number, to, flags);
    Ok(Ok((Sending::new(fd, flags, to).once(once), len)))
}

impl Run<'_> {
    /// Notes a send with a destination: with `MSG_FASTOPEN` it connects, and a UDP socket is now
    /// associated with that peer.
    fn sending_to(&mut self, fd: i64, to: Option<SocketAddr>, flags: i32) {
        let Some(peer) = to else {
            return;
        };
        let is_udp = self.sockets.by_fd(fd).is_some_and(|socket| socket.is_udp);
        if is_udp || flags & MSG_FASTOPEN != 0 {
            self.connecting(fd, peer);
        }
    }
}

pub(super) fn recvmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let flags = args.int(2)?;
    let (len, wanted, from) = received_by(run, fields(args.at(1)?)?)?;
    let attempt = Attempt::receive_message(fd, flags, len, wanted);
    Ok(Begun::Waits(attempt.from(from)))
}

/// What is expected of a received message: the room for it, what is compared, and its sender.
pub(super) fn received_by(
    run: &Run<'_>,
    message: &[Field],
) -> Result<(usize, Wanted, Option<SocketAddr>), Stop> {
    only(message, &MESSAGE)?;
    let tolerance = Duration::from_micros(run.setup.tolerance_micros);
    let wanted = Wanted::of(message, tolerance)?;
    let from = field(message, "msg_name").map_or(Ok(None), written_by_call)?;
    Ok((octets_of(message)?, wanted, from))
}

/// All octets of the pieces of a `struct msghdr`.
fn octets_of(message: &[Field]) -> Result<usize, Stop> {
    let pieces = field(message, "msg_iov").filter(is_there);
    pieces.map_or(Ok(0), |pieces| args::pieces(pieces, i64::MAX))
}

pub(super) fn open(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 3)?;
    let Expr::Text(path) = args.at(0)? else {
        return failed("a path is meant");
    };
    let path = String::from_utf8_lossy(path).into_owned();
    open_file(run, path, args.int(1)?)
}

pub(super) fn creat(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 2)?;
    let Expr::Text(path) = args.at(0)? else {
        return failed("a path is meant");
    };
    let path = String::from_utf8_lossy(path).into_owned();
    open_file(run, path, O_CREAT | O_TRUNC)
}

fn open_file(run: &mut Run<'_>, path: String, flags: i32) -> Result<Begun, Stop> {
    let is_there = run.files.sizes.contains_key(&path);
    if !is_there && flags & O_CREAT == 0 {
        return skipped(format!("there is no file {path} here"));
    }
    if is_there && flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL {
        return Ok(Err::<i64, _>(Errno::EEXIST).into());
    }
    if !is_there || flags & O_TRUNC != 0 {
        run.files.sizes.insert(path.clone(), 0);
    }
    Ok(Begun::Done(Answer {
        descriptor: Some(Descriptor::File(path)),
        ..Answer::new(Ok(0))
    }))
}

pub(super) fn pipe(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 1)?;
    let [reader, writer] = list(args.at(0)?)? else {
        return failed("a pipe has two ends: [a, b]");
    };
    let number = run.files.pipes.len();
    run.files.pipes.push(0);
    for (end, writes) in [(reader, false), (writer, true)] {
        run.files
            .open(args::number(end)?, File::Pipe { number, writes })?;
    }
    Ok(Begun::Done(Answer::new(Ok(0))))
}

/// Puts octets into a pipe, as many as there is room for.
fn fill(run: &mut Run<'_>, number: usize, len: usize) -> Result<i64, Errno> {
    let held = run.files.pipes.get_mut(number).ok_or(Errno::EBADF)?;
    let taken = len.min(PIPE.saturating_sub(*held));
    *held += taken;
    match taken {
        0 if len > 0 => Err(Errno::EAGAIN),
        taken => Ok(taken as i64),
    }
}

/// Sends from a file to a socket. A non-blocking socket takes what it has room for.
pub(super) fn sendfile(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 4)?;
    let fd = descriptor(run, args, 0)?;
    let (source, count) = (args.number(1)?, args.size(3)?);
    let offset = match args.at(2)? {
        Expr::List(items) if items.len() == 1 => Some(args::number(&items[0])?),
        _ => None,
    };
    let Some(File::Regular { path, at }) = run.files.get(source).cloned() else {
        return Ok(Err::<i64, _>(Errno::EINVAL).into());
    };
    let size = run.files.sizes.get(&path).copied().unwrap_or(0);
    let from = offset.map_or(at, |offset| offset.max(0) as u64);
    let len = count.min(size.saturating_sub(from) as usize);
    if run.host.calls().may_wait(fd, 0) {
        // It waits until everything is accepted.
        if let (None, Some(File::Regular { at, .. })) = (offset, run.files.get_mut(source)) {
            *at += len as u64;
        }
        return Ok(transmit(fd, len, 0));
    }
    let sent = run.host.calls().send(fd, &vec![0; len], 0);
    if let (Ok(sent), None, Some(File::Regular { at, .. })) =
        (&sent, offset, run.files.get_mut(source))
    {
        *at += *sent as u64;
    }
    Ok(sent.map(|len| len as i64).into())
}

/// Moves octets between a pipe and a socket or file.
pub(super) fn splice(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(6, 6)?;
    let (input, output) = (args.number(0)?, args.number(2)?);
    let (len, flags) = (args.size(4)?, args.int(5)?);
    let ends = (
        run.files.get(input).cloned(),
        run.files.get(output).cloned(),
    );
    let moved = match ends {
        (
            Some(File::Pipe {
                number,
                writes: false,
            }),
            Some(File::Socket(fd)),
        ) => {
            let held = run.files.pipes.get(number).copied().unwrap_or(0);
            let more = if flags & SPLICE_F_MORE != 0 {
                MSG_MORE
            } else {
                0
            };
            let sent = run.host.calls().send(fd, &vec![0; len.min(held)], more);
            if let (Ok(sent), Some(held)) = (&sent, run.files.pipes.get_mut(number)) {
                *held -= *sent;
            }
            sent.map(|len| len as i64)
        }
        (
            Some(File::Socket(fd)),
            Some(File::Pipe {
                number,
                writes: true,
            }),
        ) => {
            let held = run.files.pipes.get(number).copied().unwrap_or(0);
            let room = len.min(PIPE.saturating_sub(held));
            match run.host.calls().recv(fd, &mut vec![0; room], 0) {
                Ok(taken) => fill(run, number, taken),
                Err(errno) => Err(errno),
            }
        }
        (
            Some(File::Regular { path, at }),
            Some(File::Pipe {
                number,
                writes: true,
            }),
        ) => {
            let size = run.files.sizes.get(&path).copied().unwrap_or(0);
            let rest = size.saturating_sub(at) as usize;
            let taken = fill(run, number, len.min(rest));
            if let (Ok(taken), Some(File::Regular { at, .. })) = (&taken, run.files.get_mut(input))
            {
                *at += *taken as u64;
            }
            taken
        }
        (None, _) | (_, None) => Err(Errno::EBADF),
        _ => Err(Errno::EINVAL),
    };
    Ok(moved.into())
}
