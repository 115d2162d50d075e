//! The kernel as a peer: the services on its own sockets.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

use crate::bulk::CHUNK;

/// Threads that accept and serve, for each service: a thread for each connection would measure
/// the making of threads.
const WORKERS: usize = 8;

/// What serves one connection.
type Service = fn(TcpStream) -> io::Result<()>;

/// Serves until killed. Says `ready` when the ports are open.
pub fn serve(address: IpAddr) -> Result<()> {
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
    stream.set_nodelay(true)?;
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
