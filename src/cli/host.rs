//! The interface, and the stack that runs on it.

use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use stubborn::config::Config;
use stubborn::driver::Recorder;
use stubborn::sockets::{Net, TcpListener, UdpSocket};
use stubborn::tun::{Cidr, TunDevice, TunError};

use super::args::HostArgs;
use super::tally::{Summary, Tally};

/// How long open connections may take to close when the program ends.
const GRACE: Duration = Duration::from_secs(2);

/// A running stack, and the network through which its user reaches it.
pub(crate) struct Host {
    pub(crate) net: Net,
    tun: String,
    addresses: Vec<IpAddr>,
}

impl Host {
    /// Opens the interface, gives the kernel's end its addresses and starts the stack.
    pub(crate) fn start(args: &HostArgs) -> anyhow::Result<Host> {
        let mut addresses = args.ip.clone();
        addresses.sort_unstable();
        addresses.dedup();
        if let Some(up) = (args.up.iter()).find(|up| addresses.contains(&up.address())) {
            bail!(
                "{} is given to both ends: --up is the kernel's address and --ip the stack's: \
                 use two of one network",
                up.address()
            );
        }
        if args.pcap.is_some() && args.queues > 1 {
            bail!("--pcap records one queue: leave out --queues, or record with tcpdump");
        }
        for up in &args.up {
            // The kernel's end is a host too, so the same rules apply to its address.
            (Config::new([up.address()]).validate())
                .with_context(|| format!("--up {up} is no address for the kernel's end"))?;
        }
        let mut config = Config::new(addresses.clone());
        config.broadcasts = args.up.iter().filter_map(Cidr::broadcast).collect();
        config.validate().context("cannot start the stack")?;
        let mut queues = open(args)?;
        check_kernel_has_not(&addresses)?;
        let tun = queues[0].name().to_owned();
        let net = match &args.pcap {
            Some(path) => {
                let recorder = Recorder::create(queues.remove(0), path);
                let recorder = recorder.map_err(|error| {
                    let path = path.display();
                    anyhow!("cannot record to {path}: {error}: choose a file that you may write")
                })?;
                Net::start(recorder, config)
            }
            None => Net::start_queues(queues, config),
        };
        Ok(Host {
            net: net.context("cannot start the stack")?,
            tun,
            addresses,
        })
    }

    /// The name of the interface.
    pub(crate) fn tun(&self) -> &str {
        &self.tun
    }

    /// An address of the stack, of the same family as `remote`.
    pub(crate) fn own_address(&self, remote: SocketAddr) -> Option<IpAddr> {
        let mut addresses = self.addresses.iter().copied();
        addresses.find(|address| address.is_ipv4() == remote.is_ipv4())
    }

    /// Listens at `port` on every address. Port 0: the stack chooses, the same for all.
    pub(crate) fn listen(&self, port: u16, backlog: usize) -> anyhow::Result<Vec<TcpListener>> {
        let mut listeners: Vec<TcpListener> = Vec::new();
        for &address in &self.addresses {
            let port = listeners
                .first()
                .map_or(port, |first| first.local_addr().port());
            let local = SocketAddr::new(address, port);
            let listener = self.net.listen_with_backlog(local, backlog);
            listeners.push(listener.with_context(|| format!("cannot listen on {local}"))?);
        }
        Ok(listeners)
    }

    /// UDP sockets at `port` of every address. Port 0: the stack chooses, the same for all.
    pub(crate) fn bind(&self, port: u16) -> anyhow::Result<Vec<UdpSocket>> {
        let mut sockets: Vec<UdpSocket> = Vec::new();
        for &address in &self.addresses {
            let port = sockets
                .first()
                .map_or(port, |first| first.local_addr().port());
            let local = SocketAddr::new(address, port);
            let socket = UdpSocket::bind(&self.net, local);
            sockets.push(socket.with_context(|| format!("cannot receive on {local}"))?);
        }
        Ok(sockets)
    }

    /// Closes what is open.
    pub(crate) fn close(&self) {
        self.net.shutdown(GRACE);
    }

    /// Closes what is open, and sums up.
    pub(crate) fn stop(&self, tally: &Tally) -> Summary {
        self.close();
        tally.summary(self.net.counters().retransmissions)
    }
}

/// Addresses that no host has: the first reserved by RFC 1112 §4, the second from the discard
/// prefix of RFC 6666.
const NOBODYS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(240, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1)),
];

/// Checks that the kernel has none of the stack's addresses: it would answer for them itself.
fn check_kernel_has_not(addresses: &[IpAddr]) -> anyhow::Result<()> {
    let can_bind = |address: IpAddr| net::UdpSocket::bind((address, 0)).is_ok();
    // A kernel socket can be bound only to the kernel's own addresses. There are two exceptions: a
    // namespace with no IPv4 address at all lets it be bound to any, and so does `ip_nonlocal_bind`.
    let tells = |address: IpAddr| {
        (NOBODYS.into_iter()).any(|it| it.is_ipv4() == address.is_ipv4() && !can_bind(it))
    };
    let is_taken = |address: &IpAddr| can_bind(*address) && tells(*address);
    match addresses.iter().find(|it| is_taken(it)) {
        Some(taken) => bail!(
            "the kernel has the address {taken} itself, so the stack cannot: give --ip another address of \
             the same network"
        ),
        None => Ok(()),
    }
}

/// The queues of the interface: at least one.
fn open(args: &HostArgs) -> anyhow::Result<Vec<TunDevice>> {
    let queues = match (args.queues, args.plain) {
        (0 | 1, true) => TunDevice::open_plain(&args.tun).map(|device| vec![device]),
        (0 | 1, false) => TunDevice::open(&args.tun).map(|device| vec![device]),
        (queues, true) => TunDevice::open_plain_queues(&args.tun, queues),
        (queues, false) => TunDevice::open_queues(&args.tun, queues),
    };
    let queues = queues.map_err(|error| match error {
        TunError::Busy(_) => {
            anyhow!("cannot open the interface: {error}: end that program, or choose another name")
        }
        error => anyhow::Error::new(error).context("cannot open the interface"),
    })?;
    let device = &queues[0];
    for &cidr in &args.up {
        (device.up(cidr)).with_context(|| format!("cannot give the kernel's end {cidr}"))?;
    }
    if !device.is_up()? {
        log::warn!(
            "{0} is down, nothing comes through: give the kernel's end an address with --up, or \
             `sudo ip link set {0} up`",
            device.name()
        );
    }
    Ok(queues)
}

/// Where the listeners listen, for a message.
pub(crate) fn places(locals: impl Iterator<Item = SocketAddr>) -> String {
    let places: Vec<String> = locals.map(|local| local.to_string()).collect();
    places.join(" and ")
}
