//! Detects request and response traffic, where a turn may stop after one datagram.

/// Of this many turns in a row that found one datagram, only the last asks for more.
const ASK_EVERY: u32 = 16;

/// Detects that datagrams arrive one at a time, and for the lead: a request for each response. Then
/// it is a wasted system call to ask the device for another datagram, because there is none, and the
/// next wait asks anyway. But any other datagram would have to wait until then. So a turn still asks
/// now and then, and whenever the datagram was not for the lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Turns in a row that found one datagram for the lead.
    singles: u32,
}

impl Exchange {
    /// How many datagrams the next turn asks for at first.
    pub(super) fn first(self) -> usize {
        match self.singles.is_multiple_of(ASK_EVERY) {
            true => usize::MAX,
            false => 1,
        }
    }

    /// Notes that a turn has found this many datagrams.
    pub(super) fn note(&mut self, received: usize, for_lead: bool) {
        match (received, for_lead) {
            (0, _) => {}
            (1, true) => self.singles = self.singles.wrapping_add(1),
            _ => self.singles = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the next `turns` turns, each with one datagram for the lead, ask for more.
    fn ask(exchange: &mut Exchange, turns: u32) -> usize {
        let asks = (0..turns).filter(|_| {
            let asks = exchange.first() > 1;
            exchange.note(1, true);
            asks
        });
        asks.count()
    }

    #[test]
    fn one_turn_in_sixteen_asks_for_more() {
        let mut exchange = Exchange::default();
        assert_eq!(ask(&mut exchange, 1), 1, "nothing is expected yet");
        assert_eq!(ask(&mut exchange, 15), 0);
        assert_eq!(ask(&mut exchange, 160), 10);
    }

    #[test]
    fn what_is_no_exchange_is_asked_for() {
        for (received, for_lead) in [(2, true), (1, false), (64, false)] {
            let mut exchange = Exchange { singles: 5 };
            exchange.note(0, false);
            assert_eq!(exchange.first(), 1, "that nothing came says nothing");
            exchange.note(received, for_lead);
            assert!(exchange.first() > 1);
        }
    }
}
