//! Worlds in a box: hosts, paths, story, expectation. Every test is a scenario, and most say no
//! more than how it differs from the clean one.
//!
//! | file | what is asked |
//! |---|---|
//! | `support` | two hosts and a wire: what the others start from |
//! | `faults` | every part of a medium, by itself and with others |
//! | `applications` | every behaviour of an application |
//! | `partitions` | cuts, pauses, clocks that jump |
//! | `crashes` | a host loses all it knows, in every state |
//! | `incarnations` | datagrams of older connections arrive late |
//! | `hosts` | more than two hosts, IPv6, a NAT |
//! | `large` | much text: 64 KiB, 1 MiB, 5 GiB |
//! | `controllers` | Reno and CUBIC on one path |
//! | `ecn` | bottlenecks that mark, and boxes that change marks |
//! | `buffers` | long paths are full, whatever the size that buffers start with |
//! | `path_mtu` | paths that carry less than the interfaces, and say so or not |
//! | `super_segments` | super-segments that are cut and merged at the ports |
//! | `determinism` | the same seed, the same world |
//! | `broken` | every property, broken: the judge sees it |
//! | `pictures` | ladder diagrams and captures |

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod sim {
    mod applications;
    mod broken;
    mod buffers;
    mod controllers;
    mod crashes;
    mod determinism;
    mod ecn;
    mod fast_open;
    mod faults;
    mod hosts;
    mod incarnations;
    mod large;
    mod partitions;
    mod path_mtu;
    mod pictures;
    mod recovery;
    mod super_segments;
    mod support;
}
