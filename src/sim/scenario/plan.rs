//! A plan of two hosts and a path between them: most tests need no more.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::{Config, ConfigError, Keepalive, SocketOptions, TcpConfig};
use crate::sim::apps::{Behaviour, Client, Server};
use crate::sim::path::Path;
use crate::sim::{Happening, HostId, LinkId, Scenario, World};
use crate::time::{Duration, Instant};

/// Which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The outside address of a NAT at the near end (RFC 5737, RFC 3849).
    pub const fn public(self) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9)),
        }
    }

    /// The address of a host, from private networks (RFC 1918, RFC 4193).
    pub const fn address(self, end: End) -> IpAddr {
        let host = match end {
            End::Near => 1,
            End::Far => 2,
        };
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host as u16)),
        }
    }
}

/// Which of the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The host at the near end of the path: A. It opens the connections.
    Near,
    /// The host at the far end: B. It listens.
    Far,
}

/// Which hosts open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// The near host; the far host listens.
    Near,
    /// Both at once, each from the port that the other connects to: simultaneous open (RFC 9293
    /// §3.5, figure 7).
    Both,
}

/// One of the hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPlan {
    /// The MTU of its interface, in octets.
    pub mtu: usize,
    /// The stack exchanges super-segments with its interface, which cuts and merges them.
    pub offload: bool,
    /// How its connections behave.
    pub tcp: TcpConfig,
    /// What its application does on each connection.
    pub behaviour: Behaviour,
}

impl HostPlan {
    /// A host with every default but one. Its application releases a connection once it has read
    /// the end of the stream and everything it sends is in the send buffer. That must still arrive,
    /// so R2 decides when to give up, not the shorter `orphan_retries`.
    pub fn new(behaviour: Behaviour) -> HostPlan {
        HostPlan {
            mtu: 1500,
            offload: false,
            tcp: TcpConfig {
                orphan_retries: TcpConfig::default().r2,
                ..TcpConfig::default()
            },
            behaviour,
        }
    }
}

/// An event of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A host loses all its state, and is silent until it starts.
    Crash(End),
    /// A host that has crashed starts again.
    Start(End),
    /// A host loses all its state, and starts again at once.
    Restart(End),
    /// A host does nothing for this long.
    Pause(End, Duration),
    /// The clock of a host jumps ahead.
    ClockAhead(End, Duration),
    /// The clock of a host is set back. To its stack the clock seems to stand still.
    ClockBack(End, Duration),
    /// The path carries nothing.
    Cut,
    /// The path carries datagrams again.
    Join,
}

/// The plan of a world.
///
/// ```
/// use std::time::Duration;
/// use stubborn::sim::apps::Behaviour;
/// use stubborn::sim::medium::{Delay, Loss, Medium};
/// use stubborn::sim::path::Path;
/// use stubborn::sim::random::Ratio;
/// use stubborn::sim::scenario::Plan;
/// use stubborn::sim::World;
///
/// let medium = Medium::new()
///     .with(Loss::new(Ratio::percent(10)))
///     .with(Delay::new(Duration::from_millis(5)));
/// let plan = Plan::both_ways(4096, Path::symmetric(medium));
/// let outcome = World::new(0).play(7, &plan);
/// assert_eq!(outcome.failure(), None);
/// assert_eq!(outcome.tally.delivered, 2 * 4096);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Which version of IP.
    pub family: Family,
    /// The host that opens connections.
    pub near: HostPlan,
    /// The host that listens.
    pub far: HostPlan,
    /// Which hosts open connections.
    pub opening: Opening,
    /// How many connections there are, one after another.
    pub connections: u32,
    /// The pause between two connections.
    pub pause: Duration,
    /// How long after its start the near host opens the first connection.
    pub starts_after: Duration,
    /// The local port of all connections; `None`: the stack chooses.
    pub from_port: Option<u16>,
    /// The path between the hosts.
    pub path: Path,
    /// The events, each with its time.
    pub story: Vec<(Instant, Event)>,
    /// When all faults end.
    pub heals_at: Instant,
    /// How long after that, or after the last event, everything must be done; `None`: the world's
    /// [`PATIENCE`](crate::sim::PATIENCE).
    pub patience: Option<Duration>,
    /// Connections may be reset, refused or given up.
    pub may_fail: bool,
}

/// The port of the far host.
const SERVICE: u16 = 7;

/// The ports of a simultaneous open.
const BOTH: [u16; 2] = [4_001, 4_002];

