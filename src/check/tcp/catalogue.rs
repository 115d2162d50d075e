//! The configurations that are checked.

use super::configuration::{Configuration, Script};

const BASE: Configuration = Configuration::BASE;
const CLIENT: Script = BASE.scripts[0];
const SERVER: Script = BASE.scripts[1];

/// Every configuration. Each adds one thing to those before it.
pub fn catalogue() -> Vec<Configuration> {
    [
        ordinary(),
        slow(),
        closing(),
        network(),
        options(),
        trouble(),
    ]
    .concat()
}

/// Ordinary connections, in a network that loses and reorders.
fn ordinary() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "octet",
            about: "an octet each way, and both close",
            ..BASE
        },
        Configuration {
            name: "octet-ipv6",
            about: "the same over IPv6",
            ipv6: true,
            ..BASE
        },
        Configuration {
            name: "two-octets",
            about: "two octets each way, in segments of one, across the wrap of the numbers",
            scripts: [
                Script {
                    octets: 2,
                    ..CLIENT
                },
                Script {
                    octets: 2,
                    ..SERVER
                },
            ],
            ..BASE
        },
        Configuration {
            name: "stream",
            about: "five octets one way through a window of two",
            scripts: [
                Script {
                    octets: 5,
                    ..CLIENT
                },
                Script {
                    octets: 0,
                    closes_last: true,
                    ..SERVER
                },
            ],
            room: 4,
            ..BASE
        },
    ]
}

/// Users who are slow.
fn slow() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "slow-reader",
            about: "a reader who reads when it likes: windows close, probes open them",
            scripts: [
                Script {
                    octets: 3,
                    ..CLIENT
                },
                Script {
                    octets: 0,
                    hasty: false,
                    closes_last: true,
                    ..SERVER
                },
            ],
            receive_buffer: 1,
            ..BASE
        },
        Configuration {
            name: "slow-user",
            about: "a user who sends, reads and closes one call at a time, in any order",
            scripts: [
                CLIENT,
                Script {
                    hasty: false,
                    ..SERVER
                },
            ],
            room: 2,
            ..BASE
        },
    ]
}

/// Every way to open and to close.
fn closing() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "early-close",
            about: "a user may close at any time, with everything still unsent",
            scripts: [
                Script {
                    closes_early: true,
                    hasty: false,
                    ..CLIENT
                },
                SERVER,
            ],
            room: 2,
            ..BASE
        },
        Configuration {
            name: "abort",
            about: "either user may abort at any time",
            scripts: [
                Script {
                    aborts: true,
                    ..CLIENT
                },
                Script {
                    aborts: true,
                    closes_last: true,
                    hasty: false,
                    ..SERVER
                },
            ],
            ..BASE
        },
        Configuration {
            name: "simultaneous-open",
            about: "both call each other",
            scripts: [CLIENT, CLIENT],
            ..BASE
        },
        Configuration {
            name: "simultaneous-open-abort",
            about: "both call each other, and either may abort",
            scripts: [
                Script {
                    aborts: true,
                    ..CLIENT
                },
                Script {
                    aborts: true,
                    ..CLIENT
                },
            ],
            ..BASE
        },
    ]
}

/// Everything that the network can do.
fn network() -> Vec<Configuration> {
    let two = [
        Script {
            octets: 2,
            ..CLIENT
        },
        Script {
            octets: 2,
            ..SERVER
        },
    ];
    vec![
        Configuration {
            name: "duplication",
            about: "what is under way may arrive any number of times",
            duplications: None,
            ..BASE
        },
        Configuration {
            name: "duplication-two-octets",
            about: "two octets each way, one datagram twice",
            scripts: two,
            room: 2,
            duplications: Some(1),
            ..BASE
        },
        Configuration {
            name: "corruption",
            about: "any bit of one datagram may flip, each of them tried",
            corruptions: 1,
            ..BASE
        },
        Configuration {
            name: "patient",
            about: "three octets each way; timers wait until the network is empty",
            scripts: two.map(|script| Script {
                octets: 3,
                ..script
            }),
            receive_buffer: 4,
            send_buffer: 4,
            room: 6,
            patient: true,
            ..BASE
        },
    ]
}

/// Settings of the stack.
fn options() -> Vec<Configuration> {
    let sender = Script {
        octets: 3,
        ..CLIENT
    };
    let receiver = Script {
        octets: 0,
        closes_last: true,
        ..SERVER
    };
    vec![
        Configuration {
            name: "sack",
            about: "three octets in flight at once, SACK and D-SACK reported",
            scripts: [sender, receiver],
            sack: true,
            receive_buffer: 4,
            send_buffer: 4,
            room: 4,
            ..BASE
        },
        Configuration {
            name: "delayed-ack-nagle",
            about: "acknowledgments that wait for text, text that waits for acknowledgments",
            scripts: [
                Script {
                    octets: 3,
                    ..CLIENT
                },
                Script {
                    octets: 1,
                    ..SERVER
                },
            ],
            delayed_ack: true,
            nagle: true,
            receive_buffer: 4,
            send_buffer: 4,
            ..BASE
        },
        Configuration {
            name: "keepalive",
            about: "idle connections are probed",
            keepalive: true,
            ..BASE
        },
    ]
}

/// Crashes, attacks and other trouble.
fn trouble() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "client-crash",
            about: "the client forgets everything and calls again; the server finds out",
            scripts: [
                CLIENT,
                Script {
                    octets: 2,
                    ..SERVER
                },
            ],
            crashes: [1, 0],
            keepalive: true,
            ..BASE
        },
        Configuration {
            name: "server-crash",
            about: "the server forgets everything and listens again",
            scripts: [
                Script {
                    octets: 2,
                    ..CLIENT
                },
                SERVER,
            ],
            crashes: [0, 1],
            keepalive: true,
            // An old SYN may reach the restarted server when the client has moved on by more
            // than a window. Each side's segments are then outside the other's window, and the
            // connection ends only when the server gives up.
            syn_ack_retries: Some(1),
            ..BASE
        },
        Configuration {
            name: "adversary",
            about: "two of twelve forgeries at any time: RST, SYN, text beside what is believed",
            forgeries: 2,
            ..BASE
        },
    ]
}
