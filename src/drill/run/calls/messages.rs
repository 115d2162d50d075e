//! `struct msghdr`: the control messages passed to sendmsg, and the expected results of
//! recvmsg.

use super::super::super::ast::{Expr, Field};
use super::super::{Stop, failed, skipped};
use super::address::octets_of;
use super::answer::Answer;
use super::args::{self, field, fields, list, only};
use crate::bsd::linux::{
    self, TCP_NLA_BUSY, TCP_NLA_MIN_RTT, TCP_NLA_RWND_LIMITED, TCP_NLA_SNDBUF_LIMITED, TCP_NLA_SRTT,
};
use crate::bsd::{Ancillary, Control, Received, attributes};
use crate::time::{Duration, Instant};

/// The control messages passed to sendmsg: `[{cmsg_level=L, cmsg_type=T, cmsg_data=N}, …]`.
pub(super) fn ancillary(expr: &Expr) -> Result<Vec<Ancillary>, Stop> {
    let mut messages = Vec::new();
    for message in list(expr)? {
        let Message { level, kind, data } = Message::of(message)?;
        let data = match data {
            Data::Octets(octets) | Data::Error(octets) => octets,
            Data::Number(number) => number.to_le_bytes().to_vec(),
            // Members that the script does not give are zero.
            Data::Members(members) => {
                let octets = members.into_iter();
                let octets = octets.map(|(len, octets)| octets.unwrap_or(vec![0; len]));
                octets.flatten().collect()
            }
            Data::Any | Data::Moment(_) | Data::Statistics(_) => {
                return skipped("no support for such a control message of sendmsg");
            }
        };
        messages.push(Ancillary { level, kind, data });
    }
    Ok(messages)
}

/// The expected result of recvmsg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Wanted {
    flags: i32,
    /// The control messages; `None`: not compared.
    control: Option<Vec<Message>>,
    /// How far a time may be off.
    tolerance: Duration,
}

impl Wanted {
    /// What the members of a `struct msghdr` say.
    pub(super) fn of(message: &[Field], tolerance: Duration) -> Result<Wanted, Stop> {
        let flags = field(message, "msg_flags").map_or(Ok(0), args::number)?;
        let control = match field(message, "msg_control") {
            // There is no room for any, so none is compared.
            Some(Expr::Word(word)) if word == "NULL" => None,
            Some(control) => {
                let messages = list(control)?.iter().map(Message::of);
                Some(messages.collect::<Result<_, _>>()?)
            }
            None => None,
        };
        Ok(Wanted {
            flags: flags as i32,
            control,
            tolerance,
        })
    }

    pub(super) fn compare(&self, received: &Received) -> Answer {
        let mut answer = Answer::new(Ok(received.len as i64));
        if self.flags != received.flags {
            answer.wrong.push(format!(
                "msg_flags: {:#x} is expected, {:#x} is returned",
                self.flags, received.flags
            ));
        }
        let Some(wanted) = &self.control else {
            return answer;
        };
        let returned = &received.control;
        let is = |(wanted, returned): (&Message, &Control)| wanted.is(returned, self.tolerance);
        if wanted.len() != returned.len() || !wanted.iter().zip(returned).all(is) {
            let returned: Vec<String> = returned.iter().map(show).collect();
            answer.wrong.push(format!(
                "msg_control: {wanted:?} is expected, [{}] is returned",
                returned.join(", ")
            ));
        }
        answer
    }
}

/// A control message in readable form.
fn show(control: &Control) -> String {
    match control {
        Control::Statistics(octets) => format!("Statistics({:?})", attributes(octets)),
        other => format!("{other:?}"),
    }
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    level: i32,
    kind: i32,
    data: Data,
}

impl Message {
    /// `{cmsg_level=L, cmsg_type=T, cmsg_data=D}`.
    fn of(expr: &Expr) -> Result<Message, Stop> {
        let message = fields(expr)?;
        only(
            message,
            &["cmsg_len", "cmsg_level", "cmsg_type", "cmsg_data"],
        )?;
        let get = |name: &str| match field(message, name) {
            Some(value) => args::number(value),
            None => failed(format!("a control message has {name}")),
        };
        Ok(Message {
            level: get("cmsg_level")? as i32,
            kind: get("cmsg_type")? as i32,
            data: Data::of(field(message, "cmsg_data"))?,
        })
    }

    fn is(&self, returned: &Control, tolerance: Duration) -> bool {
        (self.level, self.kind) == (returned.level(), returned.kind())
            && self.data.is(&returned.data(), tolerance)
    }
}

