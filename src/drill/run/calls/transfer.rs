//! read, write and their kin; files and pipes.

use super::super::super::ast::Expr;
use super::super::Stop;
use super::super::events::Run;
use super::super::files::{Descriptor, File};
use super::super::{failed, skipped};
use super::args::{self, Args, field, fields, list};
use super::attempt::Attempt;
use super::sockets::descriptor;
use super::{Answer, Begun};
use crate::bsd::linux::{
    MSG_FASTOPEN, MSG_MORE, MSG_PEEK, MSG_TRUNC, SO_TYPE, SOCK_DGRAM, SOL_SOCKET, SPLICE_F_MORE,
};
use crate::bsd::{Ancillary, Control, Errno, Fd, OneSend, Received, Receiving, Sending};
use crate::time::{Duration, Instant};

/// The most octets of a pipe.
const PIPE: usize = 65_536;

fn receive(fd: Fd, len: usize, flags: i32) -> Begun {
    Begun::Waits(Attempt::Receive {
        call: Receiving::new(fd, flags),
        fd,
        flags,
        faulty: false,
        buffer: vec![0; len],
    })
}

/// Into the buffer that is argument `index`: `NULL` has no room for anything, but what is thrown
/// away needs none.
fn receive_into(fd: Fd, args: &Args<'_>, index: usize, flags: i32) -> Result<Begun, Stop> {
    let len = args.size(index + 1)?;
    if !args.is_null(index) || flags & MSG_TRUNC != 0 {
        return Ok(receive(fd, len, flags));
    }
    let flags = flags | MSG_PEEK;
    Ok(Begun::Waits(Attempt::Receive {
        call: Receiving::new(fd, flags),
        fd,
        flags,
        faulty: true,
        buffer: vec![0; len],
    }))
}

/// From the buffer that is argument `index`: `NULL` holds nothing.
fn transmit_from(
    run: &mut Run<'_>,
    fd: Fd,
    args: &Args<'_>,
    index: usize,
    flags: i32,
) -> Result<Begun, Stop> {
    let len = args.size(index + 1)?;
    if args.is_null(index) && len > 0 {
        let answer = run.host.calls().send(fd, &[], flags);
        return Ok(answer.and(Err::<i64, _>(Errno::EFAULT)).into());
    }
    Ok(transmit(fd, len, flags))
}

fn transmit(fd: Fd, len: usize, flags: i32) -> Begun {
    Begun::Waits(Attempt::Send {
        call: Sending::new(fd, flags, None),
        fd,
        flags,
        data: vec![0; len],
    })
}

pub(super) fn read(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    receive_into(descriptor(run, args, 0)?, args, 1, 0)
}

pub(super) fn readv(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let len = args::pieces(args.at(1)?, args.number(2)?)?;
    Ok(receive(descriptor(run, args, 0)?, len, 0))
}

pub(super) fn recv(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 6)?;
    let fd = descriptor(run, args, 0)?;
    receive_into(fd, args, 1, args.int(3)?)
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
fn destination(run: &Run<'_>, expr: &Expr) -> Option<core::net::SocketAddr> {
    match expr {
        Expr::Ellipsis | Expr::Struct(_) => Some(run.peer()),
        _ => None,
    }
}

pub(super) fn sendto(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(6, 6)?;
    let fd = descriptor(run, args, 0)?;
    let (len, flags) = (args.size(2)?, args.int(3)?);
    let to = destination(run, args.at(4)?);
    // An address of no family is none to connect to.
    if flags & MSG_FASTOPEN != 0 && args.is_word(4, "AF_UNSPEC") {
        return Ok(Err::<i64, _>(Errno::EOPNOTSUPP).into());
    }
    if flags & MSG_FASTOPEN != 0 {
        run.connecting(args.number(0)?);
    }
    Ok(Begun::Waits(Attempt::Send {
        call: Sending::new(fd, flags, to),
        fd,
        flags,
        data: vec![0; len],
    }))
}

