//! Sockets for tasks: what they do, how they wait, and how they are woken.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use stubborn::driver::memory;
use stubborn::sockets::asynchronous::{TcpListener, TcpStream, UdpSocket};
use stubborn::sockets::{self, Net};

use super::executor::{Counter, Tasks, block_on, both};
use super::support::*;

/// Two hosts, and the two ends of a connection for tasks: the server's and the client's.
struct Ends {
    server: Net,
    client: Net,
    listener: TcpListener,
    accepted: TcpStream,
    opened: TcpStream,
}

fn ends() -> Ends {
    let Connected {
        server,
        client,
        listener,
        accepted,
        opened,
    } = connected();
    Ends {
        server,
        client,
        listener: listener.into(),
        accepted: accepted.into(),
        opened: opened.into(),
    }
}

/// Sends back all that arrives, then closes.
pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

/// Sends `sent`, then closes, and gets it back meanwhile.
async fn ask(stream: &TcpStream, sent: &[u8]) -> io::Result<()> {
    let writing = async {
        stream.write_all(sent).await?;
        stream.shutdown(Shutdown::Write)
    };
    let mut back = vec![0; sent.len()];
    let reading = async {
        stream.read_exact(&mut back).await?;
        stream.read(&mut [0; 1]).await
    };
    let (written, end) = both(writing, reading).await;
    written?;
    assert_eq!(end?, 0, "the end of the stream");
    assert!(back == sent, "{} octets come back changed", sent.len());
    Ok(())
}

#[test]
fn one_task_reads_while_another_writes_in_both_families() {
    bounded(|| {
        let (server, client) = hosts();
        for address in SERVER {
            let listener = TcpListener::bind(&server, addr_of(address, 0)).unwrap();
            let address = listener.local_addr();
            let mut tasks = Tasks::default();
            tasks.spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                echo(stream).await.unwrap();
            });
            tasks.spawn(async {
                let stream = TcpStream::connect(&client, address).await.unwrap();
                assert_eq!(stream.peer_addr(), address);
                ask(&stream, &text(1, 1_000_000)).await.unwrap();
            });
            tasks.run();
        }
        no_connection_remains(&server);
        no_connection_remains(&client);
    });
}

#[test]
fn a_thousand_connections_at_once_have_one_thread() {
    bounded(|| {
        const COUNT: u64 = 1000;
        let (server, client) = hosts();
        let listener = &TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let (left, right) = (server.clone(), client.clone());
        let mut tasks = Tasks::default();
        for _ in 0..COUNT {
            tasks.spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                echo(stream).await.unwrap();
            });
        }
        for number in 0..COUNT {
            let client = &client;
            tasks.spawn(async move {
                let stream = TcpStream::connect(client, listener.local_addr()).await;
                let sent = text(number, 1000 + number as usize);
                ask(&stream.unwrap(), &sent).await.unwrap();
            });
        }
        let polls = tasks.run();
        // For each: accept, text, end; connect, text, end.
        assert!(polls < 20 * COUNT as usize, "polled {polls} times");
        no_connection_remains(&left);
        no_connection_remains(&right);
    });
}

#[test]
fn nobody_there_is_an_error() {
    bounded(|| {
        let (server, client) = hosts();
        let refused = block_on(TcpStream::connect(&client, addr_of(SERVER[0], 9)));
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
        let with_timeout = TcpStream::connect_with(&client, addr_of(SERVER[0], 9), |opening| {
            opening.timeout = Some(LONG);
        });
        assert_eq!(kind(block_on(with_timeout)), ErrorKind::InvalidInput);
        no_connection_remains(&client);
        drop(server);
    });
}

