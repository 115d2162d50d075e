//! What the futures of a user's own are made of: each call is polled, waits in its place, and is woken.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use stubborn::sockets::asynchronous::{TcpListener, TcpStream, UdpSocket};

use super::executor::{Counter, block_on, both, poll};
use super::support::*;

/// Polls once, which is too early; does what is waited for; and gives the answer of the poll after the wake-up.
fn woken_by<T>(future: impl Future<Output = T>, event: impl FnOnce()) -> T {
    let mut future = pin!(future);
    let counter = Arc::new(Counter::default());
    assert!(poll(future.as_mut(), &counter).is_pending());
    assert_eq!(counter.woken(), 0);
    event();
    loop {
        counter.reaches(1);
        if let Poll::Ready(answer) = poll(future.as_mut(), &counter) {
            return answer;
        }
    }
}

#[test]
fn a_stream_is_accepted_read_and_written() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let address = listener.local_addr();
        let mut opened = None;
        let accepting = poll_fn(|context| listener.poll_accept(context));
        let accepted = woken_by(accepting, || {
            opened = Some(block_on(TcpStream::connect(&client, address)).unwrap());
        });
        let (accepted, opened) = (accepted.unwrap().0, opened.unwrap());
        let mut buffer = [0; 9];
        let sends = |text: &[u8]| assert_eq!(opened.try_write(text).unwrap(), text.len());
        let readable = poll_fn(|context| accepted.poll_readable(context));
        woken_by(readable, || sends(b"one")).unwrap();
        let peek = poll_fn(|context| accepted.poll_peek(context, &mut buffer));
        assert_eq!(block_on(peek).unwrap(), 3);
        let read = poll_fn(|context| accepted.poll_read(context, &mut buffer));
        assert_eq!(block_on(read).unwrap(), 3);
        // A look waits as a read does.
        let peek = poll_fn(|context| accepted.poll_peek(context, &mut buffer));
        assert_eq!(woken_by(peek, || sends(b"three")).unwrap(), 5);
        assert_eq!(accepted.try_read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"three");
    });
}

/// Who fills the buffers of both sides waits until the other reads.
#[test]
fn a_stream_is_writable_when_its_peer_has_read() {
    bounded(|| {
        let Connected {
            server: _server,
            client: _client,
            accepted,
            opened,
            ..
        } = connected();
        let (reader, writer) = (TcpStream::from(accepted), TcpStream::from(opened));
        let (mut sent, mut is_full) = (0, false);
        // What is on its way makes room once more, until nothing moves.
        while !is_full {
            while let Ok(len) = writer.try_write(&[b'x'; 4096]) {
                sent += len;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            let mut writable = pin!(poll_fn(|context| writer.poll_writable(context)));
            is_full = poll(writable.as_mut(), &Arc::default()).is_pending();
        }
        let mut all = vec![0; sent];
        let writable = poll_fn(|context| writer.poll_writable(context));
        woken_by(writable, || block_on(reader.read_exact(&mut all)).unwrap()).unwrap();
        assert!(all.iter().all(|octet| *octet == b'x'));
        assert_eq!(writer.try_write(b"y").unwrap(), 1);
        let mut last = [0; 1];
        block_on(reader.read_exact(&mut last)).unwrap();
        assert_eq!(&last, b"y");
    });
}

/// Datagrams, also such as are longer than the MTU, which only go in fragments.
#[test]
fn datagrams_are_sent_and_received() {
    bounded(|| {
        let (server, client) = hosts();
        for (ours, theirs) in SERVER.into_iter().zip(CLIENT) {
            let echo = UdpSocket::bind(&server, addr_of(ours, 7)).unwrap();
            let socket = UdpSocket::bind(&client, addr_of(theirs, 0)).unwrap();
            let to = echo.local_addr();
            let mut buffer = [0; 5000];
            let long = text(1, 4000);
            let send = |data: &[u8], remote| {
                block_on(poll_fn(|context| socket.poll_send(context, data, remote)))
            };
            block_on(poll_fn(|context| socket.poll_writable(context))).unwrap();
            assert_eq!(kind(send(b"x", None)), ErrorKind::NotConnected);
            socket.get_ref().set_fragments(false);
            assert_eq!(kind(send(&long, Some(to))), ErrorKind::InvalidInput);
            socket.get_ref().set_fragments(true);
            let readable = poll_fn(|context| echo.poll_readable(context));
            woken_by(readable, || {
                assert_eq!(send(&long, Some(to)).unwrap(), 4000);
            })
            .unwrap();
            let receive = poll_fn(|context| echo.poll_recv_from(context, &mut buffer));
            let (len, from) = block_on(receive).unwrap();
            assert_eq!((len, from), (4000, socket.local_addr()));
            assert!(buffer[..len] == long);
            socket.connect(to).unwrap();
            let receive = poll_fn(|context| echo.poll_recv_from(context, &mut buffer));
            let sending = poll_fn(|context| socket.poll_send(context, b"short", None));
            let (received, sent) = block_on(both(receive, sending));
            assert_eq!((received.unwrap().0, sent.unwrap()), (5, 5));
        }
    });
}
