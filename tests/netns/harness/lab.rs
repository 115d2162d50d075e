//! An interface between the kernel and the stack, and what can be done to it.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use stubborn::config::Config;
use stubborn::sockets::Net;
use stubborn::tun::TunDevice;

use super::eventually;
use super::process::{PATIENCE, Running, run};

/// Which family a test runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "v4",
            Family::V6 => "v6",
        })
    }
}

/// How a test opens the stack's end of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// With offloads: super-segments, and checksums that the kernel completes.
    Offload,
    /// One packet a system call.
    Plain,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Offload => "offload",
            Device::Plain => "plain",
        })
    }
}

/// A TUN interface in a network of its own: the kernel has the addresses that end in 1, the
/// stack those that end in 2. Gone when dropped.
pub(crate) struct Lab {
    pub(crate) family: Family,
    pub(crate) device: Device,
    number: u16,
    tun: String,
    directory: PathBuf,
    recorder: Option<Running>,
}

/// The number of the next lab's network. 0 is that of `tun0`, which scripts/netns makes.
static NEXT: AtomicU16 = AtomicU16::new(1);

impl Lab {
    pub(crate) fn new(title: &str, family: Family, device: Device) -> Lab {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < 5 * 256, "too many labs for their networks");
        let tun = format!("lab{number}");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("netns")
            .join(title.replace("::", "-"));
        // What a run before left.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let mut lab = Lab {
            family,
            device,
            number,
            tun,
            directory,
            recorder: None,
        };
        lab.make(&[]);
        if std::env::var_os("STUBBORN_CAPTURE").is_some() {
            lab.recorder = Some(lab.record("all.pcap"));
        }
        lab
    }

    /// Makes the interface anew, for several queues.
    pub(crate) fn remake_for_queues(&self) {
        run("ip", &["link", "delete", &self.tun]);
        self.make(&["multi_queue"]);
    }

    /// Makes the interface, with more `words` for it.
    fn make(&self, words: &[&str]) {
        let lab = self;
        let make = ["tuntap", "add", "dev", &lab.tun, "mode", "tun"];
        run("ip", &[&make, words].concat());
        // nodad: usable at once, not when duplicate address detection has been decided upon.
        for (family, words) in [(Family::V4, "/24"), (Family::V6, "/64 nodad")] {
            let words = format!(
                "address add dev {} {}{words}",
                lab.tun,
                lab.address(family, 1)
            );
            run("ip", &words.split(' ').collect::<Vec<_>>());
        }
        run("ip", &["link", "set", &lab.tun, "up"]);
        // The kernel takes what is for its address of IPv6 once a worker of its own has made a route for that, however
        // long after the command. An ICMP error before that is lost, and nobody sends it again.
        let address = lab.address(Family::V6, 1).to_string();
        let words = ["-6", "route", "show", "table", "local", &address];
        eventually("the kernel has its address", PATIENCE, || {
            run("ip", &words).contains(&address)
        });
    }

    /// The name of the interface.
    pub(crate) fn tun(&self) -> &str {
        &self.tun
    }

    /// The kernel's address in the family of the test.
    pub(crate) fn kernel(&self) -> IpAddr {
        self.address(self.family, 1)
    }

    /// The stack's address in the family of the test.
    pub(crate) fn stack(&self) -> IpAddr {
        self.address(self.family, 2)
    }

    /// An address of the network in the family of the test that nobody has.
    pub(crate) fn nobody(&self) -> IpAddr {
        self.address(self.family, 99)
    }

    /// A port of the kernel.
    pub(crate) fn kernel_at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.kernel(), port)
    }

    /// A port of the stack.
    pub(crate) fn stack_at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.stack(), port)
    }

    /// The address in the family other than the test's that ends in `host`.
    pub(crate) fn other_family(&self, host: u8) -> IpAddr {
        let other = match self.family {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        };
        self.address(other, host)
    }

    /// An address of a second network of the test, that of a path, in the family of the test.
    pub(crate) fn path(&self, host: u8) -> IpAddr {
        address(self.family, 21, self.number, host)
    }

    fn address(&self, family: Family, host: u8) -> IpAddr {
        address(family, 20, self.number, host)
    }

    /// A file of the test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A file of the test with random octets.
    pub(crate) fn random_file(&self, name: &str, len: usize) -> PathBuf {
        let path = self.file(name);
        let mut octets = vec![0; len];
        getrandom::fill(&mut octets).unwrap();
        fs::write(&path, octets).unwrap();
        path
    }

    /// Starts `stubborn COMMAND` on the interface, with the stack's address in the family of the
    /// test, and waits until it has begun.
    pub(crate) fn stubborn(&self, command: &str, arguments: &[&str]) -> Running {
        let words = self.stubborn_words(command, arguments);
        let program = Running::start(env!("CARGO_BIN_EXE_stubborn"), &words).says(BEGUN);
        self.wait_for_link();
        program
    }

    /// As [`Lab::stubborn`], with files as standard input and output.
    pub(crate) fn stubborn_between(
        &self,
        command: &str,
        arguments: &[&str],
        input: &Path,
        output: &Path,
    ) -> Running {
        let words = self.stubborn_words(command, arguments);
        Running::between(env!("CARGO_BIN_EXE_stubborn"), &words, input, output).says(BEGUN)
    }

    /// The words of [`Lab::stubborn`], for a command that may end at once.
    pub(crate) fn stubborn_words(&self, command: &str, arguments: &[&str]) -> Vec<String> {
        let stack = self.stack().to_string();
        let mut words = vec![command, "-v", "--tun", &self.tun, "--ip", &stack];
        words.extend((self.device == Device::Plain).then_some("--plain"));
        words.extend(arguments);
        words.into_iter().map(str::to_owned).collect()
    }

    /// A stack of this program on the interface, with the stack's address in the family of the
    /// test.
    pub(crate) fn net(&self) -> Net {
        self.net_with(|_| ())
    }

    /// As [`Lab::net`], configured as `change` makes it.
    pub(crate) fn net_with(&self, change: impl FnOnce(&mut Config)) -> Net {
        let mut config = Config::new([self.stack()]);
        change(&mut config);
        let device = match self.device {
            Device::Offload => TunDevice::open(&self.tun),
            Device::Plain => TunDevice::open_plain(&self.tun),
        };
        let device = device.unwrap();
        assert_eq!(device.has_offloads(), self.device == Device::Offload);
        let net = Net::start(device, config).unwrap();
        self.wait_for_link();
        net
    }

    /// Waits until the kernel has noticed that somebody is at the other end of the interface:
    /// until then it may drop what comes.
    pub(crate) fn wait_for_link(&self) {
        eventually("the link is up", Duration::from_secs(5), || {
            run("ip", &["link", "show", "dev", &self.tun]).contains("state UP")
        });
    }

    /// Writes what is on the interface into a file of the test, until stopped.
    pub(crate) fn record(&self, name: &str) -> Running {
        let file = self.file(name);
        let file = file.to_str().unwrap();
        // -Z root: in a user namespace there is no other user to become.
        let words = [
            "-n",
            "-U",
            "--immediate-mode",
            "-B",
            "32768",
            "-s",
            "160",
            "-Z",
            "root",
        ];
        let words = [&words[..], &["-i", &self.tun, "-w", file]].concat();
        Running::start("tcpdump", &words).says("listening on")
    }

    /// Loses, from now on, this many of a hundred packets in each direction.
    pub(crate) fn lose(&self, percent: u32) {
        let tun = &self.tun;
        // Dropped on the way out, the kernel would learn of it from its own device, and would
        // not call it loss. So those are sent where nobody is. Without segmentation offload every
        // packet is one packet.
        run("ip", &["link", "set", tun, "gso_max_segs", "1"]);
        run("ip", &["tuntap", "add", "dev", &self.hole(), "mode", "tun"]);
        run("ip", &["link", "set", &self.hole(), "up"]);
        let which = match percent {
            100 => String::new(),
            _ => format!("numgen random mod 100 < {percent}"),
        };
        let rules = format!(
            "table netdev {tun} {{
               chain out {{
                 type filter hook egress device \"{tun}\" priority 0
                 {which} counter fwd to \"{hole}\"
               }}
               chain in {{
                 type filter hook ingress device \"{tun}\" priority 0
                 {which} counter drop
               }}
             }}\n",
            hole = self.hole(),
        );
        let path = self.file("loss.nft");
        fs::write(&path, rules).unwrap();
        run("nft", &["-f", path.to_str().unwrap()]);
    }

    /// How many packets were lost so: to the stack, and from it.
    pub(crate) fn lost(&self) -> [u64; 2] {
        let rules = run("nft", &["list", "table", "netdev", &self.tun]);
        ["out", "in"].map(|chain| {
            let counter = rules.split(&format!("chain {chain}")).nth(1);
            let counter = counter.and_then(|text| text.split("packets ").nth(1));
            let number = counter.and_then(|text| text.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).unwrap()
        })
    }

    /// Loses nothing any more.
    pub(crate) fn lose_no_more(&self) {
        run("nft", &["delete", "table", "netdev", &self.tun]);
        run("ip", &["link", "delete", &self.hole()]);
    }

    fn hole(&self) -> String {
        format!("hole{}", self.number)
    }

    /// Brings the kernel's end of the interface up or down.
    pub(crate) fn set_link(&self, state: &str) {
        run("ip", &["link", "set", &self.tun, state]);
    }
}

