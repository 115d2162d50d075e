//! Two programs on two hosts that call whatever `stubborn::bsd` has, in any order and with any arguments, and
//! a path between them that loses some of what they send.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use stubborn::bsd::{Ancillary, Bsd, Calls, EpollEvent, Errno, Fd, PollFd, System, linux::*};
use stubborn::stack::{Secret, Stack};
use stubborn::time::Instant;

use super::world::{Random, config};

/// What a run may do at most.
const STEPS: usize = 400;

/// What a program has open at most.
const DESCRIPTORS: usize = 12;

const LEVELS: [i32; 6] = [SOL_SOCKET, SOL_IP, SOL_TCP, SOL_UDP, SOL_IPV6, -1];

const SEND_FLAGS: [i32; 9] = [
    0,
    MSG_OOB,
    MSG_MORE,
    MSG_EOR,
    MSG_FASTOPEN,
    MSG_ZEROCOPY,
    MSG_DONTWAIT,
    MSG_CONFIRM,
    -1,
];

const RECEIVE_FLAGS: [i32; 7] = [
    0,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    MSG_WAITALL,
    MSG_ERRQUEUE,
    -1,
];

const KINDS: [i32; 5] = [
    SOCK_STREAM,
    SOCK_STREAM,
    SOCK_DGRAM,
    SOCK_STREAM | SOCK_NONBLOCK,
    7,
];

const REQUESTS: [i32; 8] = [
    FIONREAD,
    FIONBIO,
    SIOCOUTQ,
    SIOCOUTQNSD,
    SIOCATMARK,
    SIOCINQ,
    FIOASYNC,
    0,
];

const ADDRESSES: [&str; 16] = [
    "10.0.0.1:80",
    "10.0.0.2:80",
    "10.0.0.1:81",
    "10.0.0.2:81",
    "10.0.0.1:0",
    "10.0.0.9:80",
    "0.0.0.0:80",
    "0.0.0.0:0",
    "[::]:80",
    "[fd00::1]:80",
    "[fd00::2]:80",
    "[::ffff:10.0.0.1]:80",
    "[::ffff:10.0.0.2]:80",
    "255.255.255.255:80",
    "224.0.0.1:80",
    "127.0.0.1:80",
];

struct Host {
    stack: Stack,
    bsd: Bsd,
}

struct Programs {
    random: Random,
    now: Instant,
    hosts: [Host; 2],
    under_way: VecDeque<(usize, Vec<u8>)>,
    /// Octets, by both.
    received: usize,
}

/// One run, whatever decides in it. Returns how many octets the programs have received.
pub fn programs(random: Random) -> usize {
    let mut programs = Programs::new(random);
    if programs.random.chance(80) {
        programs.meet();
    }
    for _ in 0..STEPS {
        if programs.random.is_used_up() {
            break;
        }
        programs.step();
    }
    programs.end();
    programs.received
}

impl Programs {
    fn new(mut random: Random) -> Programs {
        let system = random.pick(&[System::Linux, System::Linux, System::Freebsd]);
        let hosts = ["fd00::1", "fd00::2"].map(|address| {
            let host = usize::from(address.ends_with('2'));
            let mut config = config(host);
            config.addresses.push(address.parse().unwrap());
            config.memory = 4 << 20;
            config.fast_open.client = random.chance(50);
            Host {
                stack: Stack::new(config, Secret([host as u8; 16])).unwrap(),
                bsd: Bsd::of(system),
            }
        });
        Programs {
            random,
            now: Instant::from_secs(1000),
            hosts,
            under_way: VecDeque::new(),
            received: 0,
        }
    }

    /// A connection and a pair of UDP sockets, as programs that mean well begin.
    fn meet(&mut self) {
        let [client, server] = [0, 1].map(|at| ADDRESSES[at].parse().unwrap());
        let mut sockets = [0; 2];
        for (host, address) in [(1, server), (0, client)] {
            let mut calls = self.calls(host);
            let stream = calls.socket(AF_INET, SOCK_STREAM, 0).unwrap();
            let datagram = calls.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
            calls.bind(datagram, address).unwrap();
            sockets[host] = stream;
        }
        self.calls(1).bind(sockets[1], server).unwrap();
        self.calls(1).listen(sockets[1], 4).unwrap();
        let begun = self.calls(0).connect(sockets[0], server);
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        for _ in 0..3 {
            self.path();
        }
        let _ = self.calls(1).accept(sockets[1], 0);
    }

