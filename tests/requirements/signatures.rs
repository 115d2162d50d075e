//! TCP MD5 signatures (RFC 2385).

use std::net::Shutdown;
use std::time::Duration;

use stubborn::config::{
    Config, ListenerConfig, OptionLayout, SignatureKey, SignatureKeys, SynCookies, TcpConfig,
};
use stubborn::stack::{ConnId, ListenerId, Secret, Stack};
use stubborn::tcp::State;
use stubborn::time::Instant;
use stubborn::wire::{
    Control, IpHeader, Offload, Options, Packet, Payload, SackBlock, TcpHeader, Text, Timestamps,
    is_signed_with, parse, protocol,
};

use crate::dialogue::{Family, in_both_families};

const KEY: &[u8] = b"a shared secret";
const PORT: u16 = 179;
const PEER_PORT: u16 = 4000;
const ISN: u32 = 100;

/// What a segment carries.
struct Seen {
    header: TcpHeader,
    text: usize,
    is_signed: bool,
}

/// One stack, and a peer that says what the test says.
struct World {
    family: Family,
    stack: Stack,
    now: Instant,
    /// Our numbers, once they are known.
    iss: u32,
}

fn keys(family: Family) -> SignatureKeys {
    let mut keys = SignatureKeys::default();
    let key = SignatureKey::new(KEY).unwrap();
    keys.set_host(family.peer(), key).unwrap();
    keys
}

fn signing(family: Family) -> TcpConfig {
    TcpConfig {
        signatures: keys(family),
        delayed_ack: None,
        ..TcpConfig::default()
    }
}

impl World {
    fn new(family: Family, change: impl FnOnce(&mut Config)) -> World {
        let mut config = Config::new([family.us()]);
        change(&mut config);
        World {
            family,
            stack: Stack::new(config, Secret([7; 16])).unwrap(),
            now: Instant::ZERO,
            iss: 0,
        }
    }

    fn listen(&mut self, tcp: TcpConfig) -> ListenerId {
        let config = ListenerConfig {
            tcp,
            ..ListenerConfig::default()
        };
        let local = (self.family.us(), PORT).into();
        self.stack.listen_with(local, config).unwrap()
    }

    /// A segment of the peer.
    fn arrives(&mut self, key: Option<&[u8]>, mut header: TcpHeader, text: &[u8]) -> &mut Self {
        let (from, to) = (self.family.peer(), self.family.us());
        let ip = IpHeader::new(from, to, protocol::TCP, 64);
        if header.source_port == 0 {
            (header.source_port, header.destination_port) = (PEER_PORT, PORT);
        }
        header.options.signature = key.is_some();
        let packet = Packet::tcp(&ip, &header, Text::from(text));
        let packet = packet.signed(&ip, key.unwrap_or_default());
        self.stack.receive(self.now, &packet.to_vec());
        self
    }

    /// All that leaves, one segment after the other, whatever a device might cut.
    fn leaves(&mut self) -> Vec<Seen> {
        let offload = Offload {
            longest: 65_535,
            ..Offload::NONE
        };
        let mut all = Vec::new();
        while let Some(packet) = self.stack.poll_transmit_for(self.now, offload) {
            assert!(packet.form().cut.is_none(), "a super-segment");
            let datagram = packet.to_vec();
            let parsed = parse(&datagram).unwrap();
            let Payload::Tcp(header, text) = parsed.payload else {
                panic!("{parsed:?}");
            };
            let is_signed = is_signed_with(&datagram, KEY);
            assert_eq!(header.options.signature, is_signed);
            let text = text.len();
            all.push(Seen {
                header,
                text,
                is_signed,
            });
        }
        all
    }

    /// The one segment that leaves, which must be signed.
    fn answer(&mut self) -> TcpHeader {
        let mut all = self.leaves();
        assert_eq!(all.len(), 1);
        let seen = all.remove(0);
        assert!(seen.is_signed);
        seen.header
    }

    fn silent(&mut self) -> &mut Self {
        assert!(self.leaves().is_empty());
        self
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.stack.handle_timeouts(self.now);
        self
    }

    fn counted(&self) -> [u64; 3] {
        let counters = self.stack.counters();
        [
            counters.unsigned_segments(),
            counters.unexpected_signatures(),
            counters.wrong_signatures(),
        ]
    }

    /// A segment behind the peer's SYN: this many octets on, acknowledging this many of ours.
    fn segment(&self, control: Control, seq: u32, ack: u32) -> TcpHeader {
        TcpHeader {
            seq: ISN + 1 + seq,
            ack: self.iss.wrapping_add(1 + ack),
            control,
            window: 60_000,
            ..TcpHeader::default()
        }
    }

