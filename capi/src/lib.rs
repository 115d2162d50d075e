//! `stubborn` for C.
//!
//! | file | what is in it |
//! |---|---|
//! | `sockets` | `stubborn_open`, `stubborn_socket`, …: a stack on a TUN interface, in real time |
//! | `transfer` | those of them that send and receive |
//! | `host` | that stack, the thread that drives it, and threads that wait |
//! | `packetdrill/` | `packetdrill_interface_init`: a stack in virtual time, for the program of that name |
//! | `posix` | the calls, blocking or not, for both: [`Machine`](posix::Machine) |
//! | `structures` | those of them that take structures of C |
//! | `abi` | pointers of C become slices and values, results become `errno` |
//!
//! `unsafe` is what touches a pointer of C, and stands in `abi`, in `structures` and at the heads
//! of the exported functions. Nothing unwinds into C: a panic becomes `EIO`.

mod abi;
mod host;
pub mod packetdrill;
mod posix;
pub mod sockets;
mod structures;
pub mod transfer;
