//! A TUN interface: the device that joins the stack to the kernel's network.
//!
//! | file | what it holds |
//! |---|---|
//! | `open` | [`TunDevice::open`], and what its errors mean |
//! | `offloads` | turns the offloads of an interface on and off |
//! | `vnet` | the header before each datagram when there are offloads |
//! | `device` | [`TunDevice`] as a [`link::Device`](crate::link::Device) |
//! | `receiver` | its receiving half |
//! | `calls` | the calls that move datagrams |
//! | `counters` | counts what it loses |
//! | `configure` | the kernel's end of the interface: addresses, up, MTU, queue length |
//! | `netlink` | the rtnetlink requests for that |
//! | `cidr` | an address with its prefix length |
//! | `error` | [`TunError`]: what can go wrong, and what to do about it |
//! | `sys` | the only `unsafe` code of the crate |

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
