//! Merges consecutive segments, so that a script need not know how the stack cuts its text.

use super::control::{CWR, FIN, PSH};
use super::observed::{Content, Observed, Segment};

/// Appends `next` to the segment before it, if both are pieces of one: their headers differ only
/// in PSH, FIN, CWR and length, and the sequence numbers continue. The last piece may be
/// shorter.
pub(in super::super) fn merge(
    whole: &Observed,
    next: &Observed,
    piece: usize,
) -> Result<Observed, &'static str> {
    let (Content::Tcp(first), Content::Tcp(second)) = (&whole.content, &next.content) else {
        return Err("another protocol follows");
    };
    let kept = |control: u16| control & !(PSH | FIN | CWR);
    let header = |packet: &Observed| {
        (
            packet.source,
            packet.destination,
            packet.tos,
            packet.ttl,
            packet.flow_label,
        )
    };
    if first.len % piece.max(1) != 0 {
        return Err("a piece that is not the last is shorter than the others");
    }
    if second.len > piece {
        return Err("a piece is longer than the first");
    }
    if second.seq != first.seq.wrapping_add(first.len as u32) {
        return Err("the next segment does not go on where this one ends");
    }
    let same = header(whole) == header(next)
        && kept(first.control) == kept(second.control)
        && (first.ack, first.window, first.urgent) == (second.ack, second.window, second.urgent)
        && have_same_options(first, second)
        && (first.source_port, first.destination_port)
            == (second.source_port, second.destination_port);
    if !same {
        return Err("the next segment has another header");
    }
    let mut merged = next.clone();
    merged.faults.extend(&whole.faults);
    if let Content::Tcp(segment) = &mut merged.content {
        segment.seq = first.seq;
        segment.len += first.len;
        segment.control = (second.control & !CWR) | (first.control & CWR);
    }
    Ok(merged)
}

/// Whether two segments have the same options, apart from the digests of valid signatures.
fn have_same_options(first: &Segment, second: &Segment) -> bool {
    let are_signed = first.is_signed && second.is_signed;
    let kept = |segment: &Segment| -> Vec<(u8, Vec<u8>)> {
        let options = segment.options().into_iter();
        options
            .map(|(kind, data)| match kind {
                19 if are_signed => (kind, Vec::new()),
                _ => (kind, data.to_vec()),
            })
            .collect()
    };
    first.options == second.options || are_signed && kept(first) == kept(second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn piece(seq: u32, len: usize, control: u16) -> Observed {
        Observed {
            at: Instant::from_millis(seq.into()),
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            tos: 0,
            ttl: 64,
            flow_label: 0,
            content: Content::Tcp(Segment {
                seq,
                len,
                control,
                ..Segment::default()
            }),
            faults: Vec::new(),
        }
    }

    #[test]
    fn the_last_piece_gives_the_header_and_the_first_its_number() {
        let whole = merge(&piece(1, 10, 0x90), &piece(11, 4, 0x19), 10).unwrap();
        let segment = whole.segment().unwrap();
        assert_eq!((segment.seq, segment.len, segment.control), (1, 14, 0x99));
        assert_eq!(whole.at, Instant::from_millis(11));
    }

    #[test]
    fn what_does_not_fit_is_not_joined() {
        let first = piece(1, 10, 0x10);
        assert!(merge(&first, &piece(12, 4, 0x10), 10).is_err(), "a gap");
        assert!(merge(&first, &piece(11, 11, 0x10), 10).is_err(), "longer");
        assert!(merge(&first, &piece(11, 4, 0x30), 10).is_err(), "urgent");
        assert!(
            merge(&piece(1, 14, 0x10), &piece(15, 4, 0x10), 10).is_err(),
            "short before"
        );
    }
}
