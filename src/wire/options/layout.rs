//! The order of the options of a SYN, and their padding.

use super::kinds::{MSS, SACK_PERMITTED, SIGNATURE, TIMESTAMPS, WINDOW_SCALE};
use super::raw::{END, NO_OPERATION};
use super::{MAX_WINDOW_SCALE, Options, SIGNATURE_LEN, Timestamps, Writer};

/// An order of options. Both take the same number of octets, and must make no difference to a
/// receiver (RFC 9293 §3.1); the order shows which stack has written them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Signature, MSS, SACK permitted, timestamps, AccECN, NOP, window scale: SACK permitted takes
    /// the place of the two NOPs before timestamps; without timestamps it follows AccECN. As in
    /// Linux.
    #[default]
    TimestampsFirst,
    /// MSS, NOP, window scale, SACK permitted, timestamps, signature; padded with zeros at the end. As
    /// in FreeBSD.
    ScaleFirst,
}

/// Kind and length, and room for the digest.
const BARE_SIGNATURE: [u8; SIGNATURE_LEN - 2] = {
    let mut octets = [0; SIGNATURE_LEN - 2];
    (octets[0], octets[1]) = (SIGNATURE, SIGNATURE_LEN as u8 - 2);
    octets
};

/// Two NOPs, kind and length, and room for the digest.
const ROOM_FOR_SIGNATURE: [u8; SIGNATURE_LEN] = {
    let mut octets = [0; SIGNATURE_LEN];
    (octets[0], octets[1]) = (NO_OPERATION, NO_OPERATION);
    (octets[2], octets[3]) = (SIGNATURE, SIGNATURE_LEN as u8 - 2);
    octets
};

impl Options {
    /// Writes MSS, window scale, SACK permitted, timestamps, AccECN and signature, padded to a
    /// multiple of four octets.
    pub(super) fn write_in_order(&self, out: &mut Writer<'_>) {
        if self.signature && self.layout == Layout::TimestampsFirst {
            out.put(ROOM_FOR_SIGNATURE);
        }
        if let Some(mss) = self.mss {
            let [high, low] = mss.to_be_bytes();
            out.put([MSS, 4, high, low]);
        }
        match self.layout {
            Layout::TimestampsFirst => {
                match (self.sack_permitted, self.timestamps) {
                    (true, Some(_)) => out.put([SACK_PERMITTED, 2]),
                    (false, Some(_)) => out.put([NO_OPERATION, NO_OPERATION]),
                    (_, None) => {}
                }
                self.write_timestamps(out);
                self.write_accurate_ecn(out);
                if self.sack_permitted && self.timestamps.is_none() {
                    out.put([NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2]);
                }
                self.write_window_scale(out);
            }
            Layout::ScaleFirst => {
                self.write_window_scale(out);
                if self.sack_permitted {
                    out.put([SACK_PERMITTED, 2]);
                }
                let is_last =
                    self.accurate_ecn.is_none() && self.fast_open.is_none() && !self.signature;
                match (self.sack_permitted, self.timestamps) {
                    (true, None) if self.signature && self.signature_fits_behind_sack() => {}
                    (true, None) if is_last => out.put([END, END]),
                    (true, None) | (false, Some(_)) => out.put([NO_OPERATION, NO_OPERATION]),
                    (true, Some(_)) | (false, None) => {}
                }
                self.write_timestamps(out);
                self.write_accurate_ecn(out);
                match self.signature {
                    true if self.signature_fits_behind_sack() => out.put(BARE_SIGNATURE),
                    true => out.put(ROOM_FOR_SIGNATURE),
                    false => {}
                }
            }
        }
    }

    fn write_accurate_ecn(&self, out: &mut Writer<'_>) {
        if let Some(accurate_ecn) = &self.accurate_ecn {
            out.at += accurate_ecn.write(&mut out.out[out.at..]);
        }
    }

    fn write_timestamps(&self, out: &mut Writer<'_>) {
        if let Some(Timestamps { val, ecr }) = self.timestamps {
            out.put([TIMESTAMPS, 10]);
            out.put(val.to_be_bytes());
            out.put(ecr.to_be_bytes());
        }
    }

    fn write_window_scale(&self, out: &mut Writer<'_>) {
        if let Some(shift) = self.window_scale {
            out.put([NO_OPERATION, WINDOW_SCALE, 3, shift.min(MAX_WINDOW_SCALE)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(options: Options) -> Vec<u8> {
        let mut out = vec![0xee; 40];
        let len = options.write(&mut out);
        assert_eq!(len, options.wire_len());
        out.truncate(len);
        out
    }

    #[test]
    fn a_syn_as_freebsd_has_it() {
        let options = Options {
            layout: Layout::ScaleFirst,
            mss: Some(1460),
            window_scale: Some(6),
            sack_permitted: true,
            timestamps: Some(Timestamps { val: 1, ecr: 2 }),
            ..Options::default()
        };
        let all = [
            2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
        ];
        assert_eq!(written(options), all);
        let no_sack = Options {
            sack_permitted: false,
            ..options
        };
        let octets = [
            2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
        ];
        assert_eq!(written(no_sack), octets);
        let little = Options {
            window_scale: None,
            timestamps: None,
            ..options
        };
        assert_eq!(written(little), [2, 4, 5, 180, 4, 2, 0, 0]);
    }

    #[test]
    fn every_set_of_options_reads_the_same_in_both_orders() {
        for bits in 0..16 {
            let options = Options {
                mss: (bits & 1 != 0).then_some(1000),
                window_scale: (bits & 2 != 0).then_some(3),
                sack_permitted: bits & 4 != 0,
                timestamps: (bits & 8 != 0).then_some(Timestamps { val: 5, ecr: 6 }),
                ..Options::default()
            };
            let other = Options {
                layout: Layout::ScaleFirst,
                ..options
            };
            assert_eq!(Options::parse(&written(other)), options);
            assert_eq!(written(other).len(), written(options).len());
        }
    }
}
