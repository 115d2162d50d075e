//! A host with several queues, and a network that chooses one for each datagram by chance.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stubborn::driver::memory;
use stubborn::sockets::{Net, TcpListener, TcpStream, UdpSocket};

use super::support::*;

const QUEUES: usize = 3;

/// A server with several queues, and a client with one.
fn hosts_with_queues(seed: u64) -> (Net, Net) {
    let (near, queues) = memory::queues(1500, QUEUES, seed).expect("descriptors");
    let server = Net::start_queues(queues, config(SERVER)).expect("a network");
    (server, start(near, CLIENT))
}

/// Asks for `text` back in a connection of its own.
fn ask(net: &Net, address: (&str, u16), sent: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(net, address)?;
    let mut writer = stream.clone();
    let writing = thread::spawn({
        let sent = sent.to_vec();
        move || {
            writer.write_all(&sent)?;
            writer.shutdown(std::net::Shutdown::Write)
        }
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    writing.join().expect("no panic")?;
    assert!(
        back == sent,
        "{} of {} octets came back",
        back.len(),
        sent.len()
    );
    Ok(())
}

/// Serves with so many threads that each accept, until the listener is closed.
fn serve(listener: &Arc<TcpListener>, threads: usize) -> Vec<thread::JoinHandle<()>> {
    let serving = |_| {
        let listener = Arc::clone(listener);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                echo(stream).expect("an echo");
            }
        })
    };
    (0..threads).map(serving).collect()
}

#[test]
fn many_flows_at_once_are_whole() {
    bounded(|| {
        for seed in 0..2 {
            let (server, client) = hosts_with_queues(seed);
            let listener = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
            let serving = serve(&listener, 4);
            let asking: Vec<_> = (0..32)
                .map(|flow| {
                    let client = client.clone();
                    thread::spawn(move || ask(&client, (SERVER[0], 7), &text(flow, 20_000)))
                })
                .collect();
            for thread in asking {
                thread.join().unwrap().unwrap();
            }
            listener.close();
            serving
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            let counted = server.counters();
            assert_eq!((counted.accepted, counted.strays_lost), (32, 0));
            assert!(counted.strays > 0, "chance has never missed");
        }
    });
}

#[test]
fn connections_that_the_host_opens_come_home() {
    bounded(|| {
        let (server, client) = hosts_with_queues(7);
        let listener = Arc::new(TcpListener::bind(&client, (CLIENT[1], 9)).unwrap());
        let serving = serve(&listener, 2);
        for flow in 0..12 {
            ask(&server, (CLIENT[1], 9), &text(flow, 3000)).unwrap();
        }
        // From a port of the user's choice, too.
        for port in 5000..5006 {
            let local = SocketAddr::new(SERVER[1].parse().unwrap(), port);
            let remote = SocketAddr::new(CLIENT[1].parse().unwrap(), 9);
            let mut stream = server.connect_from(local, remote).unwrap();
            stream.write_all(b"hello").unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
        }
        assert_eq!(server.counters().strays_lost, 0);
        listener.close();
        serving
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

/// Every connection is accepted by one of those who wait, whichever shard has it, and nobody
/// sleeps while another waits to be accepted.
#[test]
fn no_wake_up_is_lost_between_shards() {
    bounded(|| {
        let (server, client) = hosts_with_queues(3);
        let listener = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let accepting: Vec<_> = (0..4)
            .map(|_| {
                let (listener, accepted) = (Arc::clone(&listener), Arc::clone(&accepted));
                thread::spawn(move || {
                    while let Ok((mut stream, _)) = listener.accept() {
                        accepted.fetch_add(1, Ordering::Relaxed);
                        stream.write_all(b"x").unwrap();
                    }
                })
            })
            .collect();
        for round in 0..300 {
            let mut stream = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
            stream.set_read_timeout(Some(LONG / 4)).unwrap();
            stream
                .read_exact(&mut [0])
                .unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        listener.close();
        accepting
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(accepted.load(Ordering::Relaxed), 300);
        let waking = server.waking();
        assert!(waking.in_vain <= waking.parked, "{waking:?}");
    });
}

#[test]
fn an_accept_over_several_shards_times_out_and_can_be_closed() {
    bounded(|| {
        let (server, _client) = hosts_with_queues(1);
        let listener = TcpListener::bind(&server, (SERVER[0], 0)).unwrap();
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
        let short = Duration::from_millis(30);
        listener.set_accept_timeout(Some(short)).unwrap();
        let start = Instant::now();
        assert_eq!(kind(listener.accept()), io::ErrorKind::WouldBlock);
        assert!(start.elapsed() >= short);
        let taken = TcpListener::bind(&server, listener.local_addr());
        assert_eq!(kind(taken), io::ErrorKind::AddrInUse);

        listener.set_accept_timeout(None).unwrap();
        let listener = Arc::new(listener);
        let accepting = thread::spawn({
            let listener = Arc::clone(&listener);
            move || kind(listener.accept())
        });
        thread::sleep(short);
        listener.close();
        assert_eq!(accepting.join().unwrap(), io::ErrorKind::NotConnected);
        assert!(TcpListener::bind(&server, listener.local_addr()).is_ok());
    });
}

#[test]
fn a_udp_socket_hears_every_queue() {
    bounded(|| {
        let (server, client) = hosts_with_queues(5);
        let service = UdpSocket::bind(&server, (SERVER[0], 7)).unwrap();
        let serving = thread::spawn(move || {
            let mut buffer = [0; 2000];
            for _ in 0..200 {
                let (len, from) = service.recv_from(&mut buffer).unwrap();
                service.send_to(&buffer[..len], from).unwrap();
            }
        });
        let asking = UdpSocket::bind(&client, (CLIENT[0], 0)).unwrap();
        asking.connect((SERVER[0], 7)).unwrap();
        asking.set_read_timeout(Some(LONG / 4)).unwrap();
        for round in 0..200 {
            let said = text(round, 700);
            asking.send(&said).unwrap();
            let mut back = [0; 2000];
            let len = asking.recv(&mut back).unwrap();
            assert!(back[..len] == said, "round {round}");
        }
        serving.join().unwrap();
        let counted = server.counters();
        assert_eq!(
            (counted.udp.received, counted.udp.sent, counted.strays),
            (200, 200, 0)
        );
    });
}

#[test]
fn shutting_down_ends_every_shard() {
    bounded(|| {
        let (server, client) = hosts_with_queues(9);
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        let opened: Vec<_> = (0..9)
            .map(|_| TcpStream::connect(&client, (SERVER[0], 7)).unwrap())
            .collect();
        let accepted: Vec<_> = (0..9).map(|_| listener.accept().unwrap()).collect();
        drop(opened);
        let summary = server.shutdown(LONG / 4);
        assert_eq!((summary.reset, accepted.len()), (0, 9));
        assert!(summary.traffic.datagrams_in > 0);
        assert_eq!(kind(listener.accept()), io::ErrorKind::NetworkDown);
        assert_eq!(
            kind(UdpSocket::bind(&server, (SERVER[0], 9))),
            io::ErrorKind::NetworkDown
        );
    });
}