impl Plan {
    /// One connection over IPv4 between two hosts with every default. Each sends this many octets
    /// and closes. The faults end after ten minutes.
    pub fn both_ways(octets: u64, path: Path) -> Plan {
        Plan::new(
            Behaviour::exchange(octets),
            Behaviour::exchange(octets),
            path,
        )
    }

    /// As [`Plan::both_ways`], with other behaviours.
    pub fn new(near: Behaviour, far: Behaviour, path: Path) -> Plan {
        Plan {
            family: Family::V4,
            near: HostPlan::new(near),
            far: HostPlan::new(far),
            opening: Opening::Near,
            connections: 1,
            pause: Duration::ZERO,
            starts_after: Duration::ZERO,
            from_port: None,
            path,
            story: Vec::new(),
            heals_at: Instant::from_secs(600),
            patience: None,
            may_fail: false,
        }
    }

    /// Adds an event.
    #[must_use]
    pub fn at(mut self, at: Instant, event: Event) -> Plan {
        self.story.push((at, event));
        self
    }

    /// Sets when the faults end.
    #[must_use]
    pub fn heals_at(mut self, at: Instant) -> Plan {
        self.heals_at = at;
        self
    }

    /// Allows connections to fail.
    #[must_use]
    pub fn may_fail(mut self) -> Plan {
        self.may_fail = true;
        self
    }

    /// Turns on keepalive after a minute.
    #[must_use]
    pub fn keep_asking(mut self) -> Plan {
        let options = SocketOptions {
            keepalive: Some(Keepalive {
                idle: Duration::from_secs(60),
                interval: Duration::from_secs(10),
                count: 5,
            }),
            ..SocketOptions::default()
        };
        self.near.behaviour = self.near.behaviour.options(options);
        self.far.behaviour = self.far.behaviour.options(options);
        self
    }

    /// Checks that the settings of the hosts make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.config(End::Near).validate()?;
        self.config(End::Far).validate()
    }

    fn address(&self, end: End) -> IpAddr {
        self.family.address(end)
    }

    fn config(&self, end: End) -> Config {
        let host = match end {
            End::Near => &self.near,
            End::Far => &self.far,
        };
        Config {
            mtu: host.mtu,
            tcp: host.tcp.clone(),
            ..Config::new([self.address(end)])
        }
    }

    fn applications(&self, world: &mut World, near: HostId, far: HostId) {
        let client = |to: SocketAddr, behaviour| {
            Client::new(to, behaviour)
                .connections(self.connections, 1)
                .pausing(self.pause)
                .starting_after(self.starts_after)
        };
        let to = |end, port| SocketAddr::new(self.address(end), port);
        match self.opening {
            Opening::Near => {
                let port = self.from_port.unwrap_or(0);
                let opens = client(to(End::Far, SERVICE), self.near.behaviour);
                world.app(near, opens.from_port(port));
                world.app(far, Server::new(SERVICE, self.far.behaviour));
            }
            Opening::Both => {
                let opens = client(to(End::Far, BOTH[1]), self.near.behaviour);
                world.app(near, opens.from_port(BOTH[0]));
                let opens = client(to(End::Near, BOTH[0]), self.far.behaviour);
                world.app(far, opens.from_port(BOTH[1]));
            }
        }
    }
}

impl Event {
    fn of(self, [near, far]: [HostId; 2], link: LinkId) -> Happening {
        let host = |end| match end {
            End::Near => near,
            End::Far => far,
        };
        match self {
            Event::Crash(end) => Happening::Crash(host(end)),
            Event::Start(end) => Happening::Start(host(end)),
            Event::Restart(end) => Happening::Restart(host(end)),
            Event::Pause(end, time) => Happening::Pause(host(end), time),
            Event::ClockAhead(end, time) => Happening::ClockAhead(host(end), time),
            Event::ClockBack(end, time) => Happening::ClockBack(host(end), time),
            Event::Cut => Happening::Cut(link),
            Event::Join => Happening::Join(link),
        }
    }
}

impl Scenario for Plan {
    fn build(&self, world: &mut World) {
        let near = world.host(self.config(End::Near));
        let far = world.host(self.config(End::Far));
        for (host, plan) in [(near, &self.near), (far, &self.far)] {
            if plan.offload {
                world.offload(host);
            }
        }
        let link = world.link(near, far, self.path.clone());
        world.reach(link, self.family.public());
        self.applications(world, near, far);
        for (at, event) in &self.story {
            world.at(*at, event.of([near, far], link));
        }
        world.heal_at(self.heals_at);
        if let Some(patience) = self.patience {
            world.patience(patience);
        }
        if self.may_fail {
            world.may_fail();
        }
    }
}
