//! How a windowed link behaves.

use crate::time::Duration;

/// How a windowed link behaves. Both ends must have the same window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowConfig {
    /// N: the most messages under way to one process, from 1. Default 256.
    pub window: usize,
    /// How long after a message is sent it is sent again, unless it is acknowledged. Default 200 ms.
    pub period: Duration,
    /// How often the period doubles for one message. With 0 it never does, as in the stubborn link;
    /// more relieves a congested network. Default 6.
    pub doublings: u32,
    /// A message is sent again early once a packet that was sent more than this many packets after it
    /// has arrived (in TCP, duplicate acknowledgments indicate this). `None`: never. Default 3.
    pub reordering: Option<u64>,
    /// The most processes it communicates with. Packets of any others are dropped. Default 256.
    pub peers: usize,
}

impl Default for WindowConfig {
    fn default() -> WindowConfig {
        WindowConfig {
            window: 256,
            period: Duration::from_millis(200),
            doublings: 6,
            reordering: Some(3),
            peers: 256,
        }
    }
}
