//! smoltcp over the same plain TUN, doing the same job as the other peers.
//!
//! Its configuration is the fastest honest one that was found:
//!
//! * One thread, no locks: packets are taken in bursts, the sockets served, what is due is sent.
//!   An acknowledgment is for a whole burst.
//! * An empty queue is tried again for a while before the program sleeps in poll(2).
//! * Device buffers are used again (smoltcp's own `TunTapInterface` allocates one for each packet).
//! * Checksums are verified and computed, as they must be on a real wire.
//! * No congestion control and no timestamps, its defaults. Only the sockets of one service, for
//!   smoltcp walks through all of them for every packet. Built with link-time optimisation.
//!
//! The services: echo (7), discard (9), chargen (19).

mod device;
mod service;

use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench_tun::{Kind, Queue, Timeout};
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::device::Device;
use crate::service::Service;

/// The most packets taken before the sockets are served.
const BURST: usize = 64;

/// How often there may be nothing to do before the program sleeps.
const TRIES: u32 = 200;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smoltcp: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, address, service] = &arguments[..] else {
        bail!("usage: smoltcp INTERFACE ADDRESS echo|discard|chargen");
    };
    let address: IpAddr = address.parse().context("the address is not one")?;
    let service = Service::named(service).context("there is no such service")?;
    let queue = Queue::open(name, Kind::Plain)
        .with_context(|| format!("cannot open the interface {name}"))?;
    let device = Device::new(queue);
    serve(device, address.into(), service)
}

fn serve(mut device: Device, address: IpAddress, mut service: Service) -> Result<()> {
    let config = Config::new(HardwareAddress::Ip);
    let mut interface = Interface::new(config, &mut device, Instant::now());
    interface.update_ip_addrs(|addresses| {
        addresses
            .push(IpCidr::new(address, 24))
            .expect("there is room for one address");
    });
    let mut sockets = SocketSet::new(Vec::new());
    service.open(&mut sockets);
    service.turn(&mut sockets); // listens
    println!("ready");

    let mut idle = 0;
    loop {
        let now = Instant::now();
        let mut busy = false;
        for _ in 0..BURST {
            match interface.poll_ingress_single(now, &mut device, &mut sockets) {
                PollIngressSingleResult::None => break,
                _ => busy = true,
            }
        }
        busy |= service.turn(&mut sockets);
        while interface.poll_egress(now, &mut device, &mut sockets) != PollResult::None {
            busy = true;
        }
        idle = if busy { 0 } else { idle + 1 };
        if idle > TRIES {
            let delay = interface.poll_delay(Instant::now(), &sockets);
            let timeout = delay.map_or(Timeout::NONE, |delay| {
                Timeout::try_from(delay.total_millis()).unwrap_or(Timeout::MAX)
            });
            device.queue.wait(timeout)?;
        }
    }
}
