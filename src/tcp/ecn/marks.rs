//! What a segment carries of ECN: flags, an option, and the codepoint of its datagram (RFC 3168 §6.1, RFC
//! 9768 §3.2).

use super::{Feedback, negotiation};
use crate::config::{EcnMode, EcnOptions};
use crate::tcp::seq::Seq;
use crate::wire::{AccurateEcn, Control, Ecn};

/// The kind of a segment that carries marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum Carrier {
    /// A SYN.
    Syn,
    /// A SYN,ACK.
    SynAck,
    /// A reset.
    Reset,
    /// An acknowledgment and nothing else.
    PureAck,
    /// The same, for what arrived before the marks changed.
    EarlierAck,
    /// Text, for the first time.
    NewText,
    /// Text that was sent before, a FIN alone, a probe.
    Other,
}

/// What a segment carries of ECN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) struct Marks {
    /// AE, CWR and ECE.
    pub(in crate::tcp) flags: Control,
    /// The AccECN option.
    pub(in crate::tcp) option: Option<AccurateEcn>,
    /// The codepoint of its datagram.
    pub(in crate::tcp) ecn: Ecn,
}

impl Marks {
    /// None at all.
    pub(in crate::tcp) const NONE: Marks = Marks {
        flags: Control::NONE,
        option: None,
        ecn: Ecn::NotEct,
    };

    /// Octets of the AccECN option in the header.
    pub(in crate::tcp) fn option_len(&self) -> usize {
        self.option.as_ref().map_or(0, AccurateEcn::wire_len)
    }
}

impl Feedback {
    /// What the next segment carries; options of other kinds leave `room` octets for one.
    #[inline]
    pub(in crate::tcp) fn marks(&self, carrier: Carrier, room: usize) -> Marks {
        let is_ordinary = match carrier {
            Carrier::PureAck | Carrier::NewText | Carrier::Other => true,
            Carrier::Reset | Carrier::Syn | Carrier::SynAck | Carrier::EarlierAck => false,
        };
        match is_ordinary && self.mode == EcnMode::Off && !self.capable {
            true => Marks::NONE,
            false => self.marks_in_use(carrier, room),
        }
    }

    /// What the next segment carries, unless ECN is off.
    #[inline(never)]
    fn marks_in_use(&self, carrier: Carrier, room: usize) -> Marks {
        match carrier {
            Carrier::Reset => Marks::NONE,
            Carrier::Syn | Carrier::SynAck => self.marks_of_syn(carrier, room),
            Carrier::EarlierAck => Marks {
                flags: self.classic.flags_of_earlier(),
                ..Marks::NONE
            },
            Carrier::PureAck | Carrier::NewText | Carrier::Other => Marks {
                flags: self.flags(carrier),
                option: self.option(carrier, room),
                ecn: match carrier {
                    // RFC 3168 §6.1.4 to §6.1.6: nothing but new text.
                    Carrier::NewText if self.capable => Ecn::Ect0,
                    _ if self.capable && self.is_capable_throughout() => Ecn::Ect0,
                    _ => Ecn::NotEct,
                },
            },
        }
    }

    fn is_capable_throughout(&self) -> bool {
        self.config.capable_throughout && self.mode == EcnMode::Accurate
    }

    fn marks_of_syn(&self, carrier: Carrier, room: usize) -> Marks {
        let spoken_of = match carrier {
            Carrier::Syn => self.config.ask,
            _ => self.mode,
        };
        let asks = self.syns < self.attempts(spoken_of);
        let flags = match (carrier, self.mode) {
            (Carrier::Syn, _) if asks => negotiation::of_syn(self.config.ask),
            (Carrier::Syn, _) => Control::NONE,
            // RFC 3168 §6.1.1.1, the example.
            (_, EcnMode::Classic) if self.peer_fell_back => Control::NONE,
            (_, EcnMode::Accurate) if !asks => Control::NONE,
            (_, mode) => negotiation::of_answer(mode, self.peer_syn),
        };
        // RFC 9768 §3.2.3.2: none on a SYN, and of SYN,ACKs only on the first.
        let has_option =
            carrier == Carrier::SynAck && self.mode == EcnMode::Accurate && self.syns == 0;
        Marks {
            flags,
            option: has_option
                .then(|| self.receiver.option(room, true))
                .flatten(),
            ecn: Ecn::NotEct,
        }
    }

    pub(super) fn flags(&self, carrier: Carrier) -> Control {
        match self.mode {
            EcnMode::Off => Control::NONE,
            EcnMode::Classic => self.classic.flags(carrier == Carrier::NewText),
            EcnMode::Accurate if carrier == Carrier::PureAck && self.handshake_ack_due => {
                negotiation::of_answer(self.mode, self.peer_syn)
            }
            EcnMode::Accurate => negotiation::flags(self.receiver.ace()),
        }
    }

    fn option(&self, carrier: Carrier, room: usize) -> Option<AccurateEcn> {
        let unheard_of = self.config.options == EcnOptions::Always && !self.sender.has_options;
        if self.mode != EcnMode::Accurate || unheard_of {
            return None;
        }
        let testing = match carrier {
            Carrier::PureAck => self.handshake_ack_due,
            Carrier::NewText => self.test_due,
            _ => false,
        };
        self.receiver.option(room, testing)
    }

    /// A segment left with these marks; `end`: the place after it.
    #[inline]
    pub(in crate::tcp) fn on_sent(&mut self, carrier: Carrier, marks: &Marks, end: Seq) {
        match carrier {
            Carrier::Reset => return,
            Carrier::EarlierAck => return self.classic.on_earlier_sent(),
            Carrier::Syn => self.count_syn(self.config.ask),
            Carrier::SynAck => {
                self.count_syn(self.mode);
                let is_plain = self.mode == EcnMode::Accurate && marks.flags == Control::NONE;
                // RFC 9768 §3.1.5: the peer may now assume that we are a host without ECN.
                self.capable &= !is_plain;
            }
            Carrier::PureAck => self.handshake_ack_due = false,
            Carrier::NewText => {
                if core::mem::take(&mut self.test_due) && marks.option.is_some() {
                    self.tested = Some(end);
                }
            }
            Carrier::Other => {}
        }
        self.classic.on_sent(marks.flags);
        self.receiver.on_sent(marks.option.is_some());
    }

    /// A SYN or SYN,ACK has left that could have negotiated `mode`.
    fn count_syn(&mut self, mode: EcnMode) {
        if mode != EcnMode::Off {
            // Up to one more than the attempts: a SYN that did not ask.
            self.syns = self.syns.min(self.attempts(mode)).saturating_add(1);
        }
    }

    pub(super) fn attempts(&self, mode: EcnMode) -> u32 {
        match mode {
            EcnMode::Classic => self.config.classic_attempts,
            EcnMode::Off | EcnMode::Accurate => self.config.attempts,
        }
    }
}
