//! As much of IPv4 and TCP as the ceiling needs: reading without checking, writing from a template.

use bench_tun::{HEADER as PREFIX, Kind};

/// The flags of a TCP header.
pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const ACK: u8 = 0x10;

/// The text of a segment of the wire, in octets: what an MTU of 1500 has room for.
pub const MSS: u16 = 1460;

/// A maximum segment size of [`MSS`] and a window scale of [`SCALE`].
pub const SYN_OPTIONS: [u8; 8] = [2, 4, 0x05, 0xb4, 1, 3, 3, SCALE];

/// How far the windows we advertise are shifted.
const SCALE: u8 = 4;

/// The largest window that we can advertise, in octets.
pub const LARGEST_WINDOW: u32 = 0xffff << SCALE;

/// The length of an IPv4 and of a TCP header without options.
const HEADER: usize = 20;

/// Where the checksum lies in a TCP header.
const CHECKSUM: usize = 16;

/// One end of a connection.
#[derive(Clone, Copy)]
pub struct End {
    pub address: [u8; 4],
    pub port: u16,
}

/// A segment that the kernel sent.
pub struct Arrived<'a> {
    pub from: End,
    pub to: End,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    /// As it stands in the header, not scaled.
    pub window: u16,
    pub options: &'a [u8],
    pub text: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// Reads a packet; `None` if it is not IPv4 and TCP. The kernel makes no mistakes, so nothing
    /// is verified.
    pub fn parse(packet: &'a [u8]) -> Option<Arrived<'a>> {
        if packet.len() < 2 * HEADER || packet[0] != 0x45 || packet[9] != 6 {
            return None;
        }
        let (ip, tcp) = packet.split_at(HEADER);
        let end = |address: usize, port: usize| End {
            address: [
                ip[address],
                ip[address + 1],
                ip[address + 2],
                ip[address + 3],
            ],
            port: u16::from_be_bytes([tcp[port], tcp[port + 1]]),
        };
        let word = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
        let offset = usize::from(tcp[12] >> 4) * 4;
        Some(Arrived {
            from: end(12, 0),
            to: end(16, 2),
            seq: word(4),
            ack: word(8),
            flags: tcp[13],
            window: u16::from_be_bytes([tcp[14], tcp[15]]),
            options: tcp.get(HEADER..offset)?,
            text: tcp.get(offset..)?,
        })
    }

    /// Whether any of `flags` is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// How far this side's windows are shifted, if its SYN says so.
    pub fn scale(&self) -> u32 {
        let mut options = self.options;
        loop {
            options = match *options {
                [3, 3, scale, ..] => return u32::from(scale),
                [0, ..] => return 0,
                [1, ref rest @ ..] => rest,
                [_, length, ..] => options.get(usize::from(length).max(2)..).unwrap_or(&[]),
                _ => return 0,
            };
        }
    }

    /// The sequence number after this segment: what acknowledges it.
    pub fn end(&self) -> u32 {
        let control = u32::from(self.has(SYN | FIN));
        self.seq.wrapping_add(self.text.len() as u32 + control)
    }
}

/// A segment to the kernel that is complete but for its sequence and acknowledgment numbers, its
/// flags and its checksum. What is longer than the wire allows, the kernel is told to cut.
pub struct Template {
    packet: Vec<u8>,
    /// Where the TCP header begins.
    tcp: usize,
    /// The checksum's sum over all that does not change; `None`: the kernel is told to compute it.
    sum: Option<u32>,
}

