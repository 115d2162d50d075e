//! Counters of which only the lowest bits are sent: the ACE field and the AccECN options (RFC
//! 9768, appendix A).

/// The ACE field counts modulo this: DIVACE.
pub(super) const DIVACE: u64 = 1 << 3;
/// The fields of an AccECN option count modulo this: DIVOPT.
const DIVOPT: u64 = 1 << 24;

/// The least growth of `counter`, if its value modulo `modulus` is now `field` (appendix A.1:
/// d.ceb; A.2: d.cep).
const fn least_growth(counter: u64, field: u64, modulus: u64) -> u64 {
    (field + modulus - counter % modulus) % modulus
}

/// d.cep: the least growth of s.cep.
pub(super) const fn ace_growth(s_cep: u64, ace: u8) -> u64 {
    least_growth(s_cep, ace as u64, DIVACE)
}

/// d.ceb, d.e0b, d.e1b: by how much a counter of octets has grown.
pub(super) const fn option_growth(counter: u64, field: u32) -> u64 {
    least_growth(counter, field as u64, DIVOPT)
}

/// dSafer.cep (appendix A.2.1): the most marks that the ACE field may stand for, if `acked`
/// segments were acknowledged since the last and it grew by `least`, or by that and a multiple of
/// eight. If there are more marks than segments, control packets were marked, and the field is
/// right (§3.2.2.5.2).
pub(super) const fn safest_growth(acked: u64, least: u64) -> u64 {
    if least >= acked {
        return least;
    }
    acked - (acked - least) % DIVACE
}

/// Chooses between the two, if the number of marked octets is known (appendix A.2.2): the safer
/// one, unless that would make the marked segments implausibly short.
pub(super) const fn growth_by_octets(least: u64, safest: u64, marked: u64, mss: u64) -> u64 {
    /// SAFETY_FACTOR.
    const FACTOR: u64 = 2;
    let least_is_possible = marked <= mss * least;
    // sSafer = d.ceb / dSafer.cep < MSS / SAFETY_FACTOR.
    let safest_is_unlikely = marked * FACTOR < mss * safest;
    if safest > least && least_is_possible && safest_is_unlikely {
        return least;
    }
    safest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix A.1.
    #[test]
    fn the_example_of_an_option() {
        assert_eq!(option_growth(33_554_433, 1461), 1460);
        assert_eq!(33_554_433 + option_growth(33_554_433, 1461), 33_555_893);
        // All of its 24 bits count.
        assert_eq!(option_growth(1 << 23, 0), 1 << 23);
        assert_eq!(option_growth(1 << 24, (1 << 24) - 1), (1 << 24) - 1);
    }

    /// Appendix A.2.1.
    #[test]
    fn the_examples_of_safety() {
        assert_eq!(safest_growth(9, 2), 2);
        assert_eq!(safest_growth(10, 2), 10);
        assert_eq!(safest_growth(26, 2), 26);
        assert_eq!(safest_growth(25, 2), 18);
    }

    /// §3.2.2.5.2.
    #[test]
    fn more_marks_than_segments_are_believed() {
        assert_eq!(safest_growth(0, 3), 3);
        assert_eq!(safest_growth(1, 7), 7);
    }

    /// Appendix A.2.2.
    #[test]
    fn the_examples_of_safety_with_an_option() {
        assert_eq!(growth_by_octets(0, 8, 1460, 1460), 8);
        assert_eq!(growth_by_octets(2, 10, 1460, 1460), 2);
        // All that the smaller number allows.
        assert_eq!(growth_by_octets(2, 10, 2920, 1460), 2);
        assert_eq!(growth_by_octets(2, 10, 2921, 1460), 10);
        assert_eq!(growth_by_octets(7, 15, 10_200, 1460), 7);
    }

    #[test]
    fn the_ace_field_wraps() {
        for s_cep in 5..40 {
            for growth in 0..8 {
                let ace = ((s_cep + growth) % 8) as u8;
                assert_eq!(ace_growth(s_cep, ace), growth);
            }
        }
    }

    /// Whatever the numbers, the result matches the field, and is the largest possible.
    #[test]
    fn the_safest_is_congruent_and_the_largest_possible() {
        for acked in 0..100u64 {
            for least in 0..8 {
                let safest = safest_growth(acked, least);
                assert_eq!(safest % 8, least);
                assert!(safest >= least && safest <= acked.max(least));
                assert!(safest + 8 > acked);
            }
        }
    }
}
