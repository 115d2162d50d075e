//! Explicit congestion notification: a router that is congested marks a datagram instead of
//! dropping it, the receiver tells the sender, and the sender slows down (RFC 3168, RFC 9768).
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | [`Feedback`]: the ECN of a connection, and what arrives of it |
//! | `marks` | what each segment carries |
//! | `reductions` | one reduction for a window of text (RFC 3168 §6.1.2) |
//! | `connection` | how the rest of the connection uses it |
//! | `negotiation` | what two SYNs agree on (RFC 9768 §3.1) |
//! | `classic` | ECE until CWR (RFC 3168 §6.1), or for each mark (RFC 8257 §3.2) |
//! | `receiver` | what arrived with which codepoint, and when to report it (RFC 9768 §3.2) |
//! | `sender` | what the peer reports, and whether to believe it |
//! | `counters` | counters of which only the lowest bits are sent (RFC 9768, appendix A) |
//!
//! Nothing here sends or reduces: [`output`](super::output) asks what a segment carries, and
//! congestion control is told of marks as of losses.

mod classic;
mod connection;
mod counters;
mod marks;
mod negotiation;
mod receiver;
mod reductions;
mod sender;

use super::segment::Segment;
use super::seq::Seq;
use super::status::EcnOctets;
use crate::config::{EcnConfig, EcnMode};
use crate::time::Instant;
use crate::wire::{Control, Ecn};

use classic::Classic;
pub(in crate::tcp) use marks::{Carrier, Marks};
use receiver::Receiver;
use sender::{Acked, Mangled, Marked, Sender};

/// What an acknowledgment newly says of congestion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tcp) struct Congestion {
    /// Marked packets; an estimate if the feedback has only one bit.
    pub(in crate::tcp) packets: u64,
    /// Marked octets; all that are newly acknowledged if the feedback has only one bit.
    pub(in crate::tcp) octets: u64,
}

/// An acknowledgment, as the sender sees it.
#[derive(Clone, Copy, Debug)]
pub(in crate::tcp) struct Acknowledged {
    /// SEG.ACK.
    pub(in crate::tcp) ack: Seq,
    /// SND.NXT.
    pub(in crate::tcp) nxt: Seq,
    /// Octets of text that it newly acknowledges.
    pub(in crate::tcp) octets: usize,
    /// How many segments those were, at most.
    pub(in crate::tcp) segments: u64,
    /// How many more may have arrived that it does not report.
    pub(in crate::tcp) untold: u64,
    /// The longest text of a segment, in octets.
    pub(in crate::tcp) mss: usize,
    /// Congestion control counts marks.
    pub(in crate::tcp) counted: bool,
    /// It acknowledges our SYN,ACK.
    pub(in crate::tcp) of_syn_ack: bool,
    /// No other has overtaken it (RFC 9768, appendix A.1).
    pub(in crate::tcp) is_newest: bool,
}

/// If everything was marked in this many rounds from the start, the path is assumed to mark all
/// packets (RFC 9768 §3.2.2.3).
const ROUNDS_OF_MARKS: u8 = 4;

