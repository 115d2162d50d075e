//! Writing where the text will lie until it is acknowledged.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind, IoSliceMut, Read};
use std::panic::{self, AssertUnwindSafe};

use super::handle;
use super::stream::TcpStream;
use crate::stack::Readiness;

/// The most octets that are read from a file while the stack stands still.
const PIECE: usize = 64 * 1024;

impl TcpStream {
    /// Writes without copying: `fill` gets room for `most` octets (or for as many as there is room
    /// for, at least one) where they will lie until they are acknowledged, in at most two pieces.
    /// It writes from the first octet of the first piece on and says how many it has written; so
    /// many are sent, and returned. What the room held before means nothing.
    ///
    /// Waits for room as a write does. While `fill` runs, the stack stands still, so it is for
    /// making text, not for waiting for it.
    ///
    /// ```
    /// # use std::io::Read;
    /// # use stubborn::config::Config;
    /// # use stubborn::driver::memory;
    /// # use stubborn::sockets::{Net, TcpListener, TcpStream};
    /// # let (left, right) = memory::pair(1500)?;
    /// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
    /// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
    /// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
    /// # let client = TcpStream::connect(&client, "192.0.2.1:7")?;
    /// # let (mut accepted, _peer) = listener.accept()?;
    /// let mut numbers = 1..;
    /// let len = client.write_in_place(100, |room| {
    ///     let octets = room.into_iter().flatten();
    ///     octets.zip(&mut numbers).map(|(octet, number)| *octet = number).count()
    /// })?;
    /// let mut text = vec![0; len];
    /// accepted.read_exact(&mut text)?;
    /// assert!(text.into_iter().eq(1..=len as u8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As a write; then `fill` was not called.
    ///
    /// # Panics
    /// If `fill` does; then nothing was sent. If `fill` calls anything of this module, which would
    /// have to wait for itself.
    pub fn write_in_place(
        &self,
        most: usize,
        fill: impl FnOnce([&mut [u8]; 2]) -> usize,
    ) -> io::Result<usize> {
        if most == 0 {
            return Ok(0);
        }
        let id = self.id();
        let mut fill = Some(fill);
        let mut panicked = None;
        let mut guarded = |room: [&mut [u8]; 2]| {
            let Some(fill) = fill.take() else {
                return 0;
            };
            // A panic of the user's must not be one of the stack.
            let filled = alone(|| panic::catch_unwind(AssertUnwindSafe(|| fill(room))));
            filled.unwrap_or_else(|panic| {
                panicked = Some(panic);
                0
            })
        };
        let answer = self.run(Readiness::WRITABLE, self.write_patience(), |shared, now| {
            handle::write_with(shared, now, id, most, &mut guarded)
        });
        match panicked {
            Some(panic) => panic::resume_unwind(panic),
            None => answer,
        }
    }

    /// Sends `count` octets of `file` from where it stands, or as many as there are until its end,
    /// without a buffer in between: the file is read straight into what is sent. Returns how many,
    /// and the file stands behind them.
    ///
    /// Waits for room as a write does. While a piece of the file is read, of 64 KiB at most, the
    /// stack stands still: for a file on a slow device [`io::copy`] is better.
    ///
    /// ```
    /// # use std::io::{Read, Seek, Write};
    /// # use stubborn::config::Config;
    /// # use stubborn::driver::memory;
    /// # use stubborn::sockets::{Net, TcpListener, TcpStream};
    /// # let (left, right) = memory::pair(1500)?;
    /// # let server = Net::start(left, Config::new(["192.0.2.1".parse()?]))?;
    /// # let client = Net::start(right, Config::new(["192.0.2.2".parse()?]))?;
    /// # let listener = TcpListener::bind(&server, "192.0.2.1:7")?;
    /// # let client = TcpStream::connect(&client, "192.0.2.1:7")?;
    /// # let (mut accepted, _peer) = listener.accept()?;
    /// # let path = std::env::temp_dir().join(format!("stubborn-{}", std::process::id()));
    /// # std::fs::write(&path, "a whole file")?;
    /// let file = std::fs::File::open(&path)?;
    /// assert_eq!(client.send_file(&file, u64::MAX)?, 12);
    /// let mut text = [0; 12];
    /// accepted.read_exact(&mut text)?;
    /// assert_eq!(&text, b"a whole file");
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As a write, or as the file has it; but only if nothing was sent before: otherwise the next
    /// call will find the same.
    pub fn send_file(&self, file: &File, count: u64) -> io::Result<u64> {
        let mut sent = 0;
        while sent < count {
            let most = usize::try_from(count - sent).map_or(PIECE, |left| left.min(PIECE));
            match self.send_piece(file, most) {
                Ok(0) => break,
                Ok(len) => sent += len as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if sent == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    fn send_piece(&self, mut file: &File, most: usize) -> io::Result<usize> {
        let mut read = Ok(0);
        self.write_in_place(most, |room| {
            read = file.read_vectored(&mut room.map(IoSliceMut::new));
            *read.as_ref().unwrap_or(&0)
        })?;
        read
    }
}

thread_local! {
    /// This thread holds the lock and runs what a user has given.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

fn alone<T>(run: impl FnOnce() -> T) -> T {
    ALONE.set(true);
    let answer = run();
    ALONE.set(false);
    answer
}

/// A call that needs the lock begins.
pub(super) fn check_not_alone() {
    assert!(
        !ALONE.get(),
        "a call of a socket from within `write_in_place`"
    );
}
