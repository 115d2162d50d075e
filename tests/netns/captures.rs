//! What tcpdump and tshark think of our packets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::harness::{Device, Lab, Running, in_both_families, pattern, run, stop_recording};

in_both_families![
    both_syns_have_linux_options_in_linux_order,
    the_stacks_syn_looks_like_linux,
    tshark_finds_nothing_wrong,
    a_line_takes_ten_packets,
];

/// The options of every SYN that tcpdump shows, without their values.
fn syn_options(file: &Path) -> Vec<String> {
    let text = run(
        "tcpdump",
        &["-n", "-r", file.to_str().unwrap(), "-Z", "root"],
    );
    let syns = text.lines().filter(|line| line.contains("Flags [S"));
    syns.map(|line| {
        let options = line.split("options [").nth(1).unwrap_or("");
        let options = options.split(']').next().unwrap_or("");
        let names = options
            .split(',')
            .map(|option| option.split(' ').next().unwrap_or(""));
        names.collect::<Vec<_>>().join(",")
    })
    .collect()
}

const LINUX: &str = "mss,sackOK,TS,nop,wscale";

fn both_syns_have_linux_options_in_linux_order(lab: &Lab) {
    let _stack = lab.stubborn("echo", &[]);
    let recorder = lab.record("syn.pcap");
    drop(TcpStream::connect(lab.stack_at(7)).unwrap());
    stop_recording(recorder);
    assert_eq!(syn_options(&lab.file("syn.pcap")), [LINUX, LINUX]);
}

fn the_stacks_syn_looks_like_linux(lab: &Lab) {
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let recorder = lab.record("syn.pcap");
    let stack = lab.stubborn("connect", &[&lab.kernel().to_string(), "9000"]);
    drop(listener.accept().unwrap());
    stack.finish().well();
    stop_recording(recorder);
    assert_eq!(syn_options(&lab.file("syn.pcap")), [LINUX, LINUX]);
}

/// What tshark shows of a file through a display filter.
fn tshark(file: &Path, filter: &str) -> String {
    let file = file.to_str().unwrap();
    let words = [
        "-n",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    ];
    run(
        "tshark",
        &[&words[..], &["-r", file, "-Y", filter]].concat(),
    )
}

/// What is echoed, in octets.
const SIZES: [usize; 8] = [1, 2, 3, 1_439, 1_440, 1_460, 10_001, 200_000];

fn tshark_finds_nothing_wrong(lab: &Lab) {
    let pcap = lab.file("stack.pcap");
    let stack = lab.stubborn("echo", &["--pcap", pcap.to_str().unwrap()]);
    // Everything that leaves the stack: both ways of many sizes, a refusal, echoes, a reset.
    let mut kernel = TcpStream::connect(lab.stack_at(7)).unwrap();
    for len in SIZES {
        let text = pattern(0, len);
        let mut writer = kernel.try_clone().unwrap();
        let sent = text.clone();
        let writing = thread::spawn(move || writer.write_all(&sent));
        let mut echo = vec![0; len];
        kernel.read_exact(&mut echo).unwrap();
        writing.join().unwrap().unwrap();
        assert!(echo == text);
    }
    kernel.shutdown(Shutdown::Write).unwrap();
    assert_eq!(kernel.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(lab.stack_at(8)).is_err());
    run(
        "ping",
        &[
            "-n",
            "-c",
            "3",
            "-i",
            "0.05",
            "-s",
            "33",
            &lab.stack().to_string(),
        ],
    );
    stop(stack);

    let wrong = "_ws.malformed || _ws.expert.severity == error || tcp.checksum.status == \"Bad\" \
                 || ip.checksum.status == \"Bad\" || icmp.checksum.status == \"Bad\" \
                 || icmpv6.checksum.status == \"Bad\"";
    assert_eq!(tshark(&pcap, wrong), "");
    let from = match lab.stack().is_ipv4() {
        true => "ip.src",
        false => "ipv6.src",
    };
    // Nothing wrong is worth something only if there is something, and it was looked at.
    let good = format!(
        "{from} == {} && tcp.checksum.status == \"Good\"",
        lab.stack()
    );
    let least = match lab.device {
        Device::Plain => 100,
        // Super-segments: some text and some acknowledgments of each size.
        Device::Offload => 2 * SIZES.len(),
    };
    let shown = tshark(&pcap, &good).lines().count();
    assert!(shown > least, "{shown} segments");
    // A busy machine may have either side send something again after its timer; nothing else.
    let strange = format!(
        "{from} == {} && (tcp.analysis.out_of_order || tcp.analysis.fast_retransmission || \
         tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment)",
        lab.stack()
    );
    assert_eq!(tshark(&pcap, &strange), "", "on a link that loses nothing");
}

/// Ends a service as a user does; its recording is then complete.
fn stop(stack: Running) {
    stack.signal(nix::sys::signal::Signal::SIGINT);
    stack.finish().well();
}

fn a_line_takes_ten_packets(lab: &Lab) {
    let expected = [
        "nc S", "stack S.", "nc .", "nc P.", "stack .", "stack P.", "nc .", "nc F.", "stack F.",
        "nc .",
    ];
    let _stack = lab.stubborn("echo", &[]);
    // Three tries: on a machine that is busy elsewhere either side may send something again.
    let seen = (0..3).map(|_| packets_of_a_line(lab));
    let others: Vec<String> = seen
        .take_while(|text| senders_and_flags(lab, text) != expected)
        .collect();
    assert!(others.len() < 3, "{}", others.join("\n"));
}

/// What tcpdump shows of a talk of one line.
fn packets_of_a_line(lab: &Lab) -> String {
    let recorder = lab.record("ten.pcap");
    // A person's pauses: every acknowledgment travels alone.
    let pause = || thread::sleep(Duration::from_millis(200));
    let mut nc = Running::start("nc", &["-N", &lab.stack().to_string(), "7"]);
    pause();
    nc.type_in(b"hello\n");
    nc.outputs(b"hello\n");
    pause();
    nc.finish().well();
    pause();
    stop_recording(recorder);
    let file = lab.file("ten.pcap");
    run(
        "tcpdump",
        &["-n", "-r", file.to_str().unwrap(), "-Z", "root"],
    )
}

/// Who sent each packet that tcpdump shows, and its flags.
fn senders_and_flags(lab: &Lab, text: &str) -> Vec<String> {
    let stack = format!("{}.7 > ", lab.stack());
    let packet = |line: &str| {
        let flags = line.split("Flags [").nth(1)?.split(']').next()?;
        let sender = if line.contains(&stack) { "stack" } else { "nc" };
        Some(format!("{sender} {flags}"))
    };
    text.lines().filter_map(packet).collect()
}
