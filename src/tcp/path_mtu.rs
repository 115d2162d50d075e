//! The path MTU: what routers report (RFC 1191, RFC 8201), as far as it can be believed (RFC 5927
//! §7), and what probes find without reports (packetization layer path MTU discovery: RFC 4821, RFC
//! 8899).
//!
//! ```text
//!             timeouts of long segments: a black hole
//!        ┌──────────────────┬────────────────────────────┐
//!        v                  │                            │
//!      BASE ── progress ─> SEARCHING ── nothing left ─> SEARCH COMPLETE
//!        │                  ^    ^    to be found        │
//!        │ timeouts         │    └────── 10 minutes ─────┘
//!        v                  │
//!      ERROR ── progress ───┘
//! ```
//!
//! A probe is a segment of ordinary text that is longer than the others. Its loss is not a sign of
//! congestion, and its text is sent again in segments that are known to pass.
//!
//! RFC 8899 ends a search after MAX_PROBES lost probes of any size. Here that many lost probes of
//! one size show that it is too long, and the search goes on below it, because probes cost little.

mod halving;

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::handshake::Path;
use super::recovery::RecoveryState;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::{MtuProbing, PathMtuConfig};
use crate::time::Instant;

/// IPv4: no path today has an MTU below this, whatever a report says (RFC 1191 §3 has 68).
const LEAST_IPV4: usize = 552;
/// IPv6: every link carries this much (RFC 8200 §5).
const LEAST_IPV6: usize = 1280;
/// Octets of its header and TCP's.
const HEADERS_IPV4: usize = 40;
/// The MTU of most links, which is worth a probe of its own.
const ETHERNET: usize = 1500;
/// A search ends when there is less than this to gain, in octets.
const WORTH_A_PROBE: usize = 8;
/// Segments that follow a probe: acknowledgments of them show whether it was lost (RFC 4821 §7.4).
const FOLLOWERS: usize = 3;

/// The phase of a search (RFC 8899 §5.2; DISABLED is [`MtuProbing::Off`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// The base size is in use, and no segment of it has been acknowledged.
    Base,
    /// Larger sizes are tried.
    Searching,
    /// The search is complete.
    SearchComplete,
    /// Not even the base size seems to pass.
    Error,
}

/// What a connection knows of the MTU of its path. Sizes are those of whole datagrams, in octets.
#[derive(Clone, Debug)]
pub(super) struct PathMtu {
    phase: Phase,
    /// PLPMTU: no longer datagram is sent, except for probes.
    plpmtu: usize,
    /// BASE_PLPMTU, as the configuration has it.
    base: usize,
    /// MIN_PLPMTU of the IP version.
    least: usize,
    /// MAX_PLPMTU: what our interface carries and the peer takes.
    largest: usize,
    /// Octets of IP and TCP header without options.
    headers: usize,
    /// PROBED_SIZE.
    probed: usize,
    /// PROBE_COUNT: probes of this size that were lost.
    probe_count: u32,
    /// The least size that is known not to pass.
    too_long: Option<usize>,
    /// The text of the probe under way.
    probe: Option<Range<Seq>>,
    /// After a lost probe the next waits until this is acknowledged.
    rest_until: Seq,
    /// PMTU_RAISE_TIMER: when to search again. Checked when there is text to send.
    raise_at: Option<Instant>,
    /// When something was learnt that the host has not been told.
    news: Option<Instant>,
    /// An MTU reported by a router that no datagram of ours has exceeded: see
    /// [`IcmpTrust::any_path_mtu`](crate::config::IcmpTrust::any_path_mtu).
    told: u16,
}

/// Whether the next new text is a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextProbe {
    /// It is not.
    No,
    /// It will be, as soon as the congestion window has room.
    Soon,
    /// It is, with this text.
    Now(Range<Seq>),
}

