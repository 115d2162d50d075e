//! Segments in the notation of RFC 9293, `<SEQ=100><ACK=300><CTL=SYN,ACK>`, and what the RFC
//! leaves out "in the interest of clarity":
//!
//! | field | meaning | if it is left out |
//! |---|---|---|
//! | `<DATA=10>` | octets of text | none |
//! | `<WND=900>` | the window field, unscaled; of a reset it means nothing | [`WINDOW`] |
//! | `<UP=3>` | the urgent pointer | 0 |
//! | `<MSS=1000>`, `<WS=7>`, `<SACKP>` | options of a SYN | none |
//! | `<TS=1000,20>` | timestamps: TSval, TSecr | none |
//! | `<FO>`, `<FO=0123456789abcdef>` | Fast Open: a cookie asked for, or a cookie; `XFO` as an experiment | none |
//! | `<SACK=201:301,401:501>` | SACK blocks | none |
//! | `<ACCECN0=1,0,1>`, `<ACCECN1=1>` | AccECN, its counters in wire order | none |
//! | `<ECN=CE>` | the ECN field of the datagram: `ECT(0)`, `ECT(1)`, `CE` | Not-ECT |

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part of it"
)]

use std::fmt;

use stubborn::wire::{
    AccurateEcn, ByteCounters, Control, Cookie, CounterOrder, Ecn, FastOpen, Options, SackBlock,
    TcpHeader, Timestamps,
};

/// The window of a segment whose text does not say another one.
pub const WINDOW: u16 = 10_000;

/// A segment as it is written: its text by its length only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notation {
    pub header: TcpHeader,
    pub len: usize,
    pub ecn: Ecn,
}

impl Notation {
    /// Reads the notation. The ports are left 0.
    ///
    /// # Panics
    /// If it is not the notation of a segment.
    pub fn read(written: &str) -> Notation {
        let mut header = TcpHeader {
            window: WINDOW,
            ..TcpHeader::default()
        };
        let (mut len, mut ecn) = (0, Ecn::NotEct);
        let fields = written.strip_prefix('<').and_then(|w| w.strip_suffix('>'));
        for field in fields
            .unwrap_or_else(|| panic!("{written} is no segment"))
            .split("><")
        {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            match name {
                "SEQ" => header.seq = number(value),
                "ACK" => header.ack = number(value),
                "DATA" => len = number(value) as usize,
                "CTL" => header.control = control(value),
                "WND" => header.window = number(value) as u16,
                "ECN" => ecn = codepoint(value),
                "UP" => header.urgent = number(value) as u16,
                _ => option(&mut header.options, name, value),
            }
        }
        Notation { header, len, ecn }
    }

    /// What has arrived.
    pub fn of(header: &TcpHeader, len: usize) -> Notation {
        let is_reset = header.control.has(Control::RST);
        let header = TcpHeader {
            source_port: 0,
            destination_port: 0,
            window: if is_reset { WINDOW } else { header.window },
            ..*header
        };
        let ecn = Ecn::NotEct;
        Notation { header, len, ecn }
    }

    /// SEG.LEN: octets of sequence space, SYN and FIN included.
    pub fn sequence_len(&self) -> u32 {
        let control = |bit| u32::from(self.header.control.has(bit));
        self.len as u32 + control(Control::SYN) + control(Control::FIN)
    }

    /// Without what the figures of the RFC leave out.
    pub fn as_in_figures(mut self) -> Notation {
        self.header.window = WINDOW;
        self.header.options = Options::default();
        self
    }
}

fn number(value: &str) -> u32 {
    value
        .parse()
        .unwrap_or_else(|_| panic!("{value} is no number"))
}

fn codepoint(name: &str) -> Ecn {
    let named = Ecn::ALL.into_iter().find(|ecn| ecn.to_string() == name);
    named.unwrap_or_else(|| panic!("{name} is no ECN codepoint"))
}

fn accurate_ecn(order: CounterOrder, values: &str) -> AccurateEcn {
    let numbers: Vec<u32> = values
        .split(',')
        .filter(|value| !value.is_empty())
        .map(number)
        .collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let (e0b, e1b) = match order {
        CounterOrder::E0First => (at(0), at(2)),
        CounterOrder::E1First => (at(2), at(0)),
    };
    let ceb = at(1);
    AccurateEcn::new(order, ByteCounters { e0b, ceb, e1b }, numbers.len())
}

