//! Options: what goes in comes out, and what does not go in.

use std::time::Duration;

use stubborn::bsd::{Ancillary, Closing, Direction, Errno, OneSend, linux::*};
use stubborn::time::Instant;

use super::support::World;

#[test]
fn numbers_come_back() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET6);
    let table = [
        (SOL_SOCKET, SO_REUSEADDR, 1),
        (SOL_SOCKET, SO_KEEPALIVE, 1),
        (SOL_SOCKET, SO_OOBINLINE, 1),
        (SOL_SOCKET, SO_RCVLOWAT, 100),
        (SOL_SOCKET, SO_PRIORITY, 3),
        (SOL_TCP, TCP_NODELAY, 1),
        (SOL_TCP, TCP_CORK, 1),
        (SOL_TCP, TCP_MAXSEG, 1000),
        (SOL_TCP, TCP_KEEPIDLE, 10),
        (SOL_TCP, TCP_KEEPINTVL, 20),
        (SOL_TCP, TCP_KEEPCNT, 3),
        (SOL_TCP, TCP_SYNCNT, 4),
        (SOL_TCP, TCP_LINGER2, 5),
        (SOL_TCP, TCP_LINGER2, -1),
        (SOL_TCP, TCP_USER_TIMEOUT, 2000),
        (SOL_TCP, TCP_NOTSENT_LOWAT, 5000),
        (SOL_TCP, TCP_INQ, 1),
        (SOL_TCP, TCP_WINDOW_CLAMP, 60_000),
        (SOL_SOCKET, SO_MAX_PACING_RATE, 1_000_000),
        (SOL_SOCKET, SO_ZEROCOPY, 1),
        (SOL_IP, IP_TOS, 0x10),
        (SOL_IP, IP_TTL, 5),
        (SOL_IP, IP_RECVERR, 1),
        (SOL_IPV6, IPV6_TCLASS, 0x20),
        (SOL_IPV6, IPV6_UNICAST_HOPS, 7),
        (SOL_IPV6, IPV6_V6ONLY, 1),
    ];
    for (level, name, value) in table {
        assert_eq!(
            world.set_option(fd, level, name, value),
            Ok(()),
            "{level} {name}"
        );
        assert_eq!(world.option(fd, level, name), Ok(value), "{level} {name}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let table = [
        (SOL_TCP, TCP_MAXSEG, 87),
        (SOL_TCP, TCP_MAXSEG, 32_768),
        (SOL_TCP, TCP_KEEPIDLE, 0),
        (SOL_TCP, TCP_KEEPINTVL, 32_768),
        (SOL_TCP, TCP_KEEPCNT, 128),
        (SOL_TCP, TCP_SYNCNT, 0),
        (SOL_TCP, TCP_USER_TIMEOUT, -1),
        (SOL_IP, IP_TTL, 0),
        (SOL_IP, IP_TTL, 256),
    ];
    for (level, name, value) in table {
        let answer = world.set_option(fd, level, name, value);
        assert_eq!(answer, Err(Errno::EINVAL), "{level} {name} {value}");
    }
    let short = world.us().setsockopt(fd, SOL_TCP, TCP_NODELAY, &[1]);
    assert_eq!(short, Err(Errno::EINVAL));
    let unknown = [
        (SOL_TCP, 999),
        (SOL_SOCKET, 999),
        (SOL_IPV6, IPV6_TCLASS),
        (777, 1),
    ];
    for (level, name) in unknown {
        let answer = world.set_option(fd, level, name, 1);
        assert_eq!(answer, Err(Errno::ENOPROTOOPT));
        // To ask for what the level of another kind of socket has is another error.
        let error = match level {
            SOL_TCP | SOL_SOCKET => Errno::ENOPROTOOPT,
            _ => Errno::EOPNOTSUPP,
        };
        assert_eq!(world.option(fd, level, name), Err(error));
    }
}

/// A mark for routing is kept, and nothing follows from it.
#[test]
fn what_means_nothing_here_is_kept() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    assert_eq!(world.set_option(fd, SOL_SOCKET, SO_MARK, 7), Ok(()));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_MARK), Ok(7));
    assert_eq!(world.set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1), Ok(()));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_REUSEPORT), Ok(1));
}