impl PathMtu {
    pub(super) fn new(config: &PathMtuConfig, path: Path, largest: u16, iss: Seq) -> PathMtu {
        let least = match path.is_ipv6 {
            true => LEAST_IPV6,
            false => LEAST_IPV4,
        };
        let headers = path.headers;
        let largest = usize::from(largest) + headers;
        let base = usize::from(config.base);
        let mut path_mtu = PathMtu {
            phase: Phase::SearchComplete,
            plpmtu: largest,
            base: match config.halves {
                true => base.saturating_sub(HEADERS_IPV4) + headers,
                false => base,
            },
            least,
            largest,
            headers,
            probed: largest,
            probe_count: 0,
            too_long: None,
            probe: None,
            rest_until: iss,
            raise_at: None,
            news: None,
            told: u16::MAX,
        };
        if let Some((mtu, since)) = path.learnt {
            path_mtu.plpmtu = usize::from(mtu).clamp(path_mtu.least(), largest);
            path_mtu.raise_at = Some(since + config.raise_after);
        } else if config.probing == MtuProbing::Always && !config.halves {
            path_mtu.phase = Phase::Base;
            path_mtu.plpmtu = path_mtu.base();
        }
        path_mtu
    }

    /// Hashes what decides the future: see [`Tcb::hash_canonical`].
    pub(super) fn hash_canonical(&self, now: Instant, hasher: &mut impl Hasher) {
        let PathMtu {
            phase,
            plpmtu,
            base,
            least,
            largest,
            headers,
            probed,
            probe_count,
            too_long,
            probe,
            rest_until,
            raise_at,
            news,
            told,
        } = self;
        (phase, plpmtu, base, least, largest, headers).hash(hasher);
        (probed, probe_count, too_long, probe, rest_until, told).hash(hasher);
        (raise_at.map(|at| at.since(now)), news.is_some()).hash(hasher);
    }

    fn least(&self) -> usize {
        self.least.min(self.largest)
    }

    fn base(&self) -> usize {
        self.base.max(self.least).min(self.largest)
    }

    /// Sets the limit for a peer that accepts no more than this many octets of text, with this many
    /// octets of options on every segment.
    pub(super) fn limit(
        &mut self,
        now: Instant,
        config: &PathMtuConfig,
        text: u16,
        options: usize,
    ) {
        self.largest = usize::from(text) + self.headers;
        self.plpmtu = self.plpmtu.min(self.largest);
        if config.halves {
            self.start_halving(now, config, options);
        }
    }

    /// The longest text of a segment without options.
    pub(super) fn text(&self) -> usize {
        self.plpmtu - self.headers
    }

    /// What the path carries, as far as is known, if the interface carries `interface` octets. A
    /// smaller limit of the peer says nothing about the path.
    pub(super) fn known(&self, interface: usize) -> usize {
        match self.plpmtu < self.largest {
            true => self.plpmtu,
            false => interface.min(usize::from(self.told)),
        }
    }

    /// A router reports that the path carries `mtu` octets, which is enough for us.
    fn hear(&mut self, now: Instant, config: &PathMtuConfig, mtu: usize) {
        if mtu < usize::from(self.told) {
            (self.told, self.news) = (mtu as u16, Some(now));
            self.raise_at = Some(now + config.raise_after);
        }
    }

    /// The longest text that the path is known to carry, if that is less than all.
    pub(super) fn offer(&self, own: u16, config: &PathMtuConfig) -> u16 {
        let is_known = self.plpmtu < self.largest && config.probing == MtuProbing::Off;
        match is_known && config.limits_offer {
            true => own.min(self.text().clamp(1, usize::from(u16::MAX)) as u16),
            false => own,
        }
    }

    /// The text of a probe, without options, if one should leave and SND.UNA is `una`.
    fn text_of_probe(&self, una: Seq) -> Option<usize> {
        let searches = self.phase == Phase::Searching;
        let rests = una < self.rest_until;
        (searches && self.probe.is_none() && !rests).then(|| self.probed - self.headers)
    }

    /// The text of the probe under way.
    pub(super) fn probe(&self) -> Option<Range<Seq>> {
        self.probe.clone()
    }

    /// A probe with the text of `range` leaves.
    pub(super) fn on_probe_sent(&mut self, range: Range<Seq>) {
        self.probe = Some(range);
    }

    /// Whether an advance of SND.UNA matters.
    #[inline]
    fn awaits_progress(&self) -> bool {
        matches!(self.phase, Phase::Base | Phase::Error) || self.probe.is_some()
    }

