//! Every kind of segment, in every state, at every place of the window, with every acknowledgment:
//! what leaves, which state follows, and why the segment was not used (RFC 9293 §3.10.7, RFC 5961,
//! RFC 1337). One table a state, in `tests/segments/`; over IPv4 and IPv6; with numbers that are
//! small and numbers that wrap.
//!
//! A **row** is a kind of segment, and for one with ACK its acknowledgment:
//!
//! | SEG.ACK | |
//! |---|---|
//! | `ghost` | ISS, or before it in the handshake: nothing of this connection was ever there |
//! | `old` | before SND.UNA, but sent |
//! | `una`, `nxt` | SND.UNA, SND.NXT |
//! | `new` | between them: a part of what is in flight |
//! | `beyond` | SND.NXT+1: not sent yet |
//!
//! TEXT is five octets; TEXT,FIN,ACK has a FIN behind them. A **column** is SEG.SEQ: `n` is RCV.NXT, `e` the right edge of
//! the window, the first place that does not belong to it.
//!
//! A **cell** is what leaves, why the segment was discarded (if it was), and the next state (if it
//! is another):
//!
//! | what leaves | |
//! |---|---|
//! | `-` | nothing |
//! | `A`, `A+5` | `<SEQ=SND.NXT><ACK=n><CTL=ACK>`, `<SEQ=SND.NXT><ACK=n+5><CTL=ACK>` |
//! | `CA` | as `A`, but the same segment again at once gets no answer: a challenge ACK is limited |
//! | `R` | `<SEQ=SEG.ACK><CTL=RST>` |
//! | `RA` | `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>` |
//! | `SA` | `<SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>` |
//!
//! | why | |
//! |---|---|
//! | `win` | [`Discard::NotAcceptable`]: outside the window |
//! | `rst` | [`Discard::ResetIgnored`] |
//! | `near` | [`Discard::ResetChallenged`]: in the window, not at its edge |
//! | `reset` | [`Discard::Reset`] |
//! | `syn` | [`Discard::SynChallenged`] |
//! | `again` | [`Discard::RepeatedSyn`] |
//! | `nosyn` | [`Discard::NoSyn`] |
//! | `noack` | [`Discard::NoAck`] |
//! | `ack` | [`Discard::BadAck`] |
//! | `end` | [`Discard::Finished`] |
//!
//! ICMP errors have a table of their own, in `tests/segments/errors.rs`; of several segments one after the other
//! `tests/segments/sequences.rs` says what follows.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/seeds.rs"]
mod seeds;
mod segments {
    mod errors;
    mod sequences;
}

use std::collections::BTreeSet;
use std::fmt::Write;

use dialogue::notation::Notation;
use dialogue::{Dialogue, Family, ISN, ISS, plain};
use stubborn::config::{Config, SocketOptions, TcpConfig};
use stubborn::tcp::{Discard, State};

#[test]
fn in_closed() {
    holds(include_str!("segments/closed.txt"), closed);
}

#[test]
fn in_listen() {
    holds(include_str!("segments/listen.txt"), listen);
}

#[test]
fn in_syn_sent() {
    holds(include_str!("segments/syn-sent.txt"), syn_sent);
}

#[test]
fn in_syn_received_after_a_passive_open() {
    let table = include_str!("segments/syn-received-passive.txt");
    holds(table, syn_received_passive);
}

#[test]
fn in_syn_received_after_an_active_open() {
    let table = include_str!("segments/syn-received-active.txt");
    holds(table, syn_received_active);
}

#[test]
fn in_established() {
    holds(include_str!("segments/established.txt"), established);
}

#[test]
fn in_established_with_a_closed_window() {
    holds(include_str!("segments/closed-window.txt"), closed_window);
}

#[test]
fn in_established_beyond_a_gap() {
    let table = include_str!("segments/established-gap.txt");
    holds(table, established_gap);
}

#[test]
fn in_fin_wait_1() {
    holds(include_str!("segments/fin-wait-1.txt"), fin_wait_1);
}

#[test]
fn in_fin_wait_1_beyond_a_gap() {
    let table = include_str!("segments/fin-wait-1-gap.txt");
    holds(table, fin_wait_1_gap);
}

#[test]
fn in_fin_wait_2() {
    holds(include_str!("segments/fin-wait-2.txt"), fin_wait_2);
}

#[test]
fn in_fin_wait_2_beyond_a_gap() {
    let table = include_str!("segments/fin-wait-2-gap.txt");
    holds(table, fin_wait_2_gap);
}

