//! Accepts connections and gives each to a service, in a thread of its own.

use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use stubborn::sockets::{TcpListener, TcpStream};

use super::args::{MAX_CONNECTIONS, ServiceArgs};
use super::host::{self, Host};
use super::interrupt::Interrupts;
use super::output;
use super::services::Service;
use super::tally::Tally;

/// Connections that may wait at one listener.
const BACKLOG: usize = 1024;

/// The stack size of a connection's thread, in octets. The thread's buffer is elsewhere.
const THREAD_STACK: usize = 128 * 1024;

/// Runs a service until Ctrl-C.
pub(crate) fn run(service: Service, args: &ServiceArgs) -> anyhow::Result<()> {
    let interrupts = Interrupts::catch()?;
    let host = Host::start(&args.host)?;
    let listeners = host.listen(args.port.unwrap_or(service.port()), BACKLOG)?;
    let served = Arc::new(Served::new(service));
    let begun = format!(
        "{} at {} behind {}; Ctrl-C ends it",
        service.name(),
        host::places(listeners.iter().map(TcpListener::local_addr)),
        host.tun()
    );
    let (ends, end) = mpsc::channel();
    let interrupted = ends.clone();
    interrupts.on_first(move |_| drop(interrupted.send(Ok(()))))?;
    for listener in listeners {
        let (served, ends) = (Arc::clone(&served), ends.clone());
        thread::Builder::new()
            .name(format!("accept {}", listener.local_addr()))
            .spawn(move || accept_all(&listener, &served, &ends))
            .context("cannot start a thread")?;
    }
    output::complain(begun);
    let result = end.recv().unwrap_or(Ok(()));
    output::complain(host.stop(&served.tally));
    result
}

/// What all threads of a service share.
struct Served {
    service: Service,
    tally: Tally,
    /// How many more connections may be served now.
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to serve one connection.
struct Place(Arc<Served>);

impl Served {
    fn new(service: Service) -> Served {
        Served {
            service,
            tally: Tally::default(),
            free: Mutex::new(MAX_CONNECTIONS),
            freed: Condvar::new(),
        }
    }

    /// Waits until one more connection may be served.
    fn place(self: &Arc<Served>) -> Place {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            log::warn!("{MAX_CONNECTIONS} connections are open: more wait until one ends");
        }
        while *free == 0 {
            free = self
                .freed
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(Arc::clone(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Accepts until the listener fails, and passes the error on.
fn accept_all(listener: &TcpListener, served: &Arc<Served>, ends: &Sender<anyhow::Result<()>>) {
    loop {
        let place = served.place();
        let (stream, peer) = match listener.accept() {
            Ok(connection) => connection,
            Err(error) => {
                let error = anyhow::Error::new(error).context("cannot accept connections");
                // After Ctrl-C nobody receives this any more.
                let _ = ends.send(Err(error));
                return;
            }
        };
        served.tally.connection();
        let spawned = thread::Builder::new()
            .name(format!("peer {peer}"))
            .stack_size(THREAD_STACK)
            .spawn(move || serve(stream, peer, &place));
        if let Err(error) = spawned {
            log::warn!("cannot serve {peer}, no thread could be started: {error}");
        }
    }
}

fn serve(stream: TcpStream, peer: SocketAddr, Place(served): &Place) {
    if served.service == Service::Chargen {
        // RFC 864: the server throws away what the client sends. If this fails, so will
        // the calls below.
        let _ = stream.shutdown(Shutdown::Read);
    }
    match served.service.serve(&stream, &served.tally) {
        Ok(()) => log::info!("{peer} has ended"),
        Err(error) => log::info!("{peer} has ended: {error}"),
    }
}
