//! The `stubborn` program: services, errors, signals and exit status.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{
    Ended, Lab, Running, eventually, in_both_families, pattern, reset_when_closed, run,
};

in_both_families![
    discard_takes_everything_and_says_nothing,
    chargen_sends_the_pattern_of_the_rfc,
    two_addresses_of_both_families_are_served,
    up_makes_an_interface_ready,
    errors_are_one_clear_line,
    a_kernel_without_addresses_has_none_of_ours,
    an_interface_that_is_taken_is_an_error,
    connect_is_refused,
    connect_gives_up_after_its_timeout,
    a_reset_is_an_error,
    end_of_input_half_closes,
    ctrl_c_closes_and_sums_up,
    ctrl_c_ends_listen_and_connect,
    a_recording_holds_both_directions,
    a_log_of_segments_takes_none_for_damaged,
];

const LIMIT: Duration = Duration::from_secs(10);

/// Runs `stubborn` with these words, to its end.
fn stubborn(words: &[&str]) -> Ended {
    Running::start(env!("CARGO_BIN_EXE_stubborn"), words).finish()
}

/// The one line of an error.
fn line_of(ended: &Ended) -> &str {
    let line = ended.errors.trim_end();
    assert!(
        line.starts_with("stubborn: ") && !line.contains('\n'),
        "{:?}",
        ended.errors
    );
    line
}

fn discard_takes_everything_and_says_nothing(lab: &Lab) {
    let stack = lab.stubborn("discard", &[]);
    let mut kernel = TcpStream::connect(lab.stack_at(9)).unwrap();
    kernel.write_all(&pattern(0, 1_000_000)).unwrap();
    kernel.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(kernel.read(&mut [0]).unwrap(), 0);
    stack.signal(Signal::SIGTERM);
    let ended = stack.finish().well();
    assert!(
        ended
            .errors
            .contains("connections: 1, octets in: 1000000, octets out: 0")
    );
}

fn chargen_sends_the_pattern_of_the_rfc(lab: &Lab) {
    let _stack = lab.stubborn("chargen", &[]);
    let mut kernel = TcpStream::connect(lab.stack_at(19)).unwrap();
    // What the client says is thrown away.
    kernel.write_all(&pattern(0, 1_000_000)).unwrap();
    let mut text = vec![0; 95 * 74 * 10];
    kernel.read_exact(&mut text).unwrap();
    for (number, line) in text.chunks(74).enumerate() {
        let expected: Vec<u8> = (0..72)
            .map(|place| b' ' + ((number + place) % 95) as u8)
            .collect();
        assert!(
            line[..72] == expected && &line[72..] == b"\r\n",
            "line {number}"
        );
    }
}

fn two_addresses_of_both_families_are_served(lab: &Lab) {
    let other = lab.other_family(2).to_string();
    let _stack = lab.stubborn("echo", &["--ip", &other]);
    for address in [lab.stack(), lab.other_family(2)] {
        let mut kernel = TcpStream::connect((address, 7)).unwrap();
        kernel.write_all(b"x").unwrap();
        kernel.read_exact(&mut [0]).unwrap();
    }
}

fn up_makes_an_interface_ready(lab: &Lab) {
    // The name and the network of the lab: other tests have others meanwhile.
    run("ip", &["link", "delete", lab.tun()]);
    let prefix = if lab.stack().is_ipv4() { 24 } else { 64 };
    let (ours, cidr) = (
        lab.stack().to_string(),
        format!("{}/{prefix}", lab.kernel()),
    );
    let words = ["echo", "--tun", lab.tun(), "--ip", &ours, "--up", &cidr];
    let stack = Running::start(env!("CARGO_BIN_EXE_stubborn"), &words).says("Ctrl-C ends it");
    // Usable at once: no time for anything like duplicate address detection.
    let mut kernel = TcpStream::connect((lab.stack(), 7)).unwrap();
    kernel.write_all(b"x").unwrap();
    kernel.read_exact(&mut [0]).unwrap();
    drop(kernel);
    stack.signal(Signal::SIGINT);
    stack.finish().well();
    assert!(
        !run("ip", &["link"]).contains(&format!(" {}:", lab.tun())),
        "the interface should go with its maker"
    );
}

