//! Control messages of sendmsg: what counts for one send, in place of what the socket has.

use super::errno::Errno;
use super::linux::{
    SCM_CREDENTIALS, SCM_RIGHTS, SO_MARK, SO_PRIORITY, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_ACK,
    SOF_TIMESTAMPING_TX_COMPLETION, SOF_TIMESTAMPING_TX_HARDWARE, SOF_TIMESTAMPING_TX_SCHED,
    SOF_TIMESTAMPING_TX_SOFTWARE, SOL_SOCKET,
};

/// Which times one send may ask for.
const TIMES: i32 = SOF_TIMESTAMPING_TX_HARDWARE
    | SOF_TIMESTAMPING_TX_SOFTWARE
    | SOF_TIMESTAMPING_TX_SCHED
    | SOF_TIMESTAMPING_TX_ACK
    | SOF_TIMESTAMPING_TX_COMPLETION;

/// A control message that sendmsg is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancillary {
    /// `cmsg_level`.
    pub level: i32,
    /// `cmsg_type`.
    pub kind: i32,
    /// `cmsg_data`, in the order of octets of x86-64.
    pub data: Vec<u8>,
}

/// What all of one call come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneSend {
    /// `SO_TIMESTAMPING`: which times of this send are told.
    pub(super) stamps: Option<i32>,
}

impl OneSend {
    /// What control messages ask of a send on a TCP socket. What is for another level than `SOL_SOCKET`
    /// is passed over; marks and priorities mean nothing here.
    ///
    /// # Errors
    /// `EINVAL` for what is not known at that level, or has a length or a value that cannot be: as on
    /// Linux, `SCM_TXTIME` and `SCM_TS_OPT_ID` too, for TCP has no times to send at, and numbers its
    /// octets itself.
    pub fn of(messages: &[Ancillary]) -> Result<OneSend, Errno> {
        let mut one = OneSend::default();
        for message in messages.iter().filter(|it| it.level == SOL_SOCKET) {
            let word = || {
                let octets = <[u8; 4]>::try_from(&message.data[..]);
                octets.map(i32::from_le_bytes).map_err(|_| Errno::EINVAL)
            };
            match message.kind {
                SO_MARK | SO_PRIORITY => drop(word()?),
                SO_TIMESTAMPING => match word()? {
                    flags if flags & !TIMES != 0 => return Err(Errno::EINVAL),
                    flags => one.stamps = Some(flags),
                },
                SCM_RIGHTS | SCM_CREDENTIALS => {}
                _ => return Err(Errno::EINVAL),
            }
        }
        Ok(one)
    }
}
