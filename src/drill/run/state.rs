//! The state of a run.

use super::super::ast::Script;
use super::super::code;
use super::super::setup::Setup;
use super::Settings;
use super::calls::pending::Pending;
use super::commands::counters::Baseline;
use super::files::Files;
use super::host::Host;
use super::ladder::Ladder;
use super::socket::Sockets;
use crate::time::{Duration, Instant};

/// A script that is running.
pub(super) struct Run<'a> {
    pub(super) script: &'a Script,
    pub(super) setup: Setup,
    pub(super) host: Host,
    pub(super) sockets: Sockets,
    pub(super) files: Files,
    pub(super) pending: Option<Pending>,
    pub(super) ladder: Ladder,
    /// The time of the event before this one, in the script.
    pub(super) previous: Instant,
    /// The event before this one was an injected packet.
    pub(super) after_injected: bool,
    /// Ephemeral ports of the peer.
    pub(super) next_port: u16,
    pub(super) counters_at: Baseline,
    /// The names that its code has assigned.
    pub(super) variables: code::Variables,
}

/// The time of an event, and how exact it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) from: Instant,
    pub(super) to: Instant,
    pub(super) tolerance: Duration,
    pub(super) any: bool,
}

impl<'a> Run<'a> {
    /// A script and a fresh host.
    ///
    /// # Errors
    /// If the host cannot be made, in words.
    pub(super) fn new(
        script: &'a Script,
        setup: Setup,
        settings: &Settings,
    ) -> Result<Run<'a>, String> {
        let profile = setup.profile.unwrap_or(settings.profile);
        let config = profile.config(setup.addresses.local, setup.mtu);
        Ok(Run {
            script,
            host: Host::new(
                config,
                profile.system(),
                settings.capture,
                setup.md5_secret.clone(),
            )?,
            setup,
            sockets: Sockets::default(),
            files: Files::default(),
            pending: None,
            ladder: Ladder::default(),
            previous: Instant::ZERO,
            after_injected: false,
            next_port: 49_152,
            counters_at: Baseline::default(),
            variables: code::Variables::default(),
        })
    }

    /// How far off an event may be that is `due` and follows one at `previous`.
    pub(super) fn tolerance(&self, due: Instant, previous: Instant) -> Duration {
        let micros = due.since(previous).as_micros() as u64;
        let share = micros.saturating_mul(self.setup.tolerance_millipercent) / 100_000;
        Duration::from_micros(share.max(self.setup.tolerance_micros))
    }
}
