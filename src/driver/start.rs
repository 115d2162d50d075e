//! Starting a stack on a device.

use core::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::PollDevice;
use super::shard::Shard;
use crate::config::{Config, ConfigError};
use crate::stack::{Secret, Stack};

/// A stack as `config` says, on a device whose MTU counts if it is less, and the device's
/// descriptor to poll.
pub(super) fn shard(
    device: Box<dyn PollDevice>,
    mut config: Config,
) -> Result<(Shard<Box<dyn PollDevice>>, OwnedFd), StartError> {
    config.mtu = config.mtu.min(device.capabilities().mtu);
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(StartError::Random)?;
    let stack = Stack::new(config, Secret(secret)).map_err(StartError::Config)?;
    let fd = device
        .as_fd()
        .try_clone_to_owned()
        .map_err(StartError::Io)?;
    Ok((Shard::new(stack, device), fd))
}

/// Why a network cannot be started.
#[derive(Debug)]
pub enum StartError {
    /// The configuration makes no sense.
    Config(ConfigError),
    /// The operating system gives no random numbers.
    Random(getrandom::Error),
    /// The operating system gives no descriptor or thread.
    Io(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(error) => error.fmt(f),
            StartError::Random(error) => write!(f, "no random numbers: {error}"),
            StartError::Io(error) => write!(f, "could not start the network: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Config(error) => Some(error),
            StartError::Random(error) => Some(error),
            StartError::Io(error) => Some(error),
        }
    }
}
