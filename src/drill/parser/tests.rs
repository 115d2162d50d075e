//! Tests that every construct of the language is read, that errors are reported, and
//! that nothing panics.

use proptest::prelude::*;

use super::super::ast::{
    Action, Body, Direction, Expr, IcmpName, Options, Packet, Quote, SeqNumber, Tcp, TcpOption,
    Tos, When,
};
use super::*;

fn script(text: &str) -> Script {
    parse(text, &Definitions::default()).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn packet(text: &str) -> Packet {
    match script(&format!("0 {text}")).events.remove(0).action {
        Action::Packet(packet) => *packet,
        other => panic!("{other:?} is no packet"),
    }
}

fn tcp(text: &str) -> Tcp {
    match packet(text).body {
        Body::Tcp(tcp) => tcp,
        other => panic!("{other:?} is no segment"),
    }
}

fn options(text: &str) -> Vec<TcpOption> {
    match tcp(&format!("> . 1:1(0) ack 1 <{text}>")).options {
        Options::These(options) => options,
        Options::Any => panic!("any options"),
    }
}

fn error(text: &str) -> String {
    match parse(text, &Definitions::default()) {
        Ok(script) => panic!("{script:?} is right"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn times() {
    let rows = [
        ("1.5", When::At(1_500_000)),
        ("+.1", When::After(100_000)),
        ("1~1.25", When::Between(1_000_000, 1_250_000)),
        ("+.3~+.4", When::AfterBetween(300_000, 400_000)),
        ("*", When::Any),
        ("+0.0000019", When::After(1)),
    ];
    for (text, expected) in rows {
        let script = script(&format!("0 `true`\n{text} > . 1:1(0) ack 1"));
        assert_eq!(script.events[1].time, expected, "{text}");
    }
}

#[test]
fn a_call_that_blocks_has_two_times() {
    let script = script("0 `true`\n+.1...0.2 read(3, ..., 10) = 10");
    let Action::Call(call) = &script.events[1].action else {
        panic!("no call");
    };
    assert_eq!(script.events[1].time, When::After(100_000));
    assert_eq!(call.end, Some(200_000));
}

#[test]
fn segments() {
    let syn = tcp("< S 0:0(0) win 65535 <mss 1460>");
    assert_eq!((syn.control, syn.window), (2, Some(65535)));
    let data = tcp("> P. 1:1001(1000) ack 7 urg 3");
    assert_eq!(
        (data.control, data.len, data.ack, data.urgent),
        (0x18, 1000, 7, 3)
    );
    assert_eq!(tcp("> FWEA. 1:1(0)").control, 0x1d1);
    assert_eq!(tcp("> - 1:1(0)").control, 0);
    assert_eq!(tcp("> S.E 1:1(0)").control, 0x52);
    assert_eq!(tcp("> R 0:0(0)!").seq, SeqNumber::Absolute(0));
    assert_eq!(tcp("> R ...(0)").seq, SeqNumber::Any);
    assert_eq!(tcp("> . 4294967295:0(1)").len, 1);
}

#[test]
fn accurate_ecn_counts_in_three_bits() {
    let rows = [(0, 0x10), (1, 0x50), (2, 0x90), (4, 0x110), (7, 0x1d0)];
    for (ace, control) in rows {
        assert_eq!(tcp(&format!("> .{ace} 1:1(0) ack 1")).control, control);
        assert_eq!(tcp(&format!("> P.{ace} 1:2(1) ack 1")).control, control | 8);
    }
}

#[test]
fn every_option() {
    let rows = [
        ("mss 1460", TcpOption::Mss(1460)),
        ("wscale 8,nop", TcpOption::WindowScale(8)),
        ("sackOK,nop,nop", TcpOption::SackPermitted),
        ("eol,nop,nop,nop", TcpOption::End),
        ("FO,nop,nop", TcpOption::Other(34, vec![])),
        (
            "FO abcd1234,nop,nop",
            TcpOption::Other(34, vec![0xab, 0xcd, 0x12, 0x34]),
        ),
        (
            "FO 12345678,nop,nop",
            TcpOption::Other(34, vec![0x12, 0x34, 0x56, 0x78]),
        ),
        ("FOEXP", TcpOption::Other(254, vec![0xf9, 0x89])),
        ("exp-FO", TcpOption::Other(254, vec![0xf9, 0x89])),
        ("gen-7 0102", TcpOption::Other(7, vec![1, 2])),
        ("exp-abcd", TcpOption::Other(254, vec![0xab, 0xcd])),
        (
            "ECN e0b 1 ceb 2 e1b 3,nop",
            TcpOption::Other(172, vec![0, 0, 1, 0, 0, 2, 0, 0, 3]),
        ),
        (
            "ECN e1b 65536,nop,nop,nop",
            TcpOption::Other(174, vec![1, 0, 0]),
        ),
        (
            "AccECN0 ee0b 1,nop,nop,nop",
            TcpOption::Other(172, vec![0, 0, 1]),
        ),
        (
            "md5 00112233445566778899aabbccddeeff,nop,nop",
            TcpOption::Other(19, (0..16).map(|n| n * 17).collect()),
        ),
        ("nop,nop,md5 valid", TcpOption::Nop),
        ("md5 valid,nop,nop", TcpOption::ValidSignature),
        ("020405b4", TcpOption::Raw(vec![2, 4, 5, 0xb4])),
        (
            "sack 1:2 3:4,nop,nop",
            TcpOption::Sack(vec![(1, 2), (3, 4)]),
        ),
        (
            "TS val 1 ecr 2,nop,nop",
            TcpOption::Timestamps {
                val: Some(1),
                ecr: 2,
                ecr_absolute: false,
            },
        ),
        (
            "TS val ... ecr 2!,nop,nop",
            TcpOption::Timestamps {
                val: None,
                ecr: 2,
                ecr_absolute: true,
            },
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(options(text)[0], expected, "{text}");
    }
    assert_eq!(tcp("> . 1:1(0) ack 1 <...>").options, Options::Any);
    assert_eq!(tcp("> . 1:1(0) ack 1").options, Options::These(vec![]));
}

#[test]
fn the_ip_header() {
    let ip = |text: &str| packet(&format!("> {text} . 1:1(0) ack 1")).ip;
    assert_eq!(ip("[ect0]").tos, Tos::Ecn(2));
    assert_eq!(ip("(ect01)").tos, Tos::Ect01);
    assert_eq!(ip("[tos 0x18, ttl 64]").tos, Tos::Whole(0x18));
    assert_eq!(ip("[ttl 64, flowlabel 0x3]").flow_label, Some(3));
    assert_eq!(ip("[ce,hlim 1]").ttl, Some(1));
    assert_eq!(packet("> 80 > 1024 . 1:1(0) ack 1").ports, Some((80, 1024)));
}

#[test]
fn udp_and_icmp() {
    assert_eq!(packet("< udp (100)").body, Body::Udp { len: 100 });
    assert_eq!(packet("> udp 5 > 6 (0)").ports, Some((5, 6)));
    let Body::Icmp(icmp) = packet("< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]").body
    else {
        panic!("no ICMP");
    };
    assert!(matches!(&icmp.code, Some(IcmpName::Word(code, _)) if code == "frag_needed"));
    assert_eq!(
        (icmp.mtu, icmp.quote),
        (Some(1200), Quote::Tcp { seq: 1, len: 1000 })
    );
    let Body::Icmp(icmp) = packet("< icmp type_3 code_9 [udp (8)]").body else {
        panic!("no ICMP");
    };
    assert_eq!(icmp.kind, IcmpName::Number(3));
    assert_eq!(icmp.code, Some(IcmpName::Number(9)));
    assert_eq!(
        packet("< icmp echo_request id 7 [raw (4)]").direction,
        Direction::In
    );
}

fn args(text: &str) -> Vec<Expr> {
    match script(&format!("0 call({text}) = 0"))
        .events
        .remove(0)
        .action
    {
        Action::Call(call) => call.args,
        other => panic!("{other:?} is no call"),
    }
}

#[test]
fn arguments() {
    let word = |name: &str| Expr::Word(name.to_owned());
    assert_eq!(
        args("..., 3, -1, 0x10"),
        [
            Expr::Ellipsis,
            Expr::Integer(3),
            Expr::Integer(-1),
            Expr::Integer(16)
        ]
    );
    assert_eq!(args("A|B"), [Expr::Or(vec![word("A"), word("B")])]);
    assert_eq!(
        args("[1, A]"),
        [Expr::List(vec![Expr::Integer(1), word("A")])]
    );
    assert_eq!(args("\"a\" \"b\\x00\""), [Expr::Text(b"ab\0".to_vec())]);
    let [Expr::Struct(fields)] = &args("{fd=3, events=POLLIN, msg_iov(1)=[{..., 5}], 7}")[..]
    else {
        panic!("no struct");
    };
    let names: Vec<_> = fields.iter().map(|field| field.name.as_deref()).collect();
    assert_eq!(names, [Some("fd"), Some("events"), Some("msg_iov"), None]);
}

#[test]
fn arguments_as_c_has_them() {
    let number = |number| [Expr::Integer(number)];
    assert_eq!(args("(65536)"), number(65_536));
    assert_eq!(args("1 << 16"), number(65_536));
    assert_eq!(args("192.0.2.1"), [Expr::Text(b"192.0.2.1".to_vec())]);
    assert_eq!(
        args("{.fd = 3, .events = POLLIN}"),
        args("{fd=3, events=POLLIN}")
    );
}

#[test]
fn results() {
    let call = |text: &str| match script(&format!("0 f() = {text}")).events.remove(0).action {
        Action::Call(call) => *call,
        other => panic!("{other:?} is no call"),
    };
    let failed = call("-1 EAGAIN (it isn't \"ready\" (yet))");
    assert_eq!(failed.errno.as_deref(), Some("EAGAIN"));
    assert_eq!(failed.result, Expr::Integer(-1));
    assert_eq!(call("0x3 (flags O_RDWR)").errno, None);
    let noted = call("-1 EAGAIN (Resource temporarily unavailable) (nobody reads)");
    assert_eq!(noted.errno.as_deref(), Some("EAGAIN"));
}

#[test]
fn options_commands_and_definitions() {
    let script = script(
        "// what it shows\n--ip_version=ipv4\n--define=FD=3\n--dry_run\n`init\ncommand`\n\
         0 `timed`\n+0 close(FD) = 0\n%{ }%`cleanup`"
            .replace("%{ }%", "")
            .as_str(),
    );
    let names: Vec<_> = script
        .options
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    assert_eq!(names, ["ip_version", "dry_run"]);
    assert_eq!(script.init.unwrap().text, "init\ncommand");
    assert_eq!(script.cleanup.unwrap().text, "cleanup");
    let Action::Call(call) = &script.events[1].action else {
        panic!("no call");
    };
    assert_eq!(call.args, [Expr::Integer(3)]);
}

#[test]
fn what_nobody_has_is_told() {
    let script = script("0 > ipv4 1.2.3.4 > 5.6.7.8: gre: S 0:0(0) win 1");
    let told: Vec<_> = script
        .unsupported
        .iter()
        .map(|(_, what)| what.as_str())
        .collect();
    assert_eq!(told, ["packets inside ipv4", "packets inside gre"]);
}

/// Scripts that cannot be read, and the errors.
const WRONG: &[(&str, &str)] = &[
    ("", "1:1: a script without an event"),
    ("1 `true`", "1:1: the first event must be at 0"),
    ("0 `a`\n2 `b`\n1 `c`", "3:1: a time that goes back"),
    (
        "0 < S 0:0(0)",
        "1:13: a segment that is sent has a window: win N",
    ),
    ("0 < S 0:5(4) win 1", "1:9: 0 and 4 octets end at 4"),
    (
        "0 > X. 1:1(0)",
        "1:5: 'X' is no flag: F S R P E W A U and '.' are",
    ),
    ("0 > PE.5 1:1(0)", "1:7: an ACE field beside E, W or A"),
    (
        "0 > P.8 1:1(0)",
        "1:6: the ACE field is one digit from 0 to 7",
    ),
    (
        "0 < . 1:1(0) win 70000",
        "1:18: a window must be from 0 to 65535, not 70000",
    ),
    (
        "0 < . 1:1(0) win 1 <mss 9>x",
        "1:27: a time in seconds is expected, not 'x'",
    ),
    (
        "0 > . 1:1(0) ack 1 <nop>",
        "1:20: options of 1 octets: a header has room for a multiple of 4, 40 at most",
    ),
    (
        "0 > . 1:1(0) <xyz>",
        "1:15: a TCP option is expected, not 'xyz'",
    ),
    (
        "0 > udplite (100)",
        "1:5: no support for packets of udplite",
    ),
    (
        "0 > . 1:1(0) <ECN e0b 1 e1b 2>",
        "1:25: e0b, ceb, e1b in this order is expected, not 'e1b'",
    ),
    (
        "0 < [ect01] . 1:1(0) win 1",
        "1:6: only a packet that is expected may have either: ect0 or ect1 is meant",
    ),
    (
        "0 < . 1:1(0) ack 1 win 1 [code 1]",
        "1:26: only a reset without other text may tell why",
    ),
    (
        "0 < . 1:1(0) win 1 <...>",
        "1:21: only a packet that is expected may have any options",
    ),
    (
        "0~1 `a`",
        "1:1: only a packet that is expected may come at any time, or in a range",
    ),
    (
        "0...1 `a`",
        "1:1: only a system call may begin and end at different times",
    ),
    ("0 read(3, ..., 5) 5", "1:19: '=' is expected, not '5'"),
    ("0 read(3 5) = 5", "1:10: ',' is expected, not '5'"),
    ("0 f(\"abc", "1:5: a string without an end"),
    ("0 `abc", "1:3: a command without an end"),
    ("0 %{ a", "1:3: code without an end: '}%' is missing"),
    ("/* a", "1:1: a comment without an end"),
    (
        "0 f() = 0 (a",
        "1:11: a note without an end: ')' is missing",
    ),
    ("-1 `a`", "1:1: a time before the start"),
    (
        "0 f(99999999999999999999) = 0",
        "1:5: a number that is too large",
    ),
    ("0 f(\"\\q\") = 0", "1:5: '\\q' is no escape"),
    ("--define=A\n0 `a`", "1:1: --define=NAME=VALUE is meant"),
    (
        "0 `a`\n`b`\n0 `c`",
        "3:1: only the last command and the first have no time",
    ),
];

#[test]
fn what_is_wrong_and_where() {
    for (text, expected) in WRONG {
        assert_eq!(error(text), *expected, "{text}");
    }
}

/// Pieces of scripts, to be combined in any order.
const PIECES: [&str; 38] = [
    "0",
    "+.1",
    "1.5",
    "*",
    "~",
    "...",
    "<",
    ">",
    "S",
    ".",
    "P.5",
    "1:1001(1000)",
    "ack 1",
    "win 5",
    "urg 1",
    "<mss 1460>",
    "<...>",
    "<sack 1:2,nop,nop>",
    "icmp unreachable",
    "udp (5)",
    "[ect0]",
    "read(3, ..., 4) = 4",
    "= -1 EAGAIN (a)",
    "{fd=3}",
    "[1, 2]",
    "\"a\"",
    "`c`",
    "%{ a }%",
    "\n",
    "--mtu=5\n",
    "// x\n",
    "/*",
    "#ifdef A\n",
    "#endif\n",
    "0x",
    "fd00::1",
    "|",
    "ipv4",
];

/// Nothing is read deeper in itself than the stack of a thread has room for.
#[test]
fn nothing_stands_in_itself_without_end() {
    for opening in ["[", "(", "{", "f(", "{a=", "{TCP_NLA_SRTT="] {
        let text = format!("0 f({}", opening.repeat(100_000));
        let error = parse(&text, &Definitions::default()).unwrap_err();
        assert!(
            error.message.starts_with("lists too deep"),
            "{opening}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = parse(&text, &Definitions::default());
    }

    #[test]
    fn no_words_make_it_panic(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)
    ) {
        let text = pieces.join(" ");
        if let Err(error) = parse(&text, &Definitions::default()) {
            prop_assert!(error.place.line >= 1 && error.place.column >= 1);
        }
    }
}
