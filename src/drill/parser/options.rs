//! Reads TCP options: `<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>`.

use super::super::ast::{Direction, Options, TcpOption};
use super::super::lexer::{Kind, Token};
use super::super::place::{Parsed, SyntaxError};
use super::{Parser, integer_of, unexpected};

/// RFC 6994: an experimental option, identified by its first octets.
const EXPERIMENT: u8 = 254;
/// RFC 7413, in its experimental form.
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];
/// RFC 9768.
const ACCURATE_ECN: [u8; 2] = [172, 174];
/// RFC 9768, in its experimental form.
const ACCURATE_ECN_EXPERIMENT: [[u8; 2]; 2] = [[0xac, 0xc0], [0xac, 0xc1]];

/// The counters of AccECN0 and AccECN1 (RFC 9768 §3.2.3).
const ECT0_FIRST: [&str; 3] = ["ee0b", "eceb", "ee1b"];
const ECT1_FIRST: [&str; 3] = ["ee1b", "eceb", "ee0b"];

impl Parser<'_> {
    pub(super) fn tcp_options(&mut self, direction: Direction) -> Parsed<Options> {
        let mut options = Vec::new();
        let place = self.peek()?.place;
        if !self.take_mark('<')? {
            return Ok(Options::These(options));
        }
        if self.peek()?.kind == Kind::Ellipsis {
            let token = self.next()?;
            self.mark('>')?;
            return match direction {
                Direction::Out => Ok(Options::Any),
                Direction::In => Err(SyntaxError::new(
                    token.place,
                    "only a packet that is expected may have any options",
                )),
            };
        }
        while !self.take_mark('>')? {
            if !options.is_empty() {
                self.mark(',')?;
            }
            let option = self.tcp_option()?;
            options.push(option);
        }
        let len: usize = options.iter().map(TcpOption::len).sum();
        if !len.is_multiple_of(4) || len > 40 {
            let message = format!(
                "options of {len} octets: a header has room for a multiple of 4, 40 at most"
            );
            return Err(SyntaxError::new(place, message));
        }
        Ok(Options::These(options))
    }

    fn tcp_option(&mut self) -> Parsed<TcpOption> {
        let token = self.next()?;
        if matches!(token.kind, Kind::Integer | Kind::Hex) {
            return Ok(TcpOption::Raw(octets(&token)?));
        }
        if token.kind != Kind::Word {
            return Err(unexpected(&token, "a TCP option"));
        }
        match token.text.as_str() {
            "mss" => Ok(TcpOption::Mss(self.number_u16("an MSS")?)),
            "wscale" => Ok(TcpOption::WindowScale(self.number_u8("a shift")?)),
            "sackOK" => Ok(TcpOption::SackPermitted),
            "nop" => Ok(TcpOption::Nop),
            "eol" => Ok(TcpOption::End),
            "TS" => self.timestamps(),
            "sack" => self.sack(),
            "md5" => self.md5(),
            "FO" => Ok(TcpOption::Other(34, self.hex_if_any()?)),
            "FOEXP" => self.experiment(&FAST_OPEN_EXPERIMENT),
            "exp" | "EXP" | "gen" => self.dashed(&token),
            "ECN" => self.accurate_ecn(),
            "AccECN0" => Ok(TcpOption::Other(172, self.counters(ECT0_FIRST)?)),
            "AccECN1" => Ok(TcpOption::Other(174, self.counters(ECT1_FIRST)?)),
            _ => match octets(&token) {
                Ok(octets) if octets.len() > 1 => Ok(TcpOption::Raw(octets)),
                _ => Err(unexpected(&token, "a TCP option")),
            },
        }
    }

    fn timestamps(&mut self) -> Parsed<TcpOption> {
        self.word("val")?;
        let val = match self.peek()?.kind {
            Kind::Ellipsis => {
                self.next()?;
                None
            }
            _ => Some(self.number_u32("a timestamp")?),
        };
        self.word("ecr")?;
        let ecr = self.number_u32("a timestamp")?;
        let ecr_absolute = self.take_mark('!')?;
        Ok(TcpOption::Timestamps {
            val,
            ecr,
            ecr_absolute,
        })
    }

    pub(super) fn word(&mut self, word: &str) -> Parsed<()> {
        let token = self.next()?;
        match token.is_word(word) {
            true => Ok(()),
            false => Err(unexpected(&token, &format!("'{word}'"))),
        }
    }

    fn sack(&mut self) -> Parsed<TcpOption> {
        let mut blocks = Vec::new();
        while matches!(self.peek()?.kind, Kind::Integer | Kind::Hex) {
            let left = self.number_u32("an edge of a block")?;
            self.mark(':')?;
            let right = self.number_u32("an edge of a block")?;
            blocks.push((left, right));
        }
        Ok(TcpOption::Sack(blocks))
    }

    fn md5(&mut self) -> Parsed<TcpOption> {
        Ok(match self.take_word("valid")? {
            true => TcpOption::ValidSignature,
            false => TcpOption::Other(19, self.hex_if_any()?),
        })
    }

    /// Octets in hexadecimal, if any come next.
    fn hex_if_any(&mut self) -> Parsed<Vec<u8>> {
        match self.peek()?.kind {
            Kind::Integer | Kind::Hex | Kind::Word => {
                let token = self.next()?;
                octets(&token)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn experiment(&mut self, id: &[u8]) -> Parsed<TcpOption> {
        let data = self.hex_if_any()?;
        Ok(TcpOption::Other(EXPERIMENT, [id, &data].concat()))
    }

    /// `gen-KIND hex`, `exp-ID hex`, `exp-FO`, `exp-AccECN0`, `exp-tarr N`.
    fn dashed(&mut self, name: &Token) -> Parsed<TcpOption> {
        let mut token = self.next()?;
        if token.is_mark('-') {
            token = self.next()?;
        }
        let mut rest = token.text.trim_start_matches('-').to_owned();
        let next = self.peek()?.clone();
        if rest == "0" && next.text.starts_with('x') && next.span.0 == token.span.1 {
            // The lexer reads the `-0` of `exp-0xf989` as a number.
            rest += &self.next()?.text;
        }
        match (name.text.as_str(), rest.as_str()) {
            ("gen", kind) => match integer_of(kind).and_then(|kind| u8::try_from(kind).ok()) {
                Some(kind) => Ok(TcpOption::Other(kind, self.hex_if_any()?)),
                None => Err(unexpected(&token, "the kind of an option")),
            },
            (_, "FO") => self.experiment(&FAST_OPEN_EXPERIMENT),
            (_, "AccECN0") => {
                let counters = self.counters(ECT0_FIRST)?;
                let id = ACCURATE_ECN_EXPERIMENT[0];
                Ok(TcpOption::Other(EXPERIMENT, [&id[..], &counters].concat()))
            }
            (_, "AccECN1") => {
                let counters = self.counters(ECT1_FIRST)?;
                let id = ACCURATE_ECN_EXPERIMENT[1];
                Ok(TcpOption::Other(EXPERIMENT, [&id[..], &counters].concat()))
            }
            (_, "tarr") => {
                self.unsupported(name.place, "the TARR option");
                self.number_u32("a rate")?;
                Ok(TcpOption::Other(EXPERIMENT, vec![0; 4]))
            }
            _ => {
                let text = rest.clone();
                let id = octets(&Token { text, ..token })?;
                self.experiment(&id)
            }
        }
    }

    /// `ECN e0b N [ceb N [e1b N]]` or `ECN e1b N [ceb N [e0b N]]`.
    fn accurate_ecn(&mut self) -> Parsed<TcpOption> {
        let (kind, order) = match self.peek()?.is_word("e1b") {
            true => (ACCURATE_ECN[1], ["e1b", "ceb", "e0b"]),
            false => (ACCURATE_ECN[0], ["e0b", "ceb", "e1b"]),
        };
        Ok(TcpOption::Other(kind, self.counters(order)?))
    }

    /// Counters with their names, in this order: all three, or the first ones.
    fn counters(&mut self, order: [&str; 3]) -> Parsed<Vec<u8>> {
        let mut counters = Vec::new();
        for name in order {
            if !self.take_word(name)? {
                break;
            }
            counters.extend(self.counter()?);
        }
        let next = self.peek()?.clone();
        match next.kind {
            Kind::Word => Err(unexpected(
                &next,
                &format!("{} in this order", order.join(", ")),
            )),
            _ => Ok(counters),
        }
    }

    /// A counter of 24 bits.
    fn counter(&mut self) -> Parsed<[u8; 3]> {
        let value = self.number("a counter", 0xff_ffff)? as u32;
        let [_, high, middle, low] = value.to_be_bytes();
        Ok([high, middle, low])
    }
}

/// Octets in hexadecimal.
fn octets(token: &Token) -> Parsed<Vec<u8>> {
    let digits = token.text.trim_start_matches("0x").as_bytes();
    let pair = |pair: &[u8]| {
        let text = core::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    let octets: Option<Vec<u8>> = match digits.len().is_multiple_of(2) {
        true => digits.chunks(2).map(pair).collect(),
        false => None,
    };
    match octets {
        Some(octets) if octets.len() <= 38 => Ok(octets),
        _ => Err(unexpected(token, "octets in hexadecimal, two digits each")),
    }
}

impl TcpOption {
    /// Its length on the wire, in octets.
    pub(in super::super) fn len(&self) -> usize {
        match self {
            TcpOption::Mss(_) => 4,
            TcpOption::WindowScale(_) => 3,
            TcpOption::SackPermitted => 2,
            TcpOption::Nop | TcpOption::End => 1,
            TcpOption::Timestamps { .. } => 10,
            TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
            TcpOption::ValidSignature => 18,
            TcpOption::Other(_, data) => 2 + data.len(),
            TcpOption::Raw(octets) => octets.len(),
        }
    }
}