/// The ECN of one connection, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Feedback {
    config: EcnConfig,
    /// The agreed mode; `Off` as long as there is none.
    mode: EcnMode,
    /// What we send may be ECN-capable.
    capable: bool,
    /// How many of our SYNs, or SYN,ACKs, have left; counts only as far as needed.
    syns: u32,
    /// What the first SYN of the peer asked for.
    peer_asked: EcnMode,
    /// How the last one arrived, or its SYN,ACK.
    peer_syn: Ecn,
    /// A later SYN asked for nothing: the peer has fallen back.
    peer_fell_back: bool,
    /// The peer has reported a mark on our SYN or SYN,ACK, and nothing has reacted to it yet.
    syn_marked: bool,
    /// The acknowledgment of the peer's SYN,ACK is due, and says how it arrived (RFC 9768
    /// §3.2.2.1).
    handshake_ack_due: bool,
    /// An option is due on the first new text, to see whether the path lets it through.
    test_due: bool,
    /// The place after the text that carried it, until it is acknowledged.
    tested: Option<Seq>,
    /// SND.NXT when the window was last reduced: marks on earlier segments do not reduce it again.
    reduced: Option<Seq>,
    /// The same, if marks were the reason: losses do not reduce it again, either.
    answered: Option<Seq>,
    /// The last loss has not reduced the window, because marks already had.
    loss_was_answered: bool,
    /// The latest of our timestamps that the peer has echoed.
    newest_echo: Option<Instant>,
    /// The round that ends when this place is acknowledged; `None` before the first.
    round_end: Option<Seq>,
    /// Whether all that it has acknowledged was marked.
    all_marked: bool,
    /// How many rounds, all of them so far, were marked throughout; `None` once one was not.
    rounds_marked: Option<u8>,
    classic: Classic,
    receiver: Receiver,
    sender: Sender,
}

impl Feedback {
    /// Before any SYN.
    pub(in crate::tcp) fn new(config: EcnConfig) -> Feedback {
        Feedback {
            config,
            mode: EcnMode::Off,
            capable: false,
            syns: 0,
            peer_asked: EcnMode::Off,
            peer_syn: Ecn::NotEct,
            peer_fell_back: false,
            syn_marked: false,
            handshake_ack_due: false,
            test_due: false,
            tested: None,
            reduced: None,
            answered: None,
            loss_was_answered: false,
            newest_echo: None,
            round_end: None,
            all_marked: true,
            rounds_marked: Some(0),
            classic: Classic::default(),
            receiver: Receiver::new(config.options),
            sender: Sender::default(),
        }
    }

    /// A SYN arrives in LISTEN; or in SYN-SENT (`opens_too`), when both sides open at once: then
    /// the lesser of the two requests is agreed, because the peer may support no more.
    pub(in crate::tcp) fn on_syn(&mut self, control: Control, ecn: Ecn, opens_too: bool) {
        self.peer_asked = negotiation::asked_in(control, ecn, &self.config);
        self.peer_syn = ecn;
        self.mode = match opens_too {
            true => self.peer_asked.min(self.config.ask),
            false => self.peer_asked,
        };
        self.capable = self.mode != EcnMode::Off;
        // From now on SYN,ACKs are counted.
        self.syns = 0;
    }

    /// The peer's SYN arrives again. Returns whether it contradicts the first: then it is unknown
    /// which of the two the peer will follow (RFC 9768 §3.1.5), and the connection must be reset.
    pub(in crate::tcp) fn on_repeated_syn(&mut self, control: Control, ecn: Ecn) -> bool {
        self.peer_syn = ecn;
        match (
            self.peer_asked,
            negotiation::asked_in(control, ecn, &self.config),
        ) {
            (EcnMode::Off, _) => false,
            (_, EcnMode::Off) => {
                self.peer_fell_back = true;
                self.capable = false;
                false
            }
            (first, again) => first != again,
        }
    }

    /// The SYN,ACK arrives in SYN-SENT, with this much text: what was asked is agreed, or less.
    pub(in crate::tcp) fn on_syn_ack(&mut self, seg: &Segment<'_>) {
        let fell_back = self.syns > self.attempts(self.config.ask);
        self.mode = negotiation::agreed_by(seg.ctl, self.config.ask);
        self.capable = match self.mode {
            EcnMode::Off => false,
            // RFC 3168 §6.1.1: not after a SYN that did not ask.
            EcnMode::Classic => !fell_back,
            EcnMode::Accurate => true,
        };
        if self.mode == EcnMode::Accurate {
            self.peer_syn = seg.ecn;
            self.handshake_ack_due = true;
            self.test_due = true;
            self.receiver.on_syn_ack(seg.ecn, seg.text.len());
            self.sender.check_first_option(seg.options.accurate_ecn);
            self.hear_of_our_syn(seg.ctl);
        }
    }