    fn step(&mut self) {
        let host = self.random.below(2);
        match self.random.below(20) {
            0 => self.opens(host),
            1..=9 => self.transfers(host),
            10..=12 => self.sets(host),
            13..=14 => self.asks(host),
            15 if self.random.chance(20) => self.ends(host),
            15..=18 => self.path(),
            _ => self.time(),
        }
        let stack = &self.hosts[host].stack;
        assert!(stack.memory_in_use() <= stack.config().memory);
    }

    fn calls(&mut self, host: usize) -> Calls<'_> {
        let Host { stack, bsd } = &mut self.hosts[host];
        bsd.at(self.now, stack)
    }

    /// A descriptor that is open, more often than not.
    fn any_fd(&mut self, host: usize) -> Fd {
        let open: Vec<Fd> = self.hosts[host].bsd.descriptors().collect();
        match open.is_empty() || self.random.chance(3) {
            true => self.any_int() as Fd,
            false => self.random.pick(&open),
        }
    }

    fn any_int(&mut self) -> i32 {
        match self.random.below(4) {
            0 => self.random.below(4) as i32,
            1 => self.random.below(256) as i32,
            2 => self
                .random
                .pick(&[-1, i32::MIN, i32::MAX, 1 << 16, 65_535, 1 << 30]),
            _ => self.random.number() as i32,
        }
    }

    fn any_flags(&mut self, known: &[i32]) -> i32 {
        match self.random.chance(60) {
            true => 0,
            false => self.random.pick(known) | self.random.pick(known),
        }
    }

    fn any_address(&mut self) -> SocketAddr {
        self.random.pick(&ADDRESSES).parse().unwrap()
    }

    fn any_octets(&mut self) -> Vec<u8> {
        let len = (self.random).pick(&[0, 1, 4, 4, 4, 8, 8, 12, 16, 20, 128, 216]);
        let mut octets = vec![0; len];
        for four in octets.chunks_mut(4) {
            let number = self.any_int().to_le_bytes();
            let len = four.len();
            four.copy_from_slice(&number[..len]);
        }
        octets
    }

    fn opens(&mut self, host: usize) {
        let (fd, address, number) = (self.any_fd(host), self.any_address(), self.any_int());
        let what = self.random.below(8);
        let kind = self.random.pick(&KINDS);
        let domain = (self.random).pick(&[AF_INET, AF_INET, AF_INET6, number]);
        let has_room = self.hosts[host].bsd.descriptors().count() < DESCRIPTORS;
        let mut calls = self.calls(host);
        let _ = match what {
            0 | 1 if has_room => calls.socket(domain, kind, 0).map(drop),
            2 => calls.bind(fd, address),
            3 => calls.listen(fd, number),
            4 | 5 => calls.connect(fd, address),
            6 if has_room => calls.accept(fd, number & SOCK_NONBLOCK).map(drop),
            7 if has_room && number & 1 == 0 => calls.pipe(0).map(drop),
            7 if has_room => calls.epoll_create(0).map(drop),
            _ => calls.disconnect(fd),
        };
    }

    fn transfers(&mut self, host: usize) {
        let (fd, other) = (self.any_fd(host), self.any_fd(host));
        let size = self.random.pick(&[0, 1, 2, 100, 1448, 5_000, 70_000]);
        let sending = self.any_flags(&SEND_FLAGS);
        let receiving = self.any_flags(&RECEIVE_FLAGS);
        let to = self.random.chance(30).then(|| self.any_address());
        let message = self.random.chance(10).then(|| Ancillary {
            level: self.random.pick(&LEVELS),
            kind: self.random.below(80) as i32,
            data: self.any_octets(),
        });
        let what = self.random.below(8);
        let mut calls = self.calls(host);
        let mut buffer = vec![0x5a; size];
        let moved = match what {
            0..=2 => calls.one_send(fd, message.as_slice(), to).and_then(|once| {
                let sent = calls.send_once(fd, &buffer, sending, to, once);
                assert!(sent.is_err() || sent <= Ok(size), "{sent:?} of {size}");
                sent
            }),
            3..=5 => calls.recvmsg(fd, &mut buffer, receiving).map(|received| {
                let controls = received.control.iter();
                assert!(controls.map(|it| it.data().len()).sum::<usize>() < 1 << 16);
                received.len
            }),
            6 => calls.recv(fd, &mut buffer, receiving),
            _ => calls.splice(fd, other, size, 0),
        };
        if what >= 3 {
            self.received += moved.unwrap_or(0);
        }
    }

    fn sets(&mut self, host: usize) {
        let (fd, other) = (self.any_fd(host), self.any_fd(host));
        let level = self.random.pick(&LEVELS);
        let name = self.random.below(80) as i32;
        let value = self.any_octets();
        let (number, what) = (self.any_int(), self.random.below(8));
        let event = EpollEvent {
            events: number,
            data: 0,
        };
        let request = self.random.pick(&REQUESTS);
        let mut calls = self.calls(host);
        let _: Result<(), Errno> = match what {
            0..=5 => calls.setsockopt(fd, level, name, &value),
            6 if number & 1 == 0 => calls.fcntl(fd, number & 15, number).map(drop),
            6 => calls.ioctl(fd, request, number).map(drop),
            _ => calls.epoll_ctl(fd, 1 + (number & 3), other, event),
        };
    }

    fn asks(&mut self, host: usize) {
        let (fd, level) = (self.any_fd(host), self.random.pick(&LEVELS));
        let (name, what) = (self.random.below(80) as i32, self.random.below(6));
        let mut calls = self.calls(host);
        match what {
            0..=1 => drop(calls.getsockopt(fd, level, name)),
            2 => drop((calls.getsockname(fd), calls.getpeername(fd))),
            3 => drop(calls.tcp_info(fd).map(|info| info.octets())),
            4 => drop(calls.epoll_wait(fd, 3)),
            _ => {
                let events = -1;
                let mut lines = [PollFd {
                    fd,
                    events,
                    revents: 0,
                }];
                assert!(calls.poll(&mut lines) <= 1);
            }
        }
    }

    fn ends(&mut self, host: usize) {
        let (fd, how) = (self.any_fd(host), self.random.below(4) as i32);
        let is_close = self.random.chance(60);
        let mut calls = self.calls(host);
        let _ = match is_close {
            true => calls.close(fd),
            false => calls.shutdown(fd, how),
        };
    }

    /// What the hosts have sent is under way, and some of it arrives.
    fn path(&mut self) {
        let loss = self.random.pick(&[0, 0, 10, 60]);
        self.collect();
        for _ in 0..self.under_way.len() {
            let Some((host, datagram)) = self.under_way.pop_front() else {
                break;
            };
            if loss == 0 || !self.random.chance(loss) {
                self.hosts[host].stack.receive(self.now, &datagram);
            }
        }
    }

    fn collect(&mut self) {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            let mut count = 0;
            while let Some(packet) = host.stack.poll_transmit(self.now) {
                self.under_way.push_back((1 - index, packet.to_vec()));
                count += 1;
                assert!(count < 100_000, "host {index} sends without end");
            }
        }
    }

    fn time(&mut self) {
        self.now = match self.random.below(3) {
            0 => self.now + Duration::from_micros(self.random.below(1 << 16) as u64),
            1 => self.now + Duration::from_millis(self.random.below(1 << 16) as u64),
            _ => self.next().unwrap_or(self.now),
        };
        for host in &mut self.hosts {
            host.stack.handle_timeouts(self.now);
        }
    }

    fn next(&self) -> Option<Instant> {
        let next = self
            .hosts
            .iter()
            .filter_map(|host| host.stack.next_deadline());
        next.min().map(|next| next.max(self.now))
    }

    /// The programs end: nothing remains of what they had.
    fn end(&mut self) {
        self.random = Random::new(1);
        for host in 0..2 {
            self.calls(host).close_all();
        }
        for turn in 0..20_000 {
            self.path();
            let Some(next) = self.next() else {
                break;
            };
            // A user timeout may be 25 days long, and until then a keepalive timer may expire every
            // second: after a while, time goes by in larger steps.
            let step = match turn {
                ..10_000 => Duration::ZERO,
                _ => Duration::from_secs(300),
            };
            self.now = next.max(self.now + step);
            for host in &mut self.hosts {
                host.stack.handle_timeouts(self.now);
            }
        }
        for host in &self.hosts {
            assert_eq!(host.stack.connection_count(), 0, "connections remain");
            assert_eq!(host.stack.next_deadline(), None);
        }
    }
}
