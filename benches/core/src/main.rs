//! What the core costs by itself: two stacks in memory, in virtual time, without a device, threads
//! or a kernel.
//!
//! Each line of output is one JSON object.

mod pair;

use std::alloc::System;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cap::Cap;

use crate::pair::Pair;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const USAGE: &str = "\
usage: core heap                          heap of an idle established connection
       core segments ROUNDS               time a segment with 10, 1,000 and 10,000 connections
       core count CONNECTIONS SEGMENTS    so many segments, for who counts instructions";

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
        ["segments", rounds] => segments(number(rounds)?),
        ["count", connections, segments] => {
            warm(number(connections)?)?.turns(number(segments)? / pair::SEGMENTS_PER_TURN)
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

/// Connections whose buffers have grown to their size.
fn warm(connections: usize) -> Result<Pair> {
    let mut pair = Pair::new(connections)?;
    pair.turns(2 * connections)?;
    Ok(pair)
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
