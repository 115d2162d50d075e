//! The path MTU (RFC 1191, RFC 8201, RFC 4821, RFC 8899): what probes find, and what is remembered.
//! What ICMP says, and what of it is believed, is in `icmp`.

use std::time::Duration;

use stubborn::config::{MtuProbing, PathMtuConfig, TcpConfig};
use stubborn::wire::IcmpError;

use super::icmp::error_arrives;
use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

/// The MTU of the interface.
const MTU: usize = 1500;

/// The handshake takes no time: the RTO is the least.
const RTO: Duration = ms(200);

/// BASE_PLPMTU of a family, with the default configuration.
fn base(family: Family) -> usize {
    match family {
        Family::V4 => 1200,
        Family::V6 => 1280,
    }
}

fn probing(probing: MtuProbing) -> TcpConfig {
    let mut tcp = TcpConfig {
        mss: None,
        path_mtu: PathMtuConfig {
            probing,
            ..PathMtuConfig::default()
        },
        ..plain()
    };
    tcp.socket.nodelay = true;
    tcp
}

/// ESTABLISHED, with a peer who takes segments of any length.
fn open(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    opens(&mut d);
    d
}

fn opens(d: &mut Dialogue) {
    d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=9000>");
    d.all_that_leaves();
    d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
}

/// The segments that leave: where they start, and how long their datagrams are.
fn sizes(d: &mut Dialogue) -> Vec<(u32, usize)> {
    let headers = d.family.headers();
    let all = d.all_that_leaves();
    all.iter()
        .map(|s| (s.header.seq, s.len + headers))
        .collect()
}

fn acknowledges(d: &mut Dialogue, ack: u32) {
    d.arrives(&format!("<SEQ=101><ACK={ack}><WND=60000><CTL=ACK>"));
}

/// A connection that waits behind a black hole, and has just found out: two timeouts have passed,
/// and the first segment of the base size has left. Returns where it ends.
fn behind_a_black_hole(d: &mut Dialogue) -> u32 {
    let (mss, small) = (MTU - d.family.headers(), base(d.family));
    d.sends(20 * mss);
    let first = sizes(d);
    assert!(first.iter().all(|(_, size)| *size == MTU), "{first:?}");
    d.until(RTO);
    assert_eq!(sizes(d), [(301, MTU)], "it may have been an ordinary loss");
    d.until(3 * RTO);
    assert_eq!(sizes(d), [(301, small)]);
    assert_eq!(d.status().path_mtu, small);
    301 + (small - d.family.headers()) as u32
}

/// RFC 4821 §7.7, RFC 8899 §4.3: nobody says that segments are too long, and yet none arrives. The
/// second timeout in a row ends it.
#[test]
fn a_black_hole_is_found_by_two_timeouts() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::OnBlackHole));
        let end = behind_a_black_hole(&mut d);
        d.until(3 * RTO + ms(10));
        acknowledges(&mut d, end);
        let small = base(family);
        assert!(sizes(&mut d).iter().all(|(_, size)| *size == small));
    });
}

/// Without probing it stays as it is; and so it does for a text that fits one small segment.
#[test]
fn a_timeout_of_something_else_is_no_black_hole() {
    in_both_families(|family| {
        for (mode, len) in [(MtuProbing::Off, 3000), (MtuProbing::OnBlackHole, 500)] {
            let mut d = open(family, probing(mode));
            d.sends(len).all_that_leaves();
            for _ in 0..4 {
                d.until_something_leaves();
                d.all_that_leaves();
            }
            assert_eq!(d.status().path_mtu, MTU, "{mode:?}");
        }
    });
}

/// RFC 8899 §5.2, ERROR: not even the base size passes. IPv6 has nothing below it.
#[test]
fn two_more_timeouts_lead_to_the_least_size() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::OnBlackHole));
        behind_a_black_hole(&mut d);
        d.until(7 * RTO);
        assert_eq!(sizes(&mut d), [(301, base(family))]);
        d.until(15 * RTO);
        let least = match family {
            Family::V4 => 552,
            Family::V6 => 1280,
        };
        assert_eq!(sizes(&mut d), [(301, least)]);
    });
}

