//! One octet there and back: over one connection, or over a new one each time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Connections under way at once.
const CLIENTS: usize = 8;

/// Connections in all: below the number of ephemeral ports, for each leaves the kernel's end in
/// TIME-WAIT.
const MOST_CONNECTIONS: usize = 24_000;

/// Connect, one octet there and back, close; several clients at once.
pub fn connections(address: SocketAddr, duration: Duration) -> Result<String> {
    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| thread::spawn(move || client(address, start, duration)))
        .collect();
    let mut samples = Vec::new();
    for client in clients {
        samples.extend(client.join().expect("a client does not panic")?);
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = samples.len() as f64 / seconds;
    Ok(format!(
        r#"{{"connections":{},"seconds":{seconds:.6},"per_second":{rate:.1},{}}}"#,
        samples.len(),
        percentiles(samples)
    ))
}

fn client(address: SocketAddr, start: Instant, duration: Duration) -> Result<Vec<Duration>> {
    let mut samples = Vec::new();
    while start.elapsed() < duration && samples.len() < MOST_CONNECTIONS / CLIENTS {
        let begun = Instant::now();
        let mut stream = crate::connect(address)?;
        exchange(&mut stream)?;
        drop(stream);
        samples.push(begun.elapsed());
    }
    Ok(samples)
}

/// One octet there and back, again and again, over one connection.
pub fn round_trips(address: SocketAddr, duration: Duration) -> Result<String> {
    let mut stream = crate::connect(address)?;
    stream.set_nodelay(true)?;
    let start = Instant::now();
    let mut samples = Vec::new();
    while start.elapsed() < duration {
        let begun = Instant::now();
        exchange(&mut stream)?;
        samples.push(begun.elapsed());
    }
    ensure!(!samples.is_empty(), "no time for a single round trip");
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!(
        r#"{{"round_trips":{},"seconds":{seconds:.6},{}}}"#,
        samples.len(),
        percentiles(samples)
    ))
}

fn exchange(stream: &mut TcpStream) -> Result<()> {
    let mut octet = *b"x";
    stream.write_all(&octet).context("sending one octet")?;
    stream
        .read_exact(&mut octet)
        .context("waiting for the octet to come back")?;
    ensure!(octet == *b"x", "another octet came back");
    Ok(())
}

fn percentiles(mut samples: Vec<Duration>) -> String {
    samples.sort_unstable();
    let at = |percent: usize| match samples.len() {
        0 => 0.0,
        count => samples[(count * percent / 100).min(count - 1)].as_nanos() as f64 / 1000.0,
    };
    format!(
        r#""p50_us":{:.2},"p99_us":{:.2},"max_us":{:.2}"#,
        at(50),
        at(99),
        at(100)
    )
}
