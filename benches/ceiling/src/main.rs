//! The ceiling: what a TUN gives at most, one packet a system call, to *any* stack.
//!
//! This is not a stack. It knows just enough of TCP to make the kernel send and receive as fast as
//! it can: it answers every SYN, acknowledges what comes without looking (no checksum is verified,
//! nothing is put in order, nothing is delivered to anybody), and sends one prepared segment again
//! and again with another sequence number. It does what no stack can leave out: a system call for
//! every packet, the kernel's advertised window, and on a plain TUN a right checksum in every
//! segment it sends. With offloads its packets are as long as an IPv4 packet can be, in both
//! directions, and the kernel cuts them and computes their checksums (or leaves it, for nothing on
//! the way asks for either).
//!
//! What it receives it acknowledges every so many packets: every second, as RFC 9293 §3.8.6.3
//! (SHLD-18) asks, or more rarely when told so: each acknowledgment is a system call in which the
//! kernel does the sender's work, and a stack that takes packets in batches may acknowledge once a
//! batch. An empty queue is acknowledged at once.
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
use bench_tun::{HEADER, Kind, Queue, Timeout};

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

/// The longest packet, and what may stand before it.
const LONGEST: usize = HEADER + u16::MAX as usize;

const USAGE: &str = "usage: ceiling INTERFACE plain|offload [PACKETS_PER_ACKNOWLEDGMENT]";

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
    let [name, kind, every @ ..] = &arguments[..] else {
        bail!("{USAGE}");
    };
    let kind = match kind.as_str() {
        "plain" => Kind::Plain,
        "offload" => Kind::Offload,
        _ => bail!("{USAGE}"),
    };
    let every = match every {
        [] => 2,
        [every] => every.parse().context("the third argument is a number")?,
        _ => bail!("{USAGE}"),
    };
    let queue =
        Queue::open(name, kind).with_context(|| format!("cannot open the interface {name}"))?;
    println!("ready");
    let mut buffer = vec![0; LONGEST];
    let mut discard = None;
    let mut scale = 0;
    loop {
        let length = next(&queue, &mut buffer, &mut discard)?;
        let Some(arrived) = Arrived::parse(&buffer[kind.header()..length]) else {
            continue;
        };
        if arrived.has(RST) {
            continue;
        }
        if arrived.has(SYN) {
            greet(&queue, &arrived)?;
            scale = arrived.scale();
            if arrived.to.port == DISCARD {
                discard = Some(Discard::new(kind, &arrived, every));
            }
            continue;
        }
        match arrived.to.port {
            DISCARD => {
                if let Some(discard) = &mut discard {
                    discard.take(&queue, &arrived)?;
                }
            }
            CHARGEN => Chargen::new(kind, &arrived, scale).run(&queue)?,
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
    let mut answer = Template::new(queue.kind(), syn, &segment::SYN_OPTIONS, &[]);
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
    let mut answer = Template::new(queue.kind(), arrived, &[], arrived.text);
    queue.send(answer.seal(arrived.ack, arrived.end(), flags))?;
    Ok(())
}