pub(super) fn sendmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let message = fields(args.at(1)?)?;
    let once = match field(message, "msg_control") {
        Some(_) if is_datagram(run, fd) => {
            return skipped("no support for control messages of sendmsg on UDP");
        }
        Some(control) => match OneSend::of(&ancillary(control)?) {
            Ok(once) => once,
            Err(errno) => return Ok(Err::<i64, _>(errno).into()),
        },
        None => OneSend::default(),
    };
    let len = match field(message, "msg_iov") {
        Some(pieces) => args::pieces(pieces, i64::MAX)?,
        None => 0,
    };
    let flags = args.int(2)?;
    let to = match flags & MSG_FASTOPEN {
        0 => None,
        _ => field(message, "msg_name").and_then(|name| destination(run, name)),
    };
    if flags & MSG_FASTOPEN != 0 {
        run.connecting(args.number(0)?);
    }
    Ok(Begun::Waits(Attempt::Send {
        call: Sending::new(fd, flags, to).once(once),
        fd,
        flags,
        data: vec![0; len],
    }))
}

fn is_datagram(run: &mut Run<'_>, fd: Fd) -> bool {
    let kind = run.host.calls().getsockopt(fd, SOL_SOCKET, SO_TYPE);
    kind.is_ok_and(|kind| kind == SOCK_DGRAM.to_le_bytes())
}

/// The control messages that sendmsg is given: `[{cmsg_level=L, cmsg_type=T, cmsg_data=N}, …]`.
fn ancillary(expr: &Expr) -> Result<Vec<Ancillary>, Stop> {
    let mut messages = Vec::new();
    for message in control_messages(expr)? {
        let Message { level, kind, data } = message;
        let Data::Octets(data) = data else {
            return skipped("no support for such a control message of sendmsg");
        };
        messages.push(Ancillary { level, kind, data });
    }
    Ok(messages)
}

/// What recvmsg must give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Wanted {
    flags: i32,
    /// The control messages; `None`: not compared.
    control: Option<Vec<Message>>,
    /// How far a time may be off.
    tolerance: Duration,
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    level: i32,
    kind: i32,
    data: Data,
}

impl Message {
    fn is(&self, returned: &Control, tolerance: Duration) -> bool {
        (self.level, self.kind) == (returned.level(), returned.kind())
            && self.data.is(&returned.data(), tolerance)
    }
}

/// What a control message must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Data {
    /// These octets.
    Octets(Vec<u8>),
    /// A moment since the start; `None`: any.
    Moment(Option<Instant>),
}

impl Data {
    fn is(&self, octets: &[u8], tolerance: Duration) -> bool {
        let number = |at: usize| {
            let word = octets.get(at..at + 8).and_then(|word| word.first_chunk());
            word.map_or(0, |word| u64::from_le_bytes(*word))
        };
        match self {
            Data::Octets(wanted) => wanted == octets,
            Data::Moment(None) => true,
            Data::Moment(Some(wanted)) => {
                let nanos = Duration::from_nanos(number(8));
                let told = Instant::from_secs(number(0)) + nanos;
                told.since(*wanted).max(wanted.since(told)) <= tolerance
            }
        }
    }
}

pub(super) fn recvmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let fd = descriptor(run, args, 0)?;
    let message = fields(args.at(1)?)?;
    let len = match field(message, "msg_iov") {
        Some(pieces) => args::pieces(pieces, i64::MAX)?,
        None => 0,
    };
    let flags = match field(message, "msg_flags") {
        Some(flags) => args::number(flags)? as i32,
        None => 0,
    };
    let control = match field(message, "msg_control") {
        Some(control) => Some(control_messages(control)?),
        None => None,
    };
    Ok(Begun::Waits(Attempt::ReceiveMessage {
        fd,
        flags: args.int(2)?,
        len,
        wanted: Wanted {
            flags,
            control,
            tolerance: Duration::from_micros(run.setup.tolerance_micros),
        },
    }))
}

