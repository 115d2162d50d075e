//! What RFC 9293 requires, and what belongs to it, as dialogues: `docs/RFC.md` names the test of
//! every requirement. Each runs over IPv4 and IPv6.
//!
//! | file | what is asked |
//! |---|---|
//! | `push` | PSH, Nagle, segments of full size |
//! | `window` | the peer's window and ours, closed, shrunk, scaled; probes; silly windows |
//! | `urgent` | the urgent pointer |
//! | `options` | TCP options and checksums |
//! | `internet` | whom a host answers below TCP: own addresses, all nodes, echo, fragments |
//! | `isn` | initial sequence numbers |
//! | `itself` | connections of a host with itself |
//! | `opening` | handshakes, local and remote addresses |
//! | `calls` | every call in every state |
//! | `closing` | FIN, RST, half-close, TIME-WAIT and the way out of it |
//! | `resets` | resets where both sides have closed |
//! | `ecn` | congestion marks: who asks, who agrees, who tells, who answers |
//! | `retransmission` | RTO, Karn, slow start, fast retransmit and recovery |
//! | `recovery` | SACK, RACK-TLP, PRR, and losses that were none |
//! | `lost_again` | what is lost of what left after a loss |
//! | `silence` | which timer runs, and what a timeout takes for lost |
//! | `duplicates` | what duplicate acknowledgments begin and let out |
//! | `timestamps` | timestamps and PAWS |
//! | `failures` | R1, R2, user timeout, keep-alive |
//! | `icmp` | what routers and hosts say of our segments; path MTU |
//! | `interface` | hop limit, traffic class |
//! | `buffers` | how large the buffers are, and who says so |
//! | `path_mtu` | what probes find, and what is remembered of a path |
//! | `attacks` | RFC 5961, floods, reflection |
//! | `pacing` | when what the windows allow leaves |
//! | `acks` | delayed acknowledgments, SACK, D-SACK |
//! | `memory` | what happens when all connections together take too much memory |
//! | `landing` | text that is received into the buffer of its reader |
//! | `super_segments` | what a device cuts, or has put together |
//! | `listener` | backlog, accept queue, strangers |
//! | `fast_open` | TCP Fast Open |
//! | `cookies` | SYN cookies |
//! | `signatures` | RFC 2385 |
//! | `groups` | what routers are told of groups: IGMP and MLD |
//! | `sources` | and of the senders that are heard |

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/dialogue.rs"]
mod dialogue;

mod requirements {
    mod acks;
    mod attacks;
    mod buffers;
    mod calls;
    mod closing;
    mod cookies;
    mod duplicates;
    mod ecn;
    mod failures;
    mod fast_open;
    mod groups;
    mod icmp;
    mod interface;
    mod internet;
    mod isn;
    mod itself;
    mod landing;
    mod listener;
    mod lost_again;
    mod memory;
    mod opening;
    mod options;
    mod pacing;
    mod path_mtu;
    mod push;
    mod recovery;
    mod resets;
    mod retransmission;
    mod signatures;
    mod silence;
    mod sources;
    mod super_segments;
    mod timestamps;
    mod urgent;
    mod window;
}
