//! `stubborn sim` from its command line to its exit status; and what it shares with `stubborn check`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let name = format!("stubborn-sim-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stubborn"))
        .arg("sim")
        .args(arguments)
        .output()
        .unwrap()
}

/// What it prints, when nothing is wrong.
fn prints(arguments: &[&str]) -> String {
    let output = sim(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {text}{error}");
    assert_eq!(error, "", "{arguments:?}");
    text
}

/// Its exit status and its only line of complaint.
fn complains(arguments: &[&str]) -> (i32, String) {
    let output = sim(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    (output.status.code().unwrap(), text.trim_end().to_owned())
}

/// A result as JSON, without the one number that two runs do not share.
fn result(text: &str) -> serde_json::Value {
    let mut result: serde_json::Value = serde_json::from_str(text).unwrap();
    assert!(result["core_nanos"].take().is_u64());
    result
}

const EXAMPLE: &str = "examples/scenario.toml";

#[test]
fn the_list_names_every_scenario_with_a_line() {
    let list = prints(&["--list"]);
    let names: Vec<&str> = list.lines().filter_map(|l| l.split(' ').next()).collect();
    for name in ["clean", "lossy", "stream-5g", "everything", "nat-rebind"] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(list.lines().all(|line| line.len() > 20), "{list}");
}

#[test]
fn a_campaign_prints_a_table() {
    let table = prints(&["lossy", "--seeds", "5..25", "--jobs", "2"]);
    for line in [
        "scenario        lossy",
        "seeds           5..25",
        "done            20 of 20 worlds, 20 connections",
        "violations      0",
        "stuck           0",
        "gave up         0 ends; 0 reset",
    ] {
        assert!(table.lines().any(|found| found == line), "{line}: {table}");
    }
    for word in [
        "p50",
        "p99",
        "max",
        "sent again",
        "RTOs",
        "a second and core",
    ] {
        assert!(table.contains(word), "{word}: {table}");
    }
}

#[test]
fn what_cannot_be_understood_is_explained_in_a_line() {
    let cases: [(&[&str], i32, &str); 9] = [
        (
            &["losy"],
            1,
            "no scenario is called 'losy': a similar one is 'lossy'",
        ),
        (&["nonsense"], 1, "`stubborn sim --list` has the names"),
        (&["nowhere.toml"], 1, "cannot read nowhere.toml"),
        (
            &["lossy", "--seeds", "5"],
            2,
            "not a range of seeds such as 0..1000, below 2^64",
        ),
        (&["lossy", "--seeds", "5..5"], 2, "an empty range"),
        (&["lossy", "--jobs", "0"], 2, "not a number of threads"),
        (&["lossy", "--pcap", "x.pcap"], 2, "--replay"),
        (
            &["lossy", "--replay", "1", "--json"],
            2,
            "cannot be used with",
        ),
        (&["merge", "nowhere.json"], 1, "cannot read nowhere.json"),
    ];
    for (arguments, status, expected) in cases {
        let (found, line) = complains(arguments);
        assert_eq!(found, status, "{line}");
        assert!(
            line.starts_with("stubborn: ") && line.contains(expected),
            "{line}"
        );
    }
}

#[test]
fn a_mistake_in_a_file_has_a_line_and_a_column() {
    let scratch = Scratch::new("mistakes");
    let good = fs::read_to_string(EXAMPLE).unwrap();
    for (from, to, expected) in [
        (
            "loss = 0.05",
            "loss = 5",
            "23:5: 5 is not a probability from 0 to 1",
        ),
        ("[near]", "[near", "12:6: "),
        (
            "pause = \"100 ms\"",
            "pause = \"100\"",
            "9:9: '100' is not a time such as",
        ),
        (
            "host = \"far\"",
            "host = \"fra\"",
            ": unknown variant `fra`",
        ),
        (
            "mtu = 1400",
            "mtu = 1000",
            "an MTU of 1000 is not in the range 1280 to 65535",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let file = scratch.file("bad.toml", &good.replacen(from, to, 1));
        let (status, line) = complains(&[&file]);
        assert_eq!(status, 1);
        assert!(
            line.contains("bad.toml:") && line.contains(expected),
            "{line}"
        );
    }
}

#[test]
fn a_file_is_a_scenario_like_any_other() {
    let table = prints(&[EXAMPLE, "--seeds", "0..10"]);
    assert!(
        table.contains("done            10 of 10 worlds, 30 connections"),
        "{table}"
    );
    let replay = prints(&["--replay", "3", EXAMPLE]);
    for event in [
        "path 0 is cut",
        "path 0 is joined",
        "B pauses for 800ms",
        "the paths heal",
    ] {
        assert!(replay.contains(event), "{event}: {replay}");
    }
}

/// The reference shows the file that this test runs.
#[test]
fn the_documentation_shows_the_example() {
    let documentation = fs::read_to_string("docs/SIMULATION.md").unwrap();
    let example = fs::read_to_string(EXAMPLE).unwrap();
    assert!(documentation.contains(&format!("```toml\n{example}```\n")));
    for name in prints(&["--list"]).lines() {
        let name = name.split(' ').next().unwrap();
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn a_replay_is_the_world_of_the_campaign() {
    for (scenario, seed) in [("lossy", 7), ("everything", 24), (EXAMPLE, 2)] {
        let range = format!("{seed}..{}", seed + 1);
        let campaign = result(&prints(&[scenario, "--seeds", &range, "--json"]));
        let replay = prints(&[scenario, "--replay", &seed.to_string()]);
        let hash = campaign["trace"].as_str().unwrap();
        assert!(
            replay.contains(&format!("trace           {hash}")),
            "{replay}"
        );
        assert!(replay.ends_with("verdict         done\n"), "{replay}");
        assert!(replay.contains("SYN-SENT"), "a ladder: {replay}");
    }
}

#[test]
fn threads_change_nothing() {
    let with = |jobs| {
        result(&prints(&[
            "everything",
            "--seeds",
            "0..40",
            "--json",
            "--jobs",
            jobs,
        ]))
    };
    assert_eq!(with("1"), with("3"));
}

#[test]
fn results_of_parts_add_up_to_the_result_of_the_whole() {
    let scratch = Scratch::new("merge");
    let run = |seeds| prints(&["everything", "--seeds", seeds, "--json"]);
    let first = scratch.file("first.json", &run("0..13"));
    let second = scratch.file("second.json", &run("13..30"));
    let sum = prints(&["merge", "--json", &second, &first]);
    assert_eq!(result(&sum), result(&run("0..30")));
    let table = prints(&["merge", &first, &second]);
    assert!(table.contains("seeds           0..30\n"), "{table}");

    let overlapping = scratch.file("overlapping.json", &run("10..14"));
    let other = scratch.file(
        "other.json",
        &prints(&["clean", "--seeds", "30..31", "--json"]),
    );
    let broken = scratch.file("broken.json", "{}");
    for (file, expected) in [
        (
            &overlapping,
            "overlapping.json: the seeds 10..13 are in another file, too",
        ),
        (
            &other,
            "other.json: of scenario clean, the others of everything",
        ),
        (
            &broken,
            "broken.json is not a result of `stubborn sim --json`",
        ),
    ] {
        let (status, line) = complains(&["merge", &first, file]);
        assert_eq!(status, 1);
        assert!(line.contains(expected), "{line}");
    }
}

/// Nothing gets through for longer than anybody waits, and the scenario does not expect it.
const HOPELESS: &str = "
heals-at = '3 h'
[near]
sends = 1000
[far]
sends = 1000
[path]
there = [{ delay = '1 ms' }, { black-hole = { from = '3 ms', until = '3 h' } }]
";

#[test]
fn a_failure_is_a_line_that_says_how_to_see_it_again() {
    let scratch = Scratch::new("failure");
    let file = scratch.file("hopeless.toml", HOPELESS);
    let output = sim(&[&file, "--seeds", "8..10"]);
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("done            0 of 2 worlds"), "{table}");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for seed in [8, 9] {
        let again = format!("seed {seed}; replay: stubborn sim --replay {seed} {file}");
        let line = lines.iter().find(|line| line.ends_with(&again));
        assert!(
            line.unwrap().contains("no failed connection: host"),
            "{text}"
        );
    }
    assert_eq!(lines[2], "stubborn: 2 of 2 worlds failed");

    let replay = sim(&["--replay", "8", &file]);
    assert_eq!(replay.status.code(), Some(1));
    let text = String::from_utf8(replay.stdout).unwrap();
    assert!(
        text.ends_with("verdict         no failed connection\n"),
        "{text}"
    );
}

#[test]
fn a_replay_writes_a_capture() {
    let scratch = Scratch::new("capture");
    let file = scratch.0.join("clean.pcap");
    prints(&["clean", "--replay", "1", "--pcap", file.to_str().unwrap()]);
    let octets = fs::read(&file).unwrap();
    // The magic number of pcap with nanoseconds, in either byte order.
    let magic = u32::from_ne_bytes(*octets.first_chunk().unwrap());
    assert!([0xa1b2_3c4d, 0x4d3c_b2a1].contains(&magic), "{magic:x}");
    assert!(octets.len() > 8 * 1024, "4 KiB both ways, and headers");
    let (status, line) = complains(&["clean", "--replay", "1", "--pcap", "/nowhere/x.pcap"]);
    assert_eq!(status, 1);
    assert!(line.contains("cannot write /nowhere/x.pcap"), "{line}");
    assert!(!Path::new("/nowhere").exists());
}

/// A reader who has gone before anything was written, as `head` may have.
#[test]
fn a_reader_who_has_enough_is_no_panic() {
    for arguments in [
        "--help",
        "check --list",
        "check link-fair-loss",
        "sim --list",
        "sim clean --seeds 0..2",
        "sim clean --seeds 0..2 --json",
        "sim clean --replay 1",
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stubborn"))
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {error}");
        assert_eq!(error, "", "{arguments}");
    }
}

#[test]
fn a_plot_is_three_pictures_with_the_names_of_scenario_and_seed() {
    let scratch = Scratch::new("plot");
    let out = scratch.0.join("pictures");
    let out = out.to_str().unwrap();
    let text = prints(&[
        "plot", EXAMPLE, "--seed", "3", "--until", "2s", "--out", out,
    ]);
    let files: Vec<&str> = text.lines().collect();
    assert_eq!(files.len(), 3, "{text}");
    for (file, kind) in files.into_iter().zip(["sequence", "window", "rtt"]) {
        assert!(file.ends_with(&format!("scenario-3-{kind}.svg")), "{file}");
        assert!(fs::read_to_string(file).unwrap().starts_with("<svg"));
    }
    let (status, line) = complains(&["plot", "losy"]);
    assert_eq!(status, 1);
    assert!(line.contains("a similar one is 'lossy'"), "{line}");
}

#[test]
fn recovery_and_goodput_are_tables() {
    let text = prints(&["recovery", "--seeds", "0..1"]);
    assert_eq!(text.lines().count(), 16, "{text}");
    for name in ["RACK-TLP", "no SACK", "tail lost", "delay spike 2 s"] {
        assert!(text.contains(name), "{text}");
    }
    let words = ["table", "--seeds", "0..1", "--octets", "64KiB"];
    let text = prints(&[&words[..], &["--controllers", "cubic"]].concat());
    assert_eq!(text.lines().count(), 17, "{text}");
    let (status, line) = complains(&["table", "--controllers", "cubik"]);
    assert_eq!(status, 2);
    assert!(
        line.contains("no congestion control has this name"),
        "{line}"
    );
}
