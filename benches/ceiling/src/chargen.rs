//! The sending side: one prepared segment, again and again, within the kernel's window.

use std::hint::black_box;
use std::io;

use bench_tun::{Kind, Queue};

use crate::ISS;
use crate::discard::window;
use crate::manner::Manner;
use crate::segment::{ACK, Arrived, MSS, Template, add_up};

/// The most that is in flight, in octets, unless another limit is asked for. The kernel's window
/// grows to megabytes, but what lies there for long has left the processor's cache when it is read,
/// and all become slower.
const FLIGHT: u32 = 128 * 1024;

/// The same with offloads, where little is in flight after few calls.
const LONG_FLIGHT: u32 = 512 * 1024;

/// Segments of the wire in one that the kernel cuts: as many as an IPv4 packet has room for.
const LONG: u16 = (u16::MAX - 40) / MSS;

/// Octets sent between two looks at what the kernel acknowledged.
const BURST: u32 = 32 * MSS as u32;

/// One connection that gets as much as it takes.
pub struct Chargen {
    /// One segment; or, if the text is copied, as many as may be in flight, used in turn: a stack
    /// must hold the text until it is acknowledged.
    segments: Vec<Template>,
    /// One that any window has room for: the kernel opens the larger ones when it has read a while.
    short: Template,
    /// Which of them is next.
    turn: usize,
    /// A user's text, which is copied into each segment; empty if nobody has any.
    user: Vec<u8>,
    kind: Kind,
    /// The text of a segment, in octets.
    text: u32,
    /// The most that is in flight, in octets.
    flight: u32,
    /// The kernel's next sequence number, which does not change: it sends nothing.
    ack: u32,
    /// What we send next.
    next: u32,
    /// What the kernel has acknowledged.
    acknowledged: u32,
    /// Acknowledgments that came again without anything new.
    duplicates: u32,
    /// How far the kernel's windows are shifted.
    scale: u32,
    /// The last window, as it stood in the header.
    window: u16,
    /// The end of the kernel's window: nothing fits before it is known.
    limit: u32,
}

impl Chargen {
    /// The connection that begins with this SYN.
    pub fn new(manner: &Manner, syn: &Arrived<'_>) -> Chargen {
        let (text, flight) = match manner.kind {
            Kind::Plain => (MSS, FLIGHT),
            Kind::Offload => (LONG * MSS, LONG_FLIGHT),
        };
        let flight = manner.flight.unwrap_or(flight);
        let prepared = vec![b'.'; usize::from(text)];
        let text = u32::from(text);
        let held = if manner.copies { flight / text + 1 } else { 1 };
        let segment = |text| Template::new(manner.kind, syn, window(manner), &[], text);
        Chargen {
            segments: (0..held).map(|_| segment(&prepared)).collect(),
            short: segment(&prepared[..usize::from(MSS)]),
            turn: 0,
            text,
            flight,
            ack: syn.end(),
            next: ISS.wrapping_add(1),
            acknowledged: ISS.wrapping_add(1),
            duplicates: 0,
            scale: syn.scale(),
            window: 0,
            limit: ISS.wrapping_add(1),
            user: if manner.copies { prepared } else { Vec::new() },
            kind: manner.kind,
        }
    }

    /// Sends a burst; whether the window had room for any of it.
    pub fn send(&mut self, queue: &Queue) -> io::Result<bool> {
        for count in 0..BURST.div_ceil(self.text) {
            let flight = self.next.wrapping_sub(self.acknowledged);
            if flight == 0 && self.room() < self.text {
                return self.send_short(queue);
            }
            if self.room() < self.text || flight >= self.flight {
                return Ok(count > 0);
            }
            let segment = &mut self.segments[self.turn];
            if !self.user.is_empty() {
                segment.fill(black_box(&self.user));
                if self.kind == Kind::Plain {
                    black_box(add_up(&self.user));
                }
            }
            queue.send(segment.seal(self.next, self.ack, ACK))?;
            self.turn = (self.turn + 1) % self.segments.len();
            self.next = self.next.wrapping_add(self.text);
        }
        Ok(true)
    }

    /// Sends what the window has room for, which is less than a long segment; whether that is
    /// anything.
    fn send_short(&mut self, queue: &Queue) -> io::Result<bool> {
        let mss = u32::from(MSS);
        let count = self.room() / mss;
        for _ in 0..count {
            queue.send(self.short.seal(self.next, self.ack, ACK))?;
            self.next = self.next.wrapping_add(mss);
        }
        Ok(count > 0)
    }

    /// What the kernel's window has room for, in octets.
    fn room(&self) -> u32 {
        let room = self.limit.wrapping_sub(self.next) as i32;
        room.max(0) as u32
    }

    /// Takes an acknowledgment. At the third duplicate, everything is sent again.
    pub fn take(&mut self, arrived: &Arrived<'_>) {
        let news = arrived.ack.wrapping_sub(self.acknowledged) as i32;
        if news > 0 {
            self.acknowledged = arrived.ack;
            self.duplicates = 0;
            // The kernel had it although we thought it lost.
            if (self.next.wrapping_sub(arrived.ack) as i32) < 0 {
                self.next = arrived.ack;
            }
        } else if news == 0 && arrived.window == self.window {
            self.duplicates += 1;
            if self.duplicates == 3 {
                self.again();
            }
        }
        self.window = arrived.window;
        let limit = arrived
            .ack
            .wrapping_add(u32::from(arrived.window) << self.scale);
        if (limit.wrapping_sub(self.limit) as i32) > 0 {
            self.limit = limit;
        }
    }

    /// What is in flight is sent again.
    pub fn again(&mut self) {
        self.next = self.acknowledged;
    }
}
