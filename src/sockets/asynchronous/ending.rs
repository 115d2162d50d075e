//! The end of a network, for tasks.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use super::super::net::{Net, Summary, finished};
use super::waiting::AtOne;
use crate::driver::{Key, Place};
use crate::stack::Readiness;

/// Ends a network, as [`Net::shutdown`] does, without blocking a thread. Listeners close at once; on every
/// open connection, what was written and a FIN still go out. Connections that have not finished when
/// `grace` completes are reset. `grace` may be a timer of the executor, or
/// [`pending`](core::future::pending), which never completes. From then on every call on a socket fails
/// with `NetworkDown`.
///
/// Cancelling it leaves everything closed, and connections go on to finish, but the network has not ended:
/// a second call waits for the rest, and [`Net::shutdown`] with a grace of zero resets it.
///
/// ```
/// use std::future::pending;
/// use stubborn::config::Config;
/// use stubborn::driver::memory;
/// use stubborn::sockets::{Net, asynchronous};
///
/// let (device, _other_end) = memory::pair(1500)?;
/// let net = Net::start(device, Config::new(["192.0.2.1".parse()?]))?;
/// let summary = pollster::block_on(asynchronous::shutdown(&net, pending()));
/// assert_eq!(summary.reset, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn shutdown(net: &Net, grace: impl Future<Output = ()>) -> Summary {
    net.close_all();
    let mut grace = pin!(grace);
    let mut all = pin!(all_finished(net));
    poll_fn(|context| match all.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => grace.as_mut().poll(context),
    })
    .await;
    net.end()
}

/// Waits until no connection is left unfinished, or the network has ended.
async fn all_finished(net: &Net) {
    for engine in net.hold().runtime().engines() {
        let waiting = AtOne {
            engine,
            key: Key::Finished,
            place: Place::default(),
        };
        waiting
            .until(|place, context| {
                let (interest, waker) = (Readiness::STATE, context.waker());
                let polled = engine.poll(Key::Finished, interest, place, waker, finished);
                polled.map(drop)
            })
            .await;
    }
}
