//! Pictures of runs: two processes, time downwards, every packet an arrow. `docs/ladder-*.svg`.

use std::fmt::Write;
use std::time::Duration;

use stubborn::link::MessageId;
use stubborn::link::header::Header;
use stubborn::link::properties::Promise;
use stubborn::sim::medium::{Corruption, Delay, Duplication, Loss, Medium, Reordering};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::time::Instant;

use super::documents::committed;
use super::kinds::{Kind, keeps};
use super::world::{Seen, World};

/// How long a picture lasts: four periods of the stubborn link.
const SHOWN: Duration = Duration::from_millis(750);

const WIDTH: i32 = 640;
const LINES: [i32; 2] = [130, 510];
const TOP: i32 = 60;

/// A picture, and what must be seen in it.
struct Scene {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    is_hostile: bool,
    kept: &'static [Promise],
    broken: &'static [Promise],
}

use Promise::{FifoDelivery, NoCreation, NoDuplication, ReliableDelivery};

const SCENES: [Scene; 6] = [
    Scene {
        name: "ladder-fair-loss.svg",
        title: "FairLossLink: what arrives is delivered",
        kind: Kind::FairLoss,
        is_hostile: false,
        kept: &[NoCreation],
        broken: &[ReliableDelivery, NoDuplication],
    },
    Scene {
        name: "ladder-stubborn.svg",
        title: "StubbornLink: everything again, for ever",
        kind: Kind::Stubborn,
        is_hostile: false,
        kept: &[NoCreation, ReliableDelivery],
        broken: &[NoDuplication],
    },
    Scene {
        name: "ladder-perfect.svg",
        title: "PerfectLink: each once, in any order",
        kind: Kind::Perfect,
        is_hostile: false,
        kept: &[NoCreation, ReliableDelivery, NoDuplication],
        broken: &[FifoDelivery],
    },
    Scene {
        name: "ladder-fifo.svg",
        title: "PerfectFifoLink: each once, in order",
        kind: Kind::PerfectFifo,
        is_hostile: false,
        kept: &[NoCreation, ReliableDelivery, NoDuplication, FifoDelivery],
        broken: &[],
    },
    Scene {
        name: "ladder-window.svg",
        title: "WindowedLink: stubborn until acknowledged",
        kind: Kind::Windowed,
        is_hostile: false,
        kept: &[NoCreation, ReliableDelivery, NoDuplication, FifoDelivery],
        broken: &[],
    },
    Scene {
        name: "ladder-authenticated.svg",
        title: "AuthenticatedLink: what is forged is not delivered",
        kind: Kind::AuthenticatedWindow,
        is_hostile: true,
        kept: &[NoCreation, ReliableDelivery, NoDuplication, FifoDelivery],
        broken: &[],
    },
];

fn act(scene: &Scene, seed: u64) -> World {
    let mut medium = Medium::new()
        .with(Loss::new(Ratio::percent(30)))
        .with(Delay::new(Duration::from_millis(40)))
        .with(Duplication::new(Ratio::percent(20)).spread(Duration::from_millis(60)))
        .with(Reordering::new(Ratio::ALWAYS, Duration::from_millis(120)));
    if scene.is_hostile {
        medium = medium.with(Corruption::per_datagram(Ratio::percent(20)));
    }
    let links = [scene.kind.link(0), scene.kind.link(1)];
    let path = Path::symmetric(medium);
    let mut world = World::new(seed, path, scene.is_hostile, links);
    for message in ["a", "b", "c"] {
        assert!(world.send(0, message.as_bytes()));
        world.pass(Duration::from_millis(50));
    }
    world.pass(SHOWN - Duration::from_millis(150));
    world
}

/// Whether a run shows what the scene is about: something lost, something out of order.
fn is_telling(scene: &Scene, world: &World) -> bool {
    let packets = world.seen.iter().filter_map(|(_, seen)| match seen {
        Seen::Packet {
            arrivals,
            is_forged,
            packet,
            ..
        } => Some((arrivals, *is_forged, packet)),
        _ => None,
    });
    let mut first = packets.clone().take(3);
    let is_lost = first.any(|(arrivals, _, _)| arrivals.is_empty());
    let is_attacked = packets
        .clone()
        .any(|(arrivals, is_forged, _)| is_forged && !arrivals.is_empty())
        && packets
            .clone()
            .any(|(arrivals, _, packet)| arrivals.iter().any(|(_, arrived)| arrived != packet));
    is_lost
        && is_attacked == scene.is_hostile
        && scene.kept.iter().all(|promise| keeps(world, *promise))
        && !scene.broken.iter().any(|promise| keeps(world, *promise))
}

#[test]
fn the_pictures_of_the_document_are_true() {
    for scene in &SCENES {
        let runs = (0..10_000).map(|seed| (seed, act(scene, seed)));
        let mut telling = runs.filter(|(_, world)| is_telling(scene, world));
        let (seed, world) = telling.next().expect("a run that shows it");
        committed(scene.name, &svg(scene, seed, &world));
    }
}

fn y(at: Instant) -> i32 {
    TOP + at.as_millis() as i32
}

