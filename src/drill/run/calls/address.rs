//! Addresses that a script writes itself, instead of `...` for the address that its options
//! give: `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}`, and for
//! IPv6 `{sa_family=AF_INET6, sin6_port=htons(80), sin6_addr=inet6_addr("fd00::1")}`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::super::ast::{Expr, Field};
use super::super::{Stop, failed};
use super::args::{self, field, only};
use crate::bsd::linux::{AF_INET, AF_INET6};

/// The address that the script writes; `None` for `...`.
pub(super) fn written(expr: &Expr) -> Result<Option<SocketAddr>, Stop> {
    match expr {
        Expr::Ellipsis => Ok(None),
        Expr::Struct(members) => socket_address(members).map(Some),
        _ => failed(
            "an address is meant: ..., or \
             {sa_family=AF_INET, sin_port=htons(N), sin_addr=inet_addr(\"…\")}",
        ),
    }
}

/// Whether an address of no family is given: `AF_UNSPEC`, or `{sa_family=AF_UNSPEC}`.
pub(super) fn is_of_no_family(expr: &Expr) -> bool {
    let family = match expr {
        Expr::Struct(members) => field(members, "sa_family"),
        word => Some(word),
    };
    matches!(family, Some(Expr::Word(word)) if word == "AF_UNSPEC" || word == "PF_UNSPEC")
}

/// The members of an address. A flow label, a scope, and the length that FreeBSD has in front
/// have no effect here.
const MEMBERS: [&str; 12] = [
    "sa_family",
    "sin_family",
    "sin6_family",
    "sin_port",
    "sin6_port",
    "sin_addr",
    "sin6_addr",
    "sin6_flowinfo",
    "sin6_scope_id",
    "sin_len",
    "sin6_len",
    "sin_zero",
];

/// `struct sockaddr_in`, `struct sockaddr_in6`.
fn socket_address(members: &[Field]) -> Result<SocketAddr, Stop> {
    only(members, &MEMBERS)?;
    let get = |names: &[&str]| {
        let found = names.iter().find_map(|name| field(members, name));
        found.map_or_else(|| failed(format!("an address has {}", names[0])), Ok)
    };
    let family = args::number(get(&["sa_family", "sin_family", "sin6_family"])?)? as i32;
    let port = args::number(get(&["sin_port", "sin6_port"])?)? as u16;
    let address = match get(&["sin_addr", "sin6_addr"])? {
        // As in C: a struct with one member, `s_addr` or `s6_addr`.
        Expr::Struct(inner) if inner.len() == 1 => &inner[0].value,
        address => address,
    };
    let text = match address {
        Expr::Apply(_, arguments) => arguments.last(),
        other => Some(other),
    };
    let address: Option<IpAddr> = match text {
        Some(Expr::Text(text)) => String::from_utf8_lossy(text).parse().ok(),
        // As in memory: in network byte order.
        _ if family == AF_INET => {
            let [a, b, c, d] = (args::number(address)? as u32).to_le_bytes();
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        Some(Expr::Integer(0)) => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    };
    let fits = |address: &IpAddr| family == if address.is_ipv4() { AF_INET } else { AF_INET6 };
    match address.filter(fits) {
        Some(address) => Ok(SocketAddr::new(address, port.swap_bytes())),
        None => failed("an address of its family is meant: inet_addr(\"192.0.2.1\")"),
    }
}

/// The octets of an address without a port, as they are in memory: `inet_addr("192.0.2.1")`.
pub(super) fn octets_of(expr: &Expr) -> Result<Vec<u8>, Stop> {
    let text = match expr {
        Expr::Apply(_, arguments) => arguments.last(),
        other => Some(other),
    };
    let Some(Expr::Text(text)) = text else {
        return Ok((args::number(expr)? as u32).to_le_bytes().to_vec());
    };
    match String::from_utf8_lossy(text).parse() {
        Ok(IpAddr::V4(v4)) => Ok(v4.octets().to_vec()),
        Ok(IpAddr::V6(v6)) => Ok(v6.octets().to_vec()),
        Err(_) => failed("an address is meant: inet_addr(\"192.0.2.1\")"),
    }
}

/// The address that a call must write: none for `...` or `NULL`.
pub(super) fn written_by_call(expr: &Expr) -> Result<Option<SocketAddr>, Stop> {
    match expr {
        Expr::Word(word) if word == "NULL" => Ok(None),
        expr => written(expr),
    }
}

/// How the address that a call returns differs from the one that the script gives, if it
/// gives one.
pub(super) fn another_address(
    wanted: Option<SocketAddr>,
    returned: Option<SocketAddr>,
) -> Option<String> {
    let wanted = wanted.filter(|_| wanted != returned)?;
    let returned = returned.map_or("none".to_owned(), |it| it.to_string());
    Some(format!(
        "address: {wanted} is expected, {returned} is returned"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::ast::Action;
    use super::super::super::super::definitions::Definitions;
    use super::super::super::super::parser::parse;
    use super::*;

    fn address(text: &str) -> Result<Option<SocketAddr>, Stop> {
        let text = format!("0 f({text}) = 0");
        let script = parse(&text, &Definitions::default()).unwrap();
        let Action::Call(call) = &script.events[0].action else {
            panic!("no call");
        };
        written(&call.args[0])
    }

    #[test]
    fn both_families() {
        let is = |text: &str| Ok(Some(text.parse().unwrap()));
        for (text, expected) in [
            (
                "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"192.0.2.1\")}",
                is("192.0.2.1:80"),
            ),
            (
                "{sa_family = AF_INET6, sin6_port = htons(443), sin6_addr = inet6_addr(\"fd00::1\")}",
                is("[fd00::1]:443"),
            ),
            (
                "{sa_family=AF_INET6, sin6_port=0, sin6_addr=inet_pton(AF_INET6, \"::\")}",
                is("[::]:0"),
            ),
            (
                "{sin_family=AF_INET, sin_port=htons(80), sin_addr={s_addr=inet_addr(\"192.0.2.1\")}}",
                is("192.0.2.1:80"),
            ),
            (
                "{.sin6_family=AF_INET6, .sin6_port=htons(443), .sin6_flowinfo=0, .sin6_addr=fd00::1}",
                is("[fd00::1]:443"),
            ),
            ("...", Ok(None)),
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
        for text in [
            "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"fd00::1\")}",
            "{sa_family=AF_INET, sin_port=htons(80)}",
            "{sin_port=htons(80), sin_addr=inet_addr(\"192.0.2.1\")}",
            "7",
        ] {
            assert!(matches!(address(text), Err(Stop::Failed(_))), "{text}");
        }
    }
}
