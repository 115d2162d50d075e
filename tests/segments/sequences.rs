//! Several segments, one after the other. What the tables say of one is said here of any sequence, by a second reading
//! of RFC 9293 §3.10.7.4 that knows no buffers, no recovery and no congestion: only where the numbers stand. After each
//! segment the state must be the same, and what leaves must be what it says, octet by octet; and the user, who reads
//! now and then, reads what it says has arrived.

use std::collections::BTreeSet;
use std::time::Duration;

use stubborn::tcp::State;
use stubborn::wire::Control;

use crate::dialogue::notation::Notation;
use crate::dialogue::{Dialogue, ISN, ISS};
use crate::seeds::every_seed;
use crate::{Space, World, established, syn_received_active, syn_received_passive};

/// What chance decides, from the number of a run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }
}

/// Octets of the receive buffer.
const BUFFER: u32 = 1000;

/// A segment of the peer.
#[derive(Clone, Copy, Debug)]
struct Segment {
    seq: u32,
    ack: u32,
    len: u32,
    control: Control,
}

impl Segment {
    fn has(&self, bit: Control) -> bool {
        self.control.has(bit)
    }

    /// The place behind it.
    fn end(&self) -> u32 {
        let control = |bit| u32::from(self.has(bit));
        self.seq + self.len + control(Control::SYN) + control(Control::FIN)
    }

    /// What is left of it behind its SYN.
    fn lose_syn(&mut self) {
        self.seq += 1;
        self.control = self.control - Control::SYN;
    }

    fn written(&self) -> String {
        let Segment { seq, ack, len, .. } = self;
        let ack = match self.has(Control::ACK) {
            true => format!("<ACK={ack}>"),
            false => String::new(),
        };
        format!("<SEQ={seq}>{ack}<DATA={len}><CTL={}>", self.control)
    }
}

/// A connection from SYN-RECEIVED on.
#[derive(Clone, Debug)]
struct Reading {
    state: State,
    /// It came from LISTEN.
    passive: bool,
    una: u32,
    nxt: u32,
    /// RCV.NXT, and the right edge of the window.
    next: u32,
    edge: u32,
    /// What the user reads next.
    read: u32,
    /// Places of the peer's text that are here, though one before them is not.
    held: BTreeSet<u32>,
    /// Where the peer's FIN stands, if it has come.
    fin: Option<u32>,
    /// The last challenge was not long ago.
    challenged: bool,
}

/// What a segment provokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Nothing,
    Acknowledgment,
    /// An acknowledgment, unless there was one of this kind just before (RFC 5961 §7).
    Challenge,
    /// Our SYN,ACK again, limited like it.
    SynAck,
    /// A reset with the number that the segment acknowledges.
    Reset(u32),
}
use Answer::{Acknowledgment, Challenge, Nothing, Reset, SynAck};

impl Reading {
    fn receives(&self) -> bool {
        let states = [State::Established, State::FinWait1, State::FinWait2];
        states.contains(&self.state)
    }

    /// A segment arrives: what leaves in answer, if anything does.
    fn arrives(&mut self, segment: &Segment) -> Option<Answer> {
        match self.walk(segment) {
            Nothing => None,
            answer @ (Challenge | SynAck) => {
                (!std::mem::replace(&mut self.challenged, true)).then_some(answer)
            }
            answer => Some(answer),
        }
    }

    fn written(&self, answer: Answer) -> Notation {
        match answer {
            Nothing | Acknowledgment | Challenge => self.acknowledgment(),
            SynAck => Notation::read("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK><MSS=1000>"),
            Reset(number) => Notation::read(&format!("<SEQ={number}><CTL=RST>")),
        }
    }

    /// The steps of §3.10.7.4.
    fn walk(&mut self, segment: &Segment) -> Answer {
        if segment.has(Control::RST) {
            return self.takes_reset(segment.seq);
        }
        let mut segment = *segment;
        let opens = self.state == State::SynReceived;
        if opens && segment.has(Control::SYN) && segment.seq == ISN {
            match (self.passive, segment.has(Control::ACK)) {
                (true, false) => return SynAck,
                // Both have opened at once (appendix A.2).
                (false, true) => segment.lose_syn(),
                _ => {}
            }
        }
        if !self.is_acceptable(&segment) {
            return match segment.has(Control::SYN) || segment.end() == segment.seq {
                true => Challenge,
                false => Acknowledgment,
            };
        }
        if opens && segment.has(Control::SYN) && segment.seq < self.next {
            segment.lose_syn();
        }
        if segment.has(Control::SYN) {
            return self.takes_syn();
        }
        if !segment.has(Control::ACK) {
            return Nothing;
        }
        self.takes_ack(&segment)
    }

