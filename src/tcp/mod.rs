//! One connection: RFC 9293 §3.10, pure.

mod error;
mod state;
mod status;

pub use error::{ConnectionError, RecvError, SendError};
pub use state::State;
pub use status::Status;
