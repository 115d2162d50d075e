//! TCP Fast Open (RFC 7413), the part of the host: cookies given and received, and when not to try.
//!
//! | side | what is kept | bound |
//! |---|---|---|
//! | server | two keys; for each listener, how many connections await the end of their handshake | the listener's `fast_open` |
//! | client | for each peer its cookie, its MSS, and how often Fast Open has failed with it | `cookies` of the configuration |
//! | client | how often Fast Open was given up on the whole host | |

use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use siphasher::sip::SipHasher24;

use super::Stack;
use super::arrive::Arrival;
use super::id::{ConnId, ListenerId};
use super::listener::Listener;
use crate::config::{FastOpenConfig, FastOpenKeys, TcpConfig};
use crate::tcp::{FastOpenFailure, FastOpenOutcome, FourTuple, Path};
use crate::time::{Duration, Instant};
use crate::{tcp, wire};

/// How long a handshake that its peer has reset counts as under way. Otherwise an attacker that
/// makes other hosts send resets could have more handshakes under way (RFC 7413 §5.1).
pub(super) const RESET_TIME: Duration = Duration::from_secs(60);

/// How often at most the time without Fast Open is doubled.
const MOST_DOUBLINGS: u32 = 6;

/// Requests for a cookie that came back without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unanswered {
    #[default]
    None,
    /// With the option of RFC 7413.
    Standard,
    /// With the option for experiments as well: the peer has none.
    Both,
}

/// What a client knows of a peer.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    cookie: Option<wire::Cookie>,
    /// It came with the option for experiments.
    experimental: bool,
    /// Which option the last request used that was not answered with a cookie.
    unanswered: Unanswered,
    /// The MSS that it offered, 0 if it did not.
    mss: u16,
    /// How often in a row Fast Open has failed with it, and until when it is not tried.
    failures: u32,
    paused_until: Option<Instant>,
    /// The higher, the more recently it was used.
    used: u64,
}

/// What a host knows of Fast Open.
#[derive(Clone, Debug, Default)]
pub(super) struct FastOpen {
    /// By local and remote address: a cookie is valid for the pair.
    known: BTreeMap<(IpAddr, IpAddr), Known>,
    uses: u64,
    /// How often in a row a black hole was met, and until when Fast Open is off.
    black_holes: u32,
    off_until: Option<Instant>,
}

