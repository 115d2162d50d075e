//! Figures 6 to 13 of RFC 9293, run on two real stacks in virtual time, over IPv4 and IPv6.
//!
//! The figure is the test: each of its lines is carried out and compared with what the stacks do.
//! The numbers are the true ones, not translated: the clock of each host starts when its ISN
//! generator (§3.4.1) shows what the figure says.
//!
//! | in the figure | what is done |
//! |---|---|
//! | `-->`, `<--` | a segment leaves a peer, or arrives at one |
//! | `...` | it is held in the network; from there, if it was not held, it is an old duplicate |
//! | a state | the state of that peer afterwards |
//! | SYN-SENT of a peer in CLOSED | first, its user does an active OPEN |
//! | `<DATA=10>` on departure | first, its user SENDs this much |
//! | `(Close)` | its user does a CLOSE |
//! | `(REBOOT)` | it forgets everything |
//! | `(2 MSL)` | this much time passes |
//! | any other remark | nothing |
//!
//! If nothing is there to leave, time passes until something is.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Write;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

use stubborn::config::{Config, TcpConfig};
use stubborn::stack::{ConnId, Secret, Stack};
use stubborn::tcp::State;
use stubborn::time::Instant;
use stubborn::wire::{self, IpHeader, Packet, Payload, Text, protocol};

#[path = "support/notation.rs"]
mod notation;

use notation::Notation;

#[test]
fn figure_6_basic_three_way_handshake() {
    // The user's text is pushed (MUST-61).
    Figure::new(
        "
    TCP Peer A                                                TCP Peer B

1.  CLOSED                                                    LISTEN

2.  SYN-SENT    --> <SEQ=100><CTL=SYN>                    --> SYN-RECEIVED

3.  ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>       <-- SYN-RECEIVED

4.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>           --> ESTABLISHED

5.  ESTABLISHED --> <SEQ=101><ACK=301><DATA=10><CTL=PSH,ACK> --> ESTABLISHED
",
    )
    .then("<-- <SEQ=301><ACK=111><CTL=ACK> <--")
    .runs(|stage| stage.b_listens(100, 300));
}

#[test]
fn figure_7_simultaneous_open() {
    Figure::new(
        "
    TCP Peer A                                       TCP Peer B

1.  CLOSED                                           CLOSED

2.  SYN-SENT     --> <SEQ=100><CTL=SYN>              ...

3.  SYN-RECEIVED <-- <SEQ=300><CTL=SYN>              <-- SYN-SENT

4.               ... <SEQ=100><CTL=SYN>              --> SYN-RECEIVED

5.  SYN-RECEIVED --> <SEQ=100><ACK=301><CTL=SYN,ACK> ...

6.  ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED

7.               ... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED
",
    )
    .runs(|stage| stage.both_closed(100, 300));
}

#[test]
fn figure_8_recovery_from_old_duplicate_syn() {
    // The ISN generator of B takes a step every four microseconds: it shows 400 after a hundred
    // steps more.
    Figure::new(
        "
    TCP Peer A                                           TCP Peer B

1.  CLOSED                                               LISTEN

2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               ...

3.  (duplicate) ... <SEQ=90><CTL=SYN>                --> SYN-RECEIVED

4.  SYN-SENT    <-- <SEQ=300><ACK=91><CTL=SYN,ACK>   <-- SYN-RECEIVED

5.  SYN-SENT    --> <SEQ=91><CTL=RST>                --> LISTEN

    (400 us)                                             (400 us)

6.              ... <SEQ=100><CTL=SYN>               --> SYN-RECEIVED

7.  ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED

8.  ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK>      --> ESTABLISHED
",
    )
    .runs(|stage| stage.b_listens(100, 300));
}

