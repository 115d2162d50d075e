//! Connections of a host with itself (RFC 1122 §3.2.1.3): nothing of them goes out.

use std::net::SocketAddr;

use stubborn::config::Config;
use stubborn::stack::ConnId;
use stubborn::tcp::{ConnectionError, State};
use stubborn::wire::{self, IpHeader, Options, Packet, TcpHeader, Text, protocol};

use crate::dialogue::{Dialogue, Family, in_both_families, plain, secs};

/// A host that talks to nobody else, and one of its ports.
fn host(family: Family) -> (Dialogue, SocketAddr) {
    let mut config = Config::new([family.us()]);
    config.tcp = plain();
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

/// THREATS 19: what comes from outside and says that it is from here is not believed.
#[test]
fn nobody_else_can_speak_for_it() {
    in_both_families(|family| {
        let (mut d, own) = host(family);
        let now = d.now();
        let id = d.stack.connect(now, Some(own), own).unwrap();
        settle(&mut d);
        let reset = TcpHeader {
            source_port: own.port(),
            destination_port: own.port(),
            seq: d.our_wire(301),
            ack: 0,
            control: wire::Control::RST,
            window: 0,
            urgent: 0,
            options: Options::default(),
        };
        let ip = IpHeader::new(own.ip(), own.ip(), protocol::TCP, 64);
        let forged = Packet::tcp(&ip, &reset, Text::EMPTY).to_vec();
        let before = d.stack.counters().not_for_us;
        d.datagram_arrives(&forged);
        assert_eq!(d.stack.counters().not_for_us, before + 1);
        assert_eq!(d.stack.status(id).state, State::Established);
    });
}