impl FastOpen {
    /// What is known of a peer, to be changed. If there is no room, the peer unused for the longest
    /// time is forgotten.
    fn known(&mut self, hosts: (IpAddr, IpAddr), most: usize) -> &mut Known {
        if !self.known.contains_key(&hosts) && self.known.len() >= most.max(1) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.used);
            let oldest = oldest.map(|(hosts, _)| *hosts);
            oldest.and_then(|hosts| self.known.remove(&hosts));
        }
        self.uses += 1;
        let known = self.known.entry(hosts).or_default();
        known.used = self.uses;
        known
    }

    /// How to open a connection with text.
    fn client(
        &self,
        now: Instant,
        config: &FastOpenConfig,
        tuple: &FourTuple,
        without_cookie: bool,
    ) -> tcp::FastOpen {
        let known = self.known.get(&hosts(tuple)).copied().unwrap_or_default();
        let is_off = |until: Option<Instant>| until.is_some_and(|until| now < until);
        if !config.client || is_off(self.off_until) || is_off(known.paused_until) {
            return tcp::FastOpen::default();
        }
        let option = wire::FastOpen {
            cookie: known.cookie,
            experimental: match known.cookie {
                Some(_) => known.experimental,
                None => {
                    let tries = config.tries_experimental_option;
                    config.experimental_option || tries && known.unanswered == Unanswered::Standard
                }
            },
        };
        let without_cookie = without_cookie || config.client_without_cookie;
        let blindly = without_cookie;
        tcp::FastOpen {
            option: Some(option).filter(|_| !blindly),
            takes_text: known.cookie.is_some() || blindly,
            mss: known.mss,
            reserves_options: config.reserves_options,
        }
    }

    /// A peer has given a cookie.
    fn learn(&mut self, tuple: &FourTuple, given: wire::FastOpen, mss: u16, most: usize) {
        let known = self.known(hosts(tuple), most);
        (known.cookie, known.mss) = (given.cookie, mss);
        known.experimental = given.experimental;
    }

    /// A peer was asked for a cookie, and has answered without one.
    fn note_unanswered(&mut self, tuple: &FourTuple, asked: wire::FastOpen, most: usize) {
        let known = self.known(hosts(tuple), most);
        known.unanswered = match asked.experimental {
            true => Unanswered::Both,
            false if known.unanswered == Unanswered::None => Unanswered::Standard,
            false => known.unanswered,
        };
    }

    /// Notes the outcome of an attempt (RFC 7413 §4.1.3.1).
    fn note(
        &mut self,
        now: Instant,
        config: &FastOpenConfig,
        tuple: &FourTuple,
        outcome: FastOpenOutcome,
    ) {
        let pause = |first: Duration, times: u32| now + first * (1 << times.min(MOST_DOUBLINGS));
        match outcome {
            FastOpenOutcome::Worked => {
                self.black_holes = 0;
                let known = self.known(hosts(tuple), config.cookies);
                (known.failures, known.paused_until) = (0, None);
            }
            FastOpenOutcome::Refused | FastOpenOutcome::NoAnswer => {
                let known = self.known(hosts(tuple), config.cookies);
                known.paused_until = Some(pause(config.retry_after, known.failures));
                known.failures += 1;
            }
            FastOpenOutcome::BlackHole => {
                if let Some(first) = config.black_hole_timeout {
                    self.off_until = Some(pause(first, self.black_holes));
                    self.black_holes += 1;
                }
            }
        }
    }
}

fn hosts(tuple: &FourTuple) -> (IpAddr, IpAddr) {
    (tuple.local.ip(), tuple.remote.ip())
}

/// The cookie for a client: SipHash-2-4 over its address and ours, eight octets, the lowest first.
pub(super) fn cookie(key: &[u8; 16], client: IpAddr, server: IpAddr) -> wire::Cookie {
    let mut hasher = SipHasher24::new_with_key(key);
    for address in [client, server] {
        match address {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()),
        }
    }
    hasher.finish().to_le_bytes().into()
}

/// How a listener with these keys answers the Fast Open option and the text of a SYN.
fn server(
    config: &FastOpenConfig,
    keys: &FastOpenKeys,
    listener: &Listener,
    arrival: &Arrival<'_>,
) -> tcp::FastOpen {
    let mut answer = tcp::FastOpen::default();
    let (server, client) = hosts(&arrival.tuple);
    let offered = arrival.header.options.fast_open;
    let own = cookie(&keys.current, client, server);
    let previous = keys.previous.map(|key| cookie(&key, client, server));
    let needs_none = config.server_without_cookie || listener.config.tcp.fast_open_without_cookie;
    let is_blind = needs_none && !arrival.text.is_empty();
    if let Some(offered) = offered {
        answer.takes_text =
            offered.cookie.is_some() && (offered.cookie == Some(own) || offered.cookie == previous);
        // A client with the current cookie needs no new one.
        answer.option = (offered.cookie != Some(own)).then_some(wire::FastOpen {
            cookie: Some(own),
            ..offered
        });
    }
    answer.takes_text |= is_blind;
    answer
}

impl Stack {
    /// How a connection with text is opened.
    pub(super) fn fast_open_client(
        &self,
        now: Instant,
        config: &TcpConfig,
        tuple: &FourTuple,
    ) -> tcp::FastOpen {
        let without_cookie = config.fast_open_without_cookie;
        (self.fast_open).client(now, &self.config.fast_open, tuple, without_cookie)
    }

    /// See [`Tcb::assumed_segment`](crate::tcp::Tcb::assumed_segment).
    pub fn assumed_segment(&self, id: ConnId) -> Option<u16> {
        self.table.get(id).tcb.assumed_segment()
    }