/// Flags come back as flags, numbers as numbers; some take nothing, or are for sockets of another kind.
#[test]
fn options_without_consequences_are_as_on_linux() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let flags = [
        SO_DEBUG,
        SO_DONTROUTE,
        SO_BROADCAST,
        SO_NO_CHECK,
        SO_WIFI_STATUS,
        SO_NOFCS,
        SO_SELECT_ERR_QUEUE,
        SO_PREFER_BUSY_POLL,
        SO_RCVMARK,
        SO_RCVPRIORITY,
    ];
    for name in flags {
        assert_eq!(world.option(fd, SOL_SOCKET, name), Ok(0), "{name}");
        assert_eq!(
            world.set_option(fd, SOL_SOCKET, name, 100),
            Ok(()),
            "{name}"
        );
        assert_eq!(world.option(fd, SOL_SOCKET, name), Ok(1), "{name}");
    }
    let busy = world.set_option(fd, SOL_SOCKET, SO_BUSY_POLL, -1);
    assert_eq!(busy, Err(Errno::EINVAL));
    assert_eq!(world.set_option(fd, SOL_SOCKET, SO_BSDCOMPAT, 1), Ok(()));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_BSDCOMPAT), Ok(0));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID), Ok(0));
    let constants = [SO_SNDLOWAT, SO_BPF_EXTENSIONS, SO_INCOMING_NAPI_ID];
    for name in constants {
        let answer = world.set_option(fd, SOL_SOCKET, name, 1);
        assert_eq!(answer, Err(Errno::ENOPROTOOPT), "{name}");
    }
    for name in [SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD, SO_PASSRIGHTS] {
        let answer = world.set_option(fd, SOL_SOCKET, name, 1);
        assert_eq!(answer, Err(Errno::EOPNOTSUPP), "{name}");
        let answer = world.option(fd, SOL_SOCKET, name);
        assert_eq!(answer, Err(Errno::EOPNOTSUPP), "{name}");
    }
    let memory = world.set_option(fd, SOL_SOCKET, SO_RESERVE_MEM, 4096);
    assert_eq!(memory, Err(Errno::EOPNOTSUPP));
    assert_eq!(world.option(fd, SOL_SOCKET, SO_RESERVE_MEM), Ok(0));
    for name in [SO_RCVBUFFORCE, SO_SNDBUFFORCE] {
        let answer = world.option(fd, SOL_SOCKET, name);
        assert_eq!(answer, Err(Errno::ENOPROTOOPT), "{name}");
    }
}

/// Nobody moves connections from host to host here, and there are no protocols above.
#[test]
fn repair_and_protocols_above_are_refused() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    assert_eq!(world.option(fd, SOL_TCP, TCP_REPAIR), Ok(0));
    assert_eq!(world.option(fd, SOL_TCP, TCP_IS_MPTCP), Ok(0));
    for name in [TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_TIMESTAMP] {
        let answer = world.set_option(fd, SOL_TCP, name, 1);
        assert_eq!(answer, Err(Errno::EPERM), "{name}");
    }
    let answer = world.set_option(fd, SOL_TCP, TCP_QUEUE_SEQ, 1);
    assert_eq!(answer, Err(Errno::EINVAL), "no queue was chosen");
    for name in [TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_WINDOW] {
        let answer = world.option(fd, SOL_TCP, name);
        assert_eq!(answer, Err(Errno::EINVAL), "{name}");
    }
    let mut us = world.us();
    assert_eq!(
        us.setsockopt(fd, SOL_TCP, TCP_ULP, b"tls"),
        Err(Errno::ENOENT)
    );
    assert_eq!(us.setsockopt(fd, SOL_TCP, TCP_ULP, b""), Err(Errno::EINVAL));
    assert_eq!(us.getsockopt(fd, SOL_TCP, TCP_ULP), Ok(vec![]));
}