/// The path that a probe finds: sends what is needed to have one leave, and answers everything that
/// fits. Returns the sizes of the probes, and whether each passed.
fn search(d: &mut Dialogue, carries: usize, rounds: usize) -> Vec<(usize, bool)> {
    let headers = d.family.headers();
    let mut probes = Vec::new();
    let mut expected = d.status().bytes_acked as u32 + 301;
    let mut held: Vec<(u32, u32)> = Vec::new();
    let mut fresh = d.all_that_leaves();
    for _ in 0..rounds {
        d.until(d.elapsed() + ms(10));
        let mut acks = Vec::new();
        for segment in &fresh {
            let (start, size) = (segment.header.seq, segment.len + headers);
            if size > d.status().path_mtu {
                probes.push((size, size <= carries));
            }
            if size <= carries {
                held.push((start, start + segment.len as u32));
                held.sort_unstable();
                for &(start, end) in &held {
                    if start <= expected {
                        expected = expected.max(end);
                    }
                }
                held.retain(|(_, end)| *end > expected);
                acks.push(expected);
            }
        }
        fresh.clear();
        for ack in acks {
            acknowledges(d, ack);
            fresh.extend(d.all_that_leaves());
        }
        let room = d.status().send_buffer - d.status().send_queue;
        if room > 0 {
            d.send(room.min(20_000)).unwrap();
            d.until(d.elapsed() + ms(1));
            fresh.extend(d.all_that_leaves());
        }
    }
    probes
}

/// RFC 8899 §5.3: once the base size is acknowledged larger ones are probed: the largest first, for
/// the path may only have been down.
#[test]
fn a_path_that_was_down_is_as_large_as_before() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::OnBlackHole));
        let end = behind_a_black_hole(&mut d);
        d.until(3 * RTO + ms(10));
        acknowledges(&mut d, end);
        let probes = search(&mut d, MTU, 10);
        assert_eq!(probes, [(MTU, true)]);
        assert_eq!(d.status().path_mtu, MTU);
        d.aborts().all_that_leaves();
    });
}

/// The search: three probes of what does not pass, then halfway, to the last eight octets.
#[test]
fn a_search_ends_just_below_what_the_path_carries() {
    in_both_families(|family| {
        for carries in [1300, 1400, 1492] {
            let mut d = open(family, probing(MtuProbing::OnBlackHole));
            let end = behind_a_black_hole(&mut d);
            d.until(3 * RTO + ms(10));
            acknowledges(&mut d, end);
            let probes = search(&mut d, carries, 200);
            assert_eq!(probes[..3], [(MTU, false); 3], "{probes:?}");
            assert!(probes.len() <= 3 * 9, "{probes:?}");
            let found = d.status().path_mtu;
            assert!((carries - 8..=carries).contains(&found), "{found}");
            d.aborts().all_that_leaves();
        }
    });
}

/// RFC 8899 §5.1.2, MAX_PROBES, and §5.3: the same search size by size, by hand, over a path of 1,400 octets:
/// each size three times, unless it passes, and then halfway between what passes and what does not.
#[test]
fn a_search_tries_each_size_three_times_and_then_halfway() {
    let mut d = open(Family::V4, probing(MtuProbing::OnBlackHole));
    let end = behind_a_black_hole(&mut d);
    d.until(3 * RTO + ms(10));
    acknowledges(&mut d, end);
    // From 1,200, which passes, and 1,500, which does not.
    let lost = |size| [(size, false); 3].to_vec();
    let expected = [
        lost(1500),
        vec![(1350, true)],
        lost(1425),
        vec![(1387, true)],
        lost(1406),
        vec![(1396, true)],
        lost(1401),
    ];
    assert_eq!(search(&mut d, 1400, 200), expected.concat());
    assert_eq!(d.status().path_mtu, 1396);
    d.aborts().all_that_leaves();
}

