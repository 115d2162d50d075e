//! One flow, as fast as it goes, for a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What one call hands to the kernel or takes from it, in octets.
pub const CHUNK: usize = 128 * 1024;

/// Sends for `duration`, then waits until the peer has all of it: it closes when it has read the
/// end of the stream, so what the kernel still held counts with its time.
pub fn send(address: SocketAddr, duration: Duration) -> Result<String> {
    let mut stream = crate::connect(address)?;
    let chunk = vec![b'.'; CHUNK];
    let start = Instant::now();
    let mut octets = 0u64;
    while start.elapsed() < duration {
        octets += stream.write(&chunk).context("sending")? as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    let surplus = stream.read(&mut [0]).context("waiting for the end")?;
    ensure!(surplus == 0, "the peer sent something back");
    Ok(report(octets, start.elapsed()))
}

/// Receives for `duration`, counted from the first octets. On a path that loses much the last of
/// them may come long before its end: then the time still counts whole.
pub fn receive(address: SocketAddr, duration: Duration) -> Result<String> {
    let mut stream = crate::connect(address)?;
    let mut chunk = vec![0; CHUNK];
    let first = stream.read(&mut chunk).context("receiving")?;
    ensure!(first > 0, "the peer closed at once");
    let start = Instant::now();
    let mut octets = 0u64;
    while let Some(left) = duration
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
    Ok(report(octets, start.elapsed()))
}

fn report(octets: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let gigabits = octets as f64 * 8.0 / 1e9 / seconds;
    format!(r#"{{"octets":{octets},"seconds":{seconds:.6},"gbit_per_second":{gigabits:.6}}}"#)
}