fn control_messages(expr: &Expr) -> Result<Vec<Message>, Stop> {
    let mut messages = Vec::new();
    for message in list(expr)? {
        let message = fields(message)?;
        let get = |name: &str| match field(message, name) {
            Some(value) => args::number(value),
            None => failed(format!("a control message has {name}")),
        };
        let (level, kind) = (get("cmsg_level")? as i32, get("cmsg_type")? as i32);
        let data = match field(message, "cmsg_data") {
            Some(Expr::Struct(time)) if field(time, "scm_sec").is_some() => moment(time)?,
            Some(Expr::Struct(error)) => Data::Octets(extended_error(error)?),
            Some(number) => Data::Octets((args::number(number)? as i32).to_le_bytes().to_vec()),
            None => Data::Octets(Vec::new()),
        };
        messages.push(Message { level, kind, data });
    }
    Ok(messages)
}

/// `{scm_sec=S, scm_nsec=N}`: zeros stand for any time.
fn moment(time: &[super::super::super::ast::Field]) -> Result<Data, Stop> {
    let get = |name: &str| field(time, name).map_or(Ok(0), args::number);
    let (secs, nanos) = (
        get("scm_sec")?.max(0) as u64,
        get("scm_nsec")?.max(0) as u64,
    );
    let at = Instant::from_secs(secs) + Duration::from_nanos(nanos);
    Ok(Data::Moment(Some(at).filter(|at| *at > Instant::ZERO)))
}

/// `struct sock_extended_err`.
fn extended_error(error: &[super::super::super::ast::Field]) -> Result<Vec<u8>, Stop> {
    if field(error, "ee_errno").is_none() {
        return skipped("no support for this control message");
    }
    let get = |name: &str| field(error, name).map_or(Ok(0), args::number);
    let mut data = (get("ee_errno")? as u32).to_le_bytes().to_vec();
    for name in ["ee_origin", "ee_type", "ee_code"] {
        data.push(get(name)? as u8);
    }
    data.push(0);
    data.extend((get("ee_info")? as u32).to_le_bytes());
    data.extend((get("ee_data")? as u32).to_le_bytes());
    Ok(data)
}

impl Wanted {
    pub(super) fn compare(&self, received: &Received) -> Answer {
        let mut answer = Answer::new(Ok(received.len as i64));
        if self.flags != received.flags {
            answer.wrong.push(format!(
                "msg_flags: {:#x} is expected, {:#x} is returned",
                self.flags, received.flags
            ));
        }
        let Some(wanted) = &self.control else {
            return answer;
        };
        let returned = &received.control;
        let is = |(wanted, returned): (&Message, &Control)| wanted.is(returned, self.tolerance);
        if wanted.len() != returned.len() || !wanted.iter().zip(returned).all(is) {
            answer.wrong.push(format!(
                "msg_control: {wanted:?} is expected, {returned:?} is returned"
            ));
        }
        answer
    }
}

pub(super) fn open(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 3)?;
    let Expr::Text(path) = args.at(0)? else {
        return failed("a path is meant");
    };
    let path = String::from_utf8_lossy(path).into_owned();
    if !run.files.sizes.contains_key(&path) {
        return skipped(format!("there is no file {path} here"));
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

/// Octets into a pipe, as many as it has room for.
fn fill(run: &mut Run<'_>, number: usize, len: usize) -> Result<i64, Errno> {
    let held = run.files.pipes.get_mut(number).ok_or(Errno::EBADF)?;
    let taken = len.min(PIPE.saturating_sub(*held));
    *held += taken;
    match taken {
        0 if len > 0 => Err(Errno::EAGAIN),
        taken => Ok(taken as i64),
    }
}

/// From a file to a socket. A socket takes what it has room for, as a call that does not block.
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
    let sent = run.host.calls().send(fd, &vec![0; len], 0);
    if let (Ok(sent), None, Some(File::Regular { at, .. })) =
        (&sent, offset, run.files.get_mut(source))
    {
        *at += *sent as u64;
    }
    Ok(sent.map(|len| len as i64).into())
}

/// Between a pipe and a socket or file.
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
