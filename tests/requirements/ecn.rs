//! Explicit Congestion Notification (RFC 3168) and Accurate ECN (RFC 9768).

use std::time::Duration;

use stubborn::config::{CongestionControl, EcnConfig, EcnMode, EcnOptions, TcpConfig};
use stubborn::tcp::{RecoveryState, State};
use stubborn::wire::{Control, Ecn};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

use EcnMode::{Accurate, Classic, Off};

const MODES: [EcnMode; 3] = [Off, Classic, Accurate];

fn with(ecn: EcnConfig) -> TcpConfig {
    TcpConfig {
        ecn,
        congestion_control: CongestionControl::Reno,
        ..plain()
    }
}

fn accepting(accept: EcnMode) -> TcpConfig {
    with(EcnConfig {
        accept,
        ..EcnConfig::OFF
    })
}

fn asking(ask: EcnMode) -> TcpConfig {
    with(EcnConfig {
        ask,
        ..EcnConfig::default()
    })
}

/// AE, CWR and ECE of a number, before other control bits: `"CWR,AE,"`.
fn flags(number: u16) -> String {
    match Control::from_bits(number << 6) {
        Control::NONE => String::new(),
        flags => format!("{flags},"),
    }
}

/// The number of the three flags, as table 2 of RFC 9768 writes it.
fn number(control: Control) -> u16 {
    control.bits() >> 6
}

/// ESTABLISHED from a passive OPEN, in Classic mode.
fn classic(family: Family) -> Dialogue {
    let mut d = Dialogue::listening(family, accepting(Classic));
    d.arrives("<SEQ=100><CTL=SYN,ECE,CWR><MSS=1000>")
        .tells("<SEQ=300><ACK=101><CTL=SYN,ECE,ACK><MSS=1000>");
    d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
    assert_eq!(d.status().ecn, Classic);
    d.closes_listener();
    d
}

/// ESTABLISHED from a passive OPEN, in Accurate mode.
fn accurate(family: Family) -> Dialogue {
    accurate_with(family, accepting(Accurate))
}

fn accurate_with(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><CTL=SYN,ECE,CWR,AE><MSS=1000>");
    let syn_ack = d.leaves_something();
    assert_eq!(
        syn_ack.header.control,
        Control::SYN | Control::ACK | Control::CWR
    );
    d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK><ACCECN0=1,0,1>")
        .accept();
    assert_eq!(d.status().ecn, Accurate);
    d.closes_listener();
    d
}

