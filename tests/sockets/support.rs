//! Two hosts that are joined in memory, and what the tests do with them again and again.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use stubborn::config::Config;
use stubborn::driver::memory::{self, MemoryDevice};
use stubborn::link::{Batch, Capabilities, Device, DeviceError, Receiver, Sender};
use stubborn::sockets::{Net, TcpListener, TcpStream};
use stubborn::wire::Packet;

/// Longer than anything here may take on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// The server and the client, each with an address of either family.
pub(super) const SERVER: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
pub(super) const CLIENT: [&str; 2] = ["192.0.2.2", "2001:db8::2"];

pub(super) fn config(addresses: [&str; 2]) -> Config {
    let parsed = addresses.map(|address| address.parse().expect("an address"));
    let mut config = Config::new(parsed);
    // TIME-WAIT must pass within a test.
    config.tcp.msl = Duration::from_millis(50);
    config
}

pub(super) fn start(
    device: impl stubborn::driver::PollDevice + 'static,
    addresses: [&str; 2],
) -> Net {
    Net::start(device, config(addresses)).expect("the configuration makes sense")
}

pub(super) fn devices() -> (MemoryDevice, MemoryDevice) {
    memory::pair(1500).expect("descriptors")
}

/// The server and the client, running.
pub(super) fn hosts() -> (Net, Net) {
    let (left, right) = devices();
    (start(left, SERVER), start(right, CLIENT))
}

/// The server, the client, and what takes the client's voice: once true, nothing that it sends
/// leaves its device.
pub(super) fn hosts_with_mute() -> (Net, Net, Arc<AtomicBool>) {
    let (left, right) = devices();
    let mute = Arc::new(AtomicBool::new(false));
    let muted = Arc::clone(&mute);
    let device = Faulty {
        device: right,
        fault: move |call| Ok(call == Call::Receive || !muted.load(Ordering::Relaxed)),
    };
    (start(left, SERVER), start(device, CLIENT), mute)
}

/// Two hosts, a listener, and the two ends of a connection: the server's and the client's.
pub(super) struct Connected {
    pub(super) server: Net,
    pub(super) client: Net,
    pub(super) listener: TcpListener,
    pub(super) accepted: TcpStream,
    pub(super) opened: TcpStream,
}

pub(super) fn connected() -> Connected {
    let (server, client) = hosts();
    connect(server, client)
}

pub(super) fn connect(server: Net, client: Net) -> Connected {
    let listener = TcpListener::bind(&server, (SERVER[0], 7)).expect("a listener");
    let opened = TcpStream::connect(&client, listener.local_addr()).expect("a connection");
    let (accepted, peer) = listener.accept().expect("the connection");
    assert_eq!(peer, opened.local_addr());
    Connected {
        server,
        client,
        listener,
        accepted,
        opened,
    }
}

/// Runs a test that must not hang: it fails if it takes too long.
pub(super) fn bounded(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match finished.recv_timeout(LONG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running after {LONG:?}"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Waits until no connection is left, in any state.
pub(super) fn no_connection_remains(net: &Net) {
    let start = Instant::now();
    while net.connection_count() > 0 {
        assert!(start.elapsed() < LONG, "{} remain", net.connection_count());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Text in which any displaced octet shows: `len` octets of a sequence that `seed` begins.
pub(super) fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut octets = Vec::with_capacity(len + 8);
    while octets.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        octets.extend_from_slice(&state.to_le_bytes());
    }
    octets.truncate(len);
    octets
}

/// Numbers that look like chance.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Sends back all that arrives, then closes.
pub(super) fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len])?,
        }
    }
}

/// Everything until the end of the stream.
pub(super) fn read_all(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    Ok(all)
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

pub(super) fn addr_of(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), port)
}

/// The kind of error of an answer that must be one.
pub(super) fn kind<T>(answer: io::Result<T>) -> io::ErrorKind {
    match answer {
        Ok(_) => panic!("no error"),
        Err(error) => error.kind(),
    }
}

/// A device that does `before` ahead of each call: `Err` and it fails, `Ok(false)` and it does
/// nothing.
pub(super) struct Faulty<F> {
    pub(super) device: MemoryDevice,
    pub(super) fault: F,
}

/// Which call a fault may hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Receive,
    Send,
}

impl<F: FnMut(Call) -> Result<bool, DeviceError>> Device for Faulty<F> {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        match (self.fault)(Call::Receive)? {
            true => self.device.receive(batch),
            false => Ok(()),
        }
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        match (self.fault)(Call::Send)? {
            true => self.device.send(packet),
            false => Ok(()),
        }
    }
}

impl<F> AsFd for Faulty<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// A device that is used by its halves, while the stack is not locked.
pub(super) struct Halved<D> {
    whole: Arc<Mutex<D>>,
    capabilities: Capabilities,
    fd: OwnedFd,
}

impl<D: Device + AsFd> Halved<D> {
    pub(super) fn new(device: D) -> Halved<D> {
        Halved {
            capabilities: device.capabilities(),
            fd: device.as_fd().try_clone_to_owned().expect("a descriptor"),
            whole: Arc::new(Mutex::new(device)),
        }
    }
}

impl<D: Device + Send + 'static> Device for Halved<D> {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn receive(&mut self, _: &mut Batch) -> Result<(), DeviceError> {
        unreachable!("there is a half for that")
    }

    /// Where there is one processor only, nobody asks for a half that sends.
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(packet)
    }

    fn receiver(&mut self) -> Option<Box<dyn Receiver>> {
        Some(Box::new(Half(Arc::clone(&self.whole))))
    }

    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        Some(Box::new(Half(Arc::clone(&self.whole))))
    }
}

impl<D> AsFd for Halved<D> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

struct Half<D>(Arc<Mutex<D>>);

impl<D> Half<D> {
    fn whole(&self) -> MutexGuard<'_, D> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Device + Send> Receiver for Half<D> {
    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        self.whole().receive(batch)
    }
}

impl<D: Device + Send> Sender for Half<D> {
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.whole().send(packet)
    }
}