    /// See [`Tcb::fast_open_failure`](crate::tcp::Tcb::fast_open_failure).
    pub fn fast_open_failure(&self, id: ConnId) -> Option<FastOpenFailure> {
        self.table.get(id).tcb.fast_open_failure()
    }

    /// Whether [`Stack::connect_sending`] would send text with the SYN now, on a connection with the configuration
    /// of the host.
    pub fn can_fast_open(&self, now: Instant, remote: SocketAddr) -> bool {
        self.can_fast_open_with(now, remote, &self.config.tcp)
    }

    /// As [`Stack::can_fast_open`], on a connection with a configuration of its own.
    pub fn can_fast_open_with(&self, now: Instant, remote: SocketAddr, config: &TcpConfig) -> bool {
        let Some(own) = self.own_address(remote.is_ipv4()) else {
            return false;
        };
        let local = SocketAddr::new(own, 0);
        self.fast_open_client(now, config, &FourTuple { local, remote })
            .takes_text
    }

    /// How much text [`Stack::connect_sending`] would send with the SYN now, if the rest should not be
    /// taken yet: see [`FastOpenConfig::reserves_options`](crate::config::FastOpenConfig).
    pub(crate) fn syn_text_limit(
        &self,
        now: Instant,
        remote: SocketAddr,
        config: &TcpConfig,
    ) -> Option<usize> {
        let local = SocketAddr::new(self.own_address(remote.is_ipv4())?, 0);
        let fast_open = self.fast_open_client(now, config, &FourTuple { local, remote });
        let path = Path::new(self.config.mtu, remote.is_ipv6());
        fast_open
            .reserves_options
            .then(|| fast_open.most(config, path))
    }

    /// How a listener answers the Fast Open option and the text of a SYN.
    pub(super) fn fast_open_server(
        &mut self,
        now: Instant,
        id: ListenerId,
        arrival: &Arrival<'_>,
    ) -> tcp::FastOpen {
        let Some(listener) = self.listeners.get_mut(id) else {
            return tcp::FastOpen::default();
        };
        listener.forget_resets(now);
        let limit = listener.fast_open_limit(&self.config.fast_open);
        if !self.config.fast_open.server || listener.pending() >= limit {
            return tcp::FastOpen::default();
        }
        let derived = FastOpenKeys {
            current: self.secret.fast_open_key(),
            previous: None,
        };
        let own = listener.config.fast_open_keys.as_ref();
        let keys = own.or(self.config.fast_open.keys.as_ref());
        let keys = keys.unwrap_or(&derived);
        server(&self.config.fast_open, keys, listener, arrival)
    }

    /// A connection is in the accept queue before its handshake has ended.
    pub(super) fn hand_out_early(&mut self, id: ListenerId, conn: ConnId) {
        let Some(listener) = self.listeners.get_mut(id) else {
            return;
        };
        listener.opened_early += 1;
        listener.accept_queue.push_back(conn);
        let entry = self.table.get_mut(conn);
        (entry.acceptable, entry.fast_open) = (true, Some(id));
        self.acceptable.push_back(id);
        self.counters.accepted += 1;
        self.counters.fast_open_accepted += 1;
    }

    /// Replaces the keys with which cookies are made and checked (RFC 7413 §4.1.2: they should change).
    pub fn set_fast_open_keys(&mut self, keys: FastOpenKeys) {
        self.config.fast_open.keys = Some(keys);
    }

    /// The peer's SYN,ACK has come, perhaps with a cookie. A cookie on a SYN that crosses ours is not
    /// for us: this host gave it to the peer.
    pub(super) fn take_cookie(&mut self, tuple: &FourTuple, header: &wire::TcpHeader) {
        if !header.control.has(wire::Control::ACK) || !self.config.fast_open.client {
            return;
        }
        let most = self.config.fast_open.cookies;
        match header.options.fast_open.filter(|it| it.cookie.is_some()) {
            Some(given) => {
                let mss = header.options.mss.unwrap_or(0);
                self.fast_open.learn(tuple, given, mss, most);
            }
            None => {
                let tcb = self.table.find(tuple).and_then(|slot| self.table.at(slot));
                let asked = tcb.and_then(|entry| entry.tcb.asked_for_cookie());
                if let Some(asked) = asked {
                    self.fast_open.note_unanswered(tuple, asked, most);
                }
            }
        }
    }

