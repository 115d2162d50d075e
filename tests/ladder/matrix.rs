//! Which link keeps which promise over which network, over many runs.

use std::fmt::Write;
use std::sync::OnceLock;

use stubborn::link::properties::Promise;

use super::documents::excerpt;
use super::kinds::{KINDS, Kind, Net, PROMISES, keeps, run};

/// This many runs for each link and network.
const SEEDS: u64 = 500;

/// Authentication takes time, and changes nothing but what it keeps out.
const AUTHENTICATED: u64 = 200;

/// Where nothing is promised, a few show it.
const FEW: u64 = 50;

/// A link, a network, how many runs, and how many of them broke each promise.
struct Row {
    kind: Kind,
    net: Net,
    seeds: u64,
    broken: [u64; PROMISES.len()],
}

fn row(kind: Kind, net: Net) -> Row {
    let seeds = match kind.promises(net) {
        [] => FEW,
        _ if kind.is_authenticated() => AUTHENTICATED,
        _ => SEEDS,
    };
    let mut broken = [0; PROMISES.len()];
    for seed in 0..seeds {
        let world = run(seed, kind, net);
        for (count, promise) in broken.iter_mut().zip(PROMISES) {
            let is_kept = keeps(&world, promise);
            let is_promised = kind.promises(net).contains(&promise);
            assert!(
                is_kept || !is_promised,
                "{} promises {promise}, and broke it over {net:?}: seed {seed}\n\
                 sent {:?}\ndelivered {:?}",
                kind.name(),
                world.sent,
                world.delivered
            );
            *count += u64::from(!is_kept);
        }
    }
    Row {
        kind,
        net,
        seeds,
        broken,
    }
}

/// All rows, made once, by two threads.
fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        std::thread::scope(|scope| {
            let all = |net| move || KINDS.map(|kind| row(kind, net));
            let nets = [Net::Fair, Net::Hostile].map(|net| scope.spawn(all(net)));
            nets.into_iter()
                .flat_map(|net| net.join().unwrap())
                .collect()
        })
    })
}

fn broken(kind: Kind, net: Net, promise: Promise) -> u64 {
    let of = |row: &&Row| row.kind == kind && row.net == net;
    let row = rows().iter().find(of).unwrap();
    let place = PROMISES.iter().position(|other| *other == promise);
    row.broken[place.unwrap()]
}

#[test]
fn every_link_keeps_its_promises() {
    let rows = rows();
    assert_eq!(rows.len(), 2 * KINDS.len());
    for row in rows {
        for (promise, broken) in PROMISES.iter().zip(row.broken) {
            if row.kind.promises(row.net).contains(promise) {
                assert_eq!(broken, 0, "{} over {:?}", row.kind.name(), row.net);
            }
        }
    }
}

/// Each rung of the ladder is needed: the one below it breaks what it adds.
#[test]
fn every_link_breaks_what_the_next_one_adds() {
    use Promise::*;
    let added = [
        (Kind::FairLoss, StubbornDelivery),
        (Kind::FairLoss, ReliableDelivery),
        (Kind::Stubborn, NoDuplication),
        (Kind::Perfect, FifoDelivery),
    ];
    for (kind, promise) in added {
        let runs = broken(kind, Net::Fair, promise);
        assert!(runs > SEEDS / 2, "{}: {promise}: {runs}", kind.name());
    }
    for kind in KINDS.into_iter().filter(|kind| !kind.is_authenticated()) {
        let runs = broken(kind, Net::Hostile, NoCreation);
        assert!(runs > FEW / 2, "{}: {runs}", kind.name());
    }
}

#[test]
fn the_table_of_the_document_is_true() {
    let mut table = String::new();
    for net in [Net::Fair, Net::Hostile] {
        let name = match net {
            Net::Fair => "loses, duplicates, reorders",
            Net::Hostile => "also corrupts, repeats, forges",
        };
        let _ = write!(table, "| over a network that {name} |");
        for promise in PROMISES {
            let _ = write!(table, " {promise} |");
        }
        let _ = writeln!(table, "\n|---|{}", ":-:|".repeat(PROMISES.len()));
        for row in rows().iter().filter(|row| row.net == net) {
            let _ = write!(table, "| {} ({} runs) |", row.kind.name(), row.seeds);
            for (promise, broken) in PROMISES.iter().zip(row.broken) {
                let is_promised = row.kind.promises(net).contains(promise);
                let mark = match (is_promised, broken) {
                    (true, _) => "**promised**",
                    (false, 0) => "kept",
                    (false, _) => "broken",
                };
                let _ = write!(table, " {mark} |");
            }
            table.push('\n');
        }
        table.push('\n');
    }
    excerpt("promises kept and broken", table.trim_end());
}