/// RFC 8899 §3, 7: the loss of a probe is no sign of congestion, and what it carried
/// is sent again at once in segments that are known to pass.
#[test]
fn the_loss_of_a_probe_is_no_congestion() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::Always));
        let (headers, small) = (family.headers(), base(family));
        let mss = (small - headers) as u32;
        d.sends(20 * small);
        let first = sizes(&mut d);
        assert!(first.iter().all(|(_, size)| *size == small), "{first:?}");
        // The base size passes, so the next segment is a probe.
        let sent = 301 + mss * first.len() as u32;
        acknowledges(&mut d, 301 + 2 * mss);
        let probe = sizes(&mut d);
        assert_eq!(probe[0], (sent, MTU));
        acknowledges(&mut d, sent);
        assert!(d.all_that_leaves().len() >= 2, "others follow it");
        let before = d.status();
        // It is lost, and three that follow it arrive.
        for _ in 0..2 {
            acknowledges(&mut d, sent);
            d.all_that_leaves();
        }
        acknowledges(&mut d, sent);
        let again = sizes(&mut d);
        assert_eq!(again[0], (sent, small));
        assert_eq!(again[1].0, sent + mss, "the rest of it");
        let after = d.status();
        assert_eq!((after.cwnd, after.ssthresh), (before.cwnd, before.ssthresh));
        assert_eq!(after.path_mtu, small);
        d.aborts().all_that_leaves();
    });
}

/// RFC 4821 §7.4: nothing is probed while losses are repaired, be it that all has been sent again.
#[test]
fn nothing_is_probed_while_losses_are_repaired() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            sack: true,
            ..probing(MtuProbing::Always)
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=9000><SACKP>");
        d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
        let small = base(family);
        let mss = (small - family.headers()) as u32;
        let place = |index: u32| 301 + mss * index;
        d.sends(40 * small);
        assert_eq!(sizes(&mut d).len(), 10);
        // The first arrives, the second is lost.
        d.until(ms(5));
        let reported = |d: &mut Dialogue, to: u32| {
            let (ack, from, to) = (place(1), place(2), place(to));
            d.arrives(&format!(
                "<SEQ=101><ACK={ack}><WND=60000><CTL=ACK><SACK={from}:{to}>"
            ));
            sizes(d)
        };
        assert_eq!(reported(&mut d, 5)[0], (place(1), small));
        let left = reported(&mut d, 10);
        assert_eq!(left[0], (place(10), small));
        assert!(left.iter().all(|(_, size)| *size == small), "{left:?}");
        // All is repaired.
        acknowledges(&mut d, place(10 + left.len() as u32));
        assert_eq!(sizes(&mut d)[0].1, MTU);
        d.aborts().all_that_leaves();
    });
}

/// RFC 8899 §4.6.2: a router answers a probe. What it says is the next to be probed, and what was
/// lost is sent again at once.
#[test]
fn a_router_that_answers_a_probe_says_what_to_probe_next() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::Always));
        let small = base(family);
        let mss = (small - family.headers()) as u32;
        d.sends(20 * small);
        let sent = 301 + mss * sizes(&mut d).len() as u32;
        acknowledges(&mut d, 301 + 2 * mss);
        assert_eq!(sizes(&mut d)[0], (sent, MTU));
        let cwnd = d.status().cwnd;
        error_arrives(&mut d, IcmpError::PacketTooBig { mtu: 1400 }, sent);
        assert_eq!(sizes(&mut d)[0], (sent, small));
        assert_eq!((d.status().cwnd, d.status().path_mtu), (cwnd, small));
        let end = sent + (MTU - family.headers()) as u32;
        acknowledges(&mut d, end);
        let next = sizes(&mut d)[0];
        assert_eq!(next.1, 1400);
        acknowledges(&mut d, next.0);
        d.all_that_leaves();
        let text = 1400 - family.headers();
        let before = d.status().cwnd;
        acknowledges(&mut d, next.0 + text as u32);
        assert_eq!(d.status().path_mtu, 1400);
        // RFC 8899 §3, 7: in octets, the window grows by what was acknowledged, and no more.
        assert!(d.status().cwnd <= before + text as u64);
        d.all_that_leaves();
        d.aborts().all_that_leaves();
    });
}

/// RFC 8899 §5.1.1, RFC 1191 §6.3: after ten minutes larger sizes are tried again: by probes, or, if
/// those are off, by sending them.
#[test]
fn what_was_learnt_is_tried_again_after_ten_minutes() {
    in_both_families(|family| {
        for mode in [MtuProbing::OnBlackHole, MtuProbing::Off] {
            let mut d = open(family, probing(mode));
            d.sends(2000).all_that_leaves();
            error_arrives(&mut d, IcmpError::PacketTooBig { mtu: 1400 }, 301);
            d.all_that_leaves();
            acknowledges(&mut d, 2301);
            for (at, expected) in [(599, 1400), (601, MTU)] {
                d.until(secs(at));
                let seq = 301 + d.status().bytes_acked as u32;
                d.sends(12_000);
                let left = sizes(&mut d);
                assert_eq!(left[0], (seq, expected), "{mode:?} {at}");
                acknowledges(&mut d, seq + 12_000);
                d.all_that_leaves();
                acknowledges(&mut d, seq + 12_000);
            }
            assert_eq!(d.status().path_mtu, MTU, "{mode:?}");
        }
    });
}