#[test]
fn figure_9_half_open_connection_discovery() {
    Figure::new(
        "
      TCP Peer A                                      TCP Peer B

  1.  (REBOOT)                              (send 300,receive 100)

  2.  CLOSED                                           ESTABLISHED

  3.  SYN-SENT --> <SEQ=400><CTL=SYN>              --> (??)

  4.  (!!)     <-- <SEQ=300><ACK=100><CTL=ACK>     <-- ESTABLISHED

  5.  SYN-SENT --> <SEQ=100><CTL=RST>              --> (Abort!!)

  6.  SYN-SENT                                         CLOSED

  7.  SYN-SENT --> <SEQ=400><CTL=SYN>              -->
",
    )
    // It is reduced to figure 6, but nobody listens at B.
    .then("<-- <SEQ=0><ACK=401><CTL=RST,ACK> <--")
    .runs(|stage| stage.established(99, 299));
}

#[test]
fn figure_10_active_side_causes_half_open_connection_discovery() {
    Figure::new(
        "
      TCP Peer A                                         TCP Peer B

1.  (REBOOT)                                  (send 300,receive 100)

2.  (??)    <-- <SEQ=300><ACK=100><DATA=10><CTL=PSH,ACK> <-- ESTABLISHED

3.          --> <SEQ=100><CTL=RST>                       --> (ABORT!!)

    CLOSED                                                   CLOSED
",
    )
    .runs(|stage| stage.established(99, 299));
}

#[test]
fn figure_11_old_duplicate_syn_initiates_a_reset_on_two_passive_sockets() {
    // Z = 90, X = 300.
    Figure::new(
        "
    TCP Peer A                                    TCP Peer B

1.  LISTEN                                        LISTEN

2.       ... <SEQ=90><CTL=SYN>                -->  SYN-RECEIVED

3.  (??) <-- <SEQ=300><ACK=91><CTL=SYN,ACK>   <--  SYN-RECEIVED

4.       --> <SEQ=91><CTL=RST>                -->  (return to LISTEN!)

5.  LISTEN                                        LISTEN
",
    )
    .runs(|stage| {
        stage.b_listens(100, 300);
        stage.listen(A);
    });
}

#[test]
fn figure_12_normal_close_sequence() {
    Figure::new(
        "
    TCP Peer A                                           TCP Peer B

1.  ESTABLISHED                                          ESTABLISHED

2.  (Close)
    FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  --> CLOSE-WAIT

3.  FIN-WAIT-2  <-- <SEQ=300><ACK=101><CTL=ACK>      <-- CLOSE-WAIT

4.                                                       (Close)
    TIME-WAIT   <-- <SEQ=300><ACK=101><CTL=FIN,ACK>  <-- LAST-ACK

5.  TIME-WAIT   --> <SEQ=101><ACK=301><CTL=ACK>      --> CLOSED

6.  (2 MSL)
    CLOSED
",
    )
    .runs(|stage| stage.established(99, 299));
}

#[test]
fn figure_13_simultaneous_close_sequence() {
    Figure::new(
        "
    TCP Peer A                                           TCP Peer B

1.  ESTABLISHED                                          ESTABLISHED

2.  (Close)                                              (Close)
    FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  ... FIN-WAIT-1
                <-- <SEQ=300><ACK=100><CTL=FIN,ACK>  <--
                ... <SEQ=100><ACK=300><CTL=FIN,ACK>  -->

3.  CLOSING     --> <SEQ=101><ACK=301><CTL=ACK>      ... CLOSING
                <-- <SEQ=301><ACK=101><CTL=ACK>      <--
                ... <SEQ=101><ACK=301><CTL=ACK>      -->

4.  TIME-WAIT                                            TIME-WAIT
    (2 MSL)                                              (2 MSL)
    CLOSED                                               CLOSED
",
    )
    .runs(|stage| stage.established(99, 299));
}

