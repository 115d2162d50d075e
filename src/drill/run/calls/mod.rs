//! System calls: the known ones, their results, and those that block.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | the table of calls; whether a call returned what it should have |
//! | `answer` | the answer of a call |
//! | `args` | numbers, descriptors, strings and structs from the text of the script |
//! | `address` | addresses that a script writes itself |
//! | `groups` | the structs that name a group and an interface |
//! | `attempt` | calls that may block, as values that are tried |
//! | `pending` | the call that blocks |
//! | `sockets` | socket, bind, listen, accept, connect, shutdown, close |
//! | `transfer` | read, write and their kin; sendfile, pipe, splice |
//! | `several` | sendmmsg, recvmmsg |
//! | `messages` | `struct msghdr`: control messages, and what recvmsg must give |
//! | `control` | fcntl, ioctl, getsockopt, setsockopt |
//! | `waiting` | poll, epoll |
//! | `select` | select |
//! | `ready` | whether these have an answer |

mod address;
mod answer;
mod args;
mod attempt;
mod control;
mod groups;
mod messages;
pub(super) mod pending;
mod ready;
mod select;
mod several;
mod sockets;
mod transfer;
mod waiting;

use core::task::Poll;

use super::super::ast::{Call, Event};
use super::files::{Descriptor, File};
use super::ladder::seconds;
use super::state::{Due, Run};
use super::{Stop, Wrong, failed, skipped};
use crate::bsd::Errno;
use crate::time::Instant;
use answer::Answer;
use args::Args;
use attempt::Begun;
use pending::{Expected, Pending};

/// What carries out a call.
type Function = fn(&mut Run<'_>, &Args<'_>) -> Result<Begun, Stop>;

/// The calls that are known.
const CALLS: [(&str, Function); 45] = [
    ("accept", sockets::accept),
    ("bind", sockets::bind),
    ("close", sockets::close),
    ("connect", sockets::connect),
    ("epoll_create", waiting::epoll_create),
    ("epoll_create1", waiting::epoll_create1),
    ("epoll_ctl", waiting::epoll_ctl),
    ("epoll_pwait", waiting::epoll_wait),
    ("epoll_wait", waiting::epoll_wait),
    ("fcntl", control::fcntl),
    ("getsockopt", control::getsockopt),
    ("ioctl", control::ioctl),
    ("listen", sockets::listen),
    ("open", transfer::open),
    ("pipe", transfer::pipe),
    ("poll", waiting::poll),
    ("read", transfer::read),
    ("readv", transfer::readv),
    ("recv", transfer::recv),
    ("recvfrom", transfer::recv),
    ("recvmsg", transfer::recvmsg),
    ("send", transfer::send),
    ("sendfile", transfer::sendfile),
    ("sendmsg", transfer::sendmsg),
    ("sendto", transfer::sendto),
    ("setsockopt", control::setsockopt),
    ("shutdown", sockets::shutdown),
    ("socket", sockets::socket),
    ("splice", transfer::splice),
    ("write", transfer::write),
    ("writev", transfer::writev),
    // Calls that concern the kernel, and have no effect on a stack in a program.
    ("cap_set", nothing),
    ("usleep", nothing),
    ("getsockname", sockets::getsockname),
    ("getpeername", sockets::getpeername),
    ("accept4", sockets::accept),
    ("creat", transfer::creat),
    ("dup", sockets::dup),
    ("epoll_pwait2", waiting::epoll_pwait2),
    ("ppoll", waiting::ppoll),
    ("pselect", select::select),
    ("pselect6", select::select),
    ("recvmmsg", several::recvmmsg),
    ("select", select::select),
    ("sendmmsg", several::sendmmsg),
];

/// Calls without effect here.
const WITHOUT_EFFECT: [&str; 2] = ["cap_set", "usleep"];

fn nothing(_: &mut Run<'_>, _: &Args<'_>) -> Result<Begun, Stop> {
    Ok(Begun::Done(Answer::new(Ok(0))))
}

/// Why a call cannot be carried out, as far as this is known in advance: it uses an unknown
/// name.
pub(super) fn unknown(call: &Call) -> Option<String> {
    if !CALLS.iter().any(|(name, _)| *name == call.name) {
        return Some(format!("no support for the call {}", call.name));
    }
    if let Some(name) = &call.errno
        && Errno::from_name(name).is_none()
    {
        return Some(format!("the error {name} is not known here"));
    }
    // A call without effect may have arguments with any names.
    let args = match WITHOUT_EFFECT.contains(&call.name.as_str()) {
        true => &[][..],
        false => &call.args,
    };
    args.iter().chain([&call.result]).find_map(args::unknown)
}

