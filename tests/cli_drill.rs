//! `stubborn drill`: wrong uses are explained in one line, with what to do, and an exit status that is not zero.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::{self, File};
use std::process::{Command, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stubborn"))
}

/// The exit status and the only line of complaint.
fn complains(words: &[&str]) -> (i32, String) {
    let output = program().arg("drill").args(words).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{words:?}: {text}");
    (output.status.code().unwrap(), text.trim_end().to_owned())
}

/// A script that passes.
const SCRIPT: &str = "tests/drill/listener/backlog-of-zero.pkt";

#[test]
fn what_cannot_be_drilled_is_explained_in_a_line() {
    let empty = std::env::temp_dir().join(format!("stubborn-drill-{}", std::process::id()));
    fs::create_dir_all(&empty).unwrap();
    let nothing = empty.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["nowhere.pkt"], 1, "cannot read nowhere.pkt: No such file"),
        (&[nothing], 1, "there is no .pkt file in "),
        (
            &["--profile", "bsd", SCRIPT],
            2,
            "linux, freebsd or stubborn",
        ),
        (
            &["--option", "mtu", SCRIPT],
            2,
            "not of the form NAME=VALUE",
        ),
        (
            &["--option", "mut=1400", SCRIPT],
            1,
            "stubborn: the option --mut is not known here: docs/DRILL.md lists the options",
        ),
        (
            &["--option", "mtu=x", SCRIPT],
            1,
            "stubborn: the option --mtu cannot be x: a number from 0 to 65515 is meant: docs/DRILL.md",
        ),
        (
            &["--option", "local_ip=10.0.0", SCRIPT],
            1,
            "local_ip cannot be 10.0.0",
        ),
        (
            &["--pcap", SCRIPT, SCRIPT],
            1,
            "stubborn: cannot make the directory tests/drill/listener/backlog-of-zero.pkt: File exists",
        ),
        (&["tests/drill-wrong"], 1, "failed"),
    ];
    for (words, status, expected) in cases {
        let (found, line) = complains(words);
        assert_eq!(found, status, "{line}");
        assert!(
            line.starts_with("stubborn: ") && line.contains(expected),
            "{line}"
        );
    }
    fs::remove_dir(&empty).unwrap();
}

/// An address is one of some variants only.
#[test]
fn an_option_that_some_variants_have_is_taken() {
    let words = ["drill", "--option", "local_ip=fd3d::2", SCRIPT];
    let output = program().args(words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let full = || Stdio::from(File::create("/dev/full").unwrap());
    for words in [&["--help"][..], &["sim", "--list"], &["drill", SCRIPT]] {
        let output = program().args(words).stdout(full()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {text}");
        let expected = "stubborn: cannot write standard output: No space left on device";
        assert!(
            text.starts_with(expected) && text.lines().count() == 1,
            "{text}"
        );
    }
}
