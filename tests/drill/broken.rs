//! Scripts that are wrong on purpose: each kind of mistake is found, where it is.

use stubborn::drill::{Definitions, Settings, Variant, Verdict, parse, run};

/// A passive open, up to a connection with descriptor 4.
const OPEN: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,nop,nop,sackOK,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+0 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
";

fn verdict(text: &str) -> Verdict {
    let script = parse(text, &Definitions::default()).unwrap_or_else(|e| panic!("{e}: {text}"));
    let report = run(&script, Variant::Ipv4, &Settings::default());
    report.expect("it is for IPv4, too").verdict
}

/// The line and what is told of it, in one text.
fn failure(text: &str) -> String {
    match verdict(text) {
        Verdict::Failed(failure) => {
            let differences = failure.differences.join("; ");
            format!("{}: {} {differences}", failure.place.line, failure.message)
        }
        other => panic!("{other:?}: {text}"),
    }
}

fn after_open(lines: &str) -> String {
    failure(&format!("{OPEN}{lines}"))
}

#[test]
fn the_opening_is_right() {
    assert_eq!(verdict(OPEN), Verdict::Passed);
}

#[test]
fn every_field_of_a_segment_is_held_to() {
    let rows = [
        ("> . 1:101(100) ack 1", "flags: . is expected, P. was sent"),
        ("> P. 2:102(100) ack 1", "seq: 2 is expected, 1 was sent"),
        (
            "> P. 1:100(99) ack 1",
            "length: 99 is expected, 100 was sent",
        ),
        ("> P. 1:101(100) ack 2", "ack: 2 is expected, 1 was sent"),
        ("> P. 1:101(100) ack 1 win 7", "win: 7 is expected"),
        (
            "> P. 1:101(100) ack 1 urg 7",
            "urg: 7 is expected, 0 was sent",
        ),
        (
            "> P. 1:101(100) ack 1 <nop,nop,TS val 1 ecr 1>",
            "options: <nop,nop,TS val 1 ecr 1> is expected, none was sent",
        ),
        (
            "> [ect0] P. 1:101(100) ack 1",
            "ecn: ect0 is expected, noecn was sent",
        ),
        (
            "> [tos 0x20] P. 1:101(100) ack 1",
            "tos: 0x20 is expected, 0x00 was sent",
        ),
        (
            "> [ttl 63] P. 1:101(100) ack 1",
            "ttl: 63 is expected, 64 was sent",
        ),
        ("> udp (100)", "protocol: UDP is expected, TCP was sent"),
        (
            "> icmp unreachable port_unreachable",
            "protocol: ICMP is expected, TCP was sent",
        ),
    ];
    for (line, expected) in rows {
        let told = after_open(&format!("+0 write(4, ..., 100) = 100\n+0 {line}"));
        assert!(told.starts_with("9: another packet is sent"), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn options_count_in_their_order() {
    let told = failure(&OPEN.replace("nop,nop,sackOK,nop,wscale 8", "sackOK,nop,nop,nop,wscale 8"));
    assert!(told.contains("options:"), "{told}");
    let told = failure(&OPEN.replace("mss 1460", "mss 1459"));
    assert!(told.contains("options:"), "{told}");
}

#[test]
fn time_counts() {
    let early = after_open("+0 write(4, ..., 100) = 100\n+.1 > P. 1:101(100) ack 1");
    assert!(early.contains("too early by"), "{early}");
    let late = after_open(
        "+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 11\n\
                           +0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 11\n\
                           +0 > P. 1:10(9) ack 11",
    );
    assert!(late.contains("too late by"), "{late}");
    let never = after_open("+0 > . 1:1(0) ack 1");
    assert!(never.contains("no packet is sent until"), "{never}");
    let any = after_open("* > . 1:1(0) ack 1");
    assert!(any.contains("no packet is sent"), "{any}");
    let range = after_open("+0 write(4, ..., 9) = 9\n+.1~+.2 > P. 1:10(9) ack 1");
    assert!(range.contains("too early by"), "{range}");
}

#[test]
fn a_packet_that_came_before_is_not_passed_over() {
    let told = after_open("+0 write(4, ..., 9) = 9\n+1 close(4) = 0\n+0 > F. 10:10(0) ack 1");
    assert!(told.starts_with("10: another packet is sent"), "{told}");
}

#[test]
fn pieces_must_be_one() {
    let told = after_open(
        "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n\
                           +0 write(4, ..., 5) = 5\n+0 write(4, ..., 9) = 9\n\
                           +0 > P. 1:15(14) ack 1",
    );
    assert!(told.contains("a piece is longer than the first"), "{told}");
    let strict = failure(&format!(
        "--strict_segments\n{OPEN}+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1"
    ));
    assert!(
        strict.contains("length: 2000 is expected, 1000 was sent"),
        "{strict}"
    );
}

#[test]
fn results_of_calls_are_held_to() {
    let rows = [
        (
            "+0 write(4, ..., 9) = 10",
            "result: 10 is expected, 9 is returned",
        ),
        (
            "+0 write(4, ..., 9) = -1 EPIPE (x)",
            "result: -1 EPIPE is expected, 9 is returned",
        ),
        (
            "+0 read(5, ..., 9) = 0",
            "result: 0 is expected, -1 EBADF is returned",
        ),
        (
            "+0 read(5, ..., 9) = -1 EAGAIN (x)",
            "result: -1 EAGAIN is expected, -1 EBADF is returned",
        ),
        (
            "+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0",
            "value: [1] is expected, [0] is returned",
        ),
        (
            "+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1",
            "revents: 0x1 is expected, 0x4 is returned",
        ),
        (
            "+0 socket(..., SOCK_STREAM, 0) = 4",
            "the script has a descriptor 4 already",
        ),
        ("+0 read(4, ...) = 0", "2 arguments, and 3 are meant"),
        (
            "+0 read(4, ..., \"x\") = 0",
            "argument 3: a number is meant, a name, or several with | between",
        ),
    ];
    for (line, expected) in rows {
        let told = after_open(line);
        assert!(told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn calls_that_block_return_when_they_should() {
    let told =
        after_open("+0...0.2 read(4, ..., 9) = 9\n+.1 < P. 1:10(9) ack 1 win 257\n+1 `true`");
    assert!(
        told.starts_with("8: the call returns at 0.100000"),
        "{told}"
    );
    let told = after_open("+0...0.2 read(4, ..., 9) = 9");
    assert!(
        told.contains("the script ends while the call blocks"),
        "{told}"
    );
    let told = after_open("+0 read(4, ..., 9) = 9");
    assert!(told.contains("the call would block"), "{told}");
    let told = after_open("+0...2 read(4, ..., 9) = 9\n+.1 write(4, ..., 1) = 1");
    assert!(
        told.contains("the call still blocks when the next one begins"),
        "{told}"
    );
}

#[test]
fn assertions_are_held_to() {
    let told = after_open("+0 %{ assert tcpi_snd_cwnd == 11 }%");
    assert!(
        told.contains("assert tcpi_snd_cwnd == 11; tcpi_snd_cwnd is 10"),
        "{told}"
    );
}

#[test]
fn an_echo_of_a_timestamp_that_was_never_sent_is_no_script() {
    let told = after_open("+0 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 1 ecr 77>");
    assert!(told.contains("no timestamp 77 was seen"), "{told}");
}

#[test]
fn what_nobody_knows_is_skipped_before_anything_happens() {
    let rows = [
        ("+0 reboot(1) = 0", "8:1: no support for the call reboot"),
        (
            "+0 `iptables -F`",
            "8:1: no support for the command iptables -F",
        ),
        (
            "+0 `sysctl -w net.ipv4.tcp_nonsense=1`",
            "8:1: no support for sysctl net.ipv4.tcp_nonsense=1",
        ),
        (
            "+0 %{ assert tcpi_nonsense == 1 }%",
            "8:1: the name tcpi_nonsense is not known in code",
        ),
        (
            "+0 %{ exec(1) }%",
            "8:1: code that is no assertion is not understood",
        ),
        (
            "+0 > ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0) win 1",
            "8:6: no support for packets inside ipv4",
        ),
        (
            "+0 write(4, ..., 9) = -1 ENONSENSE (x)",
            "8:1: the error ENONSENSE is not known here",
        ),
        (
            "+0 setsockopt(4, SOL_TCP, TCP_NONSENSE, [1], 4) = 0",
            "8:1: the name TCP_NONSENSE is not known here",
        ),
        (
            "+0 setsockopt(4, SOL_TCP, 9999, [1], 4) = 0",
            "8:1: no support for the socket option 9999",
        ),
    ];
    for (line, expected) in rows {
        // Something that fails stands before it: what cannot be run at all is not run.
        let text = format!("{OPEN}{line}");
        assert_eq!(verdict(&text), Verdict::Skipped(expected.to_owned()));
    }
    let text = format!("--colour=red\n{OPEN}");
    let reason = "1:1: the option --colour is not known here".to_owned();
    assert_eq!(verdict(&text), Verdict::Skipped(reason));
}

#[test]
fn a_run_is_the_same_every_time() {
    let text = format!("{OPEN}+0 write(4, ..., 100000) = 100000\n+0 > P. 1:9(8) ack 1");
    assert_eq!(verdict(&text), verdict(&text));
}