fn control(names: &str) -> Control {
    let all = (0..9).map(|bit| Control::from_bits(1 << bit));
    let named = |name: &str| {
        all.clone()
            .find(|bit| bit.to_string() == name)
            .unwrap_or_else(|| panic!("{name} is no control bit"))
    };
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .fold(Control::NONE, |bits, name| bits | named(name))
}

fn option(options: &mut Options, name: &str, value: &str) {
    match name {
        "MSS" => options.mss = Some(number(value) as u16),
        "WS" => options.window_scale = Some(number(value) as u8),
        "SACKP" => options.sack_permitted = true,
        "FO" | "XFO" => {
            options.fast_open = Some(FastOpen {
                cookie: Cookie::new(&octets(value)),
                experimental: name == "XFO",
            });
        }
        "TS" => {
            let (val, ecr) = value.split_once(',').expect("TSval,TSecr");
            options.timestamps = Some(Timestamps {
                val: number(val),
                ecr: number(ecr),
            });
        }
        "SACK" => {
            for block in value.split(',') {
                let (left, right) = block.split_once(':').expect("left:right");
                options.sack.push(SackBlock {
                    left: number(left),
                    right: number(right),
                });
            }
        }
        "ACCECN0" => options.accurate_ecn = Some(accurate_ecn(CounterOrder::E0First, value)),
        "ACCECN1" => options.accurate_ecn = Some(accurate_ecn(CounterOrder::E1First, value)),
        _ => panic!("{name} is no field of a segment"),
    }
}

/// Hexadecimal digits, two an octet.
fn octets(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(octet).collect()
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TcpHeader { seq, control, .. } = self.header;
        write!(f, "<SEQ={seq}>")?;
        if control.has(Control::ACK) {
            write!(f, "<ACK={}>", self.header.ack)?;
        }
        if self.header.window != WINDOW {
            write!(f, "<WND={}>", self.header.window)?;
        }
        if self.header.urgent != 0 {
            write!(f, "<UP={}>", self.header.urgent)?;
        }
        if self.len > 0 {
            write!(f, "<DATA={}>", self.len)?;
        }
        write!(f, "<CTL={control}>")?;
        let options = &self.header.options;
        if let Some(mss) = options.mss {
            write!(f, "<MSS={mss}>")?;
        }
        if let Some(shift) = options.window_scale {
            write!(f, "<WS={shift}>")?;
        }
        if options.sack_permitted {
            f.write_str("<SACKP>")?;
        }
        if let Some(Timestamps { val, ecr }) = options.timestamps {
            write!(f, "<TS={val},{ecr}>")?;
        }
        if let Some(option) = options.fast_open {
            f.write_str(if option.experimental { "<XFO" } else { "<FO" })?;
            match option.cookie {
                Some(cookie) => write!(f, "={cookie}>")?,
                None => f.write_str(">")?,
            }
        }
        let blocks = options.sack.as_slice().iter();
        let blocks: Vec<String> = blocks.map(|b| format!("{}:{}", b.left, b.right)).collect();
        if !blocks.is_empty() {
            write!(f, "<SACK={}>", blocks.join(","))?;
        }
        if let Some(option) = options.accurate_ecn {
            let (number, counters) = match option.order() {
                CounterOrder::E0First => (0, [option.e0b(), option.ceb(), option.e1b()]),
                CounterOrder::E1First => (1, [option.e1b(), option.ceb(), option.e0b()]),
            };
            let counters: Vec<String> = counters.iter().flatten().map(u32::to_string).collect();
            write!(f, "<ACCECN{number}={}>", counters.join(","))?;
        }
        if self.ecn != Ecn::NotEct {
            write!(f, "<ECN={}>", self.ecn)?;
        }
        Ok(())
    }
}

#[test]
fn what_is_written_is_read() {
    for written in [
        "<SEQ=100><CTL=SYN>",
        "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><WS=7><SACKP><TS=1000,5>",
        "<SEQ=101><ACK=301><WND=0><UP=3><DATA=10><CTL=PSH,URG,ACK><SACK=1:2,3:4>",
        "<SEQ=0><CTL=>",
        "<SEQ=0><CTL=SYN><FO>",
        "<SEQ=0><CTL=SYN><XFO=01020304>",
        "<SEQ=301><ACK=101><DATA=1><CTL=CWR,ACK><ACCECN0=1,0,1><ECN=ECT(0)>",
        "<SEQ=301><ACK=101><CTL=ECE,AE,ACK><ACCECN1=>",
    ] {
        assert_eq!(Notation::read(written).to_string(), written);
    }
}