    /// Follows up the outcome of Fast Open, and the end of a handshake that a listener counts;
    /// `was_reset`: by the peer.
    pub(super) fn follow_fast_open(&mut self, now: Instant, slot: u32, was_reset: bool) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if let Some(outcome) = entry.tcb.take_fast_open_outcome() {
            let tuple = entry.tcb.tuple();
            self.fast_open
                .note(now, &self.config.fast_open, &tuple, outcome);
        }
        if let Some(id) = entry.fast_open
            && !entry.tcb.awaits_ack_of_syn()
        {
            entry.fast_open = None;
            if let Some(listener) = self.listeners.get_mut(id) {
                listener.end_pending(was_reset.then_some(now + RESET_TIME));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    fn with(last: u8) -> FourTuple {
        FourTuple {
            local: ([10, 0, 0, 1], 40_000).into(),
            remote: ([10, 0, 0, last], 80).into(),
        }
    }

    /// For how long nothing is tried after this many failures in a row.
    fn pauses(outcome: FastOpenOutcome, count: usize) -> Vec<Duration> {
        let (mut known, config) = (FastOpen::default(), FastOpenConfig::default());
        let until = |known: &FastOpen| match outcome {
            FastOpenOutcome::BlackHole => known.off_until,
            _ => known.known[&hosts(&with(2))].paused_until,
        };
        (0..count)
            .map(|_| {
                known.note(NOW, &config, &with(2), outcome);
                until(&known).unwrap() - NOW
            })
            .collect()
    }

    /// RFC 7413 §4.1.3.1: twice as long each time, and 64 times as long at most.
    #[test]
    fn pauses_double_six_times() {
        let config = FastOpenConfig::default();
        let doubled = |first: Duration| [1, 2, 4, 8, 16, 32, 64, 64].map(|times| first * times);
        let black_hole = config.black_hole_timeout.unwrap();
        assert_eq!(
            pauses(FastOpenOutcome::NoAnswer, 8),
            doubled(config.retry_after)
        );
        assert_eq!(
            pauses(FastOpenOutcome::Refused, 8),
            doubled(config.retry_after)
        );
        assert_eq!(pauses(FastOpenOutcome::BlackHole, 8), doubled(black_hole));
    }

    /// A success forgives earlier black holes: the next one counts as the first.
    #[test]
    fn what_works_is_forgiven() {
        let (mut known, config) = (FastOpen::default(), FastOpenConfig::default());
        let black_hole = config.black_hole_timeout.unwrap();
        for (outcome, off) in [
            (FastOpenOutcome::BlackHole, black_hole),
            (FastOpenOutcome::BlackHole, 2 * black_hole),
            (FastOpenOutcome::Worked, 2 * black_hole),
            (FastOpenOutcome::BlackHole, black_hole),
        ] {
            known.note(NOW, &config, &with(2), outcome);
            assert_eq!(known.off_until, Some(NOW + off), "{outcome:?}");
        }
    }

    /// RFC 7413 §4.1.3: the peer that was used longest ago gives way.
    #[test]
    fn the_cookie_that_was_used_longest_ago_gives_way() {
        let mut known = FastOpen::default();
        let cookie = cookie(&[7; 16], with(2).local.ip(), with(2).remote.ip());
        for last in [2, 3, 2, 4] {
            let given = wire::FastOpen {
                cookie: Some(cookie),
                experimental: false,
            };
            known.learn(&with(last), given, 1460, 2);
        }
        let kept: Vec<_> = known.known.keys().map(|(_, remote)| *remote).collect();
        assert_eq!(kept, [2, 4].map(|last| with(last).remote.ip()));
    }
}