fn errors_are_one_clear_line(lab: &Lab) {
    let (tun, ip) = (lab.tun(), &lab.stack().to_string());
    let other = &lab.other_family(1).to_string();
    let kernels = &lab.kernel().to_string();
    let cases: [(&[&str], i32, &str); 10] = [
        (
            &["echo", "--tun", tun, "--ip", kernels],
            1,
            "the kernel has the address",
        ),
        (
            &[
                "echo",
                "--tun",
                tun,
                "--ip",
                ip,
                "--pcap",
                "/nowhere/x.pcap",
            ],
            1,
            "/nowhere/x.pcap",
        ),
        (
            &["connect", "--tun", tun, "--ip", ip, ip, "9"],
            1,
            "connection refused",
        ),
        (&["echo", "--tun", "a-name-of-16-chr", "--ip", ip], 1, "15"),
        (
            &["echo", "--tun", "lo", "--ip", ip],
            1,
            "choose another name",
        ),
        (&["echo", "--tun", tun], 2, "--ip"),
        (
            &["echo", "--tun", tun, "--ip", "10.20.300.2"],
            2,
            "not an IP address",
        ),
        (&["echo", "--tun", tun, "--ip", "ff02::1"], 2, "ff02::1"),
        (
            &["connect", "--tun", tun, "--ip", ip, "localhost", "9"],
            2,
            "names are not looked up",
        ),
        (
            &["connect", "--tun", tun, "--ip", ip, other, "9"],
            1,
            "--ip",
        ),
    ];
    for (words, status, expected) in cases {
        let ended = stubborn(words).with(status);
        assert!(
            line_of(&ended).contains(expected),
            "{words:?}: {}",
            ended.errors
        );
    }
}

/// In a namespace without any address the kernel lets a socket be bound to whatever it asks for.
fn a_kernel_without_addresses_has_none_of_ours(lab: &Lab) {
    let (ip, kernels) = (lab.stack().to_string(), lab.kernel().to_string());
    let program = env!("CARGO_BIN_EXE_stubborn");
    let words = [
        "-n",
        program,
        "connect",
        "--timeout",
        "0.2",
        "--tun",
        "t0",
        "--ip",
        &ip,
        &kernels,
        "9",
    ];
    let ended = Running::start("unshare", &words).finish().with(1);
    assert!(ended.errors.contains("no answer"), "{}", ended.errors);
}

fn an_interface_that_is_taken_is_an_error(lab: &Lab) {
    let _first = lab.stubborn("echo", &[]);
    let second = stubborn(&["echo", "--tun", lab.tun(), "--ip", &lab.stack().to_string()]).with(1);
    assert!(
        line_of(&second).contains("another program"),
        "{}",
        second.errors
    );
}

fn connect_is_refused(lab: &Lab) {
    let words = [&lab.stack().to_string(), &lab.kernel().to_string()];
    let [ours, kernels] = words.map(|word| word as &str);
    let ended = stubborn(&["connect", "--tun", lab.tun(), "--ip", ours, kernels, "9"]).with(1);
    assert!(line_of(&ended).contains("refused"), "{}", ended.errors);
}

fn connect_gives_up_after_its_timeout(lab: &Lab) {
    lab.lose(100);
    let start = Instant::now();
    let words = [&lab.stack().to_string(), &lab.kernel().to_string()];
    let [ours, kernels] = words.map(|word| word as &str);
    let words = [
        "connect",
        "--timeout",
        "0.7",
        "--tun",
        lab.tun(),
        "--ip",
        ours,
        kernels,
        "9",
    ];
    let ended = stubborn(&words).with(1);
    assert!(line_of(&ended).contains("no answer"), "{}", ended.errors);
    assert!(start.elapsed() >= Duration::from_millis(700));
    assert!(start.elapsed() < Duration::from_secs(5));
    lab.lose_no_more();
}

fn a_reset_is_an_error(lab: &Lab) {
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let stack = lab.stubborn("connect", &[&lab.kernel().to_string(), "9000"]);
    let (kernel, _) = listener.accept().unwrap();
    reset_when_closed(&kernel);
    drop(kernel);
    // Its standard input is still open: that must not keep it.
    let mut stack = stack;
    eventually("it ends", LIMIT, || !stack.runs());
    let ended = stack.finish().with(1);
    assert!(ended.errors.contains("reset"), "{}", ended.errors);
}

