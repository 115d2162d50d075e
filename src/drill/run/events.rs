//! Runs the events of a script, one after another, each at its time.

use super::super::ast::{Action, Body, Command, Direction, Event, Packet, Script, When};
use super::super::code;
use super::super::packet::{Observed, check_icmp, show};
use super::super::place::Place;
use super::super::variant::Variant;
use super::calls::pending::Pending;
use super::ladder::seconds;
use super::state::{Due, Run};
use super::{Failure, Report, Stop, Verdict, Wrong, calls, commands, failed, info, skipped};
use crate::time::{Duration, Instant};

/// How much later than expected a packet may arrive before the script fails.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for a packet that is expected at any time.
const ANY_TIME: Duration = Duration::from_secs(3_600);
/// How long a call, or the end of the script, waits for an earlier blocked call.
const CALL_PATIENCE: Duration = Duration::from_secs(1);
/// The most steps of time between two events, to detect a stack that spins.
const MAX_STEPS: u32 = 1_000_000;

/// The text and place of an event, or of a command without a time.
type Line = (Place, String);

fn line(event: &Event) -> Line {
    (event.place, event.text.clone())
}

/// Why a script cannot be run at all: something that is not supported, found before the run.
pub(super) fn obstacle(script: &Script, variant: Variant) -> Option<String> {
    if let Some((place, what)) = script.unsupported.first() {
        return Some(format!("{place}: no support for {what}"));
    }
    for command in script.init.iter().chain(&script.cleanup) {
        if let Err(reason) = commands::understand(&command.text) {
            return Some(format!("{}: {reason}", command.place));
        }
    }
    let mut variables = code::Variables::default();
    script.events.iter().find_map(|event| {
        let reason = match &event.action {
            Action::Packet(packet) => match &packet.body {
                Body::Icmp(icmp) => return check_icmp(icmp, !variant.is_ipv6()).err(),
                Body::Tcp(_) | Body::Udp { .. } => return None,
            },
            Action::Call(call) => calls::unknown(call)?,
            Action::Command(text) => commands::understand(text).err()?,
            Action::Code(text) => match code::names(text, &mut variables) {
                Ok(names) => names.iter().find_map(|name| info::unknown(name))?,
                Err(code::Trouble::Unknown(what)) => format!("{what} is not understood"),
                Err(code::Trouble::Failed(_)) => return None,
            },
        };
        Some(format!("{}: {reason}", event.place))
    })
}

