//! How a user's thread gets the lead and gives it up, when it must look, and until when it may sleep.

use std::mem;

use super::{Shared, earlier};
use crate::driver::intake::Intake;
use crate::driver::lead::{Lead, Ticket};
use crate::driver::waiters::Key;
use crate::time::Instant;

/// After users' calls have sent this many datagrams, or octets, one of the calls also receives the
/// answers: the memory that an acknowledgment frees is then still in the cache when it is used
/// again.
const ASSIST_AFTER: usize = 32;
const ASSIST_AFTER_OCTETS: usize = 256 * 1024;

/// The most turns that such a call does.
const ASSIST_TURNS: usize = 4;

/// After this many events and turns in a row without anything for the lead, another waiting thread may take
/// it, and a user that only writes may end it. So a thread that accepts leaves the lead to a busy
/// connection, which then need not be woken; and among many busy ones, the lead does not change hands too
/// often.
const IDLE_EVENTS: u32 = 16;

impl Shared {
    /// Whether `me` leads, and there is something to lead.
    pub(in crate::driver) fn is_led_by(&self, me: Lead) -> bool {
        self.lead == me && self.closed.is_none()
    }

    /// Whether something happened that the leading user waits for.
    pub(in crate::driver) fn is_lead_concerned(&self) -> bool {
        self.lead_concerned
    }

    /// The lead yields the processor until it has [returned](Shared::returned): until then it need
    /// not be kicked.
    pub(in crate::driver) fn give_way(&mut self) {
        self.lead_concerned = false;
        self.returning = Some(self.lead);
    }

    /// The lead `me` is back. Returns whether there is anything for it to do even if nothing has
    /// arrived.
    pub(in crate::driver) fn returned(&mut self, me: Lead, now: Instant) -> bool {
        self.returning.take_if(|lead| *lead == me);
        let is_due = self.shard.next_deadline().is_some_and(|due| due <= now);
        !self.is_led_by(me) || self.lead_concerned || is_due
    }

    /// Takes the lead for a wait for `key`, if it may. The caller must kick the previous lead.
    ///
    /// With several shards, users never lead: a wait is for all shards, and while the user that
    /// leads one of them is busy at another, no thread would lead the first.
    pub(in crate::driver) fn take_lead(&mut self, key: Key) -> Option<Ticket> {
        if self.mail.is_some() {
            return None;
        }
        let is_busy = matches!(self.lead, Lead::User(_)) && self.idle_events < IDLE_EVENTS;
        if is_busy && !self.turns.has_called(key) || self.turns.is_over(key, || self.shard.now()) {
            return None;
        }
        // There may be none: a thread that has lost the lead keeps its kick until it notices.
        let kick = self.free_kicks.pop()?;
        self.leads_begun += 1;
        self.idle_events = 0;
        let ticket = Ticket {
            key,
            number: self.leads_begun,
            kick,
        };
        self.lead = Lead::User(ticket);
        self.turns.begin(key, || self.shard.now());
        Some(ticket)
    }

    /// A user gives up the lead, or notices that it has lost it. If no thread leads then, the
    /// background thread soon does.
    pub(in crate::driver) fn give_up_lead(&mut self, ticket: Ticket, now: Instant) {
        self.free_kicks.push(ticket.kick);
        if self.lead == Lead::User(ticket) {
            self.end_lead(now);
        }
    }

    /// No thread leads now. The alarm calls the background thread.
    fn end_lead(&mut self, now: Instant) {
        self.lead = Lead::Nobody;
        self.alarm.put_off(now);
    }