    /// SND.UNA is now `una`. Returns whether the size has changed.
    fn on_progress(&mut self, now: Instant, config: &PathMtuConfig, una: Seq) -> bool {
        if matches!(self.phase, Phase::Base | Phase::Error) {
            self.news = Some(now);
            self.search(now, config);
            return false;
        }
        if self.probe.as_ref().is_none_or(|probe| una < probe.end) {
            return false;
        }
        self.probe = None;
        self.probe_count = 0;
        self.plpmtu = self.probed;
        self.news = Some(now);
        self.choose(now, config);
        true
    }

    /// The probe under way was lost; SND.NXT is `nxt`.
    fn on_probe_lost(&mut self, now: Instant, config: &PathMtuConfig, nxt: Seq) {
        self.probe = None;
        self.rest_until = nxt;
        self.probe_count += 1;
        if self.probe_count >= config.max_probes || config.halves {
            self.probe_count = 0;
            self.too_long = Some(self.probed);
            self.choose(now, config);
        }
    }

    /// The retransmission timer has expired for the `retries`-th time in a row, with full segments
    /// in flight. Returns whether the size has changed.
    fn on_timeout(&mut self, config: &PathMtuConfig, retries: u32) -> bool {
        let suspicious = retries > 0 && retries.is_multiple_of(config.black_hole_timeouts);
        // If no segment was ever longer than the base size, length is not a likely reason.
        if !suspicious || config.probing == MtuProbing::Off || self.largest == self.base() {
            return false;
        }
        let (phase, plpmtu) = match self.phase {
            Phase::Searching | Phase::SearchComplete => (Phase::Base, self.base()),
            Phase::Base | Phase::Error => (Phase::Error, self.least()),
        };
        self.phase = phase;
        self.probe = None;
        self.raise_at = None;
        let before = self.plpmtu;
        self.plpmtu = plpmtu.min(before);
        self.plpmtu < before
    }

    /// A router reports that the path carries no more than `mtu` octets. We believe it, because it
    /// quotes the segment at `seq`, which is in flight. Returns whether this is news.
    fn on_too_big(
        &mut self,
        now: Instant,
        config: &PathMtuConfig,
        mtu: usize,
        seq: Seq,
    ) -> Option<TooBig> {
        // RFC 8201 §4: no IPv6 link carries less than 1280, so such a report is ignored. So is one of
        // less than 552 over IPv4, which is more likely forged than true. A router that does not know
        // the size reports zero (RFC 1191 §4): then it is the least.
        let is_unknown = mtu == 0 && self.least != LEAST_IPV6;
        if mtu < self.least && !is_unknown {
            return None;
        }
        let mtu = mtu.max(self.least);
        let probe = self.probe.clone().filter(|probe| probe.start == seq);
        if let Some(probe) = probe.filter(|_| (self.plpmtu..self.probed).contains(&mtu)) {
            // RFC 8899 §4.6.2: what to probe next.
            self.too_long = Some(mtu + 1);
            self.probe = None;
            self.probe_count = 0;
            match mtu - self.plpmtu < WORTH_A_PROBE {
                true => self.complete(now, config),
                false => self.probed = mtu,
            }
            return Some(TooBig::Probe(probe));
        }
        if mtu >= self.plpmtu {
            return None;
        }
        self.plpmtu = mtu;
        self.too_long = Some(mtu + 1);
        self.probe = None;
        self.news = Some(now);
        self.complete(now, config);
        Some(TooBig::Text)
    }

    /// What was learnt is old, and larger sizes may pass again. Returns whether the size has
    /// changed.
    fn on_time(&mut self, now: Instant, config: &PathMtuConfig) -> bool {
        if self.raise_at.is_none_or(|at| now < at) {
            return false;
        }
        self.raise_at = None;
        if config.probing != MtuProbing::Off {
            self.search(now, config);
            return false;
        }
        // RFC 1191 §6.3: the next datagram that is too long will be answered again.
        self.too_long = None;
        (self.news, self.told) = (Some(now), u16::MAX);
        core::mem::replace(&mut self.plpmtu, self.largest) != self.largest
    }

    /// A search begins.
    fn search(&mut self, now: Instant, config: &PathMtuConfig) {
        self.phase = Phase::Searching;
        self.too_long = None;
        self.probe_count = 0;
        self.choose(now, config);
    }