/// A figure that is wrong in one place fails there, and says what happened instead.
#[test]
fn a_figure_that_is_wrong_fails() {
    let right = "
1.  CLOSED                                           LISTEN
2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED
3.  ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED
4.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>      --> ESTABLISHED
";
    let wrong = [
        ("LISTEN", "CLOSED"),
        ("SYN-SENT ", "SYN-RECEIVED"),
        ("<SEQ=300>", "<SEQ=301>"),
        ("<SEQ=100><CTL=SYN>", "<SEQ=100><ACK=1><CTL=SYN,ACK>"),
        ("<ACK=301>", "<ACK=300>"),
        (
            "4.  ESTABLISHED --> <SEQ=101>",
            "4. ESTABLISHED <-- <SEQ=101>",
        ),
        (
            "4. ",
            "5.  ESTABLISHED --> <SEQ=1><CTL=RST> --> CLOSED\n4. ",
        ),
        ("--> ESTABLISHED", "--> ESTABLISHED\n5.  CLOSED     CLOSED"),
        // Not to its end: the last segment is left over.
        (
            "4.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>      --> ESTABLISHED",
            "",
        ),
    ];
    let carry_out = |figure: &str| {
        let mut stage = Stage::new(V4);
        stage.b_listens(100, 300);
        stage.carry_out(figure)
    };
    assert_eq!(carry_out(right), Ok(()));
    for (from, to) in wrong {
        let figure = right.replace(from, to);
        assert!(
            figure != right && carry_out(&figure).is_err(),
            "{from} -> {to}"
        );
    }
}

/// A figure, and what it does not show any more.
struct Figure {
    text: String,
}

impl Figure {
    fn new(text: &str) -> Figure {
        Figure {
            text: text.trim_start_matches('\n').to_owned(),
        }
    }