impl Run<'_> {
    /// Runs the whole script, and reports the result.
    pub(super) fn complete(mut self) -> Report {
        let outcome = self.all();
        self.finish();
        let verdict = match outcome {
            Ok(()) => match self.host.broken() {
                Some(broken) => self.failure(None, broken.into()),
                None => Verdict::Passed,
            },
            Err(ended) => match *ended {
                ((place, _), Stop::Skipped(reason)) => {
                    Verdict::Skipped(format!("{place}: {reason}"))
                }
                (line, Stop::Failed(wrong)) => self.failure(Some(line), wrong),
            },
        };
        Report {
            variant: self.setup.variant,
            verdict,
            took: self.host.now,
            captured: self.host.captured.unwrap_or_default(),
        }
    }

    fn failure(&mut self, line: Option<Line>, wrong: Wrong) -> Verdict {
        let at_end = || (Place::default(), "the end of the script".to_owned());
        let (place, text) = wrong.elsewhere.or(line).unwrap_or_else(at_end);
        Verdict::Failed(Box::new(Failure {
            place,
            event: text,
            at: self.host.now,
            message: wrong.message,
            actual: wrong.actual,
            differences: wrong.differences,
            ladder: core::mem::take(&mut self.ladder).lines(),
        }))
    }

    fn all(&mut self) -> Result<(), Box<(Line, Stop)>> {
        let script = self.script;
        for before in self.setup.init_scripts.clone() {
            self.bare(&before)?;
        }
        if let Some(init) = &script.init {
            self.bare(init)?;
        }
        for event in &script.events {
            self.event(event)
                .map_err(|stop| Box::new((line(event), stop)))?;
        }
        let last = || script.events.last().map(line).unwrap_or_default();
        self.let_the_call_before_end("the script ends while the call blocks")
            .map_err(|stop| Box::new((last(), stop)))?;
        match &script.cleanup {
            Some(cleanup) => self.bare(cleanup),
            None => Ok(()),
        }
    }

    /// A command without a time.
    fn bare(&mut self, command: &Command) -> Result<(), Box<(Line, Stop)>> {
        let line = || (command.place, format!("`{}`", command.text.trim()));
        self.command(&command.text)
            .map_err(|stop| Box::new((line(), stop)))
    }

    fn event(&mut self, event: &Event) -> Result<(), Stop> {
        let injects = matches!(&event.action, Action::Packet(packet)
            if packet.direction == Direction::In);
        let base = match injects && self.after_injected {
            true => self.previous,
            false => self.host.now,
        };
        let due = self.due(event.time, base);
        let is_expected = matches!(&event.action, Action::Packet(packet)
            if packet.direction == Direction::Out);
        if !is_expected {
            self.wait_for(due)?;
        }
        match &event.action {
            Action::Packet(packet) if injects => self.inject(packet, &event.text)?,
            Action::Packet(packet) => self.expect(packet, due)?,
            Action::Call(call) => {
                self.let_the_call_before_end("the call still blocks when the next one begins")?;
                self.call(call, event, due, base)?;
            }
            Action::Command(text) => self.command(text)?,
            Action::Code(text) => self.code(text)?,
        }
        self.previous = match due.any {
            true => self.host.now,
            false => due.to,
        };
        self.after_injected = injects;
        Ok(())
    }

    /// When an event is due.
    fn due(&self, when: When, base: Instant) -> Due {
        let after = |micros| Instant::ZERO + Duration::from_micros(micros);
        let beyond = |micros| base + Duration::from_micros(micros);
        let (from, to) = match when {
            When::At(at) => (after(at), after(at)),
            When::After(micros) => (beyond(micros), beyond(micros)),
            When::Between(from, to) => (after(from), after(to)),
            When::AfterBetween(from, to) => (beyond(from), beyond(to)),
            When::Any => (self.host.now, self.host.now),
        };
        Due {
            from,
            to,
            tolerance: self.tolerance(to, self.previous),
            any: when == When::Any,
        }
    }

    fn wait_for(&mut self, due: Due) -> Result<(), Stop> {
        self.advance(due.to)?;
        let late = self.host.now.since(due.to);
        if late > due.tolerance {
            return failed(format!(
                "the time of the event, {}, is over since {late:?}",
                seconds(due.to)
            ));
        }
        Ok(())
    }

    /// Advances time to `until`, and does everything that is due.
    pub(super) fn advance(&mut self, until: Instant) -> Result<(), Stop> {
        for _ in 0..MAX_STEPS {
            self.try_pending()?;
            if !self.step(until) {
                return self.try_pending();
            }
        }
        failed("the stack does not come to rest")
    }

    /// Does the next thing that is due; false if there is none until `until`.
    fn step(&mut self, until: Instant) -> bool {
        let timeout = self.pending.as_ref().and_then(Pending::deadline);
        match timeout {
            Some(timeout) if timeout < until => {
                self.host.step(timeout);
                true
            }
            _ => self.host.step(until),
        }
    }

    /// Waits for the blocked call, if there is one; `otherwise`: the error if it stays blocked.
    fn let_the_call_before_end(&mut self, otherwise: &str) -> Result<(), Stop> {
        self.try_pending()?;
        let until = self.host.now + CALL_PATIENCE;
        for _ in 0..MAX_STEPS {
            let Some(pending) = &self.pending else {
                return Ok(());
            };
            if self.host.now >= until {
                return Err(Stop::Failed(pending.wrong(otherwise)));
            }
            self.step(until);
            self.try_pending()?;
        }
        failed("the stack does not come to rest")
    }

    /// The next packet of the chosen socket, if one arrives in time.
    pub(super) fn next_packet(
        &mut self,
        packet: &Packet,
        until: Instant,
    ) -> Result<Option<Observed>, Stop> {
        for _ in 0..MAX_STEPS {
            self.try_pending()?;
            self.host.drain();
            if let Some(found) = self.take_sniffed(packet) {
                return Ok(Some(found));
            }
            if !self.step(until) {
                self.try_pending()?;
                self.host.drain();
                return Ok(self.take_sniffed(packet));
            }
        }
        failed("the stack does not come to rest")
    }

    /// Until when to wait for a packet.
    pub(super) fn patience(&self, due: Due) -> Instant {
        match due.any {
            true => self.host.now + ANY_TIME,
            false => self.host.now + due.to.since(self.previous) + PATIENCE,
        }
    }

    fn code(&mut self, text: &str) -> Result<(), Stop> {
        let values = self.values()?;
        let look_up = |name: &str| values.get(name);
        match code::run(text, &mut self.variables, &look_up) {
            Ok(()) => Ok(()),
            Err(code::Trouble::Failed(message)) => failed(message),
            Err(code::Trouble::Unknown(what)) => skipped(format!("{what} is not understood")),
        }
    }

    /// Closes what is open and resets what is left: the stack must survive this.
    fn finish(&mut self) {
        for packet in core::mem::take(&mut self.host.sniffed) {
            let numbers = self.sockets.current().map(|socket| socket.numbers.clone());
            let shown = show(&packet, &numbers.unwrap_or_default());
            self.ladder
                .push(packet.at, '>', &format!("{shown} (nobody asked)"));
        }
        self.close_everything();
        self.reset_everything();
        self.host.step(self.host.now);
    }
}
