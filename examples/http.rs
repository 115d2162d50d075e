//! A small HTTP/1.0 responder on the sockets of the stack: `GET /N` gives N octets.
//!
//! Root makes the interface once (README.md, "The program"): `tun0`, with 10.11.12.1 for the kernel.
//!
//!     cargo run --example http -- tun0 10.11.12.2 8080
//!     curl http://10.11.12.2:8080/1000

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::sockets::{Net, TcpStream};
use stubborn::tun::TunDevice;

/// The most octets that one answer has.
const MOST: u64 = 1 << 30;

/// The most octets of a request that are read.
const LONGEST_REQUEST: u64 = 8 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [tun, address, port] = arguments.as_slice() else {
        return Err("usage: http TUN ADDRESS PORT".into());
    };
    let address: IpAddr = address.parse()?;
    let net = Net::start(TunDevice::open(tun)?, Config::new([address]))?;
    let listener = net.listen(SocketAddr::new(address, port.parse()?))?;
    eprintln!("http: at {}", listener.local_addr());
    loop {
        let (stream, peer) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = respond(&stream) {
                eprintln!("http: {peer}: {error}");
            }
        });
    }
}

/// Answers one request. The end of the connection is the end of the answer.
fn respond(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let path = path_of_request(BufReader::new(stream.take(LONGEST_REQUEST)))?;
    let octets = path
        .strip_prefix('/')
        .and_then(|number| number.parse().ok());
    let Some(octets) = octets.filter(|&octets: &u64| octets <= MOST) else {
        return stream.write_all(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {octets}\r\n\r\n"
    )?;
    io::copy(&mut io::repeat(b'.').take(octets), &mut stream).map(drop)
}

/// What the request asks for; its other lines are read and not used.
fn path_of_request(request: impl BufRead) -> io::Result<String> {
    let mut path = None;
    for line in request.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
    }
    path.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a request"))
}