    /// One more line: what follows, and the figure leaves out.
    fn then(mut self, line: &str) -> Figure {
        self.text.push_str("    ");
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    /// Runs it in both families, each on a stage that `set` has prepared.
    #[track_caller]
    fn runs(&self, set: impl Fn(&mut Stage)) {
        for family in [V4, V6] {
            let mut stage = Stage::new(family);
            set(&mut stage);
            if let Err(difference) = stage.carry_out(&self.text) {
                panic!("{difference}");
            }
        }
    }
}

/// The addresses of A and B.
type Family = [&'static str; 2];

const V4: Family = ["10.0.0.1", "10.0.0.2"];
const V6: Family = ["fd00::1", "fd00::2"];

/// TCP Peer A and TCP Peer B.
type Peer = usize;
const A: Peer = 0;
const B: Peer = 1;

struct Host {
    stack: Stack,
    /// What its clock shows at the start of the figure.
    clock: Instant,
    conn: Option<ConnId>,
    listens: bool,
}

/// Two hosts and the network between them.
struct Stage {
    family: Family,
    /// Time since the start of the figure.
    elapsed: Duration,
    hosts: [Host; 2],
    /// Held in the network: the sender, and the datagram.
    held: Vec<(Peer, Vec<u8>)>,
}

const PORT: u16 = 2000;

fn config(address: &str) -> Config {
    let address: IpAddr = address.parse().unwrap();
    let mut config = Config::new([address]);
    config.tcp = TcpConfig {
        // Each segment of the figures leaves as soon as its cause is there.
        delayed_ack: None,
        ..TcpConfig::default()
    };
    config
}

fn stack(address: &str) -> Stack {
    Stack::new(config(address), Secret([9; 16])).unwrap()
}

impl Stage {
    fn new(family: Family) -> Stage {
        let hosts = family.map(|address| Host {
            stack: stack(address),
            clock: Instant::ZERO,
            conn: None,
            listens: false,
        });
        Stage {
            family,
            elapsed: Duration::ZERO,
            hosts,
            held: Vec::new(),
        }
    }

    fn address(&self, peer: Peer) -> SocketAddr {
        SocketAddr::new(self.family[peer].parse().unwrap(), PORT)
    }

    /// What the clock of a peer shows now.
    fn now(&self, peer: Peer) -> Instant {
        self.hosts[peer].clock + self.elapsed
    }

    /// Sets the clock of a peer so that it now chooses `iss` for the connection with the other.
    fn set_clock(&mut self, peer: Peer, iss: u32) {
        let mut probe = stack(self.family[peer]);
        let (from, to) = (self.address(peer), self.address(1 - peer));
        probe.connect(Instant::ZERO, Some(from), to).unwrap();
        let syn = probe.poll_transmit(Instant::ZERO).unwrap().to_vec();
        let steps = iss.wrapping_sub(header(&syn).header.seq);
        let now = Instant::ZERO + Duration::from_micros(4) * steps;
        self.hosts[peer].clock = Instant::ZERO + (now - (Instant::ZERO + self.elapsed));
    }

    fn both_closed(&mut self, a_iss: u32, b_iss: u32) {
        self.set_clock(A, a_iss);
        self.set_clock(B, b_iss);
    }

    fn b_listens(&mut self, a_iss: u32, b_iss: u32) {
        self.both_closed(a_iss, b_iss);
        self.listen(B);
    }

    fn listen(&mut self, peer: Peer) {
        let local = self.address(peer);
        self.hosts[peer].stack.listen(local, 1).unwrap();
        self.hosts[peer].listens = true;
    }

    /// An open connection, whose users hold it; nobody listens.
    fn established(&mut self, a_iss: u32, b_iss: u32) {
        self.both_closed(a_iss, b_iss);
        let local = self.address(B);
        let listener = self.hosts[B].stack.listen(local, 1).unwrap();
        self.open(A);
        for from in [A, B, A] {
            let segment = self.depart(from).unwrap();
            self.arrive(1 - from, &segment);
        }
        let now = self.now(B);
        let host = &mut self.hosts[B];
        host.conn = host.stack.accept(listener);
        host.stack.close_listener(now, listener);
    }

    fn open(&mut self, peer: Peer) {
        let (local, remote) = (self.address(peer), self.address(1 - peer));
        let now = self.now(peer);
        let host = &mut self.hosts[peer];
        host.conn = Some(host.stack.connect(now, Some(local), remote).unwrap());
    }

    fn reboot(&mut self, peer: Peer) {
        self.hosts[peer].stack = stack(self.family[peer]);
        self.hosts[peer].conn = None;
        // As figure 9 has it.
        self.set_clock(peer, 400);
    }

    fn state(&self, peer: Peer) -> State {
        let host = &self.hosts[peer];
        let states = host.stack.connections().map(|(_, state)| state);
        let open = states.into_iter().find(|state| *state != State::Closed);
        match (open, host.listens) {
            (Some(state), _) => state,
            (None, true) => State::Listen,
            (None, false) => State::Closed,
        }
    }

    /// The next datagram that leaves a peer now.
    fn depart(&mut self, peer: Peer) -> Option<Vec<u8>> {
        let now = self.now(peer);
        let packet = self.hosts[peer].stack.poll_transmit(now)?;
        Some(packet.to_vec())
    }

    fn arrive(&mut self, peer: Peer, datagram: &[u8]) {
        let now = self.now(peer);
        self.hosts[peer].stack.receive(now, datagram);
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        for peer in [A, B] {
            let now = self.now(peer);
            self.hosts[peer].stack.handle_timeouts(now);
        }
    }

    /// Time passes until something leaves a peer.
    fn wait_for(&mut self, peer: Peer) -> Option<Vec<u8>> {
        for _ in 0..100 {
            if let Some(datagram) = self.depart(peer) {
                return Some(datagram);
            }
            let due = self.hosts[peer].stack.next_deadline()?;
            self.pass(due - self.now(peer));
        }
        None
    }
}

fn header(datagram: &[u8]) -> Notation {
    match wire::parse(datagram).unwrap().payload {
        Payload::Tcp(header, text) => Notation::of(&header, text.len()).as_in_figures(),
        other => panic!("{other:?} is no segment"),
    }
}

/// What stands on one side of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Empty,
    State(String),
    Remark(String),
}

/// A line of a figure: what stands left and right, and a segment between two arrows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    sides: [Side; 2],
    segment: Option<([String; 2], Notation)>,
}