/// BEHAVIOURS of a host without ECN: a SYN that asks for it, in whichever form, is answered
/// without, and so is everything else.
#[test]
fn without_ecn_every_syn_is_answered_without() {
    in_both_families(|family| {
        for asks in 0..8 {
            let mut d = Dialogue::listening(family, with(EcnConfig::OFF));
            let syn = format!("<SEQ=100><CTL={}SYN><MSS=1000><ECN=CE>", flags(asks));
            d.arrives(&syn)
                .tells("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
            d.arrives("<SEQ=101><ACK=301><CTL=ECE,ACK>").accept();
            d.sends(10)
                .tells("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
            d.arrives("<SEQ=101><ACK=311><DATA=5><CTL=CWR,ECE,AE,ACK><ECN=CE>")
                .tells("<SEQ=311><ACK=106><CTL=ACK>");
            let status = d.status();
            assert_eq!((status.ecn, status.ecn_seen), (Off, true));
            assert_eq!((status.delivered_ce, status.received_ce), (0, 0));
        }
    });
}

/// RFC 9768, table 2 and §3.1.3; RFC 3168 §6.1.1: every SYN at every host.
#[test]
fn every_syn_is_answered_as_the_tables_say() {
    // The flags of the SYN; those of the SYN,ACK of a host that knows nothing, RFC 3168, RFC 9768.
    let rows = [
        (0b000, [0b000, 0b000, 0b000]),
        (0b001, [0b000, 0b000, 0b010]),
        (0b010, [0b000, 0b000, 0b010]),
        (0b011, [0b000, 0b001, 0b001]),
        (0b100, [0b000, 0b000, 0b010]),
        (0b101, [0b000, 0b000, 0b010]),
        (0b110, [0b000, 0b000, 0b010]),
        (0b111, [0b000, 0b001, 0b010]),
    ];
    in_both_families(|family| {
        for (asks, answers) in rows {
            for (accept, answer) in MODES.into_iter().zip(answers) {
                let mut d = Dialogue::listening(family, accepting(accept));
                d.arrives(&format!("<SEQ=100><CTL={}SYN><MSS=1000>", flags(asks)));
                let syn_ack = d.leaves_something();
                assert_eq!(number(syn_ack.header.control), answer, "{asks:03b}");
                assert_eq!(syn_ack.ecn, Ecn::NotEct, "RFC 3168 §6.1.1");
                let has_option = syn_ack.header.options.accurate_ecn.is_some();
                assert_eq!(has_option, answer == 0b010);
                d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK>").accept();
                let agreed = match answer {
                    0b000 => Off,
                    0b001 => Classic,
                    _ => Accurate,
                };
                assert_eq!(d.status().ecn, agreed);
                d.sends(1);
                let text = d.leaves_something();
                let capable = if agreed == Off {
                    Ecn::NotEct
                } else {
                    Ecn::Ect0
                };
                assert_eq!(text.ecn, capable);
            }
        }
    });
}

/// The same from the other side: what each SYN,ACK agrees to, after each SYN.
#[test]
fn every_syn_ack_is_read_as_the_tables_say() {
    // The flags of the SYN,ACK; what it agrees to if we asked for nothing, RFC 3168, RFC 9768.
    let rows = [
        (0b000, [Off, Off, Off]),
        (0b001, [Off, Classic, Classic]),
        (0b010, [Off, Off, Accurate]),
        (0b011, [Off, Off, Accurate]),
        (0b100, [Off, Off, Accurate]),
        (0b101, [Off, Classic, Accurate]),
        (0b110, [Off, Off, Accurate]),
        (0b111, [Off, Off, Off]),
    ];
    in_both_families(|family| {
        for (answer, agreed) in rows {
            let asked = [0b000, 0b011, 0b111];
            for ((ask, asked), agreed) in MODES.into_iter().zip(asked).zip(agreed) {
                let mut d = Dialogue::new(family, asking(ask));
                d.connect();
                let syn = d.leaves_something();
                assert_eq!(number(syn.header.control), asked);
                assert_eq!(
                    (syn.ecn, syn.header.options.accurate_ecn),
                    (Ecn::NotEct, None)
                );
                let syn_ack = format!("<SEQ=100><ACK=301><CTL={}SYN,ACK><MSS=1000>", flags(answer));
                d.arrives(&syn_ack);
                let ack = d.leaves_something();
                let told = if agreed == Accurate { 0b010 } else { 0b000 };
                assert_eq!(number(ack.header.control), told, "{answer:03b}");
                assert_eq!(d.status().ecn, agreed, "{answer:03b}");
                d.sends(1);
                // How our SYN arrived, if it says; Not-ECT is how it left (RFC 9768 §3.2.2.3).
                let mangled = agreed == Accurate && !matches!(answer, 0b010 | 0b101);
                let capable = if agreed == Off || mangled {
                    Ecn::NotEct
                } else {
                    Ecn::Ect0
                };
                assert_eq!(d.leaves_something().ecn, capable, "{answer:03b}");
            }
        }
    });
}

/// RFC 9768 §3.1.1: whether or not SYNs are ECN-capable here, it is told how one arrived; of
/// several, the last (§3.1.5).
#[test]
fn a_syn_ack_says_how_the_syn_arrived() {
    let rows = [
        ("Not-ECT", "CWR"),
        ("ECT(1)", "CWR,ECE"),
        ("ECT(0)", "AE"),
        ("CE", "AE,CWR"),
    ];
    in_both_families(|family| {
        for (arrived, told) in rows {
            let mut d = Dialogue::listening(family, accepting(Accurate));
            let syn = "<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000>";
            d.arrives(&format!("{syn}<ECN={arrived}>")).tells(&format!(
                "<SEQ=300><ACK=101><CTL=SYN,ACK,{told}><MSS=1000><ACCECN0=1,0,1>"
            ));
            d.arrives(&format!("{syn}<ECN=CE>"))
                .tells("<SEQ=300><ACK=101><CTL=SYN,ACK,AE,CWR><MSS=1000>");
        }
    });
}

/// RFC 9768 §3.2.2.1, table 3: and the first acknowledgment, how the SYN,ACK arrived; before any
/// text, which is waiting here. It carries an option, and so does the first text (§3.2.3.2.1).
#[test]
fn the_acknowledgment_of_a_syn_ack_says_how_it_arrived() {
    let rows = [
        ("Not-ECT", "CWR", "AE,ECE"),
        ("ECT(1)", "CWR,ECE", "AE,ECE"),
        ("ECT(0)", "AE", "AE,ECE"),
        // r.cep is 6 then, and no longer 5.
        ("CE", "AE,CWR", "AE,CWR"),
    ];
    in_both_families(|family| {
        for (arrived, told, counter) in rows {
            let mut d = Dialogue::new(family, asking(Accurate));
            d.connect().tells("<SEQ=300><CTL=SYN,AE,CWR,ECE><MSS=1000>");
            d.sends(10);
            d.arrives(&format!(
                "<SEQ=100><ACK=301><CTL=SYN,ACK,CWR><MSS=1000><ACCECN0=1,0,1><ECN={arrived}>"
            ));
            d.tells(&format!(
                "<SEQ=301><ACK=101><CTL=ACK,{told}><ACCECN0=1,0,1>"
            ));
            d.tells(&format!(
                "<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK,{counter}><ACCECN0=1,0,1><ECN=ECT(0)>"
            ));
            d.sends(10).nothing_more();
            // From now on only if a counter moves.
            d.arrives("<SEQ=101><ACK=311><CTL=AE,ECE,ACK>");
            d.tells(&format!(
                "<SEQ=311><ACK=101><DATA=10><CTL=PSH,ACK,{counter}><ECN=ECT(0)>"
            ));
            // The SYN,ACK again (§3.2.2.1): a mark counts once (§3.2.2.2).
            d.arrives(&format!(
                "<SEQ=100><ACK=301><CTL=SYN,ACK,CWR><MSS=1000><ECN={arrived}>"
            ));
            d.tells(&format!(
                "<SEQ=321><ACK=101><CTL=ACK,{told}><ACCECN0=1,0,1>"
            ));
            d.until(ms(150))
                .arrives("<SEQ=101><ACK=321><DATA=1><CTL=AE,ECE,ACK>");
            d.tells(&format!("<SEQ=321><ACK=102><CTL=ACK,{counter}>"));
        }
    });
}

/// RFC 9768, table 4 and §3.2.2.3: what the server makes of that.
#[test]
fn the_server_reads_how_its_syn_ack_arrived() {
    // The field; whether text is ECN-capable afterwards; whether the mark is answered.
    let rows = [
        (0b000, false, false),
        (0b001, true, false),
        (0b010, true, false),
        (0b011, false, false),
        (0b100, false, false),
        (0b101, true, false),
        (0b110, false, true),
        (0b111, true, false),
    ];
    in_both_families(|family| {
        for (field, is_capable, is_marked) in rows {
            let mut d = Dialogue::listening(family, accepting(Accurate));
            d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000>");
            d.leaves_something();
            d.arrives(&format!("<SEQ=101><ACK=301><CTL={}ACK>", flags(field)))
                .accept();
            let window = if is_marked { 2_000 } else { 10_000 };
            assert_eq!(d.status().cwnd, window, "{field:03b}");
            d.sends(100);
            let capable = if is_capable { Ecn::Ect0 } else { Ecn::NotEct };
            assert_eq!(d.leaves_something().ecn, capable, "{field:03b}");
            // s.cep is 5, and 6 after a mark: the counter says nothing new, unless it is not read
            // any more.
            let counter = if is_marked { "AE,CWR" } else { "AE,ECE" };
            d.arrives(&format!("<SEQ=101><ACK=401><CTL={counter},ACK>"));
            assert_eq!(d.status().delivered_ce, 0, "{field:03b}");
            d.sends(100);
            d.leaves_something();
            d.arrives("<SEQ=101><ACK=501><CTL=AE,CWR,ECE,ACK>");
            let read = match field {
                0b000 => 0,
                0b110 => 1,
                _ => 2,
            };
            assert_eq!(d.status().delivered_ce, read, "{field:03b}");
        }
    });
}

/// RFC 3168 §6.1.3: ECE on every acknowledgment from the mark until CWR; a mark on the segment
/// with CWR is a new one.
#[test]
fn ece_until_cwr() {
    in_both_families(|family| {
        let mut d = classic(family);
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .tells("<SEQ=301><ACK=111><CTL=ACK>");
        d.arrives("<SEQ=111><ACK=301><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=301><ACK=121><CTL=ECE,ACK>");
        d.arrives("<SEQ=121><ACK=301><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .tells("<SEQ=301><ACK=131><CTL=ECE,ACK>");
        d.sends(10)
            .tells("<SEQ=301><ACK=131><DATA=10><CTL=PSH,ECE,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=131><ACK=311><DATA=10><CTL=CWR,ACK><ECN=ECT(0)>")
            .tells("<SEQ=311><ACK=141><CTL=ACK>");
        d.arrives("<SEQ=141><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=151><CTL=ECE,ACK>");
        d.arrives("<SEQ=151><ACK=311><DATA=10><CTL=CWR,ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=161><CTL=ECE,ACK>");
    });
}

/// RFC 3168 §6.1.5: a mark on what lies outside the window, or carries no text, means nothing.
#[test]
fn marks_count_on_text_in_the_window_only() {
    in_both_families(|family| {
        let mut d = classic(family);
        d.arrives("<SEQ=20000><ACK=301><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><ECN=CE>");
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK>")
            .tells("<SEQ=301><ACK=111><CTL=ACK>");
    });
}

/// ESTABLISHED in Classic mode, with acknowledgments that are delayed by 40 ms: SND.NXT = 311,
/// RCV.NXT = 111.
fn delaying(family: Family, tcp: TcpConfig) -> Dialogue {
    let tcp = TcpConfig {
        delayed_ack: Some(ms(40)),
        ..tcp
    };
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><CTL=SYN,ECE,CWR><MSS=1000>");
    d.leaves_something();
    d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
    d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK>");
    d.all_that_leaves();
    // The user answers, so that acknowledgments are delayed from now on.
    d.sends(10)
        .tells("<SEQ=301><ACK=111><DATA=10><CTL=PSH,ACK><ECN=ECT(0)>");
    d
}

/// A mark and a CWR are acknowledged at once: who has reduced its window may wait for it.
#[test]
fn what_marks_tell_does_not_wait() {
    in_both_families(|family| {
        let mut d = delaying(family, accepting(Classic));
        d.arrives("<SEQ=111><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .nothing_more();
        d.arrives("<SEQ=121><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=131><CTL=ECE,ACK>");
        d.arrives("<SEQ=131><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .nothing_more();
        d.arrives("<SEQ=141><ACK=311><DATA=10><CTL=CWR,ACK><ECN=ECT(0)>")
            .tells("<SEQ=311><ACK=151><CTL=ACK>");
    });
}

/// As [`delaying`], with DCTCP.
fn counting(family: Family) -> Dialogue {
    let tcp = TcpConfig {
        congestion_control: CongestionControl::Dctcp,
        ..accepting(Classic)
    };
    delaying(family, tcp)
}

/// RFC 8257 §3.2: ECE says whether the text was marked that an acknowledgment is for. What waits
/// when that changes is acknowledged as it came; what changes it, at once; all other, as usual.
#[test]
fn dctcp_tells_which_text_was_marked() {
    in_both_families(|family| {
        let mut d = counting(family);
        d.arrives("<SEQ=111><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .nothing_more();
        d.arrives("<SEQ=121><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=121><CTL=ACK>")
            .tells("<SEQ=311><ACK=131><CTL=ECE,ACK>");
        d.arrives("<SEQ=131><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .nothing_more();
        d.until(ms(40)).tells("<SEQ=311><ACK=141><CTL=ECE,ACK>");
        d.arrives("<SEQ=141><ACK=311><DATA=1000><CTL=ACK><ECN=CE>")
            .nothing_more();
        d.arrives("<SEQ=1141><ACK=311><DATA=1000><CTL=ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=2141><CTL=ECE,ACK>");
        d.arrives("<SEQ=2141><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .nothing_more();
        d.arrives("<SEQ=2151><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .tells("<SEQ=311><ACK=2151><CTL=ECE,ACK>")
            .tells("<SEQ=311><ACK=2161><CTL=ACK>");
        // Nothing waits: one acknowledgment is enough. CWR ends nothing that is still marked.
        d.arrives("<SEQ=2161><ACK=311><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=2171><CTL=ECE,ACK>");
        d.arrives("<SEQ=2171><ACK=311><DATA=10><CTL=CWR,ACK><ECN=CE>")
            .tells("<SEQ=311><ACK=2181><CTL=ECE,ACK>");
        d.sends(10)
            .tells("<SEQ=311><ACK=2181><DATA=10><CTL=PSH,ECE,ACK><ECN=ECT(0)>");
        // What lies beyond a gap is acknowledged at once in any case.
        d.arrives("<SEQ=2191><ACK=321><DATA=10><CTL=ACK><ECN=ECT(0)>")
            .tells("<SEQ=321><ACK=2181><CTL=ACK>");
        d.arrives("<SEQ=2181><ACK=321><DATA=10><CTL=ACK><ECN=CE>")
            .tells("<SEQ=321><ACK=2201><CTL=ECE,ACK>");
    });
}

/// The same of segments that arrive together: each change is told, and text that leaves carries
/// what is left to tell. Of more changes than a bound, the last are told as one.
#[test]
fn dctcp_tells_each_change_of_a_burst() {
    in_both_families(|family| {
        let mut d = counting(family);
        d.arrive_together(&[
            "<SEQ=111><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>",
            "<SEQ=121><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>",
            "<SEQ=131><ACK=311><DATA=10><CTL=ACK><ECN=CE>",
            "<SEQ=141><ACK=311><DATA=10><CTL=ACK><ECN=ECT(0)>",
            "<SEQ=151><ACK=311><DATA=10><CTL=ACK><ECN=CE>",
        ]);
        d.tells("<SEQ=311><ACK=131><CTL=ACK>")
            .tells("<SEQ=311><ACK=141><CTL=ECE,ACK>")
            .tells("<SEQ=311><ACK=151><CTL=ACK>")
            .tells("<SEQ=311><ACK=161><CTL=ECE,ACK>");
        let burst: Vec<String> = (0..40)
            .map(|index| {
                let seq = 161 + 10 * index;
                let ecn = ["ECT(0)", "CE"][index % 2];
                format!("<SEQ={seq}><ACK=311><DATA=10><CTL=ACK><ECN={ecn}>")
            })
            .collect();
        let burst: Vec<&str> = burst.iter().map(String::as_str).collect();
        d.arrive_together(&burst);
        for index in 0..16 {
            let ack = 171 + 10 * index;
            let ece = ["", "ECE,"][index % 2];
            d.tells(&format!("<SEQ=311><ACK={ack}><CTL={ece}ACK>"));
        }
        d.tells("<SEQ=311><ACK=561><CTL=ECE,ACK>");
    });
}

/// A path that takes CWR away: ECE never ends. After eight windows nothing is ECN-capable any more,
/// and after two of those ECE means nothing, until it ends once.
#[test]
fn ece_without_end_is_not_believed() {
    in_both_families(|family| {
        let mut d = classic(family);
        let mut ack = 301;
        let mut acknowledged_with = |d: &mut Dialogue, flags: &str| {
            d.sends(1_000);
            let capable = d.leaves_something().ecn == Ecn::Ect0;
            ack += 1_000;
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL={flags}ACK>"));
            (capable, d.status().cwnd)
        };
        let windows: Vec<(bool, u64)> =
            (0..12).map(|_| acknowledged_with(&mut d, "ECE,")).collect();
        let capable = windows.iter().filter(|(capable, _)| *capable).count();
        assert_eq!(capable, 8);
        assert!(windows[..8].iter().all(|(capable, _)| *capable));
        let cwnd: Vec<u64> = windows.iter().map(|(_, cwnd)| *cwnd).collect();
        assert_eq!(cwnd[..10], [2_000; 10]);
        assert!(cwnd[11] > 2_000, "{cwnd:?}");
        // It has ended: the next one speaks of a mark, whoever has set it.
        let (_, before) = acknowledged_with(&mut d, "");
        let (capable, after) = acknowledged_with(&mut d, "ECE,");
        assert!(after < before && !capable, "{before}, {after}");
    });
}

/// RFC 8257 §3.2: where marks are counted, ECE on every acknowledgment is a queue that is never short. It
/// is believed for as long as it lasts, and what leaves stays ECN-capable.
#[test]
fn dctcp_believes_ece_without_end() {
    in_both_families(|family| {
        let mut d = counting(family);
        d.arrives("<SEQ=111><ACK=311><CTL=ACK>");
        let mut ack = 311;
        for window in 0..40 {
            d.sends(1_000);
            assert_eq!(d.leaves_something().ecn, Ecn::Ect0, "{window}");
            ack += 1_000;
            d.arrives(&format!("<SEQ=111><ACK={ack}><CTL=ECE,ACK>"));
            assert!(window < 5 || d.status().cwnd == 2_000, "{:?}", d.status());
        }
        assert_eq!(d.status().delivered_ce, 40);
    });
}

/// RFC 4015 §3, step 9: a timestamp shows that a timeout was spurious, and gives the window back; but not
/// if the same acknowledgment tells of a mark.
#[test]
fn a_mark_keeps_what_a_spurious_timeout_took() {
    in_both_families(|family| {
        for (flags, ssthresh) in [("", u64::MAX), ("ECE,", 4_940)] {
            let tcp = TcpConfig {
                timestamps: true,
                ..accepting(Classic)
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives("<SEQ=100><CTL=SYN,ECE,CWR><MSS=1012><TS=50,0>");
            d.leaves_something();
            d.until(ms(100));
            d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=60,1000>")
                .accept();
            d.closes_listener().sends(9_880);
            assert_eq!(d.all_that_leaves().len(), 10);
            d.until_something_leaves();
            assert_eq!(d.all_that_leaves().len(), 1);
            d.arrives(&format!("<SEQ=101><ACK=1289><CTL={flags}ACK><TS=70,1100>"));
            let status = d.status();
            assert_eq!(status.ssthresh, ssthresh, "{flags}");
            assert_eq!(status.cwnd >= 9_880, flags.is_empty(), "{status:?}");
            d.all_that_leaves();
        }
    });
}

/// RFC 3168 §6.1.2: the window is halved once for a window of data, and does not grow by what
/// reports a mark; CWR is on the first new text afterwards, and on no other segment.
#[test]
fn one_reduction_for_a_window_and_one_cwr() {
    in_both_families(|family| {
        let mut d = classic(family);
        d.sends(20_000);
        assert_eq!(d.all_that_leaves().len(), 10);
        assert_eq!(d.status().cwnd, 10_000);
        // Half of ten segments: nothing new leaves until five are in flight.
        d.arrives("<SEQ=101><ACK=1301><CTL=ECE,ACK>");
        assert_eq!((d.status().cwnd, d.status().ssthresh), (5_000, 5_000));
        assert_eq!(d.status().recovery, RecoveryState::Reduced);
        for ack in (2301..=5301).step_by(1000) {
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=ECE,ACK>"));
        }
        d.arrives("<SEQ=101><ACK=6301><CTL=ECE,ACK>")
            .tells("<SEQ=10301><ACK=101><DATA=1000><CTL=CWR,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=101><ACK=7301><CTL=ECE,ACK>")
            .tells("<SEQ=11301><ACK=101><DATA=1000><CTL=ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=101><ACK=10301><CTL=ECE,ACK>");
        assert_eq!(d.all_that_leaves().len(), 3);
        assert_eq!(d.status().cwnd, 5_000);
        assert_eq!(d.status().recovery, RecoveryState::Reduced);
        // The acknowledgment of the text with CWR, and still ECE: that is another window.
        d.arrives("<SEQ=101><ACK=11301><CTL=ECE,ACK>");
        assert_eq!(d.status().cwnd, 2_500);
        assert_eq!(d.status().delivered_ce, 11);
    });
}

/// RFC 3168 §6.1.2: after a reduction for a loss there is a CWR too, and no second reduction for
/// marks of the same window; nor the other way round.
#[test]
fn losses_and_marks_of_one_window_reduce_it_once() {
    in_both_families(|family| {
        let mut d = classic(family);
        d.sends(20_000);
        d.all_that_leaves();
        d.until(ms(200));
        assert_eq!(d.leaves_something().header.control, Control::ACK);
        assert_eq!((d.status().cwnd, d.status().ssthresh), (1_000, 5_000));
        d.arrives("<SEQ=101><ACK=1301><CTL=ECE,ACK>");
        assert_eq!(d.status().ssthresh, 5_000, "of the window of the loss");
        d.all_that_leaves();

        let mut d = classic(family);
        d.sends(20_000);
        d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=1301><CTL=ECE,ACK>");
        for _ in 0..3 {
            d.arrives("<SEQ=101><ACK=1301><CTL=ECE,ACK>");
        }
        let resent = d.all_that_leaves();
        assert!(resent.iter().any(|segment| segment.header.seq == 1301));
        assert_eq!(d.status().ssthresh, 5_000, "of the window of the mark");
    });
}

/// RFC 3168 §6.1.4 to §6.1.6: no other segment than new text is ECN-capable.
#[test]
fn only_new_text_is_ecn_capable() {
    in_both_families(|family| {
        let mut d = classic(family);
        d.sends(1000)
            .tells("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK><ECN=ECT(0)>");
        d.until(ms(200))
            .tells("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK>");
        d.arrives("<SEQ=101><ACK=1301><WND=0><DATA=1><CTL=ACK>")
            .tells("<SEQ=1301><ACK=102><CTL=ACK>");
        d.sends(10);
        let at = d.until_something_leaves();
        assert!(at > Duration::ZERO);
        d.tells("<SEQ=1300><ACK=102><CTL=ACK>");
        // The window was reduced by the timeout: CWR on new text.
        d.arrives("<SEQ=102><ACK=1301><CTL=ACK>")
            .tells("<SEQ=1301><ACK=102><DATA=10><CTL=PSH,CWR,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=102><ACK=1311><CTL=ACK>");
        d.closes().tells("<SEQ=1311><ACK=102><CTL=FIN,ACK>");
    });
}

/// RFC 3168 §6.1.1.1, RFC 9768 §3.1.4.1: a SYN that is not answered asks once more, and then
/// not. The connection is ECN-capable only if that cannot mislead the peer.
#[test]
fn a_syn_without_an_answer_stops_asking() {
    in_both_families(|family| {
        for (ask, flags, answer, capable) in [
            (Classic, ",ECE,CWR", "ECE", Ecn::NotEct),
            (Accurate, ",ECE,CWR,AE", "CWR", Ecn::Ect0),
        ] {
            let asks = format!("<SEQ=300><CTL=SYN{flags}><MSS=1000>");
            let mut d = Dialogue::new(family, asking(ask));
            d.connect().tells(&asks);
            d.until(ms(1000)).tells(&asks);
            d.until(ms(3000)).tells("<SEQ=300><CTL=SYN><MSS=1000>");
            // The answer to one that asked.
            d.arrives(&format!(
                "<SEQ=100><ACK=301><CTL=SYN,ACK,{answer}><MSS=1000>"
            ));
            d.leaves_something();
            assert_eq!(d.status().ecn, ask);
            d.sends(1);
            assert_eq!(d.leaves_something().ecn, capable, "{ask:?}");

            // The answer to the last one.
            let mut d = Dialogue::new(family, asking(ask));
            d.connect().tells(&asks);
            d.until(ms(1000)).tells(&asks);
            d.until(ms(3000)).tells("<SEQ=300><CTL=SYN><MSS=1000>");
            d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=1000>")
                .tells("<SEQ=301><ACK=101><CTL=ACK>");
            assert_eq!(d.status().ecn, Off);
        }
    });
}

#[test]
fn how_often_a_syn_asks_is_configured() {
    in_both_families(|family| {
        let asked = [1, 3, u32::MAX].map(|attempts| [(Classic, attempts), (Accurate, attempts)]);
        for (ask, attempts) in asked.concat() {
            // The setting of the other mode does not count.
            let ecn = EcnConfig {
                ask,
                attempts: if ask == Accurate { attempts } else { 2 },
                classic_attempts: if ask == Classic { attempts } else { 2 },
                ..EcnConfig::default()
            };
            let mut d = Dialogue::new(family, with(ecn));
            d.connect();
            for index in 0..5 {
                let asks = d.leaves_something().header.control.has(Control::ECE);
                assert_eq!(asks, index < attempts);
                d.until_something_leaves();
            }
            d.all_that_leaves();
        }
    });
}

/// RFC 9768 §3.2.3.2.2: a SYN,ACK that is not answered goes without an option, and then without
/// flags; after that nothing is ECN-capable, for the peer may not know of it (§3.1.5).
#[test]
fn a_syn_ack_without_an_answer_falls_back() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, accepting(Accurate));
        d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000>")
            .tells("<SEQ=300><ACK=101><CTL=SYN,CWR,ACK><MSS=1000><ACCECN0=1,0,1>");
        d.until(ms(1000))
            .tells("<SEQ=300><ACK=101><CTL=SYN,CWR,ACK><MSS=1000>");
        d.until(ms(3000))
            .tells("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK>").accept();
        d.sends(1)
            .tells("<SEQ=301><ACK=101><DATA=1><CTL=PSH,AE,ECE,ACK>");
        assert_eq!(d.status().ecn, Accurate, "what arrives is still reported");
        // Without an option (RFC 9768 §3.2.3.2.2): the first SYN,ACK was lost with one.
        d.arrives("<SEQ=101><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=CE>")
            .tells("<SEQ=302><ACK=111><CTL=AE,CWR,ACK>");
    });
}

/// RFC 3168 §6.1.1.1, the example; RFC 9768 §3.1.5: the peer has fallen back, and nothing that we
/// send is ECN-capable.
#[test]
fn a_peer_that_falls_back_is_believed() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, accepting(Accurate));
        d.arrives("<SEQ=100><CTL=SYN,CWR,ECE><MSS=1000>")
            .tells("<SEQ=300><ACK=101><CTL=SYN,ECE,ACK><MSS=1000>");
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .tells("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
        d.sends(1).tells("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");

        let mut d = Dialogue::listening(family, accepting(Accurate));
        d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000>");
        d.leaves_something();
        // It is told once more that Accurate ECN was agreed.
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><ECN=ECT(0)>")
            .tells("<SEQ=300><ACK=101><CTL=SYN,AE,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK>").accept();
        d.sends(1)
            .tells("<SEQ=301><ACK=101><DATA=1><CTL=PSH,AE,ECE,ACK>");
    });
}

/// RFC 9768 §3.1.5: SYNs that ask for different feedback, in one handshake, end it.
#[test]
fn a_peer_that_contradicts_itself_is_reset() {
    in_both_families(|family| {
        for (first, second) in [("CWR,ECE", "AE,CWR,ECE"), ("AE,CWR,ECE", "CWR,ECE")] {
            let mut d = Dialogue::listening(family, accepting(Accurate));
            d.arrives(&format!("<SEQ=100><CTL=SYN,{first}><MSS=1000>"));
            d.leaves_something();
            d.arrives(&format!("<SEQ=100><CTL=SYN,{second}><MSS=1000>"))
                .tells("<SEQ=301><ACK=101><CTL=RST,ACK>");
            d.state_is(State::Listen);
        }
        // To a host that knows no more than RFC 3168 both ask for the same.
        let mut d = Dialogue::listening(family, accepting(Classic));
        let syn_ack = "<SEQ=300><ACK=101><CTL=SYN,ECE,ACK><MSS=1000>";
        for asks in ["CWR,ECE", "AE,CWR,ECE"] {
            d.arrives(&format!("<SEQ=100><CTL=SYN,{asks}><MSS=1000>"))
                .tells(syn_ack);
        }
    });
}

/// RFC 9768 §3.1.2: who asked for Accurate ECN and is asked for it agrees; if one of the two knows
/// less, that is what both do.
#[test]
fn both_may_ask_at_once() {
    in_both_families(|family| {
        for (ask, theirs, answer, agreed) in [
            (Accurate, "AE,CWR,ECE,", "CWR,", Accurate),
            (Accurate, "CWR,ECE,", "ECE,", Classic),
            (Accurate, "", "", Off),
            (Classic, "AE,CWR,ECE,", "ECE,", Classic),
            (Off, "AE,CWR,ECE,", "", Off),
        ] {
            let mut d = Dialogue::new(family, asking(ask));
            d.connect();
            d.leaves_something();
            d.arrives(&format!("<SEQ=100><CTL={theirs}SYN><MSS=1000>"));
            let syn_ack = d.leaves_something();
            let expected = Control::SYN | Control::ACK;
            let told = (syn_ack.header.control - expected).to_string() + ",";
            assert_eq!(told.trim_start_matches(','), answer);
            d.arrives(&format!(
                "<SEQ=100><ACK=301><CTL={answer}SYN,ACK><MSS=1000>"
            ));
            d.all_that_leaves();
            d.state_is(State::Established);
            assert_eq!(d.status().ecn, agreed);
        }
    });
}

/// RFC 9768 §3.2.2.2, §3.2.2.5.1, §3.2.3.3: marks are counted in the ACE field, octets in an
/// option whenever one of its counters has moved; changes are told at once.
#[test]
fn every_mark_is_counted() {
    in_both_families(|family| {
        let mut tcp = accepting(Accurate);
        tcp.delayed_ack = Some(ms(40));
        let mut d = accurate_with(family, tcp);
        // The user answers: acknowledgments are delayed from now on.
        d.sends(1)
            .tells("<SEQ=301><ACK=101><DATA=1><CTL=PSH,AE,ECE,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=101><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>")
            .nothing_more();
        d.until(ms(40))
            .tells("<SEQ=302><ACK=111><CTL=AE,ECE,ACK><ACCECN0=11>");
        d.arrives("<SEQ=111><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=CE>")
            .tells("<SEQ=302><ACK=121><CTL=AE,CWR,ACK><ACCECN0=11,10>");
        d.arrives("<SEQ=121><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=CE>")
            .nothing_more();
        d.arrives("<SEQ=131><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=CE>")
            .tells("<SEQ=302><ACK=141><CTL=ACK><ACCECN0=11,30>");
        d.arrives("<SEQ=141><ACK=302><DATA=10><CTL=AE,ECE,ACK>")
            .nothing_more();
        d.until(ms(80)).tells("<SEQ=302><ACK=151><CTL=ACK>");
        // Packets without text too: the third is told.
        for _ in 0..2 {
            d.arrives("<SEQ=151><ACK=302><CTL=AE,ECE,ACK><ECN=CE>")
                .nothing_more();
        }
        d.arrives("<SEQ=151><ACK=302><CTL=AE,ECE,ACK><ECN=CE>")
            .tells("<SEQ=302><ACK=151><CTL=CWR,ECE,ACK>");
        let status = d.status();
        assert_eq!(status.received_ce, 6);
        assert_eq!(status.received_octets.ce, 30);
        assert_eq!(status.received_octets.ect0, 10);
    });
}

/// RFC 9768 §3.2.3.3: an option gives way to two SACK blocks; a third gives way to it.
#[test]
fn an_option_gives_way_to_two_sack_blocks() {
    in_both_families(|family| {
        let mut tcp = accepting(Accurate);
        tcp.sack = true;
        tcp.timestamps = true;
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000><SACKP><TS=1,0>")
            .tells(
                "<SEQ=300><ACK=101><CTL=SYN,CWR,ACK><MSS=1000><SACKP><TS=1000,1><ACCECN0=1,0,1>",
            );
        d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK><TS=1,1000><ACCECN0=1,0,1>")
            .accept();
        let text = |seq: u32, ecn: &str| {
            format!("<SEQ={seq}><ACK=301><DATA=10><CTL=AE,ECE,ACK><TS=1,1000><ECN={ecn}>")
        };
        let ack = "<SEQ=301><ACK=101><CTL=AE,ECE,ACK><TS=1000,1>";
        d.arrives(&text(121, "ECT(0)"))
            .tells(&format!("{ack}<SACK=121:131><ACCECN0=11>"));
        d.arrives(&text(141, "ECT(0)"))
            .tells(&format!("{ack}<SACK=141:151,121:131><ACCECN0=21>"));
        d.arrives(&text(161, "ECT(0)"))
            .tells(&format!("{ack}<SACK=161:171,141:151><ACCECN0=31>"));
        d.arrives(&text(181, "Not-ECT"))
            .tells(&format!("{ack}<SACK=181:191,161:171,141:151>"));
        // Counters at both ends: the one that moved stands first.
        d.arrives(&text(201, "ECT(1)"))
            .tells(&format!("{ack}<SACK=201:211,181:191><ACCECN1=11,0>"));
    });
}

/// RFC 9768 §3.2.3.3: an option takes its room from the text beside it.
#[test]
fn text_makes_room_for_an_option() {
    in_both_families(|family| {
        let mut d = accurate(family);
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>")
            .tells("<SEQ=301><ACK=111><CTL=AE,ECE,ACK><ACCECN0=11>");
        let mut tcp = accepting(Accurate);
        tcp.delayed_ack = Some(ms(40));
        let mut d = accurate_with(family, tcp);
        d.sends(1);
        d.leaves_something();
        d.arrives("<SEQ=101><ACK=302><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>");
        d.sends(2000)
            .tells("<SEQ=302><ACK=111><DATA=992><CTL=AE,ECE,ACK><ACCECN0=11><ECN=ECT(0)>")
            .tells("<SEQ=1294><ACK=111><DATA=1000><CTL=AE,ECE,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=111><ACK=2294><CTL=AE,ECE,ACK>");
        d.all_that_leaves();
    });
}

#[test]
fn options_can_be_turned_off() {
    in_both_families(|family| {
        let mut tcp = accepting(Accurate);
        tcp.ecn.options = EcnOptions::Never;
        let mut d = accurate_with(family, tcp);
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=AE,ECE,ACK><ECN=CE>")
            .tells("<SEQ=301><ACK=111><CTL=AE,CWR,ACK>");
    });
}

/// RFC 9768 §3.2.2.5.2, appendix A.2: marks by counters, once for a window; the examples of the
/// appendix with segments of 1,000 octets.
#[test]
fn the_sender_counts_marks_and_reduces_once_for_a_window() {
    in_both_families(|family| {
        let mut d = accurate(family);
        d.sends(20_000);
        assert_eq!(d.all_that_leaves().len(), 10);
        d.arrives("<SEQ=101><ACK=1301><CTL=AE,CWR,ACK><ACCECN0=1,1000>");
        assert_eq!(d.status().cwnd, 5_000);
        d.arrives("<SEQ=101><ACK=5301><CTL=ACK><ACCECN0=3001,2000>");
        d.all_that_leaves();
        // s.cep is 8 by now: three more marks than five.
        let status = d.status();
        assert_eq!((status.cwnd, status.delivered_ce), (5_000, 3));
        assert_eq!(status.delivered_octets.ce, 2_000);
        assert_eq!(status.delivered_octets.ect0, 3_000);

        // Nine segments and a growth of two: two. Ten: ten.
        for (acked, marks) in [(9, 2), (10, 10)] {
            let mut d = accurate(family);
            d.sends(10_000);
            d.all_that_leaves();
            let ack = 301 + acked * 1000;
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=AE,CWR,ECE,ACK>"));
            assert_eq!(d.status().delivered_ce, marks);
            assert_eq!(d.status().cwnd, 5_000);
        }
    });
}

/// Appendix A.1: an acknowledgment that another has overtaken says nothing.
#[test]
fn an_old_counter_is_not_read() {
    in_both_families(|family| {
        let mut d = accurate(family);
        d.sends(3_000);
        d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=3301><CTL=AE,CWR,ECE,ACK>");
        assert_eq!(d.status().delivered_ce, 2);
        d.arrives("<SEQ=101><ACK=1301><CTL=AE,CWR,ACK>");
        d.arrives("<SEQ=101><ACK=3301><CTL=AE,CWR,ACK>");
        assert_eq!(d.status().delivered_ce, 2);
    });
}

/// §3.2.2.4: a path that clears the flags after the handshake.
#[test]
fn a_zeroed_counter_ends_ecn_for_what_we_send() {
    in_both_families(|family| {
        let mut d = accurate(family);
        d.sends(1_000)
            .tells("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,AE,ECE,ACK><ECN=ECT(0)>");
        d.arrives("<SEQ=101><ACK=1301><DATA=1><CTL=ACK><ECN=ECT(0)>")
            .tells("<SEQ=1301><ACK=102><CTL=AE,ECE,ACK><ACCECN0=2>");
        assert_eq!((d.status().delivered_ce, d.status().cwnd), (0, 10_000));
        d.sends(1_000)
            .tells("<SEQ=1301><ACK=102><DATA=1000><CTL=PSH,AE,ECE,ACK>");
    });
}

/// §3.2.2.3: a path that marks everything.
#[test]
fn a_path_that_marks_everything_is_not_believed() {
    in_both_families(|family| {
        let mut d = accurate(family);
        let (mut ace, mut ceb) = (5, 0);
        let mut capable = vec![];
        for round in 0..7u32 {
            d.sends(1_000);
            capable.push(d.leaves_something().ecn == Ecn::Ect0);
            (ace, ceb) = (ace + 1, ceb + 1_000);
            let ack = 301 + 1_000 * (round + 1);
            let counter = flags(ace % 8);
            d.arrives(&format!(
                "<SEQ=101><ACK={ack}><CTL={counter}ACK><ACCECN0=1,{ceb}>"
            ));
        }
        assert_eq!(capable, [true, true, true, true, true, false, false]);
    });
}

/// §3.2.3.2.2: text with an option that is lost at once has none the next time, and nothing else
/// has.
#[test]
fn a_path_that_drops_options_gets_none() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, asking(Accurate));
        d.connect();
        d.leaves_something();
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK,CWR><MSS=1000>")
            .tells("<SEQ=301><ACK=101><CTL=CWR,ACK><ACCECN0=1,0,1>");
        d.sends(10)
            .tells("<SEQ=301><ACK=101><DATA=10><CTL=PSH,AE,ECE,ACK><ACCECN0=1,0,1><ECN=ECT(0)>");
        let at = d.until_something_leaves();
        assert!(at > Duration::ZERO);
        d.tells("<SEQ=301><ACK=101><DATA=10><CTL=PSH,AE,ECE,ACK>");
        d.arrives("<SEQ=101><ACK=311><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>")
            .tells("<SEQ=311><ACK=111><CTL=AE,ECE,ACK>");

        // The acknowledgments are lost: the peer sends the same again and again.
        let mut d = accurate(family);
        let text = "<SEQ=101><ACK=301><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>";
        d.arrives(text)
            .tells("<SEQ=301><ACK=111><CTL=AE,ECE,ACK><ACCECN0=11>");
        d.arrives(text).tells("<SEQ=301><ACK=111><CTL=AE,ECE,ACK>");
        d.arrives("<SEQ=111><ACK=301><DATA=10><CTL=AE,ECE,ACK><ECN=ECT(0)>")
            .tells("<SEQ=301><ACK=121><CTL=AE,ECE,ACK><ACCECN0=21>");
    });
}

