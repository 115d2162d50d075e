//! Signs beside the stream: the urgent mark, and keepalive.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt};
use stubborn::config::Keepalive;

use crate::harness::{Lab, eventually, in_both_families, run, stop_recording};

in_both_families![
    urgent_data_of_the_kernel_is_marked_and_in_line,
    urgent_data_of_the_stack_reaches_the_kernel,
    the_kernels_keepalive_is_answered,
    the_stacks_keepalive_is_visible_and_notices_silence,
];

const LIMIT: Duration = Duration::from_secs(10);

fn urgent_data_of_the_kernel_is_marked_and_in_line(lab: &Lab) {
    let net = lab.net();
    let listener = net.listen(lab.stack_at(9000)).unwrap();
    let mut kernel = TcpStream::connect(lab.stack_at(9000)).unwrap();
    let (mut stack, _) = listener.accept().unwrap();
    stack.set_read_timeout(Some(LIMIT)).unwrap();
    kernel.write_all(b"before").unwrap();
    send(kernel.as_raw_fd(), b"!", MsgFlags::MSG_OOB).unwrap();
    kernel.write_all(b"after").unwrap();
    drop(kernel);
    eventually("the mark is known", LIMIT, || stack.urgent_mark().is_some());
    let mut text = Vec::new();
    stack.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"before!after");
}

fn urgent_data_of_the_stack_reaches_the_kernel(lab: &Lab) {
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let mut stack = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (mut kernel, _) = listener.accept().unwrap();
    stack.write_all(b"before").unwrap();
    assert_eq!(stack.send_urgent(b"!").unwrap(), 1);
    let mut urgent = [0; 2];
    eventually("the kernel has urgent data", LIMIT, || {
        recv(
            kernel.as_raw_fd(),
            &mut urgent,
            MsgFlags::MSG_OOB | MsgFlags::MSG_DONTWAIT,
        ) == Ok(1)
    });
    assert_eq!(urgent[0], b'!');
    stack.write_all(b"after").unwrap();
    drop(stack);
    let mut text = Vec::new();
    kernel.read_to_end(&mut text).unwrap();
    // Without SO_OOBINLINE the kernel takes the urgent octet out of the stream.
    assert_eq!(text, b"beforeafter");
}

/// What tshark's own analysis calls so.
fn analysed(lab: &Lab, file: &str, what: &str) -> usize {
    let file = lab.file(file);
    let words = ["-n", "-r", file.to_str().unwrap(), "-Y", what];
    run("tshark", &words).lines().count()
}

fn the_kernels_keepalive_is_answered(lab: &Lab) {
    let recorder = lab.record("keepalive.pcap");
    let net = lab.net();
    let listener = net.listen(lab.stack_at(9000)).unwrap();
    let mut kernel = TcpStream::connect(lab.stack_at(9000)).unwrap();
    let (mut stack, _) = listener.accept().unwrap();
    setsockopt(&kernel, sockopt::KeepAlive, &true).unwrap();
    setsockopt(&kernel, sockopt::TcpKeepIdle, &1).unwrap();
    setsockopt(&kernel, sockopt::TcpKeepInterval, &1).unwrap();
    setsockopt(&kernel, sockopt::TcpKeepCount, &2).unwrap();
    // Unanswered, the third second would be the last.
    thread::sleep(Duration::from_millis(4_500));
    stop_recording(recorder);
    assert!(analysed(lab, "keepalive.pcap", "tcp.analysis.keep_alive") >= 3);
    assert!(analysed(lab, "keepalive.pcap", "tcp.analysis.keep_alive_ack") >= 3);
    stack.write_all(b"alive").unwrap();
    let mut text = [0; 5];
    kernel.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"alive");
}

fn the_stacks_keepalive_is_visible_and_notices_silence(lab: &Lab) {
    let recorder = lab.record("keepalive.pcap");
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let mut stack = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (_kernel, _) = listener.accept().unwrap();
    let keepalive = Keepalive {
        idle: Duration::from_secs(1),
        interval: Duration::from_millis(500),
        count: 3,
    };
    stack.set_keepalive(Some(keepalive)).unwrap();
    thread::sleep(Duration::from_millis(3_500));
    stop_recording(recorder);
    assert!(analysed(lab, "keepalive.pcap", "tcp.analysis.keep_alive") >= 2);
    assert!(analysed(lab, "keepalive.pcap", "tcp.analysis.keep_alive_ack") >= 2);
    assert!(stack.take_error().is_none());
    // From now on nobody answers.
    lab.lose(100);
    stack.set_read_timeout(Some(LIMIT)).unwrap();
    let error = stack.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(stack.write(b"x").is_err(), "the connection is gone");
}
