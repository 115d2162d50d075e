//! `IP_RECVERR`, `IPV6_RECVERR` (ip(7)): ICMP errors go to the error queue. An error is also
//! pending then, whether or not the socket is connected and whether or not the error may be
//! temporary, until a call fails with it or the queue is read.

use core::net::SocketAddr;

use super::Calls;
use super::echo;
use super::errno::Errno;
use super::linux::{
    IP_RECVERR, IPV6_RECVERR, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, SO_EE_ORIGIN_LOCAL, SOL_IP,
    SOL_IPV6,
};
use super::notices::{Notice, Told};
use super::settings::SocketSettings;
use super::stream::errno;
use super::table::{Fd, Kind};
use crate::stack::{IcmpReport, Reported};

/// What the error queue reports about an ICMP message.
fn told(report: &IcmpReport) -> Told {
    Told {
        errno: report.reason.map_or(Errno::EMSGSIZE, errno),
        origin: match report.remote.is_ipv4() {
            true => SO_EE_ORIGIN_ICMP,
            false => SO_EE_ORIGIN_ICMP6,
        },
        kind: report.kind,
        code: report.code,
        info: report.info,
        remote: report.remote,
        offender: report.offender,
        quoted: report.quoted.clone(),
    }
}

impl Calls<'_> {
    /// `IP_RECVERR`, `IPV6_RECVERR`: turning the option off empties the queue.
    pub(super) fn wants_errors(&mut self, fd: Fd, wants: bool) {
        match self.table.get_mut(fd).map(|known| &mut known.kind) {
            _ if wants => self.stack.watch_icmp(),
            Ok(Kind::Stream(socket)) => socket.notices.forget(),
            Ok(Kind::Datagram(socket)) => socket.notices.forget(),
            _ => {}
        }
    }

    /// Takes the ICMP errors that have arrived since the last call.
    pub(super) fn take_reports(&mut self) {
        while let Some(report) = self.stack.poll_icmp() {
            let fd = match report.about {
                Reported::Connection(id) => self.table.of_connection(id),
                Reported::Udp(id) => self.table.of_udp(id),
            };
            if let Some(fd) = fd {
                self.take_report(fd, &report);
            }
        }
    }

    fn take_report(&mut self, fd: Fd, report: &IcmpReport) {
        let (level, name) = match report.remote.is_ipv4() {
            true => (SOL_IP, IP_RECVERR),
            false => (SOL_IPV6, IPV6_RECVERR),
        };
        let asked = |settings: &SocketSettings| settings.kept(level, name, 0) != 0;
        let told = told(report);
        let Ok(descriptor) = self.table.get_mut(fd) else {
            return;
        };
        match &mut descriptor.kind {
            // The connection itself reports what ended it.
            Kind::Stream(socket) if asked(&socket.settings) && report.ended => {
                socket.notices.tell(Notice::Icmp(told));
            }
            // The queue reports nothing about an open connection, but a call fails.
            Kind::Stream(socket) if asked(&socket.settings) => {
                socket.error = Some(told.errno);
                // It fails only once.
                if let Some(id) = socket.connection() {
                    self.stack.take_error(id);
                }
            }
            Kind::Datagram(socket) if asked(&socket.settings) => {
                socket.error = Some(told.errno);
                socket.notices.tell(Notice::Icmp(told));
                for id in &socket.ids {
                    self.stack.udp_take_error(*id);
                }
            }
            Kind::Datagram(socket)
                if socket.is_echo
                    && socket.peer.is_some()
                    && echo::is_fatal(report, socket.options.tells_too_long) =>
            {
                socket.error = Some(told.errno);
            }
            _ => return,
        }
        self.table.happened(fd);
    }

    /// Reports a datagram for `remote` that is too long for the path and must not be fragmented.
    pub(super) fn tell_too_long(&mut self, fd: Fd, remote: SocketAddr, most: usize) {
        // The MTU also includes the headers of IP and UDP.
        let (level, name, headers) = match remote.is_ipv4() {
            true => (SOL_IP, IP_RECVERR, 28),
            false => (SOL_IPV6, IPV6_RECVERR, 48),
        };
        let Ok(socket) = self.datagram_mut(fd) else {
            return;
        };
        if socket.options.fragments || socket.settings.kept(level, name, 0) == 0 {
            return;
        }
        socket.notices.tell(Notice::Icmp(Told {
            errno: Errno::EMSGSIZE,
            origin: SO_EE_ORIGIN_LOCAL,
            kind: 0,
            code: 0,
            info: (most + headers) as u32,
            remote,
            offender: None,
            quoted: Vec::new(),
        }));
        self.table.happened(fd);
    }

    /// After the queue has returned an error, makes the next one's error pending.
    pub(super) fn told(&mut self, fd: Fd, next: Option<Errno>) {
        self.take_pending(fd);
        match self.table.get_mut(fd).map(|known| &mut known.kind) {
            Ok(Kind::Stream(socket)) => socket.error = next,
            Ok(Kind::Datagram(socket)) => socket.error = next,
            _ => {}
        }
    }
}
