//! What the core costs by itself: two stacks in memory, in virtual time, without a device, threads
//! or a kernel.
//!
//! Each line of output is one JSON object.

mod crowd;
mod pair;
mod step;

use std::alloc::System;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cap::Cap;

use crate::crowd::Crowd;
use crate::pair::Pair;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const USAGE: &str = "\
usage: core heap                          heap of an idle established connection
       core idle CONNECTIONS              memory of a host with so many that are idle
       core time-wait CONNECTIONS         memory of a host with so many in TIME-WAIT
       core segments ROUNDS               time a segment with 10, 1,000 and 10,000 connections
       core among CONNECTIONS ROUNDS      time a segment of one that is alone, and of one among
                                          others that are idle
       core instructions STEP CONNECTIONS TURNS [one]
                                          so many turns, on each in turn or all on one, for who
                                          counts the instructions of a step; verified-STEP: the
                                          device has verified the checksums of what arrives
       core visits STEP CONNECTIONS VISITS
                                          so many connections come and go, beside others";

/// Connections whose heap is measured.
const IDLE: usize = 1_000;

/// What a connection carries each way before its heap is measured once more, in octets.
const CARRIED: usize = 256 * 1024;

/// With how many connections the cost of a segment is measured.
const CONNECTIONS: [usize; 3] = [10, 1_000, 10_000];

/// Segments whose time is taken together: several for each connection.
const SEGMENTS: usize = 60_000;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("core: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["heap"] => heap(),
        ["idle", connections] => crowd(number(connections)?, false),
        ["time-wait", connections] => crowd(number(connections)?, true),
        ["segments", rounds] => segments(number(rounds)?),
        ["among", connections, rounds] => among(number(connections)?, number(rounds)?),
        ["instructions", step, connections, turns] => {
            let mut pair = warm(number(connections)?)?;
            pair.count(step)?;
            pair.turns(number(turns)?)
        }
        ["visits", step, connections, visits] => {
            let mut pair = warm(number(connections)?)?;
            pair.count(step)?;
            pair.visits(number(visits)?)
        }
        ["instructions", step, connections, turns, "one"] => {
            let mut pair = busy(number(connections)?)?;
            pair.count(step)?;
            pair.turns_on_one(number(turns)?)
        }
        _ => bail!("{USAGE}"),
    }
}

fn number(text: &str) -> Result<usize> {
    text.parse()
        .with_context(|| format!("`{text}` is not a number"))
}

/// What everything costs that a connection adds, on either side: its entry, its place in the
/// tables, its timers, its buffers. Once when nothing has been sent yet, once when much has been
/// and all is quiet again.
fn heap() -> Result<()> {
    let before = Pair::new(0)?;
    let empty = HEAP.allocated();
    drop(before);
    let mut pair = Pair::new(IDLE)?;
    let fresh = (HEAP.allocated() - empty) / (2 * IDLE);
    pair.carry(CARRIED)?;
    let used = (HEAP.allocated() - empty) / (2 * IDLE);
    println!(
        r#"{{"connections":{IDLE},"octets_per_connection":{fresh},"octets_after_traffic":{used}}}"#
    );
    Ok(())
}

/// One host, and connections on which nothing happens, or that have come and gone: heap, and what
/// the system counts for the process as resident.
fn crowd(connections: usize, closed: bool) -> Result<()> {
    let mut crowd = Crowd::new()?;
    let empty = HEAP.allocated();
    match closed {
        true => crowd.come_and_go(connections)?,
        false => crowd.connect(connections)?,
    }
    let heap = HEAP.allocated() - empty;
    println!(
        r#"{{"connections":{connections},"time_wait":{closed},"heap":{heap},"resident":{}}}"#,
        resident()?
    );
    Ok(())
}

/// Octets of this process that are in memory, as Linux counts them.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(1024 * number(kilobytes.context("no VmRSS")?)?)
}

/// Connections whose buffers have grown to their size.
fn warm(connections: usize) -> Result<Pair> {
    let mut pair = Pair::new(connections)?;
    pair.turns(2 * connections)?;
    Ok(pair)
}

/// Connections of which one is busy.
fn busy(connections: usize) -> Result<Pair> {
    let mut pair = Pair::new(connections)?;
    pair.turns_on_one(100)?;
    Ok(pair)
}

/// Alone and among others, round after round.
fn among(connections: usize, rounds: usize) -> Result<()> {
    let (mut alone, mut among) = (busy(1)?, busy(connections)?);
    let (mut alone_ns, mut among_ns) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone_ns.push(timed(|turns| alone.turns_on_one(turns))?);
        among_ns.push(timed(|turns| among.turns_on_one(turns))?);
    }
    println!(r#"{{"connections":{connections},"alone_ns":{alone_ns:?},"among_ns":{among_ns:?}}}"#);
    Ok(())
}

/// Each round takes the time with few, many and very many connections, so that what disturbs the
/// machine disturbs all alike: once with one connection busy among idle ones, once with all busy
/// in turn.
fn segments(rounds: usize) -> Result<()> {
    let mut pairs = Vec::new();
    for connections in CONNECTIONS {
        pairs.push((connections, warm(connections)?, Vec::new(), Vec::new()));
    }
    for _ in 0..rounds {
        for (_, pair, one, all) in &mut pairs {
            one.push(timed(|turns| pair.turns_on_one(turns))?);
            all.push(timed(|turns| pair.turns(turns))?);
        }
    }
    for (connections, _, one, all) in pairs {
        println!(
            r#"{{"connections":{connections},"one_busy_ns":{one:?},"all_in_turn_ns":{all:?}}}"#
        );
    }
    Ok(())
}

/// Nanoseconds a segment.
fn timed(work: impl FnOnce(usize) -> Result<()>) -> Result<u128> {
    let start = Instant::now();
    work(SEGMENTS / pair::SEGMENTS_PER_TURN)?;
    Ok(start.elapsed().as_nanos() / SEGMENTS as u128)
}
