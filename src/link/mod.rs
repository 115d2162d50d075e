//! What a link promises.

mod device;
pub mod properties;

pub use device::{Batch, Capabilities, Device, DeviceError};