    fn established(family: Family, tcp: TcpConfig) -> (World, ConnId) {
        let mut world = World::new(family, |_| {});
        let listener = world.listen(tcp);
        world.arrives(Some(KEY), syn(), b"");
        world.iss = world.answer().seq;
        let ack = world.segment(Control::ACK, 0, 0);
        world.arrives(Some(KEY), ack, b"").silent();
        let id = world.stack.accept(listener).unwrap();
        (world, id)
    }
}

fn syn() -> TcpHeader {
    TcpHeader {
        seq: ISN,
        control: Control::SYN,
        window: 60_000,
        options: Options {
            mss: Some(1000),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 5, ecr: 0 }),
            ..Options::default()
        },
        ..TcpHeader::default()
    }
}

/// §2.0, §4.3: who has a key for its peer answers nothing that is not signed with it, and signs what it
/// says. As on Linux, timestamps give way to SACK. Text is shorter by the option, and every segment
/// leaves alone.
#[test]
fn a_connection_is_signed_from_its_first_segment() {
    in_both_families(|family| {
        let mut world = World::new(family, |_| {});
        let listener = world.listen(signing(family));
        world.arrives(None, syn(), b"").silent();
        world.arrives(Some(b"another"), syn(), b"").silent();
        assert_eq!(world.counted(), [1, 0, 1]);
        assert_eq!(world.stack.connection_count(), 0);
        world.arrives(Some(KEY), syn(), b"");
        let syn_ack = world.answer();
        let options = syn_ack.options;
        assert!(options.sack_permitted && options.timestamps.is_none());
        assert_eq!(options.mss, Some(1500 - family.headers() as u16));
        world.iss = syn_ack.seq;
        // The handshake ends with nothing but a signature.
        let ack = world.segment(Control::ACK, 0, 0);
        world.arrives(None, ack, b"").silent();
        assert_eq!(world.stack.acceptable_count(listener), 0);
        world.arrives(Some(KEY), ack, b"").silent();
        let id = world.stack.accept(listener).unwrap();
        let push = world.segment(Control::ACK | Control::PSH, 0, 0);
        world.arrives(None, push, b"text").silent();
        world.arrives(Some(KEY), push, b"text");
        assert_eq!(world.answer().ack, ISN + 5);
        assert_eq!(world.stack.send(world.now, id, &[0; 1960]), Ok(1960));
        let lens: Vec<usize> = world.leaves().iter().map(|seen| seen.text).collect();
        assert_eq!(lens, [980, 980]);
        // It is sent again, signed.
        world.after(Duration::from_secs(3));
        assert!(world.leaves().iter().all(|seen| seen.is_signed));
        assert_eq!(world.counted(), [3, 0, 1]);
    });
}

/// §2.0: what fails is dropped, and there is no response: no reset counts, no challenge is answered.
#[test]
fn in_no_state_does_an_unsigned_segment_do_anything() {
    in_both_families(|family| {
        let (mut world, id) = World::established(family, signing(family));
        let forged = [
            Control::RST,
            Control::RST | Control::ACK,
            Control::SYN,
            Control::SYN | Control::ACK,
            Control::FIN | Control::ACK,
            Control::ACK,
        ];
        let mut tried = 0;
        let mut forge = |world: &mut World, seq: u32, ack: u32| {
            let before = world.stack.status(id).state;
            for control in forged {
                for key in [None, Some(&b"another"[..])] {
                    for off in [0, 1, 100_000] {
                        let segment = world.segment(control, seq + off, ack);
                        world.arrives(key, segment, b"").silent();
                        tried += 1;
                    }
                }
            }
            assert_eq!(world.stack.status(id).state, before);
        };
        forge(&mut world, 0, 0);
        world
            .stack
            .shutdown(world.now, id, Shutdown::Write)
            .unwrap();
        world.answer();
        forge(&mut world, 0, 1);
        assert_eq!(world.stack.status(id).state, State::FinWait1);
        let ack = world.segment(Control::ACK, 0, 1);
        world.arrives(Some(KEY), ack, b"").silent();
        forge(&mut world, 0, 1);
        assert_eq!(world.stack.status(id).state, State::FinWait2);
        let fin = world.segment(Control::FIN | Control::ACK, 0, 1);
        world.arrives(Some(KEY), fin, b"");
        world.answer();
        forge(&mut world, 1, 1);
        assert_eq!(world.stack.status(id).state, State::TimeWait);
        let [unsigned, unexpected, wrong] = world.counted();
        assert_eq!((unsigned + wrong, unexpected), (tried, 0));
        // The real one is heard, at rest, too.
        world.stack.close(world.now, id);
        for _ in 0..2 {
            world.after(Duration::from_secs(1)).silent();
            world.arrives(None, fin, b"").silent();
            world.arrives(Some(KEY), fin, b"");
            world.answer();
        }
        world.after(Duration::from_secs(100));
        assert_eq!(world.stack.connection_count(), 0);
    });
}

