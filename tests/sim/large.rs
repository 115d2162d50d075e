//! Much text. (The large campaigns are the business of `stubborn sim`; what is here takes seconds
//! without optimisation.)

use stubborn::sim::World;
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::path::Path;

use super::support::{PORT, all_well, config, exchange, hosts, lossy, server_address, well, wire};

#[test]
fn sixty_four_kibibytes_both_ways_among_losses() {
    all_well(40, |world: &mut World| {
        exchange(world, Path::symmetric(lossy()), 64 << 10);
    });
}

#[test]
fn a_mebibyte_both_ways_among_losses() {
    all_well(2, |world: &mut World| {
        exchange(world, Path::symmetric(lossy()), 1 << 20);
    });
}

/// Sequence numbers wrap after the first 64 KiB of a stream; every octet is compared.
fn stream(octets: u64) {
    let outcome = well(1, move |world: &mut World| {
        let mut configs = [config(1), config(2)];
        for (config, iss) in configs.iter_mut().zip([0xffff_0000, 0xfffe_0000]) {
            config.tcp.fixed_iss = Some(iss);
            (config.mtu, config.tcp.send_buffer) = (9000, 2 << 20);
            config.tcp.receive_buffer = 2 << 20;
            config.tcp.initial_send_buffer = config.tcp.send_buffer;
            config.tcp.initial_receive_buffer = config.tcp.receive_buffer;
        }
        let pair = hosts(world, configs, Path::symmetric(wire()));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, octets);
    assert_eq!(outcome.tally.timeouts, 0, "{:?}", outcome.tally);
}

#[test]
fn a_stream_across_the_wrap() {
    stream(20 << 20);
}

/// Five laps and more around half of the sequence space. Optimised, it takes seconds.
#[test]
#[cfg(not(debug_assertions))]
fn five_gibibytes() {
    stream(5 << 30);
}
