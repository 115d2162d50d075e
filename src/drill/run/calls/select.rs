//! select and pselect: `select(5, [3, 4], [4], NULL, {tv_sec=1, tv_usec=0}) = 1`. What is compared is how
//! many descriptors are ready, in all sets together.

use core::task::Poll;

use super::super::super::ast::Expr;
use super::super::Stop;
use super::super::events::Run;
use super::args::{self, Args, list};
use super::attempt::Attempt;
use super::waiting::after;
use super::{Answer, Begun};
use crate::bsd::linux::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI};
use crate::bsd::{Calls, Errno, PollFd};
use crate::time::Instant;

/// What makes a descriptor ready in each of the three sets.
const SETS: [i32; 3] = [POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI];

/// A call on its way.
#[derive(Clone, Debug)]
pub(in super::super) struct Selecting {
    /// The descriptors of all sets, each with what makes it ready.
    lines: Vec<PollFd>,
    until: Option<Instant>,
}

impl Selecting {
    /// Until when it waits; `None`: for ever.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether there is an answer.
    pub(super) fn attempt(&mut self, calls: &Calls<'_>) -> Poll<Answer> {
        calls.poll(&mut self.lines);
        let is_ready = |line: &&PollFd| line.revents & line.events != 0;
        let ready = self.lines.iter().filter(is_ready).count();
        match ready > 0 || self.until.is_some_and(|until| until <= calls.now()) {
            true => Poll::Ready(Answer::new(Ok(ready as i64))),
            false => Poll::Pending,
        }
    }
}

pub(super) fn select(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    // pselect also has a set of signals, which do not come here.
    args.count(5, 6)?;
    let limit = args.number(0)?;
    let mut lines = Vec::new();
    for (set, events) in SETS.into_iter().enumerate() {
        for number in members(args.at(set + 1)?)? {
            if number >= limit {
                continue;
            }
            let Some(fd) = run.files.socket(number) else {
                return Ok(Err::<i64, _>(Errno::EBADF).into());
            };
            lines.push(PollFd {
                fd,
                events,
                revents: 0,
            });
        }
    }
    let until = after(run, args.at(4)?)?;
    Ok(Begun::Waits(Attempt::Select(Selecting { lines, until })))
}

/// The descriptors of a set: `[3, 4]`, or `NULL`.
fn members(set: &Expr) -> Result<Vec<i64>, Stop> {
    match set {
        Expr::Word(word) if word == "NULL" => Ok(Vec::new()),
        set => list(set)?.iter().map(args::number).collect(),
    }
}
