//! What a script says, as values.

use core::net::IpAddr;

use super::place::Place;

/// A script that has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// `--name=value`, in order.
    pub(super) options: Vec<Setting>,
    /// Runs before the clock starts.
    pub(super) init: Option<Command>,
    /// What happens, in order.
    pub(super) events: Vec<Event>,
    /// Runs at the end, whether the script passed or failed.
    pub(super) cleanup: Option<Command>,
    /// What the script asks for and is not supported here: such a script cannot be run.
    pub(super) unsupported: Vec<(Place, String)>,
}

/// A line `--name=value` or `--name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// A shell command, which is never given to a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) place: Place,
    pub(super) text: String,
}

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) place: Place,
    pub(super) time: When,
    pub(super) action: Action,
    /// Its text in the script, on one line.
    pub(super) text: String,
}

/// When, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Since the start.
    At(u64),
    /// After the time at which the event is reached.
    After(u64),
    /// Between two times since the start.
    Between(u64, u64),
    /// Between two times after the event is reached.
    AfterBetween(u64, u64),
    /// At any time.
    Any,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Packet(Box<Packet>),
    Call(Box<Call>),
    Command(String),
    Code(String),
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// `<`: the script sends it to the stack.
    In,
    /// `>`: the stack is expected to send it.
    Out,
}

/// A packet to inject, or to expect.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packet {
    pub(super) direction: Direction,
    /// The headers in front of its own, the outermost first.
    pub(super) outer: Vec<Outer>,
    pub(super) ip: IpInfo,
    /// Source and destination port, where the script gives them.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) body: Body,
}

/// A header that carries a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outer {
    Ip {
        info: IpInfo,
        source: IpAddr,
        destination: IpAddr,
    },
    Gre(Gre),
    /// Label, traffic class, bottom of stack and TTL, as they are on the wire.
    Mpls(Vec<u32>),
}

/// A GRE header; fields that the script does not give are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gre {
    /// Its first sixteen bits, if they do not follow from the fields it has.
    pub(super) flags: Option<u16>,
    pub(super) checksum: Option<u16>,
    pub(super) offset: Option<u16>,
    pub(super) key: Option<u32>,
    pub(super) sequence: Option<u32>,
}

/// What a script says about the IP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IpInfo {
    pub(super) tos: Tos,
    pub(super) ttl: Option<u8>,
    pub(super) flow_label: Option<u32>,
}

/// What a script says about the type of service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tos {
    /// Nothing: 0 is sent, and it is not compared.
    #[default]
    Unsaid,
    /// The two ECN bits.
    Ecn(u8),
    /// Either of ECT(0) and ECT(1).
    Ect01,
    /// The six bits in front of them (RFC 2474).
    Dscp(u8),
    /// All eight bits.
    Whole(u8),
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Tcp(Tcp),
    Udp { len: u16 },
    Icmp(Icmp),
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tcp {
    /// The nine control bits, FIN lowest.
    pub(super) control: u16,
    pub(super) seq: SeqNumber,
    /// Octets of text.
    pub(super) len: u32,
    pub(super) ack: u32,
    /// The acknowledgment has a `!`: it is a number on the wire.
    pub(super) ack_absolute: bool,
    pub(super) window: Option<u16>,
    pub(super) urgent: u16,
    pub(super) options: Options,
    /// The reason for the reset, given in the segment's text.
    pub(super) diagnosis: Option<Diagnosis>,
}

/// The reason for a reset: a code, and who defines it (a Private Enterprise Number).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) code: u32,
    pub(super) enterprise: Option<u32>,
}

/// The sequence number of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeqNumber {
    /// In the numbers of the script.
    Relative(u32),
    /// As it is on the wire.
    Absolute(u32),
    /// Not compared.
    Any,
}

/// The options of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Options {
    /// `<...>`: whatever they are.
    Any,
    /// These, in this order.
    These(Vec<TcpOption>),
}

/// A TCP option, or a piece of padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TcpOption {
    Mss(u16),
    WindowScale(u8),
    SackPermitted,
    Nop,
    End,
    Timestamps {
        /// `None`: not compared.
        val: Option<u32>,
        ecr: u32,
        /// The echo is a number on the wire.
        ecr_absolute: bool,
    },
    Sack(Vec<(u32, u32)>),
    /// A signature (RFC 2385), made with the secret of the script.
    ValidSignature,
    /// Any other option: its kind, and the octets after its length.
    Other(u8, Vec<u8>),
    /// Octets as they are.
    Raw(Vec<u8>),
}

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Icmp {
    pub(super) kind: IcmpName,
    pub(super) code: Option<IcmpName>,
    pub(super) mtu: Option<u32>,
    pub(super) id: Option<u16>,
    pub(super) quote: Quote,
}

/// A type or a code of ICMP: its word, or its number. What a word means depends on the family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IcmpName {
    Word(String, Place),
    Number(u8),
}

/// What an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// Not given: a segment without sequence numbers.
    Unsaid,
    Tcp {
        seq: u32,
        len: u32,
    },
    Udp {
        len: u32,
    },
    Raw {
        len: u32,
    },
}

/// A system call and its result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: Vec<Expr>,
    pub(super) result: Expr,
    /// The name of the error.
    pub(super) errno: Option<String>,
    /// The call may block, and returns at this time, in microseconds since the start, or since
    /// the base of its start.
    pub(super) end: Option<u64>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// `...`: fill in for me.
    Ellipsis,
    Integer(i64),
    Word(String),
    Text(Vec<u8>),
    /// `A|B`
    Or(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{a, b = c, d(2) = e}`
    Struct(Vec<Field>),
    /// `name(args)`
    Apply(String, Vec<Expr>),
}

/// A member of a struct.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// `None` for a member without a name.
    pub(super) name: Option<String>,
    pub(super) value: Expr,
}
