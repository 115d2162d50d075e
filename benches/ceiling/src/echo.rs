//! What is answered by arithmetic alone: opening, one text at a time, closing. All it needs is in the
//! packet, so there is no table, and no connection is remembered.

use std::io;

use bench_tun::Queue;

use crate::ISS;
use crate::segment::{ACK, Arrived, FIN, LARGEST_WINDOW, SYN, SYN_OPTIONS, Template};

/// Answers a SYN, for every service, and advertises `window` octets.
pub fn greet(queue: &Queue, syn: &Arrived<'_>, window: u32) -> io::Result<()> {
    let mut answer = Template::new(queue.kind(), syn, window, &SYN_OPTIONS, &[]);
    queue.send(answer.seal(ISS, syn.end(), SYN | ACK))
}

/// Whether a segment of the echo's has an answer: text, or the end.
pub fn is_answered(arrived: &Arrived<'_>) -> bool {
    arrived.has(FIN) || !arrived.text.is_empty()
}

/// Sends back what came, and closes when the kernel does.
pub fn echo(queue: &Queue, arrived: &Arrived<'_>) -> io::Result<()> {
    if !is_answered(arrived) {
        return Ok(());
    }
    let mut answer = Template::new(queue.kind(), arrived, LARGEST_WINDOW, &[], arrived.text);
    let flags = arrived.flags & FIN | ACK;
    queue.send(answer.seal(arrived.ack, arrived.end(), flags))
}