/// RFC 1191 §6.2, RFC 8201 §5.2: a new connection starts with what another one has learnt, for ten
/// minutes; what it says in its MSS option is what the interface carries.
#[test]
fn a_new_connection_starts_with_what_is_known_of_the_path() {
    in_both_families(|family| {
        let mut d = open(family, probing(MtuProbing::OnBlackHole));
        d.sends(2000).all_that_leaves();
        error_arrives(&mut d, IcmpError::PacketTooBig { mtu: 1400 }, 301);
        d.all_that_leaves();
        let mss = MTU - family.headers();
        for (port, at, expected) in [(2000, 10, 1400), (3000, 599, 1400), (4000, 601, MTU)] {
            d.aborts().all_that_leaves();
            d.until(secs(at));
            d.as_port(port)
                .arrives("<SEQ=100><WND=60000><CTL=SYN><MSS=9000>");
            d.leaves(&format!("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS={mss}>"));
            d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
            assert_eq!(d.status().path_mtu, expected, "after {at} s");
            d.sends(2000);
            assert_eq!(sizes(&mut d)[0], (301, expected));
        }
        d.aborts().all_that_leaves();
    });
}

/// What one connection has found does not concern another destination, nor is there more than a
/// bounded number of them.
#[test]
fn other_hosts_have_paths_of_their_own() {
    let mut d = open(Family::V4, probing(MtuProbing::OnBlackHole));
    d.sends(2000).all_that_leaves();
    error_arrives(&mut d, IcmpError::PacketTooBig { mtu: 1400 }, 301);
    d.all_that_leaves();
    let elsewhere = ([10, 0, 0, 3], 9).into();
    let id = d.stack.connect(d.now(), None, elsewhere).unwrap();
    assert_eq!(d.stack.status(id).path_mtu, MTU);
    d.aborts().all_that_leaves_of_any_kind();
}

/// A probe is no longer than what the peer takes, and none leaves where there is nothing to gain.
#[test]
fn nothing_is_probed_beyond_what_the_peer_takes() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, probing(MtuProbing::Always));
        let mss = 1300;
        d.arrives(&format!("<SEQ=100><WND=60000><CTL=SYN><MSS={mss}>"));
        d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=301><WND=60000><CTL=ACK>").accept();
        d.sends(20_000).all_that_leaves();
        let acked = 301 + (base(family) - family.headers()) as u32;
        acknowledges(&mut d, acked);
        let probes = search(&mut d, 9000, 20);
        assert_eq!(probes, [(mss + family.headers(), true)]);
        d.until(d.elapsed() + Duration::from_millis(1));
        d.aborts().all_that_leaves();
    });
}

/// RFC 4821 §7.4: a probe leaves only if the queue, the window of the peer and that of the congestion have
/// room for it and for three segments behind it, which show whether it was lost.
#[test]
fn a_probe_needs_three_segments_behind_it() {
    in_both_families(|family| {
        let small = base(family) - family.headers();
        let needed = MTU - family.headers() + 3 * small;
        let first = |len: usize, window: usize, initial_window: u32| {
            let tcp = TcpConfig {
                initial_window,
                ..probing(MtuProbing::Always)
            };
            let mut d = open(family, tcp);
            d.sends(small);
            let end = 301 + small as u32;
            assert_eq!(sizes(&mut d), [(301, base(family))]);
            d.arrives(&format!("<SEQ=101><ACK={end}><WND={window}><CTL=ACK>"));
            d.sends(len);
            let first = sizes(&mut d)[0].1;
            d.aborts().all_that_leaves();
            first
        };
        assert_eq!(first(needed, needed, 10), MTU);
        assert_eq!(first(needed - 1, 60_000, 10), base(family));
        assert_eq!(first(needed, needed - 1, 10), base(family));
        assert_eq!(first(needed, 60_000, 3), base(family));
    });
}
