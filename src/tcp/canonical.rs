//! How a model checker distinguishes one connection from another.
//!
//! Two connections are the same if nothing that may happen from now on can distinguish them.
//! So times count by their distance from now, and only as far as any code compares them;
//! counters for STATUS do not count at all; and an unbounded counter counts only as far as it
//! has an effect. Configurations are assumed to be the same, and are not hashed.

use core::hash::{Hash, Hasher};

use super::tcb::{Acks, Probes, Tcb};
use crate::config::{QuickAcks, TcpConfig};
use crate::time::{Duration, Instant};

impl Tcb {
    /// Feeds `hasher` with everything that decides what this connection will do from `now` on.
    pub fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        // Named one by one: a new field must find its place here.
        let Tcb {
            config,
            tuple,
            path,
            state,
            passive,
            snd,
            rcv,
            send_buffer,
            boundaries,
            recv_buffer,
            right_sizing,
            path_mtu,
            allowance: _,
            agreed,
            timestamps,
            feedback,
            recovery,
            congestion,
            usage,
            factory,
            pacer,
            burst,
            timers,
            acks,
            probes,
            opening,
            deferral,
            syn_due,
            refuse,
            reset_due,
            orphan,
            read_shut,
            parted,
            gathers,
            starved,
            error,
            soft_error,
            readiness,
            last_received: _,
            last_sent: _,
            stats: _,
            steady: _,
        } = self;
        (tuple, path, state, passive, snd, rcv, agreed).hash(hasher);
        (syn_due, refuse, reset_due, orphan).hash(hasher);
        (read_shut, starved, parted, gathers).hash(hasher);
        (error, soft_error, readiness, feedback).hash(hasher);
        send_buffer.hash_canonical(hasher);
        // Empty or unchanged, unless the configuration uses it.
        (boundaries, usage, burst).hash(hasher);
        recv_buffer.hash_canonical(agreed.sack, hasher);
        recovery.hash_canonical(config, snd.mss, now, hasher);
        hasher.write_u64(congestion.fingerprint(now, config.send_buffer as u64 + 1));
        factory.name().hash(hasher);
        pacer.hash_canonical(config, now, hasher);
        timers.hash_canonical(now, hasher);
        (opening, deferral.as_ref().map(|it| it.canonical(now))).hash(hasher);
        hash_acks(acks, config, self.recovery.rtt.rto(), now, hasher);
        hash_probes(probes, config, self.recovery.rtt.rto(), hasher);
        if config.timestamps {
            (timestamps, now).hash(hasher);
        }
        right_sizing.hash_canonical(config, now, hasher);
        path_mtu.hash_canonical(now, hasher);
        self.hash_memory(hasher);
        self.hash_idle_times(now, hasher);
    }

    /// Compared after an idle time of RTO (RFC 5681 §4.1), and by keepalive.
    fn hash_idle_times(&self, now: Instant, hasher: &mut impl Hasher) {
        elapsed(now, self.last_sent, self.recovery.rtt.rto()).hash(hasher);
        if let Some(keepalive) = self.config.socket.keepalive {
            let limit = self.config.socket.user_timeout.unwrap_or_default();
            elapsed(now, self.last_received, keepalive.idle.max(limit)).hash(hasher);
        }
    }
}

/// How long ago, as far as a comparison with `limit` can tell.
fn elapsed(now: Instant, then: Instant, limit: Duration) -> Duration {
    now.since(then).min(limit + Duration::from_nanos(1))
}

fn hash_acks(
    acks: &Acks,
    config: &TcpConfig,
    rto: Duration,
    now: Instant,
    hasher: &mut impl Hasher,
) {
    (acks.due, &acks.apart).hash(hasher);
    if config.delayed_ack.is_some() {
        (acks.unacknowledged, acks.quick).hash(hasher);
        if config.ack_waits.end_with_reading {
            acks.ends.hash(hasher);
        }
        if config.ack_waits.end_with_reading || config.quick_acks == QuickAcks::UntilAnswering {
            acks.answering.hash(hasher);
        }
    }
    if config.ack_waits.hold_fin_after_text {
        (acks.received.is_some(), acks.hurries(), acks.answering).hash(hasher);
    }
    if config.ack_waits.answers > 1 {
        acks.timing.as_ref().map(|it| it.answers).hash(hasher);
    }
    if config.ack_waits.follow_intervals {
        (acks.timing.as_ref().map(|it| it.wait), acks.answering).hash(hasher);
    }
    if config.ack_waits.hold_sacks.is_some() {
        acks.timing.as_ref().map(|it| &it.held).hash(hasher);
    }
    if config.quick_acks == QuickAcks::UntilAnswering {
        // Compared with the delay of an acknowledgment, and with RTO.
        let received = acks
            .received
            .map(|at| elapsed(now, at, rto.max(config.delayed_ack.unwrap_or_default())));
        received.hash(hasher);
    }
    let challenged = acks.challenged.map(|at| now.since(at));
    challenged
        .filter(|since| *since < config.challenge_interval)
        .hash(hasher);
}

fn hash_probes(probes: &Probes, config: &TcpConfig, rto: Duration, hasher: &mut impl Hasher) {
    (probes.due, probes.push_due, probes.overdue).hash(hasher);
    (probes.keepalives, probes.octet).hash(hasher);
    if config.r2 < u32::MAX {
        probes.unanswered.hash(hasher);
    }
    let backs_off = rto < config.max_persist;
    match (backs_off, config.orphan_retries) {
        (true, _) => probes.persisted.hash(hasher),
        (false, u32::MAX) => {}
        (false, limit) => probes.persisted.min(limit).hash(hasher),
    }
}
