//! The state diagram: its picture is true to the table, and every arrow of the table is taken on a
//! real stack.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "state_diagram/picture.rs"]
mod picture;

use std::cell::RefCell;
use std::path::Path;

use dialogue::{Dialogue, Family, in_both_families, plain, secs};
use stubborn::config::{Keepalive, TcpConfig};
use stubborn::stack::Readiness;
use stubborn::tcp::{ARROWS, Arrow, Event, State};
use stubborn::wire::Control;

#[test]
fn the_picture_is_true_to_the_table() {
    let routes = "see ROUTES in tests/state_diagram/picture.rs";
    assert!(picture::not_shown().is_empty(), "{routes}");
    assert_eq!(
        picture::drawn_in_vain(),
        [""; 0],
        "tests/state_diagram/picture.rs: ROUTES"
    );
    for (name, text) in [("state.svg", picture::svg()), ("state.dot", picture::dot())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(name);
        if std::env::var_os("STUBBORN_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/{name} is not what ARROWS (src/tcp/state.rs) says; to renew it, run\n    \
             STUBBORN_BLESS=1 cargo test --test state_diagram\nand look at it"
        );
    }
}

/// Arrows that no user of this stack can take.
const NOT_TAKEN: [(State, Event, &str); 2] = [
    (
        State::Listen,
        Event::Send,
        "a listener is not a connection: nothing can be sent on it",
    ),
    (
        State::Listen,
        Event::ActiveOpen,
        "a listener stays one: an active OPEN makes a connection of its own",
    ),
];

#[test]
fn every_arrow_is_taken() {
    record_log();
    in_both_families(|family| {
        for arrow in ARROWS {
            let reason = NOT_TAKEN
                .iter()
                .find(|(from, event, _)| (*from, *event) == (arrow.from, arrow.event));
            if reason.is_none() {
                take(arrow, family);
            }
        }
    });
    for (from, event, reason) in NOT_TAKEN {
        assert!(from.on(event).is_some(), "no such arrow any more: {reason}");
    }
}

/// Takes an arrow: from the state where it starts, by its event, to the state where it ends; and
/// what leaves on the way is its action.
fn take(arrow: &Arrow, family: Family) {
    let name = format!("{} -- {} --> {}", arrow.from, arrow.event, arrow.to);
    let mut d = stage(arrow, family);
    assert_eq!(d.state(), arrow.from, "{name}: where it starts");
    LOG.with_borrow_mut(Vec::clear);
    d.readiness();
    cause(&mut d, arrow);
    let left: Vec<Control> = d
        .all_that_leaves()
        .iter()
        .map(|segment| segment.header.control)
        .collect();
    assert_eq!(left, sent(arrow), "{name}: what is sent");
    assert_eq!(d.state(), arrow.to, "{name}: where it ends");
    let log = LOG.with_borrow(|lines| lines.join("\n"));
    let is_a_listeners = arrow.from == State::Listen && arrow.to == State::Closed;
    if arrow.event != Event::PassiveOpen && !is_a_listeners {
        assert!(log.contains(&name), "{name}: not by this arrow, but\n{log}");
    }
    if d.conn.is_some() && arrow.event != Event::ActiveOpen {
        assert!(
            d.readiness().has(Readiness::STATE),
            "{name}: the user is told"
        );
    }
}

/// What an action sends.
fn sent(arrow: &Arrow) -> Vec<Control> {
    let by_keepalive = arrow.from == State::FinWait2 && arrow.event == Event::GiveUp;
    let controls = match arrow.action {
        // A peer that does not answer keepalives may still be there: it is told.
        _ if by_keepalive => Control::RST | Control::ACK,
        "snd SYN" | "create TCB, snd SYN" => Control::SYN,
        "snd SYN,ACK" => Control::SYN | Control::ACK,
        "snd ACK" => Control::ACK,
        "snd FIN" => Control::FIN | Control::ACK,
        "snd RST" => Control::RST | Control::ACK,
        "" | "create TCB" | "delete TCB" => return Vec::new(),
        other => panic!("what does \"{other}\" send?"),
    };
    vec![controls]
}

