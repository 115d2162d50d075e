//! `stubborn`: a TCP/IP stack in user space.

pub mod config;
pub mod driver;
pub mod link;
pub mod sockets;
pub mod stack;
pub mod tcp;
pub mod time;
pub mod tun;
pub mod wire;
