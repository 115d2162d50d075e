//! Moves standard input to standard output of another process, over UDP, whatever the network
//! loses: the ladder of links in real time.
//!
//!     cargo run --release --example ladder -- receive 127.0.0.1:9000 > copy &
//!     cargo run --release --example ladder -- send 127.0.0.1:9001 127.0.0.1:9000 --loss 30 < file
//!
//! With `--loss`, so many percent of the packets that this end sends are lost on purpose. The link
//! is the windowed one, in bounded memory; `--textbook` takes the textbook's perfect FIFO link,
//! which remembers and repeats everything for ever: for small files.

mod driver;

use std::cell::Cell;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use driver::{Datagrams, Driver};
use stubborn::link::{
    FairLossLink, Identifiers, Link, PerfectFifoLink, PerfectLink, SendError, StubbornLink,
    WindowConfig, WindowedLink,
};

/// What fits into a UDP datagram over Ethernet, IPv6 or IPv4.
const LONGEST: usize = 1452;

/// How long an end that is done stays to answer the other, whose last acknowledgments may have been
/// lost. TCP calls it TIME-WAIT.
const LINGER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ladder: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let is_textbook = take(&mut arguments, "--textbook").is_some();
    let loss = match take(&mut arguments, "--loss") {
        Some(at) if at < arguments.len() => arguments.remove(at).parse()?,
        _ => 0,
    };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (local, peer) = match words[..] {
        ["receive", local] => (local.parse::<SocketAddr>()?, None),
        ["send", local, peer] => (local.parse()?, Some(peer.parse::<SocketAddr>()?)),
        _ => {
            return Err("usage: ladder receive LOCAL | send LOCAL PEER, \
                        with [--loss PERCENT] [--textbook]"
                .into());
        }
    };
    let socket = UdpSocket::bind(local)?;
    socket.set_nonblocking(true)?;
    let state = Cell::new(u64::from(local.port()) + 1);
    let socket = Lossy {
        socket,
        loss,
        state,
    };
    let bottom = FairLossLink::new(LONGEST);
    if is_textbook {
        let stubborn = StubbornLink::new(bottom, Duration::from_millis(200));
        let perfect = PerfectLink::new(stubborn, Identifiers::counter());
        transfer(Driver::new(PerfectFifoLink::new(perfect), socket), peer)
    } else {
        let config = WindowConfig {
            window: 512,
            period: Duration::from_millis(20),
            doublings: 4,
            reordering: Some(3),
            peers: 16,
        };
        transfer(Driver::new(WindowedLink::new(bottom, config), socket), peer)
    }
}

/// Where a flag stood; it is taken out.
fn take(arguments: &mut Vec<String>, flag: &str) -> Option<usize> {
    let at = arguments.iter().position(|argument| argument == flag)?;
    arguments.remove(at);
    Some(at)
}

fn transfer<L, S>(driver: Driver<L, S>, peer: Option<SocketAddr>) -> Result<(), Box<dyn Error>>
where
    L: Link<Address = SocketAddr>,
    S: Datagrams,
{
    match peer {
        Some(peer) => send(driver, peer),
        None => receive(driver),
    }
}

/// Sends standard input in messages, and then an empty one. The peer answers it with another.
fn send<L, S>(mut driver: Driver<L, S>, peer: SocketAddr) -> Result<(), Box<dyn Error>>
where
    L: Link<Address = SocketAddr>,
    S: Datagrams,
{
    let mut buffer = vec![0; driver.link().longest()];
    let mut is_answered = false;
    let mut end_is_sent = false;
    let mut message: Option<Vec<u8>> = None;
    let (start, mut octets) = (Instant::now(), 0);
    while !is_answered {
        while !end_is_sent {
            let next = match message.take() {
                Some(waiting) => waiting,
                None => {
                    let length = io::stdin().read(&mut buffer)?;
                    buffer[..length].to_vec()
                }
            };
            match driver.send(peer, &next) {
                Ok(()) => {
                    octets += next.len();
                    end_is_sent = next.is_empty();
                }
                Err(SendError::Full) => {
                    message = Some(next);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        driver.turn(LINGER, |from, text| {
            is_answered |= from == peer && text.is_empty();
        })?;
    }
    eprintln!("{octets} octets in {:.3} s", start.elapsed().as_secs_f64());
    linger(driver)
}

/// Writes messages to standard output until an empty one comes, and sends that back.
fn receive<L, S>(mut driver: Driver<L, S>) -> Result<(), Box<dyn Error>>
where
    L: Link<Address = SocketAddr>,
    S: Datagrams,
{
    let mut output = io::stdout().lock();
    let mut end = None;
    while end.is_none() {
        let mut written = Ok(());
        driver.turn(LINGER, |from, message| {
            if message.is_empty() {
                end = Some(from);
            } else if written.is_ok() {
                written = output.write_all(&message);
            }
        })?;
        written?;
    }
    output.flush()?;
    if let Some(peer) = end {
        driver.send(peer, b"")?;
    }
    linger(driver)
}

fn linger<L, S>(mut driver: Driver<L, S>) -> Result<(), Box<dyn Error>>
where
    L: Link<Address = SocketAddr>,
    S: Datagrams,
{
    let until = Instant::now() + LINGER;
    while Instant::now() < until {
        driver.turn(LINGER, |_, _| {})?;
    }
    Ok(())
}

/// A socket that loses some of what it sends.
struct Lossy<S> {
    socket: S,
    loss: u64,
    state: Cell<u64>,
}

impl<S: Datagrams> Datagrams for Lossy<S> {
    fn send_to(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        // Knuth's linear congruential generator: good enough to lose packets.
        let state = self.state.get();
        let next = state.wrapping_mul(6_364_136_223_846_793_005);
        let next = next.wrapping_add(1_442_695_040_888_963_407);
        self.state.set(next);
        match (next >> 33) % 100 < self.loss {
            true => Ok(()),
            false => self.socket.send_to(packet, to),
        }
    }

    fn recv_from(
        &self,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        self.socket.recv_from(buffer, wait)
    }
}
