//! Packets of the stack in the notation of scripts.

use super::super::ast::TcpOption;
use super::control::{ACK, SYN};
use super::icmp;
use super::numbers::Numbers;
use super::observed::{Content, Observed, Segment};

/// The letters of the control bits, in the order in which they are written; the dot comes last.
const LETTERS: [(u16, char); 9] = [
    (1 << 0, 'F'),
    (1 << 1, 'S'),
    (1 << 2, 'R'),
    (1 << 3, 'P'),
    (1 << 6, 'E'),
    (1 << 7, 'W'),
    (1 << 8, 'A'),
    (1 << 5, 'U'),
    (ACK, '.'),
];

/// A packet of the stack, as a script would write it.
pub(in super::super) fn show(packet: &Observed, numbers: &Numbers) -> String {
    let tos = match packet.tos {
        0 => String::new(),
        tos => format!("[tos {tos:#04x}] "),
    };
    let content = match &packet.content {
        Content::Tcp(segment) => show_segment(segment, numbers),
        Content::Udp { len, .. } => format!("udp ({len})"),
        Content::Icmp { kind, code, .. } => {
            format!(
                "icmp {}",
                icmp::words(*kind, *code, packet.source.is_ipv4())
            )
        }
        Content::Other => "something that is neither TCP, UDP nor ICMP".to_owned(),
    };
    format!("{tos}{content}")
}

fn show_segment(segment: &Segment, numbers: &Numbers) -> String {
    let has_syn = segment.has(SYN);
    let seq = numbers.local_to_script(segment.seq, has_syn);
    let end = seq.wrapping_add(segment.len as u32);
    let mut text = format!("{} {seq}:{end}({})", flags(segment.control), segment.len);
    if segment.has(ACK) {
        let ack = numbers.remote_to_script(segment.ack, has_syn);
        text += &format!(" ack {ack}");
    } else if segment.ack != 0 {
        text += &format!(" ack {}!", segment.ack);
    }
    text += &format!(" win {}", segment.window);
    if segment.urgent != 0 {
        text += &format!(" urg {}", segment.urgent);
    }
    match raw_options(segment, numbers).as_str() {
        "none" => text,
        options => format!("{text} {options}"),
    }
}

/// The letters of control bits: `SE.`, or `-` for none.
pub(super) fn flags(control: u16) -> String {
    let set = LETTERS.iter().filter(|(bit, _)| control & bit != 0);
    match set.map(|(_, letter)| letter).collect::<String>() {
        letters if letters.is_empty() => "-".to_owned(),
        letters => letters,
    }
}

/// The name of an ECN codepoint.
pub(super) fn ecn(bits: u8) -> &'static str {
    match bits {
        0 => "noecn",
        1 => "ect1",
        2 => "ect0",
        _ => "ce",
    }
}

fn listed(options: &[String]) -> String {
    match options {
        [] => "none".to_owned(),
        options => format!("<{}>", options.join(",")),
    }
}

/// The options of a segment of the stack.
pub(super) fn raw_options(segment: &Segment, numbers: &Numbers) -> String {
    let has_syn = segment.has(SYN);
    let options = segment.options();
    let options: Vec<String> = options
        .iter()
        .map(|(kind, data)| raw_option(*kind, data, numbers, has_syn))
        .collect();
    listed(&options)
}

fn raw_option(kind: u8, data: &[u8], numbers: &Numbers, has_syn: bool) -> String {
    let word = |octets: &[u8]| octets.try_into().map_or(0, u32::from_be_bytes);
    match (kind, data.len()) {
        (0, _) => "eol".to_owned(),
        (1, _) => "nop".to_owned(),
        (2, 2) => format!("mss {}", u16::from_be_bytes([data[0], data[1]])),
        (3, 1) => format!("wscale {}", data[0]),
        (4, 0) => "sackOK".to_owned(),
        (5, len) if len % 8 == 0 => {
            let edge = |at: usize| numbers.remote_to_script(word(&data[at..at + 4]), has_syn);
            let blocks = (0..len).step_by(8);
            let blocks: Vec<_> = blocks
                .map(|at| format!("{}:{}", edge(at), edge(at + 4)))
                .collect();
            format!("sack {}", blocks.join(" "))
        }
        (8, 8) => {
            let val = numbers.stamp_to_script(word(&data[..4]));
            format!("TS val {val} ecr {}", word(&data[4..]))
        }
        _ => other(kind, data),
    }
}

fn other(kind: u8, data: &[u8]) -> String {
    let hex = |octets: &[u8]| -> String { octets.iter().map(|o| format!("{o:02x}")).collect() };
    let counters = |names: [&str; 3]| {
        let counter = |octets: &[u8]| octets.iter().fold(0, |sum, o| sum << 8 | u32::from(*o));
        let pairs = names.iter().zip(data.chunks(3));
        pairs
            .map(|(name, octets)| format!(" {name} {}", counter(octets)))
            .collect::<String>()
    };
    match (kind, data) {
        (34, cookie) => format!("FO {}", hex(cookie)).trim_end().to_owned(),
        (254, [0xf9, 0x89, cookie @ ..]) => format!("FOEXP {}", hex(cookie)).trim_end().to_owned(),
        (19, digest) => format!("md5 {}", hex(digest)).trim_end().to_owned(),
        (172, _) => format!("ECN{}", counters(["e0b", "ceb", "e1b"])),
        (174, _) => format!("ECN{}", counters(["e1b", "ceb", "e0b"])),
        _ => format!("gen-{kind} {}", hex(data)).trim_end().to_owned(),
    }
}

/// The options that a script expects.
pub(super) fn options(options: &[TcpOption]) -> String {
    let options: Vec<String> = options.iter().map(option).collect();
    listed(&options)
}

fn option(option: &TcpOption) -> String {
    match option {
        TcpOption::Timestamps { val, ecr, .. } => match val {
            Some(val) => format!("TS val {val} ecr {ecr}"),
            None => format!("TS val ... ecr {ecr}"),
        },
        TcpOption::Sack(blocks) => {
            let blocks: Vec<_> = blocks.iter().map(|(l, r)| format!("{l}:{r}")).collect();
            format!("sack {}", blocks.join(" "))
        }
        TcpOption::ValidSignature => "md5 valid".to_owned(),
        same => {
            let segment = Segment {
                options: same.octets(),
                ..Segment::default()
            };
            let options = segment.options();
            let shown = options
                .iter()
                .map(|(kind, data)| raw_option(*kind, data, &Numbers::default(), false));
            shown.collect::<Vec<_>>().join(",")
        }
    }
}
