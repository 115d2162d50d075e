//! A run as a ladder diagram, in the manner of the figures of RFC 9293 §3.5.
//!
//! ```text
//!       time  A                                                          B
//!      0.000  SYN-SENT     --> <SEQ=100><CTL=SYN>                    ...
//!      0.010               ... <SEQ=100><CTL=SYN>                    --> SYN-RECEIVED
//!      0.010               X   <SEQ=300><ACK=101><CTL=SYN,ACK>       <-- SYN-RECEIVED
//! ```
//!
//! An arrow on both sides: the segment arrived at once. `...`: the segment is or was under way.
//! `X`: it was lost.

use core::fmt::{self, Display, Formatter};

use super::id::HostId;
use super::trace::{Entry, Happened, Record};
use crate::tcp::State;
use crate::wire::figure;

/// Columns for a state: the longest, SYN-RECEIVED, and a space.
const STATE: usize = 13;

/// Columns for a segment.
const SEGMENT: usize = 63;

/// Prints the datagrams between two hosts that a record holds, in at most `lines` lines.
pub fn ladder(record: &Record, left: HostId, right: HostId, lines: usize) -> impl Display {
    Ladder {
        record,
        left,
        right,
        lines,
    }
}

struct Ladder<'a> {
    record: &'a Record,
    left: HostId,
    right: HostId,
    lines: usize,
}

/// One side of a line: the host's state, and the arrow next to it.
struct Side {
    state: Option<State>,
    arrow: &'static str,
}

const fn nothing(arrow: &'static str) -> Side {
    Side { state: None, arrow }
}

impl Display for Ladder<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let gap = STATE + SEGMENT + 8;
        writeln!(f, "{:>10}  {:<gap$}{}", "time", self.left, self.right)?;
        let entries = &self.record.entries;
        let shown = entries.iter().take(self.lines);
        for entry in shown {
            self.line(f, entry)?;
        }
        let hidden = entries.len().saturating_sub(self.lines) as u64 + self.record.omitted;
        match hidden {
            0 => Ok(()),
            _ => writeln!(f, "{:>10}  ({hidden} more)", "..."),
        }
    }
}

impl Ladder<'_> {
    fn line(&self, f: &mut Formatter<'_>, entry: &Entry) -> fmt::Result {
        let at = entry.at;
        let (datagram, here, there) = match &entry.what {
            Happened::Story(words) => return writeln!(f, "{at:>10}  *** {words}"),
            Happened::Sent { datagram, copies } => {
                let there = if *copies == 0 { "X" } else { "..." };
                (datagram, Some("out"), there)
            }
            Happened::Arrived(datagram) => (datagram, None, "..."),
        };
        let on_left = entry.host == Some(self.left);
        if !on_left && entry.host != Some(self.right) {
            return Ok(());
        }
        let leaves = here.is_some();
        // Segments that leave the left side go right, and so do those that arrive at the right
        // side.
        let arrow = if on_left == leaves { "-->" } else { "<--" };
        let near = Side {
            state: entry.state,
            arrow,
        };
        let (left, right) = match on_left {
            true => (near, nothing(there)),
            false => (nothing(there), near),
        };
        let left_state = left
            .state
            .map(|state| state.to_string())
            .unwrap_or_default();
        let right_state = right
            .state
            .map(|state| state.to_string())
            .unwrap_or_default();
        let line = format!(
            "{at:>10}  {left_state:<STATE$}{:<3} {:<SEGMENT$} {:<3} {right_state}",
            left.arrow,
            figure::segment(datagram),
            right.arrow,
        );
        writeln!(f, "{}", line.trim_end())
    }
}
