//! The services, `listen` and `connect` over UDP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use stubborn::sockets::UdpSocket;

use super::args::{ConnectArgs, ListenArgs, ServiceArgs};
use super::host::{self, Host};
use super::interrupt::Interrupts;
use super::netcat::{Session, explain};
use super::output;
use super::services::Service;
use super::tally::Tally;

/// Room for any datagram.
const BUFFER: usize = 65_536;

/// UDP has no end of stream: a conversation ends when standard input has ended and the peer has
/// then been silent for this long.
const SILENCE: Duration = Duration::from_secs(1);

/// The ports of services that answer every datagram. Two of them would answer each other
/// forever, and one forged datagram can start that.
const ANSWERERS: [u16; 6] = [0, 7, 13, 17, 19, 37];

/// Runs a service until Ctrl-C.
pub(crate) fn run(service: Service, args: &ServiceArgs) -> anyhow::Result<()> {
    let interrupts = Interrupts::catch()?;
    let host = Host::start(&args.host)?;
    let sockets = host.bind(args.port.unwrap_or(service.port()))?;
    let begun = format!(
        "{} over UDP at {} behind {}; Ctrl-C ends it",
        service.name(),
        host::places(sockets.iter().map(UdpSocket::local_addr)),
        host.tun()
    );
    let tally = Arc::new(Tally::of_datagrams());
    let (ends, end) = mpsc::channel();
    let interrupted = ends.clone();
    interrupts.on_first(move |_| drop(interrupted.send(Ok(()))))?;
    for socket in sockets {
        let (tally, ends) = (Arc::clone(&tally), ends.clone());
        thread::Builder::new()
            .name(format!("serve {}", socket.local_addr()))
            .spawn(move || {
                let served = serve(service, &socket, &tally);
                // After Ctrl-C nobody receives this any more.
                let _ = ends.send(served.context("cannot receive datagrams"));
            })
            .context("cannot start a thread")?;
    }
    output::complain(begun);
    let result = end.recv().unwrap_or(Ok(()));
    output::complain(host.stop(&tally));
    result
}

/// Serves echo (RFC 862) or discard (RFC 863) until the network shuts down.
fn serve(service: Service, socket: &UdpSocket, tally: &Tally) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (len, peer) = socket.recv_from(&mut buffer)?;
        tally.received(len);
        if service != Service::Echo || ANSWERERS.contains(&peer.port()) {
            continue;
        }
        match socket.send_to(&buffer[..len], peer) {
            Ok(len) => tally.sent(len),
            Err(error) if error.kind() == ErrorKind::NetworkDown => return Err(error),
            // The datagram arrived in fragments, but the stack sends none.
            Err(error) => log::info!("{peer} is not answered: {error}"),
        }
    }
}

/// Waits for the first datagram, and converses with its sender.
pub(crate) fn listen(args: &ListenArgs) -> anyhow::Result<()> {
    let session = Session::begin(&args.host, Tally::of_datagrams())?;
    session.unless_interrupted(listen_in(&session, args))
}

fn listen_in(session: &Session, args: &ListenArgs) -> anyhow::Result<()> {
    let sockets = session.host.bind(args.port)?;
    let places = host::places(sockets.iter().map(UdpSocket::local_addr));
    log::info!(
        "listening over UDP at {places} behind {}; Ctrl-C ends it",
        session.host.tun()
    );
    let (socket, peer) = first_of(sockets).context("cannot receive datagrams")?;
    socket.connect(peer)?;
    log::info!("{peer} has sent the first datagram");
    converse(session, &socket)
}

/// Converses with an address.
pub(crate) fn connect(args: &ConnectArgs) -> anyhow::Result<()> {
    let session = Session::begin(&args.host, Tally::of_datagrams())?;
    session.unless_interrupted(connect_in(&session, args))
}

fn connect_in(session: &Session, args: &ConnectArgs) -> anyhow::Result<()> {
    let remote = SocketAddr::new(args.remote, args.port);
    let local = session.local_for(remote)?;
    let socket = UdpSocket::bind(&session.host.net, (local, 0))?;
    (socket.connect(remote))
        .map_err(|error| anyhow!("cannot talk to {remote}: {}", explain(&error)))?;
    log::info!(
        "talking to {remote} over UDP from {} through {}; Ctrl-C ends it",
        socket.local_addr(),
        session.host.tun()
    );
    converse(session, &socket)
}

/// The first socket that has a datagram, and the sender. The datagram is still to be received.
fn first_of(sockets: Vec<UdpSocket>) -> io::Result<(UdpSocket, SocketAddr)> {
    let (found, first) = mpsc::channel();
    for socket in sockets {
        let found = found.clone();
        thread::Builder::new()
            .name(format!("hear {}", socket.local_addr()))
            .spawn(move || {
                let heard = socket.peek_from(&mut []);
                // Only the first result is used.
                drop(found.send(heard.map(|(_, peer)| (socket, peer))));
            })?;
    }
    first.recv().map_err(io::Error::other)?
}

/// Copies datagrams in both directions until standard input has ended and the peer is silent.
fn converse(session: &Session, socket: &UdpSocket) -> anyhow::Result<()> {
    let peer = socket.peer_addr()?;
    let end = Arc::new(End::default());
    let (speaker, speaking) = (socket.clone(), session.clone());
    let spoken = Arc::clone(&end);
    thread::Builder::new()
        .name("standard input".to_owned())
        .spawn(move || spoken.set(speak(&speaker, &speaking.tally)))
        .context("cannot start a thread")?;
    hear(socket, &session.tally, &end)
        .with_context(|| format!("the conversation with {peer} failed"))?;
    log::info!("{}", session.host.stop(&session.tally));
    Ok(())
}

/// When standard input has ended, and how.
#[derive(Default)]
struct End(Mutex<Option<(Instant, anyhow::Result<()>)>>);

impl End {
    fn set(&self, result: anyhow::Result<()>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), result));
    }

    /// The result of [`speak`], if it failed or ended at least [`SILENCE`] ago.
    fn passed(&self) -> Option<anyhow::Result<()>> {
        let mut end = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = end.take_if(|(at, result)| result.is_err() || at.elapsed() >= SILENCE);
        passed.map(|(_, result)| result)
    }
}

/// Sends standard input to the peer, each piece read as one datagram.
fn speak(socket: &UdpSocket, tally: &Tally) -> anyhow::Result<()> {
    let mut input = io::stdin().lock();
    let mut buffer = vec![0; socket.max_datagram()];
    loop {
        let len = match input.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            len => len.context("cannot read standard input")?,
        };
        if len == 0 {
            return Ok(());
        }
        socket.send(&buffer[..len])?;
        tally.sent(len);
    }
}

/// Writes what the peer sends to standard output.
fn hear(socket: &UdpSocket, tally: &Tally, end: &End) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    let mut buffer = vec![0; BUFFER];
    socket.set_read_timeout(Some(SILENCE))?;
    loop {
        let len = match socket.recv(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => match end.passed() {
                Some(spoken) => return spoken,
                None => continue,
            },
            len => len?,
        };
        tally.received(len);
        let written = (output.write_all(&buffer[..len])).and_then(|()| output.flush());
        match written {
            // The reader of standard output has closed it, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write standard output")?,
        }
    }
}
