//! Text that is received into the buffer of its reader: as if it had arrived, and been read.

use stubborn::config::TcpConfig;

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

/// Two connections to which the same has happened.
fn twins(family: Family) -> [Dialogue; 2] {
    [(); 2].map(|()| {
        let tcp = TcpConfig {
            sack: true,
            timestamps: true,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><SACKP><TS=50,0>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><SACKP><TS=1000,50>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=51,1000>")
            .accept();
        d
    })
}

/// What has landed is acknowledged, and the window is as open, as if it had arrived and been read; what
/// did not fit is read next.
#[test]
fn what_lands_has_arrived_and_been_read() {
    in_both_families(|family| {
        let mut twins = twins(family);
        let mut place = 101;
        let segments = [(1000, 1000), (1000, 400), (1, 1), (700, 699)];
        for (step, (len, landed)) in (1..).zip(segments) {
            let segment = format!("<SEQ={place}><ACK=301><DATA={len}><CTL=ACK><TS=52,1000>");
            place += len;
            let [lands, arrives] = &mut twins;
            assert!(lands.lands(&segment, landed), "{segment}");
            arrives.arrives_and_is_read(&segment, landed);
            are_alike(&mut twins);
            let rest = len as usize - landed;
            for twin in &mut twins {
                twin.until(ms(step));
                if rest > 0 {
                    twin.reads(rest);
                }
            }
            are_alike(&mut twins);
        }
        assert_eq!(twins[0].stack.counters().landed, 4);
    });
}

/// The same leaves, and their users are told the same.
fn are_alike(twins: &mut [Dialogue; 2]) {
    let seen = twins
        .each_mut()
        .map(|twin| format!("{:?} {:?}", twin.all_that_leaves(), twin.status()));
    assert_eq!(seen[0], seen[1]);
}

/// What is not the next text in order, or not for the one who reads next, does not land, and nothing
/// has happened.
#[test]
fn what_is_not_expected_does_not_land() {
    in_both_families(|family| {
        let [mut d, untouched] = twins(family);
        let is_untouched = |d: &Dialogue| {
            d.stack.fingerprint(d.now()) == untouched.stack.fingerprint(untouched.now())
        };
        for (what, segment) in [
            (
                "beyond a gap",
                "<SEQ=201><ACK=301><DATA=100><CTL=ACK><TS=52,1000>",
            ),
            (
                "a part is old",
                "<SEQ=91><ACK=301><DATA=100><CTL=ACK><TS=52,1000>",
            ),
            (
                "acknowledges too much",
                "<SEQ=101><ACK=302><DATA=100><CTL=ACK><TS=52,1000>",
            ),
            (
                "the last",
                "<SEQ=101><ACK=301><DATA=100><CTL=FIN,ACK><TS=52,1000>",
            ),
            (
                "a reset",
                "<SEQ=101><ACK=301><DATA=100><CTL=RST,ACK><TS=52,1000>",
            ),
            (
                "beyond the window",
                "<SEQ=101><ACK=301><DATA=60000><CTL=ACK><TS=52,1000>",
            ),
        ] {
            assert!(!d.lands(segment, 50) && is_untouched(&d), "{what}");
        }
        // Something is to be read first.
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK><TS=52,1000>");
        d.all_that_leaves();
        assert!(!d.lands("<SEQ=111><ACK=301><DATA=100><CTL=ACK><TS=52,1000>", 100));
    });
}
