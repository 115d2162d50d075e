//! The command line.

use std::net::IpAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use stubborn::config::Config;
use stubborn::tun::Cidr;

use super::drill::DrillArgs;
use super::link::LinkArgs;
use super::sim::SimArgs;
use super::units::jobs;

const EXAMPLES: &str = "\
Examples:
  As root, an echo service on an interface that comes and goes with it; 10.11.12.1 is the
  kernel's end, 10.11.12.2 the stack's:
      stubborn echo --tun tun0 --up 10.11.12.1/24 --ip 10.11.12.2
      nc -N 10.11.12.2 7                         (in another terminal)

  Both families, and a file for Wireshark:
      stubborn echo --tun tun0 --up 10.11.12.1/24 --up fd00:5eed::1/64 \\
                    --ip 10.11.12.2 --ip fd00:5eed::2 --pcap echo.pcap

  Without being root, on an interface that root has made once for you:
      sudo ip tuntap add dev tun0 mode tun user $USER
      sudo ip addr add 10.11.12.1/24 dev tun0
      sudo ip link set tun0 up
      stubborn echo --tun tun0 --ip 10.11.12.2 --port 7777

  Like nc: type to a server of the kernel, or be the server:
      stubborn connect --tun tun0 --ip 10.11.12.2 10.11.12.1 8000
      stubborn listen --tun tun0 --ip 10.11.12.2 8000 < file
      stubborn echo --udp --tun tun0 --ip 10.11.12.2 (nc -u 10.11.12.2 7)

  Is the kernel there?
      stubborn ping --tun tun0 --ip 10.11.12.2 10.11.12.1 -c 3

  What happens: state changes with -v, every segment with -vv.

Ctrl-C closes what is open and prints a summary; a second Ctrl-C does not wait.
";

/// Talks TCP and UDP from user space, over a TUN interface.
///
/// The stack lives in this program. The kernel is only the other end of the interface, so every
/// tool of the machine (nc, curl, ping, tcpdump) can talk to it and watch it.
#[derive(Debug, Parser)]
#[command(name = "stubborn", version, after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log state changes; given twice, log every segment too
    ///
    /// RUST_LOG (for example RUST_LOG=debug) overrides it.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve echo: send back whatever arrives (RFC 862)
    #[command(after_long_help = EXAMPLES)]
    Echo(TransportArgs),
    /// Serve discard: throw away whatever arrives (RFC 863)
    #[command(after_long_help = EXAMPLES)]
    Discard(TransportArgs),
    /// Serve chargen: send lines of characters without end (RFC 864)
    #[command(after_long_help = EXAMPLES)]
    Chargen(ServiceArgs),
    /// Accept one connection, and copy standard input to it and what arrives to standard output
    ///
    /// With --udp, the peer is whoever sends the first datagram.
    #[command(after_long_help = EXAMPLES)]
    Listen(ListenArgs),
    /// Connect, and copy standard input to the peer and what arrives to standard output
    #[command(after_long_help = EXAMPLES)]
    Connect(ConnectArgs),
    /// Ask a host whether it is there, as ping does
    ///
    /// Prints a line for each reply and each error, and a summary. The exit status is 0 if a reply came, and 1 if
    /// none did. Ends after --count requests, or with Ctrl-C.
    #[command(after_long_help = EXAMPLES)]
    Ping(PingArgs),
    /// Simulate: run the stack in worlds with faults, one per seed, in virtual time
    Sim(SimArgs),
    /// Model check: visit every state that hosts, network and users can reach together
    ///
    /// The exit status is 0 if all that was checked holds, and 1 if something does not, or if the results differ from
    /// those of --compare.
    #[command(arg_required_else_help = true)]
    Check(CheckArgs),
    /// Emulate a path: join two TUN interfaces with delay, a rate limit, loss and more, in real time
    Link(Box<LinkArgs>),
    /// Run packetdrill scripts, which say packet by packet what TCP must do
    ///
    /// The exit status is 0 if no run failed, and 1 if one did. A script that is skipped has not failed.
    Drill(DrillArgs),
}

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// What to check, by name
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Check everything, and whether every cell of the diagram was visited
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,

    /// List what there is to check
    #[arg(long)]
    pub(crate) list: bool,

    /// How many searches to run at once [default: one per core]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZero<usize>>,

    /// Write the results to a file, as Markdown
    #[arg(long, value_name = "FILE", requires = "all", conflicts_with_all = ["names", "list"])]
    pub(crate) write: Option<PathBuf>,

    /// Fail if the results differ from those in a file
    #[arg(long, value_name = "FILE", requires = "all", conflicts_with_all = ["names", "list"])]
    pub(crate) compare: Option<PathBuf>,
}

