//! Starting the stacks of a host on the queues of its device.

use core::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::engine::Engine;
use super::mail::Mail;
use super::poll_device::PollDevice;
use super::shard::Shard;
use crate::config::{Config, ConfigError};
use crate::stack::{Secret, Stack};

/// A shard with the descriptor of its device, to poll.
type Polled = (Shard<Box<dyn PollDevice>>, OwnedFd);

/// The engines of a host: for each queue a shard, with a mailbox for what other shards
/// hand over to it.
pub(super) fn engines(
    queues: Vec<Box<dyn PollDevice>>,
    config: &Config,
) -> Result<Vec<Engine>, StartError> {
    let mail: Vec<Option<Mail>> = match queues.len() {
        0 => return Err(StartError::NoQueue),
        1 => vec![None],
        count => {
            let mail = Mail::for_shards(count).map_err(StartError::Io)?;
            mail.into_iter().map(Some).collect()
        }
    };
    let shards = shards(queues, config)?.into_iter().zip(mail);
    shards
        .map(|((shard, device), mail)| Engine::new(shard, device, mail).map_err(StartError::Io))
        .collect()
}

/// A stack for each queue. Its MTU is that of the device if that is less than the one of
/// `config`.
pub(super) fn shards(
    queues: Vec<Box<dyn PollDevice>>,
    config: &Config,
) -> Result<Vec<Polled>, StartError> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(StartError::Random)?;
    let count = queues.len();
    let shard = |(index, device): (usize, Box<dyn PollDevice>)| {
        let mut config = config.part(count);
        config.mtu = config.mtu.min(device.capabilities().mtu);
        let stack = Stack::shard(config, Secret(secret), index, count);
        let fd = device.as_fd().try_clone_to_owned();
        let stack = stack.map_err(StartError::Config)?;
        Ok((Shard::new(stack, device), fd.map_err(StartError::Io)?))
    };
    queues.into_iter().enumerate().map(shard).collect()
}

/// Why a network cannot be started. The cause is its `source`.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration is invalid: [`Config::validate`] says why.
    Config(ConfigError),
    /// There is no queue to start on.
    NoQueue,
    /// The operating system provided no random numbers.
    Random(getrandom::Error),
    /// The operating system refused a descriptor or a thread.
    Io(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(_) => f.write_str("the configuration is invalid"),
            StartError::NoQueue => f.write_str("a network needs at least one queue"),
            StartError::Random(_) => f.write_str("the operating system provided no random numbers"),
            StartError::Io(_) => {
                f.write_str("the operating system refused a descriptor or a thread")
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Config(error) => Some(error),
            StartError::NoQueue => None,
            StartError::Random(error) => Some(error),
            StartError::Io(error) => Some(error),
        }
    }
}