/// A connection in the state where an arrow starts.
fn stage(arrow: &Arrow, family: Family) -> Dialogue {
    let mut tcp = TcpConfig { r2: 2, ..plain() };
    if arrow.from == State::FinWait2 && arrow.event == Event::GiveUp {
        tcp.socket.keepalive = Some(Keepalive {
            count: 1,
            ..Keepalive::default()
        });
    }
    let mut d = Dialogue::new(family, tcp);
    let is_active = arrow.from == State::SynSent
        || arrow.from == State::SynReceived
            && matches!(
                arrow.event,
                Event::RcvRst | Event::Close | Event::Abort | Event::GiveUp
            );
    let steps: &[fn(&mut Dialogue)] = match arrow.from {
        State::Closed => &[],
        State::SynSent => &[connect],
        State::SynReceived if is_active => &[connect, syn],
        State::Listen => &[listen],
        State::SynReceived => &[listen, syn],
        State::Established => &[open],
        State::FinWait1 => &[open, close],
        State::FinWait2 => &[open, close, ack_of_fin],
        State::CloseWait => &[open, fin],
        State::Closing => &[open, close, fin],
        State::LastAck => &[open, fin, close],
        State::TimeWait => &[open, close, ack_of_fin, fin],
    };
    for step in steps {
        step(&mut d);
        d.all_that_leaves();
    }
    d
}

fn listen(d: &mut Dialogue) {
    d.listen(1);
}

fn connect(d: &mut Dialogue) {
    d.connect();
}

fn syn(d: &mut Dialogue) {
    d.arrives("<SEQ=100><CTL=SYN><MSS=1000>");
}

/// Opened by the peer; nobody listens any more.
fn open(d: &mut Dialogue) {
    d.listen(1).opens().closes_listener();
}

fn close(d: &mut Dialogue) {
    d.closes();
}

fn ack_of_fin(d: &mut Dialogue) {
    d.arrives("<SEQ=101><ACK=302><CTL=ACK>");
}

/// The peer's FIN, which acknowledges ours only in FIN-WAIT-2.
fn fin(d: &mut Dialogue) {
    match d.state() {
        State::FinWait2 => d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>"),
        _ => d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>"),
    };
}

/// The event of an arrow happens.
fn cause(d: &mut Dialogue, arrow: &Arrow) {
    let by_reset = match arrow.from {
        State::SynSent => "<SEQ=0><ACK=301><CTL=RST,ACK>",
        State::CloseWait | State::Closing | State::LastAck => "<SEQ=102><CTL=RST>",
        _ => "<SEQ=101><CTL=RST>",
    };
    match arrow.event {
        Event::PassiveOpen => listen(d),
        Event::ActiveOpen => connect(d),
        Event::Close | Event::Abort if arrow.from == State::Listen => {
            d.closes_listener();
        }
        Event::Close => close(d),
        Event::Abort => {
            d.aborts();
        }
        Event::RcvSyn => syn(d),
        Event::RcvSynAck => arrives(d, "<SEQ=100><ACK=301><CTL=SYN,ACK>"),
        Event::RcvAckOfSyn => arrives(d, "<SEQ=101><ACK=301><CTL=ACK>"),
        Event::RcvFin => fin(d),
        Event::RcvAckOfFin if arrow.from == State::FinWait1 => ack_of_fin(d),
        Event::RcvAckOfFin => arrives(d, "<SEQ=102><ACK=302><CTL=ACK>"),
        Event::RcvRst | Event::RcvRstPassive => arrives(d, by_reset),
        Event::GiveUp => give_up(d),
        Event::Timeout => time_out(d),
        Event::Send => unreachable!("no arrow with SEND can be taken"),
    }
}

fn arrives(d: &mut Dialogue, segment: &str) {
    d.arrives(segment);
}

/// Something is in flight, unless it is a SYN or FIN already; nobody answers any more.
fn give_up(d: &mut Dialogue) {
    if matches!(d.state(), State::Established | State::CloseWait) {
        d.sends(1).all_that_leaves();
    }
    // What is sent again, or asks for an answer, on the way.
    while d.stack.next_deadline().is_some() && d.state() != State::Closed {
        d.all_that_leaves();
        d.until_deadline();
    }
}

/// The time of the state is over. In FIN-WAIT-2 it runs once the user has let go.
fn time_out(d: &mut Dialogue) {
    let from = d.state();
    if from == State::FinWait2 {
        d.lets_go();
    }
    d.until(secs(60));
}

thread_local! {
    /// What this thread's stacks have logged.
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOG.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// The core logs every arrow that it takes.
fn record_log() {
    log::set_logger(&Recorder).expect("no other logger");
    log::set_max_level(log::LevelFilter::Info);
}