/// From below, from the peer, from another task, and from the user: all who wait learn of it.
#[test]
fn who_waits_learns_how_it_ended() {
    bounded(|| {
        let read = |stream: TcpStream| move || kind(block_on(stream.read(&mut [0; 10])));
        let short = || thread::sleep(Duration::from_millis(20));

        let ends = ends();
        let reading = thread::spawn(read(ends.opened.clone()));
        short();
        ends.accepted.get_ref().set_linger(Some(Duration::ZERO));
        drop(ends.accepted);
        assert_eq!(reading.join().unwrap(), ErrorKind::ConnectionReset);

        let ends = self::ends();
        let (opened, listener) = (ends.opened.clone(), Arc::new(ends.listener));
        let reading = thread::spawn(move || block_on(opened.read(&mut [0; 10])));
        let accepting = Arc::clone(&listener);
        let accepting = thread::spawn(move || kind(block_on(accepting.accept())));
        short();
        ends.opened.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), 0);
        listener.close();
        assert_eq!(accepting.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(kind(block_on(listener.accept())), ErrorKind::NotConnected);

        let ends = self::ends();
        let socket = UdpSocket::bind(&ends.client, addr_of(CLIENT[0], 0)).unwrap();
        let receiving = thread::spawn(move || kind(block_on(socket.recv(&mut [0; 10]))));
        let reading = thread::spawn(read(ends.opened.clone()));
        let server = ends.server.clone();
        let accepting = thread::spawn(move || kind(block_on(ends.listener.accept())));
        short();
        ends.client.shutdown(Duration::ZERO);
        server.shutdown(Duration::ZERO);
        for thread in [receiving, reading] {
            assert_eq!(thread.join().unwrap(), ErrorKind::NetworkDown);
        }
        let accepting = accepting.join().unwrap();
        assert!(
            [ErrorKind::NotConnected, ErrorKind::NetworkDown].contains(&accepting),
            "a network closes its listeners first"
        );
        let write = block_on(ends.opened.write(b"x"));
        assert_eq!(kind(write), ErrorKind::NetworkDown);
    });
}

#[test]
fn a_device_that_closes_wakes_all_tasks() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let ends = connect(server, client);
        let stream = TcpStream::from(ends.accepted);
        let reading = thread::spawn(move || kind(block_on(stream.read(&mut [0; 10]))));
        let listener = TcpListener::from(ends.listener);
        let accepting = thread::spawn(move || kind(block_on(listener.accept())));
        thread::sleep(Duration::from_millis(20));
        mute.store(true, Ordering::Relaxed);
        ends.client.shutdown(Duration::ZERO);
        drop((ends.client, ends.opened));
        for thread in [reading, accepting] {
            assert_eq!(thread.join().unwrap(), ErrorKind::NetworkDown);
        }
    });
}

/// One poll by way of a place of the handle.
fn poll_read(stream: &TcpStream, task: &Arc<Counter>) -> Poll<io::Result<usize>> {
    let waker = Waker::from(Arc::clone(task));
    stream.poll_read(&mut Context::from_waker(&waker), &mut [0; 10])
}

#[test]
fn of_the_tasks_that_poll_a_handle_the_last_is_woken() {
    bounded(|| {
        let ends = ends();
        let [first, last, other] = [(); 3].map(|()| Arc::<Counter>::default());
        let clone = ends.opened.clone();
        assert!(poll_read(&clone, &other).is_pending());
        for task in [&first, &first, &last] {
            assert!(poll_read(&ends.opened, task).is_pending());
        }
        block_on(ends.accepted.write_all(b"x")).unwrap();
        last.reaches(1);
        other.reaches(1);
        assert_eq!(first.woken(), 0);
        assert!(poll_read(&ends.opened, &last).is_ready());
        // Another clone was quicker: this one waits on.
        assert!(poll_read(&clone, &other).is_pending());
        drop(clone);
        block_on(ends.accepted.write_all(b"x")).unwrap();
        block_on(ends.opened.readable()).unwrap();
        assert_eq!((other.woken(), last.woken()), (1, 1), "nobody waits");
    });
}

/// Each message wakes its reader once, and nothing else does.
#[test]
fn tasks_are_woken_for_what_they_wait_for_and_for_nothing_else() {
    bounded(|| {
        const COUNT: usize = 200;
        let ends = ends();
        let idle = ends.opened.clone();
        let (one, other) = (&ends.opened, &ends.accepted);
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            for _ in 0..COUNT {
                one.write_all(b"question").await.unwrap();
                one.read_exact(&mut [0; 6]).await.unwrap();
            }
        });
        tasks.spawn(async {
            for _ in 0..COUNT {
                other.read_exact(&mut [0; 8]).await.unwrap();
                other.write_all(b"answer").await.unwrap();
            }
        });
        let polls = tasks.run();
        assert!(polls <= 2 * COUNT + 20, "polled {polls} times");
        // Idle for a while: timers of the stack wake nobody.
        let task = Arc::<Counter>::default();
        assert!(poll_read(&idle, &task).is_pending());
        thread::sleep(Duration::from_millis(300));
        assert_eq!(task.woken(), 0);
    });
}

