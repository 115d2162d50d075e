//! What the flags AE, CWR and ECE of two SYNs agree on (RFC 3168 §6.1.1, RFC 9768 §3.1).

use crate::config::{EcnConfig, EcnMode};
use crate::wire::{Control, Ecn};

/// AE, CWR and ECE.
pub(super) const FLAGS: Control = Control::from_bits(0b111 << 6);

/// The three flags as a number: the ACE field (RFC 9768, figure 3).
pub(super) const fn ace(control: Control) -> u8 {
    (control.bits() >> 6) as u8 & 0b111
}

/// The flags of a number; bits above the lowest three are ignored.
pub(super) const fn flags(ace: u8) -> Control {
    Control::from_bits(((ace & 0b111) as u16) << 6)
}

/// The flags of a SYN that asks for `mode`.
pub(super) fn of_syn(mode: EcnMode) -> Control {
    match mode {
        EcnMode::Off => Control::NONE,
        EcnMode::Classic => Control::CWR | Control::ECE,
        EcnMode::Accurate => FLAGS,
    }
}

/// What a peer's SYN asks for, as far as it may be agreed to; `ecn` is the ECN field of its IP
/// header.
pub(super) fn asked_in(syn: Control, ecn: Ecn, config: &EcnConfig) -> EcnMode {
    let refuses = config.refuses_capable_syns && ecn != Ecn::NotEct;
    match asked_by(syn, config.accept) {
        EcnMode::Classic if refuses => EcnMode::Off,
        mode => mode,
    }
}

/// What a peer's SYN asks for, limited to `accept` (RFC 9768 §3.1.2, §3.1.3). A host that
/// supports no more than RFC 3168 does not look at AE; reserved combinations ask for Accurate
/// ECN.
pub(super) fn asked_by(syn: Control, accept: EcnMode) -> EcnMode {
    match accept {
        EcnMode::Off => EcnMode::Off,
        EcnMode::Classic if syn.has(Control::CWR | Control::ECE) => EcnMode::Classic,
        EcnMode::Classic => EcnMode::Off,
        EcnMode::Accurate => match ace(syn) {
            0b000 => EcnMode::Off,
            0b011 => EcnMode::Classic,
            _ => EcnMode::Accurate,
        },
    }
}

/// The flags of a SYN,ACK in `mode`, or of the first acknowledgment of one (RFC 9768, tables 2
/// and 3): in Accurate mode they say how the other end's SYN arrived.
pub(super) fn of_answer(mode: EcnMode, arrived: Ecn) -> Control {
    match mode {
        EcnMode::Off => Control::NONE,
        EcnMode::Classic => Control::ECE,
        EcnMode::Accurate => flags(match arrived {
            Ecn::NotEct => 0b010,
            Ecn::Ect1 => 0b011,
            Ecn::Ect0 => 0b100,
            Ecn::Ce => 0b110,
        }),
    }
}

/// How our SYN arrived, according to the other end's answer in Accurate mode; `None` if it does
/// not tell.
pub(super) fn echoed_by(answer: Control) -> Option<Ecn> {
    match ace(answer) {
        0b010 => Some(Ecn::NotEct),
        0b011 => Some(Ecn::Ect1),
        0b100 => Some(Ecn::Ect0),
        0b110 => Some(Ecn::Ce),
        _ => None,
    }
}

/// What a SYN,ACK agrees to, once our SYN has asked for `asked` (RFC 3168 §6.1.1; RFC 9768, table
/// 2, and §3.1.3 for the combination that it reserves). Flags that are all set only mirror ours.
pub(super) fn agreed_by(syn_ack: Control, asked: EcnMode) -> EcnMode {
    match asked {
        EcnMode::Off => EcnMode::Off,
        EcnMode::Classic if syn_ack.has(Control::ECE) && !syn_ack.has(Control::CWR) => {
            EcnMode::Classic
        }
        EcnMode::Classic => EcnMode::Off,
        EcnMode::Accurate => match ace(syn_ack) {
            0b000 | 0b111 => EcnMode::Off,
            0b001 => EcnMode::Classic,
            _ => EcnMode::Accurate,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EcnMode::{Accurate, Classic, Off};

    /// RFC 9768, table 2, as the server sees it; §3.1.3 for the rest.
    #[test]
    fn every_syn_at_every_host() {
        // AE, CWR, ECE; and what is agreed by a host that supports no ECN, RFC 3168, RFC 9768.
        let rows = [
            (0b000, [Off, Off, Off]),
            (0b001, [Off, Off, Accurate]),
            (0b010, [Off, Off, Accurate]),
            (0b011, [Off, Classic, Classic]),
            (0b100, [Off, Off, Accurate]),
            (0b101, [Off, Off, Accurate]),
            (0b110, [Off, Off, Accurate]),
            (0b111, [Off, Classic, Accurate]),
        ];
        for (number, agreed) in rows {
            let syn = Control::SYN | flags(number);
            let by_host = [Off, Classic, Accurate].map(|accept| asked_by(syn, accept));
            assert_eq!(by_host, agreed, "{syn}");
        }
    }

    /// RFC 9768, table 2, as the client sees it.
    #[test]
    fn every_syn_ack_for_every_syn() {
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
        for (number, agreed) in rows {
            let syn_ack = Control::SYN | Control::ACK | flags(number);
            let by_syn = [Off, Classic, Accurate].map(|asked| agreed_by(syn_ack, asked));
            assert_eq!(by_syn, agreed, "{syn_ack}");
        }
    }

    /// RFC 9768, tables 2 and 3: each end reads what the other writes.
    #[test]
    fn how_a_syn_arrived_is_told() {
        let rows = [
            (Ecn::NotEct, 0b010),
            (Ecn::Ect1, 0b011),
            (Ecn::Ect0, 0b100),
            (Ecn::Ce, 0b110),
        ];
        for (arrived, number) in rows {
            let answer = of_answer(Accurate, arrived);
            assert_eq!(ace(answer), number);
            assert_eq!(echoed_by(answer), Some(arrived));
            assert_eq!(of_answer(Classic, arrived), Control::ECE);
            assert_eq!(of_answer(Off, arrived), Control::NONE);
        }
        for number in [0b000, 0b001, 0b101, 0b111] {
            assert_eq!(echoed_by(flags(number)), None);
        }
    }

    /// RFC 3168 §6.1.1.2: a peer that only mirrors what was sent agrees to nothing.
    #[test]
    fn a_mirror_agrees_to_nothing() {
        for asked in [Classic, Accurate] {
            assert_eq!(agreed_by(of_syn(asked), asked), Off);
        }
    }
}
