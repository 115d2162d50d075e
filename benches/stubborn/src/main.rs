//! `stubborn` over TUN, through its sockets and with its defaults: what a program that uses it as
//! it uses `std::net` gets. With `--lend` its discard looks at what has arrived where it lies, and copies
//! nothing. Built with link-time optimisation, as smoltcp's is.
//!
//! The services: echo (7, over UDP too), discard (9), chargen (19). With `out ADDRESS SECONDS` it is
//! the load instead, and receives from a chargen as the kernel's load does.

mod receive;

use std::io::{self, BufRead, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stubborn::config::Config;
use stubborn::sockets::{Net, TcpListener, TcpStream, UdpSocket};
use stubborn::tun::TunDevice;

const USAGE: &str = "\
usage: stubborn [--plain] [--lend] [--chunk OCTETS] INTERFACE ADDRESS [out ADDRESS SECONDS]";

/// What one call reads or writes, in octets, unless another size is asked for: as in the other
/// peers.
const CHUNK: usize = 128 * 1024;

/// What sends back what it gets.
const ECHO: u16 = 7;

/// What reads and forgets.
const DISCARD: u16 = 9;

/// What sends as much as is taken, until the peer closes.
const CHARGEN: u16 = 19;

/// Threads that accept and serve, for each service: a thread for each connection would measure
/// the making of threads. As many as there are flows at once.
const WORKERS: usize = 64;

/// What serves one connection. It reads or writes this many octets a call.
type Service = fn(TcpStream, usize) -> io::Result<()>;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stubborn: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments: &[String] = &arguments;
    let (mut plain, mut lend, mut chunk) = (false, false, CHUNK);
    loop {
        arguments = match arguments {
            [option, rest @ ..] if option == "--plain" => {
                plain = true;
                rest
            }
            [option, rest @ ..] if option == "--lend" => {
                lend = true;
                rest
            }
            [option, octets, rest @ ..] if option == "--chunk" => {
                chunk = octets.parse().context("no number of octets")?;
                rest
            }
            _ => break,
        };
    }
    let [name, address, job @ ..] = arguments else {
        bail!("{USAGE}");
    };
    let address: IpAddr = address.parse().context("the address is not one")?;
    let device = open(name, plain)?;
    let net = Net::start(device, Config::new([address]))?;
    match job {
        [] => serve(&net, address, chunk, lend),
        [word, remote, seconds] if word == "out" => {
            let remote: IpAddr = remote.parse().context("the address is not one")?;
            let seconds: f64 = seconds.parse().context("no number of seconds")?;
            let remote = SocketAddr::new(remote, CHARGEN);
            println!(
                "{}",
                receive::receive(&net, remote, Duration::from_secs_f64(seconds))?
            );
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}

/// With what offloads the kernel gives, or without any.
fn open(name: &str, plain: bool) -> Result<TunDevice> {
    let device = match plain {
        true => TunDevice::open_plain(name),
        false => TunDevice::open(name),
    };
    device.with_context(|| format!("cannot open the interface {name}"))
}

fn serve(net: &Net, address: IpAddr, chunk: usize, lend: bool) -> Result<()> {
    let discard = if lend { discard_lent } else { discard };
    let services: [(u16, Service); 3] = [(ECHO, echo), (DISCARD, discard), (CHARGEN, chargen)];
    for (port, service) in services {
        let address = SocketAddr::new(address, port);
        let listener = net
            .listen(address)
            .with_context(|| format!("cannot listen on {address}"))?;
        let listener = Arc::new(listener);
        for _ in 0..WORKERS {
            let listener = Arc::clone(&listener);
            thread::spawn(move || work(&listener, service, chunk));
        }
    }
    let datagrams = UdpSocket::bind(net, SocketAddr::new(address, ECHO))?;
    thread::spawn(move || echo_datagrams(&datagrams));
    println!("ready");
    loop {
        thread::park();
    }
}

fn work(listener: &TcpListener, service: Service, chunk: usize) {
    while let Ok((stream, _)) = listener.accept() {
        // A client that leaves in the middle of a transfer resets the connection: expected.
        let _ = service(stream, chunk);
    }
}

fn echo(mut stream: TcpStream, _: usize) -> io::Result<()> {
    stream.set_nodelay(true);
    let mut buffer = [0; 2048];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

fn discard(mut stream: TcpStream, chunk: usize) -> io::Result<()> {
    let mut buffer = vec![0; chunk];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn discard_lent(stream: TcpStream, _: usize) -> io::Result<()> {
    let mut reader = stream.reader();
    loop {
        match reader.fill_buf()?.len() {
            0 => return Ok(()),
            length => reader.consume(length),
        }
    }
}

fn chargen(mut stream: TcpStream, chunk: usize) -> io::Result<()> {
    let chunk = vec![b'.'; chunk];
    loop {
        stream.write_all(&chunk)?;
    }
}

/// A datagram that cannot be sent is lost.
fn echo_datagrams(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(&buffer[..length], from);
    }
}
