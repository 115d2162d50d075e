//! The AccECN options (RFC 9768 §3.2.3): how many octets of text arrived with each ECN codepoint.

use super::kinds::{ACC_ECN_0, ACC_ECN_1};
use super::raw::NO_OPERATION;

/// r.e0b, r.ceb, r.e1b (RFC 9768 §3.2): octets of text that arrived marked ECT(0), CE and ECT(1).
/// An option carries the low 24 bits of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByteCounters {
    /// Marked ECT(0).
    pub e0b: u32,
    /// Marked CE.
    pub ceb: u32,
    /// Marked ECT(1).
    pub e1b: u32,
}

/// The order of the counters; those at the end may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterOrder {
    /// AccECN0, kind 172: EE0B, ECEB, EE1B.
    E0First,
    /// AccECN1, kind 174: EE1B, ECEB, EE0B.
    E1First,
}

/// An AccECN option: none to three counters of 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccurateEcn {
    order: CounterOrder,
    /// How many of `octets` are there.
    fields: u8,
    /// As they are on the wire, which is cheaper than three numbers for the many segments without
    /// any.
    octets: [[u8; 3]; AccurateEcn::FIELDS],
}

impl AccurateEcn {
    /// The most counters there are.
    pub const FIELDS: usize = 3;

    /// An option with the first `fields` counters (three at most) of `order`.
    pub fn new(order: CounterOrder, counters: ByteCounters, fields: usize) -> AccurateEcn {
        let ByteCounters { e0b, ceb, e1b } = counters;
        let values = match order {
            CounterOrder::E0First => [e0b, ceb, e1b],
            CounterOrder::E1First => [e1b, ceb, e0b],
        };
        let mut octets = [[0; 3]; AccurateEcn::FIELDS];
        let fields = fields.min(AccurateEcn::FIELDS);
        for (octets, value) in octets.iter_mut().zip(values).take(fields) {
            let [_, low @ ..] = value.to_be_bytes();
            *octets = low;
        }
        AccurateEcn {
            order,
            fields: fields as u8,
            octets,
        }
    }

    /// Any length can be read: an incomplete counter, and anything behind the third, is padding
    /// (§3.2.3).
    pub(super) fn read(order: CounterOrder, data: &[u8]) -> AccurateEcn {
        let mut option = AccurateEcn::new(order, ByteCounters::default(), 0);
        for (field, value) in option.octets.iter_mut().zip(data.as_chunks::<3>().0) {
            *field = *value;
            option.fields += 1;
        }
        option
    }

    /// The order of the counters.
    pub fn order(&self) -> CounterOrder {
        self.order
    }

    /// How many counters there are.
    pub fn fields(&self) -> usize {
        usize::from(self.fields)
    }

    /// EE0B: the low 24 bits of r.e0b, if the option has them.
    pub fn e0b(&self) -> Option<u32> {
        self.field(match self.order {
            CounterOrder::E0First => 0,
            CounterOrder::E1First => 2,
        })
    }

    /// ECEB: the low 24 bits of r.ceb.
    pub fn ceb(&self) -> Option<u32> {
        self.field(1)
    }

    /// EE1B: the low 24 bits of r.e1b.
    pub fn e1b(&self) -> Option<u32> {
        self.field(match self.order {
            CounterOrder::E0First => 2,
            CounterOrder::E1First => 0,
        })
    }

    fn field(&self, index: usize) -> Option<u32> {
        let [high, middle, low] = *self.octets[..self.fields()].get(index)?;
        Some(u32::from_be_bytes([0, high, middle, low]))
    }

    /// Octets in a header, padding included: a multiple of four.
    pub const fn wire_len(&self) -> usize {
        AccurateEcn::wire_len_of(self.fields as usize)
    }

    /// Octets in a header of an option with this many counters, padding included.
    pub const fn wire_len_of(fields: usize) -> usize {
        (2 + 3 * fields).next_multiple_of(4)
    }

