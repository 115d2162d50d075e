//! sendmmsg and recvmmsg: several messages in one call, each a `struct mmsghdr`:
//! `[{msg_hdr={msg_iov(1)=[{..., 10}]}, msg_len=10}, …]`.

use core::task::Poll;

use super::super::super::ast::{Expr, Field};
use super::super::state::Run;
use super::super::{Stop, failed, skipped};
use super::address::another_address;
use super::answer::Answer;
use super::args::{self, Args, MSG_WAITFORONE, field, fields, list, only};
use super::attempt::Begun;
use super::sockets::descriptor;
use super::transfer::{outgoing, received_by};
use crate::bsd::linux::MSG_DONTWAIT;
use crate::bsd::{Errno, Receiving};

/// The `struct msghdr` of one message, and the length that the script gives.
fn header(message: &Expr) -> Result<(&[Field], Option<i64>), Stop> {
    let message = fields(message)?;
    only(message, &["msg_hdr", "msg_len"])?;
    let Some(header) = field(message, "msg_hdr") else {
        return failed("a message is meant: {msg_hdr={…}, msg_len=N}");
    };
    let len = field(message, "msg_len").map(args::number).transpose()?;
    Ok((fields(header)?, len))
}

/// The messages of a call, up to the number that it may move.
fn messages<'a>(args: &Args<'a>) -> Result<impl Iterator<Item = &'a Expr>, Stop> {
    let most = usize::try_from(args.number(2)?).unwrap_or(0);
    Ok(list(args.at(1)?)?.iter().take(most))
}

/// How the length of a message differs from the script, if it does.
fn another_length(at: usize, wanted: Option<i64>, len: usize) -> Option<String> {
    let wanted = wanted.filter(|wanted| *wanted != len as i64)?;
    let at = at + 1;
    Some(format!(
        "msg_len of message {at}: {wanted} is expected, {len} is returned"
    ))
}

/// The answer of a call that has moved this many messages before one failed.
fn broken_off(mut answer: Answer, moved: usize, errno: Errno) -> Begun {
    answer.result = match moved {
        0 => Err(errno),
        moved => Ok(moved as i64),
    };
    Begun::Done(answer)
}

pub(super) fn sendmmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 4)?;
    let (fd, number, flags) = (descriptor(run, args, 0)?, args.number(0)?, args.int(3)?);
    let mut answer = Answer::new(Ok(0));
    let mut moved = 0;
    for message in messages(args)? {
        let (header, wanted) = header(message)?;
        let sent = match outgoing(run, (number, fd), header, flags | MSG_DONTWAIT)? {
            Ok((mut call, len)) => call.attempt(&mut run.host.calls(), &vec![0; len]),
            Err(errno) => Poll::Ready(Err(errno)),
        };
        match sent {
            Poll::Ready(Ok(len)) => answer.wrong.extend(another_length(moved, wanted, len)),
            Poll::Ready(Err(errno)) => return Ok(broken_off(answer, moved, errno)),
            Poll::Pending => return Ok(broken_off(answer, moved, Errno::EAGAIN)),
        }
        moved += 1;
    }
    answer.result = Ok(moved as i64);
    Ok(Begun::Done(answer))
}

pub(super) fn recvmmsg(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(4, 5)?;
    let (fd, flags) = (descriptor(run, args, 0)?, args.int(3)?);
    let mut answer = Answer::new(Ok(0));
    let mut moved = 0;
    for message in messages(args)? {
        let (header, wanted_len) = header(message)?;
        let (len, wanted, from) = received_by(run, header)?;
        let mut call = Receiving::new(fd, flags & !MSG_WAITFORONE);
        let received = call.attempt_message(&mut run.host.calls(), &mut vec![0; len]);
        match received {
            Poll::Ready(Ok(received)) => {
                let compared = wanted.compare(&received);
                answer.wrong.extend(compared.wrong);
                let wrong = another_length(moved, wanted_len, received.len);
                answer.wrong.extend(wrong);
                answer.wrong.extend(another_address(from, received.from));
            }
            Poll::Ready(Err(errno)) => return Ok(broken_off(answer, moved, errno)),
            Poll::Pending => {
                let is_enough = moved > 0 && flags & MSG_WAITFORONE != 0;
                if !is_enough && run.host.calls().may_wait(fd, flags) {
                    return skipped("no support for recvmmsg that waits");
                }
                return Ok(broken_off(answer, moved, Errno::EAGAIN));
            }
        }
        moved += 1;
    }
    answer.result = Ok(moved as i64);
    Ok(Begun::Done(answer))
}
