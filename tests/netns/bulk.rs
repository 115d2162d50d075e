//! Much, each way and both ways at once, compared by hash.

use std::path::Path;
use std::time::Duration;

use crate::harness::{Lab, Running, in_both_families, run};
use crate::tools::{kernel_listens, socat_listen};

in_both_families![
    a_hundred_mebibytes_to_a_listener,
    a_hundred_mebibytes_from_a_listener,
    a_hundred_mebibytes_from_and_to_a_client_at_once,
];

const MUCH: usize = 100 * 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(100);

/// That two files have the same hash.
fn assert_same(sent: &Path, received: &Path) {
    let hash = |path: &Path| {
        let line = run("sha256sum", &[path]);
        line.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(
        hash(received),
        hash(sent),
        "SHA-256 of {}",
        received.display()
    );
}

fn a_hundred_mebibytes_to_a_listener(lab: &Lab) {
    let (sent, received) = (lab.random_file("sent", MUCH), lab.file("received"));
    let nothing = Path::new("/dev/null");
    let stack = lab.stubborn_between("listen", &["9000"], nothing, &received);
    let words = ["-N", &lab.stack().to_string(), "9000"];
    let nc = Running::between("nc", &words, &sent, &lab.file("nothing"));
    stack.finish_within(LIMIT).well();
    nc.finish().well();
    assert_same(&sent, &received);
}

fn a_hundred_mebibytes_from_a_listener(lab: &Lab) {
    let (sent, received) = (lab.random_file("sent", MUCH), lab.file("received"));
    let stack = lab.stubborn_between("listen", &["9000"], &sent, &lab.file("nothing"));
    let words = ["-N", &lab.stack().to_string(), "9000"];
    let nc = Running::between("nc", &words, Path::new("/dev/null"), &received);
    nc.finish_within(LIMIT).well();
    stack.finish().well();
    assert_same(&sent, &received);
}

fn a_hundred_mebibytes_from_and_to_a_client_at_once(lab: &Lab) {
    let (here, there) = (
        lab.random_file("here", MUCH),
        lab.random_file("there", MUCH),
    );
    let (at_here, at_there) = (lab.file("at-here"), lab.file("at-there"));
    // nc would end with the first direction that ends.
    let listen = socat_listen(lab, 9000);
    let socat = Running::between("socat", &["-t", "100", &listen, "STDIO"], &there, &at_there);
    kernel_listens(lab, 9000);
    let words = [&lab.kernel().to_string(), "9000"];
    let stack = lab.stubborn_between("connect", &words.map(|word| word as &str), &here, &at_here);
    stack.finish_within(LIMIT).well();
    socat.finish().well();
    assert_same(&here, &at_there);
    assert_same(&there, &at_here);
}