/// A host of a network: of kind 20, the interface's, or 21, a path's.
fn address(family: Family, kind: u8, number: u16, host: u8) -> IpAddr {
    // 256 networks of either kind begin with 10.20, 10.21; the next with 10.22, 10.23.
    let [high, number] = number.to_be_bytes();
    let kind = kind + 2 * high;
    match family {
        Family::V4 => Ipv4Addr::new(10, kind, number, host).into(),
        Family::V6 => {
            let [kind, number, host] = [kind, number, host].map(u16::from);
            Ipv6Addr::new(0xfd00, 0x5eed, kind, number, 0, 0, 0, host).into()
        }
    }
}

/// What `stubborn -v` says once it listens or connects.
const BEGUN: &str = "Ctrl-C ends it";

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            stop_recording(recorder);
        }
        for interface in [self.tun.clone(), self.hole()] {
            // The hole is not always there.
            let words = ["link", "delete", &interface];
            drop(Running::start("ip", &words).finish());
        }
        if !thread::panicking() && std::env::var_os("STUBBORN_CAPTURE").is_none() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// Ends a recording: its file is then complete.
pub(crate) fn stop_recording(recorder: Running) {
    // The last packets are on their way through the capture's buffer.
    thread::sleep(Duration::from_millis(200));
    recorder.signal(Signal::SIGINT);
    recorder.finish();
}