impl Template {
    /// A segment with these options and this text, back where `arrived` came from, which advertises
    /// `window` octets. The length of the options must be a multiple of four.
    pub fn new(
        kind: Kind,
        arrived: &Arrived<'_>,
        window: u32,
        options: &[u8],
        text: &[u8],
    ) -> Template {
        let (source, destination) = (arrived.to, arrived.from);
        let tcp_length = (HEADER + options.len() + text.len()) as u16;
        let offset = ((HEADER + options.len()) / 4) as u8;
        let scale = if options.is_empty() { SCALE } else { 0 };
        let window = (window >> scale).min(0xffff) as u16;

        let mut packet = Vec::with_capacity(PREFIX + HEADER + usize::from(tcp_length));
        packet.extend([0x45, 0]);
        packet.extend((HEADER as u16 + tcp_length).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]); // do not fragment; TTL 64; TCP
        packet.extend(source.address);
        packet.extend(destination.address);
        let checksum = !fold(sum(&packet));
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        // RFC 9293 §3.1: the addresses, the protocol and the length count too.
        let pseudo_header = sum(&packet[12..]) + 6 + u32::from(tcp_length);

        packet.extend(source.port.to_be_bytes());
        packet.extend(destination.port.to_be_bytes());
        packet.extend([0; 8]); // sequence and acknowledgment numbers
        packet.extend([offset << 4, 0]);
        packet.extend(window.to_be_bytes());
        packet.extend([0; 4]); // checksum, urgent pointer
        packet.extend(options);
        packet.extend(text);
        match kind {
            Kind::Plain => {
                let sum = pseudo_header + sum(&packet[HEADER..]);
                Template {
                    packet,
                    tcp: HEADER,
                    sum: Some(u32::from(fold(sum))),
                }
            }
            Kind::Offload => {
                let begun = fold(pseudo_header).to_be_bytes();
                packet[HEADER + CHECKSUM..HEADER + CHECKSUM + 2].copy_from_slice(&begun);
                let header = HEADER + usize::from(offset) * 4;
                packet.splice(0..0, unfinished(header as u16, text.len()));
                Template {
                    packet,
                    tcp: PREFIX + HEADER,
                    sum: None,
                }
            }
        }
    }

    /// Copies `text` over its own, which is as long. The checksum must be the same, or be left to
    /// the kernel.
    pub fn fill(&mut self, text: &[u8]) {
        let at = self.packet.len() - text.len();
        self.packet[at..].copy_from_slice(text);
    }

    /// The finished packet.
    pub fn seal(&mut self, seq: u32, ack: u32, flags: u8) -> &[u8] {
        let tcp = &mut self.packet[self.tcp..];
        tcp[4..8].copy_from_slice(&seq.to_be_bytes());
        tcp[8..12].copy_from_slice(&ack.to_be_bytes());
        tcp[13] = flags;
        if let Some(sum) = self.sum {
            let halves = |word: u32| (word >> 16) + (word & 0xffff);
            let checksum = !fold(sum + halves(seq) + halves(ack) + u32::from(flags));
            tcp[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
        }
        &self.packet
    }
}

/// What stands before a packet with `header` octets of IPv4 and TCP headers and this much text
/// (`struct virtio_net_hdr`): the checksum is to be finished, and the text cut into segments.
fn unfinished(header: u16, text: usize) -> [u8; PREFIX] {
    const NEEDS_CHECKSUM: u8 = 1;
    const CUT_TCP_OVER_IPV4: u8 = 1;
    let is_long = text > usize::from(MSS);
    let (cut, size) = if is_long {
        (CUT_TCP_OVER_IPV4, MSS)
    } else {
        (0, 0)
    };
    let mut prefix = [0; PREFIX];
    (prefix[0], prefix[1]) = (NEEDS_CHECKSUM, cut);
    // In the byte order of the machine, as virtio had it first.
    let words = [header, size, HEADER as u16, CHECKSUM as u16];
    for (place, word) in prefix[2..].chunks_mut(2).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    prefix
}

fn sum(octets: &[u8]) -> u32 {
    octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum()
}

/// What a stack does with all text on a plain TUN, before it believes or sends it: adds up its words, four octets at
/// a time.
pub fn add_up(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks::<4>();
    let whole: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    whole + rest.iter().map(|octet| u64::from(*octet)).sum::<u64>()
}

fn fold(sum: u32) -> u16 {
    let once = (sum >> 16) + (sum & 0xffff);
    ((once >> 16) + once) as u16
}
