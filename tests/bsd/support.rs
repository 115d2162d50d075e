//! Two hosts with descriptors, a wire between them, and virtual time.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stubborn::bsd::{Bsd, Calls, Errno, Fd, linux::*};
use stubborn::config::Config;
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

/// The addresses of both hosts.
pub(super) const ADDRESSES: [[&str; 2]; 2] = [["10.0.0.1", "fd00::1"], ["10.0.0.2", "fd00::2"]];

/// How long a datagram is under way.
const DELAY: Duration = Duration::from_millis(5);

pub(super) struct Host {
    pub(super) bsd: Bsd,
    pub(super) stack: Stack,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hosts: [Host; 2],
    /// Nothing arrives any more.
    pub(super) cut: bool,
    under_way: VecDeque<(Instant, usize, Vec<u8>)>,
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl World {
    pub(super) fn new() -> World {
        World::with(|_| {})
    }

    pub(super) fn with(change: impl Fn(&mut Config)) -> World {
        let hosts = ADDRESSES.map(|own| {
            let own: Vec<IpAddr> = own.iter().map(|it| it.parse().unwrap()).collect();
            let mut config = Config::new(own);
            change(&mut config);
            Host {
                bsd: Bsd::new(),
                stack: Stack::new(config, Secret(*b"an open secret..")).unwrap(),
            }
        });
        World {
            now: Instant::from_secs(1_000),
            hosts,
            cut: false,
            under_way: VecDeque::new(),
        }
    }

    /// The calls of a host, now.
    pub(super) fn at(&mut self, host: usize) -> Calls<'_> {
        let Host { bsd, stack } = &mut self.hosts[host];
        bsd.at(self.now, stack)
    }

    /// The calls of the host that is tested.
    pub(super) fn us(&mut self) -> Calls<'_> {
        self.at(0)
    }

    /// The calls of the other.
    pub(super) fn them(&mut self) -> Calls<'_> {
        self.at(1)
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.collect();
            let arrival = self.under_way.front().map(|(at, ..)| *at);
            let deadlines = self
                .hosts
                .iter()
                .filter_map(|host| host.stack.next_deadline());
            let next = deadlines.chain(arrival).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for host in &mut self.hosts {
                host.stack.handle_timeouts(self.now);
            }
            while self
                .under_way
                .front()
                .is_some_and(|(at, ..)| *at <= self.now)
            {
                let Some((_, host, datagram)) = self.under_way.pop_front() else {
                    break;
                };
                self.hosts[host].stack.receive(self.now, &datagram);
            }
        }
        self.now = end;
    }

    /// What is under way arrives, and what follows from it.
    pub(super) fn settle(&mut self) {
        self.pass(Duration::from_millis(100));
    }

    fn collect(&mut self) {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            while let Some(packet) = host.stack.poll_transmit(self.now) {
                if !self.cut {
                    let datagram = packet.to_vec();
                    self.under_way
                        .push_back((self.now + DELAY, 1 - index, datagram));
                }
            }
        }
    }

    /// A TCP socket of a host.
    pub(super) fn stream(&mut self, host: usize, domain: i32) -> Fd {
        self.at(host).socket(domain, SOCK_STREAM, 0).unwrap()
    }

    /// A listener of the other host on port 80, all addresses of both families.
    pub(super) fn their_listener(&mut self) -> Fd {
        let fd = self.stream(1, AF_INET6);
        self.them().bind(fd, addr("[::]:80")).unwrap();
        self.them().listen(fd, 5).unwrap();
        fd
    }

    /// A connection: our descriptor and theirs.
    pub(super) fn connected(&mut self) -> (Fd, Fd) {
        let listener = self.their_listener();
        let fd = self.stream(0, AF_INET);
        let answer = self.us().connect(fd, addr("10.0.0.2:80"));
        assert_eq!(answer, Err(Errno::EINPROGRESS));
        self.settle();
        assert_eq!(self.us().connect(fd, addr("10.0.0.2:80")), Ok(()));
        let (theirs, _) = self.them().accept(listener, 0).unwrap();
        self.them().close(listener).unwrap();
        (fd, theirs)
    }

    /// An option that is an `int`.
    pub(super) fn option(&mut self, fd: Fd, level: i32, name: i32) -> Result<i32, Errno> {
        let value = self.us().getsockopt(fd, level, name)?;
        Ok(i32::from_le_bytes(value[..4].try_into().unwrap()))
    }

    pub(super) fn set_option(
        &mut self,
        fd: Fd,
        level: i32,
        name: i32,
        value: i32,
    ) -> Result<(), Errno> {
        self.set_octets(fd, level, name, &value.to_le_bytes())
    }

    pub(super) fn set_octets(
        &mut self,
        fd: Fd,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        self.us().setsockopt(fd, level, name, value)
    }
}