    /// Chooses the next size to probe, or ends the search. The largest size comes first, because an
    /// assumed black hole may have been a path that was down; then the MTU of most links; then
    /// halfway.
    fn choose(&mut self, now: Instant, config: &PathMtuConfig) {
        if config.halves {
            return self.halve(now, config);
        }
        let most = self.too_long.map_or(self.largest, |size| size - 1);
        if most < self.plpmtu + WORTH_A_PROBE {
            return self.complete(now, config);
        }
        let (low, base) = (self.plpmtu, self.base());
        self.probed = match self.too_long {
            // RFC 8899 §5.2: after ERROR, a probe of the base size.
            _ if low < base && base < most => base,
            None => most,
            Some(_) if low < ETHERNET && ETHERNET <= most => ETHERNET,
            Some(_) => low + (most - low).div_ceil(2),
        };
    }

    fn complete(&mut self, now: Instant, config: &PathMtuConfig) {
        self.phase = Phase::SearchComplete;
        self.raise_at = (self.plpmtu < self.largest).then(|| now + config.raise_after);
    }
}

/// What was too big.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TooBig {
    /// Ordinary segments.
    Text,
    /// The probe with this text.
    Probe(Range<Seq>),
}

impl Tcb {
    /// An ICMP error says that the path carries only datagrams of `mtu` octets, and quotes the segment
    /// with the sequence number `seq`, which [is in flight](Tcb::is_in_flight): nothing else can have
    /// been too big (RFC 5927 §7.2).
    pub fn on_packet_too_big(&mut self, now: Instant, mtu: usize, seq: u32) {
        let seq = self.snd.una.near(seq);
        let is_ipv4 = self.path_mtu.least != LEAST_IPV6;
        let trusts = self.config.habits.icmp_trust.any_path_mtu && is_ipv4;
        let of_syn = trusts && self.opens_actively();
        if !self.state.is_synchronized() && !of_syn {
            return;
        }
        // A value that cannot be true is ignored.
        let mtu = match trusts && mtu > 0 {
            true => mtu.max(self.path_mtu.least),
            false => mtu,
        };
        if trusts && mtu >= self.path_mtu.largest {
            self.path_mtu.hear(now, &self.config.path_mtu, mtu);
        }
        match (self.path_mtu).on_too_big(now, &self.config.path_mtu, mtu, seq) {
            None => return,
            Some(TooBig::Probe(probe)) => self.recovery.on_path_mtu_reduced(probe, 0),
            // A SYN was not too long.
            Some(TooBig::Text) if of_syn => self.set_effective_mss(),
            // It was fragmented on its way.
            Some(TooBig::Text) if is_ipv4 && self.config.socket.fragments => {
                self.set_effective_mss();
            }
            Some(TooBig::Text) => {
                self.set_effective_mss();
                self.recovery
                    .on_path_mtu_reduced(self.snd.una..self.snd.nxt, self.snd.mss);
            }
        }
        self.settle(now);
        self.look_ahead();
    }

    /// SND.UNA has moved. Our SYN was short, and proves nothing.
    #[inline(always)]
    pub(super) fn advance_path_mtu(&mut self, now: Instant) {
        if self.path_mtu.awaits_progress() {
            self.report_progress(now);
        }
    }

    #[inline(never)]
    fn report_progress(&mut self, now: Instant) {
        let una = self.snd.una;
        if una > self.snd.iss + 1 && (self.path_mtu).on_progress(now, &self.config.path_mtu, una) {
            self.set_effective_mss();
        }
    }

    /// Recovery has found that the probe was lost, and nothing else.
    pub(super) fn lose_mtu_probe(&mut self, now: Instant) {
        (self.path_mtu).on_probe_lost(now, &self.config.path_mtu, self.snd.nxt);
    }

    /// The retransmission timer has expired: if long segments vanish, smaller ones may pass. What
    /// is in flight has to be sent again in any case.
    pub(super) fn suspect_black_hole(&mut self, now: Instant) {
        if self.path_mtu.probe.is_some() {
            self.lose_mtu_probe(now);
        }
        if self.config.path_mtu.halves {
            return self.suspect_black_hole_by_time(now);
        }
        let retries = self.recovery.retries();
        let fills_segments = self.flight_size() >= self.snd.mss;
        if fills_segments && self.path_mtu.on_timeout(&self.config.path_mtu, retries) {
            self.set_effective_mss();
        }
    }

