//! Everybody's tools on the kernel's end: nc, socat, curl, Python's HTTP server, ping.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{Family, Lab, PATIENCE, Running, eventually, in_both_families, pattern, run};

in_both_families![
    nc_gets_its_echo,
    nc_gets_its_echo_from_a_task,
    nc_talks_to_listen,
    connect_talks_to_nc,
    socat_gets_its_echo,
    connect_talks_to_socat,
    curl_fetches_from_our_responder,
    our_client_fetches_from_python,
    ping_is_answered,
];

/// Text that is not ASCII: octets above 127 go both ways, too.
const LINE: &str = "привет, stubborn\n";

/// `[address]` where an address of IPv6 needs brackets.
fn bracketed(lab: &Lab, address: std::net::IpAddr) -> String {
    match lab.family {
        Family::V4 => address.to_string(),
        Family::V6 => format!("[{address}]"),
    }
}

/// The address with which socat listens at `port` of the kernel's end.
pub(crate) fn socat_listen(lab: &Lab, port: u16) -> String {
    let version = match lab.family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    format!(
        "TCP{version}-LISTEN:{port},bind={}",
        bracketed(lab, lab.kernel())
    )
}

/// Waits until something of the kernel's end listens at `port`, which the kernel itself asks.
pub(crate) fn kernel_listens(lab: &Lab, port: u16) {
    let filter = format!("sport = :{port}");
    eventually("a program of the kernel's end listens", PATIENCE, || {
        run("ss", &["-Hltn", &filter]).contains(&format!("{}:{port}", bracketed(lab, lab.kernel())))
    });
}

/// A program of this package's examples.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_stubborn"));
    let path = program.with_file_name("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: cargo build --examples",
        path.display()
    );
    path
}

fn nc_gets_its_echo(lab: &Lab) {
    let _stack = lab.stubborn("echo", &[]);
    let mut nc = Running::start("nc", &["-N", &lab.stack().to_string(), "7"]);
    nc.type_in(LINE.as_bytes());
    nc.outputs(LINE.as_bytes());
    nc.type_in(b"and again\n");
    nc.outputs(format!("{LINE}and again\n").as_bytes());
    nc.finish().well();
}

/// Several at once, of the one thread that there is.
fn nc_gets_its_echo_from_a_task(lab: &Lab) {
    let stack = lab.stack().to_string();
    let _echo = Running::start(example("async_echo"), &[lab.tun(), &stack, "7"]).says(":7");
    let mut several = [(); 5].map(|()| Running::start("nc", &["-N", &stack, "7"]));
    for (number, nc) in several.iter_mut().enumerate() {
        nc.type_in(format!("{number} {LINE}").as_bytes());
    }
    for (number, nc) in several.iter_mut().enumerate().rev() {
        let line = format!("{number} {LINE}");
        nc.outputs(line.as_bytes());
        nc.type_in(b"and again\n");
        nc.outputs(format!("{line}and again\n").as_bytes());
    }
    let text = pattern(0, 3_000_000);
    let mut nc = Running::start("nc", &["-N", &stack, "7"]);
    nc.type_in(&text);
    nc.outputs(&text);
    for nc in several.into_iter().chain([nc]) {
        nc.finish().well();
    }
}

fn nc_talks_to_listen(lab: &Lab) {
    let mut stack = lab.stubborn("listen", &["9000"]);
    let mut nc = Running::start("nc", &["-N", &lab.stack().to_string(), "9000"]);
    nc.type_in(LINE.as_bytes());
    stack.outputs(LINE.as_bytes());
    stack.type_in(b"answer\n");
    nc.outputs(b"answer\n");
    nc.end_input();
    stack.end_input();
    nc.finish().well();
    stack.finish().well();
}

fn connect_talks_to_nc(lab: &Lab) {
    let mut nc = Running::start("nc", &["-N", "-l", &lab.kernel().to_string(), "9000"]);
    kernel_listens(lab, 9000);
    let mut stack = lab.stubborn("connect", &[&lab.kernel().to_string(), "9000"]);
    stack.type_in(LINE.as_bytes());
    nc.outputs(LINE.as_bytes());
    nc.type_in(b"answer\n");
    stack.outputs(b"answer\n");
    stack.end_input();
    nc.end_input();
    stack.finish().well();
    nc.finish().well();
}

