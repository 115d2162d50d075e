//! `stubborn` over a plain TUN, through its sockets and with its defaults: what a program that
//! uses it as it uses `std::net` gets. Built with link-time optimisation, as smoltcp's is.
//!
//! The services: echo (7), discard (9), chargen (19). With `out ADDRESS SECONDS` it is the load
//! instead, and receives from a chargen as the kernel's load does.

mod receive;

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stubborn::config::Config;
use stubborn::sockets::{Net, TcpListener, TcpStream};
use stubborn::tun::TunDevice;

/// What one call reads or writes, in octets: as in the other peers.
const CHUNK: usize = 128 * 1024;

/// What sends as much as is taken, until the peer closes.
const CHARGEN: u16 = 19;

/// Threads that accept and serve, for each service: a thread for each connection would measure
/// the making of threads.
const WORKERS: usize = 8;

/// What serves one connection.
type Service = fn(TcpStream) -> io::Result<()>;

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
    let [name, address, job @ ..] = &arguments[..] else {
        bail!("usage: stubborn INTERFACE ADDRESS [out ADDRESS SECONDS]");
    };
    let address: IpAddr = address.parse().context("the address is not one")?;
    let device =
        TunDevice::open(name).with_context(|| format!("cannot open the interface {name}"))?;
    let net = Net::start(device, Config::new([address]))?;
    match job {
        [] => serve(&net, address),
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
        _ => bail!("usage: stubborn INTERFACE ADDRESS [out ADDRESS SECONDS]"),
    }
}

fn serve(net: &Net, address: IpAddr) -> Result<()> {
    let services: [(u16, Service); 3] = [(7, echo), (9, discard), (CHARGEN, chargen)];
    for (port, service) in services {
        let address = SocketAddr::new(address, port);
        let listener = net
            .listen(address)
            .with_context(|| format!("cannot listen on {address}"))?;
        let listener = Arc::new(listener);
        for _ in 0..WORKERS {
            let listener = Arc::clone(&listener);
            thread::spawn(move || work(&listener, service));
        }
    }
    println!("ready");
    loop {
        thread::park();
    }
}

fn work(listener: &TcpListener, service: Service) {
    while let Ok((stream, _)) = listener.accept() {
        // A client that leaves in the middle of a transfer resets the connection: expected.
        let _ = service(stream);
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true);
    let mut buffer = [0; 2048];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

fn discard(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn chargen(mut stream: TcpStream) -> io::Result<()> {
    let chunk = vec![b'.'; CHUNK];
    loop {
        stream.write_all(&chunk)?;
    }
}
