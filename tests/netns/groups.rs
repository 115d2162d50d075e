//! Groups and broadcasts: the sockets against socat and the kernel, and what both tell routers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use stubborn::sockets::UdpSocket;

use crate::harness::{Family, Lab, PATIENCE, Running, in_both_families, run, stop_recording};

in_both_families![
    a_group_is_heard_both_ways,
    a_sender_is_heard_that_is_named,
    a_broadcast_is_heard_both_ways,
    routers_are_told_by_both,
];

/// Datagrams are sent again until one is heard: the kernel may drop some while an interface is new.
const AGAIN: Duration = Duration::from_millis(100);

/// The number of the interface: whatever stands beside it has other groups and ports.
fn number(lab: &Lab) -> u16 {
    lab.tun().trim_start_matches("lab").parse().unwrap()
}

/// The port at which the kernel's end hears groups.
fn hearing_port(lab: &Lab) -> u16 {
    20_000 + number(lab)
}

fn group(lab: &Lab) -> IpAddr {
    let number = number(lab);
    let [high, low] = number.to_be_bytes();
    match lab.family {
        Family::V4 => [239, 1, high, low].into(),
        // Of the link: others belong to whichever interface the kernel likes.
        Family::V6 => Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 1, number).into(),
    }
}

/// A source-specific one.
fn channel(lab: &Lab) -> IpAddr {
    match lab.family {
        Family::V4 => [232, 1, 2, 3].into(),
        Family::V6 => "ff32::8000:3".parse().unwrap(),
    }
}

/// A socket of the stack at all addresses of the family.
fn socket(net: &stubborn::sockets::Net, lab: &Lab, port: u16) -> UdpSocket {
    let any = match lab.family {
        Family::V4 => "0.0.0.0",
        Family::V6 => "::",
    };
    let socket = UdpSocket::bind(net, (any, port)).unwrap();
    socket.set_read_timeout(Some(AGAIN)).unwrap();
    socket
}