    /// A SYN in the window (RFC 5961 §4).
    fn takes_syn(&mut self) -> Answer {
        match self.state == State::SynReceived && self.passive {
            true => {
                self.state = State::Listen;
                Nothing
            }
            false => Challenge,
        }
    }

    /// The fifth step, and what follows.
    fn takes_ack(&mut self, segment: &Segment) -> Answer {
        let Segment { seq, ack, .. } = *segment;
        if self.state == State::SynReceived {
            if ack <= self.una || ack > self.nxt {
                return Reset(ack);
            }
            self.state = State::Established;
        }
        if ack <= ISS || ack > self.nxt {
            return Challenge;
        }
        if self.state == State::TimeWait {
            return match segment.end() > seq || seq != self.next {
                true => Challenge,
                false => Nothing,
            };
        }
        self.una = self.una.max(ack);
        if self.una == self.nxt {
            self.state = match self.state {
                State::FinWait1 => State::FinWait2,
                State::Closing => State::TimeWait,
                State::LastAck => State::Closed,
                other => other,
            };
        }
        match self.receives() && self.takes_text(segment) {
            true => Acknowledgment,
            false => Nothing,
        }
    }

    /// RFC 5961 §3, RFC 1337.
    fn takes_reset(&mut self, seq: u32) -> Answer {
        match seq {
            _ if self.state == State::TimeWait => Nothing,
            _ if seq == self.next => {
                self.state = match self.state == State::SynReceived && self.passive {
                    true => State::Listen,
                    false => State::Closed,
                };
                Nothing
            }
            _ if self.next < seq && seq < self.edge => Challenge,
            _ => Nothing,
        }
    }

    /// Table 6, and the allowances of §3.10.7.4: a bare acknowledgment may stand at the edge, and what begins at
    /// RCV.NXT passes a closed window.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let (seq, end) = (segment.seq, segment.end());
        if end == seq {
            return self.next <= seq && seq <= self.edge;
        }
        let is_there = (seq..end).any(|place| self.next <= place && place < self.edge);
        is_there || (seq == self.next && self.next == self.edge)
    }

    /// Text and FIN, in a state in which they count: whether they are to be acknowledged.
    fn takes_text(&mut self, segment: &Segment) -> bool {
        let text_end = segment.seq + segment.len;
        let is_cut = text_end > self.edge;
        let places = segment.seq.max(self.next)..text_end.min(self.edge);
        let is_text = !places.is_empty();
        self.held
            .extend(places.filter(|place| self.fin.is_none_or(|fin| *place < fin)));
        while self.held.remove(&self.next) {
            self.next += 1;
        }
        let mut is_due = is_text || is_cut;
        // A FIN behind text that was cut off did not come; nor is one before text that is here already.
        let last = self.held.last().map_or(self.next, |last| last + 1);
        if segment.has(Control::FIN) && !is_cut && (self.fin.is_some() || text_end >= last) {
            let fin = *self.fin.get_or_insert(text_end);
            is_due |= fin >= self.next;
        }
        if self.fin == Some(self.next) {
            self.next += 1;
            self.edge = self.edge.max(self.next);
            self.state = match self.state {
                State::Established => State::CloseWait,
                State::FinWait1 => State::Closing,
                _ => State::TimeWait,
            };
            is_due = true;
        }
        is_due
    }

    /// A segment leaves: its window may be larger by half the buffer, or stays (§3.8.6.2.2). Whether it is.
    fn opens(&mut self) -> bool {
        let edge = self.read + BUFFER;
        let is_larger = edge >= self.edge + BUFFER / 2;
        self.edge = if is_larger { edge } else { self.edge };
        is_larger
    }

    /// RECEIVE: what leaves. Whoever can send more hears of it at once.
    fn reads(&mut self, count: u32) -> Option<Notation> {
        self.read += count;
        (self.receives() && self.opens()).then(|| self.acknowledgment())
    }

    /// Octets that the user can read.
    fn readable(&self) -> u32 {
        let has_end = self.fin.is_some_and(|fin| fin < self.next);
        self.next - self.read - u32::from(has_end)
    }

    /// CLOSE.
    fn closes(&mut self) {
        self.nxt += 1;
        self.state = match self.state {
            State::Established => State::FinWait1,
            _ => State::LastAck,
        };
    }

    fn acknowledgment(&self) -> Notation {
        let Reading {
            nxt, next, edge, ..
        } = self;
        Notation::read(&format!(
            "<SEQ={nxt}><ACK={next}><WND={}><CTL=ACK>",
            edge - next
        ))
    }

    /// Our FIN again, which a few acknowledgments that bring nothing provoke.
    fn fin_again(&self) -> Notation {
        let Reading {
            nxt, next, edge, ..
        } = self;
        Notation::read(&format!(
            "<SEQ={}><ACK={next}><WND={}><CTL=FIN,ACK>",
            nxt - 1,
            edge - next
        ))
    }
}

