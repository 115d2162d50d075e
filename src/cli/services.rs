//! Echo, discard and chargen, over anything that reads and writes.

use std::io::{self, Read, Write};

use super::tally::Tally;

/// Octets read or written at a time.
const BUFFER: usize = 16 * 1024;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// RFC 862.
    Echo,
    /// RFC 863.
    Discard,
    /// RFC 864.
    Chargen,
}

impl Service {
    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Echo => "echo",
            Service::Discard => "discard",
            Service::Chargen => "chargen",
        }
    }

    /// The port that the RFC assigns.
    pub(crate) fn port(self) -> u16 {
        match self {
            Service::Echo => 7,
            Service::Discard => 9,
            Service::Chargen => 19,
        }
    }

    /// Serves one connection until it ends. Chargen never reads: its caller makes the stack
    /// throw away what arrives.
    pub(crate) fn serve(self, stream: impl Read + Write, tally: &Tally) -> io::Result<()> {
        match self {
            Service::Echo => echo(stream, tally),
            Service::Discard => discard(stream, tally),
            Service::Chargen => chargen(stream, tally),
        }
    }
}

fn echo(mut stream: impl Read + Write, tally: &Tally) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        tally.received(len);
        stream.write_all(&buffer[..len])?;
        tally.sent(len);
    }
}

fn discard(mut stream: impl Read, tally: &Tally) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            len => tally.received(len),
        }
    }
}

fn chargen(mut stream: impl Write, tally: &Tally) -> io::Result<()> {
    let pattern = pattern();
    loop {
        stream.write_all(&pattern)?;
        tally.sent(pattern.len());
    }
}

/// One period of the pattern of RFC 864: lines of 72 of the 95 printable characters, each line
/// starting one character later than the one before it, until the first line would come again.
pub(crate) fn pattern() -> Vec<u8> {
    const PRINTABLE: std::ops::RangeInclusive<u8> = b' '..=b'~';
    const LINE: usize = 72;
    let ring: Vec<u8> = PRINTABLE.collect();
    let mut pattern = Vec::with_capacity(ring.len() * (LINE + 2));
    for start in 0..ring.len() {
        pattern.extend(ring.iter().cycle().skip(start).take(LINE));
        pattern.extend(b"\r\n");
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that has sent `input` and stores what it receives, at most `room` octets, in
    /// `output`.
    struct Peer {
        input: io::Cursor<Vec<u8>>,
        output: Vec<u8>,
        room: usize,
    }

    impl Peer {
        fn saying(text: &[u8], room: usize) -> Peer {
            Peer {
                input: io::Cursor::new(text.to_vec()),
                output: Vec::new(),
                room,
            }
        }
    }

    impl Read for &mut Peer {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.input.read(buffer)
        }
    }

    impl Write for &mut Peer {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let len = octets.len().min(self.room - self.output.len());
            if len == 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            self.output.extend(&octets[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn echo_sends_back_everything_and_ends_with_the_stream() {
        let text: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
        let mut peer = Peer::saying(&text, usize::MAX);
        let tally = Tally::default();
        Service::Echo.serve(&mut peer, &tally).unwrap();
        assert_eq!(peer.output, text);
        assert_eq!(
            tally.summary(0).to_string(),
            "connections: 0, octets in: 100000, octets out: 100000, retransmissions: 0"
        );
    }

    #[test]
    fn discard_says_nothing() {
        let mut peer = Peer::saying(b"anything", 0);
        Service::Discard
            .serve(&mut peer, &Tally::default())
            .unwrap();
        assert_eq!(peer.input.position(), 8);
    }

    #[test]
    fn chargen_goes_on_until_the_connection_ends() {
        let mut peer = Peer::saying(b"", 10_000);
        let error = Service::Chargen
            .serve(&mut peer, &Tally::default())
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(peer.output.len(), 10_000);
    }

    #[test]
    fn the_pattern_is_that_of_rfc_864() {
        let pattern = pattern();
        assert_eq!(pattern.len(), 95 * 74);
        let lines: Vec<&str> = std::str::from_utf8(&pattern)
            .unwrap()
            .split_terminator("\r\n")
            .collect();
        assert_eq!(lines.len(), 95);
        // The RFC's example begins with '!', the ring of printable characters with ' '.
        assert_eq!(
            lines[1],
            "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh"
        );
        assert_eq!(
            lines[94],
            "~ !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdef"
        );
        assert!(lines.iter().all(|line| line.len() == 72));
    }
}
