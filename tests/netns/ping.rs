//! `stubborn ping` against the kernel: replies, errors, signals and exit status.

use nix::sys::signal::Signal;

use crate::harness::{
    Device, Ended, Family, Lab, PATIENCE, Running, eventually, in_both_families, run,
    stop_recording,
};

in_both_families![
    the_kernel_answers,
    an_interrupt_sums_up,
    nobody_answers,
    errors_are_told,
    the_stack_answers_itself,
    tcpdump_sees_what_ping_sends,
];

/// `stubborn ping` with these words, to its end. The kernel may take the link for down when the first request comes,
/// and lose what it says to that: so nothing is expected of the first.
fn ping(lab: &Lab, words: &[&str]) -> Ended {
    let words = lab.stubborn_words("ping", &[words, &["-W", "1"]].concat());
    Running::start(env!("CARGO_BIN_EXE_stubborn"), &words).finish()
}

/// The sequence numbers of the replies, but for the first request's.
fn replies<'a>(text: &'a str, from: &str, octets: usize) -> Vec<&'a str> {
    let begin = format!("{octets} bytes from {from}: icmp_seq=");
    let rest = text.lines().filter_map(|line| line.strip_prefix(&begin));
    let numbers = rest.map(|rest| rest.split_once(' ').unwrap().0);
    numbers.filter(|number| *number != "1").collect()
}

fn the_kernel_answers(lab: &Lab) {
    let kernel = lab.kernel().to_string();
    // One packet, none of data, and fragments: of the request, and of the reply.
    for size in ["56", "0", "1", "4000", "60000"] {
        let words = [&*kernel, "-c", "4", "-i", "0.05", "-s", size];
        let text = ping(lab, &words).well().text();
        let octets = size.parse::<usize>().unwrap() + 8;
        assert_eq!(replies(&text, &kernel, octets), ["2", "3", "4"], "{text}");
        let greeting = match lab.family {
            Family::V4 => format!(
                "PING {kernel} ({kernel}) {size}({}) bytes of data.\n",
                octets + 20
            ),
            Family::V6 => format!("PING {kernel}({kernel}) {size} data bytes\n"),
        };
        assert!(text.starts_with(&greeting), "{text}");
        assert!(text.matches(" ttl=64 time=").count() >= 3, "{text}");
        assert!(text.contains("\n4 packets transmitted, "), "{text}");
        assert!(text.contains("\nrtt min/avg/max/mdev = "), "{text}");
    }
}

fn an_interrupt_sums_up(lab: &Lab) {
    let kernel = lab.kernel().to_string();
    let running = lab.stubborn("ping", &[&kernel, "-i", "0.05"]);
    eventually("it is answered", PATIENCE, || {
        let text = String::from_utf8(running.output()).unwrap();
        text.contains("icmp_seq=3 ")
    });
    running.signal(Signal::SIGINT);
    let text = running.finish().well().text();
    assert!(text.contains(" packets transmitted, "), "{text}");

    let nobody = lab.nobody().to_string();
    let running = lab.stubborn("ping", &[&nobody]);
    running.signal(Signal::SIGTERM);
    let text = running.finish().with(1).text();
    assert!(text.contains(" 0 received, "), "{text}");
}

fn nobody_answers(lab: &Lab) {
    let nobody = lab.nobody().to_string();
    let words = [&*nobody, "-c", "2", "-i", "0.05"];
    let text = ping(lab, &words).with(1).text();
    let summary = "2 packets transmitted, 0 received, 100% packet loss";
    assert!(text.contains(summary), "{text}");
    // An address of the other family, of which the stack has none.
    let other = lab.other_family(1).to_string();
    let ended = ping(lab, &[&other]).with(1);
    let said = format!("stubborn: cannot ping {other}: ");
    assert!(ended.errors.contains(&said), "{}", ended.errors);
    let unspecified = match lab.family {
        Family::V4 => "0.0.0.0",
        Family::V6 => "::",
    };
    let ended = ping(lab, &[unspecified]).with(1);
    let said = format!("cannot ping {unspecified}: no host has this address");
    assert!(ended.errors.contains(&said), "{}", ended.errors);
}

/// What the kernel says as a router.
fn errors_are_told(lab: &Lab) {
    let (unreachable, far) = (lab.path(9).to_string(), lab.path(10).to_string());
    let (kernel, tun) = (lab.kernel().to_string(), lab.tun());
    run("ip", &["route", "add", "unreachable", &unreachable]);
    let expected = match lab.family {
        Family::V4 => {
            let forwarding = format!("net.ipv4.conf.{tun}.forwarding=1");
            run("sysctl", &["-qw", &forwarding]);
            "Destination Host Unreachable"
        }
        Family::V6 => "Destination unreachable: No route",
    };
    let words = [&*unreachable, "-c", "2", "-i", "0.05"];
    let text = ping(lab, &words).with(1).text();
    let line = format!("From {kernel} icmp_seq=2 {expected}\n");
    assert!(text.contains(&line), "{text}");
    let summary = "2 packets transmitted, 0 received, +";
    assert!(text.contains(summary), "{text}");
    if lab.family == Family::V6 {
        // The kernel would have to route for everybody in this namespace.
        return;
    }
    run("ip", &["route", "add", &far, "dev", tun]);
    let text = ping(lab, &[&far, "-c", "2", "-i", "0.05", "-t", "1"])
        .with(1)
        .text();
    // The kernel limits the rate of its errors: one of the two is told of at least.
    let told = |line: &str| {
        let begins = line.starts_with(&format!("From {kernel} icmp_seq="));
        begins && line.ends_with(" Time to live exceeded")
    };
    assert!(text.lines().any(told), "{text}");
}

fn the_stack_answers_itself(lab: &Lab) {
    let stack = lab.stack().to_string();
    let text = ping(lab, &[&stack, "-c", "3", "-i", "0.05"]).well().text();
    assert_eq!(replies(&text, &stack, 64), ["2", "3"], "{text}");
}

fn tcpdump_sees_what_ping_sends(lab: &Lab) {
    let kernel = lab.kernel().to_string();
    let recorder = lab.record("ping.pcap");
    ping(lab, &[&kernel, "-c", "3", "-i", "0.05"]).well();
    stop_recording(recorder);
    let file = lab.file("ping.pcap");
    let words = ["-n", "-vv", "-Z", "root", "-r", file.to_str().unwrap()];
    let filter = match lab.family {
        Family::V4 => "icmp",
        Family::V6 => "icmp6",
    };
    let text = run(
        "tcpdump",
        &[&words[..], &[filter, "and", "src", "or", "dst", &kernel]].concat(),
    );
    assert_eq!(text.matches("echo request").count(), 3, "{text}");
    assert!(text.matches("echo reply").count() >= 2, "{text}");
    if lab.family == Family::V6 && lab.device == Device::Plain {
        assert!(text.matches("icmp6 sum ok").count() >= 5, "{text}");
    }
    assert!(!text.contains("wrong"), "{text}");
}