/// What is in a packet, link by link.
fn label(packet: &[u8]) -> String {
    let mut words = Vec::new();
    let mut rest = packet;
    while let Ok((header, message)) = Header::parse(rest) {
        words.push(match header {
            Header::Identified(MessageId::Counter(count)) => format!("id {count}"),
            Header::Identified(MessageId::Uuid(_)) => "id …".to_owned(),
            Header::Ordered(number) | Header::Data(number) => format!("no. {number}"),
            Header::Acknowledgment(next) => {
                words.push(format!("ack {next}"));
                rest = b"";
                break;
            }
            Header::Authenticated(_) => "mac".to_owned(),
            other => format!("{other:?}"),
        });
        rest = message;
    }
    let is_text = rest.iter().all(u8::is_ascii_lowercase);
    match (rest, is_text) {
        ([], _) => {}
        (text, true) => words.push(String::from_utf8_lossy(text).into_owned()),
        (_, false) => words.push("?".to_owned()),
    }
    words.join(", ")
}

fn svg(scene: &Scene, seed: u64, world: &World) -> String {
    let height = TOP + SHOWN.as_millis() as i32 + 30;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="12">
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
<text x="{middle}" y="20" text-anchor="middle" font-size="15" font-weight="bold">{title}</text>
<text x="{middle}" y="{foot}" text-anchor="middle" fill="#777777">seed {seed}; one millisecond is one pixel; dashed: a copy; orange: changed; red: forged or lost</text>
"##,
        middle = WIDTH / 2,
        title = scene.title,
        foot = height - 8,
    );
    for (end, x) in LINES.iter().enumerate() {
        let _ = writeln!(
            svg,
            r##"<text x="{x}" y="45" text-anchor="middle">process {}</text><path d="M{x} {TOP}V{}" stroke="#333333" stroke-width="2"/>"##,
            end + 1,
            height - 25,
        );
    }
    let mut last = (Instant::ZERO, 0);
    for (at, seen) in &world.seen {
        match seen {
            Seen::Packet {
                to,
                packet,
                arrivals,
                is_forged,
            } => draw_packet(&mut svg, *at, *to, packet, arrivals, *is_forged),
            Seen::Send { message, .. } => draw_event(&mut svg, *at, 0, "send", message, 0),
            Seen::Deliver { message, .. } => {
                // Those that are delivered at the same moment stand side by side.
                let beside = if last.0 == *at { last.1 + 1 } else { 0 };
                last = (*at, beside);
                draw_event(&mut svg, *at, 1, "deliver", message, beside);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Messages are sent on the left and delivered on the right.
fn draw_event(svg: &mut String, at: Instant, end: usize, verb: &str, message: &[u8], beside: i32) {
    let (x, y) = (LINES[end], y(at));
    let (side, anchor, colour) = match end {
        0 => (-10, "end", "#1f5fa8"),
        _ => (10 + 62 * beside, "start", "#1a7f37"),
    };
    let _ = writeln!(
        svg,
        r##"<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/><text x="{}" y="{}" text-anchor="{anchor}" fill="{colour}">{verb} {}</text>"##,
        x + side,
        y + 4,
        String::from_utf8_lossy(message),
    );
}

fn draw_packet(
    svg: &mut String,
    at: Instant,
    to: usize,
    packet: &[u8],
    arrivals: &[(Instant, Vec<u8>)],
    is_forged: bool,
) {
    let middle = (LINES[0] + LINES[1]) / 2;
    let x0 = if is_forged { middle } else { LINES[1 - to] };
    let (y0, x1) = (y(at), LINES[to]);
    let colour = if is_forged { "#b3261e" } else { "#555555" };
    if arrivals.is_empty() {
        let (x1, y1) = ((x0 + x1) / 2, y0 + 20);
        let _ = writeln!(
            svg,
            r##"<path d="M{x0} {y0}L{x1} {y1}" stroke="{colour}"/><path d="M{} {}l10 10m0 -10l-10 10" stroke="#b3261e" stroke-width="2"/>"##,
            x1 - 5,
            y1 - 5,
        );
    }
    for (copy, (arrival, arrived)) in arrivals.iter().enumerate() {
        let y1 = y(*arrival);
        let colour = if arrived == packet { colour } else { "#c77700" };
        let dash = if copy == 0 {
            ""
        } else {
            r#" stroke-dasharray="4 3""#
        };
        let back = if x1 > x0 { -9 } else { 9 };
        let _ = writeln!(
            svg,
            r##"<path d="M{x0} {y0}L{x1} {y1}" stroke="{colour}"{dash}/><path d="M{x1} {y1}l{back} -5v8z" fill="{colour}"/>"##,
        );
    }
    // Where arrows that left together have parted; beside its end for one that is lost.
    let (x, y) = match arrivals.first() {
        Some((arrival, _)) => (x0 + (x1 - x0) * 3 / 5, y0 + (y(*arrival) - y0) * 3 / 5 - 3),
        None => (x0 + (x1 - x0) * 3 / 5, y0 + 24),
    };
    let _ = writeln!(
        svg,
        r##"<text x="{x}" y="{y}" text-anchor="middle" font-size="10" fill="{colour}" stroke="#ffffff" stroke-width="3" paint-order="stroke">{}</text>"##,
        label(packet),
    );
}
