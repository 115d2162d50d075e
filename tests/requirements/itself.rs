//! Connections of a host with itself (RFC 1122 §3.2.1.3): nothing of them goes out.

use std::net::SocketAddr;

use stubborn::config::Config;
use stubborn::stack::ConnId;
use stubborn::tcp::{ConnectionError, State};
use stubborn::wire::{
    self, Control, Form, IpHeader, Landed, Options, Packet, TcpHeader, Text, protocol,
};

use crate::dialogue::{Dialogue, Family, in_both_families, plain, secs};

/// A host that talks to nobody else, and one of its ports.
fn host(family: Family) -> (Dialogue, SocketAddr) {
    let mut config = Config::new([family.us()]);
    config.tcp = plain();
    host_with(family, config)
}

fn host_with(family: Family, config: Config) -> (Dialogue, SocketAddr) {
    let own = SocketAddr::new(family.us(), 4711);
    (Dialogue::with(family, config), own)
}

/// All that the host has to say is said, to itself.
fn settle(d: &mut Dialogue) {
    let now = d.now();
    assert!(d.stack.poll_transmit(now).is_none(), "it goes out");
}

fn sends(d: &mut Dialogue, id: ConnId, data: &[u8]) {
    let now = d.now();
    assert_eq!(d.stack.send(now, id, data), Ok(data.len()));
    settle(d);
}

fn reads(d: &mut Dialogue, id: ConnId) -> Vec<u8> {
    let (now, mut buffer) = (d.now(), [0; 20_000]);
    let len = d.stack.recv(now, id, &mut buffer).unwrap();
    settle(d);
    buffer[..len].to_vec()
}

/// §3.5, figure 7: the SYN of a port meets itself, and so does all that follows.
#[test]
fn a_port_can_talk_to_itself() {
    in_both_families(|family| {
        let (mut d, own) = host(family);
        let now = d.now();
        let id = d.stack.connect(now, Some(own), own).unwrap();
        settle(&mut d);
        assert_eq!(d.stack.status(id).state, State::Established);
        for round in 0..3 {
            sends(&mut d, id, &[round; 100]);
            assert_eq!(reads(&mut d, id), [round; 100]);
        }
        d.stack
            .shutdown(now, id, std::net::Shutdown::Write)
            .unwrap();
        settle(&mut d);
        assert_eq!(reads(&mut d, id), [0; 0]);
        assert_eq!(d.stack.status(id).state, State::TimeWait);
        d.stack.close(now, id);
        d.until(secs(60));
        assert_eq!(d.stack.connection_count(), 0);
    });
}

/// A client and a server, and more text than the window between them has room for.
#[test]
fn a_host_can_connect_to_its_own_listener() {
    in_both_families(|family| {
        let (mut d, own) = host(family);
        let now = d.now();
        let listener = d.stack.listen(own, 1).unwrap();
        let client = d.stack.connect(now, None, own).unwrap();
        settle(&mut d);
        assert_eq!(d.stack.local_addr(client).ip(), own.ip());
        let server = d.stack.accept(listener).unwrap();
        let text = [7; 30_000];
        let (mut sent, mut read) = (0, 0);
        while read < text.len() {
            sent += d.stack.send(now, client, &text[sent..]).unwrap_or(0);
            settle(&mut d);
            read += reads(&mut d, server).len();
        }
        assert_eq!((sent, read), (30_000, 30_000));
        for id in [client, server] {
            d.stack
                .shutdown(now, id, std::net::Shutdown::Write)
                .unwrap();
            settle(&mut d);
        }
        assert_eq!(d.stack.status(client).state, State::TimeWait);
        assert_eq!(d.stack.status(server).state, State::Closed);
    });
}

/// §3.10.7.1: where nobody listens, the host is refused by itself.
#[test]
fn a_host_can_be_refused_by_itself() {
    in_both_families(|family| {
        let (mut d, own) = host(family);
        let now = d.now();
        let id = d.stack.connect(now, None, own).unwrap();
        settle(&mut d);
        assert_eq!(d.stack.status(id).state, State::Closed);
        assert_eq!(d.stack.take_error(id), Some(ConnectionError::Refused));
    });
}

/// A connection ends before its SYN could meet anybody; the next one has its place in the table.
#[test]
fn who_gets_its_place_talks_to_others() {
    in_both_families(|family| {
        let (mut d, own) = host(family);
        let now = d.now();
        let id = d.stack.connect(now, Some(own), own).unwrap();
        d.stack.close(now, id);
        let peer = SocketAddr::new(family.peer(), 80);
        d.stack.connect(now, None, peer).unwrap();
        let syn = d.stack.poll_transmit(now).unwrap().to_vec();
        assert_eq!(wire::parse(&syn).unwrap().ip.destination, family.peer());
        settle(&mut d);
    });
}

/// THREATS 19: what comes from outside and says that it is from here is not believed: neither a reset nor
/// text, though it is the next in order and has nothing unusual about it.
#[test]
fn nobody_else_can_speak_for_it() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp.timestamps = false;
        let (mut d, own) = host_with(family, config);
        let now = d.now();
        let id = d.stack.connect(now, Some(own), own).unwrap();
        settle(&mut d);
        sends(&mut d, id, b"to itself");
        assert_eq!(reads(&mut d, id), b"to itself");
        // What comes next is expected: it would take the shortest way.
        assert!(d.stack.headers_of_landing(id).is_some());
        let place = d.stack.sequence_space(id);
        let (next, una) = (place.rcv_nxt.wire(), place.snd_una.wire());
        for (control, text) in [
            (Control::RST, &b""[..]),
            (Control::ACK | Control::PSH, b"from another"),
        ] {
            let header = TcpHeader {
                source_port: own.port(),
                destination_port: own.port(),
                seq: next,
                ack: una,
                control,
                window: 1000,
                urgent: 0,
                options: Options::default(),
            };
            let ip = IpHeader::new(own.ip(), own.ip(), protocol::TCP, 64);
            let forged = Packet::tcp(&ip, &header, Text::from(text)).to_vec();
            let before = d.stack.counters().not_for_us;
            d.datagram_arrives(&forged);
            assert_eq!(d.stack.counters().not_for_us, before + 1, "{text:?}");
            let is_landed = d
                .stack
                .receive_landed(now, id, &landed(&forged, text.len()));
            assert!(!is_landed, "{text:?}");
            assert_eq!(d.stack.status(id).state, State::Established);
            assert_eq!(d.stack.sequence_space(id), place);
        }
    });
}

/// The datagram as it is where its text, of this many octets, has landed with a reader.
fn landed(datagram: &[u8], text: usize) -> Landed<'_> {
    let (headers, text) = datagram.split_at(datagram.len() - text);
    let (text, rest) = text.split_at(text.len());
    Landed {
        headers,
        text,
        rest: rest.into(),
        form: Form::default(),
    }
}