/// The most queues that the kernel allows one interface.
const MAX_QUEUES: usize = 256;

/// The most octets of data in an echo request, over IPv6; over IPv4 it is 20 less.
const MAX_DATA: u16 = 65_527;

/// The most connections that a service serves at once: each takes a thread.
pub(crate) const MAX_CONNECTIONS: usize = 4096;

/// The interface and the addresses on it.
#[derive(Debug, clap::Args)]
pub(crate) struct HostArgs {
    /// The TUN interface: one that exists, or a name for a new one (which needs root)
    #[arg(long, value_name = "NAME")]
    pub(crate) tun: String,

    /// An address of the stack; repeat it for more, of either family
    #[arg(long, value_name = "ADDR", value_parser = own_address, required = true)]
    pub(crate) ip: Vec<IpAddr>,

    /// Give the kernel's end this address and bring the interface up; repeatable (needs root)
    #[arg(long, value_name = "CIDR")]
    pub(crate) up: Vec<Cidr>,

    /// No offloads: one packet per system call, with complete checksums, as on a wire
    #[arg(long)]
    pub(crate) plain: bool,

    /// Queues of the interface, each with a stack and a thread of its own (an existing interface must
    /// have been made with `multi_queue`)
    #[arg(long, value_name = "N", default_value = "1", value_parser = queues)]
    pub(crate) queues: usize,

    /// Also write every datagram, sent and received, to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,

    #[arg(long, value_name = "P", value_parser = local_port, help = port_help())]
    pub(crate) port: Option<u16>,
}

/// A service over either transport. Chargen is not among them: over UDP it would answer a forged
/// datagram with more octets than it received.
#[derive(Debug, clap::Args)]
pub(crate) struct TransportArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,

    /// Over UDP instead of TCP
    #[arg(short, long)]
    pub(crate) udp: bool,
}

fn port_help() -> String {
    format!(
        "The port to listen on [default: echo 7, discard 9, chargen 19]. Up to {MAX_CONNECTIONS} \
         connections are served at once; more wait until one ends"
    )
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,

    /// The port to listen on; 0 lets the stack choose (-v says which)
    #[arg(value_name = "PORT", value_parser = local_port)]
    pub(crate) port: u16,

    #[arg(short, long, help = UDP_HELP)]
    pub(crate) udp: bool,
}

const UDP_HELP: &str = "Over UDP instead of TCP: what is read from standard input at once is a \
                        datagram. Ends when standard input has and the peer is silent for a second";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,

    /// The IP address to connect to
    #[arg(value_name = "HOST", value_parser = remote_address)]
    pub(crate) remote: IpAddr,

    /// The port to connect to
    #[arg(value_name = "PORT", value_parser = remote_port)]
    pub(crate) port: u16,

    /// Give up if there is no connection after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,

    #[arg(short, long, conflicts_with = "timeout", help = UDP_HELP)]
    pub(crate) udp: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PingArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,

    /// The IP address of the host to ask, or of a group
    #[arg(value_name = "HOST", value_parser = remote_address)]
    pub(crate) remote: IpAddr,

    /// End after this many requests, once all are answered or --wait is over
    #[arg(short, long, value_name = "N", value_parser = requests)]
    pub(crate) count: Option<NonZero<u64>>,

    /// From one request to the next, in seconds: 0.002 at least
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Duration,

    /// Octets of data in each request, up to 65,507 over IPv4 and 65,527 over IPv6
    #[arg(short, long, value_name = "OCTETS", default_value = "56", value_parser = octets)]
    pub(crate) size: u16,

    /// TTL or hop limit of the requests [default: 64, to a group 1]
    #[arg(short, long, value_name = "HOPS", value_parser = hops)]
    pub(crate) ttl: Option<NonZero<u8>>,

    /// How long to wait for replies after the last request, in seconds
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) wait: Duration,
}

