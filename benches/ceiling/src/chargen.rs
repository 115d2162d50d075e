//! The sending side: one prepared segment, again and again, within the kernel's window.

use std::io;

use bench_tun::{Kind, Queue, Timeout};

use crate::segment::{ACK, Arrived, FIN, MSS, RST, SYN, Template};
use crate::{ISS, LONGEST};

/// The most that is in flight, in octets. The kernel's window grows to megabytes, but what lies
/// there for long has left the processor's cache when it is read, and all become slower.
const FLIGHT: u32 = 128 * 1024;

/// The same with offloads, where little is in flight after few calls.
const LONG_FLIGHT: u32 = 512 * 1024;

/// Segments of the wire in one that the kernel cuts: as many as an IPv4 packet has room for.
const LONG: u16 = (u16::MAX - 40) / MSS;

/// Octets sent between two looks at what the kernel acknowledged.
const BURST: u32 = 32 * MSS as u32;

/// How long to wait for an acknowledgment before everything that is in flight is sent again.
const PATIENCE_MS: u16 = 10;

/// One connection that gets as much as it takes.
pub struct Chargen {
    segment: Template,
    /// The text of the segment, in octets.
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
    /// The end of the kernel's window.
    limit: u32,
}

impl Chargen {
    /// The connection whose handshake ends with `arrived`; `scale` is what its SYN said.
    pub fn new(kind: Kind, arrived: &Arrived<'_>, scale: u32) -> Chargen {
        let (text, flight) = match kind {
            Kind::Plain => (MSS, FLIGHT),
            Kind::Offload => (LONG * MSS, LONG_FLIGHT),
        };
        let mut chargen = Chargen {
            segment: Template::new(kind, arrived, &[], &vec![b'.'; usize::from(text)]),
            text: u32::from(text),
            flight,
            ack: arrived.seq,
            next: ISS.wrapping_add(1),
            acknowledged: ISS.wrapping_add(1),
            duplicates: 0,
            scale,
            window: 0,
            limit: 0,
        };
        chargen.take(arrived);
        chargen
    }

    /// Sends until the kernel closes or resets the connection.
    pub fn run(mut self, queue: &Queue) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        let prefix = queue.kind().header();
        loop {
            let sent = self.send(queue)?;
            let mut heard = false;
            while let Some(length) = queue.receive(&mut buffer)? {
                heard = true;
                let Some(arrived) = Arrived::parse(&buffer[prefix..length]) else {
                    continue;
                };
                if arrived.has(RST | FIN | SYN) {
                    return Ok(());
                }
                self.take(&arrived);
            }
            if !sent && !heard && !queue.wait(Timeout::from(PATIENCE_MS))? {
                self.next = self.acknowledged;
            }
        }
    }

    /// Sends a burst; whether the window had room for any of it.
    fn send(&mut self, queue: &Queue) -> io::Result<bool> {
        for count in 0..BURST.div_ceil(self.text) {
            let room = self.limit.wrapping_sub(self.next) as i32;
            let flight = self.next.wrapping_sub(self.acknowledged);
            if room < self.text as i32 || flight >= self.flight {
                return Ok(count > 0);
            }
            queue.send(self.segment.seal(self.next, self.ack, ACK))?;
            self.next = self.next.wrapping_add(self.text);
        }
        Ok(true)
    }

    /// Takes an acknowledgment. At the third duplicate, everything is sent again.
    fn take(&mut self, arrived: &Arrived<'_>) {
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
                self.next = self.acknowledged;
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
}
