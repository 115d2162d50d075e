//! `ping`: echo requests to a host, and what becomes of each.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod` | sends requests, waits for replies, and prints them |
//! | `course` | keeps track of which requests are answered, and sums up |
//! | `words` | what an ICMP error says, in the words of ping(8) |

mod course;
mod words;

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use stubborn::sockets::{DatagramError, EchoFailure, EchoReply, EchoSocket};

use self::course::{Answer, Course, milliseconds};
use super::args::PingArgs;
use super::host::Host;
use super::interrupt::Interrupts;
use super::output::say;

/// Octets of the header of an echo message.
const HEADER: usize = 8;

/// Sends requests until `--count` or Ctrl-C. The exit status says whether any reply arrived.
pub(crate) fn run(args: &PingArgs) -> anyhow::Result<ExitCode> {
    let interrupts = Interrupts::catch()?;
    let host = Arc::new(Host::start(&args.host)?);
    let ping = Ping {
        socket: open(&host, args)?,
        remote: args.remote,
        data: pattern(args.size.into()),
        course: Mutex::new(Course::default()),
    };
    let (ping, interrupted) = (Arc::new(ping), Arc::clone(&host));
    let interrupted_ping = Arc::clone(&ping);
    interrupts.on_first(move |_| {
        // No other thread prints while this lock is held, and it is held until the program ends.
        let course = interrupted_ping.course();
        // There is no other place to report a failure.
        let _ = say(course.summary(interrupted_ping.remote));
        interrupted.close();
        process::exit(i32::from(!course.has_replies()));
    })?;
    log::info!(
        "pinging {} through {}; Ctrl-C ends it",
        args.remote,
        host.tun()
    );
    let asked = match say(ping.greeting())? {
        true => ping.ask_all(args),
        false => Ok(()),
    };
    // After an interrupt this waits until the program has ended. The error that the network has ended is
    // then not printed.
    let course = ping.course();
    asked?;
    say(course.summary(args.remote))?;
    host.close();
    Ok(match course.has_replies() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A socket that can send requests to `args.remote`.
fn open(host: &Host, args: &PingArgs) -> anyhow::Result<EchoSocket> {
    let remote = args.remote;
    let local = host.own_address((remote, 0).into()).ok_or_else(|| {
        let family = if remote.is_ipv4() { 4 } else { 6 };
        anyhow!(
            "cannot ping {remote}: the stack has no IPv{family} address: give it one with another --ip"
        )
    })?;
    let socket = EchoSocket::bind(&host.net, local, 0)?;
    socket.set_fragments(true);
    let most = socket.max_data();
    if usize::from(args.size) > most {
        return Err(anyhow!(
            "cannot ping {remote} with {} octets: no datagram has room for more than {most}",
            args.size
        ));
    }
    let mut options = socket.options();
    if let Some(ttl) = args.ttl {
        (options.hop_limit, options.multicast_hop_limit) = (Some(ttl.get()), ttl.get());
    }
    socket.set_options(options)?;
    Ok(socket)
}

/// Why no request can be sent.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "all hosts of a network have this address: give that of one host, or of a group"
        }
        ErrorKind::InvalidInput => "no host has this address: give that of a host, or of a group",
        _ => return error.to_string(),
    }
    .to_owned()
}

/// Data in which a changed or missing octet can be recognized.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|place| place as u8).collect()
}

/// The requests, and what has become of them.
struct Ping {
    socket: EchoSocket,
    remote: IpAddr,
    data: Vec<u8>,
    /// Held while a line is written, so that the summary is the last.
    course: Mutex<Course>,
}

impl Ping {
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn greeting(&self) -> String {
        let (remote, len) = (self.remote, self.data.len());
        match remote.is_ipv4() {
            true => format!(
                "PING {remote} ({remote}) {len}({}) bytes of data.",
                len + HEADER + 20
            ),
            false => format!("PING {remote}({remote}) {len} data bytes"),
        }
    }

    /// Sends requests and receives replies until all are answered, or until nothing reads the
    /// output any more.
    fn ask_all(&self, args: &PingArgs) -> anyhow::Result<()> {
        let mut due = Instant::now();
        let mut left = args.count.map(std::num::NonZero::get);
        let mut buffer = vec![0; self.data.len() + 1];
        loop {
            let until = match left {
                Some(0) => self.course().last_asked() + args.wait,
                Some(_) | None => due,
            };
            let now = Instant::now();
            if now < until {
                if left == Some(0) && self.course().is_complete() {
                    return Ok(());
                }
                if !self.listen(until - now, &mut buffer)? {
                    return Ok(());
                }
                continue;
            }
            if left == Some(0) {
                return Ok(());
            }
            if !self.ask()? {
                return Ok(());
            }
            left = left.map(|left| left - 1);
            due = now + args.interval;
        }
    }

    /// Sends the next request. Returns whether the output is still read.
    fn ask(&self) -> anyhow::Result<bool> {
        let sequence = self.course().ask(Instant::now());
        loop {
            match self.socket.send_to(sequence, &self.data, self.remote) {
                Ok(()) => return Ok(true),
                // This error is about an earlier request, and this request has not been sent.
                Err(error) if failure(&error).is_some() => {
                    if !self.fails(&error)? {
                        return Ok(false);
                    }
                }
                Err(error) => {
                    return Err(anyhow!("cannot ping {}: {}", self.remote, explain(&error)));
                }
            }
        }
    }

    /// Waits for one answer, at most for `patience`. Returns whether the output is still read.
    fn listen(&self, patience: Duration, buffer: &mut [u8]) -> anyhow::Result<bool> {
        self.socket.set_read_timeout(Some(patience))?;
        match self.socket.recv(buffer) {
            Ok(reply) => self.hear(&reply, buffer, Instant::now()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) if failure(&error).is_some() => self.fails(&error),
            Err(error) => Err(error.into()),
        }
    }

    /// Handles a reply. One from a host that was not asked, or with other data, does not count.
    fn hear(&self, reply: &EchoReply, buffer: &[u8], now: Instant) -> anyhow::Result<bool> {
        let is_asked = reply.remote == self.remote || self.remote.is_multicast();
        let is_same = buffer.get(..reply.len) == Some(&*self.data);
        let mut course = self.course();
        let answer = match is_asked && is_same {
            true => course.reply(reply.sequence, now),
            false => None,
        };
        let Some(Answer { time, is_duplicate }) = answer else {
            log::info!("a reply of {} answers nothing: {reply:?}", reply.remote);
            return Ok(true);
        };
        say(format_args!(
            "{} bytes from {}: icmp_seq={} ttl={} time={} ms{}",
            reply.len + HEADER,
            reply.remote,
            reply.sequence,
            reply.hop_limit,
            milliseconds(time),
            if is_duplicate { " (DUP!)" } else { "" }
        ))
    }

    /// Handles an ICMP error.
    fn fails(&self, error: &io::Error) -> anyhow::Result<bool> {
        let Some(EchoFailure {
            sequence,
            offender,
            error,
        }) = failure(error)
        else {
            return Ok(true);
        };
        let mut course = self.course();
        if !course.fail(sequence) {
            log::info!("an error of {offender} is about no request: {error:?}");
            return Ok(true);
        }
        let words = words::of(error, self.remote.is_ipv4());
        say(format_args!("From {offender} icmp_seq={sequence} {words}"))
    }
}

/// The failure of a request, if an error is about one.
fn failure(error: &io::Error) -> Option<EchoFailure> {
    error.get_ref()?.downcast_ref::<DatagramError>()?.echo
}
