//! Makes congestion controllers: the stack's own, and those of its user.

use core::fmt::{self, Debug};

use super::start::Start;
use super::{Bbr, Controller, Cubic, Dctcp, Reno};
use crate::config::CongestionControl;

/// Makes controllers of one kind. A user passes one to
/// [`Stack::add_congestion_control`](crate::stack::Stack::add_congestion_control) or
/// [`Net::add_congestion_control`](crate::sockets::Net::add_congestion_control) to add a
/// custom controller.
///
/// A controller that always keeps the initial window, for a path without other traffic:
///
/// ```
/// use stubborn::config::{Config, CongestionControl};
/// use stubborn::driver::memory;
/// use stubborn::sockets::Net;
/// use stubborn::tcp::congestion::{Ack, Controller, Factory, Loss, Start};
/// use stubborn::time::Instant;
///
/// #[derive(Debug)]
/// struct Fixed;
///
/// impl Factory for Fixed {
///     fn name(&self) -> &'static str {
///         "fixed"
///     }
///
///     fn start(&self, start: &Start) -> Box<dyn Controller> {
///         let segments = start.initial_window;
///         let mss = start.mss;
///         Box::new(FixedWindow { mss, segments })
///     }
/// }
///
/// #[derive(Clone, Debug)]
/// struct FixedWindow {
///     mss: usize,
///     segments: u32,
/// }
///
/// impl Controller for FixedWindow {
///     fn window(&self) -> u64 {
///         self.mss as u64 * u64::from(self.segments)
///     }
///     fn ssthresh(&self) -> u64 {
///         u64::MAX
///     }
///     fn on_ack(&mut self, _ack: &Ack) {}
///     fn on_congestion(&mut self, _loss: &Loss) {}
///     fn on_timeout(&mut self, _loss: &Loss, _first: bool) {}
///     fn on_idle(&mut self) {}
///     fn set_mss(&mut self, mss: usize) {
///         self.mss = mss;
///     }
///     fn fingerprint(&self, _now: Instant, _ceiling: u64) -> u64 {
///         self.window()
///     }
///     fn clone_box(&self) -> Box<dyn Controller> {
///         Box::new(self.clone())
///     }
/// }
///
/// let (device, _peer) = memory::pair(1500)?;
/// let mut config = Config::new(["192.0.2.1".parse()?]);
/// config.tcp.congestion_control = CongestionControl::Custom("fixed");
/// let net = Net::start(device, config)?;
/// net.add_congestion_control(&Fixed)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Factory: Debug + Send + Sync {
    /// The name that [`CongestionControl::Custom`] uses for it.
    fn name(&self) -> &'static str;

    /// A controller at the start of a connection, or when a connection switches to it.
    fn start(&self, start: &Start) -> Box<dyn Controller>;
}

/// One of the stack's own.
#[derive(Debug)]
struct BuiltIn {
    kind: CongestionControl,
    start: fn(&Start) -> Box<dyn Controller>,
}

impl Factory for BuiltIn {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn start(&self, start: &Start) -> Box<dyn Controller> {
        (self.start)(start)
    }
}

static RENO: BuiltIn = BuiltIn {
    kind: CongestionControl::Reno,
    start: |start| {
        let reno = Reno::new(start.mss, start.initial_window);
        let reno = reno.slow_start_limit(start.slow_start_limit);
        let reno = reno.in_segments(start.in_segments);
        Box::new(reno.validated(start.validation))
    },
};

static CUBIC: BuiltIn = BuiltIn {
    kind: CongestionControl::Cubic,
    start: |start| {
        let cubic = Cubic::new(start.mss, start.initial_window);
        let cubic = cubic.slow_start_limit(start.slow_start_limit);
        let cubic = cubic.validated(start.validation);
        let signs = start.leaves_at_once.filter(|_| start.hystart);
        match start.in_segments {
            true => {
                let cubic = cubic.hystart(start.hystart && signs.is_none());
                Box::new(cubic.in_segments(signs))
            }
            false => Box::new(cubic.hystart(start.hystart)),
        }
    },
};

static BBR: BuiltIn = BuiltIn {
    kind: CongestionControl::Bbr,
    start: |start| Box::new(Bbr::new(start)),
};

static DCTCP: BuiltIn = BuiltIn {
    kind: CongestionControl::Dctcp,
    start: |start| {
        let dctcp = Dctcp::new(start.mss, start.initial_window);
        Box::new(dctcp.slow_start_limit(start.slow_start_limit))
    },
};

/// A congestion control of this name is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateName;

impl fmt::Display for DuplicateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a congestion control of this name is known already")
    }
}

impl std::error::Error for DuplicateName {}

/// All controllers that a host knows.
#[derive(Clone, Debug, Default)]
pub struct Controllers {
    custom: Vec<&'static dyn Factory>,
}

impl Controllers {
    /// Adds a custom controller.
    ///
    /// # Errors
    /// If its name is not new.
    pub fn add(&mut self, factory: &'static dyn Factory) -> Result<(), DuplicateName> {
        let name = factory.name();
        let taken = name.parse::<CongestionControl>().is_ok()
            || self.custom.iter().any(|known| known.name() == name);
        if taken {
            return Err(DuplicateName);
        }
        self.custom.push(factory);
        Ok(())
    }

    /// The factory for `kind`; `None` if there is no custom one of this name.
    pub fn find(&self, kind: CongestionControl) -> Option<&'static dyn Factory> {
        match kind {
            CongestionControl::Reno => Some(&RENO),
            CongestionControl::Cubic => Some(&CUBIC),
            CongestionControl::Bbr => Some(&BBR),
            CongestionControl::Dctcp => Some(&DCTCP),
            CongestionControl::Custom(name) => {
                (self.custom.iter().copied()).find(|factory| factory.name() == name)
            }
        }
    }

    /// The factory for `kind`, or CUBIC.
    pub fn find_or_default(&self, kind: CongestionControl) -> &'static dyn Factory {
        self.find(kind).unwrap_or_else(|| {
            log::warn!(
                "no congestion control is called {kind}: it is {}",
                CUBIC.name()
            );
            &CUBIC
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_controller() {
        let mut controllers = Controllers::default();
        let other = CongestionControl::Custom("mine");
        assert!(controllers.find(other).is_none());
        assert_eq!(controllers.find_or_default(other).name(), "cubic");
        static MINE: BuiltIn = BuiltIn {
            kind: CongestionControl::Custom("mine"),
            start: RENO.start,
        };
        assert_eq!(controllers.add(&MINE), Ok(()));
        assert_eq!(controllers.find_or_default(other).name(), "mine");
        assert_eq!(controllers.add(&MINE), Err(DuplicateName));
        assert_eq!(controllers.add(&RENO), Err(DuplicateName));
    }
}
