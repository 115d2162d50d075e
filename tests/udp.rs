//! UDP and echo sockets in virtual time (RFC 768, RFC 1122 §4.1 and §3.2.2.6): every datagram goes through the bytes of the wire.
//! `docs/RFC.md` names these tests.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod udp {
    mod calls;
    mod echo;
    mod errors;
    mod hostile;
    mod itself;
    mod many;
    mod receiving;
    mod sending;
    mod support;
}
