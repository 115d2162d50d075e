//! The kernel's side of the benchmark: one program puts the same load on every peer, through the
//! kernel's own sockets with CUBIC. `serve` makes the kernel itself a peer, for the comparison
//! over veth.
//!
//! The services, on every peer alike: echo (7, over UDP too), discard (9), chargen (19).

mod bulk;
mod datagrams;
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

use crate::bulk::Bulk;

const USAGE: &str = "\
usage: load serve       ADDRESS [CHUNK]                 the services, until killed
       load in          ADDRESS SECONDS [CHUNK FLOWS]   bulk to the peer
       load out         ADDRESS SECONDS [CHUNK FLOWS]   bulk from the peer
       load connections ADDRESS SECONDS                 connect, one byte there and back, close
       load roundtrips  ADDRESS SECONDS                 one byte there and back, again and again
       load datagrams   ADDRESS SECONDS                 the same over UDP, several under way
CHUNK is what one call reads or writes, in octets. Each but `serve` prints one line of JSON.";

/// What sends back what it gets.
const ECHO: u16 = 7;
/// What reads and forgets, and closes when the peer does.
const DISCARD: u16 = 9;
/// What sends as much as is taken, until the peer closes.
const CHARGEN: u16 = 19;

/// A peer that is silent for this long has failed: several timeouts in a row are none yet.
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
        ["serve", address] => serve::serve(parse(address)?, bulk::CHUNK),
        ["serve", address, chunk] => serve::serve(parse(address)?, number(chunk)?),
        [job, address, seconds, ref rest @ ..] => {
            println!(
                "{}",
                run(job, parse(address)?, parse_seconds(seconds)?, rest)?
            );
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}

fn run(job: &str, address: IpAddr, duration: Duration, rest: &[&str]) -> Result<String> {
    let to = |port| SocketAddr::new(address, port);
    let bulk = |port| {
        let (chunk, flows) = match *rest {
            [] => (bulk::CHUNK, 1),
            [chunk, flows] => (number(chunk)?, number(flows)?),
            _ => bail!("{USAGE}"),
        };
        Ok(Bulk {
            address: to(port),
            duration,
            chunk,
            flows,
        })
    };
    match job {
        "in" => bulk::send(bulk(DISCARD)?),
        "out" => bulk::receive(bulk(CHARGEN)?),
        "connections" => exchange::connections(to(ECHO), duration),
        "roundtrips" => exchange::round_trips(to(ECHO), duration),
        "datagrams" => datagrams::echo(to(ECHO), duration),
        _ => bail!("{USAGE}"),
    }
}

fn number(text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.with_context(|| format!("`{text}` is not a number above zero"))
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
