//! Draws a transfer as pictures, from a record and from samples of its sender.
//!
//! | picture | what it shows, over time |
//! |---|---|
//! | sequence | what was sent, sent again and lost; what was acknowledged, and selectively; the window of the peer: as tcptrace draws it |
//! | window | congestion window, slow start threshold, octets in flight; timeouts |
//! | rtt | smoothed round-trip time, its variation, the retransmission timeout |

mod chart;

use core::time::Duration;

use super::samples::{Sample, Samples};
use super::trace::Record;
use super::transfer::{self, Flow, Transfer};
use crate::time::Instant;
use chart::{Chart, Layer, Marks};

/// The pictures of a transfer, as SVG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Sequence numbers over time.
    pub sequence: String,
    /// The congestion window and the octets in flight, over time.
    pub window: String,
    /// The round-trip time over time.
    pub rtt: String,
}

/// The colours of the layers: those of tcptrace where it has one. They can be told apart without
/// telling red from green.
const BLACK: &str = "#202020";
const RED: &str = "#d62728";
const GREEN: &str = "#2a9d3a";
const PURPLE: &str = "#9b30d0";
const ORANGE: &str = "#e08a00";
const BLUE: &str = "#1f62b4";
const GREY: &str = "#a0a0a0";

/// Draws the direction of a connection that sent the most, from `from` until `until` if given;
/// `None` if nothing was sent. `title` names the subject of the pictures.
pub fn pictures(
    title: &str,
    record: &Record,
    samples: &Samples,
    from: Option<Instant>,
    until: Option<Instant>,
) -> Option<Pictures> {
    let flow = transfer::busiest(record)?;
    let transfer = Transfer::of(record, flow);
    let first = from.or(transfer.sent.first().map(|sent| sent.at))?;
    let last = [
        transfer.sent.last().map(|sent| sent.at),
        transfer.heard.last().map(|heard| heard.at),
    ];
    let last = until.or(last.into_iter().flatten().max())?;
    let frame = Frame {
        title: format!("{title}: {} to {}", flow.host, flow.remote),
        first,
        last: last.max(first + Duration::from_millis(1)),
    };
    let ours: Vec<&Sample> = (samples.entries.iter())
        .filter(|sample| is_of(sample, flow))
        .collect();
    Some(Pictures {
        sequence: frame.sequence(&transfer),
        window: frame.window(&ours),
        rtt: frame.rtt(&ours),
    })
}

fn is_of(sample: &Sample, flow: Flow) -> bool {
    (sample.host, sample.local, sample.remote) == (flow.host, flow.local, flow.remote)
}

/// What all pictures of a transfer have in common.
struct Frame {
    title: String,
    first: Instant,
    last: Instant,
}

fn seconds(at: Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}

fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// Octets are shown in thousands.
fn kilo(octets: u64) -> f64 {
    octets as f64 / 1e3
}

impl Frame {
    fn shows(&self, at: Instant) -> bool {
        (self.first..=self.last).contains(&at)
    }

    fn chart(&self, what: &str, unit: &str, y: (f64, f64), layers: Vec<Layer>) -> Chart {
        Chart {
            title: format!("{}: {what}", self.title),
            x_label: "time (s)".to_owned(),
            y_label: unit.to_owned(),
            x: (seconds(self.first), seconds(self.last)),
            y,
            layers,
        }
    }

