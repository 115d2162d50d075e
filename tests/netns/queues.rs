//! An interface with several queues, each with a shard of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::sockets::Net;
use stubborn::tun::TunDevice;

use crate::harness::{Device, Lab, in_both_families, pattern};

in_both_families![
    sixty_four_clients_at_once,
    sixty_four_connections_of_the_stack_at_once,
    datagrams_of_many_clients,
];

const FLOWS: usize = 64;
const QUEUES: usize = 2;
const LIMIT: Duration = Duration::from_secs(30);

/// Says `text` on a connection, and hears it again.
fn say(mut stream: impl Read + Send, mut writer: impl Write + Send + 'static, number: usize) {
    let text = pattern(number as u64, 100_000);
    let said = text.clone();
    let writing = thread::spawn(move || writer.write_all(&said).unwrap());
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == text, "flow {number} hears what another said");
}

fn sixty_four_clients_at_once(lab: &Lab) {
    lab.remake_for_queues();
    let stack = lab.stubborn("echo", &["--queues", "2"]);
    let flows = (0..FLOWS).map(|number| {
        let stream = TcpStream::connect_timeout(&lab.stack_at(7), LIMIT).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        thread::spawn(move || say(&stream, stream.try_clone().unwrap(), number))
    });
    let flows: Vec<_> = flows.collect();
    flows.into_iter().for_each(|flow| flow.join().unwrap());
    stack.signal(nix::sys::signal::Signal::SIGINT);
    let ended = stack.finish().well();
    let octets = FLOWS * 100_000;
    let summary = format!("connections: {FLOWS}, octets in: {octets}, octets out: {octets}");
    assert!(ended.errors.contains(&summary), "{}", ended.errors);
}

/// The library on all queues of the interface.
fn net(lab: &Lab) -> Net {
    lab.remake_for_queues();
    let queues = match lab.device {
        Device::Offload => TunDevice::open_queues(lab.tun(), QUEUES),
        Device::Plain => TunDevice::open_plain_queues(lab.tun(), QUEUES),
    };
    let queues = queues.unwrap();
    assert_eq!(queues.len(), QUEUES);
    let net = Net::start_queues(queues, Config::new([lab.stack()])).unwrap();
    lab.wait_for_link();
    net
}

fn sixty_four_connections_of_the_stack_at_once(lab: &Lab) {
    let net = net(lab);
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let serving = thread::spawn(move || {
        let echo = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                std::io::copy(&mut stream, &mut writer).unwrap();
            })
        };
        let echoes: Vec<_> = (0..FLOWS).map(echo).collect();
        echoes.into_iter().for_each(|echo| echo.join().unwrap());
    });
    let flows = (0..FLOWS).map(|number| {
        let (net, remote) = (net.clone(), lab.kernel_at(9000));
        thread::spawn(move || {
            let stream = net.connect_timeout(remote, LIMIT).unwrap();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            say(stream.clone(), stream.clone(), number);
            stream.shutdown(Shutdown::Write).unwrap();
        })
    });
    let flows: Vec<_> = flows.collect();
    flows.into_iter().for_each(|flow| flow.join().unwrap());
    serving.join().unwrap();
    assert_eq!(net.shutdown(LIMIT).reset, 0);
    // The kernel sends a flow to the queue by which it heard of it: our SYN took it home.
    let counted = net.counters();
    assert_eq!((counted.strangers, counted.strays_lost), (0, 0));
    assert!(counted.strays * 20 <= counted.datagrams_in, "{counted:?}");
}

fn datagrams_of_many_clients(lab: &Lab) {
    let net = net(lab);
    let service = stubborn::sockets::UdpSocket::bind(&net, lab.stack_at(7)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok((len, from)) = service.recv_from(&mut buffer) {
            let _ = service.send_to(&buffer[..len], from);
        }
    });
    for number in 0..FLOWS {
        let socket = UdpSocket::bind((lab.kernel(), 0)).unwrap();
        socket.connect(lab.stack_at(7)).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        for round in 0..10 {
            let text = pattern((number * 10 + round) as u64, 500);
            socket.send(&text).unwrap();
            let mut back = [0; 1000];
            let len = socket.recv(&mut back).unwrap();
            assert!(back[..len] == text[..], "client {number}, round {round}");
        }
    }
    net.shutdown(Duration::ZERO);
}
