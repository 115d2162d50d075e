//! smoltcp's core by itself, for who counts its instructions: two hosts in memory, in virtual time. A
//! turn is as in benches/core: two full segments one way, one acknowledgment back.
//!
//! Both ends have timestamps, so that a segment has as much text as one of `stubborn`'s: 1,448 octets.
//! Built with link-time optimisation, which `benches/core` is not.

use anyhow::{Context, Result, bail, ensure};
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

const USAGE: &str = "usage: core [verified-]data-arrives|ack-arrives TURNS";

/// What a full segment carries: an MTU of 1500 without an IPv4 and a TCP header with timestamps.
const TEXT: usize = 1448;

const MTU: usize = 1500;
const CLIENT: IpAddress = IpAddress::v4(10, 0, 0, 1);
const SERVER: IpAddress = IpAddress::v4(10, 0, 0, 2);
const PORT: u16 = 7;

/// Turns before anything is counted.
const WARM: usize = 100;

/// How long a datagram is under way.
const DELAY: Duration = Duration::from_micros(1);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, turns] = &arguments[..] else {
        bail!("{USAGE}");
    };
    let turns: usize = turns.parse().context(USAGE)?;
    let (verified, step) = match step.strip_prefix("verified-") {
        Some(step) => (true, step),
        None => (false, step.as_str()),
    };
    ensure!(["data-arrives", "ack-arrives"].contains(&step), USAGE);
    let mut pair = Pair::new(verified)?;
    for turn in 0..WARM + turns {
        pair.turn(if turn < WARM { "" } else { step })?;
    }
    Ok(())
}

/// Callgrind is told to count while this function runs, so it must stay one.
#[inline(never)]
fn counted<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// A device in memory: one datagram that has arrived, and those that have left.
struct Device {
    arrived: Option<Vec<u8>>,
    left: Vec<Vec<u8>>,
    /// The sums of what arrives have been verified.
    verified: bool,
}

impl phy::Device for Device {
    type RxToken<'a> = Arrived<'a>;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_>, Leaving<'_>)> {
        let arrived = Arrived(self.arrived.as_deref()?);
        Some((arrived, Leaving(&mut self.left)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(&mut self.left))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        if self.verified {
            capabilities.checksum.ipv4 = Checksum::Tx;
            capabilities.checksum.tcp = Checksum::Tx;
        }
        capabilities
    }
}

struct Arrived<'a>(&'a [u8]);

impl phy::RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

struct Leaving<'a>(&'a mut Vec<Vec<u8>>);

impl phy::TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push(packet);
        result
    }
}

/// One end of the only connection.
struct Host {
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Host {
    fn new(address: IpAddress, verified: bool) -> Host {
        let mut device = Device {
            arrived: None,
            left: Vec::new(),
            verified,
        };
        let config = Config::new(HardwareAddress::Ip);
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(address, 24))
                .expect("there is room for one address");
        });
        let buffer = || SocketBuffer::new(vec![0; 512 * 1024]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_tsval_generator(Some(|| 1));
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(socket);
        Host {
            device,
            interface,
            sockets,
            socket,
        }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    /// Takes a datagram.
    fn receive(&mut self, now: Instant, datagram: Vec<u8>, is_counted: bool) -> Result<()> {
        self.device.arrived = Some(datagram);
        let (device, sockets) = (&mut self.device, &mut self.sockets);
        let interface = &mut self.interface;
        let mut work = || interface.poll_ingress_single(now, device, sockets);
        let result = if is_counted { counted(work) } else { work() };
        self.device.arrived = None;
        ensure!(
            !matches!(result, PollIngressSingleResult::None),
            "nothing was received"
        );
        Ok(())
    }

    /// What leaves now.
    fn departures(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let (device, sockets) = (&mut self.device, &mut self.sockets);
        while self.interface.poll_egress(now, device, sockets) != PollResult::None {}
        std::mem::take(&mut self.device.left)
    }
}

/// Two hosts with a connection.
struct Pair {
    now: Instant,
    client: Host,
    server: Host,
    text: Vec<u8>,
    read: Vec<u8>,
}

impl Pair {
    fn new(verified: bool) -> Result<Pair> {
        let mut pair = Pair {
            now: Instant::from_secs(1),
            client: Host::new(CLIENT, verified),
            server: Host::new(SERVER, verified),
            text: vec![b'.'; 2 * TEXT],
            read: vec![0; 2 * TEXT],
        };
        pair.server.socket().listen(PORT)?;
        let (interface, sockets) = (&mut pair.client.interface, &mut pair.client.sockets);
        let socket = sockets.get_mut::<Socket<'_>>(pair.client.socket);
        socket.connect(interface.context(), (SERVER, PORT), 50_000)?;
        while pair.carry("")? != (0, 0) {}
        let has_timestamps = pair.client.socket().timestamp_enabled();
        ensure!(has_timestamps, "the two have no timestamps");
        Ok(pair)
    }

    /// Carries what leaves the client, and then what leaves the server; how many datagrams each
    /// were.
    fn carry(&mut self, step: &str) -> Result<(usize, usize)> {
        let data = self.client.departures(self.now);
        let there = data.len();
        self.now += DELAY;
        for segment in data {
            (self.server).receive(self.now, segment, step == "data-arrives")?;
        }
        if self.server.socket().can_recv() {
            let length = self.server.socket().recv_slice(&mut self.read)?;
            ensure!(length == 2 * TEXT, "{length} octets were received");
        }
        let acknowledgments = self.server.departures(self.now);
        let back = acknowledgments.len();
        self.now += DELAY;
        for acknowledgment in acknowledgments {
            (self.client).receive(self.now, acknowledgment, step == "ack-arrives")?;
        }
        Ok((there, back))
    }

    /// Two full segments there, their acknowledgment back; `step` is counted.
    fn turn(&mut self, step: &str) -> Result<()> {
        let length = self.client.socket().send_slice(&self.text)?;
        ensure!(length == 2 * TEXT, "no room to send");
        let carried = self.carry(step)?;
        ensure!(carried == (2, 1), "{carried:?} datagrams there and back");
        Ok(())
    }
}
