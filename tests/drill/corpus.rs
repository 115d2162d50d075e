//! The corpus: `tests/drill/*/*.pkt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use stubborn::drill::{Definitions, Profile, Settings, Variant, Verdict, parse, run};

pub(super) fn scripts(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).expect("tests/drill is there");
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            scripts(&entry, found);
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "pkt")
        {
            found.push(entry);
        }
    }
}

pub(super) fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drill");
    scripts(&root, &mut found);
    found
}

/// What is wrong with a script, over all families: nothing.
fn complaints(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a script is text");
    let settings = Settings::default();
    let mut complaints = Vec::new();
    for variant in Variant::ALL {
        let definitions = Definitions::of(&text, Profile::default(), variant);
        let script = match parse(&text, &definitions) {
            Ok(script) => script,
            Err(error) => return vec![format!("{}:{error}", path.display())],
        };
        let Some(report) = run(&script, variant, &settings) else {
            continue;
        };
        match report.verdict {
            Verdict::Passed => {}
            Verdict::Skipped(reason) => {
                complaints.push(format!(
                    "{} ({variant}) is skipped: {reason}",
                    path.display()
                ));
            }
            Verdict::Failed(failure) => {
                let place = failure.place;
                complaints.push(format!("{}:{place} ({variant})\n{failure}", path.display()));
            }
        }
    }
    complaints
}

#[test]
fn every_script_passes_over_every_family() {
    let scripts = all();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(path) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(complaints(path));
        }
        found
    };
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let complaints: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("no script panics"));
        ended.flatten().collect()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The first line says what the script shows: an RFC, or a policy of ours; the second is a
/// sentence about it.
#[test]
fn every_script_says_what_it_shows() {
    for path in all() {
        let text = fs::read_to_string(&path).expect("a script is text");
        let first = text.lines().next().unwrap_or("");
        let marked = first.starts_with("// RFC ") || first.starts_with("// policy: ");
        assert!(marked, "{}: `// RFC …` or `// policy: …`", path.display());
    }
}