    /// Time passes for the path MTU too.
    pub(super) fn age_path_mtu(&mut self, now: Instant) {
        if self.path_mtu.on_time(now, &self.config.path_mtu) {
            self.set_effective_mss();
        }
    }

    /// Whether the next new text is a probe: only in the normal state, and with enough text behind
    /// it to show whether it was lost.
    #[inline]
    pub(super) fn next_mtu_probe(&self) -> NextProbe {
        match self.path_mtu.text_of_probe(self.snd.una) {
            Some(text) => self.next_mtu_probe_of(text),
            None => NextProbe::No,
        }
    }

    /// The same, if it has this much text where it has no options.
    #[inline(never)]
    fn next_mtu_probe_of(&self, text: usize) -> NextProbe {
        let len = (self.segment_limit() + text).saturating_sub(self.path_mtu.text());
        if self.config.path_mtu.halves {
            return self.next_probe_between(len.max(1));
        }
        let needed = len + FOLLOWERS * self.snd.mss;
        let queued = self.send_buffer.end().saturating_since(self.snd.nxt);
        let usable = self.snd_edge().saturating_since(self.snd.nxt);
        let window = usize::try_from(self.congestion.window()).unwrap_or(usize::MAX);
        // RFC 4821 §7.4: no outstanding losses.
        let is_repairing = matches!(
            self.recovery.state(),
            RecoveryState::Recovery | RecoveryState::Loss
        );
        let in_trouble =
            is_repairing || self.recovery.lost().is_some() || self.recovery.retries() > 0;
        if in_trouble || !self.has_unsent() || needed > queued.min(usable).min(window) {
            return NextProbe::No;
        }
        let in_flight = self.recovery.in_flight(self.snd.una, self.snd.nxt);
        match in_flight + len <= window {
            true => NextProbe::Now(self.snd.nxt..self.snd.nxt + len),
            false => NextProbe::Soon,
        }
    }

