//! One flow or several, as fast as they go, for a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What one call hands to the kernel or takes from it, in octets, unless another size is asked for.
pub const CHUNK: usize = 128 * 1024;

/// What is to be done.
#[derive(Clone, Copy)]
pub struct Bulk {
    pub address: SocketAddr,
    pub duration: Duration,
    /// What one call hands to the kernel or takes from it, in octets.
    pub chunk: usize,
    /// Connections at once, each with a thread of its own.
    pub flows: usize,
}

/// When all flows are ready, and since when they are.
struct Start {
    ready: Barrier,
    at: OnceLock<Instant>,
}

impl Start {
    /// Waits for the others: the same moment for all, whenever each gets to run.
    fn wait(&self) -> Instant {
        self.ready.wait();
        *self.at.get_or_init(Instant::now)
    }
}

/// What one flow did.
struct Flow {
    octets: u64,
    start: Instant,
    end: Instant,
}

/// Sends for a time, then waits until the peer has all of it: it closes when it has read the end
/// of the stream, so what the kernel still held counts with its time.
pub fn send(bulk: Bulk) -> Result<String> {
    at_once(bulk, |mut stream, start| {
        let chunk = vec![b'.'; bulk.chunk];
        let start = start.wait();
        let mut octets = 0u64;
        while start.elapsed() < bulk.duration {
            octets += stream.write(&chunk).context("sending")? as u64;
        }
        stream.shutdown(Shutdown::Write)?;
        let surplus = stream.read(&mut [0]).context("waiting for the end")?;
        ensure!(surplus == 0, "the peer sent something back");
        let end = Instant::now();
        Ok(Flow { octets, start, end })
    })
}

/// Receives for a time, counted from when something has come on every flow. On a path that loses
/// much the last octets may come long before its end: then the time still counts whole.
pub fn receive(bulk: Bulk) -> Result<String> {
    at_once(bulk, |mut stream, start| {
        let mut chunk = vec![0; bulk.chunk];
        let first = stream.read(&mut chunk).context("receiving")?;
        ensure!(first > 0, "the peer closed at once");
        let start = start.wait();
        let mut octets = 0u64;
        while let Some(left) = bulk
            .duration
            .checked_sub(start.elapsed())
            .filter(|left| !left.is_zero())
        {
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut chunk) {
                Ok(length) => {
                    ensure!(length > 0, "the peer closed early");
                    octets += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("receiving"),
            }
        }
        let end = Instant::now();
        Ok(Flow { octets, start, end })
    })
}

/// Does `work` on every flow, each in a thread. One that fails ends the program, for the others
/// may be waiting for it.
fn at_once(bulk: Bulk, work: impl Fn(TcpStream, &Start) -> Result<Flow> + Sync) -> Result<String> {
    let streams: Vec<_> = (0..bulk.flows)
        .map(|_| crate::connect(bulk.address))
        .collect::<Result<_>>()?;
    let start = Start {
        ready: Barrier::new(bulk.flows),
        at: OnceLock::new(),
    };
    let run = |stream| {
        work(stream, &start).unwrap_or_else(|error| {
            eprintln!("load: {error:#}");
            std::process::exit(1);
        })
    };
    let flows: Vec<Flow> = thread::scope(|scope| {
        let begin = |stream| scope.spawn(|| run(stream));
        let threads: Vec<_> = streams.into_iter().map(begin).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a flow does not panic"))
            .collect()
    });
    Ok(report(&flows))
}

fn report(flows: &[Flow]) -> String {
    let octets: u64 = flows.iter().map(|flow| flow.octets).sum();
    let start = flows.iter().map(|flow| flow.start).min();
    let end = flows.iter().map(|flow| flow.end).max();
    let seconds = start
        .zip(end)
        .map_or(0.0, |(start, end)| (end - start).as_secs_f64());
    let gigabits = octets as f64 * 8.0 / 1e9 / seconds;
    // Jain's index of fairness: 1 if all have the same, 1 / n if one has all.
    let squares: f64 = flows.iter().map(|flow| (flow.octets as f64).powi(2)).sum();
    let jain = (octets as f64).powi(2) / (flows.len() as f64 * squares);
    format!(
        r#"{{"octets":{octets},"seconds":{seconds:.6},"gbit_per_second":{gigabits:.6},"jain":{jain:.4}}}"#
    )
}
