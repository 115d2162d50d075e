//! Merges consecutive TCP segments into a super-segment: what the device of a receiver does
//! (generic receive offload), in software.

use core::num::NonZero;

use super::ip::content;
use super::ip_header::{Content, MAX_DATAGRAM};
use super::offload::{Cut, Form, Kind, set_checksum, set_ip_length};
use super::tcp::{self, Control};
use super::{Payload, parse};

/// A datagram, and the segments behind it that have been merged into it.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    octets: Vec<u8>,
    /// Where its TCP header and its text begin.
    places: Places,
    /// Octets of text of the first segment.
    mss: usize,
    /// More can follow.
    is_open: bool,
    is_super: bool,
}

impl Merge {
    /// Begins with a datagram, and forgets the one before.
    pub fn begin(&mut self, datagram: &[u8]) {
        self.octets.clear();
        self.octets.extend_from_slice(datagram);
        (self.is_open, self.is_super) = (false, false);
        if let Some(places) = Places::of(datagram) {
            self.places = places;
            self.mss = datagram.len() - places.text;
            self.is_open = !ends(datagram, places);
        }
    }

    /// Takes a datagram, if it is the next segment: its headers are the same, except for what must
    /// differ, and it is no longer than the first. A shorter one, PSH or FIN ends the merge.
    /// Returns whether it was taken.
    #[must_use = "if it is not taken, it has still to be received"]
    pub fn take(&mut self, datagram: &[u8]) -> bool {
        let Some(places) = Places::of(datagram).filter(|_| self.is_open) else {
            return false;
        };
        let len = datagram.len() - places.text;
        let follows = places == self.places
            && len <= self.mss
            && self.octets.len() + len <= MAX_DATAGRAM
            && self.next_seq() == tcp::seq(&datagram[places.upper..])
            && head(datagram, places) == head(&self.octets, places);
        if !follows {
            return false;
        }
        self.octets.extend_from_slice(&datagram[places.text..]);
        let control = places.upper + tcp::CONTROL;
        self.octets[control] |= datagram[control];
        self.is_super = true;
        self.is_open = len == self.mss && !ends(datagram, places);
        true
    }

    /// The merged datagram, with its length and checksum set, and its form.
    pub fn end(&mut self) -> (&[u8], Form) {
        let mut form = Form::default();
        let size = u16::try_from(self.mss).ok().and_then(NonZero::new);
        if let Some(size) = size.filter(|_| self.is_super) {
            set_ip_length(&mut self.octets, self.places.upper);
            if let Ok((ip, _)) = content(&self.octets) {
                set_checksum(&ip, Kind::Tcp, &mut self.octets[self.places.upper..]);
            }
            let kind = Kind::Tcp;
            form.cut = Some(Cut { kind, size });
        }
        (&self.octets, form)
    }

    /// SEG.SEQ of what follows.
    fn next_seq(&self) -> u32 {
        let text = self.octets.len() - self.places.text;
        tcp::seq(&self.octets[self.places.upper..]).wrapping_add(text as u32)
    }
}

/// Where the TCP header and the text of a datagram begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    upper: usize,
    text: usize,
}

impl Places {
    /// The places in a segment that can be merged: with text, complete, and nothing unusual.
    fn of(datagram: &[u8]) -> Option<Places> {
        let Ok((_, Content::Whole { payload, start, .. })) = content(datagram) else {
            return None;
        };
        let Payload::Tcp(header, text) = parse(datagram).ok()?.payload else {
            return None;
        };
        let is_ordinary = header.control.has(Control::ACK)
            && !header
                .control
                .any(Control::SYN | Control::RST | Control::URG);
        let is_whole = start + payload.len() == datagram.len();
        (is_ordinary && is_whole && !text.is_empty()).then(|| Places {
            upper: start,
            text: datagram.len() - text.len(),
        })
    }
}

/// Whether nothing follows this segment.
fn ends(datagram: &[u8], places: Places) -> bool {
    let last = Control::PSH | Control::FIN;
    Control::from_bits(datagram[places.upper + tcp::CONTROL].into()).any(last)
}