    /// The SYN,ACK arrives again: its acknowledgment has to say how it arrived (RFC 9768 §3.2.2.1).
    pub(in crate::tcp) fn on_repeated_syn_ack(&mut self, control: Control, ecn: Ecn) {
        let agrees = negotiation::agreed_by(control, EcnMode::Accurate) == EcnMode::Accurate;
        if self.mode == EcnMode::Accurate && agrees {
            self.peer_syn = ecn;
            self.handshake_ack_due = true;
            self.receiver.on_syn_ack(ecn, 0);
        }
    }

    /// The peer reports how our SYN or SYN,ACK arrived. It left as Not-ECT, and no router may
    /// change that (RFC 9768 §3.2.2.3).
    fn hear_of_our_syn(&mut self, answer: Control) {
        match negotiation::echoed_by(answer) {
            None | Some(Ecn::NotEct) => {}
            Some(Ecn::Ect0 | Ecn::Ect1) => self.capable = false,
            Some(Ecn::Ce) => {
                self.capable = false;
                self.syn_marked = true;
            }
        }
    }

    /// Takes the report that our SYN or SYN,ACK was marked on its way: congestion control must be
    /// told once.
    pub(in crate::tcp) fn take_syn_marked(&mut self) -> bool {
        core::mem::take(&mut self.syn_marked)
    }

    /// A pure acknowledgment must leave before any text.
    pub(in crate::tcp) fn owes_handshake_ack(&self) -> bool {
        self.handshake_ack_due
    }

    /// A segment arrived that the connection takes. Returns whether it must be acknowledged now;
    /// `text_waits`: there is text that has not been acknowledged.
    pub(in crate::tcp) fn on_segment(&mut self, seg: &Segment<'_>, text_waits: bool) -> bool {
        match self.mode {
            EcnMode::Off => false,
            EcnMode::Classic => self.classic.on_segment(seg),
            EcnMode::Accurate => {
                let (packets, text) = (seg.segments() as u64, seg.text.len());
                self.receiver.on_packets(packets, seg.ecn, text, text_waits)
            }
        }
    }

    /// As [`Feedback::on_segment`], if marks are counted with the feedback of RFC 3168; `waiting`:
    /// the end of the text in order that has not been acknowledged.
    pub(in crate::tcp) fn on_counted_segment(
        &mut self,
        seg: &Segment<'_>,
        waiting: Option<Seq>,
    ) -> bool {
        !seg.text.is_empty() && self.classic.on_counted_text(seg.ctl, seg.ecn, waiting)
    }

    /// SEG.ACK of an acknowledgment that must leave before any other segment: of what arrived
    /// before the marks changed (RFC 8257 §3.2).
    pub(in crate::tcp) fn earlier_ack(&self) -> Option<Seq> {
        self.classic.earlier_ack()
    }

    /// Text arrived in order: the peer receives our acknowledgments.
    pub(in crate::tcp) fn on_heard(&mut self) {
        self.receiver.on_heard();
    }

    /// Text arrived again that had been acknowledged.
    pub(in crate::tcp) fn on_unheard(&mut self) {
        self.receiver.on_unheard();
    }

    /// Whether no other acknowledgment has overtaken this one, as far as can be told: it brings
    /// news, or a timestamp of ours that is newer than any (RFC 9768, appendix A.1).
    pub(in crate::tcp) fn is_newest(&mut self, brings_news: bool, echo: Option<Instant>) -> bool {
        let is_newer = echo > self.newest_echo;
        self.newest_echo = self.newest_echo.max(echo);
        brings_news || is_newer
    }

