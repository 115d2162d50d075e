//! Duplicate acknowledgments: what they let out, and when they begin a recovery (RFC 3042, RFC 6582).

use super::recovery::{acked, from, reno, segments_leave, ten_in_flight};
use super::retransmission::wide;
use crate::dialogue::{in_both_families, ms, plain};

/// RFC 3042 §2: with SACK, a duplicate that reports nothing new lets nothing out.
#[test]
fn a_duplicate_without_news_lets_nothing_out() {
    in_both_families(|family| {
        let mut d = ten_in_flight(family, reno());
        d.sends(10_000).nothing_more();
        for _ in 0..5 {
            acked(&mut d, 301, &[]);
            segments_leave(&mut d, &[]);
        }
        acked(&mut d, 301, &[(1301, 2301)]);
        segments_leave(&mut d, &[10_301]);
        for _ in 0..5 {
            acked(&mut d, 301, &[(1301, 2301)]);
            segments_leave(&mut d, &[]);
        }
        assert_eq!(d.status().retransmissions, 0);
    });
}

/// RFC 6582 §3.2, step 2: duplicates of `recover` itself begin no recovery, for they may answer what a
/// timeout has sent again for nothing. Those of anything beyond do.
#[test]
fn duplicates_of_recover_begin_no_recovery() {
    in_both_families(|family| {
        let mut d = wide(family, plain());
        d.sends(10_000);
        segments_leave(&mut d, &from(301, 10));
        d.until(ms(200));
        segments_leave(&mut d, &[301]);
        // All had arrived: `recover` is 10301.
        acked(&mut d, 10_301, &[]);
        d.sends(20_000);
        assert_eq!(d.all_that_leaves().len(), 2);
        for _ in 0..9 {
            acked(&mut d, 10_301, &[]);
            d.all_that_leaves();
        }
        assert_eq!(d.status().retransmissions, 1);
        acked(&mut d, 11_301, &[]);
        for _ in 0..3 {
            d.all_that_leaves();
            acked(&mut d, 11_301, &[]);
        }
        segments_leave(&mut d, &[11_301]);
        assert_eq!(d.status().retransmissions, 2);
    });
}
