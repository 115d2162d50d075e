//! Arguments of calls: turns the text of the script into numbers, strings, lists and structs.

use super::super::super::ast::{Call, Expr, Field};
use super::super::{Stop, Wrong, failed, skipped};
use crate::bsd::{Errno, freebsd, linux};

/// The arguments of a call.
pub(super) struct Args<'a> {
    args: &'a [Expr],
    /// The error that the script says the call ends with.
    errno: Option<Errno>,
}

impl<'a> Args<'a> {
    pub(super) fn of(call: &'a Call) -> Args<'a> {
        Args {
            args: &call.args,
            errno: call.errno.as_deref().and_then(Errno::from_name),
        }
    }

    /// Whether the script says that the call ends with this error.
    pub(super) fn expects(&self, errno: Errno) -> bool {
        self.errno == Some(errno)
    }

    pub(super) fn len(&self) -> usize {
        self.args.len()
    }

    /// Checks the number of arguments.
    pub(super) fn count(&self, least: usize, most: usize) -> Result<(), Stop> {
        let given = self.args.len();
        match (least..=most).contains(&given) {
            true => Ok(()),
            false if least == most => failed(format!("{given} arguments, and {most} are meant")),
            false => failed(format!(
                "{given} arguments, and {least} to {most} are meant"
            )),
        }
    }

    pub(super) fn at(&self, index: usize) -> Result<&'a Expr, Stop> {
        match self.args.get(index) {
            Some(expr) => Ok(expr),
            None => failed(format!("argument {} is missing", index + 1)),
        }
    }

    pub(super) fn number(&self, index: usize) -> Result<i64, Stop> {
        number(self.at(index)?).map_err(|stop| match stop {
            Stop::Failed(wrong) => Stop::Failed(Wrong {
                message: format!("argument {}: {}", index + 1, wrong.message),
                ..wrong
            }),
            skipped => skipped,
        })
    }

    pub(super) fn int(&self, index: usize) -> Result<i32, Stop> {
        Ok(self.number(index)? as i32)
    }

    /// A number of octets, within the limit of this runner.
    pub(super) fn size(&self, index: usize) -> Result<usize, Stop> {
        size(self.number(index)?)
    }

    /// Whether the buffer is `NULL`, which has room for nothing.
    pub(super) fn is_null(&self, index: usize) -> bool {
        self.is_word(index, "NULL")
    }

    /// Checks a buffer: `...` or `NULL`. Scripts send and receive zeros.
    pub(super) fn buffer(&self, index: usize) -> Result<(), Stop> {
        match self.at(index)? {
            Expr::Ellipsis => Ok(()),
            _ if self.is_null(index) => Ok(()),
            _ => failed(format!(
                "argument {}: a buffer is meant: ... or NULL",
                index + 1
            )),
        }
    }

    pub(super) fn is_word(&self, index: usize, word: &str) -> bool {
        matches!(self.args.get(index), Some(Expr::Word(w)) if w == word)
    }
}

/// The most octets that one call moves here.
const MAX_SIZE: i64 = 1 << 26;

pub(super) fn size(number: i64) -> Result<usize, Stop> {
    match number {
        0..=MAX_SIZE => Ok(number as usize),
        _ => skipped(format!("{number} octets are too many for one call")),
    }
}

/// A number: digits, a name, or several joined by `|`.
pub(super) fn number(expr: &Expr) -> Result<i64, Stop> {
    match expr {
        Expr::Integer(number) => Ok(*number),
        Expr::Word(name) => match named(name) {
            Some(number) => Ok(number),
            None => skipped(format!("the name {name} is not known here")),
        },
        Expr::Or(parts) => {
            let mut joined = 0;
            for part in parts {
                joined |= number(part)?;
            }
            Ok(joined)
        }
        Expr::Apply(name, args) => match (name.as_str(), &args[..]) {
            ("htonl" | "ntohl", [arg]) => Ok(i64::from((number(arg)? as u32).swap_bytes())),
            ("htons" | "ntohs", [arg]) => Ok(i64::from((number(arg)? as u16).swap_bytes())),
            _ => skipped(format!("{name}() is not known here")),
        },
        Expr::List(items) if items.len() == 1 => number(&items[0]),
        Expr::Ellipsis | Expr::Text(_) | Expr::List(_) | Expr::Struct(_) => {
            failed("a number is meant, a name, or several with | between")
        }
    }
}

