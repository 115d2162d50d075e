//! Futures that are dropped before they have an answer: nothing is lost, doubled or left behind.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use stubborn::sockets::asynchronous::{TcpListener, TcpStream, UdpSocket};

use super::executor::{Counter, Tasks, block_on, poll, yield_now};
use super::support::*;

/// A number of a sequence, different each time.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// Begins a call again and again, and drops it after so many polls as chance will have it.
async fn again<T>(chance: &mut Chance, mut call: impl AsyncFnMut() -> T) -> T {
    loop {
        let polls = chance.below(3);
        let mut future = Box::pin(call());
        let mut polled = 0;
        let answer = std::future::poll_fn(|context| {
            if polled == polls {
                return Poll::Ready(None);
            }
            polled += 1;
            match future.as_mut().poll(context) {
                Poll::Pending if polled == polls => Poll::Ready(None),
                other => other.map(Some),
            }
        });
        if let Some(answer) = answer.await {
            return answer;
        }
        drop(future);
        yield_now().await;
    }
}

/// One writes and one reads, in pieces of up to `most` octets, and both change their minds all the time.
fn text_passes(seed: u64, len: usize, most: u64) {
    let ends = connected();
    let (writer, reader) = (TcpStream::from(ends.opened), TcpStream::from(ends.accepted));
    let sent = text(seed, len);
    let mut tasks = Tasks::default();
    let mut chances = [seed | 1, seed.wrapping_mul(31) | 1].map(Chance);
    let [first, second] = &mut chances;
    let (text, writer) = (&sent, &writer);
    tasks.spawn(async move {
        let mut written = 0;
        while written < text.len() {
            let end = text.len().min(written + 1 + first.below(most) as usize);
            let piece = &text[written..end];
            let taken = again(first, async || writer.write(piece).await).await;
            written += taken.expect("room");
        }
        writer
            .shutdown(std::net::Shutdown::Write)
            .expect("it is open");
    });
    tasks.spawn(async move {
        let mut arrived = Vec::new();
        loop {
            let mut buffer = vec![0; 1 + second.below(most) as usize];
            let read = again(second, async || reader.read(&mut buffer).await).await;
            let len = read.expect("text");
            if len == 0 {
                break;
            }
            arrived.extend_from_slice(&buffer[..len]);
        }
        assert!(arrived == *text, "{} octets arrive", arrived.len());
    });
    tasks.run();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_octet_is_lost_or_doubled_by_who_changes_his_mind(
        seed in 1u64..1 << 60,
        len in 1usize..600_000,
        most in 1000u64..200_000,
    ) {
        bounded(move || text_passes(seed, len, most));
    }
}

#[test]
fn a_connection_that_nobody_waits_for_is_given_up() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let _listener = TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        mute.store(true, Ordering::Relaxed);
        let task = Arc::<Counter>::default();
        {
            let mut connecting = pin!(TcpStream::connect(&client, addr_of(SERVER[0], 7)));
            assert_eq!(
                client.connection_count(),
                0,
                "nothing before the first poll"
            );
            assert!(poll(connecting.as_mut(), &task).is_pending());
            assert_eq!(client.connection_count(), 1);
        }
        assert_eq!(client.connection_count(), 0);
    });
}

/// A connection to accept wakes one; if that one goes, the next.
#[test]
fn a_connection_wakes_another_if_the_one_it_woke_is_gone() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let [first, last] = [(); 2].map(|()| Arc::<Counter>::default());
        let mut stays = pin!(listener.accept());
        assert!(poll(stays.as_mut(), &first).is_pending());
        let mut goes = Box::pin(listener.accept());
        assert!(poll(goes.as_mut(), &last).is_pending());
        let opened = client.connect(listener.local_addr()).unwrap();
        last.reaches(1);
        assert_eq!(first.woken(), 0);
        drop(goes);
        first.reaches(1);
        let Poll::Ready(Ok((_, peer))) = poll(stays.as_mut(), &first) else {
            panic!("it was woken for a connection");
        };
        assert_eq!(peer, opened.local_addr());
    });
}

#[test]
fn nobody_is_woken_for_a_future_that_is_dropped() {
    bounded(|| {
        let ends = connected();
        let stream = TcpStream::from(ends.opened);
        let task = Arc::<Counter>::default();
        assert!(poll(pin!(stream.read(&mut [0; 10])), &task).is_pending());
        assert!(poll(pin!(stream.readable()), &task).is_pending());
        // The same task waits for something else: this is not dropped.
        let socket = UdpSocket::bind(&ends.client, addr_of(CLIENT[0], 7)).unwrap();
        let mut buffer = [0; 10];
        let mut receiving = pin!(socket.recv_from(&mut buffer));
        assert!(poll(receiving.as_mut(), &task).is_pending());
        block_on(TcpStream::from(ends.accepted).write_all(b"x")).unwrap();
        block_on(stream.readable()).unwrap();
        assert_eq!(task.woken(), 0);
        let sender = UdpSocket::bind(&ends.server, addr_of(SERVER[0], 7)).unwrap();
        block_on(sender.send_to(b"hello", socket.local_addr())).unwrap();
        task.reaches(1);
        assert!(poll(receiving.as_mut(), &task).is_ready());
    });
}

/// Many executors on many threads share one listener, one connection each way and one UDP socket, and all give up
/// again and again: whatever is sent is received by somebody.
#[test]
fn what_is_sent_is_received_by_somebody() {
    const THREADS: u64 = 4;
    const EACH: u64 = 200;
    bounded(|| {
        let ends = connected();
        let [opened, accepted] = [ends.opened, ends.accepted].map(TcpStream::from);
        let listener = Arc::new(TcpListener::from(ends.listener));
        let received = Arc::new(AtomicU64::new(0));
        let readers: Vec<_> = (1..=THREADS)
            .map(|seed| {
                let (stream, received) = (accepted.clone(), Arc::clone(&received));
                let listener = Arc::clone(&listener);
                thread::spawn(move || {
                    let mut chance = Chance(seed);
                    block_on(async {
                        for _ in 0..EACH {
                            let read = async || stream.read(&mut [0; 1]).await;
                            let len = again(&mut chance, read).await.unwrap();
                            received.fetch_add(len as u64, Ordering::Relaxed);
                        }
                        again(&mut chance, async || listener.accept().await).await
                    })
                    .unwrap();
                })
            })
            .collect();
        for number in 0..THREADS * EACH {
            block_on(opened.write_all(b"x")).unwrap();
            if number % 50 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let connect = |_| ends.client.connect(listener.local_addr()).unwrap();
        let connections: Vec<_> = (0..THREADS).map(connect).collect();
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(received.load(Ordering::Relaxed), THREADS * EACH);
        drop(connections);
    });
}
