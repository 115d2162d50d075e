//! Somebody on the path who hears everything, repeats it, changes it, and makes up packets that
//! look right.

use stubborn::link::MessageId;
use stubborn::link::header::Header;
use stubborn::sim::random::{Random, Ratio};

/// How often he acts on what he hears.
const ZEAL: Ratio = Ratio::percent(20);

pub(super) struct Forger {
    random: Random,
    heard: Vec<(usize, Vec<u8>)>,
}

impl Forger {
    pub(super) fn new(random: Random) -> Forger {
        Forger {
            random,
            heard: Vec::new(),
        }
    }

    /// He hears a packet to an end; what he sends, and to which end.
    pub(super) fn hears(&mut self, to: usize, packet: &[u8]) -> Vec<(usize, Vec<u8>)> {
        if self.heard.len() < 50 {
            self.heard.push((to, packet.to_vec()));
        }
        if !self.random.chance(ZEAL) {
            return Vec::new();
        }
        let old = self.random.pick(&self.heard).clone();
        vec![match self.random.below(5) {
            // As it was, again.
            0 => old,
            // Back to where it came from.
            1 => (1 - old.0, old.1),
            // Another text, everything else as heard.
            2 => (old.0, self.other_text(old.1)),
            // Nonsense.
            3 => {
                let length = self.random.below(40);
                let octets = (0..length).map(|_| self.random.next_u64() as u8);
                (to, octets.collect())
            }
            // A packet as one of the links writes it.
            _ => (to, self.made_up()),
        }]
    }

    fn other_text(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        if let Some(last) = packet.last_mut() {
            *last ^= self.random.between(1, 255) as u8;
        }
        packet
    }

    fn made_up(&mut self) -> Vec<u8> {
        let number = self.random.below(20);
        let tag = [self.random.next_u64() as u8; 32];
        let headers = [
            Header::Identified(MessageId::Counter(number)),
            Header::Ordered(number),
            Header::Data(number),
            Header::Acknowledgment(number),
            Header::Authenticated(tag),
        ];
        let inner = self.random.pick(&headers).before(b"forged");
        match self.random.below(2) {
            0 => inner,
            _ => self.random.pick(&headers).before(&inner),
        }
    }
}
