//! How many simulated connections a second: the lossy world of 4 KiB both ways, with all checkers
//! on, on one core.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use stubborn::config::Config;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Duplication, Loss, Medium, Reordering};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Tally, World};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// A connection of this many octets both ways, on a path with every usual fault.
fn lossy(world: &mut World, octets: u64) {
    let client = world.host(Config::new([CLIENT]));
    let server = world.host(Config::new([SERVER]));
    let medium = Medium::new()
        .with(Delay::new(Duration::from_millis(10)))
        .with(Loss::new(Ratio::percent(10)))
        .with(Duplication::new(Ratio::percent(5)))
        .with(Reordering::new(
            Ratio::percent(20),
            Duration::from_millis(20),
        ));
    world.link(client, server, Path::symmetric(medium));
    world.app(server, Server::new(7, Behaviour::exchange(octets)));
    let remote = SocketAddr::new(SERVER, 7);
    world.app(client, Client::new(remote, Behaviour::exchange(octets)));
    world.named("lossy");
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| match arguments.next() {
        Some(text) => text.parse().context("a number, please"),
        None => Ok(default),
    };
    let (worlds, octets, first) = (number(100_000)?, number(4096)?, number(0)?);
    let mut world = World::new(0);
    let mut tally = Tally::default();
    let mut longest = stubborn::time::Instant::ZERO;
    let mut hash = 0;
    let started = Instant::now();
    for seed in first..first + worlds {
        let outcome = world.play(seed, &|world: &mut World| lossy(world, octets));
        if let Some(failure) = outcome.failure() {
            bail!("{failure}");
        }
        tally += outcome.tally;
        hash ^= outcome.trace_hash;
        longest = longest.max(outcome.completed_at.unwrap_or_default());
    }
    let took = started.elapsed();
    let each = took.as_secs_f64() * 1e6 / worlds as f64;
    println!("{worlds} connections of {octets} octets both ways in {took:.2?}");
    println!(
        "{each:.1} us each, {:.0} a second; the longest lasted {longest} s",
        1e6 / each
    );
    println!("hash {hash:032x}; {tally:?}");
    Ok(())
}
