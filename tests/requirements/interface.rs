//! What users may set of the datagrams that a connection sends (RFC 9293 §3.9.1.9, §3.9.2).

use stubborn::config::{Config, FlowLabel, SynCookies};
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

/// A cookie too has what its listener was told (MUST-49).
#[test]
fn the_hop_limit_of_a_listener_is_on_its_cookies() {
    in_both_families(|family| {
        let mut d = host(family, |config| {
            config.syn_cookies = SynCookies::Always;
            config.tcp.socket.hop_limit = Some(17);
        });
        d.listen(1).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        assert_eq!(headers(&mut d), [(0, 17)]);
    });
}

/// The identifications of what leaves now.
fn identifications(d: &mut Dialogue) -> Vec<u16> {
    let datagrams = d.all_that_leaves_of_any_kind();
    let headers = datagrams.iter().map(|it| wire::parse(it).unwrap().ip);
    headers
        .inspect(|ip| assert!(ip.dont_fragment))
        .map(|ip| ip.identification)
        .collect()
}

/// RFC 6864 §4.1: what must not be fragmented may have any identification. Each segment of a
/// connection has one of its own, what is sent again too; a host that is told so uses none.
#[test]
fn every_segment_has_an_identification_of_its_own() {
    let mut d = host(Family::V4, |config| config.mtu = 576);
    d.listen(2).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
    let mut all = identifications(&mut d);
    // The SYN,ACK twice: once to look at its header, once for its number.
    d.opens_and_waits().accept().sends(2_000);
    all.extend(identifications(&mut d));
    d.until_something_leaves();
    all.extend(identifications(&mut d));
    // The other SYN,ACK is missing. Then there are three segments, and the first of them again.
    let counted: Vec<u16> = (all[0]..).take(6).collect();
    assert_eq!((all[0], &all[1..]), (counted[0], &counted[2..]));

    let mut d = host(Family::V4, |config| config.identifies_segments = false);
    d.listen(1).opens_and_waits().accept().sends(10_000);
    assert!(identifications(&mut d).iter().all(|id| *id == 0));
}

/// THREATS 35: no identification counts what anybody else is sent: those of the fragments of what nobody
/// can make shorter come in an order that only the key knows.
#[test]
fn no_identification_tells_how_much_is_sent() {
    let mut d = host(Family::V4, |config| config.mtu = 576);
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

/// The flow labels of what leaves now.
fn labels(d: &mut Dialogue) -> Vec<u32> {
    let datagrams = d.all_that_leaves_of_any_kind();
    let headers = datagrams.iter().map(|it| wire::parse(it).unwrap().ip);
    headers.map(|ip| ip.flow_label).collect()
}

/// RFC 6437 §3: a flow has one label, which others cannot know, and other flows have others; a stranger's
/// reset and a cookie, too. IPv4 has none.
#[test]
fn every_flow_has_a_label_of_its_own() {
    in_both_families(|family| {
        let mut d = host(family, |config| config.syn_cookies = SynCookies::Always);
        d.listen(1);
        // A cookie, and the connection that it opens.
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        let first = labels(&mut d);
        d.opens_and_waits().accept();
        d.sends(10);
        let mut second = labels(&mut d);
        d.until_something_leaves();
        second.extend(labels(&mut d));
        assert!(second.len() >= 2, "{second:?}");
        assert!(second.iter().all(|label| *label == first[0]), "{second:?}");
        d.as_port(1001).arrives("<SEQ=1><ACK=1><CTL=ACK>");
        let stranger = labels(&mut d);
        let all = [first[0], stranger[0]];
        match family {
            Family::V4 => assert_eq!(all, [0; 2]),
            Family::V6 => {
                assert!(all.iter().all(|label| (1..1 << 20).contains(label)));
                assert_ne!(all[0], all[1]);
            }
        }
    });
}

/// [`FlowLabel`]: what is sent again may take another way, or there is no label at all.
#[test]
fn flow_labels_are_as_they_are_asked_for() {
    let sent = |flow_label| {
        let mut d = host(Family::V6, |config| {
            config.tcp.socket.flow_label = flow_label
        });
        d.listen(1).opens_and_waits().accept();
        d.sends(10);
        let mut labels_of_three = labels(&mut d);
        for _ in 0..2 {
            d.until_something_leaves();
            labels_of_three.extend(labels(&mut d));
        }
        labels_of_three
    };
    let changing = sent(FlowLabel::ChangesAfterTimeouts);
    assert!(changing.len() >= 3, "{changing:?}");
    assert!(
        changing.windows(2).all(|pair| pair[0] != pair[1]),
        "{changing:?}"
    );
    assert!(sent(FlowLabel::None).iter().all(|label| *label == 0));
}
