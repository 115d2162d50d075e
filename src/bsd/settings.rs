//! Settings of a socket that the layer itself keeps.

use core::time::Duration;
use std::collections::BTreeMap;

use super::linux::{SO_PRIORITY, SOL_SOCKET};
use crate::config::Keepalive;

/// Settings that the layer itself keeps for a socket of any kind.
#[derive(Clone, Debug)]
pub(super) struct SocketSettings {
    pub(super) reuse_address: bool,
    pub(super) reuse_port: bool,
    pub(super) bound_to_device: bool,
    pub(super) v6only: bool,
    /// The urgent octet stays in the stream.
    pub(super) urgent_inline: bool,
    /// How many octets make a stream readable.
    pub(super) receive_low_water: usize,
    pub(super) receive_timeout: Option<Duration>,
    pub(super) send_timeout: Option<Duration>,
    /// recvmsg reports how much waits.
    pub(super) tell_waiting: bool,
    /// Whether keepalive is on, and its parameters.
    pub(super) keepalive_on: bool,
    pub(super) keepalive: Keepalive,
    /// Option values that are returned as they were set, by level and name.
    kept: BTreeMap<(i32, i32), i32>,
}

impl Default for SocketSettings {
    fn default() -> SocketSettings {
        SocketSettings {
            reuse_address: false,
            reuse_port: false,
            bound_to_device: false,
            v6only: false,
            urgent_inline: false,
            receive_low_water: 1,
            receive_timeout: None,
            send_timeout: None,
            tell_waiting: false,
            keepalive_on: false,
            keepalive: Keepalive::default(),
            kept: BTreeMap::new(),
        }
    }
}

impl SocketSettings {
    /// The settings of a new socket; `keepalive` has the parameters for when it is
    /// turned on.
    pub(super) fn new(keepalive: Keepalive) -> SocketSettings {
        SocketSettings {
            keepalive,
            ..SocketSettings::default()
        }
    }

    /// What an accepted connection inherits from its listener: everything but the
    /// priority.
    pub(super) fn of_child(&self) -> SocketSettings {
        let mut child = self.clone();
        child.kept.remove(&(SOL_SOCKET, SO_PRIORITY));
        child
    }

    pub(super) fn kept(&self, level: i32, name: i32, default: i32) -> i32 {
        self.kept.get(&(level, name)).copied().unwrap_or(default)
    }

    pub(super) fn keep(&mut self, level: i32, name: i32, value: i32) {
        self.kept.insert((level, name), value);
    }
}
