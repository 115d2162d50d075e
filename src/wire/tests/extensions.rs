//! Chains of IPv6 extension headers: what becomes of each, according to RFC 8200 and RFC 4443.
//!
//! Rules make the rows, one function for each section of the RFCs. The expected result comes from
//! the rule, never from the code. A datagram is read, dropped silently, or dropped with an ICMP
//! message to its sender; the test reads the message's code and pointer from its octets.

use super::*;

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its text arrives, or it has none that could.
    Read,
    Dropped,
    /// Parameter Problem (RFC 4443 §3.4), with this code and pointer.
    Told(u8, u32),
}
use Fate::{Dropped, Read, Told};

/// A description of the datagram, its octets, and what becomes of it.
type Row = (String, Vec<u8>, Fate);

const HEADER: u32 = 40;

/// What a host does with a datagram that is addressed to it, or to a group that includes it.
fn fate(datagram: &[u8]) -> Fate {
    let answer = match parse(datagram).map(|datagram| datagram.payload) {
        Ok(Payload::Unknown { answer }) => Some(answer),
        Ok(_) => return Read,
        Err(refusal) => refusal.answer,
    };
    let us = v6(0).destination;
    let Some(sent) = answer.and_then(|answer| icmp::error(us, 64, answer, datagram)) else {
        return Dropped;
    };
    let message = &sent[40..];
    assert_eq!(message[0], 4, "a parameter problem");
    Told(
        message[1],
        u32::from_be_bytes(message[4..8].try_into().unwrap()),
    )
}

/// Eight octets of destination or hop-by-hop options, or of a routing header, all padding.
fn pad(next: u8) -> Vec<u8> {
    options(next, &[1, 4, 0, 0, 0, 0])
}

/// The same datagram, to all nodes of the link.
fn to_many(mut datagram: Vec<u8>) -> Vec<u8> {
    let all_nodes: core::net::Ipv6Addr = "ff02::1".parse().unwrap();
    datagram[24..40].copy_from_slice(&all_nodes.octets());
    // The UDP checksum covers the address, so the text, the last four octets, compensates for the
    // change.
    let mut rest = datagram.len() - 12;
    if parse(&datagram).is_err_and(|refusal| refusal.reason == Malformed::UdpChecksum) {
        datagram[rest + 6..rest + 8].fill(0);
        let ip = IpHeader {
            destination: all_nodes.into(),
            ..v6(UDP)
        };
        let fixed = summed(&ip, datagram[rest..].to_vec(), 6);
        datagram.truncate(rest);
        rest = fixed.len() - 12;
        datagram.extend(&fixed[rest..]);
    }
    datagram
}

/// RFC 8200 §4.2: the two highest bits of the type of an unknown option.
fn unknown_options(rows: &mut Vec<Row>) {
    for header in [HOP_BY_HOP, DESTINATION] {
        for kind in 2..=u8::MAX {
            let datagram = behind(header, &options(UDP, &[kind, 4, 0, 0, 0, 0]));
            let told = Told(2, HEADER + 2);
            let (to_one, to_all) = match kind >> 6 {
                0b00 => (Read, Read),
                0b01 => (Dropped, Dropped),
                0b10 => (told, told),
                _ => (told, Dropped),
            };
            let what = format!("option {kind:#04x} in a header of kind {header}");
            rows.push((what.clone(), datagram.clone(), to_one));
            rows.push((format!("{what}, to many"), to_many(datagram), to_all));
        }
    }
}

/// RFC 4443 §3.4: the pointer gives the octet, wherever the option is.
fn places_of_options(rows: &mut Vec<Row>) {
    for (header, headers_before) in [(HOP_BY_HOP, 0), (DESTINATION, 0), (DESTINATION, 3)] {
        for before in 0..=7u8 {
            let padding = match before {
                0 => vec![],
                1 => vec![0],
                _ => [vec![1, before - 2], vec![0; usize::from(before) - 2]].concat(),
            };
            let mut all = [padding, vec![0x80, 0]].concat();
            while all.len() % 8 != 6 {
                all.push(0);
            }
            let chain = [pad(DESTINATION).repeat(headers_before), options(UDP, &all)].concat();
            let at = HEADER + 8 * headers_before as u32 + 2 + u32::from(before);
            let what = format!("told of behind {headers_before} headers and {before} of padding");
            rows.push((what, behind(header, &chain), Told(2, at)));
        }
    }
}