#[test]
fn in_close_wait() {
    holds(include_str!("segments/close-wait.txt"), close_wait);
}

#[test]
fn in_closing() {
    holds(include_str!("segments/closing.txt"), closing);
}

#[test]
fn in_last_ack() {
    holds(include_str!("segments/last-ack.txt"), last_ack);
}

#[test]
fn in_time_wait() {
    holds(include_str!("segments/time-wait.txt"), time_wait);
}

/// A table that is wrong in any cell, or lacks a row, does not hold.
#[test]
fn a_table_that_is_wrong_does_not_hold() {
    let table = include_str!("segments/last-ack.txt");
    let world = &World::ALL[0];
    assert_eq!(differences(table, last_ack, world), "");
    for (from, to) in [
        (
            "ACK      nxt              | CA win",
            "ACK      nxt              | A win",
        ),
        (
            "RST                       | - rst ",
            "RST                       | CA rst",
        ),
        ("- end >CLOSED", "- end"),
        ("- reset >CLOSED", "- reset >TIME-WAIT"),
        ("CA near", "CA win"),
        (
            "FIN                       | A win",
            "FIN                       | A+1 win",
        ),
        ("SYN,FIN ", "SYN,URG "),
        ("ACK      ghost beyond", "ACK      ghost       "),
        ("ACK      old una new", "ACK      old una    "),
    ] {
        let wrong = table.replacen(from, to, 1);
        let found = std::panic::catch_unwind(|| differences(&wrong, last_ack, world));
        assert!(wrong != table, "{from}");
        assert!(
            found.is_err() || found.is_ok_and(|text| !text.is_empty()),
            "{from}"
        );
    }
}

/// What the places and acknowledgments of a table are.
#[derive(Clone, Copy, Debug)]
struct Space {
    n: u32,
    e: u32,
    ghost: u32,
    old: Option<u32>,
    una: u32,
    new: Option<u32>,
    nxt: u32,
}

/// One connection in one state.
type Stage = fn(&World) -> (Dialogue, Space);

/// A family, and where our numbers and the peer's start on the wire.
struct World {
    family: Family,
    iss: u32,
    isn: u32,
}

impl World {
    /// Small numbers; and numbers that wrap within what is in flight and within the window.
    const ALL: [World; 4] = [
        World::of(Family::V4, ISS, ISN),
        World::of(Family::V6, ISS, ISN),
        World::of(Family::V4, u32::MAX - 30, u32::MAX - 70),
        World::of(Family::V6, u32::MAX - 30, u32::MAX - 70),
    ];

    const fn of(family: Family, iss: u32, isn: u32) -> World {
        World { family, iss, isn }
    }

    /// A host with a window of 1,000 octets that sends small segments at once.
    fn host(&self) -> Dialogue {
        let mut config = Config::new([self.family.us()]);
        config.tcp = TcpConfig {
            receive_buffer: 1000,
            socket: SocketOptions {
                nodelay: true,
                ..SocketOptions::default()
            },
            ..plain()
        };
        Dialogue::at_numbers(self.family, config, self.iss, self.isn)
    }
}

const HANDSHAKE: Space = Space {
    n: 101,
    e: 1101,
    ghost: 299,
    old: None,
    una: 300,
    new: None,
    nxt: 301,
};

fn closed(world: &World) -> (Dialogue, Space) {
    (world.host(), HANDSHAKE)
}

fn listen(world: &World) -> (Dialogue, Space) {
    let mut d = world.host();
    d.listen(8);
    (d, HANDSHAKE)
}

fn syn_sent(world: &World) -> (Dialogue, Space) {
    let mut d = world.host();
    d.connect();
    d.leaves("<SEQ=300><WND=1000><CTL=SYN><MSS=1000>");
    (d, HANDSHAKE)
}

fn syn_received_passive(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = listen(world);
    d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
        .leaves("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK><MSS=1000>");
    (d, space)
}

fn syn_received_active(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = syn_sent(world);
    d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
        .leaves("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK><MSS=1000>");
    (d, space)
}

