//! Sockets as BSD shaped them: what each call answers, and which descriptor is ready for what. Two
//! hosts, a wire, and virtual time.
//!
//! | file | what is asked |
//! |---|---|
//! | `support` | the two hosts: what the others start from |
//! | `streams` | TCP: each call and its errors |
//! | `addresses` | which addresses and ports a socket may have, and which it gets |
//! | `datagrams` | UDP: the same |
//! | `echo` | ping sockets |
//! | `options` | getsockopt, setsockopt, `TCP_INFO` |
//! | `kernel` | what Linux has answered in the same states |
//! | `live` | options of what is connected or listens already; close that lingers |
//! | `groups` | groups and broadcasts |
//! | `sources` | the senders to a group that are heard |
//! | `readiness` | poll; epoll by level, by edge, once |
//! | `waits` | calls that wait, while others close the descriptor |

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bsd {
    mod addresses;
    mod datagrams;
    mod echo;
    mod groups;
    mod kernel;
    mod live;
    mod options;
    mod readiness;
    mod sources;
    mod streams;
    mod support;
    mod waits;
}