/// The limits on options and padding: RFC 8504 §5.3 lets a host drop datagrams that exceed them.
fn numbers_of_options(rows: &mut Vec<Row>) {
    for header in [HOP_BY_HOP, DESTINATION] {
        for count in 1..=12 {
            let mut all = [5, 0].repeat(count);
            while all.len() % 8 != 6 {
                all.push(0);
            }
            let expected = if count <= 8 { Read } else { Dropped };
            let what = format!("{count} options");
            rows.push((what, behind(header, &options(UDP, &all)), expected));
        }
        for padding in 2..=14u8 {
            // An option, then one PadN, then another option up to the end.
            let len = usize::from(padding);
            let mut all = [&[5, 0, 1, padding - 2][..], &vec![0; len - 2]].concat();
            let rest = (6 + 8 - all.len() % 8) % 8;
            match rest {
                0 => {}
                // An option has two octets at least.
                1 => all.extend([&[5, 7][..], &[0; 7]].concat()),
                _ => all.extend([vec![5, rest as u8 - 2], vec![0; rest - 2]].concat()),
            }
            let expected = if padding <= 7 { Read } else { Dropped };
            let what = format!("{padding} octets of padding between options");
            rows.push((what, behind(header, &options(UDP, &all)), expected));
        }
        for ones in 0..=13usize {
            let len = if ones <= 5 { 6 } else { 14 };
            let rest = len - ones;
            if rest == 1 {
                continue;
            }
            let option = match rest {
                0 => vec![],
                _ => [vec![5, rest as u8 - 2], vec![0; rest - 2]].concat(),
            };
            let all = [vec![0; ones], option].concat();
            let expected = if ones <= 7 { Read } else { Dropped };
            let what = format!("Pad1 {ones} times");
            rows.push((what, behind(header, &options(UDP, &all)), expected));
        }
    }
}

/// RFC 8200 §4.2: an option that ends beyond its header.
fn lengths_of_options(rows: &mut Vec<Row>) {
    for header in [HOP_BY_HOP, DESTINATION] {
        for kind in [1, 5] {
            for len in 0..=8u8 {
                // The octets after it are separate options: Pad1.
                let all = [kind, len, 0, 0, 0, 0];
                let expected = if len <= 4 { Read } else { Dropped };
                let what = format!("option {kind} of {len} octets, where four are left");
                rows.push((what, behind(header, &options(UDP, &all)), expected));
            }
            let what = format!("option {kind} without a length");
            let all = [1, 3, 0, 0, 0, kind];
            rows.push((what, behind(header, &options(UDP, &all)), Dropped));
        }
    }
}

/// RFC 8200 §4.3, §4.4, §4.6: Hdr Ext Len counts eights beyond the first.
fn lengths_of_headers(rows: &mut Vec<Row>) {
    const LONG: usize = 200;
    for header in [HOP_BY_HOP, DESTINATION, ROUTING] {
        for extra in [0, 1, 2, 5, 31, 255u8] {
            let len = 8 + 8 * usize::from(extra);
            // A routing header with no segments left; other headers are filled with long unknown
            // options.
            let mut octets = vec![0; len];
            octets[..2].copy_from_slice(&[UDP, extra]);
            if header != ROUTING {
                for option in octets[2..].chunks_mut(LONG) {
                    let inside = option.len() as u8 - 2;
                    option[..2].copy_from_slice(&[0x1e, inside]);
                }
            }
            let options = (len - 2).div_ceil(LONG);
            let expected = if header == ROUTING || options <= 8 {
                Read
            } else {
                Dropped
            };
            let what = format!("a header of kind {header} and {len} octets");
            rows.push((what.clone(), behind(header, &octets), expected));
            // With octets missing, the header does not fit into the datagram.
            for missing in [1, 7, len - 1, len] {
                let cut = v6(header).datagram(&octets[..len - missing]);
                rows.push((format!("{what}, {missing} missing"), cut, Dropped));
            }
        }
    }
}