/// A segment near what is expected, or near the edge of the window; rarely anything else.
fn segment(chance: &mut Chance, known: &Reading) -> Segment {
    let near = match chance.percent(80) {
        true => known.next,
        false => known.edge,
    };
    let len = match chance.percent(60) {
        true => 1 + chance.below(8),
        false => 0,
    };
    let ack = match chance.percent(90) {
        true => known.una + chance.below(known.nxt - known.una + 1),
        false => chance.pick(&[ISS, ISS + 1, known.una - 1, known.nxt + 1]),
    };
    let bits = [
        (Control::FIN, 20),
        (Control::PSH, 10),
        (Control::SYN, 3),
        (Control::RST, 1),
    ];
    let mut control = match chance.percent(97) {
        true => Control::ACK,
        false => Control::NONE,
    };
    for (bit, percent) in bits {
        if chance.percent(percent) {
            control |= bit;
        }
    }
    // Of these it is told elsewhere.
    if control.has(Control::RST) {
        control = control - (Control::SYN | Control::FIN);
    }
    Segment {
        seq: near - 8 + chance.below(22),
        ack,
        len,
        control,
    }
}

/// A connection in ESTABLISHED, with nothing in flight and some of its window used up, or in SYN-RECEIVED.
fn start(chance: &mut Chance) -> (Dialogue, Reading) {
    let world = &World::ALL[chance.below(World::ALL.len() as u32) as usize];
    let begin = |(d, space): (Dialogue, Space), state, passive| {
        let Space { una, nxt, n, e, .. } = space;
        let known = Reading {
            state,
            passive,
            una,
            nxt,
            next: n,
            edge: e,
            read: n,
            held: BTreeSet::new(),
            fin: None,
            challenged: false,
        };
        (d, known)
    };
    match chance.below(4) {
        0 => return begin(syn_received_passive(world), State::SynReceived, true),
        1 => return begin(syn_received_active(world), State::SynReceived, false),
        _ => {}
    }
    let (mut d, mut known) = begin(established(world), State::Established, true);
    let used = chance.pick(&[0, 900, 960, 975, 980]);
    let Reading { nxt, next, .. } = known;
    d.arrives(&format!("<SEQ={next}><ACK={nxt}><DATA={used}><CTL=ACK>"));
    (known.una, known.next) = (nxt, next + used);
    if used > 0 {
        assert_eq!(d.leaves_something(), known.acknowledgment());
    }
    (d, known)
}

fn sequence(seed: u64) {
    let mut chance = Chance(seed);
    let (mut d, mut known) = start(&mut chance);
    for _ in 0..24 {
        if matches!(known.state, State::Established | State::CloseWait) && chance.percent(8) {
            known.closes();
            d.closes();
            known.opens();
            let left = d.leaves_something();
            assert_eq!(left, known.fin_again(), "{}", d.transcript());
        }
        if known.una == known.nxt && chance.percent(30) {
            // Nothing is in flight, and TIME-WAIT lasts for longer than all of them together.
            let later = d.elapsed() + Duration::from_secs(1);
            d.until(later);
            known.challenged = false;
        }
        if chance.percent(20) && known.readable() > 0 {
            let count = 1 + chance.below(known.readable());
            d.reads(count as usize);
            let expected: Vec<Notation> = known.reads(count).into_iter().collect();
            let left = d.all_that_leaves();
            assert_eq!(left, expected, "{}", d.transcript());
        }
        let segment = segment(&mut chance, &known);
        let answer = known.arrives(&segment);
        d.arrives(&segment.written());
        if d.state() != known.state {
            d.fail(&format!("it should be {}", known.state));
        }
        let mut left = d.all_that_leaves();
        if !left.is_empty() && !matches!(answer, Some(Reset(_))) {
            known.opens();
        }
        let all = left.len();
        left.retain(|it| known.una == known.nxt || *it != known.fin_again());
        // It carries the acknowledgment as well.
        let is_said = left.len() < all;
        let expected = answer
            .filter(|_| !is_said)
            .map(|answer| known.written(answer));
        let expected: Vec<Notation> = expected.into_iter().collect();
        if left != expected {
            d.fail(&format!("it should be {expected:?}, not {left:?}"));
        }
        if matches!(known.state, State::Closed | State::Listen) {
            return;
        }
        if d.conn.is_none() && known.state != State::SynReceived {
            d.accept().closes_listener();
        }
    }
    if known.readable() > 0 {
        d.reads(known.readable() as usize);
    }
    d.all_that_leaves();
}

/// As many as one has patience for, or one again: `SEGMENTS_SEEDS=7 cargo test --test segments sequences`.
#[test]
fn any_sequence_of_segments_is_read_twice() {
    every_seed("SEGMENTS_SEEDS", 0..2_000, sequence);
}
