//! The ladder of links: what a link promises, and how each promise is built from a weaker one.
//!
//! | link | promises | built from |
//! |---|---|---|
//! | [`FairLossLink`] | fair loss, finite duplication, no creation (FLL1–3) | a [`Device`], or UDP |
//! | [`StubbornLink`] | stubborn delivery, no creation (SL1–2) | a fair-loss link, and a timer that sends again, for ever |
//! | [`PerfectLink`] | reliable delivery, no duplication, no creation (PL1–3) | a stubborn link, and identifiers |
//! | [`PerfectFifoLink`] | the same, and FIFO delivery | a perfect link, and sequence numbers |
//! | [`WindowedLink`] | the same, in bounded memory | a fair-loss link, and acknowledgments: the step to TCP |
//! | [`AuthenticatedLink`] | no creation over a network that forges | a fair-loss link, and shared keys |
//!
//! [`properties`] has each property as a function over what was sent and what was delivered; [`detector`] has
//! failure detectors. The module also defines the [`Device`] at the bottom of every stack.
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