/// The headers of the SYN, from IP to the end of its options, once.
#[test]
fn a_listener_keeps_the_syns_of_its_connections() {
    for (asked, len) in [(0, 0), (1, 60), (2, 60)] {
        let mut world = World::new();
        let listener = world.their_listener();
        let value = i32::to_le_bytes(asked);
        let mut them = world.them();
        them.setsockopt(listener, SOL_TCP, TCP_SAVE_SYN, &value)
            .unwrap();
        let refused = them.setsockopt(listener, SOL_TCP, TCP_SAVE_SYN, &[3, 0, 0, 0]);
        assert_eq!(refused, Err(Errno::EINVAL));
        let fd = world.stream(0, AF_INET);
        let _ = world.us().connect(fd, "10.0.0.2:80".parse().unwrap());
        world.settle();
        let (theirs, _) = world.them().accept(listener, 0).unwrap();
        let mut them = world.them();
        let saved = them.getsockopt(theirs, SOL_TCP, TCP_SAVED_SYN).unwrap();
        assert_eq!(saved.len(), len);
        if len > 0 {
            // IPv4, TCP; who it is from and for; SYN.
            assert_eq!((saved[0], saved[9]), (0x45, 6));
            assert_eq!(saved[12..20], [10, 0, 0, 1, 10, 0, 0, 2]);
            assert_eq!((saved[22..24] == [0, 80], saved[33]), (true, 2));
        }
        let again = them.getsockopt(theirs, SOL_TCP, TCP_SAVED_SYN);
        assert_eq!(again, Ok(vec![]));
    }
}

/// There is one device: a socket can be bound to it, and to no other.
#[test]
fn a_socket_is_bound_to_the_device_that_there_is() {
    let mut world = World::new();
    let datagram = world.us().socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    for fd in [world.stream(0, AF_INET), datagram] {
        let mut us = world.us();
        for (name, answer) in [
            (&b"tun1"[..], Err(Errno::ENODEV)),
            (b"tun", Err(Errno::ENODEV)),
            (b"tun0", Ok(())),
            (b"tun0\0\0garbage", Ok(())),
        ] {
            let bound = us.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name);
            assert_eq!(bound, answer, "{name:?}");
        }
        let name = us.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE);
        assert_eq!(name, Ok(b"tun0\0".to_vec()));
        us.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b"").unwrap();
        let name = us.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE);
        assert_eq!(name, Ok(vec![]));
    }
}

#[test]
fn a_controller_is_chosen_by_name() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    assert_eq!(us.setsockopt(fd, SOL_TCP, TCP_CONGESTION, b"reno"), Ok(()));
    let name = us.getsockopt(fd, SOL_TCP, TCP_CONGESTION).unwrap();
    assert_eq!(name, b"reno\0\0\0\0\0\0\0\0\0\0\0\0");
    let answer = us.setsockopt(fd, SOL_TCP, TCP_CONGESTION, b"carrier-pigeon");
    assert_eq!(answer, Err(Errno::ENOENT));
}

#[test]
fn linger_and_times_are_structures() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    let linger = [1, 0, 0, 0, 9, 0, 0, 0];
    us.setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger).unwrap();
    assert_eq!(us.getsockopt(fd, SOL_SOCKET, SO_LINGER).unwrap(), linger);
    let mut time = [0; 16];
    (time[0], time[8]) = (2, 250);
    us.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time).unwrap();
    assert_eq!(us.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO).unwrap(), time);
    assert_eq!(us.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO).unwrap(), [0; 16]);
    time[11] = 0xff;
    let answer = us.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time);
    assert_eq!(
        answer,
        Err(Errno::EDOM),
        "more than a second of microseconds"
    );
}

