//! Asynchronous sockets: those of [`sockets`](super), with futures in place of blocking calls.
//!
//! The names are the same, and so are the connections: [`From`] turns a blocking socket into an
//! asynchronous one and back, and one [`Net`](super::Net) may have both. Any executor will do. There is no
//! runtime to start: the thread of the network receives packets and wakes the tasks.
//!
//! ```
//! use std::io;
//! use std::net::Shutdown;
//! use std::thread;
//! use stubborn::config::Config;
//! use stubborn::driver::memory;
//! use stubborn::sockets::Net;
//! use stubborn::sockets::asynchronous::{TcpListener, TcpStream};
//!
//! /// Sends back what comes, on one connection.
//! async fn echo(listener: TcpListener) -> io::Result<()> {
//!     let (stream, _peer) = listener.accept().await?;
//!     let mut buffer = [0; 1000];
//!     loop {
//!         match stream.read(&mut buffer).await? {
//!             0 => return Ok(()),
//!             len => stream.write_all(&buffer[..len]).await?,
//!         }
//!     }
//! }
//!
//! // Two hosts in one process; `TunDevice::open` instead joins one host to the kernel.
//! let (left, right) = memory::pair(1500)?;
//! let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
//! let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
//!
//! let listener = TcpListener::bind(&server, ([192, 0, 2, 1], 7))?;
//! let serving = thread::spawn(|| pollster::block_on(echo(listener)));
//! pollster::block_on(async {
//!     let stream = TcpStream::connect(&client, ([192, 0, 2, 1], 7)).await?;
//!     stream.write_all(b"hello").await?;
//!     stream.shutdown(Shutdown::Write)?;
//!     let mut answer = [0; 5];
//!     stream.read_exact(&mut answer).await?;
//!     assert_eq!(&answer, b"hello");
//!     io::Result::Ok(())
//! })?;
//! serving.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cancelling
//!
//! Every future may be dropped at any time: its task is no longer woken for it, and the socket can be used
//! as before. A call that is dropped before it completes has done nothing, so the executor can provide
//! timeouts without the help of the stack. Exceptions: [`TcpStream::read_exact`] and
//! [`TcpStream::write_all`] may have done part of their work, dropping [`TcpStream::connect`] abandons the
//! connection, and [`shutdown`] has closed everything.
//!
//! # Several tasks
//!
//! All methods take `&self`, and each future has its own place among the waiters: one task may read while
//! another writes, and any number may do the same. A task is woken when its call may succeed; if another
//! task was quicker, it goes on waiting.
//!
//! The `poll_` methods, and the traits below, have one place per handle for reading and one for writing. It
//! holds the task that polled last, and an earlier one is not woken. So each task that uses them needs a
//! clone of its own.
//!
//! # Traits
//!
//! | feature | what a [`TcpStream`] and a [`TcpListener`] get |
//! |---|---|
//! | `futures-io` | `AsyncRead` and `AsyncWrite` of the crate `futures-io` |
//! | `tokio` | `AsyncRead` and `AsyncWrite` of `tokio::io` |
//! | `futures-core` | `TcpListener::incoming`, a `Stream` of connections |
//!
//! # How long it takes
//!
//! A thread that waits in [`sockets::TcpStream::read`](super::TcpStream) may itself receive the
//! packets it waits for. For a task, another thread receives them and wakes the executor, so a round
//! trip takes longer. Tasks are for many connections that mostly wait.
//!
//! | file | what it holds |
//! |---|---|
//! | `stream` | [`TcpStream`] |
//! | `listener` | [`TcpListener`] |
//! | `udp` | [`UdpSocket`] |
//! | `echo` | [`EchoSocket`] |
//! | `ending` | [`shutdown`] |
//! | `waiting` | a wait as a future, which gives up its place when it is dropped |
//! | `with_futures_io`, `with_tokio`, `incoming` | the traits of other crates |

mod echo;
mod ending;
#[cfg(feature = "futures-core")]
mod incoming;
mod listener;
mod stream;
mod udp;
mod waiting;
#[cfg(feature = "futures-io")]
mod with_futures_io;
#[cfg(feature = "tokio")]
mod with_tokio;

pub use echo::EchoSocket;
pub use ending::shutdown;
#[cfg(feature = "futures-core")]
pub use incoming::Incoming;
pub use listener::TcpListener;
pub use stream::TcpStream;
pub use udp::UdpSocket;
