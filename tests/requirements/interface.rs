//! What users may set of the datagrams that a connection sends (RFC 9293 §3.9.1.9, §3.9.2).

use stubborn::config::Config;
use stubborn::wire::{self, Packet, Payload, Text};

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