/// Names that differ on FreeBSD, or are used by some scripts.
const ALIASES: [(&str, &str); 13] = [
    ("PF_UNSPEC", "AF_UNSPEC"),
    ("PF_INET", "AF_INET"),
    ("PF_INET6", "AF_INET6"),
    ("FIONWRITE", "SIOCOUTQ"),
    ("TIOCINQ", "SIOCINQ"),
    ("SO_REUSEPORT_LB", "SO_REUSEPORT"),
    ("TCP_NOPUSH", "TCP_CORK"),
    ("IPV6_PMTUDISC_DONT", "IP_PMTUDISC_DONT"),
    ("IPV6_PMTUDISC_WANT", "IP_PMTUDISC_WANT"),
    ("IPV6_PMTUDISC_DO", "IP_PMTUDISC_DO"),
    ("IPV6_PMTUDISC_PROBE", "IP_PMTUDISC_PROBE"),
    ("O_NDELAY", "O_NONBLOCK"),
    ("FNDELAY", "O_NONBLOCK"),
];

/// Names that the layer below does not need: flags for opening files, the bits of a type of service (RFC
/// 1349, RFC 2474, RFC 2597, RFC 3168, RFC 3246), flags for several messages, the longest backlog, and
/// values that ignore the path MTU.
const OTHERS: [(&str, i64); 46] = [
    ("O_CREAT", O_CREAT as i64),
    ("O_EXCL", O_EXCL as i64),
    ("O_TRUNC", O_TRUNC as i64),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IRWXU", 0o700),
    ("S_IRGRP", 0o040),
    ("S_IROTH", 0o004),
    ("IPTOS_LOWDELAY", 0x10),
    ("IPTOS_THROUGHPUT", 0x08),
    ("IPTOS_RELIABILITY", 0x04),
    ("IPTOS_MINCOST", 0x02),
    ("IPTOS_ECN_ECT0", 0x02),
    ("IPTOS_ECN_CE", 0x03),
    ("IPTOS_DSCP_AF11", 0x28),
    ("IPTOS_DSCP_AF12", 0x30),
    ("IPTOS_DSCP_AF13", 0x38),
    ("IPTOS_DSCP_AF21", 0x48),
    ("IPTOS_DSCP_AF22", 0x50),
    ("IPTOS_DSCP_AF23", 0x58),
    ("IPTOS_DSCP_AF31", 0x68),
    ("IPTOS_DSCP_AF32", 0x70),
    ("IPTOS_DSCP_AF33", 0x78),
    ("IPTOS_DSCP_AF41", 0x88),
    ("IPTOS_DSCP_AF42", 0x90),
    ("IPTOS_DSCP_AF43", 0x98),
    ("IPTOS_DSCP_EF", 0xb8),
    ("IPTOS_CLASS_CS0", 0x00),
    ("IPTOS_CLASS_CS1", 0x20),
    ("IPTOS_CLASS_CS2", 0x40),
    ("IPTOS_CLASS_CS3", 0x60),
    ("IPTOS_CLASS_CS4", 0x80),
    ("IPTOS_CLASS_CS5", 0xa0),
    ("IPTOS_CLASS_CS6", 0xc0),
    ("IPTOS_CLASS_CS7", 0xe0),
    ("IPTOS_LOWCOST", 0x02),
    ("IPTOS_ECN_NOT_ECT", 0x00),
    ("IPTOS_ECN_ECT1", 0x01),
    ("IPTOS_ECN_MASK", 0x03),
    ("IPTOS_DSCP_MASK", 0xfc),
    ("MSG_WAITFORONE", MSG_WAITFORONE as i64),
    ("SOMAXCONN", 4_096),
    ("IP_PMTUDISC_INTERFACE", 4),
    ("IP_PMTUDISC_OMIT", 5),
    ("IPV6_PMTUDISC_INTERFACE", 4),
    ("IPV6_PMTUDISC_OMIT", 5),
];

