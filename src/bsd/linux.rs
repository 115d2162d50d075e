//! The numbers of Linux on x86-64: families, types, flags, options, requests. Only those that
//! this layer knows are here.

use super::numbers::numbers;

numbers! {
    AF_UNSPEC = 0, "No family: a connected socket is to be disconnected.";
    AF_INET = 2, "IPv4.";
    AF_INET6 = 10, "IPv6, and IPv4 in mapped addresses (RFC 4291 §2.5.5.2).";

    SOCK_STREAM = 1, "TCP.";
    SOCK_DGRAM = 2, "UDP, or echo requests and replies.";
    SOCK_NONBLOCK = 0o4000, "With a type: the new socket does not block.";
    SOCK_CLOEXEC = 0o2000000, "With a type: no meaning here, where nothing is executed.";

    IPPROTO_IP = 0, "The level of options of IPv4; as a protocol, the one of the type.";
    IPPROTO_ICMP = 1, "ICMP: echo requests and replies over IPv4.";
    IPPROTO_TCP = 6, "TCP: protocol, and level of options.";
    IPPROTO_UDP = 17, "UDP.";
    IPPROTO_IPV6 = 41, "The level of options of IPv6.";
    IPPROTO_ICMPV6 = 58, "ICMPv6: echo requests and replies over IPv6.";
    SOL_IP = 0, "As IPPROTO_IP.";
    SOL_SOCKET = 1, "The level of options of every socket.";
    SOL_TCP = 6, "As IPPROTO_TCP.";
    SOL_UDP = 17, "As IPPROTO_UDP.";
    SOL_IPV6 = 41, "As IPPROTO_IPV6.";

    ICMP_DEST_UNREACH = 3, "A type of ICMP: the destination cannot be reached.";
    ICMP_ECHO = 8, "A type of ICMP: an echo request.";
    ICMP_PARAMETERPROB = 12, "A type of ICMP: something in a header is wrong.";
    ICMPV6_DEST_UNREACH = 1, "A type of ICMPv6: the destination cannot be reached.";
    ICMPV6_PARAMPROB = 4, "A type of ICMPv6: something in a header is wrong.";
    ICMPV6_ECHO_REQUEST = 128, "A type of ICMPv6: an echo request.";

    SHUT_RD = 0, "No more receiving.";
    SHUT_WR = 1, "No more sending.";
    SHUT_RDWR = 2, "Neither.";

    MSG_OOB = 0x1, "Urgent data.";
    MSG_PEEK = 0x2, "What is received stays.";
    MSG_DONTROUTE = 0x4, "No router: no meaning here.";
    MSG_CTRUNC = 0x8, "Some control messages found no room.";
    MSG_TRUNC = 0x20, "The datagram was longer; asked for: its whole length, or octets thrown away.";
    MSG_DONTWAIT = 0x40, "This call does not block.";
    MSG_EOR = 0x80, "The end of a record: no segment carries it and what comes after it.";
    MSG_WAITALL = 0x100, "The call blocks until everything asked for is here.";
    MSG_CONFIRM = 0x800, "The peer is known to be there: no meaning here.";
    MSG_ERRQUEUE = 0x2000, "From the queue of errors.";
    MSG_NOSIGNAL = 0x4000, "No SIGPIPE: there is none here.";
    MSG_MORE = 0x8000, "More follows at once: less than a full segment waits for it.";
    MSG_ZEROCOPY = 0x4000000, "Taken without a copy: copied here, but told of.";
    MSG_FASTOPEN = 0x20000000, "Connect, and send with the SYN (RFC 7413).";
    MSG_CMSG_CLOEXEC = 0x40000000, "No meaning here.";

    SO_REUSEADDR = 2, "Old connections do not keep a local address.";
    SO_TYPE = 3, "SOCK_STREAM or SOCK_DGRAM.";
    SO_ERROR = 4, "The pending error, once.";
    SO_DONTROUTE = 5, "No router: no meaning here.";
    SO_BROADCAST = 6, "Whether datagrams may be sent to all hosts of the network.";
    SO_SNDBUF = 7, "Octets that may wait to be sent; read, twice that on Linux.";
    SO_RCVBUF = 8, "Octets that may wait to be received; read, twice that on Linux.";
    SO_KEEPALIVE = 9, "Idle connections are probed.";
    SO_OOBINLINE = 10, "Urgent data stays in the stream.";
    SO_PRIORITY = 12, "A number that queues of the host may use: kept.";
    SO_LINGER = 13, "What close waits for: struct linger.";
    SO_REUSEPORT = 15, "Several sockets share a local address, and listeners what comes to it, if all ask for it.";
    SO_RCVLOWAT = 18, "Fewer octets do not make a stream readable.";
    SO_SNDLOWAT = 19, "1, and cannot be changed.";
    SO_BINDTODEVICE = 25, "The name of the device it is bound to: there is one.";
    SO_TIMESTAMPING = 37, "When what is sent leaves and arrives: SOF_TIMESTAMPING_…";
    SO_RCVTIMEO = 20, "How long receiving may block: struct timeval; 0: for ever.";
    SO_SNDTIMEO = 21, "How long sending and connecting may block: struct timeval; 0: for ever.";
    SO_TIMESTAMP = 29, "Text, or a datagram, comes with the time of its arrival, in microseconds.";
    SCM_TIMESTAMP = 29, "The control message of SO_TIMESTAMP.";
    SO_TIMESTAMPNS = 35, "As SO_TIMESTAMP, in nanoseconds.";
    SCM_TIMESTAMPNS = 35, "The control message of SO_TIMESTAMPNS.";
    SO_ACCEPTCONN = 30, "Whether it listens.";
    SO_SNDBUFFORCE = 32, "As SO_SNDBUF.";
    SO_RCVBUFFORCE = 33, "As SO_RCVBUF.";
    SO_MARK = 36, "A number that routing may use: kept.";
    SO_PROTOCOL = 38, "The protocol: IPPROTO_TCP, IPPROTO_UDP, …";
    SO_DOMAIN = 39, "AF_INET or AF_INET6.";
    SO_RXQ_OVFL = 40, "Whether datagrams come with the number of those that found no room.";
    SO_BUSY_POLL = 46, "Busy polling of devices: kept.";
    SO_MAX_PACING_RATE = 47, "The most octets a second.";
    SO_INCOMING_CPU = 49, "Which processor the last packet came on: kept.";
    SO_COOKIE = 57, "A number that no other socket of this stack has, ever.";
    SO_MEMINFO = 55, "Nine numbers of memory: SK_MEMINFO_…";
    SO_DEBUG = 1, "The host notes what it does: kept.";
    SO_NO_CHECK = 11, "Datagrams without a checksum: kept.";
    SO_BSDCOMPAT = 14, "Nothing, any more.";
    SO_PASSCRED = 16, "Who sends: of local sockets.";
    SO_PASSSEC = 34, "With which label: of local sockets.";
    SO_WIFI_STATUS = 41, "What became of frames: kept.";
    SO_PEEK_OFF = 42, "MSG_PEEK goes on where it ended, so far ahead; -1: it does not.";
    SO_NOFCS = 43, "Frames without a checksum: kept.";
    SO_SELECT_ERR_QUEUE = 45, "Errors in the queue wake who waits for POLLPRI: kept.";
    SO_BPF_EXTENSIONS = 48, "How much filters can ask for.";
    SO_INCOMING_NAPI_ID = 56, "Which queue of a device the last packet came through: none.";
    SO_PREFER_BUSY_POLL = 69, "Busy polling rather than interrupts: kept.";
    SO_RESERVE_MEM = 73, "Memory set aside: none here.";
    SO_RCVMARK = 75, "SO_MARK of datagrams comes with them: kept.";
    SO_PASSPIDFD = 76, "A descriptor of who sends: of local sockets.";
    SO_RCVPRIORITY = 82, "SO_PRIORITY of datagrams comes with them: kept.";
    SO_PASSRIGHTS = 83, "Descriptors may come: of local sockets.";
    SO_TXREHASH = 74, "Whether a retransmission timeout changes the flow label.";
    SO_TXTIME = 61, "Whether SCM_TXTIME is taken: struct sock_txtime.";
    SO_ZEROCOPY = 60, "Whether MSG_ZEROCOPY counts: it copies, and tells when that is known.";

    IP_TOS = 1, "The traffic class of what is sent.";
    IP_TTL = 2, "The TTL of what is sent.";
    IP_PKTINFO = 8, "Whether datagrams come with the address that they were sent to: struct in_pktinfo.";
    IP_MTU_DISCOVER = 10, "Whether datagrams that are too long leave in fragments, or not at all.";
    IP_RECVERR = 11, "ICMP errors go to the queue of errors.";
    IP_RECVTTL = 12, "Whether datagrams come with their TTL.";
    IP_RECVTOS = 13, "Whether datagrams come with their traffic class.";
    IP_MTU = 14, "The path MTU of a connected socket.";
    IP_FREEBIND = 15, "Addresses of others may be bound: not here.";
    IP_TRANSPARENT = 19, "Addresses of others may be bound: not here.";
    IP_MINTTL = 21, "The least TTL that is accepted (RFC 5082).";
    IP_BIND_ADDRESS_NO_PORT = 24, "A port is chosen by connect.";
    IP_MULTICAST_IF = 32, "The address from which datagrams to groups leave.";
    IP_MULTICAST_TTL = 33, "The TTL of datagrams to groups.";
    IP_MULTICAST_LOOP = 34, "Whether they come back to sockets of this host.";
    IP_ADD_MEMBERSHIP = 35, "The socket hears a group: struct ip_mreqn.";
    IP_DROP_MEMBERSHIP = 36, "And no longer.";
    IP_UNBLOCK_SOURCE = 37, "The socket hears a sender to a group again: struct ip_mreq_source.";
    IP_BLOCK_SOURCE = 38, "It hears all senders but this.";
    IP_ADD_SOURCE_MEMBERSHIP = 39, "It hears this sender to a group.";
    IP_DROP_SOURCE_MEMBERSHIP = 40, "And no longer.";
    IP_MSFILTER = 41, "Whom of the senders to a group it hears: struct ip_msfilter.";
    MCAST_JOIN_GROUP = 42, "As IP_ADD_MEMBERSHIP, of either family: struct group_req.";
    MCAST_BLOCK_SOURCE = 43, "As IP_BLOCK_SOURCE, of either family: struct group_source_req.";
    MCAST_UNBLOCK_SOURCE = 44, "As IP_UNBLOCK_SOURCE.";
    MCAST_LEAVE_GROUP = 45, "As IP_DROP_MEMBERSHIP.";
    MCAST_JOIN_SOURCE_GROUP = 46, "As IP_ADD_SOURCE_MEMBERSHIP.";
    MCAST_LEAVE_SOURCE_GROUP = 47, "As IP_DROP_SOURCE_MEMBERSHIP.";
    MCAST_MSFILTER = 48, "As IP_MSFILTER: struct group_filter.";
    MCAST_EXCLUDE = 0, "All senders but these.";
    MCAST_INCLUDE = 1, "These senders only.";
    IP_MULTICAST_ALL = 49, "Whether the socket hears every group that another of this host has joined.";
    IP_LOCAL_PORT_RANGE = 51, "Ephemeral ports of this socket.";
    IPV6_UNICAST_HOPS = 16, "The hop limit of what is sent; -1: the host's.";
    IPV6_MULTICAST_IF = 17, "The number of the interface for datagrams to groups; 0: any.";
    IPV6_MULTICAST_HOPS = 18, "The hop limit of datagrams to groups; -1: 1.";
    IPV6_MULTICAST_LOOP = 19, "As IP_MULTICAST_LOOP.";
    IPV6_ADD_MEMBERSHIP = 20, "The socket hears a group: struct ipv6_mreq.";
    IPV6_JOIN_GROUP = 20, "The same (RFC 3493).";
    IPV6_DROP_MEMBERSHIP = 21, "And no longer.";
    IPV6_LEAVE_GROUP = 21, "The same (RFC 3493).";
    IPV6_MTU_DISCOVER = 23, "As IP_MTU_DISCOVER.";
    IPV6_MTU = 24, "As IP_MTU.";
    IPV6_RECVERR = 25, "As IP_RECVERR.";
    IPV6_V6ONLY = 26, "No IPv4 in mapped addresses.";
    IPV6_MULTICAST_ALL = 29, "As IP_MULTICAST_ALL.";
    IPV6_RECVPKTINFO = 49, "As IP_PKTINFO.";
    IPV6_PKTINFO = 50, "The control message of it: struct in6_pktinfo.";
    IPV6_RECVHOPLIMIT = 51, "Whether datagrams come with their hop limit.";
    IPV6_HOPLIMIT = 52, "The control message of it; given to sendmsg, the hop limit of one datagram.";
    IPV6_RECVTCLASS = 66, "As IP_RECVTOS.";
    IPV6_TCLASS = 67, "The traffic class of what is sent; -1: 0.";
    IPV6_AUTOFLOWLABEL = 70, "Whether what is sent has a flow label.";
    IPV6_MINHOPCOUNT = 73, "As IP_MINTTL.";
    IP_PMTUDISC_DONT = 0, "Routers may fragment.";
    IP_PMTUDISC_WANT = 1, "As the path needs.";
    IP_PMTUDISC_DO = 2, "Routers may not fragment.";
    IP_PMTUDISC_PROBE = 3, "Nor does the path MTU count.";

    UDP_CORK = 1, "What is sent waits, to be one datagram.";
    UDP_SEGMENT = 103, "What is sent is so many datagrams of this length, and a shorter one; 0: one.";
    UDP_GRO = 104, "Datagrams of the same length may come together: they do not, here.";

    TCP_NODELAY = 1, "Nagle's algorithm off.";
    TCP_MAXSEG = 2, "The longest text of a segment, to be set before the SYN.";
    TCP_CORK = 3, "Less than a full segment waits.";
    TCP_KEEPIDLE = 4, "Seconds before the first keepalive.";
    TCP_KEEPINTVL = 5, "Seconds between keepalives.";
    TCP_KEEPCNT = 6, "Keepalives before the connection is given up.";
    TCP_SYNCNT = 7, "Retransmissions of a SYN.";
    TCP_LINGER2 = 8, "Seconds in FIN-WAIT-2 without a user; -1: none.";
    TCP_DEFER_ACCEPT = 9, "Seconds that a listener waits for text.";
    TCP_WINDOW_CLAMP = 10, "The most octets of window to advertise.";
    TCP_INFO = 11, "struct tcp_info.";
    TCP_QUICKACK = 12, "Acknowledgments do not wait; once, not for ever.";
    TCP_CONGESTION = 13, "The name of the congestion controller.";
    TCP_MD5SIG = 14, "The key of a peer (RFC 2385).";
    TCP_THIN_LINEAR_TIMEOUTS = 16, "Intervals between retransmissions of little text do not double.";
    TCP_USER_TIMEOUT = 18, "Milliseconds that text may stay unacknowledged; 0: R2 decides.";
    TCP_THIN_DUPACK = 17, "Nothing, any more.";
    TCP_REPAIR = 19, "Connections from one host to another: nobody has the right to that.";
    TCP_REPAIR_QUEUE = 20, "As TCP_REPAIR.";
    TCP_QUEUE_SEQ = 21, "As TCP_REPAIR.";
    TCP_REPAIR_OPTIONS = 22, "As TCP_REPAIR.";
    TCP_REPAIR_WINDOW = 29, "As TCP_REPAIR.";
    TCP_IS_MPTCP = 43, "Whether it is Multipath TCP (RFC 8684): never.";
    TCP_FASTOPEN = 23, "How many Fast Open requests a listener takes (RFC 7413).";
    TCP_TIMESTAMP = 24, "What the clock of timestamps shows.";
    TCP_NOTSENT_LOWAT = 25, "With more octets that were not sent, a stream is not writable.";
    TCP_CC_INFO = 26, "What the congestion controller says of itself.";
    TCP_SAVE_SYN = 27, "A listener keeps the headers of the SYN of each connection.";
    TCP_SAVED_SYN = 28, "Those that were kept, once.";
    TCP_FASTOPEN_CONNECT = 30, "Connect waits for the first text (RFC 7413).";
    TCP_ULP = 31, "Protocols above: none here.";
    TCP_MD5SIG_EXT = 32, "The key of a peer, or of a network.";
    TCP_MD5SIG_FLAG_PREFIX = 1, "Of the address, tcpm_prefixlen bits count.";
    TCP_MD5SIG_FLAG_IFINDEX = 2, "It is for an interface: not here.";
    TCP_FASTOPEN_KEY = 33, "The key of Fast Open cookies.";
    TCP_FASTOPEN_NO_COOKIE = 34, "Fast Open without cookies.";
    TCP_ZEROCOPY_RECEIVE = 35, "Text in pages of the reader: there are none here.";
    TCP_INQ = 36, "Whether recvmsg tells how much waits.";
    TCP_CM_INQ = 36, "The control message of TCP_INQ.";
    TCP_TX_DELAY = 37, "Microseconds that everything sent waits: not here.";
    TCP_RTO_MAX_MS = 44, "The longest RTO, milliseconds, to be set before the SYN.";
    TCP_RTO_MIN_US = 45, "The least RTO, microseconds, to be set before the SYN.";
    TCP_DELACK_MAX_US = 46, "The most that an acknowledgment waits, microseconds, to be set before the SYN.";

    TCP_ESTABLISHED = 1, "ESTABLISHED.";
    TCP_SYN_SENT = 2, "SYN-SENT.";
    TCP_SYN_RECV = 3, "SYN-RECEIVED.";
    TCP_FIN_WAIT1 = 4, "FIN-WAIT-1.";
    TCP_FIN_WAIT2 = 5, "FIN-WAIT-2.";
    TCP_TIME_WAIT = 6, "TIME-WAIT.";
    TCP_CLOSE = 7, "CLOSED.";
    TCP_CLOSE_WAIT = 8, "CLOSE-WAIT.";
    TCP_LAST_ACK = 9, "LAST-ACK.";
    TCP_LISTEN = 10, "LISTEN.";
    TCP_CLOSING = 11, "CLOSING.";

    TCPI_OPT_TIMESTAMPS = 1, "Timestamps were agreed on.";
    TCPI_OPT_SACK = 2, "Selective acknowledgments were agreed on.";
    TCPI_OPT_WSCALE = 4, "Window scaling was agreed on.";
    TCPI_OPT_ECN = 8, "ECN was agreed on.";
    TCPI_OPT_ECN_SEEN = 16, "A packet with ECT has come.";
    TCPI_OPT_SYN_DATA = 32, "Text on our SYN was acknowledged.";
    TCPI_OPT_TFO_CHILD = 128, "It began with text and a cookie (RFC 7413).";

    O_RDONLY = 0, "Reading only.";
    O_WRONLY = 1, "Writing only.";
    O_RDWR = 2, "Reading and writing.";
    O_NONBLOCK = 0o4000, "Calls do not block.";
    O_CLOEXEC = 0o2000000, "No meaning here.";
    O_APPEND = 0o2000, "Kept: no meaning here.";
    O_ASYNC = 0o20000, "Kept: there are no signals here.";
    O_DIRECT = 0o40000, "Not of a socket.";
    F_GETFD = 1, "Flags of the descriptor.";
    F_SETFD = 2, "Flags of the descriptor: kept.";
    F_GETFL = 3, "O_RDWR, and O_NONBLOCK.";
    F_SETFL = 4, "O_NONBLOCK, or not.";
    F_SETOWN = 8, "Who gets signals: nobody here.";
    F_GETOWN = 9, "Nobody.";
    FD_CLOEXEC = 1, "No meaning here.";

    FIONREAD = 0x541b, "Octets that can be read.";
    SIOCINQ = 0x541b, "As FIONREAD.";
    FIONBIO = 0x5421, "O_NONBLOCK, or not.";
    FIOASYNC = 0x5452, "Signals: none here.";
    FIOSETOWN = 0x8901, "Who gets signals: nobody here.";
    SIOCSPGRP = 0x8902, "As FIOSETOWN.";
    FIOGETOWN = 0x8903, "Nobody.";
    SIOCGPGRP = 0x8904, "As FIOGETOWN.";
    TIOCOUTQ = 0x5411, "As SIOCOUTQ.";
    SIOCOUTQ = 0x5411, "Octets that were not acknowledged, sent or not.";
    SIOCATMARK = 0x8905, "Whether the urgent octet is next.";
    SIOCOUTQNSD = 0x894b, "Octets that were not sent.";

    POLLIN = 0x1, "There is something to read, or the end.";
    POLLPRI = 0x2, "There is urgent data.";
    POLLOUT = 0x4, "There is room to write.";
    POLLERR = 0x8, "An error is pending; always told.";
    POLLHUP = 0x10, "Both directions are closed; always told.";
    POLLNVAL = 0x20, "No open descriptor; always told.";
    POLLRDNORM = 0x40, "As POLLIN.";
    POLLRDBAND = 0x80, "Never, here.";
    POLLWRNORM = 0x100, "As POLLOUT.";
    POLLWRBAND = 0x200, "As POLLOUT, for datagrams.";
    POLLRDHUP = 0x2000, "The peer sends no more.";

    EPOLLIN = 0x1, "As POLLIN.";
    EPOLLPRI = 0x2, "As POLLPRI.";
    EPOLLOUT = 0x4, "As POLLOUT.";
    EPOLLERR = 0x8, "As POLLERR.";
    EPOLLHUP = 0x10, "As POLLHUP.";
    EPOLLRDNORM = 0x40, "As POLLRDNORM.";
    EPOLLRDBAND = 0x80, "As POLLRDBAND.";
    EPOLLWRNORM = 0x100, "As POLLWRNORM.";
    EPOLLWRBAND = 0x200, "As POLLWRBAND.";
    EPOLLRDHUP = 0x2000, "As POLLRDHUP.";
    EPOLLEXCLUSIVE = 1 << 28, "One of several is woken: no meaning here.";
    EPOLLWAKEUP = 1 << 29, "The host stays awake: no meaning here.";
    EPOLLONESHOT = 1 << 30, "Told once, until it is asked for again.";
    EPOLLET = i32::MIN, "Told when something happens, not while it lasts.";
    EPOLL_CTL_ADD = 1, "Watch a descriptor.";
    EPOLL_CTL_DEL = 2, "Watch it no more.";
    EPOLL_CTL_MOD = 3, "Watch it for something else.";
    EPOLL_CLOEXEC = 0o2000000, "No meaning here.";

    SPLICE_F_MOVE = 1, "No meaning here.";
    SPLICE_F_NONBLOCK = 2, "The pipe does not block.";
    SPLICE_F_MORE = 4, "As MSG_MORE.";
    SPLICE_F_GIFT = 8, "No meaning here.";

    SCM_RIGHTS = 1, "Descriptors: no meaning for TCP.";
    SCM_CREDENTIALS = 2, "Who sends: no meaning for TCP.";
    SCM_TXTIME = 61, "When it is to leave: at once, here; not for TCP.";
    SCM_TS_OPT_ID = 81, "The number of its times: not for TCP.";
    SCM_TIMESTAMPING = 37, "The control message of SO_TIMESTAMPING.";
    SCM_TIMESTAMPING_OPT_STATS = 54, "The control message of SOF_TIMESTAMPING_OPT_STATS: TCP_NLA_…";
    SCM_TSTAMP_SND = 0, "It was given to the device.";
    SCM_TSTAMP_SCHED = 1, "It was given to the queue of the device.";
    SCM_TSTAMP_ACK = 2, "Its last octet was acknowledged.";
    SOF_TIMESTAMPING_TX_SOFTWARE = 0x2, "When it is given to the device.";
    SOF_TIMESTAMPING_TX_HARDWARE = 0x1, "When a device sends it that tells so: never, here.";
    SOF_TIMESTAMPING_SOFTWARE = 0x10, "Times are told.";
    SOF_TIMESTAMPING_OPT_ID = 0x80, "With the number of the last octet.";
    SOF_TIMESTAMPING_TX_SCHED = 0x100, "When it is given to the queue of the device.";
    SOF_TIMESTAMPING_TX_ACK = 0x200, "When its last octet is acknowledged.";
    SOF_TIMESTAMPING_TX_COMPLETION = 0x40000, "When a device says that it was sent: never, here.";
    SOF_TIMESTAMPING_RX_HARDWARE = 0x4, "When a device receives it that tells so: never, here.";
    SOF_TIMESTAMPING_RX_SOFTWARE = 0x8, "When it comes.";
    SOF_TIMESTAMPING_SYS_HARDWARE = 0x20, "Nothing, any more.";
    SOF_TIMESTAMPING_RAW_HARDWARE = 0x40, "Times of devices are told: there are none.";
    SOF_TIMESTAMPING_OPT_CMSG = 0x400, "With what IP_PKTINFO gives: not of TCP.";
    SOF_TIMESTAMPING_OPT_TSONLY = 0x800, "Without what was sent.";
    SOF_TIMESTAMPING_OPT_STATS = 0x1000, "With TCP_NLA_…, what the connection had done by then.";
    SOF_TIMESTAMPING_OPT_PKTINFO = 0x2000, "With the device that received it: not of TCP.";
    SOF_TIMESTAMPING_OPT_TX_SWHW = 0x4000, "By software and by the device: there is one time.";
    SOF_TIMESTAMPING_BIND_PHC = 0x8000, "By the clock of a device: not here.";
    SOF_TIMESTAMPING_OPT_ID_TCP = 0x10000, "The number counts from what was written, not from SND.UNA.";
    SOF_TIMESTAMPING_OPT_RX_FILTER = 0x20000, "Times of what comes only to who asked for them: as if asked for, here.";

    TCP_NLA_BUSY = 1, "As busy_time of TCP_INFO.";
    TCP_NLA_RWND_LIMITED = 2, "As rwnd_limited.";
    TCP_NLA_SNDBUF_LIMITED = 3, "As sndbuf_limited.";
    TCP_NLA_DATA_SEGS_OUT = 4, "As data_segs_out.";
    TCP_NLA_TOTAL_RETRANS = 5, "As total_retrans.";
    TCP_NLA_PACING_RATE = 6, "As pacing_rate.";
    TCP_NLA_DELIVERY_RATE = 7, "As delivery_rate.";
    TCP_NLA_SND_CWND = 8, "As snd_cwnd.";
    TCP_NLA_REORDERING = 9, "As reordering.";
    TCP_NLA_MIN_RTT = 10, "As min_rtt.";
    TCP_NLA_RECUR_RETRANS = 11, "As retransmits.";
    TCP_NLA_DELIVERY_RATE_APP_LMT = 12, "As bit 0 of flags.";
    TCP_NLA_SNDQ_SIZE = 13, "As SIOCOUTQ.";
    TCP_NLA_CA_STATE = 14, "As ca_state.";
    TCP_NLA_SND_SSTHRESH = 15, "As snd_ssthresh.";
    TCP_NLA_DELIVERED = 16, "As delivered.";
    TCP_NLA_DELIVERED_CE = 17, "As delivered_ce.";
    TCP_NLA_BYTES_SENT = 18, "As bytes_sent.";
    TCP_NLA_BYTES_RETRANS = 19, "As bytes_retrans.";
    TCP_NLA_DSACK_DUPS = 20, "As dsack_dups.";
    TCP_NLA_REORD_SEEN = 21, "As reord_seen.";
    TCP_NLA_SRTT = 22, "As rtt.";
    TCP_NLA_TIMEOUT_REHASH = 23, "As rehash.";
    TCP_NLA_BYTES_NOTSENT = 24, "As notsent_bytes.";
    TCP_NLA_EDT = 25, "When it left, nanoseconds.";
    TCP_NLA_TTL = 26, "The TTL of the acknowledgment: not told here.";
    TCP_NLA_REHASH = 27, "As rehash.";

    SO_EE_ORIGIN_NONE = 0, "No origin.";
    SO_EE_ORIGIN_TIMESTAMPING = 4, "A time that SO_TIMESTAMPING asked for.";
    SO_EE_ORIGIN_ZEROCOPY = 5, "Text of MSG_ZEROCOPY is needed no more.";
    SO_EE_CODE_ZEROCOPY_COPIED = 1, "It was copied all the same.";
    SO_EE_ORIGIN_LOCAL = 1, "The error arose here.";
    SO_EE_ORIGIN_ICMP = 2, "ICMP said so.";
    SO_EE_ORIGIN_ICMP6 = 3, "ICMPv6 said so.";

    SK_MEMINFO_RMEM_ALLOC = 0, "Octets that wait to be received.";
    SK_MEMINFO_RCVBUF = 1, "SO_RCVBUF.";
    SK_MEMINFO_WMEM_ALLOC = 2, "Octets that are under way in the host: none here.";
    SK_MEMINFO_SNDBUF = 3, "SO_SNDBUF.";
    SK_MEMINFO_FWD_ALLOC = 4, "Memory set aside: none here.";
    SK_MEMINFO_WMEM_QUEUED = 5, "Octets that wait to be sent or acknowledged.";
    SK_MEMINFO_OPTMEM = 6, "Memory of options: none here.";
    SK_MEMINFO_BACKLOG = 7, "Packets that wait for the user: none here.";
    SK_MEMINFO_DROPS = 8, "Datagrams that found no room.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_and_leads_to_its_number() {
        for (index, (name, value)) in NAMES.iter().enumerate() {
            assert_eq!(number(name), Some(*value));
            assert!(NAMES[..index].iter().all(|(other, _)| other != name));
        }
        assert_eq!(number("SO_UNHEARD_OF"), None);
    }

    /// Compares with the system's own headers, on Linux on x86-64.
    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_system_agrees() {
        use nix::libc;
        let same = [
            (SO_RCVLOWAT, libc::SO_RCVLOWAT),
            (SO_MEMINFO, libc::SO_MEMINFO),
            (SO_ZEROCOPY, libc::SO_ZEROCOPY),
            (SO_MAX_PACING_RATE, 47),
            (MSG_FASTOPEN, libc::MSG_FASTOPEN),
            (MSG_ERRQUEUE, libc::MSG_ERRQUEUE),
            (MSG_MORE, libc::MSG_MORE),
            (TCP_USER_TIMEOUT, libc::TCP_USER_TIMEOUT),
            (TCP_NOTSENT_LOWAT, libc::TCP_NOTSENT_LOWAT),
            (TCP_FASTOPEN_CONNECT, libc::TCP_FASTOPEN_CONNECT),
            (TCP_WINDOW_CLAMP, libc::TCP_WINDOW_CLAMP),
            (IPV6_TCLASS, libc::IPV6_TCLASS),
            (IPV6_UNICAST_HOPS, libc::IPV6_UNICAST_HOPS),
            (IPV6_AUTOFLOWLABEL, 70),
            (SO_TXREHASH, 74),
            (IP_MTU_DISCOVER, libc::IP_MTU_DISCOVER),
            (IP_MTU, libc::IP_MTU),
            (EPOLLET, libc::EPOLLET),
            (SOCK_NONBLOCK, libc::SOCK_NONBLOCK),
            (FIONREAD, libc::FIONREAD as i32),
            (POLLRDHUP, i32::from(libc::POLLRDHUP)),
        ];
        for (ours, theirs) in same {
            assert_eq!(ours, theirs);
        }
    }
}