    /// Writes the option and the NOPs behind it to the front of `out`. Returns how many octets
    /// that took.
    pub(super) fn write(&self, out: &mut [u8]) -> usize {
        let len = 2 + 3 * self.fields();
        out[..self.wire_len()].fill(NO_OPERATION);
        out[0] = match self.order {
            CounterOrder::E0First => ACC_ECN_0,
            CounterOrder::E1First => ACC_ECN_1,
        };
        out[1] = len as u8;
        out[2..len].copy_from_slice(self.octets[..self.fields()].as_flattened());
        self.wire_len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::tests::written;
    use super::*;

    const COUNTERS: ByteCounters = ByteCounters {
        e0b: 0xff_010203,
        ceb: 0xff_040506,
        e1b: 0xff_070809,
    };

    fn alone(accurate_ecn: AccurateEcn) -> Options {
        Options {
            accurate_ecn: Some(accurate_ecn),
            ..Options::default()
        }
    }

    /// RFC 9768, figure 4 and table 5.
    #[test]
    fn both_orders_of_every_length() {
        use CounterOrder::{E0First, E1First};
        let rows: [(CounterOrder, usize, &[u8]); 8] = [
            (
                E0First,
                3,
                &[172, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, NO_OPERATION],
            ),
            (E0First, 2, &[172, 8, 1, 2, 3, 4, 5, 6]),
            (E0First, 1, &[172, 5, 1, 2, 3, 1, 1, 1]),
            (E0First, 0, &[172, 2, 1, 1]),
            (
                E1First,
                3,
                &[174, 11, 7, 8, 9, 4, 5, 6, 1, 2, 3, NO_OPERATION],
            ),
            (E1First, 2, &[174, 8, 7, 8, 9, 4, 5, 6]),
            (E1First, 1, &[174, 5, 7, 8, 9, 1, 1, 1]),
            (E1First, 0, &[174, 2, 1, 1]),
        ];
        for (order, fields, octets) in rows {
            let option = AccurateEcn::new(order, COUNTERS, fields);
            assert_eq!(written(alone(option)), octets);
            assert_eq!(Options::parse(octets), alone(option));
            let has = |place| fields > place;
            let (first, last) = (has(0), has(2));
            let (e0b, e1b) = match order {
                E0First => (first, last),
                E1First => (last, first),
            };
            assert_eq!(option.e0b(), e0b.then_some(0x010203));
            assert_eq!(option.ceb(), has(1).then_some(0x040506));
            assert_eq!(option.e1b(), e1b.then_some(0x070809));
        }
    }

    /// §3.2.3: with any other length, the complete fields count.
    #[test]
    fn every_length_is_read() {
        for kind in [172, 174] {
            for len in 2..=Options::MAX_LEN as u8 {
                let mut octets: Vec<u8> = (0..len).collect();
                octets[..2].copy_from_slice(&[kind, len]);
                let read = Options::parse(&octets).accurate_ecn.unwrap();
                let fields = usize::from(len - 2) / 3;
                assert_eq!(read.fields(), fields.min(3), "length {len}");
                assert_eq!(read.ceb(), (len >= 8).then_some(0x050607), "length {len}");
            }
        }
    }

    #[test]
    fn the_first_of_two_counts() {
        let octets = [174, 2, 172, 5, 1, 2, 3];
        let read = Options::parse(&octets).accurate_ecn.unwrap();
        assert_eq!((read.order(), read.fields()), (CounterOrder::E1First, 0));
    }

    #[test]
    fn there_are_three_counters_at_most() {
        let option = AccurateEcn::new(CounterOrder::E0First, COUNTERS, 4);
        assert_eq!(option.fields(), 3);
    }

    /// Most segments have none, so it must not cost them much.
    #[test]
    fn it_is_small() {
        assert!(size_of::<Option<AccurateEcn>>() <= 12);
    }
}
