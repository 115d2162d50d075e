//! The curve: W_cubic(t) and K, in octets and microseconds, and in integers.

use core::time::Duration;

/// C of RFC 9438 §5.1: 0.4 segments per cubic second, as a fraction.
const C: (u128, u128) = (2, 5);
/// Cubic microseconds in a cubic second.
const CUBIC_SECOND: u128 = 10u128.pow(18);
/// No window of a peer is larger (RFC 7323 §2.3), so no more octets are ever in flight.
pub(super) const MAX_WINDOW: u64 = 1 << 30;
/// t and K as far as they are told apart, in microseconds: 19 hours. By then any curve has passed
/// `MAX_WINDOW`, and its cube times 2^17 has room in 128 bits.
const LONGEST: u64 = 1 << 36;

/// W_cubic(t), in octets (RFC 9438 §4.2, figure 1).
pub(super) fn w_cubic(mss: u64, w_max: u64, k: u64, t: Duration) -> u64 {
    let t = micros_of(t);
    let cube = u128::from(t.abs_diff(k)).pow(3);
    let offset = cube * u128::from(mss) * C.0 / C.1 / CUBIC_SECOND;
    let offset = u64::try_from(offset).map_or(MAX_WINDOW, |offset| offset.min(MAX_WINDOW));
    match t < k {
        true => w_max.saturating_sub(offset),
        false => (w_max + offset).min(MAX_WINDOW),
    }
}

/// t, in microseconds.
fn micros_of(t: Duration) -> u64 {
    u64::try_from(t.as_micros()).map_or(LONGEST, |t| t.min(LONGEST))
}

/// K, in microseconds: how long the curve takes to rise by this many octets (RFC 9438 §4.2, figure
/// 2).
pub(super) fn time_to(octets: u64, mss: u64) -> u64 {
    cube_root(u128::from(octets) * C.1 * CUBIC_SECOND / (C.0 * u128::from(mss)))
}

/// The largest number whose cube is at most `cube`; it has 42 bits, as many as a cube leaves room
/// for.
pub(super) fn cube_root(cube: u128) -> u64 {
    (0..42).rev().fold(0, |root, bit| {
        let larger = root | 1 << bit;
        match u128::from(larger).pow(3) <= cube {
            true => larger,
            false => root,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MSS: u64 = 1000;

    /// RFC 9438 §4.2, figures 1 and 2, by hand: W_max = 100 and cwnd_epoch = 70 segments; K is the
    /// cube root of 30 / 0.4, 4.217163 s, and W_cubic(1) = 0.4 * (1 - K)^3 + 100 = 86.6808.
    #[test]
    fn the_curve_is_that_of_the_figures() {
        let k = time_to(30 * MSS, MSS);
        assert_eq!(k, 4_217_163);
        let at = |micros| w_cubic(MSS, 100 * MSS, k, Duration::from_micros(micros));
        assert_eq!(at(0), 70_001, "K was rounded down");
        assert_eq!(at(1_000_000), 86_681);
        assert_eq!(at(k), 100 * MSS);
        assert_eq!(at(2 * k), 129_999);
        assert_eq!(at(k + 10_000_000), 500 * MSS, "C is 0.4");
        assert_eq!(at(u64::MAX), MAX_WINDOW);
    }

    proptest! {
        /// RFC 9438 §4.2: K is a cube root, to the microsecond.
        #[test]
        fn a_cube_root_is_one(cube in 0u128..1 << 125) {
            let root = u128::from(cube_root(cube));
            prop_assert!(root.pow(3) <= cube && cube < (root + 1).pow(3));
        }
    }
}
