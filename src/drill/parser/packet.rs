//! Reads packets: `< S 0:0(0) win 65535 <mss 1460>`, `> udp (100)`, `< icmp unreachable …`.

use super::super::ast::{
    Body, Diagnosis, Direction, Icmp, IcmpName, IpInfo, Packet, Quote, SeqNumber, Tcp, Tos,
};
use super::super::lexer::{Kind, Token};
use super::super::place::{Parsed, SyntaxError};
use super::{Parser, unexpected};

/// The control bits in the order of their letters.
const FLAGS: [(char, u16); 9] = [
    ('F', 1 << 0),
    ('S', 1 << 1),
    ('R', 1 << 2),
    ('P', 1 << 3),
    ('.', 1 << 4),
    ('U', 1 << 5),
    ('E', 1 << 6),
    ('W', 1 << 7),
    ('A', 1 << 8),
];
const RST: u16 = 1 << 2;
const ACK: u16 = 1 << 4;
const ECN_BITS: u16 = (1 << 6) | (1 << 7) | (1 << 8);

/// The names of DSCPs: RFC 2474 and RFC 2597 (classes), RFC 3246 (EF), RFC 5865 (VA), RFC 8622 (LE).
const DSCP: [(&str, u8); 25] = [
    ("default", 0),
    ("be", 0),
    ("le", 1),
    ("cs0", 0),
    ("cs1", 8),
    ("cs2", 16),
    ("cs3", 24),
    ("cs4", 32),
    ("cs5", 40),
    ("cs6", 48),
    ("cs7", 56),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("va", 44),
    ("ef", 46),
];

/// What one dialect also has and is not supported here. It is not even known where such a packet ends.
const OTHER_PROTOCOLS: [&str; 2] = ["sctp", "udplite"];