fn own_address(text: &str) -> Result<IpAddr, &'static str> {
    match text.parse() {
        Ok(address) if IpAddr::is_loopback(&address) => {
            Err("a loopback address never leaves the kernel: use one of the interface's network")
        }
        Ok(address) if Config::new([address]).validate().is_err() => Err(
            "no host has this address: use one of the interface's network, such as 10.11.12.2 or \
             fd00:5eed::2",
        ),
        Ok(address) => Ok(address),
        Err(_) if text.contains('/') => {
            Err("give the address alone, without a prefix length (which \
             belongs to --up, the kernel's end)")
        }
        Err(_) => Err("not an IP address such as 10.11.12.2 or fd00:5eed::2"),
    }
}

fn remote_address(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| {
        "not an IP address, and names are not looked up: give an address such as 10.11.12.1 or \
         fd00:5eed::1"
    })
}

fn local_port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "not a port: a number from 0 to 65535")
}

fn remote_port(text: &str) -> Result<u16, &'static str> {
    let port = local_port(text).ok().filter(|&port| port != 0);
    port.ok_or("not a port: a number from 1 to 65535")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or("not a time in seconds such as 5 or 0.5")
}

/// The time between two requests: a host is not to be flooded.
fn interval(text: &str) -> Result<Duration, &'static str> {
    let interval = seconds(text).ok();
    let interval = interval.filter(|interval| *interval >= Duration::from_millis(2));
    interval.ok_or("not a time in seconds such as 1 or 0.5, and 0.002 at least")
}

fn requests(text: &str) -> Result<NonZero<u64>, &'static str> {
    (text.parse().ok()).ok_or("not a number of requests, of which there is one at least")
}

fn octets(text: &str) -> Result<u16, &'static str> {
    let octets = text.parse().ok().filter(|octets| *octets <= MAX_DATA);
    octets.ok_or("not a number of octets from 0 to 65527")
}

fn hops(text: &str) -> Result<NonZero<u8>, &'static str> {
    (text.parse().ok()).ok_or("not a number of hops from 1 to 255")
}

/// A number of queues.
fn queues(text: &str) -> Result<usize, &'static str> {
    let queues = text.parse().ok();
    let queues = queues.filter(|queues| (1..=MAX_QUEUES).contains(queues));
    queues.ok_or("not a number of queues from 1 to 256")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_are_seconds_above_zero() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["", "0", "-1", "nan", "inf", "1e99", "5s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    /// An option that would have no effect is an error; it is not silently ignored.
    #[test]
    fn what_would_be_ignored_is_refused() {
        let is_refused = |line: &str| Args::try_parse_from(line.split(' ')).is_err();
        for line in [
            "stubborn check link-stubborn --write a.md",
            "stubborn check link-stubborn --compare a.md",
            "stubborn check --all --list --write a.md",
            "stubborn sim lossy --pcap a.pcap",
            "stubborn sim lossy --seeds 0..3 --pcap a.pcap",
            "stubborn sim --list --pcap a.pcap",
            "stubborn drill a.pkt --jobs 0",
            "stubborn drill a.pkt --jobs 1025",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -c 0",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -i 0.001",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -i 0",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -t 0",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -t 256",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -s 65536",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -f",
        ] {
            assert!(is_refused(line), "{line}");
        }
        for line in [
            "stubborn check --all --write a.md --compare b.md",
            "stubborn sim lossy --replay 1 --pcap a.pcap",
            "stubborn drill a.pkt --jobs 2",
            "stubborn ping --tun t --ip 10.0.0.2 10.0.0.1 -c 3 -i 0.2 -s 0 -t 1 -W 5",
        ] {
            assert!(!is_refused(line), "{line}");
        }
    }
}
