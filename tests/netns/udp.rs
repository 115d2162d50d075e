//! UDP: the program and the sockets against nc, socat and the kernel.

use std::io::{self, ErrorKind};
use std::net::UdpSocket as KernelSocket;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};
use stubborn::sockets::UdpSocket;

use crate::harness::{
    Device, Family, Lab, PATIENCE, Running, eventually, in_both_families, pattern, run,
    stop_recording,
};

in_both_families![
    nc_gets_its_echo,
    socat_gets_its_echo,
    nc_talks_to_listen,
    connect_talks_to_nc,
    connect_talks_to_socat,
    nobody_is_refused_both_ways,
    the_end_of_input_ends_a_conversation,
    datagrams_of_every_size_go_both_ways,
    datagrams_that_the_kernel_sends_at_once_arrive_one_by_one,
    tcpdump_finds_every_checksum_right,
];

const LINE: &str = "привет, stubborn\n";

/// An address and port as socat wants them.
fn socat(lab: &Lab, what: &str, address: std::net::IpAddr, port: u16) -> String {
    match lab.family {
        Family::V4 => format!("{what}4:{address}:{port}"),
        Family::V6 => format!("{what}6:[{address}]:{port}"),
    }
}

/// Waits until something of the kernel's end has `port`, at the address of this test's own network.
fn kernel_has(lab: &Lab, port: u16) {
    let filter = format!("sport = :{port}");
    let socket = lab.kernel_at(port).to_string();
    eventually(
        "a program of the kernel's end has the port",
        PATIENCE,
        || run("ss", &["-Hanu", &filter]).contains(&socket),
    );
}