/// RFC 8200 §4.1: hop-by-hop options come right after the IPv6 header, or not at all.
fn order_of_headers(rows: &mut Vec<Row>) {
    for first in [HOP_BY_HOP, DESTINATION, ROUTING] {
        for before in 1..=6 {
            let second = if first == HOP_BY_HOP {
                DESTINATION
            } else {
                first
            };
            let mut chain = Vec::new();
            for index in 1..=before {
                let next = if index == before { HOP_BY_HOP } else { second };
                chain.extend(pad(next));
            }
            chain.extend(pad(UDP));
            let at = HEADER + 8 * (before - 1);
            let what = format!("hop-by-hop behind {before} headers, the first of kind {first}");
            // A routing header made of padding would be of type 1, with segments left.
            let chain = if first == ROUTING {
                routing(&chain)
            } else {
                chain
            };
            rows.push((what, behind(first, &chain), Told(1, at)));
        }
    }
    for first in [DESTINATION, ROUTING] {
        for second in [DESTINATION, ROUTING] {
            for third in [DESTINATION, ROUTING] {
                let chain = [pad(second), pad(third), pad(UDP)].concat();
                let what = format!("{first}, {second}, {third}: in any order, and any number");
                rows.push((what, behind(first, &routing(&chain)), Read));
            }
        }
    }
    for count in 1..=12 {
        let chain = [pad(DESTINATION).repeat(count - 1), pad(UDP)].concat();
        let expected = if count <= 8 { Read } else { Dropped };
        rows.push((
            format!("{count} headers"),
            behind(DESTINATION, &chain),
            expected,
        ));
    }
}

/// A chain in which every header is also valid as a routing header: no segments left.
fn routing(chain: &[u8]) -> Vec<u8> {
    let eights = chain.chunks(8);
    let fit = eights.map(|header| [header[0], header[1], 0x1e, 0, 0, 0, 0, 0]);
    // As options: an unknown one without octets, which is skipped, and Pad1.
    fit.collect::<Vec<_>>().concat()
}

/// RFC 8200 §4.4, RFC 5095: a routing header of an unknown type, which includes the deprecated type
/// 0, with and without segments left.
fn routing_types(rows: &mut Vec<Row>) {
    for kind in 0..=u8::MAX {
        for left in [0, 1, 255] {
            let datagram = behind(ROUTING, &[UDP, 0, kind, left, 0, 0, 0, 0]);
            let expected = if left == 0 { Read } else { Told(0, HEADER + 2) };
            let what = format!("routing type {kind}, {left} segments left");
            rows.push((what.clone(), datagram.clone(), expected));
            if kind < 5 {
                // RFC 4443 §2.4 (e.3): no message is sent about a datagram to a multicast group.
                let expected = if left == 0 { Read } else { Dropped };
                rows.push((format!("{what}, to many"), to_many(datagram), expected));
            }
        }
    }
}

/// RFC 8200 §4: an unknown next header value, after zero, one and two headers.
fn upper_layers(rows: &mut Vec<Row>) {
    let known = [
        HOP_BY_HOP,
        ROUTING,
        FRAGMENT,
        DESTINATION,
        TCP,
        UDP,
        protocol::ICMPV6,
    ];
    for next in (0..=u8::MAX).filter(|next| !known.contains(next)) {
        for headers in 0..=2u32 {
            let chain = match headers {
                0 => vec![],
                1 => pad(next),
                _ => [pad(DESTINATION), pad(next)].concat(),
            };
            let first = if headers == 0 { next } else { DESTINATION };
            let datagram = v6(first).datagram(&[&chain[..], &[0; 8]].concat());
            let pointer = if headers == 0 {
                6
            } else {
                HEADER + 8 * (headers - 1)
            };
            let expected = if next == NOTHING {
                Read
            } else {
                Told(1, pointer)
            };
            rows.push((
                format!("next header {next} behind {headers}"),
                datagram,
                expected,
            ));
        }
    }
}