impl Parser<'_> {
    pub(super) fn packet(&mut self) -> Parsed<Packet> {
        let direction = match self.next()?.kind {
            Kind::Mark('<') => Direction::In,
            _ => Direction::Out,
        };
        let outer = self.outer(direction)?;
        let ip = match self.peek()?.kind {
            Kind::Mark('[') => self.ip_info(direction, ']')?,
            Kind::Mark('(') => self.ip_info(direction, ')')?,
            _ => IpInfo::default(),
        };
        if self.take_word("encap")? {
            let place = self.peek()?.place;
            self.unsupported(place, "packets encapsulated in PSP");
            for word in ["psp", "spi"] {
                self.word(word)?;
            }
            self.number_u32("an index of PSP")?;
        }
        if self.take_word("udp")? {
            let ports = self.ports()?;
            self.mark('(')?;
            let len = self.number("a length", MAX_UDP_LENGTH)? as u16;
            self.mark(')')?;
            let body = Body::Udp { len };
            return Ok(Packet {
                direction,
                outer,
                ip,
                ports,
                body,
            });
        }
        if self.take_word("icmp")? {
            let body = Body::Icmp(self.icmp()?);
            return Ok(Packet {
                direction,
                outer,
                ip,
                ports: None,
                body,
            });
        }
        let next = self.peek()?.clone();
        if OTHER_PROTOCOLS.iter().any(|name| next.is_word(name)) {
            let what = format!("no support for packets of {}", next.text);
            return Err(SyntaxError::new(next.place, what));
        }
        let ports = self.ports()?;
        let body = Body::Tcp(self.tcp(direction)?);
        Ok(Packet {
            direction,
            outer,
            ip,
            ports,
            body,
        })
    }

    /// `sport > dport`
    fn ports(&mut self) -> Parsed<Option<(u16, u16)>> {
        if self.peek()?.kind != Kind::Integer {
            return Ok(None);
        }
        let source = self.number_u16("a port")?;
        self.mark('>')?;
        let destination = self.number_u16("a port")?;
        Ok(Some((source, destination)))
    }

    pub(super) fn ip_info(&mut self, direction: Direction, close: char) -> Parsed<IpInfo> {
        self.next()?;
        let (mut info, mut dscp) = (IpInfo::default(), None);
        loop {
            let token = self.next()?;
            let word = match token.kind {
                Kind::Word => token.text.as_str(),
                _ => return Err(unexpected(&token, "a field of the IP header")),
            };
            match word {
                "noecn" => info.tos = Tos::Ecn(0),
                "ect1" => info.tos = Tos::Ecn(1),
                "ect0" => info.tos = Tos::Ecn(2),
                "ce" => info.tos = Tos::Ecn(3),
                "ect01" if direction == Direction::Out => info.tos = Tos::Ect01,
                "ect01" => {
                    let what =
                        "only a packet that is expected may have either: ect0 or ect1 is meant";
                    return Err(SyntaxError::new(token.place, what));
                }
                "ecn" => continue,
                "tos" | "class" => info.tos = Tos::Whole(self.number_u8("a type of service")?),
                "ttl" | "hlim" => info.ttl = Some(self.number_u8("a hop limit")?),
                "flowlabel" => {
                    info.flow_label = Some(self.number("a flow label", 0xf_ffff)? as u32);
                }
                "dscp" => dscp = Some(self.dscp()?),
                _ => return Err(unexpected(&token, "a field of the IP header")),
            }
            if !self.take_mark(',')? {
                break;
            }
        }
        let place = self.peek()?.place;
        self.mark(close)?;
        info.tos = match (dscp, info.tos) {
            (None, tos) => tos,
            (Some(dscp), Tos::Unsaid) => Tos::Dscp(dscp),
            (Some(dscp), Tos::Ecn(ecn)) => Tos::Whole(dscp << 2 | ecn),
            (Some(_), Tos::Ect01 | Tos::Dscp(_) | Tos::Whole(_)) => {
                let what = "a DSCP stands alone, or beside one codepoint of ECN";
                return Err(SyntaxError::new(place, what));
            }
        };
        Ok(info)
    }

    /// A DSCP: a name or a number.
    fn dscp(&mut self) -> Parsed<u8> {
        let token = self.peek()?.clone();
        if matches!(token.kind, Kind::Integer | Kind::Hex) {
            return Ok(self.number("a DSCP", 63)? as u8);
        }
        self.next()?;
        let name = token.text.to_ascii_lowercase();
        let known = DSCP.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, value)| *value)
            .ok_or_else(|| unexpected(&token, "a DSCP"))
    }

    fn tcp(&mut self, direction: Direction) -> Parsed<Tcp> {
        let control = self.flags()?;
        let (seq, len) = self.sequence()?;
        let (mut ack, mut ack_absolute, mut window, mut urgent) = (0, false, None, 0);
        if self.take_word("ack")? {
            ack = self.number_u32("an acknowledgment number")?;
            ack_absolute = self.take_mark('!')?;
        }
        if self.take_word("win")? {
            window = Some(self.number_u16("a window")?);
        }
        if self.take_word("urg")? {
            urgent = self.number_u16("an urgent pointer")?;
        }
        if direction == Direction::In && window.is_none() {
            let place = self.peek()?.place;
            return Err(SyntaxError::new(
                place,
                "a segment that is sent has a window: win N",
            ));
        }
        let options = self.tcp_options(direction)?;
        let place = self.peek()?.place;
        let diagnosis = self.diagnosis()?;
        if diagnosis.is_some() && (control & RST == 0 || len > 0) {
            let what = "only a reset without other text may tell why";
            return Err(SyntaxError::new(place, what));
        }
        self.inside_udp()?;
        Ok(Tcp {
            control,
            seq,
            len,
            ack,
            ack_absolute,
            window,
            urgent,
            options,
            diagnosis,
        })
    }

    /// `S.`, `FP.`, `-`; or with the ACE field of RFC 9768: `P.5`.
    fn flags(&mut self) -> Parsed<u16> {
        let first = self.next()?;
        if first.is_mark('-') {
            return Ok(0);
        }
        let mut control = 0;
        let mut token = first.clone();
        if token.kind == Kind::Word {
            control |= letters(&token)?;
            if !matches!(self.peek()?.kind, Kind::Mark('.') | Kind::Float) {
                return Ok(control);
            }
            token = self.next()?;
        }
        match token.kind {
            Kind::Mark('.') => {
                control |= ACK;
                let next = self.peek()?.clone();
                // `S.E`: letters directly behind the dot.
                if next.kind == Kind::Word && next.span.0 == token.span.1 {
                    control |= letters(&next)?;
                    self.next()?;
                }
                Ok(control)
            }
            Kind::Float => match token.text.strip_prefix('.').map(str::as_bytes) {
                Some([digit @ b'0'..=b'7']) if control & ECN_BITS == 0 => {
                    let ace = u16::from(digit - b'0');
                    let bits = (ace >> 2 & 1) << 8 | (ace >> 1 & 1) << 7 | (ace & 1) << 6;
                    Ok(control | ACK | bits)
                }
                Some([b'0'..=b'7']) => Err(SyntaxError::new(
                    token.place,
                    "an ACE field beside E, W or A",
                )),
                _ => Err(SyntaxError::new(
                    token.place,
                    "the ACE field is one digit from 0 to 7",
                )),
            },
            _ => Err(unexpected(&first, "flags")),
        }
    }

    /// `start:end(len)`, perhaps with a `!`; or `...(len)`.
    fn sequence(&mut self) -> Parsed<(SeqNumber, u32)> {
        if self.peek()?.kind == Kind::Ellipsis {
            self.next()?;
            return Ok((SeqNumber::Any, self.length()?));
        }
        let start = self.number_u32("a sequence number")?;
        self.mark(':')?;
        let place = self.peek()?.place;
        let end = self.number_u32("a sequence number")?;
        let len = self.length()?;
        if start.wrapping_add(len) != end {
            let message = format!(
                "{start} and {len} octets end at {}",
                start.wrapping_add(len)
            );
            return Err(SyntaxError::new(place, message));
        }
        let seq = match self.take_mark('!')? {
            true => SeqNumber::Absolute(start),
            false => SeqNumber::Relative(start),
        };
        Ok((seq, len))
    }

    fn length(&mut self) -> Parsed<u32> {
        self.mark('(')?;
        let len = self.number("a length", MAX_LENGTH)?;
        self.mark(')')?;
        Ok(len as u32)
    }

    /// `[code N, pen N]`, which one dialect allows after the options of a reset.
    fn diagnosis(&mut self) -> Parsed<Option<Diagnosis>> {
        if !self.take_mark('[')? {
            return Ok(None);
        }
        self.word("code")?;
        let code = self.number_u32("the code of a reset")?;
        let mut enterprise = None;
        if self.take_mark(',')? {
            self.word("pen")?;
            enterprise = Some(self.number_u32("a Private Enterprise Number")?);
        }
        self.mark(']')?;
        Ok(Some(Diagnosis { code, enterprise }))
    }

    /// `/udp(9000 > 9001)`, which the same dialect allows.
    fn inside_udp(&mut self) -> Parsed<()> {
        if self.take_mark('/')? {
            let place = self.peek()?.place;
            self.unsupported(place, "TCP inside UDP");
            self.next()?;
            self.mark('(')?;
            self.ports()?;
            self.mark(')')?;
        }
        Ok(())
    }

    fn icmp(&mut self) -> Parsed<Icmp> {
        let kind = self.icmp_name("type_")?;
        let mut icmp = Icmp {
            kind,
            code: None,
            mtu: None,
            id: None,
            quote: Quote::Unsaid,
        };
        let next = self.peek()?.clone();
        let is_code = next.kind == Kind::Word && !matches!(next.text.as_str(), "mtu" | "id");
        if is_code {
            icmp.code = Some(self.icmp_name("code_")?);
        }
        if self.take_word("mtu")? {
            if !names_mtu(&icmp) {
                let what = "only frag_needed and packet_too_big say an MTU";
                return Err(SyntaxError::new(next.place, what));
            }
            icmp.mtu = Some(self.number_u32("an MTU")?);
        }
        if self.take_word("id")? {
            icmp.id = Some(self.number_u16("an identifier")?);
        }
        if self.take_mark('[')? {
            icmp.quote = self.quote()?;
            self.mark(']')?;
            self.inside_udp()?;
        }
        Ok(icmp)
    }

    fn icmp_name(&mut self, prefix: &str) -> Parsed<IcmpName> {
        let token = self.next()?;
        if token.kind != Kind::Word {
            return Err(unexpected(&token, "a type or code of ICMP"));
        }
        match token.text.strip_prefix(prefix).map(str::parse) {
            Some(Ok(number)) => Ok(IcmpName::Number(number)),
            _ => Ok(IcmpName::Word(token.text, token.place)),
        }
    }

    fn quote(&mut self) -> Parsed<Quote> {
        if self.take_word("udp")? {
            return Ok(Quote::Udp {
                len: self.length()?,
            });
        }
        if self.take_word("raw")? {
            return Ok(Quote::Raw {
                len: self.length()?,
            });
        }
        match self.sequence()? {
            (SeqNumber::Relative(seq), len) => Ok(Quote::Tcp { seq, len }),
            _ => {
                let place = self.peek()?.place;
                Err(SyntaxError::new(
                    place,
                    "a quoted segment has sequence numbers",
                ))
            }
        }
    }
}

/// Whether a message reports the MTU of a path (RFC 1191 §4, RFC 4443 §3.2); a number might always
/// mean that.
fn names_mtu(icmp: &Icmp) -> bool {
    let is = |name: &IcmpName, word: &str| match name {
        IcmpName::Word(known, _) => known == word,
        IcmpName::Number(_) => true,
    };
    is(&icmp.kind, "packet_too_big") || icmp.code.as_ref().is_some_and(|it| is(it, "frag_needed"))
}

/// The most octets of text of a datagram of UDP, whose length counts those of its header (RFC 768).
const MAX_UDP_LENGTH: u64 = 65_535 - 8;
/// The most octets of a packet of a script: what several datagrams together may be.
const MAX_LENGTH: u64 = 1 << 24;

fn letters(token: &Token) -> Parsed<u16> {
    let mut control = 0;
    for letter in token.text.chars() {
        match FLAGS.iter().find(|(name, _)| *name == letter) {
            Some((_, bit)) => control |= bit,
            None => {
                let message = format!("'{letter}' is no flag: F S R P E W A U and '.' are");
                return Err(SyntaxError::new(token.place, message));
            }
        }
    }
    Ok(control)
}