impl Run<'_> {
    /// Carries out a call of the script.
    pub(super) fn call(
        &mut self,
        call: &Call,
        event: &Event,
        due: Due,
        base: Instant,
    ) -> Result<(), Stop> {
        self.ladder.push(self.host.now, ' ', &event.text);
        let Some((_, function)) = CALLS.iter().find(|(name, _)| *name == call.name) else {
            return skipped(format!("no support for the call {}", call.name));
        };
        let expected = Expected {
            result: call.result.clone(),
            errno: call.errno.clone(),
        };
        let began = self.host.now;
        let begun = function(self, &Args::of(call))?;
        self.host.drain();
        self.note_sent();
        let end = call.end.map(|end| self.end_of(event, end, base));
        let mut attempt = match begun {
            Begun::Done(answer) => return self.returned(&expected, answer, began, end),
            Begun::Waits(attempt) => attempt,
        };
        let mut calls = self.host.calls();
        match attempt.attempt(&mut calls) {
            Poll::Ready(answer) => self.returned(&expected, answer, began, end),
            Poll::Pending if !attempt.may_wait(&calls) => {
                let answer = attempt.timed_out();
                self.returned(&expected, answer, began, end)
            }
            Poll::Pending => {
                let deadline = attempt.deadline(&calls);
                if end.is_none() && deadline.is_none() {
                    return failed("the call would block, and the script does not say until when");
                }
                self.pending = Some(Pending {
                    place: event.place,
                    text: event.text.clone(),
                    attempt,
                    deadline,
                    began,
                    end: end.or(deadline).unwrap_or(due.to),
                    expected,
                });
                if end.is_none() {
                    // The call blocks the script itself, not another thread.
                    self.advance(deadline.unwrap_or(due.to))?;
                }
                Ok(())
            }
        }
    }

    fn end_of(&self, event: &Event, end: u64, base: Instant) -> Instant {
        use super::super::ast::When;
        let micros = crate::time::Duration::from_micros(end);
        match event.time {
            When::After(_) => base + micros,
            _ => Instant::ZERO + micros,
        }
    }

    /// Tries the blocked call again, if there is one.
    pub(super) fn try_pending(&mut self) -> Result<(), Stop> {
        let Some(mut pending) = self.pending.take() else {
            return Ok(());
        };
        let answer = match pending.attempt.attempt(&mut self.host.calls()) {
            Poll::Ready(answer) => answer,
            Poll::Pending if pending.deadline.is_some_and(|at| at <= self.host.now) => {
                pending.attempt.timed_out()
            }
            Poll::Pending => {
                self.pending = Some(pending);
                return Ok(());
            }
        };
        self.host.drain();
        self.note_sent();
        let text = format!("{} returns", pending.text);
        self.ladder.push(self.host.now, ' ', &text);
        let outcome = self.returned(&pending.expected, answer, pending.began, Some(pending.end));
        outcome.map_err(|stop| match stop {
            Stop::Failed(wrong) => Stop::Failed(Wrong {
                elsewhere: Some((pending.place, pending.text.clone())),
                ..wrong
            }),
            skipped => skipped,
        })
    }

    /// Compares the result and the time of a call that has returned with the script.
    fn returned(
        &mut self,
        expected: &Expected,
        answer: Answer,
        began: Instant,
        end: Option<Instant>,
    ) -> Result<(), Stop> {
        self.compare(expected, &answer)?;
        let Some(end) = end else {
            return Ok(());
        };
        let tolerance = self.tolerance(end, began);
        let now = self.host.now;
        let off = now.since(end).max(end.since(now));
        if off > tolerance {
            let (now, end) = (seconds(now), seconds(end));
            return failed(format!("the call returns at {now}, and {end} is its time"));
        }
        Ok(())
    }

    /// Gives a new descriptor the script's number.
    fn named(&mut self, number: i64, descriptor: Descriptor) -> Result<(), Stop> {
        let file = match descriptor {
            Descriptor::Socket(fd) => {
                if let Some(socket) = self.sockets.newest() {
                    socket.fd = Some(number);
                }
                File::Socket(fd)
            }
            Descriptor::Accepted(fd, peer) => {
                self.sockets.accepted(peer, number);
                File::Socket(fd)
            }
            Descriptor::Set(fd) => File::Socket(fd),
            Descriptor::File(path) => File::Regular { path, at: 0 },
            Descriptor::Copy(file) => file,
        };
        self.files.open(number, file)
    }

    fn compare(&mut self, expected: &Expected, answer: &Answer) -> Result<(), Stop> {
        let mut wrong = answer.wrong.clone();
        let wanted = args::number(&expected.result)?;
        let named = match &expected.errno {
            None => None,
            Some(name) => match Errno::from_name(name) {
                Some(errno) => Some(errno),
                None => return skipped(format!("the error {name} is not known here")),
            },
        };
        let told = match answer.result {
            Ok(value) => value.to_string(),
            Err(errno) => format!("-1 {}", errno.name()),
        };
        let fits = match (answer.result, named) {
            (Ok(_), Some(_)) => false,
            (Ok(value), None) => answer.descriptor.is_some() && wanted >= 0 || value == wanted,
            (Err(errno), Some(named)) => wanted == -1 && errno == named,
            (Err(_), None) => wanted == -1,
        };
        if !fits {
            let wanted = match named {
                Some(errno) => format!("{wanted} {}", errno.name()),
                None => wanted.to_string(),
            };
            wrong.insert(
                0,
                format!("result: {wanted} is expected, {told} is returned"),
            );
        }
        if let (true, Some(descriptor)) = (fits, &answer.descriptor) {
            self.named(wanted, descriptor.clone())?;
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Stop::Failed(Wrong {
                message: "the call does something else".to_owned(),
                differences: wrong,
                ..Wrong::default()
            })),
        }
    }
}
