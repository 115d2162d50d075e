//! The ceiling: what a plain TUN gives at most, one packet a system call, to *any* stack.
//!
//! This is not a stack. It knows just enough of TCP to make the kernel send and receive as fast as
//! it can: it answers every SYN, acknowledges what comes without looking (no checksum is verified,
//! nothing is put in order, nothing is delivered to anybody), and sends one prepared segment again
//! and again with another sequence number. It does what no stack can leave out: a system call for
//! every packet, a right checksum in every segment it sends, and the kernel's advertised window.
//!
//! What it receives it acknowledges every second segment, as RFC 9293 §3.8.6.3 (SHLD-18) asks, or
//! more rarely when told so: each acknowledgment is a system call in which the kernel does the
//! sender's work, and a stack that takes packets in batches may acknowledge once a batch. The two
//! figures bound the two kinds of stack.
//!
//! It carries no timestamps, so its segments have 12 octets more text than a stack's.
//!
//! IPv4 only, and one bulk connection at a time.
//!
//! The services: echo (7), discard (9), chargen (19).

mod chargen;
mod discard;
mod segment;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench_tun::{Queue, Timeout};

use crate::chargen::Chargen;
use crate::discard::Discard;
use crate::segment::{ACK, Arrived, FIN, RST, SYN, Template};

const ECHO: u16 = 7;
const DISCARD: u16 = 9;
const CHARGEN: u16 = 19;

/// Our initial sequence number: the same every time.
const ISS: u32 = 1;

/// How often an empty queue is tried again before the program sleeps. The kernel's thread that
/// sends would have to wake us, which costs it more than a few tries cost us.
const TRIES: u32 = 200;

/// The longest packet: the MTU.
const MTU: usize = 1500;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceiling: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, every) = match &arguments[..] {
        [name] => (name, 2),
        [name, every] => (
            name,
            every.parse().context("the second argument is a number")?,
        ),
        _ => bail!("usage: ceiling INTERFACE [SEGMENTS_PER_ACKNOWLEDGMENT]"),
    };
    let queue = Queue::open(name).with_context(|| format!("cannot open the interface {name}"))?;
    println!("ready");
    let mut buffer = [0; MTU];
    let mut discard = None;
    let mut scale = 0;
    loop {
        let length = next(&queue, &mut buffer, &mut discard)?;
        let Some(arrived) = Arrived::parse(&buffer[..length]) else {
            continue;
        };
        if arrived.has(RST) {
            continue;
        }
        if arrived.has(SYN) {
            greet(&queue, &arrived)?;
            scale = arrived.scale();
            if arrived.to.port == DISCARD {
                discard = Some(Discard::new(&arrived, every));
            }
            continue;
        }
        match arrived.to.port {
            DISCARD => {
                if let Some(discard) = &mut discard {
                    discard.take(&queue, &arrived)?;
                }
            }
            CHARGEN => Chargen::new(&arrived, scale).run(&queue)?,
            ECHO => echo(&queue, &arrived)?,
            _ => {}
        }
    }
}

/// The next packet: tries a while, then sleeps.
fn next(queue: &Queue, buffer: &mut [u8], discard: &mut Option<Discard>) -> Result<usize> {
    loop {
        for _ in 0..TRIES {
            if let Some(length) = queue.receive(buffer)? {
                return Ok(length);
            }
        }
        if let Some(discard) = discard {
            discard.acknowledge(queue)?;
        }
        queue.wait(Timeout::NONE)?;
    }
}

/// Answers a SYN.
fn greet(queue: &Queue, syn: &Arrived<'_>) -> Result<()> {
    let mut answer = Template::new(syn, &segment::SYN_OPTIONS, &[]);
    queue.send(answer.seal(ISS, syn.end(), SYN | ACK))?;
    Ok(())
}

/// Sends back what came, and closes when the kernel does. All it needs is in the packet.
fn echo(queue: &Queue, arrived: &Arrived<'_>) -> Result<()> {
    let flags = match (arrived.has(FIN), arrived.text.is_empty()) {
        (true, _) => FIN | ACK,
        (false, false) => ACK,
        (false, true) => return Ok(()),
    };
    let mut answer = Template::new(arrived, &[], arrived.text);
    queue.send(answer.seal(arrived.ack, arrived.end(), flags))?;
    Ok(())
}
