//! A host of a scenario: what it sends and reads, and its settings.

use serde::Deserialize;
use stubborn::config::{CongestionControl, Keepalive, SocketOptions};
use stubborn::sim::apps::{Behaviour, Reading};
use stubborn::sim::scenario::HostPlan;

use crate::cli::units::{Octets, Time};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Host {
    sends: Option<Octets>,
    asks: Option<Requests>,
    answers: Option<Responses>,
    reads: Option<Reads>,
    holds: Option<Time>,
    aborts_after: Option<Time>,
    keepalive: Option<KeepaliveTable>,
    mtu: Option<usize>,
    offloads: Option<bool>,
    mss: Option<u16>,
    receive_buffer: Option<Octets>,
    send_buffer: Option<Octets>,
    window_scaling: Option<bool>,
    timestamps: Option<bool>,
    sack: Option<bool>,
    congestion_control: Option<ControllerName>,
    nodelay: Option<bool>,
}

/// `"cubic"`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct ControllerName(CongestionControl);

impl TryFrom<String> for ControllerName {
    type Error = String;

    fn try_from(name: String) -> Result<ControllerName, String> {
        let known = name.parse().map(ControllerName);
        known.map_err(|_| format!("no congestion control is called '{name}'"))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    times: u64,
    request: Octets,
    response: Octets,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Responses {
    request: Octets,
    response: Octets,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reads {
    after: Option<Time>,
    chunk: Option<Octets>,
    pause: Option<Time>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepaliveTable {
    idle: Time,
    interval: Time,
    count: u32,
}

impl Host {
    pub(super) fn behaviour(&self) -> Result<Behaviour, String> {
        let behaviour = match (self.sends, self.asks, self.answers) {
            (Some(octets), None, None) => Behaviour::exchange(octets.0),
            (None, Some(asks), None) if asks.response.0 > 0 => {
                Behaviour::ask(asks.times, asks.request.0, asks.response.0)
            }
            (None, None, Some(answers)) if answers.request.0 > 0 => {
                Behaviour::answer(answers.request.0, answers.response.0)
            }
            (None, None, None) => Behaviour::receive(),
            (None, Some(_), None) => return Err("a response of no octets".to_owned()),
            (None, None, Some(_)) => return Err("a request of no octets".to_owned()),
            _ => return Err("a host sends, asks or answers: only one of them".to_owned()),
        };
        let reading = self.reads.map_or(Reading::default(), Reads::reading);
        if reading.chunk == 0 {
            return Err("a host that reads no octets at a time never ends".to_owned());
        }
        let options = SocketOptions {
            nodelay: self.nodelay.unwrap_or(false),
            keepalive: self.keepalive.map(|keepalive| Keepalive {
                idle: keepalive.idle.0,
                interval: keepalive.interval.0,
                count: keepalive.count,
            }),
            ..SocketOptions::default()
        };
        let behaviour = behaviour
            .reading(reading)
            .holding(self.holds.map_or_else(Default::default, |time| time.0))
            .options(options);
        Ok(match self.aborts_after {
            Some(time) => behaviour.aborting(time.0),
            None => behaviour,
        })
    }

    pub(super) fn settings(&self, host: &mut HostPlan) {
        let octets = |octets: Octets| usize::try_from(octets.0).unwrap_or(usize::MAX);
        host.mtu = self.mtu.unwrap_or(host.mtu);
        host.offload = self.offloads.unwrap_or(host.offload);
        let tcp = &mut host.tcp;
        tcp.mss = self.mss.or(tcp.mss);
        tcp.receive_buffer = self.receive_buffer.map_or(tcp.receive_buffer, octets);
        tcp.send_buffer = self.send_buffer.map_or(tcp.send_buffer, octets);
        tcp.window_scaling = self.window_scaling.unwrap_or(tcp.window_scaling);
        tcp.timestamps = self.timestamps.unwrap_or(tcp.timestamps);
        tcp.sack = self.sack.unwrap_or(tcp.sack);
        if let Some(name) = self.congestion_control {
            tcp.congestion_control = name.0;
        }
        // The peer's MSS is obeyed, down to segments of one octet.
        tcp.min_send_mss = tcp.min_send_mss.min(self.mss.unwrap_or(tcp.min_send_mss));
    }
}

impl Reads {
    fn reading(self) -> Reading {
        let default = Reading::default();
        Reading {
            after: self.after.map_or(default.after, |time| time.0),
            chunk: self.chunk.map_or(default.chunk, |chunk| {
                usize::try_from(chunk.0).unwrap_or(usize::MAX)
            }),
            pause: self.pause.map_or(default.pause, |time| time.0),
        }
    }
}