    /// An acknowledgment with SND.UNA =< SEG.ACK =< SND.NXT arrived. Returns what it newly reports
    /// about congestion.
    pub(in crate::tcp) fn on_ack(&mut self, seg: &Segment<'_>, ack: &Acknowledged) -> Congestion {
        if self.tested.is_some_and(|tested| tested <= ack.ack) {
            self.tested = None;
        }
        match self.mode {
            EcnMode::Off => Congestion::default(),
            EcnMode::Classic => match self.classic.hears(seg.ctl, ack.octets > 0, ack.counted) {
                true => Congestion {
                    packets: ack.octets.div_ceil(ack.mss).max(1) as u64,
                    octets: ack.octets as u64,
                },
                false => Congestion::default(),
            },
            EcnMode::Accurate if ack.of_syn_ack => {
                if self.syns > 1 {
                    // RFC 9768 §3.2.3.2.2: the SYN,ACK with an option was lost, and one without got
                    // through. Other segments with an option may be lost as well.
                    self.receiver.stop_options();
                }
                self.sender.check_first_option(seg.options.accurate_ecn);
                match seg.text.is_empty() && seg.options.sack.is_empty() {
                    true => self.on_handshake_ack(seg.ctl),
                    false => self.on_counters(seg, ack),
                }
            }
            EcnMode::Accurate if ack.is_newest => self.on_counters(seg, ack),
            EcnMode::Accurate => Congestion::default(),
        }
    }

    /// The acknowledgment of our SYN,ACK says how that arrived (RFC 9768, table 4).
    fn on_handshake_ack(&mut self, control: Control) -> Congestion {
        if negotiation::ace(control) == 0 {
            // The peer does not do what was agreed, or its flags are removed on the way.
            self.distrust();
        }
        self.hear_of_our_syn(control);
        if self.syn_marked {
            self.sender.on_marked_syn_ack();
        }
        Congestion::default()
    }

    fn on_counters(&mut self, seg: &Segment<'_>, ack: &Acknowledged) -> Congestion {
        let acked = Acked {
            octets: ack.octets as u64,
            segments: ack.segments,
            untold: ack.untold,
            mss: ack.mss as u64,
        };
        let ace = negotiation::ace(seg.ctl);
        match self.sender.on_ack(ace, seg.options.accurate_ecn, acked) {
            Ok(marked) => {
                self.watch_rounds(ack, &marked);
                Congestion {
                    packets: marked.packets,
                    octets: marked.octets,
                }
            }
            Err(Mangled) => {
                self.capable = false;
                Congestion::default()
            }
        }
    }

    /// RFC 9768 §3.2.2.3: a path that marks everything tells nothing.
    fn watch_rounds(&mut self, ack: &Acknowledged, marked: &Marked) {
        let Some(rounds) = self.rounds_marked.filter(|_| ack.octets > 0) else {
            return;
        };
        self.all_marked &= marked.octets >= ack.octets as u64;
        if self.round_end.is_some_and(|end| ack.ack <= end) {
            return;
        }
        // The first acknowledgment begins the first round and ends none.
        let ended = self.round_end.replace(ack.nxt).is_some();
        self.rounds_marked = self.all_marked.then_some(rounds + u8::from(ended));
        if self.rounds_marked == Some(ROUNDS_OF_MARKS) {
            self.rounds_marked = None;
            self.distrust();
        }
    }

    /// Nothing more is sent ECN-capable, and marks that the peer reports do not count. Marks on
    /// what it sends are still reported.
    fn distrust(&mut self) {
        self.capable = false;
        self.sender.stop_responding();
    }

    /// What was agreed.
    pub(in crate::tcp) fn mode(&self) -> EcnMode {
        self.mode
    }

    /// Whether bare acknowledgments carry nothing, and will not unless something changes.
    pub(in crate::tcp) fn is_quiet(&self) -> bool {
        self.mode != EcnMode::Accurate && self.flags(Carrier::PureAck) == Control::NONE
    }

    /// Packets that arrived with CE, and octets of text that arrived with each codepoint.
    pub(in crate::tcp) fn received(&self) -> (u64, EcnOctets) {
        let packets = self.receiver.cep - receiver::INITIAL_CEP;
        (packets, self.receiver.octets.since_the_start())
    }

    /// Octets of text that arrived with each codepoint, as the peer reports.
    pub(in crate::tcp) fn delivered(&self) -> EcnOctets {
        self.sender.octets.since_the_start()
    }
}