/// §3.2.3.2.4: an option that was zeroed on its way is not read, here or later.
#[test]
fn a_zeroed_option_is_not_read() {
    in_both_families(|family| {
        for (first, read) in [("1,0,1", 500), ("0,0,0", 1_000)] {
            let mut d = Dialogue::listening(family, accepting(Accurate));
            d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000>");
            d.leaves_something();
            d.arrives(&format!("<SEQ=101><ACK=301><CTL=CWR,ACK><ACCECN0={first}>"))
                .accept();
            d.sends(1_000);
            d.leaves_something();
            d.arrives("<SEQ=101><ACK=1301><CTL=AE,CWR,ACK><ACCECN0=501,500>");
            assert_eq!(d.status().delivered_octets.ce, read % 1_000);
            assert_eq!(d.status().delivered_ce, 1);
        }
    });
}

/// RFC 9768 §3.2: SYNs are no part of the counters, and their options are not read (§3.2.3.2.1).
#[test]
fn syns_do_not_count() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, accepting(Accurate));
        d.arrives("<SEQ=100><CTL=SYN,AE,CWR,ECE><MSS=1000><ACCECN0=0,0,0><ECN=CE>");
        d.leaves_something();
        d.arrives("<SEQ=101><ACK=301><CTL=CWR,ACK><ACCECN0=1,0,1>")
            .accept();
        d.sends(1)
            .tells("<SEQ=301><ACK=101><DATA=1><CTL=PSH,AE,ECE,ACK><ECN=ECT(0)>");
        assert_eq!(d.status().received_ce, 0);
    });
}

