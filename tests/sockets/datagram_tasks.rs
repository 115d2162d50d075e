//! UDP sockets for tasks: readiness, groups, and calls that do not wait.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::task::Poll;

use stubborn::driver::memory;
use stubborn::sockets::Net;
use stubborn::sockets::asynchronous::UdpSocket;

use super::executor::{Counter, Tasks, block_on, poll};
use super::support::*;

fn pair() -> (Net, Net, UdpSocket, UdpSocket) {
    let (server, client) = hosts();
    let echo = UdpSocket::bind(&server, addr_of(SERVER[0], 7)).expect("a free port");
    let socket = UdpSocket::bind(&client, addr_of("0.0.0.0", 0)).expect("a free port");
    (server, client, echo, socket)
}

#[test]
fn a_socket_is_readable_when_a_datagram_has_come() {
    bounded(|| {
        const COUNT: u8 = 100;
        let (_server, _client, echo, socket) = pair();
        let mut buffer = [0; 9];
        assert_eq!(kind(echo.try_recv_from(&mut buffer)), ErrorKind::WouldBlock);
        assert_eq!(kind(socket.try_send(b"x")), ErrorKind::NotConnected);
        let to = echo.local_addr();
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            let mut heard = 0;
            while heard < COUNT {
                echo.readable().await.unwrap();
                // Nothing was taken.
                assert_eq!(echo.peek(&mut [0; 9]).await.unwrap(), 1);
                while let Ok((len, _)) = echo.try_recv_from(&mut buffer) {
                    assert_eq!((len, buffer[0]), (1, heard));
                    heard += 1;
                }
            }
        });
        tasks.spawn(async {
            for number in 0..COUNT {
                socket.writable().await.unwrap();
                assert_eq!(socket.try_send_to(&[number], to).unwrap(), 1);
            }
        });
        tasks.run();
    });
}

/// That a peer has nobody there is an answer, too, and who learns of it first takes it.
#[test]
fn an_error_makes_a_socket_ready() {
    bounded(|| {
        let (_server, _client, _echo, socket) = pair();
        socket.connect(addr_of(SERVER[0], 9)).unwrap();
        block_on(socket.writable()).unwrap();
        socket.try_send(b"x").unwrap();
        block_on(socket.readable()).unwrap();
        block_on(socket.writable()).unwrap();
        let refused = socket.try_recv_from(&mut [0; 9]);
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
        assert_eq!(
            kind(socket.try_recv_from(&mut [0; 9])),
            ErrorKind::WouldBlock
        );
    });
}

/// Whoever stops waiting is not woken, and leaves the datagram to others.
#[test]
fn readiness_that_is_dropped_takes_nothing() {
    bounded(|| {
        let (_server, _client, echo, socket) = pair();
        let [gone, polled] = [(); 2].map(|()| Arc::new(Counter::default()));
        let mut waiting = Box::pin(echo.readable());
        assert!(poll(waiting.as_mut(), &gone).is_pending());
        drop(waiting);
        let clone = echo.clone();
        let mut other = Box::pin(clone.readable());
        assert!(poll(other.as_mut(), &polled).is_pending());
        block_on(socket.send_to(b"x", echo.local_addr())).unwrap();
        block_on(echo.readable()).unwrap();
        assert!(matches!(poll(other.as_mut(), &polled), Poll::Ready(Ok(()))));
        assert_eq!((gone.woken(), polled.woken()), (0, 1));
        assert_eq!(echo.try_recv_from(&mut [0; 9]).unwrap().0, 1);
    });
}

/// All of them end when the network does.
#[test]
fn readiness_ends_with_the_network() {
    bounded(|| {
        let (server, _client, echo, _socket) = pair();
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            assert_eq!(kind(echo.readable().await), ErrorKind::NetworkDown);
            assert_eq!(kind(echo.writable().await), ErrorKind::NetworkDown);
        });
        tasks.spawn(async {
            server.shutdown(std::time::Duration::ZERO);
        });
        tasks.run();
    });
}

/// A host with several queues has a socket at each; what comes to any makes it readable.
#[test]
fn a_socket_of_several_queues_is_readable_at_any() {
    bounded(|| {
        let (near, queues) = memory::queues(1500, 3, 5).expect("descriptors");
        let server = Net::start_queues(queues, config(SERVER)).expect("a network");
        let client = start(near, CLIENT);
        let echo = UdpSocket::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        block_on(echo.writable()).unwrap();
        for number in 0..30_u8 {
            let socket = UdpSocket::bind(&client, addr_of(CLIENT[0], 0)).unwrap();
            socket.connect(echo.local_addr()).unwrap();
            block_on(socket.writable()).unwrap();
            socket.try_send(&[number]).unwrap();
            block_on(echo.readable()).unwrap();
            let mut buffer = [0; 9];
            let (_, from) = echo.try_recv_from(&mut buffer).unwrap();
            assert_eq!((from, buffer[0]), (socket.local_addr(), number));
        }
    });
}

#[test]
fn tasks_join_groups() {
    bounded(|| {
        let (server, client) = hosts();
        let hearer = UdpSocket::bind(&server, addr_of("0.0.0.0", 7)).unwrap();
        let sender = UdpSocket::bind(&client, addr_of("0.0.0.0", 0)).unwrap();
        let (group, any) = (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::UNSPECIFIED);
        let channel = IpAddr::from([232, 1, 2, 3]);
        let source: IpAddr = CLIENT[0].parse().unwrap();
        hearer.join_multicast_v4(group, any).unwrap();
        hearer.join_source(channel, source).unwrap();
        for to in [group.into(), channel] {
            block_on(sender.send_to(b"x", (to, 7))).unwrap();
            let (len, from) = block_on(hearer.recv_from(&mut [0; 9])).unwrap();
            assert_eq!((len, from.ip()), (1, source));
        }
        hearer.leave_multicast_v4(group, any).unwrap();
        hearer.leave_source(channel, source).unwrap();
        let left = hearer.leave_source(channel, source);
        assert_eq!(kind(left), ErrorKind::AddrNotAvailable);
        let v6 = UdpSocket::bind(&client, addr_of("::", 7)).unwrap();
        let group = "ff15::7".parse().unwrap();
        v6.join_multicast_v6(&group, 0).unwrap();
        block_on(v6.send_to(b"x", (group, 7))).unwrap();
        assert_eq!(block_on(v6.recv(&mut [0; 9])).unwrap(), 1);
        v6.leave_multicast_v6(&group, 0).unwrap();
    });
}