/// What a control message must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Data {
    /// Whatever it is.
    Any,
    /// These octets.
    Octets(Vec<u8>),
    /// `struct sock_extended_err`; the address behind it is not compared.
    Error(Vec<u8>),
    /// This number, in any number of octets.
    Number(i32),
    /// A moment since the start; `None`: any.
    Moment(Option<Instant>),
    /// Members one after another; if one is `None`, only its length counts.
    Members(Vec<(usize, Option<Vec<u8>>)>),
    /// These netlink attributes, possibly with others; `None`: any value.
    Statistics(Vec<(i32, Option<u64>)>),
}

impl Data {
    fn of(expr: Option<&Expr>) -> Result<Data, Stop> {
        match expr {
            None => Ok(Data::Octets(Vec::new())),
            Some(Expr::Ellipsis) => Ok(Data::Any),
            Some(Expr::Text(text)) => Ok(Data::Octets(text.clone())),
            Some(Expr::Struct(members)) if field(members, "scm_sec").is_some() => moment(members),
            Some(Expr::Struct(members)) if field(members, "ee_errno").is_some() => {
                Ok(Data::Error(extended_error(members)?))
            }
            Some(Expr::Struct(members)) if PACKET_INFO.iter().any(|it| has(members, it)) => {
                packet_info(members)
            }
            Some(Expr::Struct(members)) => statistics(members),
            Some(number) => Ok(Data::Number(args::number(number)? as i32)),
        }
    }

    fn is(&self, octets: &[u8], tolerance: Duration) -> bool {
        let number = |at: usize| {
            let word = octets.get(at..at + 8).and_then(|word| word.first_chunk());
            word.map_or(0, |word| u64::from_le_bytes(*word))
        };
        match self {
            Data::Any => true,
            Data::Octets(wanted) => wanted == octets,
            Data::Error(wanted) => octets.starts_with(wanted),
            Data::Number(wanted) => match octets {
                [octet] => i32::from(*octet) == *wanted,
                octets => wanted.to_le_bytes() == octets,
            },
            Data::Members(wanted) => {
                let mut rest = octets;
                let are = wanted.iter().all(|(len, wanted)| {
                    let found = rest.get(..*len);
                    rest = rest.get(*len..).unwrap_or_default();
                    found.is_some_and(|found| wanted.as_ref().is_none_or(|it| it == found))
                });
                are && rest.is_empty()
            }
            Data::Moment(None) => true,
            Data::Moment(Some(wanted)) => {
                let nanos = Duration::from_nanos(number(8));
                let told = Instant::from_secs(number(0)) + nanos;
                told.since(*wanted).max(wanted.since(told)) <= tolerance
            }
            Data::Statistics(wanted) => {
                let told = attributes(octets);
                let is_told = |(kind, wanted): &(i32, Option<u64>)| {
                    let mut named = told.iter().filter(|(known, _)| known == kind);
                    named.any(|(kind, value)| fits(*kind, *wanted, *value, tolerance))
                };
                wanted.iter().all(is_told)
            }
        }
    }
}

/// Attributes that are times, in microseconds.
const TIMES: [i32; 5] = [
    TCP_NLA_BUSY,
    TCP_NLA_RWND_LIMITED,
    TCP_NLA_SNDBUF_LIMITED,
    TCP_NLA_MIN_RTT,
    TCP_NLA_SRTT,
];

/// Whether an attribute is as the script says; times need only be near enough.
fn fits(kind: i32, wanted: Option<u64>, told: u64, tolerance: Duration) -> bool {
    let Some(wanted) = wanted else {
        return true;
    };
    let off = u128::from(wanted.abs_diff(told));
    off == 0 || TIMES.contains(&kind) && off <= tolerance.as_micros()
}

/// `{scm_sec=S, scm_nsec=N}`: zeros stand for any time.
fn moment(time: &[Field]) -> Result<Data, Stop> {
    let get = |name: &str| field(time, name).map_or(Ok(0), args::number);
    let (secs, nanos) = (
        get("scm_sec")?.max(0) as u64,
        get("scm_nsec")?.max(0) as u64,
    );
    let at = Instant::ZERO + Duration::from_secs(secs) + Duration::from_nanos(nanos);
    Ok(Data::Moment(Some(at).filter(|at| *at > Instant::ZERO)))
}

/// `struct sock_extended_err`.
fn extended_error(error: &[Field]) -> Result<Vec<u8>, Stop> {
    let get = |name: &str| field(error, name).map_or(Ok(0), args::number);
    let mut data = (get("ee_errno")? as u32).to_le_bytes().to_vec();
    for name in ["ee_origin", "ee_type", "ee_code"] {
        data.push(get(name)? as u8);
    }
    data.push(0);
    data.extend((get("ee_info")? as u32).to_le_bytes());
    data.extend((get("ee_data")? as u32).to_le_bytes());
    Ok(data)
}

/// The members of `struct in_pktinfo` and of `struct in6_pktinfo`, in their order.
const PACKET_INFO: [[&str; 3]; 2] = [
    ["ipi_ifindex", "ipi_spec_dst", "ipi_addr"],
    ["ipi6_addr", "ipi6_ifindex", ""],
];

