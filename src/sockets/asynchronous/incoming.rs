//! The connections that come to a listener, as a stream of the crate `futures-core`.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use futures_core::Stream;

use super::{TcpListener, TcpStream};

/// The connections that come to a listener: see [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "nothing is accepted unless it is asked for the next connection"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpListener {
    /// The connections that come, one after the other, by way of [`TcpListener::poll_accept`]. It never ends
    /// by itself, even after an error: the caller decides whether to go on.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accepted = self.listener.poll_accept(context);
        accepted.map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}
