//! Translates between the numbers of a script and those on the wire.
//!
//! In a script, a segment with SYN has numbers that its author chose. Any other segment counts
//! from the ISN of its side, so that the first octet of text is 1.

use std::collections::BTreeMap;

/// The initial sequence number of a side: in the script, and on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Isn {
    script: u32,
    live: u32,
}

impl Isn {
    /// What to add to a number of the script.
    fn offset(self, has_syn: bool) -> u32 {
        match has_syn {
            true => self.live.wrapping_sub(self.script),
            false => self.live,
        }
    }
}

/// The two number spaces of a connection, and its timestamps.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Numbers {
    local: Isn,
    remote: Isn,
    /// Timestamps that the stack has sent: in the script, on the wire.
    stamps: BTreeMap<u32, u32>,
    /// The first of these timestamps.
    first_stamp: Option<(u32, u32)>,
}

impl Numbers {
    /// Notes the number of the peer's SYN, which is the same in the script and on the wire.
    pub(in super::super) fn learn_remote(&mut self, isn: u32) {
        self.remote = Isn {
            script: isn,
            live: isn,
        };
    }

    /// Notes the number of the stack's SYN, in the script and on the wire.
    pub(in super::super) fn learn_local(&mut self, script: u32, live: u32) {
        self.local = Isn { script, live };
    }

    pub(in super::super) fn remote_to_live(&self, seq: u32, has_syn: bool) -> u32 {
        seq.wrapping_add(self.remote.offset(has_syn))
    }

    /// Translates an acknowledgment to the wire. That of a SYN is a number that the author chose,
    /// too.
    pub(in super::super) fn local_to_live(&self, ack: u32, has_syn: bool) -> u32 {
        ack.wrapping_add(self.local.offset(has_syn))
    }

    pub(in super::super) fn local_to_script(&self, seq: u32, has_syn: bool) -> u32 {
        seq.wrapping_sub(self.local.offset(has_syn))
    }

    pub(in super::super) fn remote_to_script(&self, ack: u32, has_syn: bool) -> u32 {
        ack.wrapping_sub(self.remote.offset(has_syn))
    }

    /// Notes a timestamp that the stack has sent, in the script and on the wire.
    pub(in super::super) fn learn_stamp(&mut self, script: u32, live: u32) {
        self.stamps.insert(script, live);
        self.first_stamp.get_or_insert((script, live));
    }

    /// A timestamp of the stack, in the script's numbers.
    pub(in super::super) fn stamp_to_script(&self, live: u32) -> u32 {
        let (script, first) = self.first_stamp.unwrap_or((live, live));
        live.wrapping_sub(first).wrapping_add(script)
    }

    /// A timestamp that the peer echoes, on the wire; `None` if it was never seen. `scaled`: it
    /// has the same distance from the first as in the script.
    pub(in super::super) fn echo_to_live(&self, ecr: u32, scaled: bool) -> Option<u32> {
        if scaled {
            let (script, live) = self.first_stamp?;
            return Some(ecr.wrapping_sub(script).wrapping_add(live));
        }
        self.stamps.get(&ecr).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syn_has_the_numbers_of_the_script_and_the_rest_counts_from_it() {
        let mut numbers = Numbers::default();
        numbers.learn_remote(100);
        numbers.learn_local(500, 70_000);
        assert_eq!(numbers.remote_to_live(100, true), 100);
        assert_eq!(numbers.remote_to_live(1, false), 101);
        assert_eq!(numbers.local_to_script(70_000, true), 500);
        assert_eq!(numbers.local_to_script(70_001, false), 1);
        assert_eq!(numbers.local_to_live(501, true), 70_001);
        assert_eq!(numbers.remote_to_script(102, false), 2);
    }

    #[test]
    fn timestamps_lead_back_to_those_that_were_seen() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.echo_to_live(0, false), None);
        numbers.learn_stamp(100, 9_000);
        numbers.learn_stamp(300, 9_201);
        assert_eq!(numbers.echo_to_live(300, false), Some(9_201));
        assert_eq!(numbers.echo_to_live(200, false), None);
        assert_eq!(numbers.echo_to_live(200, true), Some(9_100));
        assert_eq!(numbers.stamp_to_script(9_201), 301);
    }
}
