//! Readers that sleep: the window closes, nothing is lost, the window opens again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Lab, eventually, in_both_families, pattern, run, stop_recording};

in_both_families![the_stacks_reader_sleeps, the_kernels_reader_sleeps];

const TEXT: usize = 16 * 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(30);

/// Writes the pattern and counts what was taken.
fn write_counted(mut writer: impl Write, written: &AtomicUsize) {
    let text = pattern(0, TEXT);
    for piece in text.chunks(8 * 1024) {
        writer.write_all(piece).unwrap();
        written.fetch_add(piece.len(), Ordering::Relaxed);
    }
}

/// Waits until nothing more is taken for a while; gives how much was.
fn stalled_at(written: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    eventually("the writer must wait", LIMIT, || {
        let now = written.load(Ordering::Relaxed);
        let stalled = now > 0 && now == before;
        before = now;
        // Half a second of silence, and not for want of text.
        thread::sleep(Duration::from_millis(500));
        stalled
    });
    before
}

fn the_stacks_reader_sleeps(lab: &Lab) {
    let recorder = lab.record("window.pcap");
    let net = lab.net();
    let listener = net.listen(lab.stack_at(9000)).unwrap();
    let kernel = TcpStream::connect(lab.stack_at(9000)).unwrap();
    let (mut stack, _) = listener.accept().unwrap();
    stack.set_read_timeout(Some(LIMIT)).unwrap();
    let written = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| write_counted(kernel, &written));
        assert!(stalled_at(&written) < TEXT);
        let status = stack.status();
        assert!(status.rcv_wnd < 1_500, "{status:?}");
        // The kernel probes the closed window, we answer.
        thread::sleep(Duration::from_secs(1));
        let mut text = vec![0; TEXT];
        stack.read_exact(&mut text).unwrap();
        assert!(text == pattern(0, TEXT));
        assert_eq!(stack.read(&mut [0]).unwrap(), 0);
    });
    stop_recording(recorder);
    let file = lab.file("window.pcap");
    let zero = format!(
        "tcp.window_size == 0 && tcp.flags.reset == 0 && tcp.srcport == {}",
        9000
    );
    let words = ["-n", "-r", file.to_str().unwrap(), "-Y", &zero];
    assert!(
        run("tshark", &words).lines().count() > 0,
        "the window never closed"
    );
}

fn the_kernels_reader_sleeps(lab: &Lab) {
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let stack = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (mut kernel, _) = listener.accept().unwrap();
    kernel.set_read_timeout(Some(LIMIT)).unwrap();
    let written = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            write_counted(&stack, &written);
            stack.shutdown(std::net::Shutdown::Write).unwrap();
        });
        assert!(stalled_at(&written) < TEXT);
        eventually("the kernel closes its window", LIMIT, || {
            stack.status().snd_wnd == 0
        });
        // Long enough for several probes.
        thread::sleep(Duration::from_secs(2));
        let mut text = vec![0; TEXT];
        kernel.read_exact(&mut text).unwrap();
        assert!(text == pattern(0, TEXT));
        assert_eq!(kernel.read(&mut [0]).unwrap(), 0);
    });
}
