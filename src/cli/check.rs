//! `stubborn check`: visits every state of each subject, and reports what it found.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, bail};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use stubborn::check::tcp::{Coverage, Kind, State, UNVISITED};
use stubborn::check::{Found, Progress, Subject, Verdict, subjects};

use super::args::CheckArgs;
use super::output;

/// A search that has ended.
struct Ended {
    subject: Subject,
    verdict: Verdict,
    took: Duration,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let chosen = choose(args)?;
    if args.list {
        return output::print(list(&chosen));
    }
    // First, so that a bad path is reported before the search, not after it.
    let committed = (args.compare.as_deref()).map(committed).transpose()?;
    if let Some(path) = &args.write {
        let open = fs::File::options().append(true).create(true).open(path);
        open.with_context(|| format!("cannot write {}", path.display()))?;
    }
    let ended = search_all(chosen, args.jobs);
    output::print(table(&ended, true))?;
    if let Some(found) = first_found(&ended) {
        bail!("{found}");
    }
    if args.all {
        let report = document(&ended);
        check_coverage(&ended)?;
        if let Some(path) = &args.write {
            fs::write(path, &report).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if let (Some(path), Some(committed)) = (&args.compare, committed) {
            compare(path, &committed, &report)?;
        }
    }
    Ok(())
}

/// A line for each subject.
fn list(subjects: &[Subject]) -> String {
    let widest = subjects.iter().map(|subject| subject.name.len()).max();
    let widest = widest.unwrap_or(0);
    let mut text = String::new();
    for Subject { name, about, .. } in subjects {
        let _ = writeln!(text, "{name:widest$}  {about}");
    }
    text
}

fn choose(args: &CheckArgs) -> anyhow::Result<Vec<Subject>> {
    let all = subjects();
    if args.all || (args.list && args.names.is_empty()) {
        return Ok(all);
    }
    if let Some(unknown) = args
        .names
        .iter()
        .find(|name| all.iter().all(|subject| subject.name != **name))
    {
        bail!("nothing to check is called {unknown}: `stubborn check --list` has the names");
    }
    let named = |subject: &Subject| args.names.contains(&subject.name);
    Ok(all.into_iter().filter(named).collect())
}

/// Searches on `jobs` threads, each subject on one. The results come in the order of `chosen`.
fn search_all(chosen: Vec<Subject>, jobs: Option<NonZero<usize>>) -> Vec<Ended> {
    let jobs = jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get);
    let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let queue: Mutex<VecDeque<_>> = Mutex::new(chosen.into_iter().enumerate().collect());
    let ended = Mutex::new(Vec::new());
    let take = || queue.lock().ok().and_then(|mut queue| queue.pop_back());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                // The last subjects are the largest: they start first.
                while let Some((place, subject)) = take() {
                    let bar = screen.add(spinner(&subject.name));
                    let outcome = search(subject, &bar);
                    bar.finish_and_clear();
                    if let Ok(mut ended) = ended.lock() {
                        ended.push((place, outcome));
                    }
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().map(|(_, ended)| ended).collect()
}

fn spinner(name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix:30} {msg}  {elapsed}");
    let bar = ProgressBar::new_spinner().with_prefix(name.to_owned());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

fn search(subject: Subject, bar: &ProgressBar) -> Ended {
    let start = Instant::now();
    let verdict = subject.search(&mut |progress: Progress| {
        bar.set_message(format!(
            "{} states, {} waiting, depth {}",
            grouped(progress.states),
            grouped(progress.waiting),
            progress.depth
        ));
        bar.tick();
    });
    Ended {
        subject,
        verdict,
        took: start.elapsed(),
    }
}

/// A number with its digits grouped: 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The table, as Markdown that is also readable on a screen. Times differ from run to run, so
/// the report that is compared omits them.
fn table(ended: &[Ended], with_times: bool) -> String {
    let mut text = String::new();
    let (head, rule) = match with_times {
        true => (" seconds |", "--------:|"),
        false => ("", ""),
    };
    let _ = writeln!(
        text,
        "| {:29} | {:>10} | {:>11} | {:>5} | {:>8} | {:7} |{head}\n\
         |{:-<31}|{:->11}:|{:->12}:|{:->6}:|{:->9}:|{:-<9}|{rule}",
        "what", "states", "steps", "depth", "goals", "verdict", "", "", "", "", "", ""
    );
    for Ended {
        subject,
        verdict,
        took,
    } in ended
    {
        let report = &verdict.report;
        let _ = write!(
            text,
            "| {:29} | {:>10} | {:>11} | {:>5} | {:>8} | {:7} |",
            subject.name,
            grouped(report.states),
            grouped(report.transitions),
            report.depth,
            grouped(report.done),
            if report.found.is_none() {
                "holds"
            } else {
                "BROKEN"
            },
        );
        let time = match with_times {
            true => format!(" {:>7.1} |", took.as_secs_f64()),
            false => String::new(),
        };
        let _ = writeln!(text, "{time}");
    }
    let states = ended.iter().map(|ended| ended.verdict.report.states).sum();
    let _ = writeln!(text, "\n{} states in all.", grouped(states));
    text
}

/// The first violation found, with the path that leads to it.
fn first_found(ended: &[Ended]) -> Option<String> {
    ended.iter().find_map(|ended| {
        let Found { what, trace } = ended.verdict.report.found.as_ref()?;
        let steps = trace.join("\n  ");
        Some(format!(
            "{}: {what}, by this way:\n  {steps}",
            ended.subject.name
        ))
    })
}

/// The cells of the diagram of RFC 9293 that the searches visited, all together.
fn coverage(ended: &[Ended]) -> Coverage {
    let mut all = Coverage::default();
    ended
        .iter()
        .for_each(|ended| all.merge(&ended.verdict.coverage));
    all
}

/// Checks that every cell was visited or has a stated reason why it cannot be, and that no
/// reason is given for a cell that was visited.
fn check_coverage(ended: &[Ended]) -> anyhow::Result<()> {
    let all = coverage(ended);
    let mut wrong = Vec::new();
    for state in State::ALL {
        for kind in Kind::ALL {
            let visited = all.cell(state, kind).next().is_some();
            let excused = UNVISITED
                .iter()
                .any(|(s, kinds, _)| *s == state && kinds.contains(&kind));
            match (visited, excused) {
                (false, false) => wrong.push(format!("nothing has met {kind} in {state}")),
                (true, true) => wrong.push(format!(
                    "{kind} was met in {state}, although it should not be"
                )),
                _ => {}
            }
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{}", wrong.join("; ")),
    }
}

/// What `docs/CHECK.md` holds.
fn document(ended: &[Ended]) -> String {
    let mut text = include_str!("check.md").to_owned();
    text.push_str("\n## Every state\n\n");
    for Ended { subject, .. } in ended {
        let _ = writeln!(text, "* `{}`: {}", subject.name, subject.about);
    }
    text.push('\n');
    text.push_str(&table(ended, false));
    text.push_str("\n## Every cell of the diagram\n\n");
    text.push_str("Where each event led from each state, over all searches.\n\n");
    text.push_str(&cells(&coverage(ended)));
    text.push_str("\nNot met, and why:\n\n");
    for (state, kinds, reason) in UNVISITED {
        let kinds: Vec<_> = kinds.iter().map(Kind::to_string).collect();
        let _ = writeln!(text, "* {state}: {}. {reason}", kinds.join(", "));
    }
    text
}

fn cells(coverage: &Coverage) -> String {
    let mut text = String::from("| event |");
    for state in State::ALL {
        let _ = write!(text, " {state} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(State::ALL.len()));
    for kind in Kind::ALL {
        let _ = write!(text, "\n| {kind} |");
        for state in State::ALL {
            let ends: Vec<_> = coverage
                .cell(state, kind)
                .map(|(to, _)| to.to_string())
                .collect();
            let _ = write!(text, " {} |", ends.join(", "));
        }
    }
    text.push('\n');
    text
}

/// The report to compare with.
fn committed(path: &Path) -> anyhow::Result<String> {
    let read = fs::read_to_string(path);
    read.with_context(|| format!("cannot read {}", path.display()))
}

/// Fails if the report differs from the committed one.
fn compare(path: &Path, committed: &str, report: &str) -> anyhow::Result<()> {
    let differing = report
        .lines()
        .find(|line| !committed.lines().any(|other| other == *line));
    match (committed == report, differing) {
        (true, _) => Ok(()),
        (false, line) => bail!(
            "the results are not those in {0}, the first that differs being\n  {1}\n\
             if that is right: stubborn check --all --write {0}",
            path.display(),
            line.unwrap_or("(only lines too many)")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_cell_that_no_search_has_visited_is_told() {
        let found = check_coverage(&[]).unwrap_err().to_string();
        assert!(
            found.contains("nothing has met rcv FIN in ESTABLISHED"),
            "{found}"
        );
        let excused = "nothing has met timeout in LISTEN";
        assert!(!found.contains(excused), "{found}");
    }

    #[test]
    fn what_differs_from_what_is_committed_is_told() {
        let path = Path::new("CHECK.md");
        assert!(compare(path, "", "a\n").is_err(), "nothing is committed");
        assert!(compare(path, "a\nb\n", "a\nb\n").is_ok());
        let error = compare(path, "a\nb\n", "a\nc\n").unwrap_err().to_string();
        assert!(error.contains("\n  c\n"), "{error}");
    }

    /// The error comes before the search.
    #[test]
    fn a_file_that_is_not_there_is_told_at_once() {
        let nowhere = || Some("/nowhere/CHECK.md".into());
        let refused = |write, compare| {
            let args = CheckArgs {
                names: Vec::new(),
                all: true,
                list: false,
                jobs: None,
                write,
                compare,
            };
            run(&args).unwrap_err().to_string()
        };
        assert_eq!(refused(None, nowhere()), "cannot read /nowhere/CHECK.md");
        assert_eq!(refused(nowhere(), None), "cannot write /nowhere/CHECK.md");
    }
}
