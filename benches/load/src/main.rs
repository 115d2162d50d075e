//! The kernel's side of the benchmark: one program puts the same load on every peer, through the
//! kernel's own sockets with CUBIC. `serve` makes the kernel itself a peer, for the comparison
//! over veth.
//!
//! The services, on every peer alike: echo (7), discard (9), chargen (19).

mod bulk;
mod exchange;
mod serve;

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, setsockopt, socket, sockopt,
};

const USAGE: &str = "\
usage: load serve       ADDRESS               the services, until killed
       load in          ADDRESS SECONDS       bulk to the peer
       load out         ADDRESS SECONDS       bulk from the peer
       load connections ADDRESS SECONDS       connect, one byte there and back, close
       load roundtrips  ADDRESS SECONDS       one byte there and back, again and again
Each but `serve` prints one line of JSON.";

/// What sends back what it gets.
const ECHO: u16 = 7;
/// What reads and forgets, and closes when the peer does.
const DISCARD: u16 = 9;
/// What sends as much as is taken, until the peer closes.
const CHARGEN: u16 = 19;

/// A peer that is silent for so long has failed: several timeouts in a row are none yet.
const SILENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", address] => serve::serve(parse(address)?),
        [job, address, seconds] => {
            let (address, duration) = (parse(address)?, parse_seconds(seconds)?);
            println!("{}", run(job, address, duration)?);
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}

fn run(job: &str, address: IpAddr, duration: Duration) -> Result<String> {
    match job {
        "in" => bulk::send(SocketAddr::new(address, DISCARD), duration),
        "out" => bulk::receive(SocketAddr::new(address, CHARGEN), duration),
        "connections" => exchange::connections(SocketAddr::new(address, ECHO), duration),
        "roundtrips" => exchange::round_trips(SocketAddr::new(address, ECHO), duration),
        _ => bail!("{USAGE}"),
    }
}

fn parse(address: &str) -> Result<IpAddr> {
    address
        .parse()
        .with_context(|| format!("`{address}` is not an IP address"))
}

fn parse_seconds(seconds: &str) -> Result<Duration> {
    let value: f64 = seconds
        .parse()
        .with_context(|| format!("`{seconds}` is not a number of seconds"))?;
    Duration::try_from_secs_f64(value).with_context(|| format!("`{seconds}` is not a duration"))
}

/// Connects, on CUBIC, and fails rather than waits for ever.
fn connect(address: SocketAddr) -> Result<TcpStream> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let stream = TcpStream::from(socket(family, SockType::Stream, flags, None)?);
    // Before `connect`: a connection that begins on BBR stays paced on CUBIC.
    use_cubic(&stream)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    nix::sys::socket::connect(stream.as_raw_fd(), &SockaddrStorage::from(address))
        .with_context(|| format!("no connection to {address}"))?;
    Ok(stream)
}

/// Whatever the machine's default is, the figures are the ones of CUBIC. A listener hands it on to
/// the connections it accepts.
fn use_cubic(socket: &impl AsFd) -> Result<()> {
    setsockopt(socket, sockopt::TcpCongestion, &"cubic".into())
        .context("the kernel does not let this program use CUBIC")
}