    /// Takes what was learnt about the path MTU since the last call, in octets, and when; `None`
    /// for the size if the path carries all that we send.
    pub fn take_path_mtu(&mut self) -> Option<(Option<u16>, Instant)> {
        let at = self.path_mtu.news.take()?;
        let known = self.path_mtu.known(usize::from(u16::MAX)) as u16;
        Some(((known < u16::MAX).then_some(known), at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    fn iss() -> Seq {
        Seq::initial(300)
    }

    /// Over IPv4, with a peer and an interface that carry datagrams of `mtu` octets.
    fn over(mtu: usize) -> (PathMtu, PathMtuConfig) {
        let config = PathMtuConfig {
            probing: MtuProbing::OnBlackHole,
            ..PathMtuConfig::default()
        };
        let path = Path::new(mtu, false);
        (PathMtu::new(&config, path, path.mss, iss()), config)
    }

    /// The same, after the base size has passed after a black hole, when a search begins.
    fn searching(mtu: usize) -> (PathMtu, PathMtuConfig) {
        let (mut path, config) = over(mtu);
        assert!(path.on_timeout(&config, config.black_hole_timeouts));
        path.on_progress(NOW, &config, iss() + 2);
        (path, config)
    }

    /// A probe leaves, if there is a size to try, and passes or not. Returns its size.
    fn probe(
        path: &mut PathMtu,
        config: &PathMtuConfig,
        passes: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let start = path.rest_until.max(iss() + 2) + 1000;
        let size = path.text_of_probe(start)? + path.headers;
        let range = start..start + size;
        path.on_probe_sent(range.clone());
        match passes(size) {
            true => assert!(path.on_progress(NOW, config, range.end)),
            false => path.on_probe_lost(NOW, config, range.end + 9000),
        }
        Some(size)
    }

    /// RFC 8899 §5.3: the largest first, then what most links carry, then halfway; each three times, and each
    /// counted anew.
    #[test]
    fn what_most_links_carry_is_tried_next() {
        let (mut path, config) = searching(9000);
        let mut sizes = Vec::new();
        while let Some(size) = probe(&mut path, &config, |size| size <= 1500) {
            sizes.push(size);
        }
        assert_eq!(sizes[..7], [9000, 9000, 9000, 1500, 5250, 5250, 5250]);
        assert_eq!((path.plpmtu, path.phase), (1500, Phase::SearchComplete));
        // One that passes at the third attempt leaves three to the next.
        let (mut path, config) = searching(9000);
        let lost = |path: &mut PathMtu| probe(path, &config, |_| false);
        for _ in 0..5 {
            lost(&mut path);
        }
        assert_eq!(probe(&mut path, &config, |_| true), Some(1500));
        let sizes = [(); 4].map(|()| lost(&mut path));
        assert_eq!(sizes, [5250, 5250, 5250, 3375].map(Some));
    }

    /// A search ends when there are less than eight octets to gain.
    #[test]
    fn eight_octets_are_worth_a_probe() {
        let (mut path, config) = searching(1208);
        assert_eq!(probe(&mut path, &config, |_| true), Some(1208));
        // And then there is nothing to look for, ever.
        assert_eq!((path.phase, path.raise_at), (Phase::SearchComplete, None));
        let (path, _) = searching(1207);
        assert_eq!(
            (path.text_of_probe(iss() + 9000), path.phase),
            (None, Phase::SearchComplete)
        );
        // Seven octets that a router reports are not worth one, either.
        let (mut path, config) = searching(1500);
        path.on_probe_sent(iss() + 2..iss() + 1500);
        let seq = iss() + 2;
        assert!(path.on_too_big(NOW, &config, 1207, seq).is_some());
        assert_eq!(path.phase, Phase::SearchComplete);
    }

    /// RFC 4821 §7.4: after a probe that was lost the next one waits until all that was sent is acknowledged.
    #[test]
    fn after_a_lost_probe_there_is_a_rest() {
        let (mut path, config) = searching(1500);
        path.on_probe_sent(iss() + 2..iss() + 1500);
        assert_eq!(path.text_of_probe(iss() + 2), None, "one at a time");
        path.on_probe_lost(NOW, &config, iss() + 5000);
        assert_eq!(path.text_of_probe(iss() + 4999), None);
        assert_eq!(path.text_of_probe(iss() + 5000), Some(1460));
    }

    /// RFC 8899 §5.2: a black hole ends what was under way, makes nothing larger, and leads to ERROR only where
    /// something is larger than the base size, which is tried first afterwards.
    #[test]
    fn a_black_hole_leaves_the_base_size_and_then_the_least() {
        let timeouts = |path: &mut PathMtu, config: &PathMtuConfig, times: u32| {
            path.on_timeout(config, times * config.black_hole_timeouts)
        };
        let (mut path, config) = searching(9000);
        path.on_probe_sent(iss() + 2..iss() + 9000);
        assert!(!timeouts(&mut path, &config, 1), "it has the base size");
        assert_eq!((path.probe(), path.phase), (None, Phase::Base));
        assert!(timeouts(&mut path, &config, 2));
        assert_eq!((path.plpmtu, path.phase), (552, Phase::Error));
        path.on_progress(NOW, &config, iss() + 500);
        assert_eq!(probe(&mut path, &config, |_| true), Some(1200));
        // A router has reported less than the base size.
        let (mut path, config) = over(1500);
        path.on_too_big(NOW, &config, 600, iss() + 2);
        assert!(path.raise_at.is_some());
        assert!(!timeouts(&mut path, &config, 1));
        assert_eq!((path.plpmtu, path.raise_at), (600, None));
        // No segment was ever longer.
        let (mut path, config) = over(1200);
        assert!(!timeouts(&mut path, &config, 1) && !timeouts(&mut path, &config, 2));
        assert_eq!((path.plpmtu, path.phase), (1200, Phase::SearchComplete));
    }

    /// RFC 8899 §4.6.2: a report says something about a probe only if its size is less than the probe's,
    /// and is ignored if its size is impossible.
    #[test]
    fn a_report_of_what_was_probed_says_nothing() {
        for mtu in [1500, 9000, 500] {
            let (mut path, config) = searching(1500);
            path.on_probe_sent(iss() + 2..iss() + 1500);
            assert_eq!(path.on_too_big(NOW, &config, mtu, iss() + 2), None, "{mtu}");
            assert_eq!((path.plpmtu, path.probed), (1200, 1500));
            assert!(path.probe().is_some());
        }
    }
}
