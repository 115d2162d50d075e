//! The interface of every link: the request `send(to, message)` and the indication `deliver(from, message)`,
//! as values.

use core::fmt::{self, Debug};
use core::hash::Hash;
use core::net::SocketAddr;

use crate::time::Instant;

/// The name of a process: where messages go to and come from.
pub trait Address: Copy + Ord + Hash + Debug {
    /// The name in octets, the same on every machine: what an authentication code covers.
    fn octets(&self) -> Vec<u8>;
}

/// A process of a model or a simulation, by its number.
impl Address for u8 {
    fn octets(&self) -> Vec<u8> {
        vec![*self]
    }
}

/// A process with a UDP port.
impl Address for SocketAddr {
    fn octets(&self) -> Vec<u8> {
        let mut octets = match self {
            SocketAddr::V4(v4) => v4.ip().octets().to_vec(),
            SocketAddr::V6(v6) => v6.ip().octets().to_vec(),
        };
        octets.extend(self.port().to_be_bytes());
        octets
    }
}

/// Why a link does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The message is longer than [`Link::longest`].
    TooLong {
        /// Its length, in octets.
        length: usize,
        /// The most that the link takes.
        longest: usize,
    },
    /// The most messages that the link remembers are under way to this process. There is room again
    /// once some are acknowledged.
    Full,
    /// The link already knows as many processes as it may.
    TooManyPeers,
    /// There is no key for this process.
    NoKey,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::TooLong { length, longest } => write!(
                f,
                "the message has {length} octets, and the link takes no more than {longest}"
            ),
            SendError::Full => f.write_str("the window is full"),
            SendError::TooManyPeers => f.write_str("the link knows too many processes"),
            SendError::NoKey => f.write_str("there is no key for this process"),
        }
    }
}

impl std::error::Error for SendError {}

/// A message and the process at its other end: to whom it goes, or from whom it comes.
pub type Parcel<A> = (A, Vec<u8>);

/// A link between this process and all others.
///
/// Its upper interface is that of the lecture: [`Link::send`] is the request `send(to, message)`, and
/// [`Link::poll_deliver`] the indication `deliver(from, message)`. Its lower interface connects it to the
/// network and the clock: [`Link::receive`], [`Link::poll_transmit`], [`Link::next_deadline`] and
/// [`Link::handle_timeouts`]; a link that is built on another passes these through. *Received is not
/// delivered*: a packet comes in by [`Link::receive`]; whether, when and how often its message comes out
/// of [`Link::poll_deliver`] is what distinguishes the links.
///
/// A link is a value. It reads no clock, draws no random number and does no input or output: its
/// driver hands the packets of [`Link::poll_transmit`] to the network, passes in what arrives, and
/// comes back at [`Link::next_deadline`]:
///
/// ```
/// use stubborn::link::{FairLossLink, Link, StubbornLink};
/// use stubborn::time::{Duration, Instant};
///
/// let link = || StubbornLink::new(FairLossLink::new(1472), Duration::from_millis(100));
/// let (mut alice, mut bob) = (link(), link());
/// alice.send(Instant::ZERO, 2, b"hello").unwrap();
/// let lost = alice.poll_transmit(Instant::ZERO);
/// assert_eq!(lost, Some((2, b"hello".to_vec())));
///
/// let now = alice.next_deadline().unwrap();
/// alice.handle_timeouts(now);
/// let (_to, packet) = alice.poll_transmit(now).unwrap();
/// bob.receive(now, 1, &packet);
/// assert_eq!(bob.poll_deliver(), Some((1, b"hello".to_vec())));
/// ```
pub trait Link {
    /// How processes are named.
    type Address: Address;

    /// The length of the longest message that it accepts, in octets.
    fn longest(&self) -> usize;

    /// Sends `message` to the process `to`.
    ///
    /// # Errors
    /// If the link does not accept the message; then nothing has changed.
    fn send(&mut self, now: Instant, to: Self::Address, message: &[u8]) -> Result<(), SendError>;

    /// Delivers the next message: its sender and the message. To be called after [`Link::receive`], until it
    /// returns `None`.
    fn poll_deliver(&mut self) -> Option<Parcel<Self::Address>>;

    /// A packet has arrived, according to the network from the process `from`. It may contain anything.
    fn receive(&mut self, now: Instant, from: Self::Address, packet: &[u8]);

    /// The next packet for the network, and its destination. To be called after any other call, until it returns
    /// `None`.
    fn poll_transmit(&mut self, now: Instant) -> Option<Parcel<Self::Address>>;

    /// When to call [`Link::handle_timeouts`]; `None`: not before something else happens.
    fn next_deadline(&self) -> Option<Instant>;

    /// Does whatever is due at `now`.
    fn handle_timeouts(&mut self, now: Instant);
}

/// Whether a message of this length fits.
pub(super) fn fits(length: usize, longest: usize) -> Result<(), SendError> {
    match length <= longest {
        true => Ok(()),
        false => Err(SendError::TooLong { length, longest }),
    }
}

/// The earlier of two deadlines.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
