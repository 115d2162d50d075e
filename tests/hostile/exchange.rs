//! Users on two hosts, several connections at once, everything random.

use std::time::Duration;

use stubborn::config::{Config, Keepalive, TcpConfig};
use stubborn::stack::{Event, ListenerId};
use stubborn::time::Instant;

use super::app::{App, End, Script};
use super::world::{Random, World, addr, config};

const PORT: u16 = 80;

const KEEPALIVE: Keepalive = Keepalive {
    idle: Duration::from_secs(20),
    interval: Duration::from_secs(5),
    count: 30,
};

/// One connection: the scripts of both ends, and the users once they are there.
pub struct Pair {
    scripts: [Script; 2],
    pub apps: [Option<App>; 2],
}

pub struct Exchange {
    pub world: World,
    pub pairs: Vec<Pair>,
    pub seed: u64,
}

/// Sizes: those that a model checker uses, and those that people use.
fn any_tcp(random: &mut Random, tiny: bool) -> TcpConfig {
    let mut tcp = TcpConfig {
        window_scaling: random.chance(50),
        timestamps: random.chance(50),
        sack: random.chance(50),
        delayed_ack: random.pick(&[None, Some(Duration::from_millis(40))]),
        max_out_of_order_ranges: random.pick(&[1, 3, 512]),
        initial_window: random.pick(&[1, 10]),
        // Nobody gives up.
        max_rto: Duration::from_secs(10),
        r2: 200,
        syn_retries: 200,
        syn_ack_retries: 200,
        orphan_retries: u32::MAX,
        max_persist: Duration::from_secs(10),
        ..TcpConfig::default()
    };
    tcp.socket.nodelay = random.chance(30);
    if tiny {
        tcp.mss = Some(random.pick(&[1, 1, 2, 3]));
        tcp.min_send_mss = 1;
        tcp.receive_buffer = 1 + random.below(5);
        tcp.send_buffer = 1 + random.below(5);
    } else {
        tcp.mss = random.pick(&[None, Some(100), Some(536)]);
        tcp.receive_buffer = random.pick(&[50, 700, 3_000, 30_000, 65_536, 200_000]);
        tcp.send_buffer = random.pick(&[50, 700, 3_000, 30_000, 200_000]);
    }
    tcp
}

impl Exchange {
    /// `ends`: how users may end. Window shifts are small if `narrow`.
    pub fn any(seed: u64, ends: &[End], narrow: bool) -> Exchange {
        let mut random = Random::new(seed);
        let tiny = random.chance(40);
        let configs = [0, 1].map(|host| {
            let mut config: Config = config(host);
            config.tcp = any_tcp(&mut random, tiny);
            if narrow {
                config.tcp.receive_buffer = config.tcp.receive_buffer.min(60_000);
            }
            // A peer that has left may not have been heard of.
            let all_stay = ends.iter().all(|end| end.is_faithful());
            config.tcp.socket.keepalive = (!all_stay).then_some(KEEPALIVE);
            config.ephemeral_ports = (40_000, 40_003);
            config
        });
        let mut world = World::new(seed, configs);
        world.delay = Duration::from_micros(random.pick(&[1, 1_000, 50_000]));
        world.hosts[1].listen(addr(1, PORT), 8).unwrap();
        let most = if tiny { 40 } else { 20_000 };
        let pairs = (0..random.pick(&[1, 1, 3])).map(|_| Pair {
            scripts: [0, 1].map(|_| {
                let end = random.pick(ends);
                Script::any(&mut random, most, end)
            }),
            apps: [None, None],
        });
        let mut exchange = Exchange {
            pairs: pairs.collect(),
            world,
            seed,
        };
        exchange.spare_answers();
        exchange
    }

    /// Two users who both wait for the other to finish would wait for ever.
    fn spare_answers(&mut self) {
        for pair in &mut self.pairs {
            if pair.scripts[0].end == End::Answers {
                pair.scripts[1].end = match pair.scripts[1].end {
                    End::Answers => End::Orderly,
                    other => other,
                };
            }
        }
    }

    /// No more than `most` octets each way.
    pub fn limit(&mut self, most: usize) {
        for script in self.pairs.iter_mut().flat_map(|pair| &mut pair.scripts) {
            script.total = script.total.min(most);
        }
    }