/// A waker may be all that is left of a task: with it go sockets of the same network.
#[test]
fn a_task_that_goes_with_its_waker_may_close_sockets() {
    struct Last(TcpStream);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {
            panic!("{} is woken", self.0.local_addr());
        }
    }
    bounded(|| {
        let (mut ends, another) = (ends(), Arc::<Counter>::default());
        for way in 0..2 {
            let opened = block_on(TcpStream::connect(&ends.client, ends.listener.local_addr()));
            let last = Waker::from(Arc::new(Last(opened.unwrap())));
            let mut context = Context::from_waker(&last);
            let polled = ends.opened.poll_read(&mut context, &mut [0; 10]);
            assert!(polled.is_pending());
            drop(last);
            match way {
                0 => assert!(poll_read(&ends.opened, &another).is_pending()),
                _ => ends.opened = ends.opened.clone(),
            }
        }
        drop(ends.opened);
        no_connection_of(&ends.client);
    });
}

/// All connections are closed, but for those that the server has not closed.
fn no_connection_of(net: &Net) {
    let start = Instant::now();
    while net.connection_count() > 3 {
        assert!(start.elapsed() < LONG);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_stream_is_writable_when_its_peer_has_read() {
    bounded(|| {
        let ends = ends();
        block_on(ends.opened.writable()).unwrap();
        let chunk = text(3, 1 << 20);
        let mut written = 0;
        while let Ok(len) = ends.opened.try_write(&chunk) {
            written += len;
        }
        // One more comes as soon as there is room.
        written += 1;
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            let mut buffer = vec![0; 1 << 16];
            while written > 0 {
                ends.accepted.readable().await.unwrap();
                assert_eq!(ends.accepted.peek(&mut buffer[..1]).await.unwrap(), 1);
                written -= ends.accepted.try_read(&mut buffer).unwrap();
            }
        });
        tasks.spawn(async {
            ends.opened.writable().await.unwrap();
            assert!(ends.opened.try_write(&chunk[..1]).is_ok());
        });
        tasks.run();
        drop(ends.opened);
        let end = async {
            while ends.accepted.read(&mut [0; 9]).await? > 0 {}
            ends.accepted.readable().await
        };
        block_on(end).unwrap();
    });
}

#[test]
fn several_pieces_are_written_at_once() {
    bounded(|| {
        let ends = ends();
        let pieces = [&b"he"[..], b"", b"llo"].map(IoSlice::new);
        let written = block_on(ends.opened.write_vectored(&pieces)).unwrap();
        assert_eq!(written, 5);
        assert_eq!(block_on(ends.opened.write_vectored(&[])).unwrap(), 0);
        assert_eq!(block_on(ends.opened.read(&mut [])).unwrap(), 0);
        let mut text = [0; 5];
        block_on(ends.accepted.read_exact(&mut text)).unwrap();
        assert_eq!(&text, b"hello");
        drop(ends.opened);
        let end = block_on(ends.accepted.read_exact(&mut text));
        assert_eq!(kind(end), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_socket_becomes_one_for_tasks_or_threads_and_stays_what_it_is() {
    bounded(|| {
        let ends = ends();
        block_on(ends.opened.write_all(b"one two")).unwrap();
        block_on(ends.accepted.read_exact(&mut [0; 4])).unwrap();
        let mut accepted = sockets::TcpStream::from(ends.accepted);
        let mut text = [0; 3];
        accepted.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"two");
        let accepted = TcpStream::from(accepted);
        sockets::TcpStream::from(ends.opened)
            .write_all(b"end")
            .unwrap();
        block_on(accepted.read_exact(&mut text)).unwrap();
        assert_eq!(&text, b"end");

        let listener = sockets::TcpListener::from(ends.listener);
        let opened = ends.client.connect(listener.local_addr()).unwrap();
        let listener = TcpListener::from(listener);
        let (_, peer) = block_on(listener.accept()).unwrap();
        assert_eq!(peer, opened.local_addr());
        assert_eq!(kind(listener.try_accept()), ErrorKind::WouldBlock);
    });
}

/// The executor has other things to do.
#[test]
fn dropping_a_stream_never_waits() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let ends = connect(server, client);
        let opened = TcpStream::from(ends.opened);
        opened.get_ref().set_linger(Some(LONG));
        mute.store(true, Ordering::Relaxed);
        block_on(opened.write_all(b"nobody hears this")).unwrap();
        let start = Instant::now();
        drop(opened);
        assert!(start.elapsed() < LONG / 4);
    });
}

