//! Writing without copying, straight into the send buffer.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use super::stream::TcpStream;

/// The most octets that are read from a file at once.
const PIECE: usize = 64 * 1024;

impl TcpStream {
    /// Writes without copying: `fill` gets a slice of the send buffer, of up to `most` octets (at least
    /// one), with arbitrary contents. It fills the slice from the start and returns the number of
    /// octets written; these are sent, and their number is returned.
    ///
    /// Waits for room as a write does. While `fill` runs, the connection goes on. A few octets may be
    /// copied after all, if otherwise they would occupy a whole block.
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
    ///     room.iter_mut().zip(&mut numbers).map(|(octet, number)| *octet = number).count()
    /// })?;
    /// let mut text = vec![0; len];
    /// accepted.read_exact(&mut text)?;
    /// assert!(text.into_iter().eq(1..=len as u8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As a write; `fill` is not called then.
    ///
    /// # Panics
    /// If `fill` panics; nothing is sent then.
    pub fn write_in_place(
        &self,
        most: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> io::Result<usize> {
        if most == 0 {
            return Ok(0);
        }
        self.write_draft(self.write_patience(), most, |draft| draft.fill(most, fill))
    }

    /// Sends `count` octets of `file` from its current position, or fewer if the file ends before that. The
    /// file is read straight into the send buffer. Returns the number of octets sent, by which the file's
    /// position has moved.
    ///
    /// Waits for room as a write does, and reads at most 64 KiB at a time, while the connection goes on.
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
    /// As a write or as a read of the file, but only if nothing was sent before the error
    /// occurred. Otherwise it returns the number of octets sent, and the next call meets the error again.
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
            read = file.read(room);
            *read.as_ref().unwrap_or(&0)
        })?;
        read
    }
}
