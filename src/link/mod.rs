//! The ladder of links: what a link promises, and how each promise is built from the one below.
//!
//! | link | promises | built from |
//! |---|---|---|
//! | [`FairLossLink`] | fair loss, finite duplication, no creation | a [`Device`], or UDP |
//! | [`StubbornLink`] | stubborn delivery, no creation | fair loss, and a timer that sends again, for ever |
//! | [`PerfectLink`] | reliable delivery, no duplication, no creation | stubborn delivery, and identifiers |
//! | [`PerfectFifoLink`] | the same, and FIFO delivery | a perfect link, and numbers |
//! | [`WindowedLink`] | the same, in bounded memory | fair loss, and acknowledgments: the way to TCP |
//! | [`AuthenticatedLink`] | no creation over a network that forges | any link, and shared keys |
//!
//! [`properties`] states each promise as a function over what was sent and what was delivered.
//! `docs/LINKS.md` climbs the ladder with pictures. The textbook is Cachin, Guerraoui and
//! Rodrigues, *Introduction to Reliable and Secure Distributed Programming*, chapter 2.

mod authenticated;
mod batch;
pub mod detector;
mod device;
mod fair_loss;
mod fifo;
pub mod header;
mod identifier;
mod interface;
mod landing;
mod perfect;
pub mod properties;
mod run;
mod stubborn;
mod window;

pub use authenticated::{AuthenticatedLink, Key};
pub use batch::Batch;
pub use device::{Capabilities, Device, DeviceError, Receiver, Sender};
pub use fair_loss::FairLossLink;
pub use fifo::{FifoStorage, PerfectFifoLink};
pub use identifier::{Identifiers, MessageId};
pub use interface::{Address, Link, Parcel, SendError};
pub use landing::Landing;
pub use perfect::{PerfectLink, Storage};
pub(crate) use run::Run;
pub use stubborn::StubbornLink;
pub use window::{WindowConfig, WindowedLink};
