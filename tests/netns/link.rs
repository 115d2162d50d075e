//! `stubborn link`: a path between two namespaces, with delay, loss and reordering.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{Lab, Running, eventually, in_both_families, run};

in_both_families![
    a_path_has_the_delay_it_was_given_and_loses_its_share,
    a_file_gets_over_a_path_that_loses_and_reorders,
    the_link_ends_by_itself_and_when_an_interface_is_deleted,
];

const LIMIT: Duration = Duration::from_secs(100);

/// A link whose near end is in the namespace of the test, and whose far end is in one of its own.
struct Linked {
    link: Running,
    far: Running,
    near_end: String,
}

impl Linked {
    fn new(lab: &Lab, options: &[&str]) -> Linked {
        let names = [format!("{}-near", lab.tun()), format!("{}-far", lab.tun())];
        let words = ["link", "--tun", &names[0], "--tun", &names[1]];
        let words = [&words[..], options].concat();
        let link = Running::start(env!("CARGO_BIN_EXE_stubborn"), &words).says("Ctrl-C ends it");
        let holder = ["-n", "--", "sh", "-c", "echo here >&2; exec sleep 600"];
        let far = Running::start("unshare", &holder).says("here");
        run(
            "ip",
            &["link", "set", &names[1], "netns", &far.pid().to_string()],
        );
        let [near_end, far_end] = [1, 2].map(|end| lab.path(end).to_string());
        run("sh", &["-ec", &set_up(&names[0], &near_end)]);
        let linked = Linked {
            link,
            far,
            near_end,
        };
        // What the far end does not know itself leads over the path.
        let route = format!("ip route add default via {}", linked.near_end);
        linked.at_far(&["sh", "-ec", &set_up(&names[1], &far_end)]);
        linked.at_far(&["sh", "-ec", &route]);
        eventually("the path carries", Duration::from_secs(10), || {
            let ping = ["-c", "1", "-W", "1", &far_end];
            Running::start("ping", &ping).finish().status.success()
        });
        linked
    }

    /// Starts a program at the far end.
    fn start_far(&self, words: &[&str]) -> Running {
        let pid = self.far.pid().to_string();
        Running::start("nsenter", &[&["-t", &pid, "-n", "--"], words].concat())
    }

    /// Runs a program at the far end.
    fn at_far(&self, words: &[&str]) {
        self.start_far(words).finish().well();
    }

    /// Ends the link; gives what it says at its end.
    fn ends(self) -> String {
        self.link.signal(Signal::SIGINT);
        self.link.finish().well().errors
    }
}

fn set_up(interface: &str, address: &str) -> String {
    let prefix = if address.contains(':') {
        "64 nodad"
    } else {
        "24"
    };
    format!(
        "ip address add {address}/{prefix} dev {interface}
         ip link set {interface} up"
    )
}

fn a_path_has_the_delay_it_was_given_and_loses_its_share(lab: &Lab) {
    let options = ["--delay", "10ms", "--back", "delay=20ms,loss=25%"];
    let linked = Linked::new(lab, &options);
    let far = lab.path(2).to_string();
    let text = Running::start("ping", &["-n", "-c", "200", "-i", "0.02", "-W", "2", &far]);
    let text = text.finish_within(LIMIT).text();
    let times: Vec<f64> = text
        .split("time=")
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
        .collect();
    // Seven standard deviations from three quarters of 200.
    assert!((107..=193).contains(&times.len()), "{text}");
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((30.0..60.0).contains(&least), "{least} ms");
    let summary = linked.ends();
    assert!(
        summary.contains("there: ") && summary.contains("back: "),
        "{summary}"
    );
}

fn a_file_gets_over_a_path_that_loses_and_reorders(lab: &Lab) {
    let options = [
        "--rate",
        "50mbit",
        "--delay",
        "2ms",
        "--loss",
        "1%",
        "--reorder",
        "1%/3",
    ];
    let linked = Linked::new(lab, &options);
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
    let (sent, received) = (lab.random_file("sent", 2_000_000), lab.file("received"));
    let stack = lab.stubborn_between("listen", &["9000"], Path::new("/dev/null"), &received);
    let send = format!("exec nc -N {} 9000 < '{}'", lab.stack(), sent.display());
    let nc = linked.start_far(&["sh", "-c", &send]);
    stack.finish_within(LIMIT).well();
    nc.finish().well();
    assert!(fs::read(&sent).unwrap() == fs::read(&received).unwrap());
    let summary = linked.ends();
    assert!(!summary.contains(" 0 held back"), "{summary}");
}

fn the_link_ends_by_itself_and_when_an_interface_is_deleted(lab: &Lab) {
    let names = [format!("{}-a", lab.tun()), format!("{}-b", lab.tun())];
    let words = ["link", "--tun", &names[0], "--tun", &names[1]];
    let program = env!("CARGO_BIN_EXE_stubborn");
    let timed = Running::start(program, &[&words[..], &["--for", "100ms"]].concat());
    timed.finish().well();
    let link = Running::start(program, &words).says("Ctrl-C ends it");
    run("ip", &["link", "delete", &names[1]]);
    let ended = link.finish().with(1);
    let complaint = format!("stubborn: {}: the device is closed\n", names[1]);
    assert!(ended.errors.ends_with(&complaint), "{}", ended.errors);
}