const ARROWS: [&str; 3] = ["-->", "<--", "..."];

/// The middle of a figure: what stands alone in a line and begins before it, stands left.
const MIDDLE: usize = 35;

impl Line {
    /// `None` for what only a reader needs.
    fn read(line: &str) -> Option<Line> {
        let is_number = |word: &str| word.ends_with('.') && word[..1].parse::<u8>().is_ok();
        let numbered = line.split_whitespace().next().is_some_and(is_number);
        let line = match numbered {
            true => line
                .replacen(|c: char| c.is_ascii_digit(), " ", 1)
                .replacen('.', " ", 1),
            false => line.to_owned(),
        };
        if line.trim().is_empty() || line.contains("TCP Peer") {
            return None;
        }
        let Some((first, _)) = arrows(&line).next() else {
            return Some(Line {
                sides: states(&line),
                segment: None,
            });
        };
        let (second, _) = arrows(&line).last().expect("two arrows");
        let [left, right] = [&line[..first], &line[second + 3..]];
        let segment = Notation::read(line[first + 3..second].trim()).as_in_figures();
        let arrows = [&line[first..first + 3], &line[second..second + 3]];
        Some(Line {
            sides: [left, right].map(side),
            segment: Some((arrows.map(str::to_owned), segment)),
        })
    }
}

fn arrows(line: &str) -> impl Iterator<Item = (usize, &str)> {
    ARROWS
        .iter()
        .flat_map(|arrow| line.match_indices(*arrow))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
}

fn side(text: &str) -> Side {
    match text.trim() {
        "" => Side::Empty,
        text if text.starts_with('(') => Side::Remark(text.to_owned()),
        text => Side::State(text.to_owned()),
    }
}

/// A line without a segment.
fn states(line: &str) -> [Side; 2] {
    let text = line.trim();
    let at = line.len() - line.trim_start().len();
    // Two of them are far apart.
    match text.split_once("   ") {
        Some((left, right)) => [left, right].map(side),
        None if at < MIDDLE => [side(text), Side::Empty],
        None => [Side::Empty, side(text)],
    }
}

impl Stage {
    /// Carries out a figure line by line, to the first difference; then nothing may be left.
    fn carry_out(&mut self, figure: &str) -> Result<(), String> {
        let mut happened = Vec::new();
        let mut difference = false;
        for line in figure.lines() {
            let Some(expected) = Line::read(line).filter(|_| !difference) else {
                happened.push(String::new());
                continue;
            };
            let (shown, is_right) = self.carry_out_line(&expected);
            difference = !is_right;
            happened.push(shown);
        }
        for peer in [A, B] {
            if let Some(more) = self.depart(peer).filter(|_| !difference) {
                difference = true;
                let name = ['A', 'B'][peer];
                happened.push(format!("from {name}: {}", header(&more)));
            }
        }
        match difference {
            true => Err(side_by_side(figure, &happened)),
            false => Ok(()),
        }
    }

    /// What happened instead of a line, and whether it is the same.
    fn carry_out_line(&mut self, line: &Line) -> (String, bool) {
        for peer in [A, B] {
            if let Side::Remark(remark) = &line.sides[peer] {
                self.heed(peer, remark, line);
            }
        }
        let (middle, is_right) = match &line.segment {
            Some((arrows, segment)) => self.pass_on(arrows, segment, line),
            None => (String::new(), true),
        };
        let sides = [A, B].map(|peer| match &line.sides[peer] {
            Side::State(_) => Side::State(self.state(peer).to_string()),
            other => other.clone(),
        });
        let is_right = is_right && sides == line.sides;
        let [left, right] = sides.map(|side| match side {
            Side::Empty => String::new(),
            Side::State(text) | Side::Remark(text) => text,
        });
        (format!("{left:12} {middle:46} {right}"), is_right)
    }

