//! Datagrams there and back, several under way at once.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The text of a datagram, in octets.
const LENGTH: usize = 64;

/// Datagrams under way at once.
const UNDER_WAY: u64 = 16;

/// What has not come back after this long is lost.
const LOST: Duration = Duration::from_millis(100);

/// Sends one for each that comes back.
pub fn echo(address: SocketAddr, duration: Duration) -> Result<String> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(LOST))?;
    let mut datagram = [b'.'; LENGTH];
    let send_all = || (0..UNDER_WAY).try_for_each(|_| socket.send(&[b'.'; LENGTH]).map(|_| ()));
    send_all().context("sending")?;
    let start = Instant::now();
    let (mut echoed, mut lost) = (0u64, 0u64);
    while start.elapsed() < duration {
        match socket.recv(&mut datagram) {
            Ok(length) => {
                ensure!(length == LENGTH, "another datagram came back");
                echoed += 1;
                socket.send(&datagram).context("sending")?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                lost += UNDER_WAY;
                send_all().context("sending")?;
            }
            Err(error) => return Err(error).context("receiving"),
        }
    }
    ensure!(echoed > 0, "nothing came back");
    let seconds = start.elapsed().as_secs_f64();
    let rate = echoed as f64 / seconds;
    Ok(format!(
        r#"{{"echoed":{echoed},"lost":{lost},"seconds":{seconds:.6},"per_second":{rate:.1}}}"#
    ))
}