/// Creates a file that does not exist.
pub(super) const O_CREAT: i32 = 0o100;
/// The file must not exist.
pub(super) const O_EXCL: i32 = 0o200;
/// Truncates a file.
pub(super) const O_TRUNC: i32 = 0o1000;

/// recvmmsg waits for the first message only.
pub(super) const MSG_WAITFORONE: i32 = 0x1_0000;

/// Addresses as numbers in host byte order.
const ADDRESSES: [(&str, i64); 3] = [
    ("INADDR_ANY", 0),
    ("INADDR_LOOPBACK", 0x7f00_0001),
    ("INADDR_BROADCAST", 0xffff_ffff),
];

/// The number of a name.
fn named(name: &str) -> Option<i64> {
    let errno = || Errno::from_name(name).map(Errno::number);
    let alias = ALIASES.iter().find(|(known, _)| *known == name);
    let mut others = ADDRESSES.iter().chain(&OTHERS);
    if let Some((_, number)) = others.find(|(known, _)| *known == name) {
        return Some(*number);
    }
    match name {
        "NULL" => Some(0),
        _ => linux::number(alias.map_or(name, |(_, ours)| *ours))
            .or_else(|| freebsd::number(name))
            .or_else(errno)
            .map(i64::from),
    }
}

/// The first unknown name in an argument, in words.
pub(super) fn unknown(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Word(name) if named(name).is_none() => {
            Some(format!("the name {name} is not known here"))
        }
        Expr::Or(parts) | Expr::List(parts) | Expr::Apply(_, parts) => {
            parts.iter().find_map(unknown)
        }
        Expr::Struct(fields) => fields.iter().find_map(|field| unknown(&field.value)),
        Expr::Word(_) | Expr::Ellipsis | Expr::Integer(_) | Expr::Text(_) => None,
    }
}

/// The members of a struct.
pub(super) fn fields(expr: &Expr) -> Result<&[Field], Stop> {
    match expr {
        Expr::Struct(fields) => Ok(fields),
        _ => failed("a struct is meant: {…}"),
    }
}

/// Checks that a struct has only these members: an unknown one may be what the script tests.
pub(super) fn only(fields: &[Field], known: &[&str]) -> Result<(), Stop> {
    let names = fields.iter().filter_map(|field| field.name.as_deref());
    let mut unknown = names.filter(|name| !known.contains(name));
    match unknown.next() {
        None => Ok(()),
        Some(name) => skipped(format!("the member {name} is not known here")),
    }
}

/// The number of the member with this name or, in a struct without names, at `place`; 0 if there is
/// none.
pub(super) fn member(expr: &Expr, name: &str, place: usize) -> Result<i64, Stop> {
    let fields = fields(expr)?;
    let by_place = fields.get(place).filter(|field| field.name.is_none());
    let value = field(fields, name).or(by_place.map(|field| &field.value));
    value.map_or(Ok(0), number)
}

/// The elements of a list.
pub(super) fn list(expr: &Expr) -> Result<&[Expr], Stop> {
    match expr {
        Expr::List(items) => Ok(items),
        _ => failed("a list is meant: […]"),
    }
}

/// The member of this name.
pub(super) fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Expr> {
    let mut named = fields.iter();
    let found = named.find(|field| field.name.as_deref() == Some(name))?;
    Some(&found.value)
}

/// The total length of the first `count` pieces: `[{..., 10}, {..., 20}]`.
pub(super) fn pieces(expr: &Expr, count: i64) -> Result<usize, Stop> {
    let mut octets: i64 = 0;
    let count = usize::try_from(count).unwrap_or(0);
    for piece in list(expr)?.iter().take(count) {
        let Some(len) = fields(piece)?.last() else {
            return failed("a piece has a length: {..., N}");
        };
        octets = octets.saturating_add(number(&len.value)?);
    }
    size(octets)
}