    /// Does what a remark says.
    fn heed(&mut self, peer: Peer, remark: &str, line: &Line) {
        // What both sides wait for passes once.
        let is_second = peer == B && line.sides[A] == line.sides[B];
        let now = self.now(peer);
        match remark {
            "(Close)" => {
                let host = &mut self.hosts[peer];
                let id = host.conn.expect("a connection to close");
                host.stack.shutdown(now, id, Shutdown::Write).unwrap();
            }
            "(REBOOT)" => self.reboot(peer),
            "(2 MSL)" if !is_second => self.pass(2 * TcpConfig::default().msl),
            "(400 us)" if !is_second => self.pass(Duration::from_micros(400)),
            _ => {}
        }
    }

    /// A segment leaves, or is taken out of the network; then it arrives, or stays there.
    fn pass_on(&mut self, arrows: &[String; 2], segment: &Notation, line: &Line) -> (String, bool) {
        let arrows = [arrows[0].as_str(), arrows[1].as_str()];
        let (from, is_from_network) = match arrows {
            ["-->", _] => (A, false),
            [_, "<--"] => (B, false),
            ["...", "-->"] => (A, true),
            _ => (B, true),
        };
        let datagram = match is_from_network {
            true => Some(self.take_held(from, segment)),
            false => {
                self.prompt(from, segment, line);
                self.wait_for(from)
            }
        };
        let Some(datagram) = datagram else {
            return ("nothing leaves".to_owned(), false);
        };
        let happened = header(&datagram);
        match arrows {
            [_, "-->"] => self.arrive(B, &datagram),
            ["<--", _] => self.arrive(A, &datagram),
            _ => self.held.push((from, datagram)),
        }
        let text = happened.to_string();
        let shown = format!("{} {text:38} {}", arrows[0], arrows[1]);
        (shown, happened == *segment)
    }

    /// The user of a peer does what makes a segment leave.
    fn prompt(&mut self, peer: Peer, segment: &Notation, line: &Line) {
        let opens = line.sides[peer] == Side::State(State::SynSent.to_string());
        if opens && self.state(peer) == State::Closed {
            self.open(peer);
        }
        if segment.len > 0 {
            let now = self.now(peer);
            let host = &mut self.hosts[peer];
            let id = host.conn.expect("a connection to send on");
            host.stack.send(now, id, &vec![0; segment.len]).unwrap();
        }
    }

    /// What is held in the network, or else an old duplicate.
    fn take_held(&mut self, from: Peer, segment: &Notation) -> Vec<u8> {
        let is_it =
            |(sender, datagram): &(Peer, Vec<u8>)| *sender == from && header(datagram) == *segment;
        if let Some(index) = self.held.iter().position(is_it) {
            return self.held.remove(index).1;
        }
        let (source, destination) = (self.address(from), self.address(1 - from));
        let ip = IpHeader::new(source.ip(), destination.ip(), protocol::TCP, 64);
        let mut header = segment.header;
        (header.source_port, header.destination_port) = (PORT, PORT);
        Packet::tcp(&ip, &header, Text::EMPTY).to_vec()
    }
}

/// The figure, and what happened: up to the first difference, which is marked.
fn side_by_side(figure: &str, happened: &[String]) -> String {
    let mut text = format!("\n{:80} | what happened\n", "the figure");
    let last = happened.iter().rposition(|what| !what.is_empty());
    let lines = figure.lines().chain(std::iter::repeat(""));
    for (index, (line, what)) in lines.zip(happened).enumerate() {
        let mark = if Some(index) == last { "#" } else { "|" };
        writeln!(text, "{line:80} {mark} {what}").unwrap();
    }
    text
}