    fn sequence(&self, transfer: &Transfer) -> String {
        let sent = |again: bool| {
            let sent = transfer.sent.iter().filter(|sent| sent.again == again);
            let bar = |sent: &transfer::Sent| (seconds(sent.at), kilo(sent.first), kilo(sent.end));
            Marks::Bars(sent.map(bar).collect())
        };
        let lost = transfer.sent.iter().filter(|sent| sent.lost);
        let lost = lost.map(|sent| (seconds(sent.at), kilo(u64::midpoint(sent.first, sent.end))));
        let heard = &transfer.heard;
        let acked = heard
            .iter()
            .map(|heard| (seconds(heard.at), kilo(heard.ack)));
        let edge = heard
            .iter()
            .map(|heard| (seconds(heard.at), kilo(heard.edge)));
        let sacked = heard.iter().flat_map(|heard| {
            let bar = |block: &(u64, u64)| (seconds(heard.at), kilo(block.0), kilo(block.1));
            heard.sacked.iter().map(bar)
        });
        let layers = vec![
            layer("window of the peer", ORANGE, Marks::Steps(edge.collect())),
            layer("acknowledged", GREEN, Marks::Steps(acked.collect())),
            layer(
                "selectively acknowledged",
                PURPLE,
                Marks::Bars(sacked.collect()),
            ),
            layer("sent", BLACK, sent(false)),
            layer("sent again", RED, sent(true)),
            layer("lost", RED, Marks::Crosses(lost.collect())),
        ];
        let shown = transfer.sent.iter().filter(|sent| self.shows(sent.at));
        let lowest = shown.clone().map(|sent| sent.first).min().unwrap_or(0);
        let highest = shown.map(|sent| sent.end).max().unwrap_or(1);
        let y = with_margin(kilo(lowest), kilo(highest));
        self.chart("sequence", "kB", y, layers).svg()
    }

    fn window(&self, samples: &[&Sample]) -> String {
        let over_time = |value: fn(&Sample) -> u64| -> Vec<(f64, f64)> {
            let point = |sample: &&Sample| (seconds(sample.at), kilo(value(sample)));
            samples.iter().map(point).collect()
        };
        let cwnd = over_time(|sample| sample.status.cwnd);
        let in_flight = over_time(|sample| sample.status.in_flight);
        let top = self.highest(&[&cwnd, &in_flight]);
        // At first there is no limit, and nothing to draw.
        let mut ssthresh = over_time(|sample| sample.status.ssthresh);
        ssthresh.retain(|(_, height)| *height <= 4.0 * top);
        let timeouts = samples.windows(2).filter_map(|pair| {
            let more = pair[1].status.timeouts > pair[0].status.timeouts;
            more.then(|| seconds(pair[1].at))
        });
        let layers = vec![
            layer("timeout", RED, Marks::Moments(timeouts.collect())),
            layer("in flight", GREY, Marks::Steps(in_flight)),
            layer("ssthresh", ORANGE, Marks::DashedSteps(ssthresh)),
            layer("cwnd", BLUE, Marks::Steps(cwnd)),
        ];
        self.chart("congestion window", "kB", (0.0, top), layers)
            .svg()
    }

    fn rtt(&self, samples: &[&Sample]) -> String {
        let over_time = |value: fn(&Sample) -> Option<Duration>| -> Vec<(f64, f64)> {
            let point = |sample: &&Sample| Some((seconds(sample.at), milliseconds(value(sample)?)));
            samples.iter().filter_map(point).collect()
        };
        let srtt = over_time(|sample| sample.status.srtt);
        let rttvar = over_time(|sample| sample.status.srtt.map(|_| sample.status.rttvar));
        let rto = over_time(|sample| sample.status.srtt.map(|_| sample.status.rto));
        let top = self.highest(&[&srtt, &rto]);
        let layers = vec![
            layer("RTTVAR", GREY, Marks::Steps(rttvar)),
            layer("RTO", RED, Marks::Steps(rto)),
            layer("SRTT", BLUE, Marks::Steps(srtt)),
        ];
        self.chart("round-trip time", "ms", (0.0, top), layers)
            .svg()
    }

    /// A value a little above everything that is shown.
    fn highest(&self, lines: &[&[(f64, f64)]]) -> f64 {
        let (first, last) = (seconds(self.first), seconds(self.last));
        let points = lines.iter().flat_map(|line| line.iter());
        let shown = points.filter(|(x, _)| (first..=last).contains(x));
        let highest = shown.map(|(_, y)| *y).fold(0.0, f64::max);
        if highest > 0.0 { highest * 1.06 } else { 1.0 }
    }
}

fn layer(name: &'static str, colour: &'static str, marks: Marks) -> Layer {
    Layer {
        name,
        colour,
        marks,
    }
}

/// Adds a twentieth at each side, but nothing below zero.
fn with_margin(low: f64, high: f64) -> (f64, f64) {
    let margin = (high - low).max(0.001) * 0.05;
    ((low - margin).max(0.0), high + margin)
}