/// As Linux 6.18 answers: a time below zero is over at once, and told as zero; a linger below zero does not end.
#[test]
fn times_below_zero() {
    let mut world = World::new();
    let fd = world.stream(0, AF_INET);
    let mut us = world.us();
    let timeval = |secs: i64, micros: i64| [secs.to_le_bytes(), micros.to_le_bytes()].concat();
    for (secs, micros) in [(-1, 0), (-1, 5), (-5, 999_999), (i64::MIN, 0)] {
        let time = timeval(secs, micros);
        us.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time).unwrap();
        let timeout = us.timeout(fd, Direction::Receiving).unwrap();
        assert!(timeout < Duration::from_micros(1), "{timeout:?}");
        let told = us.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO);
        assert_eq!(told, Ok(vec![0; 16]));
    }
    let answer = us.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeval(0, -1));
    assert_eq!(answer, Err(Errno::EDOM));
    us.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeval(i64::MAX, 999_999))
        .unwrap();
    let timeout = us.timeout(fd, Direction::Sending);
    assert!(timeout.is_some_and(|timeout| timeout.as_secs() == i64::MAX as u64));

    let (ours, _theirs) = world.connected();
    let linger = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    world
        .set_octets(ours, SOL_SOCKET, SO_LINGER, &linger)
        .unwrap();
    world.cut = true;
    world.us().write(ours, b"the last words").unwrap();
    let closing = Closing::new(ours, &mut world.us());
    assert_eq!(closing.until(), Some(Instant::FAR_FUTURE));
}

#[test]
fn tcp_info_shows_a_connection() {
    let mut world = World::new();
    let fresh = world.stream(0, AF_INET);
    assert_eq!(
        i32::from(world.us().tcp_info(fresh).unwrap().state),
        TCP_CLOSE
    );
    let (ours, _) = world.connected();
    world.us().write(ours, &[0; 5000]).unwrap();
    world.settle();
    let info = world.us().tcp_info(ours).unwrap();
    assert_eq!(i32::from(info.state), TCP_ESTABLISHED);
    assert_eq!(
        (info.bytes_acked, info.unacked, info.rtt > 0),
        // The SYN, too.
        (5001, 0, true)
    );
    assert_eq!(
        (info.bytes_sent, info.bytes_retrans, info.data_segs_out),
        (5000, 0, 4)
    );
    assert_eq!((info.delivered, info.ca_state, info.advmss), (5, 0, 1448));
    // 5 ms there, 5 ms back; and again for the last segment, which is not full and waits (Nagle).
    assert_eq!(
        (info.busy_time, info.rwnd_limited, info.sndbuf_limited),
        (20_000, 0, 0)
    );
    assert_eq!((info.last_data_sent, info.last_data_recv), (90, 190));
    let named = info.fields();
    assert!(named.contains(&("bytes_acked", 5001)));
}

#[test]
fn time_is_told_by_what_it_was_spent_with() {
    let mut world = World::with(|config| config.tcp.socket.receive_buffer = Some(65_536));
    let (ours, theirs) = world.connected();
    let window = world.us().tcp_info(ours).unwrap().snd_wnd as usize;
    world
        .set_option(ours, SOL_SOCKET, SO_SNDBUF, 4 << 20)
        .unwrap();
    assert_eq!(world.us().write(ours, &vec![0; window + 1]), Ok(window + 1));
    world.settle();
    world.pass(Duration::from_millis(900));
    let info = world.us().tcp_info(ours).unwrap();
    assert!(info.notsent_bytes > 0 && info.snd_wnd == 0);
    assert!(info.rwnd_limited > 900_000 && info.rwnd_limited < info.busy_time);
    while world.them().read(theirs, &mut [0; 65_536]).is_ok() {}
    world.settle();
    let end = world.us().tcp_info(ours).unwrap();
    assert_eq!((end.notsent_bytes, end.unacked), (0, 0));
    assert!(end.busy_time >= info.busy_time && end.busy_time < 1_200_000);
}

#[test]
fn acknowledgments_are_quick_until_the_user_answers() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    assert_eq!(world.option(ours, SOL_TCP, TCP_QUICKACK), Ok(1));
    world.set_option(ours, SOL_TCP, TCP_QUICKACK, 0).unwrap();
    assert_eq!(world.option(ours, SOL_TCP, TCP_QUICKACK), Ok(0));
    world.them().write(theirs, b"x").unwrap();
    world.pass(Duration::from_millis(30));
    let waiting = |world: &mut World| world.them().ioctl(theirs, SIOCOUTQ, 0).unwrap();
    assert_eq!(waiting(&mut world), 1, "not acknowledged yet");
    world.set_option(ours, SOL_TCP, TCP_QUICKACK, 1).unwrap();
    world.pass(Duration::from_millis(6));
    assert_eq!(waiting(&mut world), 0);
}

