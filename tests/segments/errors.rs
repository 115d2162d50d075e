//! ICMP errors in every state (RFC 5927; THREATS 21): which end a connection, which are only told
//! to its user, which shorten its segments, and which are nothing.
//!
//! The table is of errors about something that is in flight. About any other place of the sequence
//! space an error is nothing, in every state.
//!
//! | cell | |
//! |---|---|
//! | `-` | nothing |
//! | `end` | the attempt to open ends, and its user hears why |
//! | `told` | the user may ask what it was |
//! | `mtu` | segments become shorter; over IPv6 those of these tables fit every path: nothing |

use stubborn::tcp::{ConnectionError, SendError, State};
use stubborn::wire::checksum::checksum;
use stubborn::wire::{
    Control, IcmpError, IpHeader, Packet, TcpHeader, Text, Unreachable, icmp, protocol,
};

use crate::dialogue::{Dialogue, Family, PEER_PORT, PORT};
use crate::{
    Space, Stage, World, close_wait, closed, closing, established, fin_wait_1, fin_wait_2,
    last_ack, listen, syn_received_active, syn_received_passive, syn_sent, time_wait,
};

const TABLE: &str = "
CLOSED               -    -    -    -    -   - -    -
LISTEN               -    -    -    -    -   - -    -
SYN-SENT             end  end  end  end  -   - end  end
SYN-RECEIVED,passive told told told told -   - told told
SYN-RECEIVED,active  told told told told -   - told told
ESTABLISHED          told told told told mtu - told told
FIN-WAIT-1           told told told told mtu - told told
FIN-WAIT-2           -    -    -    -    -   - -    -
CLOSE-WAIT           told told told told mtu - told told
CLOSING              told told told told mtu - told told
LAST-ACK             told told told told mtu - told told
TIME-WAIT            -    -    -    -    -   - -    -
";

/// How a connection comes into the state of each row.
const STAGES: [Stage; 12] = [
    closed,
    listen,
    syn_sent,
    syn_received_passive,
    syn_received_active,
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
    time_wait,
];

/// What a column is about.
enum Column {
    /// An error, and what it means to a user.
    Error(IcmpError, ConnectionError),
    /// No segment longer than this gets through.
    TooBig(u32),
    /// Type 4 of ICMPv4, which means nothing any more (RFC 6633).
    SourceQuench,
}

/// The columns of the table.
fn columns(family: Family) -> [Column; 8] {
    use ConnectionError::*;
    let unreachable = |reason, error| Column::Error(IcmpError::Unreachable(reason), error);
    let refused = IcmpError::ParameterProblem {
        code: 0,
        pointer: 0,
    };
    [
        unreachable(Unreachable::Network, NetworkUnreachable),
        unreachable(Unreachable::Host, HostUnreachable),
        unreachable(Unreachable::Protocol, ProtocolUnreachable),
        unreachable(Unreachable::Port, Refused),
        Column::TooBig(match family {
            Family::V4 => 600,
            Family::V6 => 1280,
        }),
        Column::SourceQuench,
        Column::Error(IcmpError::HopLimitExceeded, HostUnreachable),
        Column::Error(refused, HeaderRefused),
    ]
}

/// A router says this of our segment with sequence number `seq`; `None` if the family has no such
/// error.
fn message(d: &Dialogue, column: &Column, seq: u32) -> Option<Vec<u8>> {
    let header = TcpHeader {
        source_port: PORT,
        destination_port: PEER_PORT,
        seq: d.our_wire(seq),
        control: Control::ACK,
        ..TcpHeader::default()
    };
    let ip = IpHeader::new(d.family.us(), d.family.peer(), protocol::TCP, 64);
    let quoted = Packet::tcp(&ip, &header, Text::EMPTY).to_vec();
    let error = match column {
        Column::Error(error, _) => *error,
        Column::TooBig(mtu) => IcmpError::PacketTooBig { mtu: *mtu },
        Column::SourceQuench => IcmpError::Unreachable(Unreachable::Network),
    };
    let mut message = icmp::error(d.family.peer(), 64, error, &quoted)?;
    if matches!(column, Column::SourceQuench) {
        if d.family == Family::V6 {
            return None;
        }
        let icmp = &mut message[20..];
        icmp[..4].copy_from_slice(&[4, 0, 0, 0]);
        let sum = checksum(icmp);
        icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    Some(message)
}

/// What an error about this place does: a cell; `None` if the family has no such error.
fn happens(stage: Stage, world: &World, column: &Column, seq: u32) -> Option<&'static str> {
    let (mut d, _) = stage(world);
    let (before, mtu) = (d.state(), d.conn.map(|_| d.status().path_mtu));
    let ignored = d.stack.counters().icmp_ignored;
    let message = message(&d, column, seq)?;
    d.datagram_arrives(&message);
    d.all_that_leaves();
    if d.stack.counters().icmp_ignored > ignored {
        assert_eq!(d.state(), before);
        return Some("-");
    }
    let Column::Error(_, meaning) = column else {
        assert_eq!(d.state(), before);
        let after = d.conn.map(|_| d.status().path_mtu);
        return Some(if after == mtu { "-" } else { "mtu" });
    };
    if d.state() == State::Closed {
        let (now, id) = (d.now(), d.id());
        let sent = d.stack.send(now, id, b"x");
        assert_eq!(sent, Err(SendError::Connection(*meaning)));
        return Some("end");
    }
    assert_eq!(d.state(), before);
    // Who has not accepted a connection cannot ask.
    let told = d.conn.map(|id| d.stack.take_error(id));
    assert!(told.is_none_or(|told| told == Some(*meaning)), "{told:?}");
    Some("told")
}

/// Places of the sequence space, and whether they are in flight.
fn places(space: &Space) -> Vec<(u32, bool)> {
    let mut places = vec![space.ghost, space.una, space.nxt - 1, space.nxt];
    places.extend([space.una - 1, space.nxt + 1]);
    places.extend(space.old.into_iter().chain(space.new));
    places.extend([1 << 31, 3 << 30].map(|far: u32| space.una.wrapping_add(far)));
    let in_flight = |place: u32| space.una <= place && place < space.nxt;
    places.into_iter().map(|it| (it, in_flight(it))).collect()
}

#[test]
fn icmp_errors_do_in_every_state_what_the_table_says() {
    let mut cells = 0;
    for world in &World::ALL {
        for (row, stage) in TABLE.trim().lines().zip(STAGES) {
            let (_, space) = stage(world);
            let mut row = row.split_whitespace();
            let state = row.next().unwrap();
            for (at, (cell, column)) in row.zip(columns(world.family)).enumerate() {
                let fits = cell == "mtu" && world.family == Family::V6;
                for (place, in_flight) in places(&space) {
                    let expected = if in_flight && !fits { cell } else { "-" };
                    if let Some(happened) = happens(stage, world, &column, place) {
                        let what = format!("{:?}, {state}, column {at}", world.family);
                        assert_eq!(happened, expected, "{what}, about {place}");
                        cells += 1;
                    }
                }
            }
        }
    }
    assert!(cells > 3_000, "{cells}");
}
