//! Reads the headers that carry a packet inside another: `ipv4 [ect0] 192.0.2.1 > 192.168.0.1:`,
//! `gre, key 0x7:`, `mpls (label 7, tc 1, S, ttl 9):`.

use core::net::IpAddr;

use super::super::ast::{Direction, Gre, IpInfo, Outer};
use super::super::lexer::Kind;
use super::super::place::{Parsed, SyntaxError};
use super::{Parser, unexpected};

/// What can precede a packet inside another.
const HEADERS: [&str; 4] = ["ipv4", "ipv6", "gre", "mpls"];

impl Parser<'_> {
    /// The headers, outermost first. This stack has no tunnels, so a script cannot expect such a packet.
    pub(super) fn outer(&mut self, direction: Direction) -> Parsed<Vec<Outer>> {
        let mut headers = Vec::new();
        loop {
            let token = self.peek()?.clone();
            if !HEADERS.iter().any(|name| token.is_word(name)) {
                return Ok(headers);
            }
            if direction == Direction::Out {
                self.unsupported(token.place, format!("packets inside {}", token.text));
                while !self.take_mark(':')? {
                    if self.next()?.kind == Kind::End {
                        return Err(SyntaxError::new(token.place, "a header without its ':'"));
                    }
                }
                continue;
            }
            self.next()?;
            let header = match token.text.as_str() {
                "gre" => Outer::Gre(self.gre()?),
                "mpls" => Outer::Mpls(self.labels()?),
                family => self.outer_ip(direction, family == "ipv4")?,
            };
            if headers.is_empty() && !matches!(header, Outer::Ip { .. }) {
                let what = "the outermost header is one of IP";
                return Err(SyntaxError::new(token.place, what));
            }
            self.mark(':')?;
            headers.push(header);
        }
    }

    /// `[ect0] 192.0.2.1 > 192.168.0.1`
    fn outer_ip(&mut self, direction: Direction, is_ipv4: bool) -> Parsed<Outer> {
        let info = match self.peek()?.kind {
            Kind::Mark('[') => self.ip_info(direction, ']')?,
            Kind::Mark('(') => self.ip_info(direction, ')')?,
            _ => IpInfo::default(),
        };
        let source = self.address(is_ipv4)?;
        self.mark('>')?;
        let destination = self.address(is_ipv4)?;
        Ok(Outer::Ip {
            info,
            source,
            destination,
        })
    }

    fn address(&mut self, is_ipv4: bool) -> Parsed<IpAddr> {
        let token = self.next()?;
        let address: Option<IpAddr> = token.text.parse().ok();
        let address = address.filter(|address| address.is_ipv4() == is_ipv4);
        address.ok_or_else(|| unexpected(&token, "an address of that family"))
    }

    /// `, flags 0x2000, sum 0, off 0, key 7, seq 1`
    fn gre(&mut self) -> Parsed<Gre> {
        let mut gre = Gre::default();
        self.take_mark(',')?;
        while self.peek()?.kind == Kind::Word {
            let token = self.next()?;
            match token.text.as_str() {
                "flags" => gre.flags = Some(self.number_u16("the flags of GRE")?),
                "sum" => gre.checksum = Some(self.number_u16("a checksum")?),
                "off" => gre.offset = Some(self.number_u16("an offset")?),
                "key" => gre.key = Some(self.number_u32("a key")?),
                "seq" => gre.sequence = Some(self.number_u32("a sequence number")?),
                _ => return Err(unexpected(&token, "a field of GRE")),
            }
            self.take_mark(',')?;
        }
        Ok(gre)
    }

    /// `(label 7, tc 1, S, ttl 9)`, one or several.
    fn labels(&mut self) -> Parsed<Vec<u32>> {
        let mut labels = Vec::new();
        while self.take_mark('(')? {
            let mut entry = 0;
            while !self.take_mark(')')? {
                let bracketed = self.take_mark('[')?;
                let token = self.next()?;
                entry |= match token.text.as_str() {
                    "label" => (self.number("a label", 0xf_ffff)? as u32) << 12,
                    "tc" => (self.number("a traffic class", 7)? as u32) << 9,
                    "S" => 1 << 8,
                    "ttl" => u32::from(self.number_u8("a TTL")?),
                    _ => return Err(unexpected(&token, "a field of MPLS")),
                };
                if bracketed {
                    self.mark(']')?;
                }
                self.take_mark(',')?;
            }
            labels.push(entry);
        }
        Ok(labels)
    }
}