    /// Whether the lead must come out of poll: because what it waits for happened, there is more to
    /// send than one turn sends, or a deadline is now earlier than the time until which it sleeps.
    pub(in crate::driver) fn lead_must_look(&mut self) -> bool {
        if self.lead == Lead::Nobody || self.returning == Some(self.lead) {
            return false;
        }
        let nearer = match (self.shard.next_deadline(), self.wake_at) {
            (Some(due), Some(wake_at)) => due < wake_at,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let is_told = self.turns.is_to_be_told();
        mem::take(&mut self.lead_concerned) || self.more || nearer || is_told
    }

    /// Until when the lead may poll, and whether to poll the device or leave it alone.
    ///
    /// A planned time stays even if its deadline is cancelled meanwhile: one early wake-up now
    /// and then costs less than a kick for each retransmission timer that is armed anew.
    pub(in crate::driver) fn plan_poll(&mut self, now: Instant) -> (Option<Instant>, bool) {
        let planned = self.wake_at.filter(|&at| at > now);
        self.wake_at = earlier(planned, self.shard.next_deadline());
        self.lead_concerned = false;
        let pause = self.pause_until.filter(|&until| until > now);
        let until = earlier(self.wake_at, self.turns.look_at(now));
        (earlier(until, pause), pause.is_none())
    }

    /// Whether a writing user should [assist](Shared::assist).
    pub(in crate::driver) fn wants_assistance(&self) -> bool {
        let busy = matches!(self.lead, Lead::User(_)) && self.idle_events < IDLE_EVENTS;
        let sent_much = self.shard.sent_since_turn() >= ASSIST_AFTER
            || self.shard.octets_since_turn() >= ASSIST_AFTER_OCTETS;
        !busy && self.mail.is_none() && sent_much
    }

    /// A user that writes without ever having to wait does some turns itself, in place of the lead.
    /// Otherwise it would compete with the background thread, or with a lead that waits for
    /// something else, for every batch. This ends the lead, and the caller must kick the thread
    /// that had it.
    pub(in crate::driver) fn assist(&mut self, mut intake: Option<&mut Intake>, now: Instant) {
        self.end_lead(now);
        for _ in 0..ASSIST_TURNS {
            self.turn(false, intake.as_deref_mut());
            if !self.more {
                break;
            }
        }
    }

    /// Notes an event for `key`.
    pub(super) fn note_event(&mut self, key: Key) {
        if self.lead.is_for(key) {
            self.lead_concerned = true;
            self.idle_events = 0;
        } else {
            self.idle_events = self.idle_events.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, host};
    use super::*;
    use crate::config::TcpConfig;
    use crate::driver::alarm::LEASE;
    use crate::time::Duration;

    #[test]
    fn a_user_has_the_lead_until_it_gives_it_up() {
        let (mut shared, key, _other_end) = host();
        let first = shared.take_lead(key).unwrap();
        assert_eq!(shared.take_lead(key), None, "the lead is taken");
        assert_eq!(shared.take_lead(Key::Finished), None);
        shared.give_up_lead(first, NOW);
        assert_eq!(shared.lead, Lead::Nobody);
        let second = shared.take_lead(key).unwrap();
        assert_ne!(first, second, "another wait for the same");
    }

    /// While a user leads no alarm is needed; once none does, the background thread must look.
    #[test]
    fn who_gives_up_the_lead_leaves_an_alarm() {
        let (mut shared, key, _other_end) = host();
        let is_set = |shared: &Shared| shared.alarm.left().is_some();
        let first = shared.take_lead(key).unwrap();
        (0..IDLE_EVENTS).for_each(|_| shared.note_event(Key::Finished));
        let second = shared.take_lead(Key::Finished).unwrap();
        shared.give_up_lead(first, NOW);
        assert!(!is_set(&shared), "another leads");
        shared.give_up_lead(second, NOW);
        assert!(is_set(&shared));
        assert!(!shared.alarm.is_due(NOW) && shared.alarm.is_due(NOW + LEASE));
    }

    #[test]
    fn who_leads_for_others_leaves_an_alarm() {
        let (mut shared, _, _other_end) = host();
        shared.assist(None, NOW);
        assert_eq!(shared.lead, Lead::Nobody);
        assert!(shared.alarm.left().is_some());
    }

    /// A lead that gives way comes back by itself; a thread that takes the lead from it must be kicked.
    #[test]
    fn a_lead_that_gives_way_is_not_kicked() {
        let (mut shared, key, _other_end) = host();
        let lead = shared.take_lead(key).unwrap();
        let me = Lead::User(lead);
        shared.give_way();
        assert!(!shared.returned(me, NOW), "nothing has happened");
        shared.give_way();
        shared.note_event(key);
        assert!(!shared.lead_must_look());
        assert!(shared.returned(me, NOW));
        assert!(shared.lead_must_look(), "it has not looked yet");

        shared.give_way();
        shared.give_up_lead(lead, NOW);
        let next = shared.take_lead(Key::Finished).unwrap();
        shared.note_event(Key::Finished);
        assert!(shared.lead_must_look());
        assert!(shared.returned(me, NOW), "another leads");
        assert!(!shared.returned(Lead::User(next), NOW));
    }

    #[test]
    fn what_is_busy_gets_the_lead_from_what_is_not() {
        let (mut shared, key, _other_end) = host();
        let idle = shared.take_lead(Key::Finished).unwrap();
        for _ in 1..IDLE_EVENTS {
            shared.note_event(key);
            assert_eq!(shared.take_lead(key), None);
        }
        shared.note_event(key);
        let busy = shared.take_lead(key).unwrap();
        assert_eq!(shared.lead, Lead::User(busy));
        assert_ne!(busy.kick, idle.kick, "both may be in poll for a moment");

        // The one that lost it has not noticed: no third may come.
        (0..IDLE_EVENTS).for_each(|_| shared.note_event(Key::Finished));
        assert_eq!(shared.take_lead(Key::Finished), None);
        shared.give_up_lead(idle, NOW);
        assert_eq!(shared.lead, Lead::User(busy), "not its own to give up");
        assert!(shared.take_lead(Key::Finished).is_some());
    }

    #[test]
    fn a_lead_with_something_of_its_own_keeps_it() {
        let (mut shared, key, _other_end) = host();
        let lead = shared.take_lead(Key::Finished).unwrap();
        for _ in 0..3 {
            (1..IDLE_EVENTS).for_each(|_| shared.note_event(key));
            shared.note_event(Key::Finished);
        }
        assert_eq!(shared.take_lead(key), None);
        assert_eq!(shared.lead, Lead::User(lead));
    }

    #[test]
    fn a_planned_time_stays_until_it_has_passed() {
        let (mut shared, _, _other_end) = host();
        let now = shared.shard.now();
        assert_eq!(shared.plan_poll(now), (None, true));
        assert!(!shared.lead_must_look());
        let remote = "192.0.2.9:9".parse().unwrap();
        let id = shared.stack().connect(now, None, remote).unwrap();
        shared.send_due(now);
        assert!(shared.lead_must_look(), "a deadline where there was none");
        let (planned, _) = shared.plan_poll(now);
        assert!(planned.is_some() && !shared.lead_must_look());
        shared.stack().abort(now, id);
        shared.send_due(now);
        assert_eq!(shared.shard.next_deadline(), None);
        assert_eq!(
            shared.plan_poll(now).0,
            planned,
            "cancelled, and looked at once"
        );
        let sooner = TcpConfig {
            initial_rto: Duration::from_millis(300),
            ..TcpConfig::default()
        };
        let opened = shared.stack().connect_with(now, None, remote, &sooner);
        opened.unwrap();
        shared.send_due(now);
        assert!(shared.lead_must_look(), "a deadline before it");
    }
}
