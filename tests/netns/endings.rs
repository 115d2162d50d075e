//! How connections end: half-close, refused, reset, killed; and that nothing is left of them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stubborn::tcp::State;

use crate::harness::{Lab, Running, eventually, in_both_families, pattern, reset_when_closed};

in_both_families![
    the_kernel_half_closes,
    the_stack_half_closes,
    a_port_of_the_stack_that_nobody_listens_to_refuses,
    a_port_of_the_kernel_that_nobody_listens_to_refuses,
    the_kernel_resets,
    the_stack_resets,
    a_dropped_socket_with_unread_text_resets,
    a_killed_client_is_gone_from_the_stack,
    a_killed_stack_is_noticed_by_the_kernel,
    nobody_at_the_address,
];

const LIMIT: Duration = Duration::from_secs(10);

/// A refusal takes no time, but the kernel may drop the first SYN while its end of the interface
/// comes up, and the machine may be busy.
const REFUSED: Duration = Duration::from_secs(3);

/// A connection that the kernel opened, in the hands of both ends.
struct Pair {
    net: stubborn::sockets::Net,
    kernel: TcpStream,
    stack: stubborn::sockets::TcpStream,
}

fn pair(lab: &Lab) -> Pair {
    let net = lab.net();
    let listener = net.listen(lab.stack_at(9000)).unwrap();
    let kernel = TcpStream::connect(lab.stack_at(9000)).unwrap();
    let (stack, peer) = listener.accept().unwrap();
    assert_eq!(peer, kernel.local_addr().unwrap());
    kernel.set_read_timeout(Some(LIMIT)).unwrap();
    stack.set_read_timeout(Some(LIMIT)).unwrap();
    Pair { net, kernel, stack }
}

fn the_kernel_half_closes(lab: &Lab) {
    let Pair {
        net,
        mut kernel,
        mut stack,
    } = pair(lab);
    kernel.write_all(b"question").unwrap();
    kernel.shutdown(Shutdown::Write).unwrap();
    let mut text = Vec::new();
    stack.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"question");
    assert_eq!(stack.status().state, State::CloseWait);
    let answer = pattern(0, 500_000);
    let sent = answer.clone();
    let writer = thread::spawn(move || stack.write_all(&sent));
    text.clear();
    kernel.read_to_end(&mut text).unwrap();
    writer.join().unwrap().unwrap();
    assert!(text == answer, "{} octets of the answer", text.len());
    eventually("nothing is left", LIMIT, || net.connection_count() == 0);
}

fn the_stack_half_closes(lab: &Lab) {
    let Pair {
        net: _net,
        mut kernel,
        mut stack,
    } = pair(lab);
    stack.write_all(b"question").unwrap();
    stack.shutdown(Shutdown::Write).unwrap();
    let mut text = Vec::new();
    kernel.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"question");
    eventually("the FIN is acknowledged", LIMIT, || {
        stack.status().state == State::FinWait2
    });
    let answer = pattern(0, 500_000);
    let sent = answer.clone();
    let writer = thread::spawn(move || kernel.write_all(&sent));
    text.clear();
    stack.read_to_end(&mut text).unwrap();
    writer.join().unwrap().unwrap();
    assert!(text == answer, "{} octets of the answer", text.len());
    assert_eq!(stack.status().state, State::TimeWait);
    assert_eq!(
        stack.write(b"too late").unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
}

fn a_port_of_the_stack_that_nobody_listens_to_refuses(lab: &Lab) {
    let _net = lab.net();
    let start = Instant::now();
    let error = TcpStream::connect(lab.stack_at(9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(start.elapsed() < REFUSED, "{:?}", start.elapsed());
}

fn a_port_of_the_kernel_that_nobody_listens_to_refuses(lab: &Lab) {
    let net = lab.net();
    let start = Instant::now();
    let error = net.connect_timeout(lab.kernel_at(9), LIMIT).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(start.elapsed() < REFUSED, "{:?}", start.elapsed());
    assert_eq!(net.connection_count(), 0);
}

fn the_kernel_resets(lab: &Lab) {
    let Pair {
        net,
        kernel,
        mut stack,
    } = pair(lab);
    reset_when_closed(&kernel);
    drop(kernel);
    assert_eq!(
        stack.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        stack.read(&mut [0]).unwrap(),
        0,
        "told once; then it is the end"
    );
    assert_eq!(stack.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    drop(stack);
    assert_eq!(net.connection_count(), 0);
}

fn the_stack_resets(lab: &Lab) {
    let Pair {
        net,
        mut kernel,
        stack,
    } = pair(lab);
    stack.set_linger(Some(Duration::ZERO));
    drop(stack);
    assert_eq!(
        kernel.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(net.connection_count(), 0);
}

fn a_dropped_socket_with_unread_text_resets(lab: &Lab) {
    let Pair {
        net,
        mut kernel,
        stack,
    } = pair(lab);
    kernel.write_all(b"never read").unwrap();
    eventually("the text is there", LIMIT, || stack.status().recv_queue > 0);
    drop(stack);
    assert_eq!(
        kernel.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(net.connection_count(), 0);
}

fn a_killed_client_is_gone_from_the_stack(lab: &Lab) {
    let net = lab.net();
    let listener = net.listen(lab.stack_at(9000)).unwrap();
    let mut nc = Running::start("nc", &["-N", &lab.stack().to_string(), "9000"]);
    nc.type_in(b"last words");
    let (mut stack, _) = listener.accept().unwrap();
    stack.set_read_timeout(Some(LIMIT)).unwrap();
    let mut text = [0; 10];
    stack.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"last words");
    nc.signal(Signal::SIGKILL);
    assert_eq!(
        stack.read(&mut text).unwrap(),
        0,
        "the kernel closes for a dead process"
    );
    // Nobody reads any more: what is written now is answered with a reset.
    let _ = stack.write(b"hello?");
    eventually("the reset arrives", LIMIT, || {
        stack.write(b"hello?").is_err()
    });
    drop(stack);
    assert_eq!(net.connection_count(), 0);
}

fn a_killed_stack_is_noticed_by_the_kernel(lab: &Lab) {
    let mut first = lab.stubborn("echo", &[]);
    let mut kernel = TcpStream::connect(lab.stack_at(7)).unwrap();
    kernel.write_all(b"x").unwrap();
    kernel.read_exact(&mut [0]).unwrap();
    first.signal(Signal::SIGKILL);
    eventually("it is dead", LIMIT, || !first.runs());
    // A new incarnation knows nothing of the connection and says so.
    let _second = lab.stubborn("echo", &[]);
    kernel.set_read_timeout(Some(LIMIT)).unwrap();
    kernel.write_all(b"y").unwrap();
    assert_eq!(
        kernel.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let mut again = TcpStream::connect(lab.stack_at(7)).unwrap();
    again.write_all(b"z").unwrap();
    again.read_exact(&mut [0]).unwrap();
}

fn nobody_at_the_address(lab: &Lab) {
    let net = lab.net();
    // The kernel has no way to an address that is not its own and says so, or says nothing.
    let start = Instant::now();
    let remote = std::net::SocketAddr::new(lab.nobody(), 9000);
    let error = net
        .connect_timeout(remote, Duration::from_secs(1))
        .err()
        .unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let kinds = [
        ErrorKind::TimedOut,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
    ];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    assert_eq!(net.connection_count(), 0);
    // And a kernel's client that the stack does not answer leaves nothing here either.
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let stack = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    drop((listener, stack));
}
