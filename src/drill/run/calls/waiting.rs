//! poll and epoll.

use super::super::super::ast::Expr;
use super::super::Stop;
use super::super::files::Descriptor;
use super::super::state::Run;
use super::super::{failed, skipped};
use super::answer::Answer;
use super::args::{self, Args, field, fields, list, member, only};
use super::attempt::{Attempt, Begun};
use super::sockets::descriptor;
use crate::bsd::{EpollEvent, Errno, PollFd};
use crate::time::{Duration, Instant};

/// When a call with this timeout in milliseconds gives up: never, if it is negative.
fn until(run: &Run<'_>, millis: i64) -> Option<Instant> {
    let millis = u64::try_from(millis).ok()?;
    Some(run.host.now + Duration::from_millis(millis))
}

/// When a call with a `struct timespec` or `struct timeval` gives up: never, if it is `NULL`.
pub(super) fn after(run: &Run<'_>, expr: &Expr) -> Result<Option<Instant>, Stop> {
    if matches!(expr, Expr::Word(word) if word == "NULL") {
        return Ok(None);
    }
    let members = fields(expr)?;
    only(members, &["tv_sec", "tv_nsec", "tv_usec"])?;
    if members.iter().any(|member| member.name.is_none()) {
        return skipped("a time whose members have no names");
    }
    let get = |name| member(expr, name, usize::MAX).map(|number| u64::try_from(number).ok());
    match (get("tv_sec")?, get("tv_usec")?, get("tv_nsec")?) {
        (Some(seconds), Some(micros), Some(nanos)) => Ok(Some(
            run.host.now
                + Duration::from_secs(seconds)
                + Duration::from_micros(micros)
                + Duration::from_nanos(nanos),
        )),
        _ => failed("a time is meant that is not below zero: {tv_sec=0, tv_nsec=0}"),
    }
}

pub(super) fn poll(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(3, 3)?;
    let until = until(run, args.number(2)?);
    poll_until(run, args, until)
}

pub(super) fn ppoll(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    // It also has a signal set; there are no signals here.
    args.count(4, 5)?;
    let until = after(run, args.at(2)?)?;
    poll_until(run, args, until)
}

fn poll_until(run: &Run<'_>, args: &Args<'_>, until: Option<Instant>) -> Result<Begun, Stop> {
    let (mut lines, mut wanted) = (Vec::new(), Vec::new());
    for line in list(args.at(0)?)? {
        only(fields(line)?, &["fd", "events", "revents"])?;
        let number = member(line, "fd", 0)?;
        let fd = match number {
            0.. => run.files.socket(number).unwrap_or(i32::MAX),
            _ => -1,
        };
        lines.push(PollFd {
            fd,
            events: member(line, "events", 1)? as i32,
            revents: 0,
        });
        wanted.push(member(line, "revents", 2)? as i32);
    }
    Ok(Begun::Waits(Attempt::Poll {
        lines,
        wanted,
        until,
    }))
}

pub(super) fn epoll_create(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 1)?;
    if args.number(0)? <= 0 {
        return Ok(Err::<i64, _>(Errno::EINVAL).into());
    }
    Ok(Begun::Done(new_set(run, 0)))
}

pub(super) fn epoll_create1(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(1, 1)?;
    let flags = args.int(0)?;
    Ok(Begun::Done(new_set(run, flags)))
}

fn new_set(run: &mut Run<'_>, flags: i32) -> Answer {
    match run.host.calls().epoll_create(flags) {
        Err(errno) => Answer::new(Err(errno)),
        Ok(fd) => Answer {
            descriptor: Some(Descriptor::Set(fd)),
            ..Answer::new(Ok(0))
        },
    }
}

/// The members for the value that an event returns.
const DATA: [&str; 4] = ["fd", "ptr", "u32", "u64"];

/// `{events=F, fd=N}`, or `ptr`, `u32`, `u64` instead of `fd`; or, as in C, `{events=F,
/// data={fd=N}}`.
fn event(expr: &Expr) -> Result<(i32, u64), Stop> {
    let members = fields(expr)?;
    let inner = match field(members, "data") {
        Some(data) => {
            only(members, &["events", "data"])?;
            only(fields(data)?, &DATA)?;
            fields(data)?
        }
        None => {
            only(members, &["events", "fd", "ptr", "u32", "u64"])?;
            members
        }
    };
    let data = DATA.iter().find_map(|name| field(inner, name));
    let data = data.map_or(Ok(0), args::number)?;
    Ok((member(expr, "events", 0)? as i32, data as u64))
}

pub(super) fn epoll_ctl(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 4)?;
    let (set, fd) = (descriptor(run, args, 0)?, descriptor(run, args, 2)?);
    let (events, data) = match args.at(3)? {
        expr @ Expr::Struct(_) => event(expr)?,
        _ => (0, 0),
    };
    let operation = args.int(1)?;
    let answer = run
        .host
        .calls()
        .epoll_ctl(set, operation, fd, EpollEvent { events, data });
    Ok(answer.into())
}

pub(super) fn epoll_wait(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    // epoll_pwait also has a signal set; there are no signals here.
    args.count(4, 6)?;
    let until = until(run, args.number(3)?);
    epoll_until(run, args, until)
}

pub(super) fn epoll_pwait2(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 6)?;
    let until = after(run, args.at(3)?)?;
    epoll_until(run, args, until)
}

fn epoll_until(run: &Run<'_>, args: &Args<'_>, until: Option<Instant>) -> Result<Begun, Stop> {
    let fd = descriptor(run, args, 0)?;
    let wanted = match args.at(1)? {
        expr @ Expr::Struct(_) => vec![event(expr)?],
        Expr::List(events) => events.iter().map(event).collect::<Result<_, _>>()?,
        _ => Vec::new(),
    };
    let most = args.size(2)?;
    Ok(Begun::Waits(Attempt::EpollWait {
        fd,
        most,
        wanted,
        until,
    }))
}
