//! The structs for the group that a socket joins or leaves, and the interface.
//!
//! | struct | members |
//! |---|---|
//! | `ip_mreq` | `imr_multiaddr`, `imr_interface` |
//! | `ip_mreqn` | `imr_multiaddr`, `imr_address`, `imr_ifindex` |
//! | `ipv6_mreq` | `ipv6mr_multiaddr`, `ipv6mr_interface` |
//! | `group_req` | `gr_interface`, `gr_group` |

use core::net::SocketAddr;

use super::super::super::ast::{Expr, Field};
use super::super::{Stop, failed};
use super::address::{octets_of, written};
use super::args::{self, field, only};
use crate::bsd::linux::{AF_INET, AF_INET6};

/// Octets of a `struct group_req`.
const GROUP_REQUEST: usize = 136;

/// The octets of such a struct; `None` if it is another one.
pub(super) fn membership(members: &[Field]) -> Result<Option<Vec<u8>>, Stop> {
    let has = |name| field(members, name).is_some();
    let address = |name, len| match field(members, name) {
        None | Some(Expr::Ellipsis) => Ok(vec![0; len]),
        Some(Expr::Struct(inner)) => inner_address(inner),
        Some(value) => octets_of(value),
    };
    let number = |name| -> Result<[u8; 4], Stop> {
        let number = field(members, name).map_or(Ok(0), args::number)?;
        Ok((number as i32).to_le_bytes())
    };
    if has("imr_multiaddr") {
        only(
            members,
            &[
                "imr_multiaddr",
                "imr_interface",
                "imr_address",
                "imr_ifindex",
            ],
        )?;
        let mut octets = address("imr_multiaddr", 4)?;
        if has("imr_interface") {
            octets.extend(address("imr_interface", 4)?);
            return Ok(Some(octets));
        }
        octets.extend(address("imr_address", 4)?);
        octets.extend(number("imr_ifindex")?);
        return Ok(Some(octets));
    }
    if has("ipv6mr_multiaddr") {
        only(members, &["ipv6mr_multiaddr", "ipv6mr_interface"])?;
        let mut octets = address("ipv6mr_multiaddr", 16)?;
        octets.extend(number("ipv6mr_interface")?);
        return Ok(Some(octets));
    }
    let Some(group) = field(members, "gr_group") else {
        return Ok(None);
    };
    only(members, &["gr_interface", "gr_group"])?;
    let Some(group) = written(group)? else {
        return failed("a group is meant: gr_group={sa_family=AF_INET, sin_addr=…}");
    };
    let mut octets = [&number("gr_interface")?[..], &[0; 4]].concat();
    octets.extend(socket_address(group));
    octets.resize(GROUP_REQUEST, 0);
    Ok(Some(octets))
}

/// `{s_addr=inet_addr("224.0.0.5")}`
fn inner_address(members: &[Field]) -> Result<Vec<u8>, Stop> {
    only(members, &["s_addr", "s6_addr"])?;
    match members {
        [Field { value, .. }] => octets_of(value),
        _ => failed("an address is meant: {s_addr=inet_addr(\"224.0.0.5\")}"),
    }
}

/// A `struct sockaddr_in` or `sockaddr_in6`.
fn socket_address(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let mut octets = (family as u16).to_le_bytes().to_vec();
    octets.extend(address.port().to_be_bytes());
    match address {
        SocketAddr::V4(v4) => octets.extend(v4.ip().octets()),
        SocketAddr::V6(v6) => {
            octets.extend([0; 4]);
            octets.extend(v6.ip().octets());
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::super::super::super::ast::Action;
    use super::super::super::super::definitions::Definitions;
    use super::super::super::super::parser::parse;
    use super::*;

    fn octets(text: &str) -> Result<Option<Vec<u8>>, Stop> {
        let text = format!("0 f({{{text}}}) = 0");
        let script = parse(&text, &Definitions::default()).unwrap();
        let Action::Call(call) = &script.events[0].action else {
            panic!("no call");
        };
        membership(args::fields(&call.args[0])?)
    }

    #[test]
    fn the_structs_as_they_are_in_memory() {
        let group = "imr_multiaddr=inet_addr(\"224.0.0.5\")";
        let short = [224, 0, 0, 5, 192, 168, 0, 1].to_vec();
        let text = format!("{group}, imr_interface=inet_addr(\"192.168.0.1\")");
        assert_eq!(octets(&text), Ok(Some(short.clone())));
        let text = format!("{group}, imr_interface={{s_addr=inet_addr(\"192.168.0.1\")}}");
        assert_eq!(octets(&text), Ok(Some(short)));
        let long = [224, 0, 0, 5, 0, 0, 0, 0, 2, 0, 0, 0].to_vec();
        let text = format!("{group}, imr_address=htonl(INADDR_ANY), imr_ifindex=2");
        assert_eq!(octets(&text), Ok(Some(long)));
        let six = octets("ipv6mr_multiaddr=inet6_addr(\"ff02::5\"), ipv6mr_interface=1");
        let six = six.unwrap().unwrap();
        assert_eq!(
            (six.len(), &six[..2], &six[15..]),
            (20, &[0xff, 2][..], &[5, 1, 0, 0, 0][..])
        );
        let text = "gr_interface=1, gr_group={sa_family=AF_INET, sin_port=0, sin_addr=inet_addr(\"224.0.0.5\")}";
        let request = octets(text).unwrap().unwrap();
        assert_eq!(request.len(), 136);
        assert_eq!(
            request[..16],
            [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 224, 0, 0, 5]
        );
    }

    #[test]
    fn what_is_no_such_struct() {
        assert_eq!(octets("onoff=1, linger=0"), Ok(None));
        let nonsense = octets("imr_multiaddr=0, imr_nonsense=0");
        assert!(matches!(nonsense, Err(Stop::Skipped(_))));
    }
}
