//! Initial sequence numbers (RFC 9293 §3.4.1, RFC 6528) and the start of the timestamp clock (RFC
//! 7323 §7.1), seen from outside.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;
use stubborn::wire::{self, Payload, TcpHeader};

/// A connection, and when it is opened, by whom.
#[derive(Clone, Copy)]
struct Opened {
    secret: [u8; 16],
    at: Instant,
    local: SocketAddr,
    remote: SocketAddr,
}

const TUPLES: [(&str, &str); 2] = [
    ("10.0.0.1:2000", "10.0.0.2:80"),
    ("[fd00::1]:2000", "[fd00::2]:80"),
];

fn opened((local, remote): (&str, &str)) -> Opened {
    Opened {
        secret: [7; 16],
        at: Instant::from_secs(1000),
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

impl Opened {
    fn syn(self) -> TcpHeader {
        let config = Config::new([self.local.ip()]);
        let mut stack = Stack::new(config, Secret(self.secret)).unwrap();
        let opened = stack.connect(self.at, Some(self.local), self.remote);
        opened.unwrap();
        let syn = stack.poll_transmit(self.at).unwrap().to_vec();
        match wire::parse(&syn).unwrap().payload {
            Payload::Tcp(header, _) => header,
            other => panic!("{other:?}"),
        }
    }

    fn iss(self) -> u32 {
        self.syn().seq
    }

    /// TSval of its SYN.
    fn clock(self) -> u32 {
        self.syn().options.timestamps.unwrap().val
    }
}

/// MUST-8: for one connection, one step every four microseconds.
#[test]
fn the_isn_advances_every_four_microseconds() {
    for tuple in TUPLES {
        let first = opened(tuple);
        let since = |micros| {
            let at = first.at + Duration::from_micros(micros);
            Opened { at, ..first }.iss().wrapping_sub(first.iss())
        };
        assert_eq!(since(3), 0);
        assert_eq!(since(4), 1);
        assert_eq!(since(1_000_000), 250_000);
        assert_eq!(
            since(60_000_000),
            15_000_000,
            "a new incarnation after 2 MSL"
        );
        let turn = 4 << 32;
        assert_eq!(since(turn + 8), 2, "it wraps after 4.77 hours");
    }
}

/// SHLD-1: each address and each port matters, and knowing one number tells nothing of the next.
#[test]
fn isns_of_different_tuples_are_unrelated() {
    for tuple in TUPLES {
        let one = opened(tuple);
        let other_address = |address: SocketAddr| {
            let ip = match address.ip() {
                IpAddr::V4(v4) => IpAddr::from((u32::from(v4) + 16).to_be_bytes()),
                IpAddr::V6(v6) => IpAddr::from((u128::from(v6) + 16).to_be_bytes()),
            };
            SocketAddr::new(ip, address.port())
        };
        let other_port = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + 1);
        let (local, remote) = (one.local, one.remote);
        let all = BTreeSet::from([
            one.iss(),
            Opened {
                local: other_address(local),
                ..one
            }
            .iss(),
            Opened {
                local: other_port(local),
                ..one
            }
            .iss(),
            Opened {
                remote: other_address(remote),
                ..one
            }
            .iss(),
            Opened {
                remote: other_port(remote),
                ..one
            }
            .iss(),
        ]);
        assert_eq!(all.len(), 5);

        // Of ten thousand, each octet takes each value about as often (chi-squared, 255 degrees of
        // freedom: above 350 once in thirty thousand), and the next is no nearer than chance has it.
        let isns: Vec<u32> = (1..=10_000)
            .map(|port| {
                Opened {
                    remote: SocketAddr::new(remote.ip(), port),
                    ..one
                }
                .iss()
            })
            .collect();
        for shift in [0, 8, 16, 24] {
            let mut counts = [0f64; 256];
            isns.iter()
                .for_each(|isn| counts[(isn >> shift) as usize & 255] += 1.0);
            let expected = 10_000.0 / 256.0;
            let chi: f64 = counts
                .iter()
                .map(|n| (n - expected).powi(2) / expected)
                .sum();
            assert!(chi < 350.0, "octet at {shift}: {chi}");
        }
        let near = |pair: &&[u32]| pair[1].wrapping_sub(pair[0]).cast_signed().abs() <= 1000;
        assert!(isns.windows(2).filter(near).count() <= 1);
    }
}

/// MUST-9.
#[test]
fn the_isn_depends_on_the_secret() {
    for tuple in TUPLES {
        let one = opened(tuple);
        assert_eq!(
            one.iss(),
            opened(tuple).iss(),
            "and on nothing that is not known"
        );
        let isns: BTreeSet<u32> = (0..1000u32)
            .map(|number| {
                let mut secret = [0; 16];
                secret[4..8].copy_from_slice(&number.to_be_bytes());
                Opened { secret, ..one }.iss()
            })
            .collect();
        assert!(isns.len() >= 999, "{} of 1000 differ", isns.len());
    }
}

/// RFC 7323 §7.1, §5.4: one clock of milliseconds for one peer, unrelated ones for unrelated peers,
/// so that nobody learns from it how long the host has been up.
#[test]
fn timestamp_clocks_start_at_random_for_each_peer() {
    for tuple in TUPLES {
        let one = opened(tuple);
        let later = Opened {
            at: one.at + Duration::from_millis(3),
            ..one
        };
        assert_eq!(later.clock().wrapping_sub(one.clock()), 3);
        let same_peer = Opened {
            remote: SocketAddr::new(one.remote.ip(), 81),
            ..one
        };
        assert_eq!(same_peer.clock(), one.clock());
        let clocks: Vec<u32> = (0..1000u32)
            .map(|number| {
                let ip = match one.remote.ip() {
                    IpAddr::V4(_) => IpAddr::from((0x0b00_0001 + number).to_be_bytes()),
                    IpAddr::V6(v6) => {
                        IpAddr::from((u128::from(v6) + u128::from(number)).to_be_bytes())
                    }
                };
                Opened {
                    remote: SocketAddr::new(ip, 80),
                    ..one
                }
                .clock()
            })
            .collect();
        let mut eighths = [0; 8];
        clocks
            .iter()
            .for_each(|clock| eighths[(clock >> 29) as usize] += 1);
        assert!(
            eighths.iter().all(|count| (80..=170).contains(count)),
            "{eighths:?}"
        );
    }
}
