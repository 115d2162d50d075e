//! What a link promises.

mod device;

pub use device::{Batch, Capabilities, Device, DeviceError};
