//! Reading without copying.

use core::fmt;
use std::io::{self, BufRead, Read};

use super::handle;
use super::stream::TcpStream;
use crate::stack::Readiness;
use crate::tcp::Loan;

/// The most octets that [`Reader::fill_buf`] returns at once, and the most that are consumed before
/// the stack is told, so that the window opens while the rest is being processed.
const MOST: usize = 128 * 1024;

/// Reads a stream without copying: [`fill_buf`](BufRead::fill_buf) returns what has arrived, in the memory
/// of the stack, and [`consume`](BufRead::consume) makes room for more. All of [`BufRead`] works on it:
/// [`lines`](BufRead::lines), [`split`](BufRead::split), [`io::copy`].
///
/// The memory is lent to the reader; meanwhile the connection goes on with other memory, so nothing is
/// locked, however long the reader takes. When the reader is dropped, octets that it has not consumed can
/// be read again. Until then other reads of the same connection may fail with `ResourceBusy`. Writes are
/// not affected.
///
/// ```
/// use std::io::{BufRead, Write};
/// # use stubborn::config::Config;
/// # use stubborn::driver::memory;
/// # use stubborn::sockets::{Net, TcpListener, TcpStream};
/// # let (left, right) = memory::pair(1500)?;
/// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
/// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
/// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
/// # let mut client = TcpStream::connect(&client, "192.0.2.1:7")?;
/// client.write_all(b"hello\nworld\n")?;
/// client.shutdown(std::net::Shutdown::Write)?;
///
/// // Echo, without a buffer of its own.
/// let (mut stream, _peer) = listener.accept()?;
/// let mut reader = stream.reader();
/// loop {
///     let text = reader.fill_buf()?;
///     let len = (&stream).write(text)?;
///     if len == 0 {
///         break; // The end of the stream.
///     }
///     reader.consume(len);
/// }
/// drop(reader);
/// stream.shutdown(std::net::Shutdown::Write)?;
///
/// let lines: Vec<String> = client.reader().lines().collect::<Result<_, _>>()?;
/// assert_eq!(lines, ["hello", "world"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is read unless it is asked for"]
pub struct Reader<'a> {
    stream: &'a TcpStream,
    loan: Option<Loan>,
    /// Octets that are consumed but not yet reported to the stack.
    untold: usize,
}

impl TcpStream {
    /// A reader that does not copy what has arrived.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            stream: self,
            loan: None,
            untold: 0,
        }
    }
}

impl Reader<'_> {
    /// Gives the loan back, and waits for more text.
    fn refill(&mut self) -> io::Result<()> {
        // Before the wait, so that the segments this makes due go out before the thread waits.
        self.give_back();
        let stream = self.stream;
        let id = stream.id();
        self.loan = stream.run(Readiness::READABLE, stream.read_patience(), |shared, _| {
            handle::lend(shared, id)
        })?;
        Ok(())
    }

    fn give_back(&mut self) {
        let id = self.stream.id();
        self.untold = 0;
        if let Some(loan) = self.loan.take() {
            // If the network has ended, no one needs the memory back.
            let _ = self.stream.attempt(|shared, now| {
                shared.stack().take_back(now, id, loan);
            });
        }
    }
}

impl BufRead for Reader<'_> {
    /// Octets that have arrived and are not consumed yet; none at the end of the stream. Waits
    /// as a read does.
    ///
    /// # Errors
    /// As a read; `ResourceBusy` while another reader has borrowed what has arrived.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.loan.as_ref().is_none_or(Loan::is_empty) {
            self.refill()?;
        }
        let Some(loan) = &self.loan else {
            return Ok(&[]);
        };
        let [first, second] = loan.text().pieces();
        let piece = if first.is_empty() { second } else { first };
        Ok(&piece[..piece.len().min(MOST)])
    }

    fn consume(&mut self, amount: usize) {
        let Some(loan) = &mut self.loan else {
            return;
        };
        // The caller may claim more than there is.
        self.untold += amount.min(loan.len());
        loan.consume(amount);
        if self.untold >= MOST && !loan.is_empty() {
            self.untold = 0;
            let (id, loan) = (self.stream.id(), &*loan);
            let _ = self.stream.attempt(|shared, now| {
                shared.stack().consumed(now, id, loan);
            });
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let text = self.fill_buf()?;
        let len = text.len().min(buffer.len());
        buffer[..len].copy_from_slice(&text[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("stream", self.stream)
            .field("borrowed", &self.loan.as_ref().map_or(0, Loan::len))
            .finish()
    }
}
