//! The command line of `stubborn link`: what cannot be is said in one line, before any interface
//! is touched. What the link does is in tests/netns/link.rs.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::process::Command;

/// The exit status and the only line of complaint.
fn complains(line: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stubborn"))
        .arg("link")
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{line}: {text}");
    (output.status.code().unwrap(), text.trim_end().to_owned())
}

#[test]
fn a_link_that_cannot_be_is_refused_in_one_line() {
    let cases = [
        (
            "--tun a0",
            1,
            "stubborn: a link has two ends: give --tun twice",
        ),
        (
            "--tun a0 --tun a0",
            1,
            "stubborn: a link has two ends: a0 cannot be both",
        ),
        (
            "--tun a0 --tun b0 --loss 120%",
            2,
            "stubborn: invalid value '120%' for '--loss <RATIO>': '120%' is not a ratio such as \
             1% or 0.01: try `stubborn link --help`",
        ),
        (
            "--tun a0 --tun b0 --delay 5",
            2,
            "stubborn: invalid value '5' for '--delay <TIME>': '5' is not a time such as \"10 \
             ms\", in ns, us, ms, s, min or h: try `stubborn link --help`",
        ),
        (
            "--tun a0 --tun b0 --queue 50ms",
            1,
            "stubborn: a queue needs a bottleneck: give a --rate, too",
        ),
        (
            "--tun a0 --tun b0 --rate 1mbit --queue 1bdp",
            1,
            "stubborn: a queue in bdp needs a round trip: give a --delay, too",
        ),
        (
            "--tun a0 --tun b0 --back los=1%",
            2,
            "stubborn: invalid value 'los=1%' for '--back <CHANGES>': there is no 'los' to \
             change, but delay, jitter, rate, queue, loss, bursts, reorder, duplicate and \
             corrupt: try `stubborn link --help`",
        ),
        (
            "--tun a0 --tun b0 --for 0s",
            2,
            "stubborn: invalid value '0s' for '--for <TIME>': '0s' is no time at all: try \
             `stubborn link --help`",
        ),
        (
            "--tun a0 --tun b0 --grain 0ms",
            2,
            "stubborn: invalid value '0ms' for '--grain <TIME>': '0ms' is no time at all: try \
             `stubborn link --help`",
        ),
        (
            "--tun a/b --tun b0 --rate 9999999999Gbit/s --delay 5000000000000000h --queue 1000bdp",
            1,
            "stubborn: cannot open the interface: \"a/b\" cannot name an interface: it must not \
             be empty, . or .., nor hold spaces, / or :",
        ),
        (
            "--tun a/b --tun b0",
            1,
            "stubborn: cannot open the interface: \"a/b\" cannot name an interface: it must not \
             be empty, . or .., nor hold spaces, / or :",
        ),
    ];
    for (line, status, complaint) in cases {
        assert_eq!(complains(line), (status, complaint.to_owned()), "{line}");
    }
}