/// Twenty octets have gone each way; twenty more of ours are in flight, in two segments.
fn established(world: &World) -> (Dialogue, Space) {
    let (mut d, _) = syn_received_passive(world);
    d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
    d.closes_listener();
    d.sends(20)
        .leaves("<SEQ=301><ACK=101><WND=1000><DATA=20><CTL=PSH,ACK>");
    d.arrives("<SEQ=101><ACK=321><DATA=20><CTL=ACK>")
        .leaves("<SEQ=321><ACK=121><WND=980><CTL=ACK>");
    d.reads(20);
    d.sends(10)
        .leaves("<SEQ=321><ACK=121><WND=980><DATA=10><CTL=PSH,ACK>");
    d.sends(10)
        .leaves("<SEQ=331><ACK=121><WND=980><DATA=10><CTL=PSH,ACK>");
    let space = Space {
        n: 121,
        e: 1101,
        ghost: 300,
        old: Some(311),
        una: 321,
        new: Some(331),
        nxt: 341,
    };
    (d, space)
}

/// What comes beyond a gap of four octets: ten octets, and the peer's FIN.
const BEYOND_A_GAP: &str = "<SEQ=125><ACK=321><DATA=10><CTL=FIN,ACK>";

fn established_gap(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = established(world);
    d.arrives(BEYOND_A_GAP)
        .leaves("<SEQ=341><ACK=121><WND=980><CTL=ACK>");
    (d, space)
}

fn closed_window(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = established(world);
    d.arrives("<SEQ=121><ACK=321><DATA=980><CTL=ACK>")
        .leaves("<SEQ=341><ACK=1101><WND=0><CTL=ACK>");
    (d, Space { n: 1101, ..space })
}

fn fin_wait_1(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = established(world);
    d.closes()
        .leaves("<SEQ=341><ACK=121><WND=980><CTL=FIN,ACK>");
    let space = Space {
        new: Some(341),
        nxt: 342,
        ..space
    };
    (d, space)
}

fn fin_wait_1_gap(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = fin_wait_1(world);
    d.arrives(BEYOND_A_GAP)
        .leaves("<SEQ=342><ACK=121><WND=980><CTL=ACK>");
    (d, space)
}

fn fin_wait_2(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = fin_wait_1(world);
    d.arrives("<SEQ=121><ACK=342><CTL=ACK>");
    let space = Space {
        una: 342,
        new: None,
        ..space
    };
    (d, space)
}

fn fin_wait_2_gap(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = fin_wait_2(world);
    d.arrives(BEYOND_A_GAP)
        .leaves("<SEQ=342><ACK=121><WND=980><CTL=ACK>");
    (d, space)
}

fn close_wait(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = established(world);
    d.arrives("<SEQ=121><ACK=321><CTL=FIN,ACK>")
        .leaves("<SEQ=341><ACK=122><WND=979><CTL=ACK>");
    (d, Space { n: 122, ..space })
}

fn closing(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = fin_wait_1(world);
    d.arrives("<SEQ=121><ACK=321><CTL=FIN,ACK>")
        .leaves("<SEQ=342><ACK=122><WND=979><CTL=ACK>");
    (d, Space { n: 122, ..space })
}

fn last_ack(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = close_wait(world);
    d.closes()
        .leaves("<SEQ=341><ACK=122><WND=979><CTL=FIN,ACK>");
    let space = Space {
        new: Some(341),
        nxt: 342,
        ..space
    };
    (d, space)
}

fn time_wait(world: &World) -> (Dialogue, Space) {
    let (mut d, space) = fin_wait_2(world);
    d.arrives("<SEQ=121><ACK=342><CTL=FIN,ACK>")
        .leaves("<SEQ=342><ACK=122><WND=979><CTL=ACK>");
    (d, Space { n: 122, ..space })
}

/// The kinds of segments.
const KINDS: [&str; 15] = [
    "RST",
    "RST,ACK",
    "TEXT,RST",
    "SYN",
    "SYN,ACK",
    "TEXT,SYN",
    "ACK",
    "FIN,ACK",
    "TEXT,ACK",
    "TEXT,FIN,ACK",
    "FIN",
    "TEXT",
    "nothing",
    "SYN,FIN",
    "SYN,RST",
];

/// The columns of a table with one column for all of them.
const PLACES: [&str; 7] = ["n-5", "n-1", "n", "n+100", "e-1", "e", "e+1"];

#[track_caller]
fn holds(table: &str, stage: Stage) {
    let mut found = String::new();
    for world in &World::ALL {
        found += &differences(table, stage, world);
    }
    assert!(found.is_empty(), "\n{found}");
}

