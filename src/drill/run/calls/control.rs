//! fcntl, ioctl, getsockopt, setsockopt.

use core::net::{IpAddr, SocketAddr};

use super::super::super::ast::{Expr, Field};
use super::super::Stop;
use super::super::state::Run;
use super::super::{failed, skipped};
use super::answer::Answer;
use super::args::{self, Args, field};
use super::attempt::Begun;
use super::groups::membership;
use super::sockets::descriptor;
use crate::bsd::linux::{AF_INET, AF_INET6, FIONBIO, SO_ERROR, SOL_SOCKET, SOL_TCP, TCP_ULP};
use crate::bsd::{Errno, System, freebsd};

pub(super) fn fcntl(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 3)?;
    let argument = if args.len() == 3 { args.int(2)? } else { 0 };
    if run
        .files
        .get(args.number(0)?)
        .is_some_and(|file| file.socket().is_none())
    {
        return Ok(Ok(0).into());
    }
    let fd = descriptor(run, args, 0)?;
    let answer = run.host.calls().fcntl(fd, args.int(1)?, argument);
    Ok(answer.map(i64::from).into())
}

pub(super) fn ioctl(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(2, 3)?;
    let fd = descriptor(run, args, 0)?;
    let request = args.int(1)?;
    let wanted = match args.len() {
        3 => Some(args.int(2)?),
        _ => None,
    };
    let answer = run.host.calls().ioctl(fd, request, wanted.unwrap_or(0));
    let mut answer = match answer {
        Err(errno) => Answer::new(Err(errno)),
        Ok(value) => {
            let mut answer = Answer::new(Ok(0));
            if wanted.is_some_and(|wanted| wanted != value) && request != FIONBIO {
                let wanted = wanted.unwrap_or(0);
                let message = format!("value: {wanted} is expected, {value} is returned");
                answer.wrong.push(message);
            }
            answer
        }
    };
    if answer.result == Err(Errno::ENOTTY) {
        answer.wrong.clear();
    }
    Ok(Begun::Done(answer))
}

/// The octets of a value in memory; `len`: how many there should be.
fn octets(expr: &Expr, len: Option<usize>) -> Result<Vec<u8>, Stop> {
    match expr {
        Expr::Text(text) => Ok(text.clone()),
        Expr::List(items) => {
            let mut octets = Vec::new();
            for item in items {
                octets.extend((args::number(item)? as i32).to_le_bytes());
            }
            Ok(octets)
        }
        Expr::Struct(fields) if fields.iter().all(|field| field.name.is_none()) => {
            in_a_row(fields, len)
        }
        Expr::Struct(fields) => match (linger(fields), membership(fields)?) {
            (_, Some(octets)) => Ok(octets),
            (Some((onoff, linger)), None) => {
                let onoff = args::number(onoff)? as i32;
                let linger = args::number(linger)? as i32;
                Ok([onoff.to_le_bytes(), linger.to_le_bytes()].concat())
            }
            _ if field(fields, "function_set_name").is_some() => function_set(fields),
            _ if field(fields, "enable").is_some() => fast_open(fields),
            _ => time_value(fields),
        },
        Expr::Apply(name, arguments) => match (name.as_str(), &arguments[..]) {
            ("inet6_addr", [Expr::Text(text)]) => {
                let text = String::from_utf8_lossy(text);
                match text.parse::<core::net::Ipv6Addr>() {
                    Ok(address) => Ok(address.octets().to_vec()),
                    Err(_) => failed(format!("{text} is no IPv6 address")),
                }
            }
            _ => skipped(format!("no support for values of {name}")),
        },
        _ => Ok((args::number(expr)? as i32).to_le_bytes().to_vec()),
    }
}

/// A struct of two numbers without names: `struct linger`, or, if it is longer, `struct timeval`.
fn in_a_row(members: &[Field], len: Option<usize>) -> Result<Vec<u8>, Stop> {
    let mut octets = Vec::new();
    for Field { value, .. } in members {
        let number = args::number(value)?;
        match (members.len(), len) {
            (2, Some(8)) => octets.extend((number as i32).to_le_bytes()),
            (2, Some(16)) => octets.extend(number.to_le_bytes()),
            _ => return skipped("no support for this struct as the value of an option"),
        }
    }
    Ok(octets)
}

