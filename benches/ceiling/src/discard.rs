//! The receiving side: counts nothing, checks nothing, acknowledges every few segments.

use std::io;

use bench_tun::{Kind, Queue};

use crate::ISS;
use crate::segment::{ACK, Arrived, FIN, Template};

/// One connection whose text is thrown away.
pub struct Discard {
    answer: Template,
    /// What the kernel sends next, if nothing was lost.
    next: u32,
    /// Segments not yet acknowledged.
    waiting: u32,
    /// How many segments one acknowledgment is for.
    every: u32,
}

impl Discard {
    /// The connection that begins with this SYN, whose segments are acknowledged `every` so many.
    pub fn new(kind: Kind, syn: &Arrived<'_>, every: u32) -> Discard {
        Discard {
            answer: Template::new(kind, syn, &[], &[]),
            next: syn.end(),
            waiting: 0,
            every,
        }
    }

    /// Takes a segment. One that is lost is missed by nobody, but it is told: the window is chosen
    /// so that the interface's queue loses none.
    pub fn take(&mut self, queue: &Queue, arrived: &Arrived<'_>) -> io::Result<()> {
        if arrived.text.is_empty() && !arrived.has(FIN) {
            return Ok(());
        }
        if arrived.seq != self.next {
            eprintln!(
                "the queue lost {} octets",
                arrived.seq.wrapping_sub(self.next)
            );
        }
        self.next = arrived.end();
        self.waiting += 1;
        if arrived.has(FIN) {
            let end = ISS.wrapping_add(1);
            queue.send(self.answer.seal(end, self.next, FIN | ACK))?;
            self.waiting = 0;
        } else if self.waiting >= self.every {
            self.acknowledge(queue)?;
        }
        Ok(())
    }

    /// Acknowledges what is waiting.
    pub fn acknowledge(&mut self, queue: &Queue) -> io::Result<()> {
        if self.waiting == 0 {
            return Ok(());
        }
        self.waiting = 0;
        queue.send(self.answer.seal(ISS.wrapping_add(1), self.next, ACK))
    }
}
