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
//! It acknowledges what it receives every few packets: every second, as RFC 9293 §3.8.6.3
//! (SHLD-18) asks, or more rarely when told so: each acknowledgment is a system call in which the
//! kernel does the sender's work, and a stack that takes packets in batches may acknowledge once a
//! batch. A queue that stays empty is acknowledged at once.
//!
//! One thread does all of that. What a sockets API adds, whatever the stack behind it, can be
//! added: `--copy`, the text is copied once more, from a user into memory that holds it until it is
//! acknowledged, and to a user out of the packet, and on a plain TUN its checksum is computed;
//! `--threads`, there is a thread behind each flow, which copies too, and the one that reads hands over
//! to it.
//!
//! It carries no timestamps, so its segments have 12 octets more text than a stack's. IPv4 only.
//!
//! The services: echo (7), discard (9), chargen (19).

mod chargen;
mod discard;
mod echo;
mod flow;
mod manner;
mod segment;
mod threads;

use std::collections::HashMap;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, bail};
use bench_tun::{HEADER, Kind, Queue, Timeout};

use crate::flow::{Flow, PATIENCE};
use crate::manner::Manner;
use crate::segment::{Arrived, LARGEST_WINDOW, RST, SYN};

const ECHO: u16 = 7;
const DISCARD: u16 = 9;
const CHARGEN: u16 = 19;

/// Our initial sequence number: the same every time.
const ISS: u32 = 1;

/// The longest packet, and what may stand before it.
const LONGEST: usize = HEADER + u16::MAX as usize;

/// The most packets taken before the flows that send have their turn.
const BATCH: u32 = 64;

const USAGE: &str = "\
usage: ceiling [--copy] [--threads] [--flight OCTETS] INTERFACE plain|offload [EVERY]
EVERY is how many packets one acknowledgment is for.";

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
    let mut arguments = arguments.iter().map(String::as_str);
    let (mut copies, mut threads, mut flight) = (false, false, None);
    let name = loop {
        match arguments.next().context(USAGE)? {
            "--copy" => copies = true,
            "--threads" => threads = true,
            "--flight" => flight = Some(number(arguments.next())?.min(LARGEST_WINDOW)),
            name => break name,
        }
    };
    let kind = match arguments.next() {
        Some("plain") => Kind::Plain,
        Some("offload") => Kind::Offload,
        _ => bail!("{USAGE}"),
    };
    let every = match arguments.next() {
        None => 2,
        every => number(every)?,
    };
    let queue =
        Queue::open(name, kind).with_context(|| format!("cannot open the interface {name}"))?;
    let manner = Manner {
        kind,
        every,
        flight,
        copies: copies || threads,
    };
    println!("ready");
    match threads {
        true => threads::serve(queue, manner),
        false => serve(&queue, &manner),
    }
}

fn number(word: Option<&str>) -> Result<u32> {
    word.and_then(|word| word.parse().ok()).context(USAGE)
}

/// Serves in one thread, until the interface is gone.
fn serve(queue: &Queue, manner: &Manner) -> Result<()> {
    // By the port of the kernel's end: it has one address.
    let mut flows: HashMap<u16, Flow> = HashMap::new();
    let mut buffer = vec![0; LONGEST];
    let mut patience = Patience::new();
    loop {
        let mut busy = false;
        for _ in 0..BATCH {
            let Some(length) = queue.receive(&mut buffer)? else {
                break;
            };
            busy = true;
            if let Some(arrived) = Arrived::parse(&buffer[manner.kind.header()..length]) {
                take(queue, manner, &mut flows, &arrived)?;
            }
        }
        for flow in flows.values_mut() {
            busy |= flow.send(queue)?;
        }
        if busy {
            patience.renew();
        } else if flows.values().any(Flow::sends) || patience.is_at_its_end() {
            for flow in flows.values_mut() {
                flow.pause(queue)?;
            }
            if !queue.wait(Timeout::try_from(PATIENCE)?)? {
                flows.values_mut().for_each(Flow::stalled);
            }
        }
    }
}

/// Takes a packet.
fn take(
    queue: &Queue,
    manner: &Manner,
    flows: &mut HashMap<u16, Flow>,
    arrived: &Arrived<'_>,
) -> Result<()> {
    let from = arrived.from.port;
    if arrived.has(SYN) {
        if let Some(flow) = Flow::new(manner, arrived) {
            flows.insert(from, flow);
        }
        echo::greet(queue, arrived, discard::window(manner))?;
    } else if arrived.has(RST) {
        flows.remove(&from);
    } else if arrived.to.port == ECHO {
        echo::echo(queue, arrived)?;
    } else if let Some(flow) = flows.get_mut(&from) {
        flow.take(queue, arrived)?;
    }
    Ok(())
}

/// How often an empty queue is tried again before the program sleeps. The kernel's thread that
/// sends would have to wake us, which costs it more than a few tries cost us. (Who sends does not
/// try: what wakes it are acknowledgments, and those of several segments are dealt with together.)
struct Patience {
    tries: u32,
    /// There is but one processor, which whom we wait for needs.
    alone: bool,
}

impl Patience {
    const TRIES: u32 = 200;

    fn new() -> Patience {
        Patience {
            tries: 0,
            alone: thread::available_parallelism().is_ok_and(|count| count.get() == 1),
        }
    }

    /// There was something.
    fn renew(&mut self) {
        self.tries = 0;
    }

    /// Counts a try that found nothing, and gives way where there is one processor; whether it was
    /// the last.
    fn is_at_its_end(&mut self) -> bool {
        self.tries += 1;
        if self.alone {
            thread::yield_now();
        }
        self.tries > Patience::TRIES
    }
}