fn has(members: &[Field], names: &[&str]) -> bool {
    names.iter().any(|name| field(members, name).is_some())
}

/// `{ipi_ifindex=..., ipi_spec_dst=..., ipi_addr=inet_addr("192.0.2.1")}`.
fn packet_info(members: &[Field]) -> Result<Data, Stop> {
    let names = match has(members, &PACKET_INFO[0]) {
        true => &PACKET_INFO[0][..],
        false => &PACKET_INFO[1][..2],
    };
    only(members, names)?;
    let mut wanted = Vec::new();
    for name in names {
        let len = if *name == "ipi6_addr" { 16 } else { 4 };
        let octets = match field(members, name) {
            None | Some(Expr::Ellipsis) => None,
            Some(value) => Some(octets_of(value)?),
        };
        wanted.push((len, octets));
    }
    Ok(Data::Members(wanted))
}

/// `{TCP_NLA_BUSY=20000, TCP_NLA_SND_CWND=..., …}`.
fn statistics(members: &[Field]) -> Result<Data, Stop> {
    let mut wanted = Vec::new();
    for Field { name, value } in members {
        let name = name.as_deref().unwrap_or_default();
        let kind = linux::number(name).filter(|_| name.starts_with("TCP_NLA_"));
        let Some(kind) = kind else {
            return skipped(format!("no support for a control message with {name}"));
        };
        let value = match value {
            Expr::Ellipsis => None,
            value => Some(args::number(value)? as u64),
        };
        wanted.push((kind, value));
    }
    Ok(Data::Statistics(wanted))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::ast::Action;
    use super::super::super::super::definitions::Definitions;
    use super::super::super::super::parser::parse;
    use super::*;

    fn data(text: &str) -> Result<Data, Stop> {
        let text = format!("0 f({text}) = 0");
        let script = parse(&text, &Definitions::default()).unwrap();
        let Action::Call(call) = &script.events[0].action else {
            panic!("no call");
        };
        Data::of(call.args.first())
    }

    #[test]
    fn what_a_control_message_may_carry() {
        assert!(data("...").unwrap().is(&[1, 2, 3], Duration::ZERO));
        assert_eq!(data("7"), Ok(Data::Number(7)));
        assert_eq!(data("\"\\x01\\x02\""), Ok(Data::Octets(vec![1, 2])));
        assert_eq!(data("{scm_sec=0, scm_nsec=0}"), Ok(Data::Moment(None)));
        let wanted = vec![(TCP_NLA_BUSY, Some(20_000)), (TCP_NLA_MIN_RTT, None)];
        for between in [", ", "|"] {
            let text = format!("{{TCP_NLA_BUSY=20000{between}TCP_NLA_MIN_RTT=...}}");
            assert_eq!(data(&text), Ok(Data::Statistics(wanted.clone())), "{text}");
        }
        let wanted = vec![(4, None), (4, None), (4, Some(vec![192, 0, 2, 1]))];
        for text in [
            "{ipi_ifindex=..., ipi_spec_dst=..., ipi_addr=inet_addr(\"192.0.2.1\")}",
            "{ipi_addr=192.0.2.1}",
        ] {
            let sent_to = data(text).unwrap();
            assert_eq!(sent_to, Data::Members(wanted.clone()), "{text}");
            let told = |last| [[0; 8].as_slice(), &[192, 0, 2, last]].concat();
            assert!(sent_to.is(&told(1), Duration::ZERO));
            assert!(!sent_to.is(&told(2), Duration::ZERO));
            assert!(!sent_to.is(&told(1)[1..], Duration::ZERO));
        }
        let reason = "no support for a control message with TCP_NLA_NONSENSE";
        assert_eq!(data("{TCP_NLA_NONSENSE=1}"), skipped(reason));
    }

    #[test]
    fn attributes_count_by_their_number_and_times_may_be_off() {
        let attribute = |kind: u8, value: u8| [8, 0, kind, 0, value, 0, 0, 0];
        let told = [attribute(TCP_NLA_BUSY as u8, 100), attribute(8, 10)].concat();
        let tolerance = Duration::from_micros(4);
        for (text, is) in [
            ("{TCP_NLA_BUSY=100}", true),
            ("{TCP_NLA_BUSY=104, TCP_NLA_SND_CWND=10}", true),
            ("{TCP_NLA_BUSY=105}", false),
            ("{TCP_NLA_SND_CWND=11}", false),
            ("{TCP_NLA_SND_CWND=...}", true),
            ("{TCP_NLA_SRTT=...}", false),
        ] {
            assert_eq!(data(text).unwrap().is(&told, tolerance), is, "{text}");
        }
    }
}
