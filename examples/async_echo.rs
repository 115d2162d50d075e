//! An echo service with one thread for all its connections, on the asynchronous sockets of the stack.
//!
//! Root makes the interface once (README.md, "The program"): `tun0`, with 10.11.12.1 for the kernel.
//!
//!     cargo run --example async_echo -- tun0 10.11.12.2 7
//!     nc 10.11.12.2 7
//!
//! The executor is tokio's. Any other would do, because the sockets need nothing of it.

use std::env;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use stubborn::config::Config;
use stubborn::sockets::Net;
use stubborn::sockets::asynchronous::{TcpListener, TcpStream};
use stubborn::tun::TunDevice;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("async_echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [tun, address, port] = arguments.as_slice() else {
        return Err("usage: async_echo TUN ADDRESS PORT".into());
    };
    let address: IpAddr = address.parse()?;
    let net = Net::start(TunDevice::open(tun)?, Config::new([address]))?;
    let listener = TcpListener::bind(&net, SocketAddr::new(address, port.parse()?))?;
    eprintln!("async_echo: at {}", listener.local_addr());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(serve(&listener))?;
    Ok(())
}

/// A task for each connection.
async fn serve(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(&stream).await {
                eprintln!("async_echo: {peer}: {error}");
            }
        });
    }
}

/// Sends back what comes, until the peer closes.
async fn echo(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}
