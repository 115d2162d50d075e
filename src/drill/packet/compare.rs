//! Compares a packet of the stack with what a script expects.

use core::fmt;
use std::borrow::Cow;

use super::super::ast::{Body, Diagnosis, IpInfo, Options, Packet, SeqNumber, Tcp, TcpOption, Tos};
use super::control::{ACK, SYN};
use super::icmp;
use super::numbers::Numbers;
use super::observed::{Content, Observed, Segment};
use super::show;

/// A field that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Difference {
    pub(in super::super) field: &'static str,
    pub(in super::super) expected: String,
    pub(in super::super) actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            field,
            expected,
            actual,
        } = self;
        write!(f, "{field}: {expected} is expected, {actual} was sent")
    }
}

/// The flow labels seen so far: the script's, and the one on the wire.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct FlowLabels(Vec<(u32, u32)>);

impl FlowLabels {
    /// Whether equal labels in the script are equal on the wire, and different ones different.
    fn agree(&mut self, script: u32, live: u32) -> bool {
        let agree = self.0.iter().all(|(s, l)| (*s == script) == (*l == live));
        if !self.0.contains(&(script, live)) {
            self.0.push((script, live));
        }
        agree
    }
}

/// The input and the result of a comparison.
pub(in super::super) struct Comparison<'a> {
    pub(in super::super) numbers: &'a Numbers,
    pub(in super::super) flow_labels: &'a mut FlowLabels,
    /// A tick of the stack's timestamps, in microseconds; 0: they are not compared.
    pub(in super::super) tick: u64,
    /// How far a timestamp may be off, in microseconds.
    pub(in super::super) stamp_tolerance: u64,
    pub(in super::super) found: Vec<Difference>,
}

