//! Sockets for tasks as those of other crates.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::thread;

use futures_core::Stream;
use stubborn::sockets::asynchronous::{TcpListener, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};

use super::executor::block_on;
use super::support::*;

/// The futures of an executor that many programs have.
fn with_tokio<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// An echo by way of `tokio::io`, on both sides.
#[test]
fn tokio_copies() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let address = listener.local_addr();
        let serving = thread::spawn(move || {
            with_tokio(async {
                let (stream, _) = listener.accept().await?;
                let (mut reader, mut writer) = split(stream);
                let copied = copy(&mut reader, &mut writer).await?;
                writer.shutdown().await?;
                io::Result::Ok(copied)
            })
        });
        let sent = text(1, 400_000);
        let back = with_tokio(async {
            let stream = TcpStream::connect(&client, address).await?;
            let (mut reader, mut writer) = split(stream);
            let writing = async {
                writer.write_all(&sent).await?;
                assert!(writer.is_write_vectored());
                writer.flush().await?;
                writer.shutdown().await?;
                // Closed already, and so it stays.
                writer.shutdown().await
            };
            let mut back = Vec::new();
            let reading = reader.read_to_end(&mut back);
            let (written, read) = super::executor::both(writing, reading).await;
            written?;
            read?;
            io::Result::Ok(back)
        });
        assert!(back.unwrap() == sent);
        assert_eq!(serving.join().unwrap().unwrap(), sent.len() as u64);
    });
}

/// The same by way of `futures-io`, polled by hand.
#[test]
fn futures_io_reads_and_writes() {
    use futures_io::AsyncRead;
    bounded(|| {
        let ends = connected();
        let [opened, mut accepted] = [ends.opened, ends.accepted].map(TcpStream::from);
        let pieces = [&b"he"[..], b"llo"].map(io::IoSlice::new);
        let text = block_on(std::future::poll_fn(|context| {
            let mut stream = &opened;
            futures_io::AsyncWrite::poll_write_vectored(Pin::new(&mut stream), context, &pieces)
        }));
        assert_eq!(text.unwrap(), 5);
        let closed = || {
            block_on(std::future::poll_fn(|context| {
                futures_io::AsyncWrite::poll_close(Pin::new(&mut &opened), context)
            }))
        };
        closed().unwrap();
        closed().unwrap();
        let mut read = |buffer: &mut [u8]| {
            block_on(std::future::poll_fn(|context| {
                Pin::new(&mut accepted).poll_read(context, buffer)
            }))
        };
        let mut text = [0; 10];
        assert_eq!(read(&mut text).unwrap(), 5);
        assert_eq!(&text[..5], b"hello");
        assert_eq!(read(&mut text).unwrap(), 0);
        let write = block_on(opened.write(b"more"));
        assert_eq!(kind(write), ErrorKind::BrokenPipe);
    });
}

#[test]
fn connections_are_a_stream() {
    bounded(|| {
        let ends = connected();
        let listener = TcpListener::from(ends.listener);
        let address = listener.local_addr();
        let opened: Vec<_> = (0..3)
            .map(|_| ends.client.connect(address).unwrap())
            .collect();
        let mut incoming = listener.incoming();
        for opened in &opened {
            let accepted = block_on(std::future::poll_fn(|context| {
                Pin::new(&mut incoming).poll_next(context)
            }));
            let accepted = accepted.expect("it never ends").unwrap();
            assert_eq!(accepted.peer_addr(), opened.local_addr());
        }
    });
}
