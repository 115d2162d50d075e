//! A small HTTP client on the sockets of the stack: writes a page to standard output.
//!
//! Root makes the interface once (README.md, "The program"): `tun0`, with 10.11.12.1 for the kernel.
//!
//!     python3 -m http.server 8000 --bind 10.11.12.1 &
//!     cargo run --example get -- tun0 10.11.12.2 http://10.11.12.1:8000/README.md

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::sockets::Net;
use stubborn::tun::TunDevice;

/// The most octets of an answer's head that are read.
const LONGEST_HEAD: u64 = 64 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("get: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [tun, address, url] = arguments.as_slice() else {
        return Err("usage: get TUN ADDRESS http://SERVER:PORT/PATH".into());
    };
    let (server, path) = split(url).ok_or("the URL is not http://ADDRESS:PORT/PATH")?;
    let address: IpAddr = address.parse()?;
    let net = Net::start(TunDevice::open(tun)?, Config::new([address]))?;

    let mut stream = net.connect_timeout(server, Duration::from_secs(10))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n")?;
    let mut answer = BufReader::new(stream);
    let status = status_of(answer.by_ref().take(LONGEST_HEAD))?;
    if !status.contains(" 200 ") {
        return Err(format!("the server says: {}", status.trim_end()).into());
    }
    io::copy(&mut answer, &mut io::stdout().lock())?;
    drop(answer);
    net.shutdown(Duration::from_secs(2));
    Ok(())
}

/// The server's address and the path of a URL.
fn split(url: &str) -> Option<(SocketAddr, String)> {
    let rest = url.strip_prefix("http://")?;
    let (server, path) = rest.split_once('/')?;
    Some((server.parse().ok()?, format!("/{path}")))
}

/// The first line of an answer; its other headers are read, too, and not used.
fn status_of(mut answer: impl BufRead) -> io::Result<String> {
    let mut status = String::new();
    answer.read_line(&mut status)?;
    let mut header = String::new();
    while answer.read_line(&mut header)? > "\r\n".len() {
        header.clear();
    }
    Ok(status)
}
