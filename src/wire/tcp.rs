//! The TCP header (RFC 9293 §3.1).

use core::fmt;
use core::ops::{BitOr, BitOrAssign, Sub};

use super::options::Options;

/// The control bits of a segment (RFC 9293 §3.1), with the one that RFC 9768 named AE (once NS):
/// nine bits, in the order in which they stand in the header.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Control(u16);

impl Control {
    /// No control bit.
    pub const NONE: Control = Control(0);
    /// No more data from the sender.
    pub const FIN: Control = Control(1 << 0);
    /// Synchronise sequence numbers.
    pub const SYN: Control = Control(1 << 1);
    /// Reset the connection.
    pub const RST: Control = Control(1 << 2);
    /// Push: hand what has arrived to the user at once.
    pub const PSH: Control = Control(1 << 3);
    /// The acknowledgment field is significant.
    pub const ACK: Control = Control(1 << 4);
    /// The urgent pointer is significant.
    pub const URG: Control = Control(1 << 5);
    /// ECN echo (RFC 3168).
    pub const ECE: Control = Control(1 << 6);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Control = Control(1 << 7);
    /// Accurate ECN (RFC 9768); before it, the nonce sum NS.
    pub const AE: Control = Control(1 << 8);

    /// The lowest nine bits of `bits`.
    pub const fn from_bits(bits: u16) -> Control {
        Control(bits & 0x1ff)
    }

    /// The nine bits, FIN lowest.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Control) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    pub const fn any(self, other: Control) -> bool {
        self.0 & other.0 != 0
    }

    /// tcpdump's letters: `S.` for SYN,ACK, `.` for ACK, `none` for nothing.
    pub fn letters(self) -> impl fmt::Display {
        Letters(self)
    }
}

impl BitOr for Control {
    type Output = Control;
    fn bitor(self, other: Control) -> Control {
        Control(self.0 | other.0)
    }
}

impl BitOrAssign for Control {
    fn bitor_assign(&mut self, other: Control) {
        self.0 |= other.0;
    }
}

impl Sub for Control {
    type Output = Control;
    /// Without the bits of `other`.
    fn sub(self, other: Control) -> Control {
        Control(self.0 & !other.0)
    }
}

/// As the RFCs write it: `SYN,ACK`.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Control, &str); 9] = [
            (Control::SYN, "SYN"),
            (Control::FIN, "FIN"),
            (Control::RST, "RST"),
            (Control::PSH, "PSH"),
            (Control::URG, "URG"),
            (Control::ECE, "ECE"),
            (Control::CWR, "CWR"),
            (Control::AE, "AE"),
            (Control::ACK, "ACK"),
        ];
        let mut first = true;
        for (bit, name) in NAMES {
            if self.has(bit) {
                f.write_str(if first { "" } else { "," })?;
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control({self})")
    }
}

struct Letters(Control);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Control, &str); 9] = [
            (Control::FIN, "F"),
            (Control::SYN, "S"),
            (Control::RST, "R"),
            (Control::PSH, "P"),
            (Control::URG, "U"),
            (Control::ECE, "E"),
            (Control::CWR, "W"),
            (Control::AE, "e"),
            (Control::ACK, "."),
        ];
        if self.0 == Control::NONE {
            return f.write_str("none");
        }
        LETTERS
            .iter()
            .filter(|(bit, _)| self.0.has(*bit))
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// A TCP header, every field, sequence numbers as they stand on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// SEG.SEQ: the sequence number of the first octet of the segment, or of its SYN.
    pub seq: u32,
    /// The acknowledgment field; significant if `control` has ACK (and 0 on the wire if not).
    pub ack: u32,
    /// The control bits.
    pub control: Control,
    /// The window field, unscaled.
    pub window: u16,
    /// The urgent pointer; significant if `control` has URG.
    pub urgent: u16,
    /// The options.
    pub options: Options,
}