fn socat_gets_its_echo(lab: &Lab) {
    let _stack = lab.stubborn("echo", &["--port", "7777"]);
    let peer = format!("TCP:{}:7777", bracketed(lab, lab.stack()));
    let mut socat = Running::start("socat", &["-t", "10", "-", &peer]);
    let text = pattern(0, 300_000);
    socat.type_in(&text);
    let ended = socat.finish().well();
    assert!(
        ended.output == text,
        "{} octets came back",
        ended.output.len()
    );
}

fn connect_talks_to_socat(lab: &Lab) {
    let listen = socat_listen(lab, 9000);
    let _socat = Running::start("socat", &["-t", "10", &listen, "SYSTEM:tr a-z A-Z"]);
    kernel_listens(lab, 9000);
    let mut stack = lab.stubborn("connect", &[&lab.kernel().to_string(), "9000"]);
    stack.type_in(b"question\n");
    let ended = stack.finish().well();
    assert_eq!(ended.text(), "QUESTION\n");
}

fn curl_fetches_from_our_responder(lab: &Lab) {
    let stack = lab.stack().to_string();
    let _http = Running::start(example("http"), &[lab.tun(), &stack, "8080"]).says("8080");
    for size in [0, 1, 1_000, 1_460, 65_536, 10_000_000] {
        let url = format!("http://{}:8080/{size}", bracketed(lab, lab.stack()));
        let curl = Running::start("curl", &["-sS", "-g", "--max-time", "20", "--fail", &url]);
        let ended = curl.finish_within(Duration::from_secs(25)).well();
        assert_eq!(ended.output.len(), size, "{url}");
    }
    let url = format!("http://{}:8080/etc/passwd", bracketed(lab, lab.stack()));
    let words = [
        "-sS",
        "-g",
        "--max-time",
        "20",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        &url,
    ];
    assert_eq!(run("curl", &words), "404");
}

fn our_client_fetches_from_python(lab: &Lab) {
    let page = pattern(0, 3_000_000);
    fs::write(lab.file("page"), &page).unwrap();
    let kernel = lab.kernel().to_string();
    let directory = lab.file("");
    let directory = directory.to_str().unwrap();
    let words = [
        "-m",
        "http.server",
        "8000",
        "--bind",
        &kernel,
        "--directory",
        directory,
    ];
    let _python = Running::start("python3", &words);
    kernel_listens(lab, 8000);
    let stack = lab.stack().to_string();
    let fetch = |name: &str| {
        let url = format!("http://{}:8000/{name}", bracketed(lab, lab.kernel()));
        Running::start(example("get"), &[lab.tun(), &stack, &url])
    };
    let ended = fetch("page").finish_within(Duration::from_secs(30)).well();
    assert!(
        ended.output == page,
        "{} octets of another page",
        ended.output.len()
    );
    let missing = fetch("missing").finish().with(1);
    assert!(missing.errors.contains("404"), "{}", missing.errors);
}

fn ping_is_answered(lab: &Lab) {
    let _stack = lab.stubborn("echo", &[]);
    // What fills the MTU of 1,500 octets, beside the headers of IP and ICMP.
    let most = match lab.family {
        Family::V4 => "1472",
        Family::V6 => "1452",
    };
    // Beyond that, fragments: four, and forty.
    for size in ["0", "1", "56", "1000", "1200", most, "5000", "56789"] {
        // ping compares every octet of the answers with the pattern, and says so.
        let address = lab.stack().to_string();
        let words = [
            "-n", "-c", "5", "-i", "0.05", "-w", "10", "-p", "00ff5aa5", "-s", size,
        ];
        let text = run("ping", &[&words[..], &[&address]].concat());
        // On a busy machine it may ask a sixth time before the fifth answer is there.
        assert!(text.matches(" bytes from ").count() >= 5, "{text}");
        assert!(!text.contains("wrong data"), "{text}");
    }
    // A port that nobody listens to is no reason not to answer pings, nor the other way round.
    assert!(TcpStream::connect(lab.stack_at(9)).is_err());
}
