//! The load's `out` job on `stubborn`'s own sockets: see benches/load/src/bulk.rs.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stubborn::sockets::Net;

use crate::CHUNK;

/// Receives for `duration`, counted from the first octets.
pub fn receive(net: &Net, address: SocketAddr, duration: Duration) -> Result<String> {
    let mut stream = net
        .connect(address)
        .with_context(|| format!("no connection to {address}"))?;
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
    let seconds = start.elapsed().as_secs_f64();
    let gigabits = octets as f64 * 8.0 / 1e9 / seconds;
    Ok(format!(
        r#"{{"octets":{octets},"seconds":{seconds:.6},"gbit_per_second":{gigabits:.6}}}"#
    ))
}