/// What the sender and the receiver of a stream know of the path, and what was lost on it.
#[test]
fn tcp_info_counts_segments_and_rates() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    world.set_option(ours, SOL_TCP, TCP_NODELAY, 1).unwrap();
    // Three small segments are three, though they are not as long as one full one.
    for _ in 0..3 {
        world.us().write(ours, b"0123456789").unwrap();
        world.pass(Duration::ZERO);
    }
    world.settle();
    let info = world.us().tcp_info(ours).unwrap();
    assert_eq!((info.delivered, info.lost, info.retrans), (4, 0, 0));
    assert_eq!(
        (info.dsack_dups, info.reord_seen, info.reordering),
        (0, 0, 3)
    );
    // Thirty octets in a round trip of 10 ms.
    assert_eq!((info.delivery_rate, info.last_ack_recv), (3_000, 90));
    world.cut = true;
    world.us().write(ours, &[0; 5_000]).unwrap();
    world.pass(Duration::from_millis(300));
    let info = world.us().tcp_info(ours).unwrap();
    assert_eq!((info.ca_state, info.unacked), (4, 4));
    assert_eq!((info.lost, info.retrans), (4, 1), "one was sent again");
    world.cut = false;
    world.pass(Duration::from_secs(10));
    let info = world.us().tcp_info(ours).unwrap();
    assert_eq!((info.unacked, info.lost, info.retrans), (0, 0, 0));
    assert!(info.delivered >= 8, "{}", info.delivered);
}

/// `struct tcp_md5sig`, as C has it in memory.
fn md5sig(address: std::net::IpAddr, flags: u8, prefix: u8, key: &[u8]) -> Vec<u8> {
    let mut value = match address {
        std::net::IpAddr::V4(v4) => [&[2, 0, 0, 0][..], &v4.octets()].concat(),
        std::net::IpAddr::V6(v6) => [&[10, 0, 0, 0, 0, 0, 0, 0][..], &v6.octets()].concat(),
    };
    value.resize(128, 0);
    value.extend([flags, prefix]);
    value.extend((key.len() as u16).to_le_bytes());
    value.extend([0; 4]);
    value.extend(key);
    value.resize(216, 0);
    value
}