/// Threads lead when they wait, and tasks never do: both go on.
#[test]
fn tasks_and_threads_share_a_network() {
    bounded(|| {
        const COUNT: usize = 300;
        let ends = ends();
        let opened = ends.client.connect(ends.listener.local_addr()).unwrap();
        let (mut accepted, _) = ends.listener.get_ref().accept().unwrap();
        let asking = thread::spawn(move || {
            let mut opened = opened;
            for _ in 0..COUNT {
                opened.write_all(b"question").unwrap();
                opened.read_exact(&mut [0; 6]).unwrap();
            }
        });
        let answering = thread::spawn(move || {
            for _ in 0..COUNT {
                accepted.read_exact(&mut [0; 8]).unwrap();
                accepted.write_all(b"answer").unwrap();
            }
            accepted
        });
        let mut tasks = Tasks::default();
        tasks.spawn(async { echo(ends.accepted).await.unwrap() });
        tasks.spawn(async {
            let mut back = [0; 4];
            for _ in 0..COUNT {
                ends.opened.write_all(b"task").await.unwrap();
                ends.opened.read_exact(&mut back).await.unwrap();
            }
            ends.opened.shutdown(Shutdown::Write).unwrap();
        });
        tasks.run();
        asking.join().unwrap();
        answering.join().unwrap();
    });
}

/// While nobody leads, after a thread has, a task waits no longer than any other would.
#[test]
fn a_task_that_begins_to_wait_when_a_thread_has_led_is_served() {
    bounded(|| {
        let ends = ends();
        let opened = ends.client.connect(ends.listener.local_addr()).unwrap();
        let (mut accepted, _) = ends.listener.get_ref().accept().unwrap();
        for _ in 0..50 {
            accepted.write_all(b"x").unwrap();
            // This thread leads, and stops.
            (&opened).read_exact(&mut [0; 1]).unwrap();
            block_on(ends.opened.write_all(b"task")).unwrap();
            block_on(ends.accepted.read_exact(&mut [0; 4])).unwrap();
            block_on(ends.accepted.write_all(b"task")).unwrap();
            block_on(ends.opened.read_exact(&mut [0; 4])).unwrap();
        }
    });
}

#[test]
fn datagrams_come_and_go() {
    bounded(|| {
        const COUNT: usize = 500;
        let (server, client) = hosts();
        let echo = UdpSocket::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let socket = UdpSocket::bind(&client, addr_of("0.0.0.0", 0)).unwrap();
        assert_eq!(kind(block_on(socket.send(b"x"))), ErrorKind::NotConnected);
        assert_eq!(kind(socket.peer_addr()), ErrorKind::NotConnected);
        socket.connect(echo.local_addr()).unwrap();
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            let mut buffer = [0; 2000];
            for _ in 0..COUNT {
                let (len, from) = echo.recv_from(&mut buffer).await.unwrap();
                echo.send_to(&buffer[..len], from).await.unwrap();
            }
        });
        tasks.spawn(async {
            let mut buffer = [0; 2000];
            for number in 0..COUNT {
                let sent = text(number as u64, number);
                socket.send(&sent).await.unwrap();
                assert_eq!(socket.peek(&mut buffer[..1]).await.unwrap(), number.min(1));
                let len = socket.recv(&mut buffer).await.unwrap();
                assert!(buffer[..len] == sent);
            }
        });
        tasks.run();
        // Nobody is at port 9.
        socket.connect(addr_of(SERVER[0], 9)).unwrap();
        block_on(socket.send(b"x")).unwrap();
        let refused = block_on(socket.recv(&mut [0; 10]));
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
    });
}

/// Connections and datagrams come to any of several stacks.
#[test]
fn tasks_wait_at_all_queues() {
    bounded(|| {
        const COUNT: u64 = 60;
        let (near, queues) = memory::queues(1500, 3, 5).expect("descriptors");
        let server = Net::start_queues(queues, config(SERVER)).expect("a network");
        let client = start(near, CLIENT);
        let listener = &TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let echoing = &UdpSocket::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let client = &client;
        let mut tasks = Tasks::default();
        for number in 0..COUNT {
            tasks.spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                echo(stream).await.unwrap();
                let mut buffer = [0; 100];
                let (len, from) = echoing.recv_from(&mut buffer).await.unwrap();
                echoing.send_to(&buffer[..len], from).await.unwrap();
            });
            tasks.spawn(async move {
                let stream = TcpStream::connect(client, listener.local_addr()).await;
                let sent = text(number, 3000);
                ask(&stream.unwrap(), &sent).await.unwrap();
                let socket = UdpSocket::bind(client, addr_of(CLIENT[0], 0)).unwrap();
                socket.connect(echoing.local_addr()).unwrap();
                socket.send(&sent[..50]).await.unwrap();
                let mut back = [0; 100];
                assert_eq!(socket.recv(&mut back).await.unwrap(), 50);
            });
        }
        tasks.run();
    });
}
