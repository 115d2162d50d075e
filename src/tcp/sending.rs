//! SEND (RFC 9293 §3.10.2), with and without its flags.

use super::draft::Draft;
use super::error::SendError;
use super::tcb::Tcb;
use crate::time::Instant;

/// The kind of a SEND.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sending {
    /// It is urgent.
    pub(super) urgent: bool,
    /// A record ends with it.
    pub(super) record: bool,
    /// The user has more than was taken.
    pub(super) short: bool,
}

impl Tcb {
    /// SEND (§3.10.2): takes as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room, `Closing` after CLOSE; the reason why the connection
    /// ended, once.
    pub fn send(&mut self, now: Instant, data: &[u8]) -> Result<usize, SendError> {
        self.queue(now, data, Sending::default())
    }

    /// Room for a SEND whose text is produced without the connection: for as many of `most` octets
    /// as there is room for.
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn draft(&mut self, most: usize) -> Result<Draft, SendError> {
        let room = self.room_for(most, Sending::default())?;
        Ok(self.send_buffer.draft(room))
    }

    /// SEND of a draft: of all text in it.
    ///
    /// # Errors
    /// As [`Tcb::send`], except for `WouldBlock`, because the room was promised.
    pub fn send_draft(&mut self, now: Instant, draft: Draft) -> Result<usize, SendError> {
        self.check_send()?;
        self.note_app_limit();
        let start = self.send_buffer.end();
        self.send_buffer.append(draft);
        let end = self.send_buffer.end();
        self.note_send(&(start..end));
        self.note_given(now, start..end, Sending::default());
        self.settle(now);
        Ok(end - start)
    }

    /// SEND of the last part of a record: once all of it is taken, no segment carries both its end
    /// and what comes after it.
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_record(&mut self, now: Instant, data: &[u8]) -> Result<usize, SendError> {
        self.parted = false;
        let record = true;
        self.queue(
            now,
            data,
            Sending {
                record,
                ..Sending::default()
            },
        )
    }

    fn queue(&mut self, now: Instant, data: &[u8], is: Sending) -> Result<usize, SendError> {
        let room = self.room_for(data.len(), is)?;
        debug_assert!(self.send_buffer.len() + room <= self.most_to_send());
        let start = self.send_buffer.end();
        self.send_buffer.push(&data[..room], self.allowance.text);
        let given = start..self.send_buffer.end();
        self.note_send(&given);
        let short = room < data.len();
        let record = is.record && !short;
        if record {
            self.note_record(given.end);
        }
        if is.urgent && room > 0 {
            self.snd.up = Some(given.end);
        }
        self.note_given(
            now,
            given,
            Sending {
                record,
                short,
                ..is
            },
        );
        self.settle(now);
        Ok(room)
    }

    /// For how many of `most` octets there is room.
    fn room_for(&mut self, most: usize, is: Sending) -> Result<usize, SendError> {
        self.check_send()?;
        self.note_app_limit();
        let room = self.send_room(most, is);
        // Another thread may wait for room, even if this call found enough.
        self.starved |= room < most;
        match room {
            0 if most > 0 => Err(SendError::WouldBlock),
            room => Ok(room),
        }
    }

    /// Whether the user may send.
    fn check_send(&mut self) -> Result<(), SendError> {
        if let Some(error) = self.take_final_error() {
            return Err(SendError::Connection(error));
        }
        match self.state.takes_data() && self.snd.fin.is_none() {
            true => Ok(()),
            false => Err(SendError::Closing),
        }
    }

    /// SEND of a part: less than a segment waits for the rest, as with
    /// [`SocketOptions::cork`](crate::config::SocketOptions::cork), until a SEND without `more`.
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_part(&mut self, now: Instant, data: &[u8], more: bool) -> Result<usize, SendError> {
        self.parted = more;
        self.send(now, data)
    }

    /// SEND with the URGENT flag: the last octet taken ends the urgent data (§3.8.5, RFC 6093).
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_urgent(&mut self, now: Instant, data: &[u8]) -> Result<usize, SendError> {
        self.parted = false;
        let urgent = true;
        self.queue(
            now,
            data,
            Sending {
                urgent,
                ..Sending::default()
            },
        )
    }
}