/// A socket of the kernel's end that does not wait for ever.
fn kernel_socket(lab: &Lab, port: u16) -> KernelSocket {
    let socket = KernelSocket::bind(lab.kernel_at(port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn nc_gets_its_echo(lab: &Lab) {
    let stack = lab.stubborn("echo", &["--udp"]);
    let mut nc = Running::start("nc", &["-u", &lab.stack().to_string(), "7"]);
    nc.type_in(LINE.as_bytes());
    nc.outputs(LINE.as_bytes());
    nc.type_in(b"and again\n");
    nc.outputs(format!("{LINE}and again\n").as_bytes());
    drop(nc);
    stack.signal(Signal::SIGINT);
    let ended = stack.finish().well();
    let octets = LINE.len() + 10;
    let summary =
        format!("datagrams in: 2, octets in: {octets}, datagrams out: 2, octets out: {octets}");
    assert!(ended.errors.contains(&summary), "{}", ended.errors);
}

fn socat_gets_its_echo(lab: &Lab) {
    let _stack = lab.stubborn("echo", &["-u", "--port", "7777"]);
    let peer = socat(lab, "UDP", lab.stack(), 7777);
    // Datagrams of 1,000 octets, few enough for every queue on the way.
    let mut socat = Running::start("socat", &["-b", "1000", "-t", "2", "-", &peer]);
    let text = pattern(0, 20_000);
    socat.type_in(&text);
    socat.outputs(&text);
    socat.finish().well();
}

fn nc_talks_to_listen(lab: &Lab) {
    let mut stack = lab.stubborn("listen", &["--udp", "9000"]);
    let mut nc = Running::start("nc", &["-u", &lab.stack().to_string(), "9000"]);
    nc.type_in(LINE.as_bytes());
    stack.outputs(LINE.as_bytes());
    stack.type_in(b"answer\n");
    nc.outputs(b"answer\n");
    // It is the first peer's now, and nobody else's.
    let other = KernelSocket::bind(lab.kernel_at(0)).unwrap();
    other.connect(lab.stack_at(9000)).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    other.send(b"intruder").unwrap();
    let refused = other.recv(&mut [0; 10]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    stack.end_input();
    let ended = stack.finish().well();
    assert_eq!(ended.text(), LINE);
}

fn connect_talks_to_nc(lab: &Lab) {
    let mut nc = Running::start("nc", &["-u", "-l", &lab.kernel().to_string(), "9000"]);
    kernel_has(lab, 9000);
    let mut stack = lab.stubborn("connect", &["-u", &lab.kernel().to_string(), "9000"]);
    stack.type_in(LINE.as_bytes());
    nc.outputs(LINE.as_bytes());
    nc.type_in(b"answer\n");
    stack.outputs(b"answer\n");
    stack.finish().well();
}

fn connect_talks_to_socat(lab: &Lab) {
    let (what, bind) = match lab.family {
        Family::V4 => ("UDP4-RECVFROM", lab.kernel().to_string()),
        Family::V6 => ("UDP6-RECVFROM", format!("[{}]", lab.kernel())),
    };
    let listen = format!("{what}:9000,bind={bind},fork");
    let _socat = Running::start("socat", &["-t", "30", &listen, "SYSTEM:tr a-z A-Z"]);
    kernel_has(lab, 9000);
    let mut stack = lab.stubborn("connect", &["-u", &lab.kernel().to_string(), "9000"]);
    stack.type_in(b"question\n");
    stack.outputs(b"QUESTION\n");
    stack.finish().well();
}

/// Port unreachable, from us and to us.
fn nobody_is_refused_both_ways(lab: &Lab) {
    let stack = lab.stubborn("echo", &["-u"]);
    let kernel = kernel_socket(lab, 0);
    kernel.connect(lab.stack_at(9)).unwrap();
    kernel.send(b"anybody?").unwrap();
    let refused = kernel.recv(&mut [0; 10]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    drop(stack);
    let mut stack = lab.stubborn("connect", &["-u", &lab.kernel().to_string(), "9"]);
    stack.type_in(b"anybody?");
    let mut stack = stack;
    eventually("it ends", PATIENCE, || !stack.runs());
    let ended = stack.finish().with(1);
    assert!(ended.errors.contains("refused"), "{}", ended.errors);
}

fn the_end_of_input_ends_a_conversation(lab: &Lab) {
    let kernel = kernel_socket(lab, 9000);
    let mut stack = lab.stubborn("connect", &["-u", &lab.kernel().to_string(), "9000"]);
    stack.type_in(b"question");
    let mut buffer = [0; 100];
    let (len, from) = kernel.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"question");
    stack.end_input();
    // It waits for answers as long as they come.
    for answer in ["one", "two", "three"] {
        std::thread::sleep(Duration::from_millis(300));
        kernel.send_to(answer.as_bytes(), from).unwrap();
    }
    assert_eq!(stack.finish().well().text(), "onetwothree");
}

/// The longest text of one datagram of IP.
fn longest(lab: &Lab) -> usize {
    match lab.family {
        Family::V4 => 65_507,
        Family::V6 => 65_527,
    }
}

/// Whole and right, those that the kernel sends in fragments included.
fn datagrams_of_every_size_go_both_ways(lab: &Lab) {
    let net = lab.net();
    let ours = UdpSocket::bind(&net, lab.stack_at(7)).unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let kernel = kernel_socket(lab, 9000);
    let most = ours.max_datagram();
    let mut buffer = vec![0; 70_000];
    for size in [
        0,
        1,
        2,
        999,
        most - 1,
        most,
        most + 1,
        3_000,
        20_000,
        longest(lab),
    ] {
        let text = pattern(size as u64, size);
        kernel.send_to(&text, lab.stack_at(7)).unwrap();
        let (len, from) = ours.recv_from(&mut buffer).unwrap();
        assert!(buffer[..len] == text, "{size}: {len} octets");
        assert_eq!(from, lab.kernel_at(9000));
        let sent = ours.send_to(&text, from);
        if size > most {
            assert_eq!(sent.unwrap_err().kind(), ErrorKind::InvalidInput);
            continue;
        }
        assert_eq!(sent.unwrap(), size);
        let (len, from) = kernel.recv_from(&mut buffer).unwrap();
        assert!(buffer[..len] == text, "{size}: {len} octets came back");
        assert_eq!(from, lab.stack_at(7));
    }
    refused_by_the_kernel(lab, &ours);
}

/// The kernel's port unreachable fails the next call of a connected socket.
fn refused_by_the_kernel(lab: &Lab, ours: &UdpSocket) {
    ours.connect(lab.kernel_at(9)).unwrap();
    ours.send(b"anybody?").unwrap();
    let refused: io::Result<usize> = ours.recv(&mut [0; 10]);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// The kernel leaves it to a device with offloads to cut them apart, and does so itself without.
fn datagrams_that_the_kernel_sends_at_once_arrive_one_by_one(lab: &Lab) {
    const LEN: usize = 700;
    let net = lab.net();
    let stack = UdpSocket::bind(&net, lab.stack_at(7)).unwrap();
    stack.set_read_timeout(Some(PATIENCE)).unwrap();
    let kernel = kernel_socket(lab, 0);
    setsockopt(&kernel, sockopt::UdpGsoSegment, &(LEN as i32)).unwrap();
    for last in [LEN, 1, 699] {
        let text = pattern(0, 12 * LEN + last);
        kernel.send_to(&text, lab.stack_at(7)).unwrap();
        for expected in text.chunks(LEN) {
            let mut datagram = [0; 2000];
            let (len, from) = stack.recv_from(&mut datagram).unwrap();
            assert_eq!(from, kernel.local_addr().unwrap());
            assert!(datagram[..len] == *expected, "{len} octets of {last}");
        }
    }
}

fn tcpdump_finds_every_checksum_right(lab: &Lab) {
    let net = lab.net();
    let ours = UdpSocket::bind(&net, lab.stack_at(7)).unwrap();
    let kernel = kernel_socket(lab, 9000);
    let recorder = lab.record("udp.pcap");
    for round in 0..100 {
        let text = pattern(round * 7, 1 + (round as usize * 37) % 100);
        ours.send_to(&text, lab.kernel_at(9000)).unwrap();
        kernel.recv(&mut [0; 200]).unwrap();
    }
    stop_recording(recorder);
    if lab.device == Device::Offload {
        // The kernel completes them for whoever is farther away, and it has received all itself.
        return;
    }
    let file = lab.file("udp.pcap");
    let words = ["-n", "-vv", "-Z", "root", "-r", file.to_str().unwrap()];
    let text = run(
        "tcpdump",
        &[&words[..], &["udp", "src", "port", "7"]].concat(),
    );
    assert_eq!(text.matches("udp sum ok").count(), 100, "{text}");
}
