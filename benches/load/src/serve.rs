//! The kernel as a peer: the services on its own sockets.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use anyhow::{Context, Result};

/// Threads that accept and serve, for each service: a thread for each connection would measure
/// the making of threads. As many as there are flows at once.
const WORKERS: usize = 64;

/// What serves one connection. It reads or writes this many octets a call.
type Service = fn(TcpStream, usize) -> io::Result<()>;

/// Serves until killed. Says `ready` when the ports are open.
pub fn serve(address: IpAddr, chunk: usize) -> Result<()> {
    let services: [(u16, Service); 3] = [
        (crate::ECHO, echo),
        (crate::DISCARD, discard),
        (crate::CHARGEN, chargen),
    ];
    for (port, service) in services {
        let address = SocketAddr::new(address, port);
        let listener =
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        crate::use_cubic(&listener)?;
        for _ in 0..WORKERS {
            let listener = listener.try_clone()?;
            thread::spawn(move || work(&listener, service, chunk));
        }
    }
    let datagrams = UdpSocket::bind(SocketAddr::new(address, crate::ECHO))?;
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
    stream.set_nodelay(true)?;
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
