//! A TUN interface: the device that joins the stack to the kernel's network.
//!
//! | file | what it holds |
//! |---|---|
//! | `open` | [`TunDevice::open`], and what a refusal means |
//! | `offloads` | what the kernel leaves to us of what it sends, while we have an interface |
//! | `vnet` | the header that goes with a datagram when there are offloads |
//! | `device` | [`TunDevice`] as a [`link::Device`](crate::link::Device): datagrams in and out, faults |
//! | `receiver` | its receiving half: datagrams in |
//! | `counters` | what it loses |
//! | `configure` | the kernel's end of the interface: addresses, up, MTU, queue length |
//! | `netlink` | the few rtnetlink requests that this takes |
//! | `cidr` | an address with its prefix length |
//! | `error` | what can go wrong, in the user's words |
//! | `sys` | the only `unsafe` of the crate |

mod calls;
mod cidr;
mod configure;
mod counters;
mod device;
mod error;
mod netlink;
mod offloads;
mod open;
mod receiver;
mod sys;
mod vnet;

pub use cidr::{Cidr, CidrError};
pub use counters::TunCounters;
pub use device::TunDevice;
pub use error::TunError;
