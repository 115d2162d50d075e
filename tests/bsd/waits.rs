//! Calls that wait, while others close the descriptor and get its number again.

use std::task::Poll;
use std::time::Duration;

use stubborn::bsd::{Accepting, Closing, Connecting, Errno, Fd, Receiving, Sending, linux::*};

use super::support::{World, addr};

impl World {
    /// Ours is closed, and another socket gets its number: one that is connected to the other host's `theirs`.
    fn replace(&mut self, ours: Fd, listener: Fd) -> Fd {
        self.us().close(ours).unwrap();
        let other = self.stream(0, AF_INET);
        assert_eq!(other, ours, "the lowest number that is free");
        let begun = self.us().connect(other, addr("10.0.0.2:81"));
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        self.settle();
        self.us().connect(other, addr("10.0.0.2:81")).unwrap();
        self.them().accept(listener, 0).unwrap().0
    }

    /// Their listener for those who come later.
    fn for_others(&mut self) -> Fd {
        let listener = self.stream(1, AF_INET);
        self.them().bind(listener, addr("10.0.0.2:81")).unwrap();
        self.them().listen(listener, 5).unwrap();
        listener
    }
}

const GONE: Poll<Result<usize, Errno>> = Poll::Ready(Err(Errno::EBADF));

#[test]
fn a_receive_takes_nothing_from_another_socket_of_the_same_number() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    let mut buffer = [0; 9];
    let mut waiting = [0, MSG_PEEK, MSG_WAITALL].map(|flags| Receiving::new(ours, flags));
    for receiving in &mut waiting {
        assert!(receiving.attempt(&mut world.us(), &mut buffer).is_pending());
    }
    let listener = world.for_others();
    let theirs = world.replace(ours, listener);
    world.them().write(theirs, b"secret").unwrap();
    world.settle();
    for receiving in &mut waiting {
        assert_eq!(receiving.attempt(&mut world.us(), &mut buffer), GONE);
    }
    assert_eq!(world.us().read(ours, &mut buffer), Ok(6));
}

/// What it has taken from the socket that was, it tells.
#[test]
fn a_receive_that_has_something_tells_it() {
    let mut world = World::new();
    let (ours, theirs) = world.connected();
    world.them().write(theirs, b"abc").unwrap();
    world.settle();
    let (mut receiving, mut buffer) = (Receiving::new(ours, MSG_WAITALL), [0; 9]);
    assert!(receiving.attempt(&mut world.us(), &mut buffer).is_pending());
    let listener = world.for_others();
    world.replace(ours, listener);
    let answer = receiving.attempt(&mut world.us(), &mut buffer);
    assert_eq!((answer, &buffer[..3]), (Poll::Ready(Ok(3)), &b"abc"[..]));
}

#[test]
fn a_send_gives_nothing_to_another_socket_of_the_same_number() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    world.cut = true;
    let text = vec![7; 8 << 20];
    let mut sending = Sending::new(ours, 0, None);
    assert!(sending.attempt(&mut world.us(), &text).is_pending());
    let taken = sending.timed_out().unwrap();
    let mut full = Sending::new(ours, 0, None);
    assert!(full.attempt(&mut world.us(), &text).is_pending());
    world.cut = false;
    let listener = world.for_others();
    let theirs = world.replace(ours, listener);
    assert_eq!(
        sending.attempt(&mut world.us(), &text),
        Poll::Ready(Ok(taken))
    );
    assert_eq!(full.attempt(&mut world.us(), &text), GONE);
    world.settle();
    assert_eq!(world.them().read(theirs, &mut [0; 9]), Err(Errno::EAGAIN));
}

#[test]
fn an_accept_takes_no_connection_of_another_listener_of_the_same_number() {
    let mut world = World::new();
    let ours = world.stream(0, AF_INET);
    world.us().listen(ours, 5).unwrap();
    let mut accepting = Accepting::new(ours, 0);
    assert!(accepting.attempt(&mut world.us()).is_pending());
    world.us().close(ours).unwrap();
    assert_eq!(world.stream(0, AF_INET), ours);
    world.us().bind(ours, addr("10.0.0.1:80")).unwrap();
    world.us().listen(ours, 5).unwrap();
    let theirs = world.stream(1, AF_INET);
    let _ = world.them().connect(theirs, addr("10.0.0.1:80"));
    world.settle();
    let gone = Poll::Ready(Err(Errno::EBADF));
    assert_eq!(accepting.attempt(&mut world.us()), gone);
    assert!(world.us().accept(ours, 0).is_ok());
}

#[test]
fn a_connect_connects_no_other_socket_of_the_same_number() {
    let mut world = World::new();
    world.cut = true;
    let ours = world.stream(0, AF_INET);
    let mut connecting = Connecting::new(ours, addr("10.0.0.2:80"));
    assert!(connecting.attempt(&mut world.us()).is_pending());
    world.us().close(ours).unwrap();
    assert_eq!(world.stream(0, AF_INET), ours);
    let gone = Poll::Ready(Err(Errno::EBADF));
    assert_eq!(connecting.attempt(&mut world.us()), gone);
    assert_eq!(world.us().getpeername(ours), Err(Errno::ENOTCONN));
}

/// A close that lingers, and is overtaken by another close, closes nothing that came later.
#[test]
fn a_close_closes_no_other_socket_of_the_same_number() {
    let mut world = World::new();
    let (ours, _theirs) = world.connected();
    let linger = [1, 0, 0, 0, 2, 0, 0, 0];
    world
        .set_octets(ours, SOL_SOCKET, SO_LINGER, &linger)
        .unwrap();
    world.cut = true;
    world.us().write(ours, b"the last words").unwrap();
    let mut closing = Closing::new(ours, &mut world.us());
    assert!(closing.attempt(&mut world.us()).is_pending());
    world.us().close(ours).unwrap();
    assert_eq!(world.stream(0, AF_INET), ours);
    let gone = Poll::Ready(Err(Errno::EBADF));
    assert_eq!(closing.attempt(&mut world.us()), gone);
    world.pass(Duration::from_secs(3));
    assert_eq!(closing.timed_out(&mut world.us()), Err(Errno::EBADF));
    assert!(world.us().getsockname(ours).is_ok());
}
