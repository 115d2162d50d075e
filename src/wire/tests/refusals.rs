//! What is refused and why: a row for every reason, in both families.

use super::*;

/// What it is, its octets, and what becomes of it.
type Row = (&'static str, Vec<u8>, Refusal);

/// A row in a line: what it is, its octets, the reason, and the answer if one is due.
macro_rules! rows {
    ($($what:literal => $datagram:expr, $reason:ident $(, $answer:expr)?;)*) => {
        vec![$((
            $what,
            $datagram,
            Refusal {
                reason: Malformed::$reason,
                answer: None$(.or(Some($answer)))?,
            },
        ),)*]
    };
}

fn problem(code: u8, pointer: u32) -> IcmpError {
    IcmpError::ParameterProblem { code, pointer }
}

fn malformed_ipv4() -> Vec<Row> {
    let udp = &udp_packet(v4(UDP))[..];
    rows! {
        "no octet" => vec![], TooShort;
        "one octet" => vec![0x45], TooShort;
        "19 octets" => udp[..19].to_vec(), TooShort;
        "version 0" => changed(udp, &[(0, 0x05)]), Version;
        "version 5" => changed(udp, &[(0, 0x55)]), Version;
        "version 15" => vec![0xff; 60], Version;
        "IHL 0" => changed(udp, &[(0, 0x40)]), Ipv4HeaderLength;
        "IHL 4" => changed(udp, &[(0, 0x44)]), Ipv4HeaderLength;
        "IHL 15, beyond the end" => changed(udp, &[(0, 0x4f)]), Ipv4HeaderLength;
        "total length 0" => changed(udp, &[(3, 0)]), Ipv4TotalLength;
        "total length 19" => changed(udp, &[(3, 19)]), Ipv4TotalLength;
        "total length one more" => changed(udp, &[(3, 33)]), Ipv4TotalLength;
        "total length 65535" => changed(udp, &[(2, 255), (3, 255)]), Ipv4TotalLength;
        "checksum" => one_bit_wrong(udp.to_vec(), 10), Ipv4Checksum;
        "option of length 0" => with_options(&[7, 0, 0, 0]), Ipv4Option, problem(0, 20);
        "option of length 1" => with_options(&[1, 7, 1, 0]), Ipv4Option, problem(0, 21);
        "option beyond the end" => with_options(&[1, 1, 7, 3]), Ipv4Option, problem(0, 22);
        "option without a length" => with_options(&[1, 1, 1, 7]), Ipv4Option, problem(0, 23);
        "loose source route" => with_options(&[131, 3, 4, 0]), Ipv4SourceRoute;
        "strict source route" => with_options(&[1, 137, 3, 4]), Ipv4SourceRoute;
    }
}

fn malformed_ipv4_fragments() -> Vec<Row> {
    let tcp = &tcp_packet(v4(TCP))[..];
    let text = &v4(253).datagram(&[0; 16])[..];
    rows! {
        "empty" => changed(&text[..20], &[(3, 20), (6, 0x20)]), FragmentLength;
        "empty, the last" => changed(&text[..20], &[(3, 20), (7, 1)]), FragmentLength;
        "9 octets" => changed(text, &[(3, 29), (6, 0x20)]), FragmentLength;
        "ping of death" => changed(text, &[(6, 0x1f), (7, 0xff)]), FragmentBeyondEnd;
        "one octet of death" => changed(text, &[(3, 32), (6, 0x1f), (7, 0xfc)]), FragmentBeyondEnd;
        "TCP cut in 16" => changed(tcp, &[(3, 36), (6, 0x20)]), TinyFragment;
        "TCP from 8 on" => changed(tcp, &[(7, 1)]), TinyFragment;
        "TCP from 16 on" => changed(tcp, &[(7, 2)]), TinyFragment;
    }
}

fn malformed_ipv6() -> Vec<Row> {
    let udp = &udp_packet(v6(UDP))[..];
    let pad = |next| options(next, &[1, 4, 0, 0, 0, 0]);
    let mut long = udp.to_vec();
    long[5] += 1;
    let nine_headers = [pad(DESTINATION).repeat(8), pad(UDP)].concat();
    let nine_options = options(UDP, &[[5, 0].repeat(9), vec![0; 4]].concat());
    let much_padding = options(UDP, &[1, 4, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0]);
    let late = [pad(HOP_BY_HOP), pad(UDP)].concat();
    let option_cut = options(UDP, &[1, 3, 0, 0, 0, 5]);
    let option_long = options(UDP, &[5, 5, 0, 0, 0, 0]);
    let option = |kind| options(UDP, &[1, 0, kind, 2, 0, 0]);
    let routing = |kind, left| [UDP, 0, kind, left, 0, 0, 0, 0];
    rows! {
        "39 octets" => udp[..39].to_vec(), TooShort;
        "payload length one more" => long, Ipv6PayloadLength;
        "extension cut" => v6(DESTINATION).datagram(&pad(UDP)[..7]), ExtensionLength;
        "extension missing" => v6(ROUTING).datagram(&[]), ExtensionLength;
        "extension too long" => v6(HOP_BY_HOP).datagram(&[6, 9, 0, 0, 0, 0, 0, 0]), ExtensionLength;
        "fragment header cut" => v6(FRAGMENT).datagram(&[6; 7]), ExtensionLength;
        "hop-by-hop second" => behind(DESTINATION, &late), ExtensionOrder, problem(1, 40);
        "nine extensions" => behind(DESTINATION, &nine_headers), TooManyExtensions;
        "option cut" => behind(DESTINATION, &option_cut), OptionLength;
        "option too long" => behind(HOP_BY_HOP, &option_long), OptionLength;
        "nine options" => behind(HOP_BY_HOP, &nine_options), TooManyOptions;
        "13 octets of padding" => behind(DESTINATION, &much_padding), TooManyOptions;
        "option, drop" => behind(DESTINATION, &option(0x40)), UnknownOption;
        "option, tell" => behind(DESTINATION, &option(0x80)), UnknownOption, problem(2, 44);
        "option, tell one" => behind(HOP_BY_HOP, &option(0xc0)), UnknownOption, problem(2, 44);
        "jumbo payload" => behind(HOP_BY_HOP, &option(0xc2)), UnknownOption, problem(2, 44);
        "routing type 0" => behind(ROUTING, &routing(0, 1)), RoutingHeader, problem(0, 42);
        "routing type 4" => behind(ROUTING, &routing(4, 255)), RoutingHeader, problem(0, 42);
    }
}

fn malformed_ipv6_fragments() -> Vec<Row> {
    let pad = |next| options(next, &[1, 4, 0, 0, 0, 0]);
    let cut = |next, payload: &[u8]| {
        v6(FRAGMENT).datagram(&[&fragment(next, 0, true)[..], payload].concat())
    };
    let last = |offset, len| {
        v6(FRAGMENT).datagram(&[&fragment(UDP, offset, false)[..], &vec![0; len]].concat())
    };
    let cut_options = [UDP, 1, 1, 4, 0, 0, 0, 0];
    let nested = [pad(FRAGMENT), vec![0; 8]].concat();
    rows! {
        "9 octets" => cut(UDP, &[0; 9]), FragmentLength, problem(0, 4);
        "empty" => cut(UDP, &[]), TinyFragment, problem(3, 0);
        "empty, and nothing should follow" => cut(NOTHING, &[]), FragmentLength;
        "empty, the last" => last(8, 0), FragmentLength;
        "ping of death" => last(0xfff8, 8), FragmentBeyondEnd, problem(0, 42);
        "TCP cut in 16" => cut(TCP, &[0; 16]), TinyFragment, problem(3, 0);
        "TCP options cut" => cut(TCP, &[0xf0; 56]), TinyFragment, problem(3, 0);
        "chain cut" => cut(DESTINATION, &cut_options), TinyFragment, problem(3, 0);
        "chain ends at the cut" => cut(DESTINATION, &pad(UDP)), TinyFragment, problem(3, 0);
        "hop-by-hop inside" => cut(HOP_BY_HOP, &pad(UDP)), ExtensionOrder, problem(1, 40);
        "fragment inside" => cut(DESTINATION, &nested), NestedFragment;
        "fragment inside at once" => cut(FRAGMENT, &[0; 8]), NestedFragment;
    }
}

fn malformed_payloads(ip: fn(u8) -> IpHeader) -> Vec<Row> {
    let (header, icmp, unreachable) = match ip(0).source {
        IpAddr::V4(_) => (20, protocol::ICMP, 3),
        IpAddr::V6(_) => (40, protocol::ICMPV6, 1),
    };
    let tcp = |at: usize, octet: u8| {
        let mut payload = tcp_packet(ip(TCP))[header..].to_vec();
        payload[16..18].fill(0);
        payload[at] = octet;
        summed(&ip(TCP), payload, 16)
    };
    let udp_length = |length| summed(&ip(UDP), vec![0, 1, 0, 2, 0, length, 0, 0, 9], 6);
    let no_quote = summed(&ip(icmp), vec![unreachable, 0, 0, 0, 0, 0, 0, 0], 2);
    rows! {
        "TCP of 0 octets" => ip(TCP).datagram(&[]), TcpLength;
        "TCP of 19 octets" => ip(TCP).datagram(&[0x50; 19]), TcpLength;
        "data offset 15, beyond the end" => tcp(12, 0xf0), TcpLength;
        "data offset 0" => tcp(12, 0), TcpDataOffset;
        "data offset 4" => tcp(12, 0x4f), TcpDataOffset;
        "TCP checksum" => one_bit_wrong(tcp_packet(ip(TCP)), header + 17), TcpChecksum;
        "TCP text" => one_bit_wrong(tcp_packet(ip(TCP)), header + 43), TcpChecksum;
        "UDP of 7 octets" => ip(UDP).datagram(&[0; 7]), UdpLength;
        "UDP length 7" => udp_length(7), UdpLength;
        "UDP length beyond the end" => udp_length(10), UdpLength;
        "UDP checksum" => one_bit_wrong(udp_packet(ip(UDP)), header + 6), UdpChecksum;
        "ICMP of 7 octets" => ip(icmp).datagram(&[0; 7]), IcmpLength;
        "ICMP checksum" => one_bit_wrong(ping(ip(icmp)), header + 2), IcmpChecksum;
        "IGMP of 7 octets" => v4(2).datagram(&[0; 7]), IgmpLength;
        "IGMP checksum" => v4(2).datagram(&[0x11, 1, 0, 0, 0, 0, 0, 0]), IgmpChecksum;
        "error about nothing" => no_quote, IcmpQuote;
    }
}

fn all_rows() -> Vec<Row> {
    let no_checksum = v6(UDP).datagram(&[0, 1, 0, 2, 0, 8, 0, 0]);
    [
        malformed_ipv4(),
        malformed_ipv4_fragments(),
        malformed_ipv6(),
        malformed_ipv6_fragments(),
        malformed_payloads(v4),
        malformed_payloads(v6),
        rows! { "UDP without checksum" => no_checksum, UdpNoChecksum; },
    ]
    .concat()
}

#[test]
fn every_reason_has_its_rows() {
    let rows = all_rows();
    for (what, datagram, refusal) in &rows {
        assert_eq!(parse(datagram), Err(*refusal), "{what}");
    }
    for reason in Malformed::ALL {
        let has_row = rows.iter().any(|(_, _, refusal)| refusal.reason == *reason);
        assert!(has_row, "no row for {reason:?}");
    }
}

#[test]
fn reasons_are_numbered_and_named_apart() {
    for (index, reason) in Malformed::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, index);
        let same_name = |other: &&Malformed| other.name() == reason.name();
        assert_eq!(Malformed::ALL.iter().filter(same_name).count(), 1);
        let same_text = |other: &&Malformed| other.to_string() == reason.to_string();
        assert_eq!(Malformed::ALL.iter().filter(same_text).count(), 1);
    }
}

/// The ICMP error of a refusal can be sent, and quotes the datagram.
#[test]
fn answers_that_are_due_can_be_sent() {
    for (what, datagram, refusal) in all_rows() {
        let Some(answer) = refusal.answer else {
            continue;
        };
        let from = if datagram[0] >> 4 == 4 { v4(0) } else { v6(0) }.destination;
        let sent = icmp::error(from, 64, answer, &datagram).expect(what);
        let header = if from.is_ipv4() { 28 } else { 48 };
        assert!(datagram.starts_with(&sent[header..]), "{what}");
    }
}