/// RFC 2385, and what Linux 6.18 answers.
#[test]
fn keys_of_signatures_are_taken_and_never_told() {
    let mut world = World::new();
    let v4 = |text: &str| text.parse().unwrap();
    let key = &b"secret"[..];
    let plain = md5sig(v4("1.2.3.4"), 0, 0, key);
    let mut long = md5sig(v4("1.2.3.4"), 0, 0, &[1; 80]);
    long[130] = 81;
    let mut interface = md5sig(v4("1.2.3.4"), 2, 0, key);
    interface[132] = 1;
    let prefix = |prefix| md5sig(v4("1.2.3.4"), 1, prefix, key);
    let table = [
        (TCP_MD5SIG, plain.clone(), Ok(())),
        (TCP_MD5SIG, plain[..215].to_vec(), Err(Errno::EINVAL)),
        (TCP_MD5SIG, vec![1, 0, 0, 0], Err(Errno::EINVAL)),
        (
            TCP_MD5SIG,
            md5sig(v4("1.2.3.5"), 0, 0, b""),
            Err(Errno::ENOENT),
        ),
        (TCP_MD5SIG, md5sig(v4("1.2.3.4"), 0, 0, b""), Ok(())),
        (
            TCP_MD5SIG,
            md5sig(v4("fd00::1"), 0, 0, key),
            Err(Errno::EINVAL),
        ),
        (TCP_MD5SIG, long, Err(Errno::EINVAL)),
        (TCP_MD5SIG, interface.clone(), Ok(())),
        (TCP_MD5SIG_EXT, interface, Err(Errno::EINVAL)),
        (TCP_MD5SIG, prefix(33), Ok(())),
        (TCP_MD5SIG_EXT, prefix(33), Err(Errno::EINVAL)),
        (TCP_MD5SIG_EXT, prefix(24), Ok(())),
        (TCP_MD5SIG_EXT, md5sig(v4("1.2.3.9"), 1, 24, b""), Ok(())),
        (TCP_MD5SIG_EXT, md5sig(v4("1.2.3.4"), 0xfc, 0, key), Ok(())),
    ];
    let fd = world.stream(0, AF_INET);
    for (index, (name, value, answer)) in table.into_iter().enumerate() {
        let got = world.set_octets(fd, SOL_TCP, name, &value);
        assert_eq!(got, answer, "{index}");
    }
    for name in [TCP_MD5SIG, TCP_MD5SIG_EXT] {
        assert_eq!(world.option(fd, SOL_TCP, name), Err(Errno::ENOPROTOOPT));
    }
    // A socket of IPv6 has IPv4 in mapped addresses, whose prefixes are those of IPv4.
    let fd = world.stream(0, AF_INET6);
    let mapped = |prefix| md5sig(v4("::ffff:1.2.3.4"), 1, prefix, key);
    let table = [
        (plain, Err(Errno::EINVAL)),
        (mapped(33), Err(Errno::EINVAL)),
        (mapped(24), Ok(())),
        (md5sig(v4("fd00::1"), 1, 129, key), Err(Errno::EINVAL)),
        (md5sig(v4("fd00::1"), 1, 64, key), Ok(())),
    ];
    for (index, (value, answer)) in table.into_iter().enumerate() {
        let got = world.set_octets(fd, SOL_TCP, TCP_MD5SIG_EXT, &value);
        assert_eq!(got, answer, "{index}");
    }
    // There is room for this many.
    let mut taken = 0;
    let last = loop {
        let host = std::net::Ipv4Addr::from(taken).to_ipv6_mapped();
        match world.set_octets(fd, SOL_TCP, TCP_MD5SIG, &md5sig(host.into(), 0, 0, key)) {
            Ok(()) => taken += 1,
            Err(errno) => break errno,
        }
    };
    assert_eq!((taken, last), (254, Errno::ENOMEM));
}

/// Control messages of sendmsg, for TCP: what Linux 6.18 answers.
#[test]
fn control_messages_of_one_send() {
    let word = |value: u32| value.to_le_bytes().to_vec();
    let table = [
        (SOL_SOCKET, SO_TIMESTAMPING, word(0x300), true),
        (SOL_SOCKET, SO_TIMESTAMPING, word(0), true),
        (SOL_SOCKET, SO_TIMESTAMPING, word(1 << 18), true),
        (SOL_SOCKET, SO_TIMESTAMPING, word(0x10), false),
        (SOL_SOCKET, SO_TIMESTAMPING, vec![2, 0, 0, 0, 0], false),
        (SOL_SOCKET, SO_MARK, word(5), true),
        (SOL_SOCKET, SO_MARK, vec![1], false),
        (SOL_SOCKET, SO_PRIORITY, word(6), true),
        (SOL_SOCKET, SO_PRIORITY, vec![], false),
        (SOL_SOCKET, SCM_TXTIME, vec![0; 8], false),
        (SOL_SOCKET, SCM_TS_OPT_ID, word(9), false),
        (SOL_SOCKET, SCM_RIGHTS, word(0), true),
        (SOL_SOCKET, 99, word(0), false),
        (SOL_IP, 99, word(0), true),
        (SOL_TCP, 99, word(0), true),
    ];
    for (level, kind, data, is_taken) in table {
        let answer = OneSend::of(&[Ancillary { level, kind, data }]);
        let refused = answer.err() == Some(Errno::EINVAL);
        assert_eq!(!refused, is_taken, "{level} {kind}");
    }
    assert_eq!(OneSend::of(&[]), Ok(OneSend::default()));
}
