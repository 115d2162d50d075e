//! TCP options and checksums (RFC 9293 §3.1, §3.2, §3.7.1).

use stubborn::config::{Config, TcpConfig};
use stubborn::wire::{self, Malformed, Payload};

use crate::dialogue::{Dialogue, Family, in_both_families, plain};

/// Everything on, as it is by default.
fn all_options() -> TcpConfig {
    TcpConfig {
        window_scaling: true,
        timestamps: true,
        sack: true,
        ..plain()
    }
}

fn mtu(family: Family, mtu: usize, tcp: TcpConfig) -> Dialogue {
    let mut config = Config::new([family.us()]);
    config.mtu = mtu;
    config.tcp = tcp;
    Dialogue::with(family, config)
}

/// MUST-14, MUST-67, SHLD-5, SHLD-6, MAY-3: the MTU less both headers, on every SYN.
#[test]
fn the_mss_option_says_what_fits() {
    in_both_families(|family| {
        for mtu_of_the_link in [1280, 1400, 1500, 9000, 65_535] {
            let tcp = TcpConfig {
                mss: None,
                ..plain()
            };
            let mss = mtu_of_the_link - family.headers();
            let mut d = mtu(family, mtu_of_the_link, tcp);
            d.listen(1);
            d.arrives("<SEQ=100><CTL=SYN>")
                .leaves(&format!("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS={mss}>"));
            d.closes_listener();
            d.all_that_leaves();
            let syn = format!("<SEQ=300><CTL=SYN><MSS={mss}>");
            d.as_port(1001).connect().leaves(&syn);
            // Also when it is sent again, and on the SYN,ACK of a simultaneous open.
            d.until_something_leaves();
            d.leaves(&syn);
            d.arrives("<SEQ=100><CTL=SYN>")
                .leaves(&format!("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS={mss}>"));
        }
    });
}

/// The longest text in a segment of ours to a peer whose SYN has these options.
fn longest_segment(family: Family, tcp: TcpConfig, options: &str) -> usize {
    let mut d = mtu(family, 1500, tcp);
    d.listen(1)
        .arrives(&format!("<SEQ=100><WND=65535><CTL=SYN>{options}"))
        .all_that_leaves();
    let echo = if options.contains("TS") {
        "<TS=2,1000>"
    } else {
        ""
    };
    d.arrives(&format!("<SEQ=101><ACK=301><WND=65535><CTL=ACK>{echo}"))
        .accept();
    d.sends(50_000);
    let lens = d.all_that_leaves().into_iter().map(|segment| segment.len);
    let longest = lens.max().unwrap();
    assert_eq!(longest, usize::from(d.status().snd_mss));
    longest
}

/// MUST-15, MUST-16: the smaller of what the peer takes and what the path carries, the options of
/// every segment taken off; 536 or 1220 for a peer that does not say; never less than 48.
#[test]
fn a_segment_fits_the_peer_and_the_path() {
    in_both_families(|family| {
        let largest = TcpConfig {
            mss: None,
            ..all_options()
        };
        let default = match family {
            Family::V4 => 536,
            Family::V6 => 1220,
        };
        let path = 1500 - family.headers();
        for (options, expected) in [
            ("", default),
            ("<TS=1,0>", default - 12),
            ("<MSS=9000>", path),
            ("<MSS=9000><TS=1,0>", path - 12),
            ("<MSS=500>", 500),
            ("<MSS=48>", 48),
            ("<MSS=1>", 48),
            ("<MSS=0>", 48),
        ] {
            let longest = longest_segment(family, largest.clone(), options);
            assert_eq!(longest, expected, "{family:?} {options}");
        }
    });
}

