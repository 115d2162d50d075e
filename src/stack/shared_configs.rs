//! Connections that behave alike share one configuration, however they came to behave so.

use std::sync::Arc;

use crate::config::{SocketOptions, TcpConfig};

/// The configurations that the next connection is likely to need.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedConfigs {
    /// That of the connection that was opened last.
    opened: Arc<TcpConfig>,
    /// The last change of socket options: a program that changes them after it has accepted or opened a
    /// connection does so each time.
    changed: Option<Change>,
}

/// A configuration, and what became of it with other socket options.
#[derive(Clone, Debug)]
struct Change {
    before: Arc<TcpConfig>,
    after: Arc<TcpConfig>,
}

impl SharedConfigs {
    /// One copy of `config` for all successive connections that are opened with it.
    pub(super) fn opened_with(&mut self, config: &TcpConfig) -> Arc<TcpConfig> {
        if *self.opened != *config {
            self.opened = Arc::new(config.clone());
        }
        Arc::clone(&self.opened)
    }

    /// `before` with these socket options: one copy for all successive connections that change from one to
    /// the other, or back.
    pub(super) fn changed_to(
        &mut self,
        before: &Arc<TcpConfig>,
        socket: SocketOptions,
    ) -> Arc<TcpConfig> {
        if before.socket == socket {
            return Arc::clone(before);
        }
        if let Some(last) = &self.changed {
            let leads = |from: &Arc<TcpConfig>, to: &Arc<TcpConfig>| {
                Arc::ptr_eq(from, before) && to.socket == socket
            };
            if leads(&last.before, &last.after) {
                return Arc::clone(&last.after);
            }
            if leads(&last.after, &last.before) {
                return Arc::clone(&last.before);
            }
        }
        let after = Arc::new(TcpConfig {
            socket,
            ..TcpConfig::clone(before)
        });
        self.changed = Some(Change {
            before: Arc::clone(before),
            after: Arc::clone(&after),
        });
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(nodelay: bool) -> SocketOptions {
        SocketOptions {
            nodelay,
            ..SocketOptions::default()
        }
    }

    #[test]
    fn connections_that_are_opened_alike_share_a_configuration() {
        let mut shared = SharedConfigs::default();
        let mut config = TcpConfig::default();
        config.send_buffer += 1;
        let first = shared.opened_with(&config);
        assert_eq!(*first, config);
        assert!(Arc::ptr_eq(&first, &shared.opened_with(&config)));
        config.send_buffer += 1;
        assert_eq!(*shared.opened_with(&config), config);
    }

    #[test]
    fn connections_whose_options_change_alike_share_a_configuration() {
        let mut shared = SharedConfigs::default();
        let before = Arc::new(TcpConfig::default());
        let after = shared.changed_to(&before, options(true));
        let expected = TcpConfig {
            socket: options(true),
            ..TcpConfig::default()
        };
        assert_eq!(*after, expected);
        let again = shared.changed_to(&before, options(true));
        assert!(Arc::ptr_eq(&after, &again), "the next one");
        let same = shared.changed_to(&after, options(true));
        assert!(Arc::ptr_eq(&after, &same), "nothing changes");
        let back = shared.changed_to(&after, options(false));
        assert!(Arc::ptr_eq(&before, &back), "as when a cork is pulled");
    }

    /// Equal options of connections that differ otherwise lead to nothing that they could share.
    #[test]
    fn connections_that_behave_otherwise_do_not_share() {
        let mut shared = SharedConfigs::default();
        let before = Arc::new(TcpConfig::default());
        let other = Arc::new(TcpConfig {
            send_buffer: before.send_buffer + 1,
            ..TcpConfig::default()
        });
        shared.changed_to(&before, options(true));
        let after = shared.changed_to(&other, options(true));
        assert_eq!(after.send_buffer, other.send_buffer);
        assert_eq!(after.socket, options(true));
        assert_eq!(other.socket, options(false), "others keep theirs");
    }
}
