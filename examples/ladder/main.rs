//! Copies standard input to the standard output of another process, over UDP, whatever the network
//! loses: the ladder of links in real time.
//!
//!     cargo run --release --example ladder -- receive 127.0.0.1:9000 > copy &
//!     cargo run --release --example ladder -- send 127.0.0.1:9001 127.0.0.1:9000 --loss 30 < file
//!
//! | option | |
//! |---|---|
//! | `--loss PERCENT` | lose this share of the packets that this end sends, on purpose |
//! | `--tun NAME` | use the UDP of our own stack, with the address LOCAL on this interface |
//! | `--link NAME` | `windowed` (in bounded memory, the default) or `fifo`: the textbook's, which remembers and repeats everything for ever, for small files; and with `--lines` also `fair-loss`, `stubborn` and `perfect` |
//! | `--lines` | send each line as a message, and print each message that is delivered as a line; never ends |

mod driver;
mod links;
mod sockets;

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use driver::Driver;
use stubborn::link::SendError;

/// How long an end that is done stays to answer the other, to which its last packets may have been
/// lost. TCP calls it TIME-WAIT.
const LINGER: Duration = Duration::from_secs(1);

const USAGE: &str = "usage: ladder receive LOCAL | send LOCAL PEER, with [--loss PERCENT] \
                     [--tun NAME] [--link NAME] [--lines]";

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
    let mut words: Vec<String> = env::args().skip(1).collect();
    let loss = value_of(&mut words, "--loss").map_or(Ok(0), |loss| loss.parse())?;
    let tun = value_of(&mut words, "--tun");
    let name = value_of(&mut words, "--link").unwrap_or("windowed".to_owned());
    let of_lines = take(&mut words, "--lines").is_some();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (local, peer) = match words[..] {
        ["receive", local] => (local.parse::<SocketAddr>()?, None),
        ["send", local, peer] => (local.parse()?, Some(peer.parse::<SocketAddr>()?)),
        _ => return Err(USAGE.into()),
    };
    let link = links::build(&name).ok_or(USAGE)?;
    if !of_lines && !links::is_fifo(&name) {
        return Err("only a FIFO link moves a file: add --lines".into());
    }
    let driver = Driver::new(link, sockets::open(local, tun.as_deref(), loss)?);
    eprintln!("ladder: {local} hears");
    match (peer, of_lines) {
        (Some(peer), false) => send(driver, peer),
        (None, false) => receive(driver),
        (Some(peer), true) => send_lines(driver, peer),
        (None, true) => receive_lines(driver),
    }
}

/// Where a flag stood; it is taken out.
fn take(words: &mut Vec<String>, flag: &str) -> Option<usize> {
    let at = words.iter().position(|word| word == flag)?;
    words.remove(at);
    Some(at)
}

/// What stood behind a flag; both are taken out.
fn value_of(words: &mut Vec<String>, flag: &str) -> Option<String> {
    let at = take(words, flag)?;
    (at < words.len()).then(|| words.remove(at))
}

/// Sends standard input in messages, and then an empty one. The peer answers it with another.
fn send(mut driver: Driver, peer: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; driver.longest()];
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
    let until = Instant::now() + LINGER;
    while Instant::now() < until {
        driver.turn(LINGER, |_, _| {})?;
    }
    Ok(())
}

/// Writes messages to standard output until an empty one comes, and sends that back for as long as
/// the sender is heard: it repeats what it sent until it has the answer, and a fixed time could see
/// every copy of that lost.
fn receive(mut driver: Driver) -> Result<(), Box<dyn Error>> {
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
    let mut heard = Instant::now();
    while heard.elapsed() < LINGER {
        if driver.turn(LINGER, |_, _| {})? {
            heard = Instant::now();
        }
    }
    Ok(())
}

/// Sends each line of standard input, once, and then lets the link do what it does, for ever.
fn send_lines(mut driver: Driver, peer: SocketAddr) -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        while let Err(error) = driver.send(peer, line.as_bytes()) {
            if error != SendError::Full {
                return Err(error.into());
            }
            driver.turn(LINGER, |_, _| {})?;
        }
        driver.turn(Duration::ZERO, |_, _| {})?;
    }
    loop {
        driver.turn(LINGER, |_, _| {})?;
    }
}

/// Writes each message that is delivered as a line, for ever.
fn receive_lines(mut driver: Driver) -> Result<(), Box<dyn Error>> {
    let mut output = io::stdout().lock();
    loop {
        let mut lines = Vec::new();
        driver.turn(LINGER, |_, message| {
            lines.extend(message);
            lines.push(b'\n');
        })?;
        output.write_all(&lines)?;
        output.flush()?;
    }
}