/// MUST-16: SACK blocks, which not every segment has, are taken off where they are.
#[test]
fn sack_blocks_make_room_for_themselves() {
    in_both_families(|family| {
        let mut d = mtu(family, 1500, all_options());
        d.listen(1)
            .arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=1000><SACKP>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><SACKP>");
        d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
        d.arrives("<SEQ=201><ACK=301><WND=60000><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=201:202>");
        d.arrives("<SEQ=301><ACK=301><WND=60000><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=301:302,201:202>");
        d.sends(2000)
            .leaves("<SEQ=301><ACK=101><DATA=980><CTL=ACK><SACK=301:302,201:202>")
            .leaves("<SEQ=1281><ACK=101><DATA=980><CTL=ACK><SACK=301:302,201:202>");
        d.arrives("<SEQ=101><ACK=2261><WND=60000><CTL=ACK>")
            .leaves("<SEQ=2261><ACK=101><DATA=40><CTL=PSH,ACK><SACK=301:302,201:202>");
    });
}

/// The smallest segments and the most options: something still goes out.
#[test]
fn options_never_leave_no_room_for_text() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            min_send_mss: 1,
            ..all_options()
        };
        for (mss, expected) in [(48, 48 - 12 - 28), (40, 1), (1, 1)] {
            let mut d = mtu(family, 1500, tcp.clone());
            d.listen(1)
                .arrives(&format!("<SEQ=100><CTL=SYN><MSS={mss}><SACKP><TS=1,0>"))
                .all_that_leaves();
            d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=2,1000>").accept();
            for seq in [201, 301, 401] {
                d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1><CTL=ACK><TS=3,1000>"))
                    .all_that_leaves();
            }
            d.sends(100);
            let lens: Vec<usize> = d.all_that_leaves().iter().map(|s| s.len).collect();
            assert!(
                lens.len() >= 10 && lens.iter().all(|len| *len == expected),
                "{mss}: {lens:?}"
            );
        }
    });
}

/// MUST-4, MUST-5, MUST-6, MUST-7, MUST-64, MUST-68: options at any place, of any kind, of any
/// length, do no harm; what can be read counts.
#[test]
fn odd_options_do_no_harm() {
    let mss = |d: &mut Dialogue| {
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
        d.status().snd_mss
    };
    in_both_families(|family| {
        let default = if family == Family::V4 { 536 } else { 1000 };
        for (options, expected) in [
            (&[2, 4, 1, 244][..], 500),
            // At an odd place.
            (&[1, 2, 4, 1, 244, 0, 0, 0], 500),
            // Behind one that nobody knows.
            (&[254, 4, 9, 9, 2, 4, 1, 244], 500),
            // Behind the end.
            (&[0, 2, 4, 1, 244, 0, 0, 0], default),
            // Of no length, of a length that cannot be, beyond the end of the header.
            (&[2, 0, 1, 244], default),
            (&[2, 1, 1, 244], default),
            (&[2, 5, 1, 244], default),
            (&[99, 40, 0, 0], default),
        ] {
            let mut d = Dialogue::listening(family, plain());
            let syn = d.as_bytes("<SEQ=100><CTL=SYN>");
            d.datagram_arrives(&with_options(family, &syn, options));
            d.leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
            assert_eq!(mss(&mut d), expected, "{options:?}");
        }
    });
}

/// A segment without options, with these instead, and a right checksum.
fn with_options(family: Family, datagram: &[u8], options: &[u8]) -> Vec<u8> {
    let Ok(parsed) = wire::parse(datagram) else {
        panic!("malformed");
    };
    let (ip_len, ip) = (family.headers() - 20, parsed.ip);
    let mut tcp = datagram[ip_len..].to_vec();
    tcp[12] = ((5 + options.len() as u8 / 4) << 4) | (tcp[12] & 0xf);
    tcp.extend_from_slice(options);
    tcp[16..18].copy_from_slice(&[0, 0]);
    let sum = wire::checksum::Sum::pseudo_header(ip.source, ip.destination, 6, tcp.len());
    let checksum = sum.plus(&tcp).checksum();
    tcp[16..18].copy_from_slice(&checksum.to_be_bytes());
    ip.datagram(&tcp)
}

/// MUST-65: a segment without SYN has no MSS option, and one that has is not believed. (That we
/// send none, the dialogue checks of every segment.)
#[test]
fn the_mss_option_counts_on_a_syn_only() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let ack = d.as_bytes("<SEQ=101><ACK=301><CTL=ACK>");
        d.datagram_arrives(&with_options(family, &ack, &[2, 4, 0, 100]));
        assert_eq!(d.status().snd_mss, 1000);
    });
}