fn end_of_input_half_closes(lab: &Lab) {
    let mut stack = lab.stubborn("listen", &["9000"]);
    let mut kernel = TcpStream::connect(lab.stack_at(9000)).unwrap();
    stack.type_in(b"the question");
    stack.end_input();
    let mut text = Vec::new();
    kernel.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"the question");
    // A second client is refused: one connection was asked for.
    assert!(TcpStream::connect(lab.stack_at(9000)).is_err());
    thread::sleep(Duration::from_millis(300));
    assert!(stack.runs(), "the peer has not closed yet");
    kernel.write_all(b"the answer").unwrap();
    drop(kernel);
    assert_eq!(stack.finish().well().text(), "the answer");
}

fn ctrl_c_closes_and_sums_up(lab: &Lab) {
    let stack = lab.stubborn("echo", &[]);
    let mut kernel = TcpStream::connect(lab.stack_at(7)).unwrap();
    kernel.write_all(b"12345").unwrap();
    kernel.read_exact(&mut [0; 5]).unwrap();
    kernel.set_read_timeout(Some(LIMIT)).unwrap();
    // What has been sent is counted a moment later.
    thread::sleep(Duration::from_millis(200));
    stack.signal(Signal::SIGINT);
    // It closes what is open.
    assert_eq!(kernel.read(&mut [0]).unwrap(), 0);
    drop(kernel);
    let ended = stack.finish().well();
    let summary = "connections: 1, octets in: 5, octets out: 5, retransmissions: 0";
    assert!(ended.errors.contains(summary), "{}", ended.errors);
}

fn ctrl_c_ends_listen_and_connect(lab: &Lab) {
    let listening = lab.stubborn("listen", &["9000"]);
    listening.signal(Signal::SIGINT);
    let ended = listening.finish().with(130);
    assert!(ended.errors.contains("connections: 0"), "{}", ended.errors);

    let terminated = lab.stubborn("listen", &["9000"]);
    terminated.signal(Signal::SIGTERM);
    let ended = terminated.finish().with(143);
    assert!(ended.errors.contains("connections: 0"), "{}", ended.errors);

    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let mut connected = lab.stubborn("connect", &[&lab.kernel().to_string(), "9000"]);
    let (mut kernel, _) = listener.accept().unwrap();
    kernel.set_read_timeout(Some(LIMIT)).unwrap();
    connected.type_in(b"abc");
    kernel.read_exact(&mut [0; 3]).unwrap();
    thread::sleep(Duration::from_millis(200));
    connected.signal(Signal::SIGINT);
    assert_eq!(kernel.read(&mut [0]).unwrap(), 0);
    drop(kernel);
    let ended = connected.finish().with(130);
    let summary = "connections: 1, octets in: 0, octets out: 3";
    assert!(ended.errors.contains(summary), "{}", ended.errors);
}

/// With offloads the kernel leaves checksums to the device.
fn a_log_of_segments_takes_none_for_damaged(lab: &Lab) {
    let stack = lab.stubborn("echo", &["-v"]);
    let mut kernel = TcpStream::connect(lab.stack_at(7)).unwrap();
    kernel.write_all(b"12345").unwrap();
    kernel.read_exact(&mut [0; 5]).unwrap();
    drop(kernel);
    thread::sleep(Duration::from_millis(200));
    stack.signal(Signal::SIGINT);
    let ended = stack.finish().well();
    let arrives = ended
        .errors
        .lines()
        .find(|line| line.contains("in  ") && line.contains("Flags [S]"));
    assert!(arrives.is_some(), "{}", ended.errors);
    assert!(!ended.errors.contains("refused"), "{}", ended.errors);
}

fn a_recording_holds_both_directions(lab: &Lab) {
    let file = lab.file("echo.pcap");
    let file = file.to_str().unwrap();
    let stack = lab.stubborn("echo", &["--pcap", file]);
    let mut kernel = TcpStream::connect(lab.stack_at(7)).unwrap();
    kernel.write_all(b"12345").unwrap();
    kernel.read_exact(&mut [0; 5]).unwrap();
    drop(kernel);
    thread::sleep(Duration::from_millis(200));
    stack.signal(Signal::SIGINT);
    stack.finish().well();
    let text = run("tcpdump", &["-n", "-r", file, "-Z", "root", "tcp"]);
    assert!(text.lines().count() >= 8, "{text}");
    for end in [
        format!("{}.7 > ", lab.stack()),
        format!(" > {}.7: ", lab.stack()),
    ] {
        assert!(text.contains(&end), "{text}");
    }
    assert!(fs::metadata(file).unwrap().len() > 8 * 60);
}
