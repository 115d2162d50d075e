//! TCP MD5 signatures (RFC 2385), with the kernel's own at the other end: it takes nothing that is not
//! signed with the key, and neither do we.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use stubborn::config::SignatureKey;
use stubborn::sockets::Net;

use crate::harness::{Lab, Running, in_both_families, pattern, skip};

in_both_families![
    the_kernel_connects_with_a_key,
    the_stack_connects_with_a_key,
    another_key_or_none_opens_nothing,
    the_kernel_takes_nothing_unsigned,
];

const PORT: u16 = 179;
const KEY: &str = "a secret of two";
const TEXT: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(30);

/// `MODE ADDRESS PORT KEY`: connects or listens with a key for the address of the stack, and sends back
/// what comes. `probe` says whether the kernel has signatures at all.
const KERNEL: &str = r#"
import socket, struct, sys
mode, stack, kernel, port, key = sys.argv[1:]
port, key = int(port), key.encode()
family = socket.AF_INET6 if ':' in stack else socket.AF_INET
address = socket.inet_pton(family, stack)
place = struct.pack('<HH', family, 0) + (b'' if family == socket.AF_INET else bytes(4)) + address
sig = place.ljust(128, b'\0') + struct.pack('<BBHi', 0, 0, len(key), 0) + key.ljust(80, b'\0')
s = socket.socket(family, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    s.setsockopt(socket.IPPROTO_TCP, 14, sig)
except OSError as error:
    print('none', error, flush=True)
    sys.exit(0)
if mode == 'probe':
    print('there', flush=True)
    sys.exit(0)
if mode == 'listen':
    s.bind((kernel, port))
    s.listen()
    print('listening', file=sys.stderr, flush=True)
    c, _ = s.accept()
else:
    s.settimeout(3 if mode == 'try' else 20)
    try:
        s.connect((stack, port))
    except TimeoutError:
        print('timed out', flush=True)
        sys.exit(0)
    c = s
c.settimeout(30)
while text := c.recv(65536):
    c.sendall(text)
c.shutdown(socket.SHUT_WR)
c.close()
"#;

fn kernel(lab: &Lab, mode: &str, key: &str) -> Running {
    let (stack, kernel) = (lab.stack().to_string(), lab.kernel().to_string());
    let port = PORT.to_string();
    let words = ["-c", KERNEL, mode, &stack, &kernel, &port, key];
    Running::start("python3", &words)
}

/// The test is skipped if the kernel has no signatures.
fn needs_signatures(lab: &Lab) {
    let ended = kernel(lab, "probe", KEY).finish().well();
    if ended.text().trim() != "there" {
        skip("this kernel has no TCP MD5 signatures (CONFIG_TCP_MD5SIG)");
    }
}

fn signing(lab: &Lab) -> Net {
    let key = SignatureKey::new(KEY.as_bytes()).unwrap();
    let peer = lab.kernel();
    lab.net_with(|config| config.tcp.signatures.set_host(peer, key).unwrap())
}

/// All of the text goes there and comes back.
fn echoed<S: Read + Write + Send>(stream: S, mut other: S, ends: impl FnOnce() + Send) {
    let mut stream = stream;
    thread::scope(|scope| {
        scope.spawn(move || {
            stream.write_all(&pattern(0, TEXT)).unwrap();
            ends();
        });
        let mut text = Vec::new();
        other.read_to_end(&mut text).unwrap();
        assert!(text == pattern(0, TEXT), "{} octets", text.len());
    });
}

fn the_kernel_connects_with_a_key(lab: &Lab) {
    needs_signatures(lab);
    let net = signing(lab);
    let listener = net.listen(lab.stack_at(PORT)).unwrap();
    let kernel = kernel(lab, "connect", KEY);
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    echoed(&stream, &stream, || {
        stream.shutdown(Shutdown::Write).unwrap()
    });
    kernel.finish_within(LIMIT).well();
}

fn the_stack_connects_with_a_key(lab: &Lab) {
    needs_signatures(lab);
    let net = signing(lab);
    let kernel = kernel(lab, "listen", KEY).says("listening");
    let stream = net.connect_timeout(lab.kernel_at(PORT), LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    echoed(&stream, &stream, || {
        stream.shutdown(Shutdown::Write).unwrap()
    });
    kernel.finish_within(LIMIT).well();
}

fn another_key_or_none_opens_nothing(lab: &Lab) {
    needs_signatures(lab);
    let net = signing(lab);
    let _listener = net.listen(lab.stack_at(PORT)).unwrap();
    let ended = kernel(lab, "try", "another").finish().well();
    assert_eq!(ended.text().trim(), "timed out");
    let unsigned = TcpStream::connect_timeout(&lab.stack_at(PORT), Duration::from_secs(2));
    assert!(unsigned.is_err());
    let counters = net.counters();
    assert!(counters.wrong_signatures() >= 2 && counters.unsigned_segments() >= 2);
}

/// Nor does the kernel hear what is not signed.
fn the_kernel_takes_nothing_unsigned(lab: &Lab) {
    needs_signatures(lab);
    let net = lab.net();
    let _kernel = kernel(lab, "listen", KEY).says("listening");
    let unsigned = net.connect_timeout(lab.kernel_at(PORT), Duration::from_secs(2));
    assert!(unsigned.is_err());
}
