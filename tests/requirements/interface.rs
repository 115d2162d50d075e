//! What users may set of the datagrams that a connection sends (RFC 9293 §3.9.1.9, §3.9.2).

use stubborn::config::Config;
use stubborn::wire::{self, Echo, IpHeader, Packet, Payload, Text, icmp, protocol};

use crate::dialogue::{Dialogue, Family, in_both_families, plain};

fn host(family: Family, change: impl FnOnce(&mut Config)) -> Dialogue {
    let mut config = Config::new([family.us()]);
    config.tcp = plain();
    change(&mut config);
    Dialogue::with(family, config)
}

/// What leaves now: traffic class and hop limit of each.
fn headers(d: &mut Dialogue) -> Vec<(u8, u8)> {
    d.all_that_leaves_of_any_kind()
        .iter()
        .map(|datagram| wire::parse(datagram).unwrap().ip)
        .map(|ip| (ip.traffic_class, ip.hop_limit))
        .collect()
}

/// MUST-49: on everything that leaves.
#[test]
fn the_hop_limit_is_configured() {
    in_both_families(|family| {
        let mut d = host(family, |config| config.hop_limit = 33);
        d.listen(1);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        let mut all = headers(&mut d);
        // A stranger, the end of a handshake, and an active OPEN.
        d.as_port(1001).arrives("<SEQ=1><ACK=1><CTL=ACK>");
        all.extend(headers(&mut d));
        d.closes_listener();
        all.extend(headers(&mut d));
        d.connect();
        all.extend(headers(&mut d));
        assert_eq!(all, [(0, 33); 4]);
    });
}

/// MUST-48, SHLD-21, SHLD-22: the user's traffic class, on everything that the connection sends;
/// it may change, and the peer's does not matter.
#[test]
fn the_traffic_class_is_the_users() {
    in_both_families(|family| {
        let mut d = host(family, |config| config.tcp.socket.traffic_class = 0xb8);
        d.listen(1);
        // The SYN,ACK twice: once to look at its header, once for its number.
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        assert_eq!(headers(&mut d), [(0xb8, 64)]);
        d.opens_and_waits().accept();
        d.sends(10);
        assert_eq!(headers(&mut d), [(0xb8, 64)]);
        let fin = d.as_bytes("<SEQ=101><ACK=311><CTL=FIN,ACK>");
        d.datagram_arrives(&of_class(0x28, &fin));
        assert_eq!(headers(&mut d), [(0xb8, 64)]);
        d.set(|options| options.traffic_class = 0x48);
        d.sends(10);
        assert_eq!(headers(&mut d), [(0x48, 64)]);
        d.aborts();
        assert_eq!(headers(&mut d), [(0x48, 64)]);
    });
}

/// THREATS 35: the identification of IPv4 counts nothing. What must not be fragmented has none (RFC
/// 6864 §4); the fragments of what nobody can make shorter have one drawn at random.
#[test]
fn no_identification_tells_how_much_is_sent() {
    let mut d = host(Family::V4, |config| config.mtu = 576);
    d.listen(1).opens_and_waits().accept().sends(10_000);
    for datagram in d.all_that_leaves_of_any_kind() {
        let ip = wire::parse(&datagram).unwrap().ip;
        assert!(ip.dont_fragment && ip.identification == 0);
    }
    let ip = IpHeader::new(Family::V4.peer(), Family::V4.us(), protocol::ICMP, 64);
    let mut identifications = Vec::new();
    for sequence in 0..100 {
        let echo = Echo {
            identifier: 1,
            sequence,
            data: &[7; 1000],
        };
        let now = d.now();
        d.stack.receive(now, &icmp::echo_request(&ip, &echo));
        while let Some(packet) = d.stack.poll_transmit(now) {
            let fragment = wire::parse(&packet.to_vec()).unwrap().ip;
            identifications.push(i32::from(fragment.identification));
        }
    }
    assert_eq!(identifications.len(), 200);
    let all: Vec<i32> = identifications.chunks(2).map(|pair| pair[0]).collect();
    let near = all
        .windows(2)
        .filter(|pair| (pair[1] - pair[0]).abs() <= 100);
    assert!(near.count() <= 5, "{all:?}");
}

/// The same segment in a datagram of another traffic class.
fn of_class(traffic_class: u8, datagram: &[u8]) -> Vec<u8> {
    let parsed = wire::parse(datagram).unwrap();
    let Payload::Tcp(header, text) = parsed.payload else {
        panic!("no segment");
    };
    let mut ip = parsed.ip;
    ip.traffic_class = traffic_class;
    Packet::tcp(&ip, &header, Text::from(text)).to_vec()
}