/// `struct tcp_md5sig`: `{tcpm_addr=..., tcpm_flags=TCP_MD5SIG_FLAG_PREFIX, tcpm_prefixlen=24,
/// tcpm_keylen=6, tcpm_key="secret"}`. The address is that of the peer, or is in quotes.
fn signature_key(value: &[Field], peer: SocketAddr) -> Result<Vec<u8>, Stop> {
    let number = |name| field(value, name).map_or(Ok(0), args::number);
    let peer = match field(value, "tcpm_addr") {
        Some(Expr::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            match text.parse() {
                Ok(address) => SocketAddr::new(address, 0),
                Err(_) => return failed(format!("{text} is no address")),
            }
        }
        _ => peer,
    };
    let key = match field(value, "tcpm_key") {
        Some(Expr::Text(key)) => &key[..],
        _ => &[],
    };
    let len = match field(value, "tcpm_keylen") {
        Some(len) => args::number(len)? as u16,
        None => key.len() as u16,
    };
    let mut octets = match peer.ip() {
        IpAddr::V4(v4) => [&(AF_INET as u32).to_le_bytes()[..], &v4.octets()].concat(),
        IpAddr::V6(v6) => {
            let start = u64::from(AF_INET6 as u32).to_le_bytes();
            [&start[..], &v6.octets()].concat()
        }
    };
    octets.resize(128, 0);
    octets.push(number("tcpm_flags")? as u8);
    octets.push(number("tcpm_prefixlen")? as u8);
    octets.extend(len.to_le_bytes());
    octets.extend((number("tcpm_ifindex")? as i32).to_le_bytes());
    octets.extend(key);
    octets.resize(216, 0);
    Ok(octets)
}

/// `struct linger`: `{onoff=1, linger=0}`, with C's prefix or without it.
fn linger(value: &[Field]) -> Option<(&Expr, &Expr)> {
    let member = |short, long| field(value, short).or_else(|| field(value, long));
    Some((member("onoff", "l_onoff")?, member("linger", "l_linger")?))
}

/// FreeBSD's `struct tcp_fastopen`: `{enable=1, psk=""}`. A key is for a kind of cookie that does not
/// exist here.
fn fast_open(value: &[Field]) -> Result<Vec<u8>, Stop> {
    match field(value, "psk") {
        None | Some(Expr::Ellipsis) => {}
        Some(Expr::Text(key)) if key.iter().all(|octet| *octet == 0) => {}
        Some(_) => return skipped("no support for keys that are shared before Fast Open"),
    }
    let enable = field(value, "enable").map_or(Ok(0), args::number)?;
    Ok((enable as i32).to_le_bytes().to_vec())
}

/// `struct tcp_function_set`: `{function_set_name="freebsd", pcbcnt=0}`.
fn function_set(value: &[Field]) -> Result<Vec<u8>, Stop> {
    let Some(Expr::Text(name)) = field(value, "function_set_name") else {
        return failed("a name is meant: function_set_name=\"freebsd\"");
    };
    let mut octets = name.clone();
    octets.retain(|octet| *octet != 0);
    if octets != b"freebsd" {
        let name = String::from_utf8_lossy(&octets);
        return skipped(format!("no support for the stack {name}"));
    }
    octets.resize(32, 0);
    let count = field(value, "pcbcnt").map_or(Ok(0), args::number)?;
    octets.extend((count as u32).to_le_bytes());
    Ok(octets)
}

/// `struct timeval`: `{tv_sec=1, tv_usec=0}`.
fn time_value(value: &[Field]) -> Result<Vec<u8>, Stop> {
    match (field(value, "tv_sec"), field(value, "tv_usec")) {
        (Some(seconds), Some(micros)) => {
            let seconds = args::number(seconds)?.to_le_bytes();
            Ok([seconds, args::number(micros)?.to_le_bytes()].concat())
        }
        _ => skipped("no support for this struct as the value of an option"),
    }
}

/// Skips the script if the stack does not have the option, if no program may use it, or if it has no values
/// to choose from.
fn known(args: &Args<'_>, answer: Result<(), Errno>) -> Result<(), Stop> {
    let is_ulp = (args.int(1)?, args.int(2)?) == (SOL_TCP, TCP_ULP);
    match answer {
        // The script tests this error.
        Err(errno) if args.expects(errno) => Ok(()),
        Err(errno)
            if matches!(errno, Errno::ENOPROTOOPT | Errno::EPERM)
                || (is_ulp && errno == Errno::ENOENT) =>
        {
            let name = match args.at(2)? {
                Expr::Word(name) => name.clone(),
                other => args::number(other)?.to_string(),
            };
            skipped(format!("no support for the socket option {name}"))
        }
        _ => Ok(()),
    }
}