impl Comparison<'_> {
    fn differ(&mut self, field: &'static str, expected: impl ToString, actual: impl ToString) {
        self.found.push(Difference {
            field,
            expected: expected.to_string(),
            actual: actual.to_string(),
        });
    }

    fn same<T: PartialEq + ToString>(&mut self, field: &'static str, expected: T, actual: T) {
        if expected != actual {
            self.differ(field, expected, actual);
        }
    }

    /// Compares everything that a script says about a packet.
    pub(in super::super) fn packets(&mut self, expected: &Packet, actual: &Observed) {
        for fault in &actual.faults {
            self.differ("header", "a right one", fault);
        }
        self.ip(expected.ip, actual);
        match (&expected.body, &actual.content) {
            (Body::Tcp(tcp), Content::Tcp(segment)) => self.segments(tcp, segment),
            (Body::Udp { len }, Content::Udp { len: actual, .. }) => {
                self.same("length", usize::from(*len), *actual);
            }
            (Body::Icmp(icmp), Content::Icmp { kind, code, .. }) => {
                let is_ipv4 = actual.source.is_ipv4();
                let found = icmp::words(*kind, *code, is_ipv4);
                match icmp::numbers(icmp, is_ipv4) {
                    Ok((k, c)) if (k, c) == (*kind, *code) => {}
                    Ok((k, c)) => self.differ("message", icmp::words(k, c, is_ipv4), found),
                    Err(message) => self.differ("message", message, found),
                }
            }
            (body, content) => self.differ("protocol", protocol_of(body), protocol_in(content)),
        }
    }

    fn ip(&mut self, expected: IpInfo, actual: &Observed) {
        let ecn = actual.tos & 3;
        match expected.tos {
            Tos::Unsaid => {}
            Tos::Ecn(bits) => self.same("ecn", show::ecn(bits), show::ecn(ecn)),
            Tos::Ect01 if ecn == 1 || ecn == 2 => {}
            Tos::Ect01 => self.differ("ecn", "ect01", show::ecn(ecn)),
            Tos::Dscp(dscp) => self.same("dscp", dscp, actual.tos >> 2),
            Tos::Whole(tos) => {
                self.same("tos", format!("{tos:#04x}"), format!("{:#04x}", actual.tos))
            }
        }
        if let Some(ttl) = expected.ttl {
            self.same("ttl", ttl, actual.ttl);
        }
        if let Some(label) = expected.flow_label
            && !self.flow_labels.agree(label, actual.flow_label)
        {
            self.differ(
                "flowlabel",
                format!("{label:#x}"),
                format!("{:#x}", actual.flow_label),
            );
        }
    }

    fn segments(&mut self, expected: &Tcp, actual: &Segment) {
        let has_syn = actual.has(SYN);
        self.same(
            "flags",
            show::flags(expected.control),
            show::flags(actual.control),
        );
        let seq = match expected.seq {
            SeqNumber::Relative(seq) => {
                Some((seq, self.numbers.local_to_script(actual.seq, has_syn)))
            }
            SeqNumber::Absolute(seq) => Some((seq, actual.seq)),
            SeqNumber::Any => None,
        };
        if let Some((expected, actual)) = seq {
            self.same("seq", expected, actual);
        }
        let reason = expected.diagnosis.as_ref().map(Diagnosis::octets);
        let told = reason.map_or(0, |octets| octets.len());
        self.same("length", expected.len as usize + told, actual.len);
        let ack = match actual.has(ACK) && !expected.ack_absolute {
            true => self.numbers.remote_to_script(actual.ack, has_syn),
            // RFC 9293 does not require it, but every stack sends 0 here.
            false => actual.ack,
        };
        self.same("ack", expected.ack, ack);
        if let Some(window) = expected.window {
            self.same("win", window, actual.window);
        }
        self.same("urg", expected.urgent, actual.urgent);
        if let Options::These(options) = &expected.options {
            self.options(options, actual);
        }
    }

    fn options(&mut self, expected: &[TcpOption], actual: &Segment) {
        let wanted = expected.iter().flat_map(written);
        let wanted: Vec<(u8, Cow<'_, [u8]>, Option<u32>)> = wanted.collect();
        let has_syn = actual.has(SYN);
        let any_valid = expected.contains(&TcpOption::ValidSignature);
        let sent: Vec<(u8, Vec<u8>)> = actual
            .options()
            .into_iter()
            .map(|(kind, data)| match kind {
                SIGNATURE if any_valid && actual.is_signed => (kind, VALID.to_vec()),
                _ => (kind, self.in_script(kind, data, has_syn)),
            })
            .collect();
        let same = wanted.len() == sent.len()
            && wanted
                .iter()
                .zip(&sent)
                .all(|((kind, data, stamp), (k, d))| {
                    kind == k && (*kind == 8 && self.stamp_fits(*stamp, d) || data.as_ref() == d)
                });
        if !same {
            let wanted = show::options(expected);
            self.differ("options", wanted, show::raw_options(actual, self.numbers));
        }
    }

    /// The octets after the length of an option, in the script's numbers.
    fn in_script(&self, kind: u8, data: &[u8], has_syn: bool) -> Vec<u8> {
        match kind {
            5 => data
                .chunks_exact(4)
                .flat_map(|edge| {
                    let edge = edge.try_into().map_or(0, u32::from_be_bytes);
                    self.numbers.remote_to_script(edge, has_syn).to_be_bytes()
                })
                .collect(),
            _ => data.to_vec(),
        }
    }

    /// Whether a timestamp is near enough; its echo is never compared.
    fn stamp_fits(&self, expected: Option<u32>, data: &[u8]) -> bool {
        let Some(val) = data.first_chunk().filter(|_| data.len() == 8) else {
            return false;
        };
        let Some(expected) = expected.filter(|_| self.tick > 0) else {
            return true;
        };
        let script = self.numbers.stamp_to_script(u32::from_be_bytes(*val));
        let off = script.wrapping_sub(expected).cast_signed().unsigned_abs();
        u64::from(off) * self.tick <= self.stamp_tolerance
    }
}

/// The kind of a signature (RFC 2385 §3.0), and the data that represents a valid one: no digest has
/// that length.
const SIGNATURE: u8 = 19;
const VALID: &[u8] = b"valid";

/// An option as (kind, data, the timestamp if it is one).
fn written(option: &TcpOption) -> Vec<(u8, Cow<'_, [u8]>, Option<u32>)> {
    match option {
        TcpOption::Timestamps { val, .. } => vec![(8, Cow::Borrowed(&[][..]), *val)],
        TcpOption::Sack(blocks) => {
            let edges = blocks.iter().flat_map(|(left, right)| [*left, *right]);
            vec![(5, edges.flat_map(u32::to_be_bytes).collect(), None)]
        }
        TcpOption::ValidSignature => vec![(SIGNATURE, Cow::Borrowed(VALID), None)],
        other => {
            let segment = Segment {
                options: other.octets(),
                ..Segment::default()
            };
            let options = segment.options().into_iter();
            options
                .map(|(kind, data)| (kind, Cow::Owned(data.to_vec()), None))
                .collect()
        }
    }
}

fn protocol_of(body: &Body) -> &'static str {
    match body {
        Body::Tcp(_) => "TCP",
        Body::Udp { .. } => "UDP",
        Body::Icmp(_) => "ICMP",
    }
}