fn join(socket: &UdpSocket, group: IpAddr) {
    match group {
        IpAddr::V4(v4) => socket.join_multicast_v4(&v4, &Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(v6) => socket.join_multicast_v6(&v6, 0),
    }
    .unwrap();
}

/// socat hears a group.
fn socat_in(lab: &Lab, group: IpAddr) -> Running {
    let port = hearing_port(lab);
    let from = match group {
        IpAddr::V4(v4) => format!("UDP4-RECV:{port},ip-add-membership={v4}:{}", lab.kernel()),
        IpAddr::V6(v6) => format!("UDP6-RECV:{port},ipv6-join-group=[{v6}]:{}", lab.tun()),
    };
    Running::start("socat", &["-u", &from, "-"])
}

/// socat sends lines to a group.
fn socat_to(lab: &Lab, group: IpAddr, port: u16) -> Running {
    let to = match group {
        IpAddr::V4(v4) => {
            let kernel = lab.kernel();
            format!("UDP4-DATAGRAM:{v4}:{port},bind={kernel},ip-multicast-if={kernel}")
        }
        IpAddr::V6(v6) => format!(
            "UDP6-DATAGRAM:[{v6}%{}]:{port},bind=[{}]",
            lab.tun(),
            lab.kernel()
        ),
    };
    Running::start("socat", &["-u", "-", &to])
}

/// Sends a text until socat has output it.
fn until_output(socat: &Running, text: &str, mut send: impl FnMut()) {
    let start = Instant::now();
    while !String::from_utf8_lossy(&socat.output()).contains(text) {
        assert!(start.elapsed() < PATIENCE, "{}", socat.errors());
        send();
        std::thread::sleep(AGAIN);
    }
}

/// Sends a line until the stack's socket has received it: from whom, and to whom. A program that was
/// late makes one datagram of the lines that it was given meanwhile.
fn until_received(socket: &UdpSocket, text: &str, mut send: impl FnMut()) -> (IpAddr, IpAddr) {
    let start = Instant::now();
    let mut buffer = [0; 2_000];
    loop {
        assert!(start.elapsed() < PATIENCE, "{text:?} is not received");
        send();
        if let Ok(received) = socket.recv_datagram(&mut buffer) {
            let heard = String::from_utf8_lossy(&buffer[..received.len]);
            assert_eq!(heard, text.repeat((heard.len() / text.len()).max(1)));
            return (received.remote.ip(), received.local);
        }
    }
}

fn a_group_is_heard_both_ways(lab: &Lab) {
    let net = lab.net();
    let (group, ours) = (group(lab), socket(&net, lab, 7));
    let hearer = socat_in(lab, group);
    until_output(&hearer, "from the stack\n", || {
        ours.send_to(b"from the stack\n", (group, hearing_port(lab)))
            .unwrap();
    });
    join(&ours, group);
    let mut sender = socat_to(lab, group, 7);
    let heard = until_received(&ours, "from the kernel\n", || {
        sender.type_in(b"from the kernel\n");
    });
    assert_eq!(heard, (lab.kernel(), group));
}

fn a_sender_is_heard_that_is_named(lab: &Lab) {
    let net = lab.net();
    let (group, channel) = (group(lab), channel(lab));
    let [named, blocks] = [7, 8].map(|port| socket(&net, lab, port));
    named.join_source(channel, lab.kernel()).unwrap();
    join(&blocks, group);
    blocks.block_source(group, lab.kernel()).unwrap();
    let [mut to_channel, mut to_group] =
        [(channel, 7), (group, 8)].map(|(to, port)| socat_to(lab, to, port));
    let heard = until_received(&named, "named\n", || to_channel.type_in(b"named\n"));
    assert_eq!(heard, (lab.kernel(), channel));
    // Whatever else is lost, of so many one would have come.
    for _ in 0..10 {
        to_group.type_in(b"blocked\n");
        assert!(blocks.recv(&mut [0; 100]).is_err(), "it is blocked");
    }
    blocks.unblock_source(group, lab.kernel()).unwrap();
    until_received(&blocks, "heard\n", || to_group.type_in(b"heard\n"));
}

fn a_broadcast_is_heard_both_ways(lab: &Lab) {
    let IpAddr::V4(kernel) = lab.kernel() else {
        return;
    };
    let [a, b, c, _] = kernel.octets();
    let all = Ipv4Addr::new(a, b, c, 255);
    let net = lab.net_with(|config| config.broadcasts.push(all));
    let ours = socket(&net, lab, 7);
    ours.set_broadcast(true);
    let to = format!("UDP4-DATAGRAM:{all}:7,broadcast,bind={kernel}");
    let mut sender = Running::start("socat", &["-u", "-", &to]);
    let heard = until_received(&ours, "to all\n", || sender.type_in(b"to all\n"));
    assert_eq!(heard, (kernel.into(), all.into()));
    let hearer = Running::start(
        "socat",
        &["-u", &format!("UDP4-RECV:{}", hearing_port(lab)), "-"],
    );
    for to in [all, Ipv4Addr::BROADCAST] {
        let text = format!("to {to}\n");
        until_output(&hearer, &text, || {
            ours.send_to(text.as_bytes(), (to, hearing_port(lab)))
                .unwrap();
        });
    }
}

/// tcpdump reads what the stack reports, and what the kernel does in the same case, as the same.
fn routers_are_told_by_both(lab: &Lab) {
    if lab.family == Family::V6 {
        // Routers are told from an address of the link.
        let words = format!("address add dev {} fe80::1/64 nodad", lab.tun());
        run("ip", &words.split(' ').collect::<Vec<_>>());
    }
    let net = lab.net_with(|config| config.addresses.push("fe80::2".parse().unwrap()));
    let recorder = lab.record("groups.pcap");
    let (group, channel, ours) = (group(lab), channel(lab), socket(&net, lab, 7));
    let hearer = socat_in(lab, group);
    join(&ours, group);
    ours.join_source(channel, lab.kernel()).unwrap();
    until_output(&hearer, "x", || {
        ours.send_to(b"x", (group, hearing_port(lab))).unwrap();
    });
    // Each is reported at once, and again within a second.
    std::thread::sleep(Duration::from_millis(1_300));
    drop(hearer);
    stop_recording(recorder);
    let file = lab.file("groups.pcap");
    // -t: no time, so that what begins a line is a packet.
    let words = [
        "-n",
        "-t",
        "-vv",
        "-Z",
        "root",
        "-r",
        file.to_str().unwrap(),
    ];
    let text = run("tcpdump", &words);
    let (kernel, stack) = match lab.family {
        Family::V4 => (lab.kernel(), lab.stack()),
        Family::V6 => ("fe80::1".parse().unwrap(), "fe80::2".parse().unwrap()),
    };
    let joined = format!("[gaddr {group} to_ex {{ }}]");
    let named = format!("[gaddr {channel} allow {{ {} }}]", lab.kernel());
    for (from, record) in [(kernel, &joined), (stack, &joined), (stack, &named)] {
        assert!(is_reported(&text, from, record), "{from} {record}: {text}");
    }
}

/// Whether tcpdump has read a record in a report from an address, and found the report well-formed.
fn is_reported(text: &str, from: IpAddr, record: &str) -> bool {
    let from = format!("{from} > ");
    text.split("\nIP")
        .filter(|packet| packet.contains(&from) && !packet.contains("bad"))
        .any(|packet| packet.contains(record))
}