pub(super) fn setsockopt(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(5, 5)?;
    let fd = descriptor(run, args, 0)?;
    let (level, name) = (args.int(1)?, args.int(2)?);
    let len = args.size(4)?;
    if args.is_null(3) && len >= 4 && fd >= 0 {
        return Ok(Err::<(), _>(Errno::EFAULT).into());
    }
    let mut value = match args.at(3)? {
        Expr::Struct(fields) if field(fields, "tcpm_addr").is_some() => {
            signature_key(fields, run.peer())?
        }
        value => octets(value, Some(len))?,
    };
    value.truncate(len);
    let answer = run.host.calls().setsockopt(fd, level, name, &value);
    known(args, answer)?;
    Ok(answer.into())
}

pub(super) fn getsockopt(run: &mut Run<'_>, args: &Args<'_>) -> Result<Begun, Stop> {
    args.count(5, 5)?;
    let fd = descriptor(run, args, 0)?;
    let (level, name) = (args.int(1)?, args.int(2)?);
    let wanted_len = match args.at(4)? {
        Expr::Ellipsis => None,
        _ if args.int(4)? < 0 => return Ok(Err::<i64, _>(Errno::EINVAL).into()),
        _ => Some(args.size(4)?),
    };
    let room = wanted_len.unwrap_or(usize::MAX);
    let value = match run.host.calls().getsockopt_into(fd, level, name, room) {
        Ok(value) => value,
        Err(errno) => {
            known(args, Err(errno))?;
            return Ok(Err::<i64, _>(errno).into());
        }
    };
    let mut answer = Answer::new(Ok(0));
    if *args.at(3)? == Expr::Ellipsis {
        return Ok(Begun::Done(answer));
    }
    let mut wanted = octets(args.at(3)?, wanted_len)?;
    if (level, name) == (SOL_SOCKET, SO_ERROR)
        && run.host.calls().system() == System::Freebsd
        && let Some(errno) = freebsd_error(args.at(3)?)
    {
        wanted = errno.number().to_le_bytes().to_vec();
    }
    if let (Some(len), Expr::List(_)) = (wanted_len, args.at(3)?) {
        // If a number has less room than it needs, its first octets count.
        wanted.truncate(len);
    }
    let room = wanted_len.unwrap_or(value.len());
    let value = &value[..value.len().min(room)];
    let text = matches!(args.at(3)?, Expr::Text(_));
    let same = match text {
        // The name of a controller ends where its zeros begin.
        true => trimmed(value) == trimmed(&wanted),
        false => value == wanted,
    };
    if !same {
        let message = format!(
            "value: {} is expected, {} is returned",
            show(&wanted, text),
            show(value, text)
        );
        answer.wrong.push(message);
    }
    let exact = matches!(args.at(3)?, Expr::List(_));
    if let Some(wanted_len) = wanted_len
        && exact
        && value.len() != wanted_len
    {
        let message = format!(
            "length: {wanted_len} is expected, {} is returned",
            value.len()
        );
        answer.wrong.push(message);
    }
    Ok(Begun::Done(answer))
}

/// An error by the number that FreeBSD gives it: `[54]` for `ECONNRESET`.
fn freebsd_error(expr: &Expr) -> Option<Errno> {
    match expr {
        Expr::List(items) => match items[..] {
            [Expr::Integer(number)] => freebsd::errno(number.try_into().ok()?),
            _ => None,
        },
        _ => None,
    }
}

fn trimmed(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|octet| *octet != 0);
    &value[..end.map_or(0, |end| end + 1)]
}

/// A value in the notation of scripts.
fn show(value: &[u8], text: bool) -> String {
    if text {
        return format!("\"{}\"", String::from_utf8_lossy(trimmed(value)));
    }
    let numbers = value.chunks_exact(4).map(|word| {
        let number = word.try_into().map_or(0, i32::from_le_bytes);
        number.to_string()
    });
    format!("[{}]", numbers.collect::<Vec<_>>().join(", "))
}