fn protocol_in(content: &Content) -> &'static str {
    match content {
        Content::Tcp(_) => "TCP",
        Content::Udp { .. } => "UDP",
        Content::Icmp { .. } => "ICMP",
        Content::Other => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ast::Action;
    use super::super::super::definitions::Definitions;
    use super::super::super::parser::parse;
    use super::*;
    use crate::time::Instant;

    fn segment(control: u16, options: &[u8]) -> Observed {
        Observed {
            at: Instant::ZERO,
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            tos: 0,
            ttl: 64,
            flow_label: 0,
            content: Content::Tcp(Segment {
                seq: 9001,
                ack: 101,
                control,
                window: 5,
                len: 4,
                options: options.to_vec(),
                ..Segment::default()
            }),
            faults: Vec::new(),
        }
    }

    fn differences(expected: &str, actual: &Observed) -> Vec<&'static str> {
        let script = parse(&format!("0 > {expected}"), &Definitions::default()).unwrap();
        let Action::Packet(packet) = &script.events[0].action else {
            panic!("no packet");
        };
        let mut numbers = Numbers::default();
        numbers.learn_remote(100);
        numbers.learn_local(0, 9000);
        numbers.learn_stamp(700, 5000);
        let mut comparison = Comparison {
            numbers: &numbers,
            flow_labels: &mut FlowLabels::default(),
            tick: 1000,
            stamp_tolerance: 4000,
            found: Vec::new(),
        };
        comparison.packets(packet, actual);
        comparison.found.iter().map(|found| found.field).collect()
    }

    /// NOP, NOP, timestamps 5010 and 1.
    const STAMPS: [u8; 12] = [1, 1, 8, 10, 0, 0, 0x13, 0x92, 0, 0, 0, 1];

    #[test]
    fn every_field_counts() {
        let plain = segment(0x18, &[]);
        let rows: [(&str, &[&str]); 14] = [
            ("P. 1:5(4) ack 1", &[]),
            ("P. 1:5(4) ack 1 win 5", &[]),
            ("[noecn, ttl 64] P. 1:5(4) ack 1", &[]),
            (". 1:5(4) ack 1", &["flags"]),
            ("P. 2:6(4) ack 1", &["seq"]),
            ("P. ...(4) ack 1", &[]),
            ("P. 9001:9005(4)! ack 101!", &[]),
            ("P. 1:6(5) ack 1", &["length"]),
            ("P. 1:5(4) ack 2", &["ack"]),
            ("P. 1:5(4) ack 1 win 6", &["win"]),
            ("P. 1:5(4) ack 1 urg 1", &["urg"]),
            ("[ect0] P. 1:5(4) ack 1", &["ecn"]),
            ("[ttl 63] P. 1:5(4) ack 1", &["ttl"]),
            ("P. 1:5(4) ack 1 <nop,nop,nop,nop>", &["options"]),
        ];
        for (expected, found) in rows {
            assert_eq!(differences(expected, &plain), found, "{expected}");
        }
        assert_eq!(differences("udp (4)", &plain), ["protocol"]);
    }

    #[test]
    fn an_acknowledgment_without_its_flag_is_zero() {
        assert_eq!(differences("R 1:5(4)", &segment(0x04, &[])), ["ack"]);
    }

    #[test]
    fn options_count_in_their_order() {
        let stamped = segment(0x18, &STAMPS);
        let rows: [(&str, &[&str]); 6] = [
            ("<nop,nop,TS val 710 ecr 5>", &[]),
            ("<nop,nop,TS val 714 ecr 5>", &[]),
            ("<nop,nop,TS val 715 ecr 5>", &["options"]),
            ("<nop,nop,TS val ... ecr 5>", &[]),
            ("<TS val 710 ecr 5,nop,nop>", &["options"]),
            ("", &["options"]),
        ];
        for (options, found) in rows {
            let expected = format!("P. 1:5(4) ack 1 {options}");
            assert_eq!(differences(&expected, &stamped), found, "{options}");
        }
        assert!(differences("P. 1:5(4) ack 1 <...>", &stamped).is_empty());
        let sack = [1, 1, 5, 10, 0, 0, 0, 110, 0, 0, 0, 120];
        let sacked = segment(0x18, &sack);
        let with = |blocks: &str| format!("P. 1:5(4) ack 1 <nop,nop,sack {blocks}>");
        assert!(differences(&with("10:20"), &sacked).is_empty());
        assert_eq!(differences(&with("10:21"), &sacked), ["options"]);
    }

    #[test]
    fn a_fault_is_a_difference() {
        let mut wrong = segment(0x18, &[]);
        wrong.faults.push("the TCP checksum is wrong");
        assert_eq!(differences("P. 1:5(4) ack 1", &wrong), ["header"]);
    }

    #[test]
    fn flow_labels_are_consistent_not_equal() {
        let mut labels = FlowLabels::default();
        assert!(labels.agree(1, 77) && labels.agree(2, 88) && labels.agree(1, 77));
        assert!(!labels.agree(1, 78));
        assert!(!labels.agree(3, 88));
    }
}
