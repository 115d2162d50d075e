//! A bulk connection of either kind, in whichever thread it runs.

use std::io;
use std::time::Duration;

use bench_tun::Queue;

use crate::chargen::Chargen;
use crate::discard::Discard;
use crate::manner::Manner;
use crate::segment::Arrived;
use crate::{CHARGEN, DISCARD};

/// How long to wait for an acknowledgment before everything that is in flight is sent again.
pub const PATIENCE: Duration = Duration::from_millis(10);

/// A connection to discard or from chargen.
pub enum Flow {
    Discard(Discard),
    Chargen(Chargen),
}

impl Flow {
    /// The connection that begins with this SYN; `None` if its service keeps nothing.
    pub fn new(manner: &Manner, syn: &Arrived<'_>) -> Option<Flow> {
        match syn.to.port {
            DISCARD => Some(Flow::Discard(Discard::new(manner, syn))),
            CHARGEN => Some(Flow::Chargen(Chargen::new(manner, syn))),
            _ => None,
        }
    }

    /// Whether it is we who send.
    pub fn sends(&self) -> bool {
        matches!(self, Flow::Chargen(_))
    }

    /// Takes a segment.
    pub fn take(&mut self, queue: &Queue, arrived: &Arrived<'_>) -> io::Result<()> {
        match self {
            Flow::Discard(discard) => discard.take(queue, arrived),
            Flow::Chargen(chargen) => {
                chargen.take(arrived);
                Ok(())
            }
        }
    }

    /// Sends a burst of text, if there is any and the windows have room; whether it did.
    pub fn send(&mut self, queue: &Queue) -> io::Result<bool> {
        match self {
            Flow::Discard(_) => Ok(false),
            Flow::Chargen(chargen) => chargen.send(queue),
        }
    }

    /// There is nothing to do: what was received can be acknowledged.
    pub fn pause(&mut self, queue: &Queue) -> io::Result<()> {
        match self {
            Flow::Discard(discard) => discard.acknowledge(queue),
            Flow::Chargen(_) => Ok(()),
        }
    }

    /// Nothing has come for as long as [`PATIENCE`].
    pub fn stalled(&mut self) {
        match self {
            Flow::Discard(_) => {}
            Flow::Chargen(chargen) => chargen.again(),
        }
    }
}