/// Where a table differs from what happens.
fn differences(table: &str, stage: Stage, world: &World) -> String {
    let mut lines = table.lines().filter(|line| !line.starts_with('#'));
    let columns = cells(lines.next().expect("a head"));
    let mut missing = all_rows(stage, world);
    let mut found = String::new();
    for line in lines {
        let row = cells(line);
        let (kind, acks) = label(row[0], &missing);
        for ack in acks {
            assert!(
                missing.remove(&(kind, ack)),
                "{kind} {ack}: twice, or unknown"
            );
            for (column, expected) in columns.iter().zip(&row).skip(1) {
                let places = match *column {
                    "any" => &PLACES[..],
                    _ => std::slice::from_ref(column),
                };
                for place in places {
                    let happened = happens(stage, world, kind, ack, place);
                    if happened != *expected {
                        let World { family, iss, .. } = world;
                        let what = format!("{kind} {ack} at {place}");
                        writeln!(
                            found,
                            "{family:?}, ISS {iss}: {what}: {happened}, not {expected}"
                        )
                        .unwrap();
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "no rows for {missing:?}");
    found
}

fn cells(line: &str) -> Vec<&str> {
    line.split('|').map(str::trim).collect()
}

/// A kind of segment and its acknowledgment, if it has one.
type Row = (&'static str, &'static str);

/// Every row that a table must have: each kind, with all acknowledgments that there are.
fn all_rows(stage: Stage, world: &World) -> BTreeSet<Row> {
    let (_, space) = stage(world);
    let acks = ["ghost", "old", "una", "new", "nxt", "beyond"];
    // Where SND.UNA is SND.NXT, one name is enough.
    let exists =
        |ack: &&str| space.ack(ack).is_some() && !(*ack == "una" && space.una == space.nxt);
    let mut rows = BTreeSet::new();
    for kind in KINDS {
        match kind.ends_with(",ACK") || kind == "ACK" {
            true => rows.extend(
                acks.iter()
                    .filter(|ack| exists(ack))
                    .map(|ack| (kind, *ack)),
            ),
            false => rows.extend([(kind, "")]),
        }
    }
    rows
}

/// A row's kind and acknowledgments, of those that are missing yet.
fn label(text: &str, missing: &BTreeSet<Row>) -> (&'static str, Vec<&'static str>) {
    let mut words = text.split_whitespace();
    let kind = words.next();
    let kind = KINDS
        .into_iter()
        .find(|known| Some(*known) == kind)
        .unwrap_or_else(|| panic!("{text}: an unknown kind"));
    let wanted: Vec<&str> = words.collect();
    let is_wanted = |ack: &&str| match wanted[..] {
        [] => ack.is_empty(),
        ["any"] => true,
        ["old..nxt"] => ["old", "una", "new", "nxt"].contains(ack),
        _ => wanted.contains(ack),
    };
    let of_kind = missing
        .iter()
        .filter(|row| row.0 == kind)
        .map(|row| row.1)
        .filter(is_wanted)
        .collect();
    (kind, of_kind)
}

impl Space {
    fn ack(&self, name: &str) -> Option<u32> {
        match name {
            "ghost" => Some(self.ghost),
            "old" => self.old,
            "una" => Some(self.una),
            "new" => self.new,
            "nxt" => Some(self.nxt),
            "beyond" => Some(self.nxt + 1),
            _ => None,
        }
    }

    fn place(&self, column: &str) -> u32 {
        let (name, offset) = column.split_at(1);
        let place = match name {
            "n" => self.n,
            "e" => self.e,
            _ => panic!("{column} is no place"),
        };
        let offset: i32 = if offset.is_empty() {
            0
        } else {
            offset.parse().unwrap()
        };
        place.wrapping_add_signed(offset)
    }
}

/// What a segment does, as a cell says it.
fn happens(stage: Stage, world: &World, kind: &str, ack: &str, place: &str) -> String {
    let (mut d, mut space) = stage(world);
    let before = d.state();
    let acked = acknowledged(&d);
    let seq = space.place(place);
    if before == State::SynSent {
        // Its SYN says where the peer's numbers begin.
        (space.n, space.e) = (seq, seq + 1001);
    }
    let ack = space.ack(ack);
    let segment = written(kind, seq, ack);
    d.discards();
    d.arrives(&segment);
    let left = d.all_that_leaves();
    let (after, reasons) = (d.state(), reasons(&mut d));
    let limited = is_limited(&mut d, &segment, &left);
    let mut cell = answer(&left, &space, &Notation::read(&segment), limited);
    for reason in &reasons {
        write!(cell, " {reason}").unwrap();
    }
    if after != before {
        write!(cell, " >{after}").unwrap();
    }
    // What it acknowledges counts if, and only if, it was used.
    let is_used = reasons.is_empty() || reasons == ["end"];
    let counts = is_used && ack.is_some_and(|ack| ack > space.una);
    let ack = ack.filter(|_| counts).unwrap_or(space.una);
    let text = |place: u32| u64::from(place.clamp(321, 341));
    if let (Some(acked), Some(now)) = (acked, acknowledged(&d))
        && now - acked != text(ack) - text(space.una)
    {
        write!(cell, " ({} octets acknowledged)", now - acked).unwrap();
    }
    cell
}

/// Octets of text acknowledged so far.
fn acknowledged(d: &Dialogue) -> Option<u64> {
    d.conn.map(|_| d.status().bytes_acked)
}

fn written(kind: &str, seq: u32, ack: Option<u32>) -> String {
    let (data, ctl) = match kind.strip_prefix("TEXT") {
        Some(ctl) => ("<DATA=5>", ctl.trim_start_matches(',')),
        None if kind == "nothing" => ("", ""),
        None => ("", kind),
    };
    let mss = if ctl == "SYN" || ctl == "SYN,ACK" {
        "<MSS=1000>"
    } else {
        ""
    };
    let ack = ack.map_or(String::new(), |ack| format!("<ACK={ack}>"));
    format!("<SEQ={seq}>{ack}{data}<CTL={ctl}>{mss}")
}

/// Whether the same segment, which was answered, is not answered when it comes again at once.
fn is_limited(d: &mut Dialogue, segment: &str, left: &[Notation]) -> bool {
    if left.is_empty() || d.state() == State::Closed {
        return false;
    }
    d.arrives(segment).all_that_leaves().is_empty()
}

/// What leaves, as a cell says it.
fn answer(left: &[Notation], space: &Space, segment: &Notation, limited: bool) -> String {
    let [left] = left else {
        let all: Vec<String> = left.iter().map(Notation::to_string).collect();
        return if all.is_empty() {
            "-".to_owned()
        } else {
            all.join(" ")
        };
    };
    let Space { n, e, nxt, .. } = *space;
    let (seq, ack) = (segment.header.seq, segment.header.ack);
    let end = seq.wrapping_add(segment.sequence_len());
    let ack_of = |n: u32| format!("<SEQ={nxt}><ACK={n}><WND={}><CTL=ACK>", e.max(n) - n);
    let syn = "<WND=1000><CTL=SYN,ACK><MSS=1000>";
    let mut answers = vec![
        (if limited { "CA" } else { "A" }.to_owned(), ack_of(n)),
        ("R".to_owned(), format!("<SEQ={ack}><CTL=RST>")),
        ("RA".to_owned(), format!("<SEQ=0><ACK={end}><CTL=RST,ACK>")),
        (
            "SA".to_owned(),
            format!("<SEQ={ISS}><ACK={}>{syn}", seq.wrapping_add(1)),
        ),
    ];
    answers.extend((1..=15).map(|octets| (format!("A+{octets}"), ack_of(n + octets))));
    let found = answers
        .into_iter()
        .find(|(_, text)| *left == Notation::read(text));
    found.map_or_else(|| left.to_string(), |(name, _)| name)
}

/// Why segments were discarded, as the tables say it.
fn reasons(d: &mut Dialogue) -> Vec<&'static str> {
    d.discards().into_iter().map(word).collect()
}

fn word(reason: Discard) -> &'static str {
    match reason {
        Discard::Closed => "closed",
        Discard::NotAcceptable => "win",
        Discard::Paws => "paws",
        Discard::RepeatedSyn => "again",
        Discard::ResetIgnored => "rst",
        Discard::ResetChallenged => "near",
        Discard::Reset => "reset",
        Discard::SynChallenged => "syn",
        Discard::SynRefused => "refused",
        Discard::NoSyn => "nosyn",
        Discard::NoAck => "noack",
        Discard::BadAck => "ack",
        Discard::Deferred => "wait",
        Discard::TextAfterClose => "late",
        Discard::TextBeyondFin => "beyond",
        Discard::Finished => "end",
        Discard::NoMemory => "memory",
        Discard::Unsigned => "unsigned",
        Discard::SignatureUnexpected => "signed",
        Discard::SignatureWrong => "forged",
        Discard::TooFar => "far",
    }
}