/// RFC 8200 §4.5: the error conditions; RFC 6946 and RFC 7112.
fn fragments(rows: &mut Vec<Row>) {
    for headers in 0..=2u32 {
        let (first, before) = match headers {
            0 => (FRAGMENT, vec![]),
            1 => (DESTINATION, pad(FRAGMENT)),
            _ => (HOP_BY_HOP, [pad(DESTINATION), pad(FRAGMENT)].concat()),
        };
        let piece = |next, offset, more, len: usize| {
            let header = fragment(next, offset, more);
            v6(first).datagram(&[&before[..], &header, &vec![0; len]].concat())
        };
        let at = HEADER + 8 * headers;
        for len in 1..=24 {
            let expected = if len % 8 == 0 { Read } else { Told(0, 4) };
            rows.push((
                format!("{len} octets and more"),
                piece(UDP, 8, true, len),
                expected,
            ));
            rows.push((
                format!("the last {len} octets"),
                piece(UDP, 8, false, len),
                Read,
            ));
        }
        // The headers before the fragment header count towards the length of the reassembled
        // payload.
        for offset in [0xffe0u16, 0xffe8, 0xfff0, 0xfff8] {
            for len in 1..=33 {
                let fits = before.len() + usize::from(offset) + len <= 65_535;
                let expected = if fits { Read } else { Told(0, at + 2) };
                let what = format!("{len} octets at {offset} behind {headers} headers");
                rows.push((what, piece(UDP, offset, false, len), expected));
            }
        }
        for (next, least) in [(TCP, 24), (UDP, 8), (protocol::ICMPV6, 8), (50, 8)] {
            for len in [8, 16, 24] {
                let expected = if len >= least { Read } else { Told(3, 0) };
                let what = format!("the first {len} octets of protocol {next}");
                rows.push((what, piece(next, 0, true, len), expected));
            }
        }
        rows.push(("nothing, and more".into(), piece(UDP, 8, true, 0), Dropped));
        rows.push(("nothing, the last".into(), piece(UDP, 8, false, 0), Dropped));
        let atomic = [&before[..], &fragment(UDP, 0, false)].concat();
        rows.push((
            "a datagram in one fragment".into(),
            behind(first, &atomic),
            Read,
        ));
    }
}

/// RFC 8200 §3: the payload length, and the actual length.
fn payload_lengths(rows: &mut Vec<Row>) {
    let whole = behind(DESTINATION, &pad(UDP));
    let real = (whole.len() - 40) as u16;
    for claimed in 0..=real + 16 {
        let mut datagram = whole.clone();
        datagram[4..6].copy_from_slice(&claimed.to_be_bytes());
        let expected = if claimed == real { Read } else { Dropped };
        let what = format!("a payload of {claimed} octets, which has {real}");
        rows.push((what, datagram, expected));
    }
    for behind in 1..=16 {
        let datagram = [whole.clone(), vec![0xff; behind]].concat();
        rows.push((
            format!("{behind} octets behind the payload"),
            datagram,
            Read,
        ));
    }
}

#[test]
fn every_chain_of_headers_has_the_fate_that_it_should() {
    let mut rows = Vec::new();
    for rule in [
        unknown_options,
        places_of_options,
        numbers_of_options,
        lengths_of_options,
        lengths_of_headers,
        order_of_headers,
        routing_types,
        upper_layers,
        fragments,
        payload_lengths,
    ] {
        let before = rows.len();
        rule(&mut rows);
        assert!(rows.len() >= before + 20, "a rule without rows");
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(_, datagram, expected)| fate(datagram) != *expected)
        .map(|(what, datagram, expected)| {
            format!(
                "{what}: {:?}, not {expected:?}: {datagram:02x?}",
                fate(datagram)
            )
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        rows.len()
    );
}
