//! The wire format: what a link writes before a message.
//!
//! ```text
//!   0        1                                    octets
//!   +--------+----------------- ... --+---------- ... --+
//!   |  kind  |  fields of the kind    |  message        |
//!   +--------+----------------- ... --+---------- ... --+
//!
//!   kind  written by                 fields, in network byte order
//!      1  PerfectLink                identifier: a counter                  8 octets
//!      2  PerfectLink                identifier: a UUID                    16 octets
//!      3  PerfectFifoLink            number of the message                  8 octets
//!      4  WindowedLink               number of the message                  8 octets
//!      5  WindowedLink               all before this number are delivered   8 octets
//!                                    (the message is a bitmap, see there)
//!      6  AuthenticatedLink          HMAC-SHA-256                          32 octets
//!      7  detectors P and ◇P         heartbeat request                      none
//!      8  detectors P and ◇P         heartbeat reply                        none
//!      9  AccrualDetector            heartbeat: how many were sent before   8 octets
//! ```
//!
//! The fair-loss link and the stubborn link write no header. Links that are built on each other write one header
//! each, the lowest link's first. A packet that does not parse, or is not of the kind that the link writes, is
//! dropped.

use core::fmt;

use uuid::Uuid;

use super::identifier::MessageId;

/// The length of an authentication code, in octets.
pub const TAG: usize = 32;

/// What a link writes before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Which message it is, for recognising duplicates.
    Identified(MessageId),
    /// Where the message stands among those from its sender to its receiver.
    Ordered(u64),
    /// The same, for a link with a window.
    Data(u64),
    /// All messages before this number are delivered; the rest of the packet says which later ones
    /// are received.
    Acknowledgment(u64),
    /// The authentication code of the message and its two ends.
    Authenticated([u8; TAG]),
    /// Are you there?
    Request,
    /// I am.
    Reply,
    /// I am there, unasked: how many heartbeats were sent before.
    Heartbeat(u64),
}

/// Why octets are no packet of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends before its header does.
    TooShort,
    /// Its first octet is no known kind.
    Kind(u8),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::TooShort => f.write_str("the packet ends before its header does"),
            Malformed::Kind(kind) => write!(f, "there is no kind {kind} of packet"),
        }
    }
}

impl std::error::Error for Malformed {}

impl Header {
    /// The length of a header with a number in it, in octets.
    pub const NUMBERED: usize = 1 + 8;

    /// The header, and `message` behind it.
    pub fn before(&self, message: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(1 + TAG + message.len());
        let mut write = |kind: u8, fields: &[u8]| {
            packet.push(kind);
            packet.extend_from_slice(fields);
        };
        match self {
            Header::Identified(MessageId::Counter(count)) => write(1, &count.to_be_bytes()),
            Header::Identified(MessageId::Uuid(uuid)) => write(2, uuid.as_bytes()),
            Header::Ordered(number) => write(3, &number.to_be_bytes()),
            Header::Data(number) => write(4, &number.to_be_bytes()),
            Header::Acknowledgment(next) => write(5, &next.to_be_bytes()),
            Header::Authenticated(tag) => write(6, tag),
            Header::Request => write(7, &[]),
            Header::Reply => write(8, &[]),
            Header::Heartbeat(number) => write(9, &number.to_be_bytes()),
        }
        packet.extend_from_slice(message);
        packet
    }

    /// The header of a packet, and the message behind it.
    ///
    /// # Errors
    /// If it has no whole header of a known kind.
    pub fn parse(packet: &[u8]) -> Result<(Header, &[u8]), Malformed> {
        let (&kind, rest) = packet.split_first().ok_or(Malformed::TooShort)?;
        let numbered = |header: fn(u64) -> Header| {
            let (number, message) = fields(rest)?;
            Ok((header(u64::from_be_bytes(number)), message))
        };
        match kind {
            1 => numbered(|count| Header::Identified(MessageId::Counter(count))),
            2 => {
                let (uuid, message) = fields(rest)?;
                let id = MessageId::Uuid(Uuid::from_bytes(uuid));
                Ok((Header::Identified(id), message))
            }
            3 => numbered(Header::Ordered),
            4 => numbered(Header::Data),
            5 => numbered(Header::Acknowledgment),
            6 => {
                let (tag, message) = fields(rest)?;
                Ok((Header::Authenticated(tag), message))
            }
            7 => Ok((Header::Request, rest)),
            8 => Ok((Header::Reply, rest)),
            9 => numbered(Header::Heartbeat),
            kind => Err(Malformed::Kind(kind)),
        }
    }
}

/// The first N octets, and the rest.
fn fields<const N: usize>(octets: &[u8]) -> Result<([u8; N], &[u8]), Malformed> {
    let (fields, rest) = octets.split_first_chunk().ok_or(Malformed::TooShort)?;
    Ok((*fields, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Header; 9] = [
        Header::Identified(MessageId::Counter(0x0102_0304_0506_0708)),
        Header::Identified(MessageId::Uuid(Uuid::from_bytes([7; 16]))),
        Header::Ordered(u64::MAX),
        Header::Data(0),
        Header::Acknowledgment(1),
        Header::Authenticated([9; TAG]),
        Header::Request,
        Header::Reply,
        Header::Heartbeat(4),
    ];

    #[test]
    fn what_is_written_is_read() {
        for (index, header) in KINDS.into_iter().enumerate() {
            let packet = header.before(b"text");
            assert_eq!(
                usize::from(packet[0]),
                index + 1,
                "the kinds as in the table"
            );
            assert_eq!(Header::parse(&packet), Ok((header, &b"text"[..])));
            let length = packet.len() - 4;
            for cut in 0..length {
                assert_eq!(Header::parse(&packet[..cut]), Err(Malformed::TooShort));
            }
            assert_eq!(Header::parse(&packet[..length]), Ok((header, &b""[..])));
        }
        assert_eq!(
            KINDS[0].before(b""),
            [1, 1, 2, 3, 4, 5, 6, 7, 8],
            "network byte order"
        );
    }

    #[test]
    fn other_kinds_are_refused() {
        for kind in (10..=255).chain([0]) {
            let packet = [&[kind][..], &[0; 64]].concat();
            assert_eq!(Header::parse(&packet), Err(Malformed::Kind(kind)));
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(packet in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((header, message)) = Header::parse(&packet) {
                prop_assert_eq!(header.before(message), packet);
            }
        }
    }
}
