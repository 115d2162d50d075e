//! The words for types and codes of ICMP.

use super::super::ast::{Icmp, IcmpName};

/// A word, its number, and the words and numbers of its codes.
type Kind = (&'static str, u8, &'static [(&'static str, u8)]);

/// RFC 792.
const V4: [Kind; 13] = [
    ("echo_reply", 0, &[]),
    (
        "unreachable",
        3,
        &[
            ("net_unreachable", 0),
            ("host_unreachable", 1),
            ("protocol_unreachable", 2),
            ("port_unreachable", 3),
            ("frag_needed", 4),
            ("source_route_failed", 5),
            ("net_unknown", 6),
            ("host_unknown", 7),
            ("source_host_isolated", 8),
            ("net_prohibited", 9),
            ("host_prohibited", 10),
            ("net_unreachable_for_tos", 11),
            ("host_unreachable_for_tos", 12),
            ("packet_filtered", 13),
            ("precedence_violation", 14),
            ("precedence_cutoff", 15),
        ],
    ),
    ("source_quench", 4, &[]),
    ("redirect", 5, &[]),
    ("echo_request", 8, &[]),
    (
        "time_exceeded",
        11,
        &[("exceeded_hop_limit", 0), ("exceeded_frag_time", 1)],
    ),
    ("parameter_problem", 12, &[]),
    ("timestamp_request", 13, &[]),
    ("timestamp_reply", 14, &[]),
    ("information_request", 15, &[]),
    ("information_reply", 16, &[]),
    ("address_mask_request", 17, &[]),
    ("address_mask_reply", 18, &[]),
];

/// RFC 4443.
const V6: [Kind; 6] = [
    (
        "unreachable",
        1,
        &[
            ("net_unreachable", 0),
            ("no_route", 0),
            ("admin_prohibited", 1),
            ("not_neighbour", 2),
            ("address_unreachable", 3),
            ("host_unreachable", 3),
            ("port_unreachable", 4),
        ],
    ),
    ("packet_too_big", 2, &[]),
    (
        "time_exceeded",
        3,
        &[("exceeded_hop_limit", 0), ("exceeded_frag_time", 1)],
    ),
    (
        "parameter_problem",
        4,
        &[
            ("header_field", 0),
            ("unknown_next_header", 1),
            ("unknown_option", 2),
        ],
    ),
    ("echo_request", 128, &[]),
    ("echo_reply", 129, &[]),
];

/// The type and code of a message, in a family.
///
/// # Errors
/// The word that the family does not have.
pub(in super::super) fn numbers(icmp: &Icmp, is_ipv4: bool) -> Result<(u8, u8), String> {
    let kinds: &[Kind] = if is_ipv4 { &V4 } else { &V6 };
    let family = if is_ipv4 { "ICMP" } else { "ICMPv6" };
    let kind = match &icmp.kind {
        IcmpName::Number(number) => kinds.iter().find(|(_, known, _)| known == number),
        IcmpName::Word(word, place) => {
            let found = kinds.iter().find(|(name, ..)| name == word);
            Some(found.ok_or_else(|| format!("{place}: {family} has no type {word}"))?)
        }
    };
    let number = match (&icmp.kind, kind) {
        (IcmpName::Number(number), _) | (_, Some((_, number, _))) => *number,
        (IcmpName::Word(..), None) => 0,
    };
    let code = match &icmp.code {
        None => 0,
        Some(IcmpName::Number(code)) => *code,
        Some(IcmpName::Word(word, place)) => {
            let codes = kind.map_or(&[][..], |(_, _, codes)| codes);
            let found = codes.iter().find(|(name, _)| name == word);
            let (_, code) =
                found.ok_or_else(|| format!("{place}: {family} has no code {word} here"))?;
            *code
        }
    };
    Ok((number, code))
}

/// Whether a family knows the words of a message.
///
/// # Errors
/// The word that it does not have.
pub(in super::super) fn check(icmp: &Icmp, is_ipv4: bool) -> Result<(), String> {
    numbers(icmp, is_ipv4).map(|_| ())
}

/// The words for a type and code.
pub(in super::super) fn words(kind: u8, code: u8, is_ipv4: bool) -> String {
    let kinds: &[Kind] = if is_ipv4 { &V4 } else { &V6 };
    let Some((name, _, codes)) = kinds.iter().find(|(_, number, _)| *number == kind) else {
        return format!("type_{kind} code_{code}");
    };
    match codes.iter().find(|(_, number)| *number == code) {
        Some((word, _)) => format!("{name} {word}"),
        None if code == 0 => (*name).to_owned(),
        None => format!("{name} code_{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ast::Quote;
    use super::super::super::place::Place;
    use super::*;

    fn icmp(kind: &str, code: &str) -> Icmp {
        let word = |word: &str| IcmpName::Word(word.to_owned(), Place::default());
        Icmp {
            kind: word(kind),
            code: Some(word(code)),
            mtu: None,
            id: None,
            quote: Quote::Unsaid,
        }
    }

    #[test]
    fn a_word_means_what_its_family_says() {
        let icmp = icmp("unreachable", "port_unreachable");
        assert_eq!(numbers(&icmp, true), Ok((3, 3)));
        assert_eq!(numbers(&icmp, false), Ok((1, 4)));
        assert_eq!(words(3, 3, true), "unreachable port_unreachable");
    }

    #[test]
    fn a_word_that_nobody_knows_is_told() {
        assert!(check(&icmp("unreachable", "frag_needed"), true).is_ok());
        for word in ["frag_needed", "nonsense"] {
            assert_eq!(
                check(&icmp("unreachable", word), false),
                Err(format!("0:0: ICMPv6 has no code {word} here"))
            );
        }
    }

    #[test]
    fn every_word_leads_back() {
        for (is_ipv4, kinds) in [(true, &V4[..]), (false, &V6[..])] {
            for (name, kind, codes) in kinds {
                assert!(words(*kind, 0, is_ipv4).starts_with(name));
                for (word, code) in *codes {
                    assert_eq!(numbers(&icmp(name, word), is_ipv4), Ok((*kind, *code)));
                }
            }
        }
    }
}
