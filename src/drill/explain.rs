//! What each line of a script means, in words.

use super::ast::{
    Action, Body, Call, Direction, Event, Expr, Options, Packet, Quote, Script, SeqNumber, Tcp,
    Tos, When,
};
use super::packet::control;

/// Explains a script, one line for each event: its place, its text and its meaning.
pub fn explain(script: &Script) -> String {
    let mut text = String::new();
    for setting in &script.options {
        let value = setting.value.as_deref().unwrap_or("on");
        text += &format!(
            "{:>5}  the option {} is {value}\n",
            setting.place.line, setting.name
        );
    }
    if let Some(init) = &script.init {
        text += &format!(
            "{:>5}  before the clock starts: {}\n",
            init.place.line,
            init.text.trim()
        );
    }
    for event in &script.events {
        text += &format!("{:>5}  {}\n", event.place.line, event.text);
        text += &format!("       {}\n", sentence(event));
    }
    if let Some(cleanup) = &script.cleanup {
        let (line, command) = (cleanup.place.line, cleanup.text.trim());
        text += &format!("{line:>5}  at the end, whatever came of it: {command}\n");
    }
    for (place, what) in &script.unsupported {
        text += &format!(
            "{:>5}  there is no support for {what}: the script is skipped\n",
            place.line
        );
    }
    text
}

fn sentence(event: &Event) -> String {
    let time = match event.time {
        When::At(micros) => format!("at {}", seconds(micros)),
        When::After(0) => "at once".to_owned(),
        When::After(micros) => format!("{} later", seconds(micros)),
        When::Between(from, to) => format!("between {} and {}", seconds(from), seconds(to)),
        When::AfterBetween(from, to) => format!("{} to {} later", seconds(from), seconds(to)),
        When::Any => "at any time".to_owned(),
    };
    let what = match &event.action {
        Action::Packet(packet) => packet_words(packet),
        Action::Call(call) => call_words(call),
        Action::Command(_) => "a command changes the host".to_owned(),
        Action::Code(_) => "this must hold".to_owned(),
    };
    format!("{time}: {what}")
}

fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

fn octets(number: u32) -> String {
    match number {
        1 => "1 octet".to_owned(),
        more => format!("{more} octets"),
    }
}

fn packet_words(packet: &Packet) -> String {
    let who = match packet.direction {
        Direction::In => "the peer sends",
        Direction::Out => "the stack must send",
    };
    let what = match &packet.body {
        Body::Tcp(tcp) => segment_words(tcp),
        Body::Udp { len } => format!("a UDP datagram of {}", octets(u32::from(*len))),
        Body::Icmp(icmp) => match icmp.quote {
            Quote::Tcp { seq, .. } => format!("an ICMP message about the segment at {seq}"),
            Quote::Udp { .. } => "an ICMP message about a UDP datagram".to_owned(),
            Quote::Unsaid | Quote::Raw { .. } => "an ICMP message".to_owned(),
        },
    };
    let marks = match packet.ip.tos {
        Tos::Unsaid => String::new(),
        Tos::Ecn(0) => ", not ECN-capable".to_owned(),
        Tos::Ecn(3) => ", marked with congestion experienced".to_owned(),
        Tos::Ecn(bits) => format!(", with ECT({})", bits & 1),
        Tos::Ect01 => ", with ECT(0) or ECT(1)".to_owned(),
        Tos::Dscp(dscp) => format!(", with the DSCP {dscp}"),
        Tos::Whole(tos) => format!(", with the type of service {tos:#04x}"),
    };
    let ttl = packet
        .ip
        .ttl
        .map_or(String::new(), |ttl| format!(", with the hop limit {ttl}"));
    format!("{who} {what}{marks}{ttl}")
}

fn segment_words(tcp: &Tcp) -> String {
    let has = |bit| tcp.control & bit != 0;
    let mut kinds = Vec::new();
    for (bit, name) in [
        (control::RST, "a reset"),
        (control::SYN, "a SYN"),
        (control::FIN, "a FIN"),
    ] {
        if has(bit) {
            kinds.push(name.to_owned());
        }
    }
    if tcp.len > 0 {
        kinds.push(format!("{} of text", octets(tcp.len)));
    }
    if kinds.is_empty() {
        let bare = match has(control::ACK) {
            true => "an acknowledgment and nothing else",
            false => "a segment with nothing in it",
        };
        kinds.push(bare.to_owned());
    }
    let mut text = kinds.join(" and ");
    text += &match tcp.seq {
        SeqNumber::Relative(seq) => format!(" at {seq}"),
        SeqNumber::Absolute(seq) => format!(" at {seq} as it is on the wire"),
        SeqNumber::Any => String::new(),
    };
    if has(control::PSH) {
        text += ", pushed";
    }
    if has(control::ACK) {
        text += &format!(", acknowledging everything before {}", tcp.ack);
    }
    if let Some(window) = tcp.window {
        text += &format!(", with the window field {window}");
    }
    if tcp.urgent > 0 {
        text += &format!(", urgent up to {} on", octets(u32::from(tcp.urgent)));
    }
    text += match &tcp.options {
        Options::Any => ", with any options",
        Options::These(options) if options.is_empty() => "",
        Options::These(_) => ", with the options given, in their order",
    };
    text
}

fn call_words(call: &Call) -> String {
    let end = match call.end {
        Some(end) => format!(", which may block and returns at {}", seconds(end)),
        None => String::new(),
    };
    let result = match (&call.errno, &call.result) {
        (Some(errno), _) => format!("fails with {errno}"),
        (None, Expr::Integer(-1)) => "fails".to_owned(),
        (None, Expr::Integer(value)) => format!("returns {value}"),
        (None, _) => "returns what is given".to_owned(),
    };
    format!("the program calls {}{end}; it {result}", call.name)
}

#[cfg(test)]
mod tests {
    use super::super::definitions::Definitions;
    use super::super::parser::parse;
    use super::*;

    #[test]
    fn every_kind_of_event_in_words() {
        let script = parse(
            "--mss=1000\n`init`\n\
             0 socket(..., SOCK_STREAM, 0) = 3\n\
             +0 < [ce] S 0:0(0) win 100 <mss 9>\n\
             +.5~+1 > FP. 1:11(10) ack 1 <...>\n\
             * > R 1:1(0)\n\
             1...2.5 read(3, ..., 5) = -1 EAGAIN (again)\n\
             +0 %{ assert 1 }%\n`cleanup`",
            &Definitions::default(),
        );
        let text = explain(&script.unwrap());
        for words in [
            "the option mss is 1000",
            "before the clock starts: init",
            "at 0 s: the program calls socket; it returns 3",
            "at once: the peer sends a SYN at 0, with the window field 100, with the options \
             given, in their order, marked with congestion experienced",
            "0.5 s to 1 s later: the stack must send a FIN and 10 octets of text at 1, pushed, \
             acknowledging everything before 1, with any options",
            "at any time: the stack must send a reset at 1",
            "at 1 s: the program calls read, which may block and returns at 2.5 s; it fails with \
             EAGAIN",
            "at once: this must hold",
            "at the end, whatever came of it: cleanup",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
    }
}
