//! `stubborn`: a TCP/IP stack in user space.

pub mod config;
pub mod link;
pub mod stack;
pub mod tcp;
pub mod time;
pub mod wire;
