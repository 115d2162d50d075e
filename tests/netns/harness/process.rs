//! Programs beside the test.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::eventually;

/// How long a program may take to start, or to end once it should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs beside the test; killed when dropped.
pub(crate) struct Running {
    title: String,
    child: Child,
    output: Option<Collector>,
    errors: Collector,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) title: String,
    pub(crate) status: ExitStatus,
    /// Standard output, unless it went to a file.
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

/// Reads a pipe to its end, in a thread.
struct Collector {
    octets: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Collector {
    fn of(mut pipe: impl Read + Send + 'static) -> Collector {
        let octets = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&octets);
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(len @ 1..) = pipe.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..len]);
            }
        });
        Collector { octets, thread }
    }

    fn so_far(&self) -> Vec<u8> {
        self.octets.lock().unwrap().clone()
    }

    fn all(self) -> Vec<u8> {
        self.thread.join().unwrap();
        std::mem::take(&mut *self.octets.lock().unwrap())
    }
}

impl Running {
    /// Starts `program`; its standard input is a pipe.
    pub(crate) fn start<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: &[S]) -> Running {
        Running::spawn(program.as_ref(), arguments, Stdio::piped(), Stdio::piped())
    }

    /// Starts `program` with files as its standard input and output.
    pub(crate) fn between<S: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: &[S],
        input: &Path,
        output: &Path,
    ) -> Running {
        let input = File::open(input).unwrap();
        let output = File::create(output).unwrap();
        Running::spawn(program.as_ref(), arguments, input.into(), output.into())
    }

    fn spawn<S: AsRef<OsStr>>(
        program: &OsStr,
        arguments: &[S],
        input: Stdio,
        output: Stdio,
    ) -> Running {
        let words = arguments.iter().map(|word| word.as_ref().to_string_lossy());
        let mut title = program.to_string_lossy().into_owned();
        words.for_each(|word| title = format!("{title} {word}"));
        // The kernel kills it if this program goes away first, however that happens.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {title}: {error}"));
        Running {
            title,
            output: child.stdout.take().map(Collector::of),
            errors: Collector::of(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Waits until standard error has a `text`.
    pub(crate) fn says(self, text: &str) -> Running {
        let start = Instant::now();
        while !self.errors().contains(text) {
            assert!(
                start.elapsed() < PATIENCE,
                "{} did not say {text:?} but {:?}",
                self.title,
                self.errors()
            );
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Standard error so far.
    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors.so_far()).into_owned()
    }

    /// Standard output so far.
    pub(crate) fn output(&self) -> Vec<u8> {
        let output = self.output.as_ref().expect("standard output is a file");
        output.so_far()
    }

    /// Waits until standard output is `octets`.
    pub(crate) fn outputs(&self, octets: &[u8]) {
        let output = self.output.as_ref().expect("standard output is a file");
        eventually(
            &format!(
                "{} outputs {:?}",
                self.title,
                String::from_utf8_lossy(octets)
            ),
            PATIENCE,
            || output.so_far() == octets,
        );
    }

    /// Standard input.
    pub(crate) fn input(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("standard input is closed")
    }

    /// Writes to standard input.
    pub(crate) fn type_in(&mut self, octets: &[u8]) {
        self.input().write_all(octets).unwrap();
    }

    /// Ends standard input.
    pub(crate) fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, standard input being at its end.
    pub(crate) fn finish(self) -> Ended {
        self.finish_within(PATIENCE)
    }

    /// Waits for its end for at most `limit`, standard input being at its end.
    pub(crate) fn finish_within(mut self, limit: Duration) -> Ended {
        self.end_input();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                start.elapsed() < limit,
                "{} did not end within {} s; it said {:?}",
                self.title,
                limit.as_secs_f32(),
                self.errors()
            );
            thread::sleep(Duration::from_millis(5));
        };
        let output = self.output.take();
        let errors = std::mem::replace(&mut self.errors, Collector::of(std::io::empty()));
        Ended {
            title: std::mem::take(&mut self.title),
            status,
            output: output.map(Collector::all).unwrap_or_default(),
            errors: String::from_utf8_lossy(&errors.all()).into_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// That it ended well.
    pub(crate) fn well(self) -> Ended {
        self.with(0)
    }

    /// That it ended with `status`.
    pub(crate) fn with(self, status: i32) -> Ended {
        assert_eq!(
            self.status.code(),
            Some(status),
            "{}: {:?}, it said {:?}",
            self.title,
            self.status,
            self.errors
        );
        self
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// Runs a program to its end, which must be a good one; gives its standard output.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    Running::start(program, arguments)
        .finish_within(Duration::from_secs(60))
        .well()
        .text()
}