/// A reset is signed: that of a connection, that to a peer of a listener, and that of a connection that
/// this host has forgotten, if it listens at the port of its peer. A reset from the peer counts if it is
/// signed.
#[test]
fn resets_are_signed() {
    in_both_families(|family| {
        let (mut world, id) = World::established(family, signing(family));
        world.stack.abort(world.now, id);
        assert!(world.answer().control.has(Control::RST));
        let ack = world.segment(Control::ACK, 0, 0);
        world.arrives(None, ack, b"").silent();
        world.arrives(Some(KEY), ack, b"");
        assert!(world.answer().control.has(Control::RST));
        let lost = TcpHeader {
            source_port: PORT,
            destination_port: 50_000,
            ..ack
        };
        world.arrives(Some(b"another"), lost, b"").silent();
        world.arrives(Some(KEY), lost, b"");
        let reset = world.answer();
        assert_eq!((reset.control, reset.seq), (Control::RST, lost.ack));
        let (mut world, id) = World::established(family, signing(family));
        let reset = world.segment(Control::RST, 0, 0);
        world.arrives(None, reset, b"").silent();
        assert_eq!(world.stack.status(id).state, State::Established);
        world.arrives(Some(KEY), reset, b"").silent();
        assert_eq!(world.stack.status(id).state, State::Closed);
    });
}

/// Who has no key for a peer takes nothing from it that is signed, as Linux does; and a closed port says
/// nothing to it.
#[test]
fn what_is_signed_and_not_expected_is_dropped() {
    in_both_families(|family| {
        let mut world = World::new(family, |_| {});
        world.listen(TcpConfig::default());
        world.arrives(Some(KEY), syn(), b"").silent();
        let closed = TcpHeader {
            source_port: 5,
            destination_port: 6,
            ..syn()
        };
        world.arrives(Some(KEY), closed, b"").silent();
        assert_eq!(world.counted(), [0, 2, 0]);
        world.arrives(None, syn(), b"");
        let seen = world.leaves().remove(0);
        assert!(seen.header.options.timestamps.is_some() && !seen.is_signed);
        world.iss = seen.header.seq;
        let ack = world.segment(Control::ACK, 0, 0);
        world.arrives(Some(KEY), ack, b"").silent();
        assert_eq!(world.counted(), [0, 3, 0]);
    });
}

/// An active OPEN signs its SYN, and takes what is signed.
#[test]
fn an_active_open_is_signed() {
    in_both_families(|family| {
        let mut world = World::new(family, |_| {});
        let remote = (family.peer(), PORT).into();
        let id = (world.stack)
            .connect_with(world.now, None, remote, &signing(family))
            .unwrap();
        let syn = world.answer();
        assert!(syn.options.sack_permitted && syn.options.timestamps.is_none());
        assert!(syn.options.window_scale.is_some());
        let syn_ack = TcpHeader {
            source_port: PORT,
            destination_port: syn.source_port,
            seq: ISN,
            ack: syn.seq.wrapping_add(1),
            control: Control::SYN | Control::ACK,
            window: 60_000,
            ..TcpHeader::default()
        };
        let refusal = TcpHeader {
            control: Control::RST | Control::ACK,
            ..syn_ack
        };
        world.arrives(None, refusal, b"").silent();
        world.arrives(None, syn_ack, b"").silent();
        // A wrong acknowledgment is refused, and the refusal is signed.
        let wrong = TcpHeader {
            ack: syn.seq.wrapping_add(9),
            ..syn_ack
        };
        world.arrives(Some(KEY), wrong, b"");
        assert!(world.answer().control.has(Control::RST));
        world.arrives(Some(KEY), syn_ack, b"");
        assert!(world.answer().control.has(Control::ACK));
        assert_eq!(world.stack.status(id).state, State::Established);
    });
}

/// RFC 4987: a SYN cookie is signed, too; options come back with timestamps, before which SACK gives way
/// here.
#[test]
fn cookies_are_signed() {
    in_both_families(|family| {
        let mut world = World::new(family, |config| config.syn_cookies = SynCookies::Always);
        let listener = world.listen(signing(family));
        let mut syn = syn();
        syn.options.window_scale = Some(3);
        world.arrives(Some(KEY), syn, b"");
        let syn_ack = world.answer();
        let Some(stamp) = syn_ack.options.timestamps else {
            panic!("{syn_ack:?}");
        };
        assert!(syn_ack.options.window_scale.is_some() && !syn_ack.options.sack_permitted);
        world.iss = syn_ack.seq;
        let mut ack = world.segment(Control::ACK, 0, 0);
        ack.options.timestamps = Some(Timestamps {
            val: 6,
            ecr: stamp.val,
        });
        world.arrives(None, ack, b"").silent();
        world.arrives(Some(KEY), ack, b"").silent();
        let id = world.stack.accept(listener).unwrap();
        assert_eq!(world.stack.send(world.now, id, b"text"), Ok(4));
        assert!(world.answer().options.timestamps.is_some());
    });
}