/// The headers of a segment, without the fields that differ from segment to segment.
fn head(datagram: &[u8], places: Places) -> Vec<u8> {
    let mut head = datagram[..places.text].to_vec();
    if head[0] >> 4 == 4 {
        // Total length and identification, header checksum.
        head[2..6].fill(0);
        head[10..12].fill(0);
    } else {
        head[4..6].fill(0);
    }
    let upper = &mut head[places.upper..];
    upper[4..8].fill(0);
    upper[tcp::CHECKSUM..tcp::CHECKSUM + 2].fill(0);
    upper[tcp::CONTROL] &= !((Control::PSH | Control::FIN).bits() as u8);
    head
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{IpHeader, Packet, TcpHeader, Text, offload};

    fn segment(seq: u32, control: Control, text: &[u8]) -> Vec<u8> {
        let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        let tcp = TcpHeader {
            source_port: 7,
            destination_port: 9,
            seq,
            control: control | Control::ACK,
            ..TcpHeader::default()
        };
        Packet::tcp(&ip, &tcp, Text::from(text)).to_vec()
    }

    /// All of them, merged as far as possible.
    fn merged(datagrams: &[Vec<u8>]) -> Vec<(Vec<u8>, Form)> {
        let mut merge = Merge::default();
        let mut all = Vec::new();
        let mut rest = datagrams.iter().peekable();
        while let Some(datagram) = rest.next() {
            merge.begin(datagram);
            while rest.next_if(|next| merge.take(next)).is_some() {}
            let (octets, form) = merge.end();
            all.push((octets.to_vec(), form));
        }
        all
    }

    #[test]
    fn what_follows_becomes_one_until_something_ends_it() {
        let lens = |datagrams: &[Vec<u8>]| {
            let all = merged(datagrams);
            all.iter()
                .map(|(octets, _)| octets.len() - 40)
                .collect::<Vec<_>>()
        };
        let plain = |seq, len| segment(seq, Control::NONE, &vec![7; len]);
        let pushed = |seq, len| segment(seq, Control::PSH, &vec![7; len]);
        assert_eq!(
            lens(&[plain(0, 10), plain(10, 10), plain(20, 3), plain(23, 10)]),
            [23, 10]
        );
        assert_eq!(
            lens(&[plain(0, 10), pushed(10, 10), plain(20, 10)]),
            [20, 10]
        );
        assert_eq!(lens(&[plain(0, 10), plain(20, 10)]), [10, 10], "a gap");
        assert_eq!(lens(&[plain(0, 10), plain(10, 11)]), [10, 11], "longer");
        let marked = segment(10, Control::ECE, &[7; 10]);
        assert_eq!(lens(&[plain(0, 10), marked]), [10, 10], "it says more");
        let mut damaged = plain(10, 10);
        damaged[45] ^= 1;
        assert_eq!(lens(&[plain(0, 10), damaged]), [10, 10]);
    }

    proptest! {
        /// What was cut can be merged, and what was merged can be cut.
        #[test]
        fn is_the_inverse_of_a_cut(
            text in prop::collection::vec(any::<u8>(), 1..5000),
            size in 1..900u16,
            seq: u32,
            push: bool,
        ) {
            let size = NonZero::new(size).unwrap();
            let cut = Cut { kind: Kind::Tcp, size };
            let control = if push { Control::PSH } else { Control::NONE };
            let whole = segment(seq, control, &text);
            let mut pieces = Vec::new();
            prop_assert!(offload::cut(&whole, cut, |piece| pieces.push(piece.to_vec())));
            let all = merged(&pieces);
            let is_super = pieces.len() > 1;
            let form = Form { cut: is_super.then_some(cut), ..Form::default() };
            prop_assert_eq!(all, [(whole, form)]);
        }

        #[test]
        fn nothing_makes_it_panic(datagrams in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..80), 0..4,
        )) {
            merged(&datagrams);
        }
    }
}
