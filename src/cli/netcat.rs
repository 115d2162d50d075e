//! One connection between a peer, standard input and standard output.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, anyhow, bail};
use stubborn::sockets::{TcpListener, TcpStream};

use super::args::{ConnectArgs, HostArgs, ListenArgs};
use super::host::{self, Host};
use super::interrupt::Interrupts;
use super::output;
use super::tally::Tally;

/// Octets copied at a time.
const BUFFER: usize = 64 * 1024;

/// Accepts one connection and converses over it.
pub(crate) fn listen(args: &ListenArgs) -> anyhow::Result<()> {
    let session = Session::begin(&args.host, Tally::default())?;
    session.unless_interrupted(listen_in(&session, args))
}

fn listen_in(session: &Session, args: &ListenArgs) -> anyhow::Result<()> {
    // Only one connection is wanted: a second peer that connects at the same moment is reset.
    let listeners = session.host.listen(args.port, 1)?;
    let places = host::places(listeners.iter().map(TcpListener::local_addr));
    log::info!(
        "listening at {places} behind {}; Ctrl-C ends it",
        session.host.tun()
    );
    let (stream, peer) = first_of(listeners).context("cannot accept a connection")?;
    log::info!("{peer} has connected");
    session.converse(stream)
}

/// Connects and converses.
pub(crate) fn connect(args: &ConnectArgs) -> anyhow::Result<()> {
    let session = Session::begin(&args.host, Tally::default())?;
    session.unless_interrupted(connect_in(&session, args))
}

fn connect_in(session: &Session, args: &ConnectArgs) -> anyhow::Result<()> {
    let remote = SocketAddr::new(args.remote, args.port);
    session.local_for(remote)?;
    log::info!(
        "connecting to {remote} through {}; Ctrl-C ends it",
        session.host.tun()
    );
    let net = &session.host.net;
    let stream = match args.timeout {
        Some(timeout) => net.connect_timeout(remote, timeout),
        None => net.connect(remote),
    };
    let stream =
        stream.map_err(|error| anyhow!("cannot connect to {remote}: {}", explain(&error)))?;
    log::info!("connected to {remote} from {}", stream.local_addr());
    session.converse(stream)
}

/// Why a connection could not be established, and what to do about it.
pub(super) fn explain(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there: start the server first",
        io::ErrorKind::TimedOut => {
            return "no answer in time: is the address right, and is the kernel's end in the same \
                    network (--up)?"
                .to_owned();
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "has the kernel's end a route there?"
        }
        io::ErrorKind::InvalidInput => {
            return "it cannot be a peer: give the address of one host, not a multicast, broadcast, \
                    loopback or unspecified one"
                .to_owned();
        }
        _ => return error.to_string(),
    };
    format!("{error}: {advice}")
}

/// A host for one connection, with its handling of Ctrl-C.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) host: Arc<Host>,
    pub(super) tally: Arc<Tally>,
    interrupted: Arc<AtomicBool>,
}

impl Session {
    pub(super) fn begin(args: &HostArgs, tally: Tally) -> anyhow::Result<Session> {
        let interrupts = Interrupts::catch()?;
        let host = Arc::new(Host::start(args)?);
        let session = Session {
            host,
            tally: Arc::new(tally),
            interrupted: Arc::default(),
        };
        let interrupted = session.clone();
        interrupts.on_first(move |status| {
            interrupted.interrupted.store(true, Ordering::SeqCst);
            output::complain(interrupted.host.stop(&interrupted.tally));
            process::exit(status);
        })?;
        Ok(session)
    }

    /// Returns `result`, but not after Ctrl-C: then every call fails, and the thread that closes
    /// the connections also ends the program.
    pub(super) fn unless_interrupted<T>(&self, result: T) -> T {
        while self.interrupted.load(Ordering::SeqCst) {
            thread::park();
        }
        result
    }

    /// The stack's own address for a connection to `remote`.
    pub(super) fn local_for(&self, remote: SocketAddr) -> anyhow::Result<IpAddr> {
        self.host.own_address(remote).ok_or_else(|| {
            let family = if remote.is_ipv4() { 4 } else { 6 };
            anyhow!(
                "cannot connect to {remote}: the stack has no IPv{family} address: give it one \
                 with another --ip"
            )
        })
    }

    /// Copies octets in both directions until both are closed.
    fn converse(&self, stream: TcpStream) -> anyhow::Result<()> {
        self.tally.connection();
        let peer = stream.peer_addr();
        let (writer, tally) = (stream.clone(), Arc::clone(&self.tally));
        let speaking = thread::Builder::new()
            .name("standard input".to_owned())
            .spawn(move || speak(&writer, &tally))
            .context("cannot start a thread")?;
        // When the peer is gone, the program must not go on waiting for standard input.
        let failed = || format!("the connection to {peer} failed");
        if hear(&stream, &self.tally).with_context(failed)? == Heard::Everything {
            match speaking.join() {
                Ok(spoken) => spoken.with_context(failed)?,
                Err(_) => bail!("reading standard input failed"),
            }
        }
        drop(stream);
        log::info!("{}", self.host.stop(&self.tally));
        Ok(())
    }
}

/// The first connection that any of the listeners accepts; then all listeners are closed.
fn first_of(listeners: Vec<TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    let listeners: Vec<Arc<TcpListener>> = listeners.into_iter().map(Arc::new).collect();
    let (found, first) = mpsc::channel();
    for listener in &listeners {
        let (listener, found) = (Arc::clone(listener), found.clone());
        thread::Builder::new()
            .name(format!("accept {}", listener.local_addr()))
            // Only the first result counts; nobody receives the others.
            .spawn(move || drop(found.send(listener.accept())))?;
    }
    let connection = first.recv().map_err(io::Error::other)?;
    listeners.iter().for_each(|listener| listener.close());
    connection
}

/// Sends standard input to the peer, and half-closes the connection at its end.
fn speak(mut stream: &TcpStream, tally: &Tally) -> anyhow::Result<()> {
    let mut input = io::stdin().lock();
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = match input.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            len => len.context("cannot read standard input")?,
        };
        if len == 0 {
            break;
        }
        stream.write_all(&buffer[..len])?;
        tally.sent(len);
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(())
}

/// Why [`hear`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The peer sent its FIN.
    Everything,
    /// The reader of standard output has closed it, as `head` does.
    Enough,
}

/// Writes what the peer sends to standard output, until its FIN.
fn hear(mut stream: &TcpStream, tally: &Tally) -> anyhow::Result<Heard> {
    let mut output = io::stdout().lock();
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Ok(Heard::Everything);
        }
        tally.received(len);
        let written = output
            .write_all(&buffer[..len])
            .and_then(|()| output.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Heard::Enough),
            written => written.context("cannot write standard output")?,
        }
    }
}