/// MUST-69: the options of what we send are padded, and nothing stands behind their end.
#[test]
fn nothing_is_written_after_the_end_of_the_options() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, all_options());
        d.connect();
        let syn = d.datagram_leaves();
        let tcp = &syn[family.headers() - 20..];
        let options = &tcp[20..usize::from(tcp[12] >> 4) * 4];
        // Linux's order, so that nobody can tell by it who we are.
        let kinds = [2, 4, 8, 1, 3];
        let mut at = 0;
        for kind in kinds {
            assert_eq!(options[at], kind, "{options:?}");
            at += if kind == 1 {
                1
            } else {
                usize::from(options[at + 1])
            };
        }
        assert_eq!(at, options.len(), "no end, nothing behind it");
    });
}

/// MUST-2, MUST-3: our checksums are right (the dialogue checks every one), and a segment whose
/// checksum is wrong is dropped without an answer.
#[test]
fn a_wrong_checksum_gets_no_answer() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        let syn = d.as_bytes("<SEQ=100><CTL=SYN>");
        for bit in 0..8 * 20 {
            let mut wrong = syn.clone();
            wrong[family.headers() - 20 + bit / 8] ^= 1 << (bit % 8);
            d.datagram_arrives(&wrong).nothing_more();
        }
        assert_eq!(d.stack.connection_count(), 0);
        let of_checksum = d.stack.counters().malformed(Malformed::TcpChecksum);
        assert!(of_checksum >= 150, "{of_checksum}");
        d.datagram_arrives(&syn)
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
    });
}

/// What the two SYNs agree on: what both have. Our SYN,ACK has nothing that the SYN had not.
#[test]
fn options_are_agreed_on_by_both() {
    in_both_families(|family| {
        let offers = ["<MSS=1000>", "<WS=7>", "<SACKP>", "<TS=5,0>"];
        for set in 0..1 << offers.len() {
            let has = |index: usize| set >> index & 1 == 1;
            let offered: String = (0..4).filter(|i| has(*i)).map(|i| offers[i]).collect();
            let mut d = Dialogue::listening(family, all_options());
            d.arrives(&format!("<SEQ=100><CTL=SYN>{offered}"));
            let answered = [
                "<MSS=1000>",
                if has(1) { "<WS=0>" } else { "" },
                if has(2) { "<SACKP>" } else { "" },
                if has(3) { "<TS=1000,5>" } else { "" },
            ];
            d.leaves(&format!(
                "<SEQ=300><ACK=101><CTL=SYN,ACK>{}",
                answered.concat()
            ));
            let echo = if has(3) { "<TS=6,1000>" } else { "" };
            d.arrives(&format!("<SEQ=101><ACK=301><CTL=ACK>{echo}"))
                .accept();
            let status = d.status();
            assert_eq!(status.window_scale, has(1).then_some((7, 0)), "{offered}");
            assert_eq!(
                (status.sack, status.timestamps),
                (has(2), has(3)),
                "{offered}"
            );
        }
    });
}

/// Ours are not offered if they are switched off, and not taken.
#[test]
fn options_can_be_switched_off() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><WS=7><SACKP><TS=5,0>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
    });
}

/// Every field of a SYN as a stack of today sends it.
#[test]
fn a_syn_of_today() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, TcpConfig::default());
        let mss = 1500 - family.headers();
        d.connect();
        let syn = d.datagram_leaves();
        let Ok(Payload::Tcp(header, text)) = wire::parse(&syn).map(|datagram| datagram.payload)
        else {
            panic!("no segment");
        };
        assert_eq!((header.window, text.len()), (65_535, 0));
        assert_eq!(header.options.mss, Some(mss as u16));
        // A buffer of 16 MiB is 65,536 times 2^8: one too many for a shift of eight.
        assert_eq!(header.options.window_scale, Some(9));
        assert!(header.options.sack_permitted && header.options.timestamps.is_some());
    });
}
