//! Datagrams that arrived at the wrong shard, on their way to the right one.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use parking_lot::Mutex;

use super::poller::Kick;
use crate::stack::Stray;

/// The most datagrams that wait for one shard; any more are lost, as if the path had lost them.
const ROOM: usize = 256;

/// Where other shards put datagrams for one shard.
#[derive(Debug)]
struct Mailbox {
    strays: Mutex<VecDeque<Stray>>,
    /// Readable while the box holds something: the shard's lead polls it.
    filled: Kick,
}

/// The mailboxes of all shards, as one of them uses them. Their locks are held only while
/// datagrams are moved, and no other lock is taken meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    boxes: Arc<[Mailbox]>,
    own: usize,
}

impl Mail {
    /// The mail of this many shards, one for each.
    pub(super) fn for_shards(count: usize) -> io::Result<Vec<Mail>> {
        let mailbox = |_| {
            Ok(Mailbox {
                strays: Mutex::default(),
                filled: Kick::new()?,
            })
        };
        let boxes: Arc<[Mailbox]> = (0..count).map(mailbox).collect::<io::Result<_>>()?;
        let mail = |own| Mail {
            boxes: Arc::clone(&boxes),
            own,
        };
        Ok((0..count).map(mail).collect())
    }

    /// Puts a datagram into its owner's box. Returns whether there was room.
    pub(super) fn post(&self, stray: Stray) -> bool {
        let mailbox = &self.boxes[stray.owner];
        let mut strays = mailbox.strays.lock();
        if strays.len() >= ROOM {
            return false;
        }
        strays.push_back(stray);
        if strays.len() == 1 {
            mailbox.filled.kick();
        }
        true
    }

    /// Empties the box of this shard.
    pub(super) fn collect(&self) -> VecDeque<Stray> {
        let mailbox = &self.boxes[self.own];
        let mut strays = mailbox.strays.lock();
        if !strays.is_empty() {
            mailbox.filled.clear();
        }
        mem::take(&mut strays)
    }
}

impl AsFd for Mail {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.boxes[self.own].filled.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Form;
    use std::time::Duration;

    fn stray(owner: usize, octet: u8) -> Stray {
        Stray {
            owner,
            datagram: vec![octet],
            form: Form::default(),
        }
    }

    fn is_filled(mail: &Mail) -> bool {
        let kick = Kick::new().unwrap();
        let now = Duration::ZERO;
        super::super::poller::wait(Some(mail.as_fd()), None, &kick, now, Some(now)).device
    }

    #[test]
    fn a_box_is_readable_while_it_holds_something() {
        let mail = Mail::for_shards(2).unwrap();
        assert!(mail[0].post(stray(1, 7)) && mail[0].post(stray(1, 8)));
        assert!(!is_filled(&mail[0]) && is_filled(&mail[1]));
        assert_eq!(mail[1].collect(), [stray(1, 7), stray(1, 8)]);
        assert!(!is_filled(&mail[1]) && mail[1].collect().is_empty());
        assert!(mail[0].post(stray(1, 9)) && is_filled(&mail[1]));
    }

    #[test]
    fn what_a_box_has_no_room_for_is_lost() {
        let mail = Mail::for_shards(2).unwrap();
        let taken = (0..=ROOM).filter(|_| mail[1].post(stray(0, 1)));
        assert_eq!(taken.count(), ROOM);
        assert_eq!(mail[0].collect().len(), ROOM);
        assert!(mail[1].post(stray(0, 2)), "there is room again");
    }
}
