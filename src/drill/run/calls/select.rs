//! select and pselect: `select(5, [3, 4], [4], NULL, {tv_sec=1, tv_usec=0}) = 1`. The number of ready
//! descriptors in all sets together is compared.

use super::super::super::ast::Expr;
use super::super::Stop;
use super::super::state::Run;
use super::args::{self, Args, list};
use super::attempt::{Attempt, Begun};
use super::ready::Selecting;
use super::waiting::after;
use crate::bsd::linux::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI};
use crate::bsd::{Errno, PollFd};

/// What makes a descriptor ready in each of the three sets.
const SETS: [i32; 3] = [POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI];

pub(super) fn select(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    // pselect also has a signal set; there are no signals here.
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