    /// Opens every connection, from host 0.
    pub fn connect(&mut self) {
        for pair in &mut self.pairs {
            pair.apps = [None, None];
            let remote = addr(1, PORT);
            let [mine, theirs] = pair.scripts;
            while pair.apps[0].is_none() {
                match self.world.hosts[0].connect(self.world.now, None, remote) {
                    Ok(id) => pair.apps[0] = Some(App::new(id, mine, theirs, false)),
                    // Every port is in TIME-WAIT.
                    Err(_) => self.world.passes(Duration::from_secs(10)),
                }
            }
        }
    }

    /// Gives every event to whom it concerns, and lets everybody run who can.
    pub fn dispatch(&mut self) {
        for host in 0..2 {
            for event in core::mem::take(&mut self.world.events[host]) {
                match event {
                    Event::Acceptable(listener) => self.accept(listener),
                    Event::Connection(id, readiness) => {
                        let mut apps = self.pairs.iter_mut().flat_map(|p| &mut p.apps[host]);
                        let app = apps.find(|app| app.id == id && !app.gone);
                        let app = app.expect("an event of nobody's");
                        app.hears(readiness);
                    }
                    other => panic!("nobody here is told of {other:?}"),
                }
            }
        }
        for pair in &mut self.pairs {
            for (host, app) in pair.apps.iter_mut().enumerate() {
                if let Some(app) = app {
                    app.runs(self.world.now, &mut self.world.hosts[host]);
                }
            }
        }
        self.world.collect();
    }

    /// Connections are told apart by the client's port.
    fn accept(&mut self, listener: ListenerId) {
        let [client, server] = &mut self.world.hosts;
        let Some(id) = server.accept(listener) else {
            return;
        };
        let peer = server.peer_addr(id);
        let pair = self.pairs.iter_mut().find(|pair| {
            let app = pair.apps[0].as_ref();
            app.is_some_and(|app| !app.gone && client.local_addr(app.id) == peer)
                && pair.apps[1].is_none()
        });
        match pair {
            Some(pair) => {
                let [theirs, mine] = pair.scripts;
                pair.apps[1] = Some(App::new(id, mine, theirs, true));
            }
            // The client has left already.
            None => server.abort(self.world.now, id),
        }
    }

    /// Every connection is gone from both hosts.
    pub fn nothing_remains(&self) -> bool {
        let mut hosts = self.world.hosts.iter();
        hosts.all(|host| host.connection_count() == 0)
    }

    /// Every user has let go.
    pub fn users_are_done(&self) -> bool {
        let mut apps = self.pairs.iter().flat_map(|pair| &pair.apps);
        apps.all(|app| app.as_ref().is_some_and(|app| app.gone))
    }

    /// Goes on until `done`, or until it is `until`; says whether it is done.
    pub fn runs(
        &mut self,
        until: Instant,
        done: fn(&Exchange) -> bool,
        mut meddle: impl FnMut(&mut World),
    ) -> bool {
        for _ in 0..400_000 {
            self.dispatch();
            if done(self) {
                return true;
            }
            meddle(&mut self.world);
            let apps = self.pairs.iter().flat_map(|pair| &pair.apps).flatten();
            let rests = apps
                .filter(|app| !app.gone)
                .filter_map(|app| app.rests_until);
            let limit = rests.min().unwrap_or(until).min(until);
            let stepped = self.world.step(limit);
            if !stepped && self.world.now >= until {
                return false;
            }
        }
        panic!("{}: too much happens", self.seed);
    }

    /// What is known of a run that does not end.
    pub fn state(&self) -> String {
        let mut lines = format!("at {}", self.world.now);
        for pair in &self.pairs {
            for (host, app) in pair.apps.iter().enumerate() {
                let Some(app) = app else {
                    lines += &format!("\n{host}: not there, {:?}", pair.scripts[host]);
                    continue;
                };
                lines += &format!(
                    "\n{host}: {:?} sent {} received {} gone {} failed {}",
                    app.script, app.sent, app.received, app.gone, app.failed
                );
                if !app.gone {
                    let status = self.world.hosts[host].status(app.id);
                    lines += &format!("\n   {status:?}");
                }
            }
        }
        lines
    }

    /// Users who do as agreed have got everything, whatever the path did.
    pub fn check(&self) {
        for pair in &self.pairs {
            if !pair.scripts.iter().all(|script| script.end.is_faithful()) {
                continue;
            }
            for app in &pair.apps {
                let complete = app.as_ref().is_some_and(App::has_everything);
                assert!(complete, "incomplete {}", self.state());
            }
        }
    }
}
