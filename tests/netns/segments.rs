//! Two stacks in two namespaces, and the kernels' path between them: the kernels cut super-segments, and
//! the path loses segments.

use std::fs;
use std::time::Duration;

use crate::harness::{Apart, Device, Lab, TUN, in_both_families, run};

in_both_families![one_percent_of_the_segments_is_lost];

const MUCH: usize = 16 * 1024 * 1024;
const PORT: u16 = 9000;
const LIMIT: Duration = Duration::from_secs(100);

/// The words that start an end of the connection.
fn words(lab: &Lab, apart: &Apart, end: usize, command: &[String]) -> Vec<String> {
    let ours = apart.stack(end, PORT).ip().to_string();
    let program = env!("CARGO_BIN_EXE_stubborn");
    let mut words = vec![program, &command[0], "-v", "--tun", TUN, "--ip", &ours];
    if lab.device == Device::Plain {
        words.push("--plain");
    }
    words.extend(command[1..].iter().map(String::as_str));
    words.into_iter().map(str::to_owned).collect()
}

fn one_percent_of_the_segments_is_lost(lab: &Lab) {
    let apart = Apart::new(lab);
    apart.lose_segments(lab, 1);
    let (sent, received) = (lab.random_file("sent", MUCH), lab.file("received"));
    let (nothing, silence) = (lab.file("nothing"), lab.file("silence"));
    fs::write(&nothing, "").unwrap();
    let listen = words(lab, &apart, 1, &["listen".to_owned(), PORT.to_string()]);
    let receiver = apart.between(1, &listen, &nothing, &received);
    let receiver = receiver.says("Ctrl-C ends it");
    let to = apart.stack(1, PORT).ip().to_string();
    let connect = ["connect".to_owned(), to, PORT.to_string()];
    let connect = words(lab, &apart, 0, &connect);
    let sender = apart.between(0, &connect, &sent, &silence);
    sender.finish_within(LIMIT).well();
    receiver.finish_within(LIMIT).well();
    let hash = |file| {
        run("sha256sum", &[file])
            .split(' ')
            .next()
            .map(str::to_owned)
    };
    assert_eq!(hash(&sent), hash(&received));
    let lost = apart.lost_segments(1);
    assert!(lost > MUCH as u64 / 1448 / 200, "{lost} lost");
}
