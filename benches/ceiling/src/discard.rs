//! The receiving side: counts nothing, checks nothing, acknowledges every few segments.

use std::hint::black_box;
use std::io;

use bench_tun::{Kind, Queue};

use crate::manner::Manner;
use crate::segment::{ACK, Arrived, FIN, LARGEST_WINDOW, MSS, Template, add_up};
use crate::{ISS, LONGEST};

/// One connection whose text is thrown away.
pub struct Discard {
    answer: Template,
    /// What the kernel sends next, if nothing was lost.
    next: u32,
    /// Segments not yet acknowledged.
    waiting: u32,
    /// How many segments one acknowledgment is for.
    every: u32,
    /// Where a user wants the text; empty if nobody does.
    user: Vec<u8>,
    kind: Kind,
}

impl Discard {
    /// The connection that begins with this SYN.
    pub fn new(manner: &Manner, syn: &Arrived<'_>) -> Discard {
        Discard {
            answer: Template::new(manner.kind, syn, window(manner), &[], &[]),
            next: syn.end(),
            waiting: 0,
            every: manner.every,
            user: vec![0; if manner.copies { LONGEST } else { 0 }],
            kind: manner.kind,
        }
    }

    /// Takes a segment. One that is lost is missed by nobody, but it is told: the window is chosen
    /// so that the interface's queue loses none. One that comes again is acknowledged again.
    pub fn take(&mut self, queue: &Queue, arrived: &Arrived<'_>) -> io::Result<()> {
        if arrived.text.is_empty() && !arrived.has(FIN) {
            return Ok(());
        }
        let lost = arrived.seq.wrapping_sub(self.next) as i32;
        if lost > 0 {
            eprintln!("the queue lost {lost} octets");
        }
        if !self.user.is_empty() {
            if self.kind == Kind::Plain {
                black_box(add_up(arrived.text));
            }
            self.user[..arrived.text.len()].copy_from_slice(arrived.text);
            black_box(&self.user);
        }
        if (arrived.end().wrapping_sub(self.next) as i32) > 0 {
            self.next = arrived.end();
        }
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

/// The window we advertise, in octets, unless another is asked for: the default queue of a TUN
/// interface holds 500 packets, and what does not fit is lost.
pub fn window(manner: &Manner) -> u32 {
    let usual = match manner.kind {
        Kind::Plain => 480 * u32::from(MSS),
        // 500 packets may hold far more.
        Kind::Offload => LARGEST_WINDOW,
    };
    manner.flight.unwrap_or(usual)
}
