//! IGMP and MLD: what arrives, and what leaves.

use core::net::{IpAddr, Ipv6Addr};

use super::Groups;
use super::group::Said;
use super::reporter::Reporter;
use crate::stack::Stack;
use crate::time::Instant;
use crate::wire::IpHeader;
use crate::wire::membership::{self, Membership, Record};

impl Stack {
    /// A message about groups arrives.
    pub(in crate::stack) fn membership_arrives(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        message: &Membership<'_>,
    ) {
        let is_ipv4 = ip.source.is_ipv4();
        match message {
            Membership::Query(query) => {
                self.with_groups(|groups, random| groups.of(is_ipv4).asked(now, query, random));
            }
            Membership::Report(group) => self.groups.of(is_ipv4).overheard(*group),
            Membership::Ignored => {}
        }
    }

    /// Tells routers about groups that were joined or left.
    #[cold]
    #[inline(never)]
    pub(in crate::stack) fn tell_of_groups(&mut self, now: Instant) {
        self.tell(Reporter::has_news, |reporter, random| {
            reporter.tell_changes(now, random)
        });
    }

    /// Tells routers what is due.
    pub(in crate::stack) fn expire_groups(&mut self, now: Instant) {
        let is_due = |reporter: &Reporter| reporter.next_deadline().is_some_and(|at| at <= now);
        self.tell(is_due, |reporter, random| reporter.expire(now, random));
    }

    fn tell(
        &mut self,
        has_something: impl Fn(&Reporter) -> bool,
        say: impl Fn(&mut Reporter, &mut dyn FnMut() -> u64) -> Vec<Said>,
    ) {
        for is_ipv4 in [true, false] {
            if !has_something(self.groups.of(is_ipv4)) {
                continue;
            }
            let said = self.with_groups(|groups, random| say(groups.of(is_ipv4), random));
            let Some(source) = self.source_of_reports(is_ipv4) else {
                continue;
            };
            for said in said {
                for datagram in self.datagrams(source, said) {
                    if !self.replies.push(datagram) {
                        self.counters.replies_suppressed += 1;
                    }
                }
            }
        }
    }

    fn with_groups<T>(
        &mut self,
        action: impl FnOnce(&mut Groups, &mut dyn FnMut() -> u64) -> T,
    ) -> T {
        let Stack {
            groups,
            drawn,
            secret,
            ..
        } = self;
        action(groups, &mut || {
            *drawn += 1;
            secret.number(*drawn)
        })
    }

    /// The source address of reports. RFC 9777 (RFC 3810 §5.2.13): a link-local address, or, without one,
    /// the unspecified address; then only switches listen. RFC 9776 §4.2.14: any address.
    fn source_of_reports(&self, is_ipv4: bool) -> Option<IpAddr> {
        let is_of_link = |own: &IpAddr| matches!(own, IpAddr::V6(v6) if v6.is_unicast_link_local());
        match is_ipv4 {
            true => self.own_address(true),
            false => {
                let own = self.config.addresses.iter().copied().find(is_of_link);
                Some(own.unwrap_or(Ipv6Addr::UNSPECIFIED.into()))
            }
        }
    }

    /// The messages as datagrams that fit the interface.
    fn datagrams(&self, source: IpAddr, said: Said) -> Vec<Vec<u8>> {
        let records = match said {
            Said::Report(version, group) => {
                return vec![membership::older_report(source, version, group)];
            }
            Said::Leave(group) => return vec![membership::leave(source, group)],
            Said::Records(records) => records,
        };
        let room = self.config.mtu - membership::report_headers(source.is_ipv4());
        let mut reports: Vec<Vec<Record>> = Vec::new();
        let mut left = 0;
        for record in records.into_iter().flat_map(|record| record.fitting(room)) {
            let len = record.wire_len();
            match reports.last_mut().filter(|_| len <= left) {
                Some(report) => {
                    report.push(record);
                    left -= len;
                }
                None => {
                    reports.push(vec![record]);
                    left = room.saturating_sub(len);
                }
            }
        }
        let report = |records: Vec<Record>| membership::report(source, &records);
        reports.into_iter().map(report).collect()
    }
}
