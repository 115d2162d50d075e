//! Two network namespaces, each with a TUN interface for a stack, and the kernels' path between
//! them, which may lose packets.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::lab::{Family, Lab};
use super::process::{Running, run};

/// The interface of the stack at either end.
pub(crate) const TUN: &str = "tun0";

/// The two ends. Their namespaces are gone when this is dropped.
pub(crate) struct Apart {
    family: Family,
    /// What keeps each namespace.
    holders: [Running; 2],
}

/// What is made of each end: itself, the prefix of the other end's stack, and who leads there.
fn setup(family: Family, end: usize) -> String {
    let (ours, others) = (end + 1, 2 - end);
    let (tun, path, route) = match family {
        Family::V4 => (
            format!("10.31.{ours}.1/24"),
            format!("10.31.3.{ours}/24"),
            format!("10.31.{others}.0/24 via 10.31.3.{others}"),
        ),
        Family::V6 => (
            format!("fd00:31:{ours}::1/64 nodad"),
            format!("fd00:31:3::{ours}/64 nodad"),
            format!("fd00:31:{others}::/64 via fd00:31:3::{others}"),
        ),
    };
    format!(
        "echo 1 > /proc/sys/net/ipv4/ip_forward
         echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
         ip tuntap add dev {TUN} mode tun
         ip address add {tun} dev {TUN}
         ip link set {TUN} up
         ip address add {path} dev path
         ip link set path up
         ip route add {route}"
    )
}

impl Apart {
    /// Both namespaces, in the family of `lab`.
    pub(crate) fn new(lab: &Lab) -> Apart {
        let holder = || {
            let words = ["-n", "--", "sh", "-c", "echo here >&2; exec sleep 600"];
            Running::start("unshare", &words).says("here")
        };
        let apart = Apart {
            family: lab.family,
            holders: [holder(), holder()],
        };
        let other = apart.holders[1].pid();
        let path = format!("ip link add path type veth peer name path netns {other}");
        apart.runs(0, &path);
        for end in 0..2 {
            apart.runs(end, &setup(lab.family, end));
        }
        apart
    }

    /// The stack's address at an end, with a port.
    pub(crate) fn stack(&self, end: usize, port: u16) -> SocketAddr {
        let text = match self.family {
            Family::V4 => format!("10.31.{}.2:{port}", end + 1),
            Family::V6 => format!("[fd00:31:{}::2]:{port}", end + 1),
        };
        text.parse().unwrap()
    }

    /// Loses, from now on, this many of a hundred packets in each direction, where the kernel of the
    /// first end passes them on.
    pub(crate) fn lose(&self, lab: &Lab, percent: u32) {
        let rules = format!(
            "table inet loss {{
               chain forward {{
                 type filter hook forward priority 0
                 iifname \"{TUN}\" numgen random mod 100 < {percent} counter drop
                 oifname \"{TUN}\" numgen random mod 100 < {percent} counter drop
               }}
             }}\n"
        );
        let file = lab.file("loss.nft");
        fs::write(&file, rules).unwrap();
        self.runs(0, &format!("nft -f '{}'", file.display()));
    }

    /// Loses, from now on, this many of a hundred segments in each direction, on the path: the kernels
    /// cut super-segments before they send them there.
    pub(crate) fn lose_segments(&self, lab: &Lab, percent: u32) {
        let rules = format!(
            "table netdev loss {{
               chain in {{
                 type filter hook ingress device \"path\" priority 0
                 numgen random mod 100 < {percent} counter drop
               }}
             }}\n"
        );
        let file = lab.file("segments.nft");
        fs::write(&file, rules).unwrap();
        let other = match self.family {
            Family::V4 => "10.31.3.2",
            Family::V6 => "fd00:31:3::2",
        };
        // The ends find each other before anything is lost.
        self.runs(0, &format!("ping -n -c 1 -w 5 {other}"));
        for end in 0..2 {
            self.runs(end, "ip link set path gso_max_size 1600");
            self.runs(end, &format!("nft -f '{}'", file.display()));
        }
    }

    /// How many segments were lost so on the way to an end.
    pub(crate) fn lost_segments(&self, end: usize) -> u64 {
        let rules = self.runs(end, "nft list table netdev loss");
        let counter = rules.split("packets ").nth(1);
        let number = counter.and_then(|text| text.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap()
    }

    /// How many packets were lost: from the first end to the second, and back.
    pub(crate) fn lost(&self) -> [u64; 2] {
        let rules = self.runs(0, "nft list table inet loss");
        let counters = rules.split("packets ").skip(1);
        let numbers = counters.map(|text| text.split_whitespace().next().unwrap_or_default());
        let numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    }

    /// Runs a script in the namespace of an end; gives its standard output.
    fn runs(&self, end: usize, script: &str) -> String {
        run("nsenter", &self.entering(end, &["sh", "-ec", script]))
    }

    /// Starts a program in the namespace of an end.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, end: usize, words: &[S]) -> Running {
        Running::start("nsenter", &self.entering(end, words))
    }

    /// As [`Apart::start`], with files as standard input and output.
    pub(crate) fn between<S: AsRef<OsStr>>(
        &self,
        end: usize,
        words: &[S],
        input: &Path,
        output: &Path,
    ) -> Running {
        Running::between("nsenter", &self.entering(end, words), input, output)
    }

    /// The words with which nsenter starts `words` at an end.
    fn entering<S: AsRef<OsStr>>(&self, end: usize, words: &[S]) -> Vec<String> {
        let pid = self.holders[end].pid().to_string();
        let mut entering = vec!["-t".to_owned(), pid, "-n".to_owned(), "--".to_owned()];
        let words = words.iter().map(|word| word.as_ref().to_string_lossy());
        entering.extend(words.map(String::from));
        entering
    }
}