/// FreeBSD's order has room for all on a SYN; then a segment has room for timestamps, and none for SACK.
#[test]
fn in_the_order_of_freebsd_timestamps_stay() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            option_layout: OptionLayout::ScaleFirst,
            ..signing(family)
        };
        let mut world = World::new(family, |_| {});
        let listener = world.listen(tcp);
        world.arrives(Some(KEY), syn(), b"");
        let syn_ack = world.answer();
        let options = syn_ack.options;
        assert!(options.sack_permitted && options.timestamps.is_some());
        world.iss = syn_ack.seq;
        let stamp = Some(Timestamps { val: 6, ecr: 0 });
        let mut ack = world.segment(Control::ACK, 0, 0);
        ack.options.timestamps = stamp;
        world.arrives(Some(KEY), ack, b"").silent();
        let id = world.stack.accept(listener).unwrap();
        let mut beyond = world.segment(Control::ACK, 10, 0);
        beyond.options.timestamps = stamp;
        world.arrives(Some(KEY), beyond, b"beyond a gap");
        let told = world.answer().options;
        assert!(told.sack.is_empty() && told.timestamps.is_some());
        assert_eq!(world.stack.send(world.now, id, &[0; 1936]), Ok(1936));
        let lens: Vec<usize> = world.leaves().iter().map(|seen| seen.text).collect();
        assert_eq!(lens, [968, 968]);
    });
}

/// Beside a signature there is room for two SACK blocks.
#[test]
fn two_blocks_fit() {
    in_both_families(|family| {
        let (mut world, _) = World::established(family, signing(family));
        for gap in 1..=3 {
            let beyond = world.segment(Control::ACK, 10 * gap, 0);
            world.arrives(Some(KEY), beyond, b"text");
        }
        let told = world.leaves().pop().unwrap().header.options.sack;
        let block = |gap: u32| SackBlock {
            left: ISN + 1 + 10 * gap,
            right: ISN + 5 + 10 * gap,
        };
        assert_eq!(told.as_slice(), [block(3), block(2)]);
    });
}

/// Keys are for hosts or networks: others come unsigned. Those of a connection may change while it
/// lives, and those of a listener.
#[test]
fn keys_are_for_some_and_may_change() {
    in_both_families(|family| {
        let mut world = World::new(family, |_| {});
        let (other, prefix) = match family {
            Family::V4 => ("10.0.1.0", 24),
            Family::V6 => ("fd00:1::", 32),
        };
        let mut tcp = TcpConfig::default();
        let key = SignatureKey::new(KEY).unwrap();
        let other = other.parse().unwrap();
        tcp.signatures.set(other, prefix, key.clone()).unwrap();
        let listener = world.listen(tcp.clone());
        world.arrives(None, syn(), b"");
        let seen = world.leaves().remove(0);
        assert!(!seen.is_signed);
        world.iss = seen.header.seq;
        let ack = world.segment(Control::ACK, 0, 0);
        world.arrives(None, ack, b"").silent();
        let id = world.stack.accept(listener).unwrap();
        world.stack.set_signatures(world.now, id, keys(family));
        let push = world.segment(Control::ACK | Control::PSH, 0, 0);
        world.arrives(None, push, b"text").silent();
        world.arrives(Some(KEY), push, b"text");
        world.answer();
        world
            .stack
            .set_signatures(world.now, id, SignatureKeys::default());
        assert_eq!(world.stack.send(world.now, id, b"text"), Ok(4));
        assert!(!world.leaves().remove(0).is_signed);
        // From now on the listener has a key for all.
        let whole = if family.us().is_ipv4() {
            "0.0.0.0"
        } else {
            "::"
        };
        tcp.signatures.set(whole.parse().unwrap(), 0, key).unwrap();
        let config = ListenerConfig {
            tcp,
            ..ListenerConfig::default()
        };
        world.stack.configure_listener(listener, config).unwrap();
        let again = TcpHeader {
            source_port: 4001,
            destination_port: PORT,
            ..syn()
        };
        world.arrives(None, again, b"").silent();
        world.arrives(Some(KEY), again, b"");
        world.answer();
    });
}

/// Text that might land in the buffer of its reader does not: a signature is looked at first.
#[test]
fn no_shorter_way_leads_past_a_signature() {
    in_both_families(|family| {
        let (world, id) = World::established(family, signing(family));
        assert_eq!(world.stack.headers_of_landing(id), None);
    });
}
