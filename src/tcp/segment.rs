//! A segment whose sequence numbers have been widened.

use core::fmt;

use super::seq::Seq;
use crate::wire::{Control, Ecn, Options, TcpHeader, Text};

/// A segment: SEG.SEQ is `seq`, SEG.ACK is `ack`, SEG.WND is `wnd`.
///
/// Prints as RFC 9293 writes segments: `<SEQ=100><ACK=300><CTL=SYN,ACK>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// SEG.SEQ: the place of the SYN, or of the first octet of text, or where it would be.
    pub seq: Seq,
    /// SEG.ACK, if the segment has ACK.
    pub ack: Option<Seq>,
    /// The control bits.
    pub ctl: Control,
    /// SEG.WND, in octets.
    pub wnd: usize,
    /// The window field is SEG.WND shifted right by this (RFC 7323 §2.2).
    pub shift: u8,
    /// SEG.UP as in the header: significant with URG.
    pub up: u16,
    /// The options.
    pub options: Options,
    /// The ECN field of the datagram that carries it (RFC 3168 §5).
    pub ecn: Ecn,
    /// The text.
    pub text: Text<'a>,
    /// Octets of text in each segment of a super-segment, the last of which may have fewer. With no
    /// more text than this, it is one segment.
    pub mss: usize,
}

impl<'a> Segment<'a> {
    /// SEG.LEN: octets of sequence space, SYN and FIN included.
    pub fn len(&self) -> usize {
        self.text.len()
            + usize::from(self.ctl.has(Control::SYN))
            + usize::from(self.ctl.has(Control::FIN))
    }

    /// How many segments it is on the wire.
    pub fn segments(&self) -> usize {
        segments(self.text.len(), self.mss)
    }

    /// Whether the segment takes no sequence space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place after the last octet of sequence space.
    pub fn end(&self) -> Seq {
        self.seq + self.len()
    }

    /// The place of the first octet of text.
    pub fn text_start(&self) -> Seq {
        self.seq + usize::from(self.ctl.has(Control::SYN))
    }

    /// Moves SEG.SEQ on; the place that SEG.UP names stays the same, unless it is left behind.
    pub(super) fn advance(&mut self, places: usize) {
        self.seq += places;
        match u16::try_from(places).map(|places| self.up.checked_sub(places)) {
            Ok(Some(up)) => self.up = up,
            _ => self.ctl = self.ctl - Control::URG,
        }
    }

    /// The header that carries this segment.
    pub fn header(&self, source_port: u16, destination_port: u16) -> TcpHeader {
        TcpHeader {
            source_port,
            destination_port,
            seq: self.seq.wire(),
            ack: self.ack.map_or(0, Seq::wire),
            control: self.ctl,
            window: (self.wnd >> self.shift).min(usize::from(u16::MAX)) as u16,
            urgent: self.up,
            options: self.options,
        }
    }
}

/// The number of segments, of `mss` octets each, in this much text: at least one.
pub(super) fn segments(text: usize, mss: usize) -> usize {
    // A division is slow, and unnecessary for nearly every segment.
    match text <= mss {
        true => 1,
        false => text.div_ceil(mss.max(1)),
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SEQ={}>", self.seq)?;
        if let Some(ack) = self.ack {
            write!(f, "<ACK={ack}>")?;
        }
        if !self.text.is_empty() {
            write!(f, "<DATA={}>", self.text.len())?;
        }
        write!(f, "<CTL={}>", self.ctl)
    }
}

/// The answer to a segment that no connection takes (RFC 9293 §3.10.7.1, §3.5.2): `None` for a reset, which is never answered by a reset.
pub fn reset_for(header: &TcpHeader, text_len: usize) -> Option<TcpHeader> {
    if header.control.has(Control::RST) {
        return None;
    }
    let reset = TcpHeader {
        source_port: header.destination_port,
        destination_port: header.source_port,
        ..TcpHeader::default()
    };
    if header.control.has(Control::ACK) {
        return Some(TcpHeader {
            seq: header.ack,
            control: Control::RST,
            ..reset
        });
    }
    let controls =
        u32::from(header.control.has(Control::SYN)) + u32::from(header.control.has(Control::FIN));
    Some(TcpHeader {
        ack: header
            .seq
            .wrapping_add(text_len as u32)
            .wrapping_add(controls),
        control: Control::RST | Control::ACK,
        ..reset
    })
}