/// §3.2.2.3: a path that marks every second round, and not all, is one that is congested.
#[test]
fn a_path_that_marks_much_is_believed() {
    in_both_families(|family| {
        let mut d = accurate(family);
        let (mut ace, mut e0b, mut ceb) = (5, 1, 0);
        for round in 0..12u32 {
            d.sends(1_000);
            assert_eq!(d.leaves_something().ecn, Ecn::Ect0, "round {round}");
            match round % 2 {
                0 => (ace, ceb) = (ace + 1, ceb + 1_000),
                _ => e0b += 1_000,
            }
            let ack = 301 + 1_000 * (round + 1);
            let counter = flags(ace % 8);
            d.arrives(&format!(
                "<SEQ=101><ACK={ack}><CTL={counter}ACK><ACCECN0={e0b},{ceb}>"
            ));
        }
    });
}

/// §3.2.3.2.5: without SACK the peer may have got more than it acknowledges, all of it marked: then its
/// counter of packets has wrapped, and nothing is mangled.
#[test]
fn a_counter_may_have_wrapped_beyond_a_gap() {
    in_both_families(|family| {
        let mut d = accurate(family);
        d.sends(8_000);
        assert_eq!(d.all_that_leaves().len(), 8);
        let counter = flags(5);
        d.arrives(&format!(
            "<SEQ=101><ACK=1301><CTL={counter}ACK><ACCECN0=1,8000>"
        ));
        d.arrives(&format!(
            "<SEQ=101><ACK=8301><CTL={counter}ACK><ACCECN0=1,8000>"
        ));
        d.sends(1_000);
        assert_eq!(d.leaves_something().ecn, Ecn::Ect0);
    });
}
