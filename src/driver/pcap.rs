//! A device that records what another sends and receives.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, PcapError, TsResolution};

use crate::link::{Batch, Capabilities, Device, DeviceError, Sender};
use crate::wire::Packet;

/// The most octets that wait to be written.
const BUFFER: usize = 128 * 1024;

/// The longest record: no IP datagram is longer.
const SNAPLEN: u32 = 65_535;

/// A device that records all packets of another, in both directions, in a pcap file (link type RAW,
/// nanoseconds), which Wireshark and tcpdump read. Super-segments stay whole, and their checksums are
/// complete.
///
/// The file is written at every flush, so it is complete whenever the device has nothing to do. If
/// it cannot be written (say, because the disk is full), recording ends with a warning, and the
/// network goes on.
///
/// ```no_run
/// use stubborn::driver::Recorder;
/// use stubborn::tun::TunDevice;
///
/// let device = Recorder::create(TunDevice::open("tun0")?, "trace.pcap")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder<D> {
    device: D,
    records: Records,
}

/// What both halves of a device write; `None` once the file could not be written.
#[derive(Clone, Debug)]
struct Records(Arc<Mutex<Option<Trace>>>);

/// The sending half of a device, recorded.
struct Recording {
    sender: Box<dyn Sender>,
    records: Records,
}

#[derive(Debug)]
struct Trace {
    writer: PcapWriter<Output>,
    output: Output,
    /// Where a datagram in pieces is assembled, and its checksum completed.
    whole: Vec<u8>,
}

/// The file. The pcap writer does not give its own back to be flushed, so it is shared with it.
#[derive(Clone, Debug)]
struct Output(Arc<Mutex<BufWriter<File>>>);

impl<D: Device> Recorder<D> {
    /// Records the packets of `device` in a file at `path`, which is overwritten if it exists.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub fn create(device: D, path: impl AsRef<Path>) -> io::Result<Recorder<D>> {
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        let mut output = Output(Arc::new(Mutex::new(file)));
        let header = PcapHeader {
            snaplen: SNAPLEN,
            datalink: DataLink::RAW,
            ts_resolution: TsResolution::NanoSecond,
            ..PcapHeader::default()
        };
        let writer = PcapWriter::with_header(output.clone(), header).map_err(to_io)?;
        output.flush()?;
        let trace = Trace {
            writer,
            output,
            whole: Vec::new(),
        };
        Ok(Recorder {
            device,
            records: Records(Arc::new(Mutex::new(Some(trace)))),
        })
    }
}

impl Records {
    /// Does `record`; if that fails, recording ends.
    fn record(&self, record: impl FnOnce(&mut Trace) -> io::Result<()>) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trace) = &mut *recorded
            && let Err(error) = record(trace)
        {
            log::warn!("recording ends, the file cannot be written: {error}");
            *recorded = None;
        }
    }

    fn record_sent(&self, packet: &Packet<'_>) {
        self.record(|trace| {
            trace.whole.clear();
            (packet.pieces().iter()).for_each(|piece| trace.whole.extend_from_slice(piece));
            packet.form().complete(&mut trace.whole);
            trace.write(time_of_day())
        });
    }

    fn flush(&self) {
        self.record(|trace| trace.output.flush());
    }
}

impl Trace {
    /// Writes the datagram that has been assembled.
    fn write(&mut self, at: Duration) -> io::Result<()> {
        let kept = &self.whole[..self.whole.len().min(SNAPLEN as usize)];
        let record = PcapPacket::new(at, kept.len() as u32, kept);
        self.writer.write_packet(&record).map_err(to_io).map(drop)
    }
}

impl<D: Device> Device for Recorder<D> {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn receive(&mut self, batch: &mut Batch) -> Result<(), DeviceError> {
        let before = batch.len();
        let answer = self.device.receive(batch);
        if batch.len() > before {
            self.records.record(|trace| {
                let at = time_of_day();
                for (datagram, form) in batch.arrivals().skip(before) {
                    trace.whole.clear();
                    trace.whole.extend_from_slice(&datagram);
                    form.complete(&mut trace.whole);
                    trace.write(at)?;
                }
                trace.output.flush()
            });
        }
        answer
    }

    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.records.record_sent(&packet);
        self.device.send(packet)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.records.flush();
        self.device.flush()
    }

    fn end(&mut self) {
        self.device.end();
    }

    fn sender(&mut self) -> Option<Box<dyn Sender>> {
        Some(Box::new(Recording {
            sender: self.device.sender()?,
            records: self.records.clone(),
        }))
    }
}

impl Sender for Recording {
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        self.records.record_sent(&packet);
        self.sender.send(packet)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.records.flush();
        self.sender.flush()
    }
}

impl<D: AsFd> AsFd for Recorder<D> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
    }
}

/// The time of day, which is what a trace records.
fn time_of_day() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn to_io(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::memory;
    use crate::wire::Text;
    use pcap_file::pcap::PcapReader;
    use std::path::PathBuf;

    /// A path for a file of this test, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let file = format!("stubborn-{}-{name}", std::process::id());
            Scratch(std::env::temp_dir().join(file))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn read_back(path: &Path) -> Vec<Vec<u8>> {
        let mut reader = PcapReader::new(File::open(path).unwrap()).unwrap();
        assert_eq!(reader.header().datalink, DataLink::RAW);
        assert_eq!(reader.header().ts_resolution, TsResolution::NanoSecond);
        let mut records = Vec::new();
        let mut last = Duration::ZERO;
        while let Some(record) = reader.next_packet() {
            let record = record.unwrap();
            assert!(record.timestamp >= last, "out of order");
            last = record.timestamp;
            records.push(record.data.into_owned());
        }
        let age = time_of_day().checked_sub(last).unwrap();
        assert!(age < Duration::from_secs(600), "{age:?} old");
        records
    }

    #[test]
    fn the_file_holds_what_was_sent_and_received() {
        let scratch = Scratch::new("both.pcap");
        let (left, mut right) = memory::pair(70_000).unwrap();
        let mut left = Recorder::create(left, &scratch.0).unwrap();
        let mut batch = Batch::new(8, 70_000);

        left.send(Packet::borrowed(b"out")).unwrap();
        left.flush().unwrap();
        assert_eq!(read_back(&scratch.0), [b"out"], "after the flush");

        right.send(Packet::borrowed(b"in 1")).unwrap();
        right.send(Packet::borrowed(&[7; 66_000])).unwrap();
        left.receive(&mut batch).unwrap();
        left.receive(&mut batch).unwrap();
        assert_eq!(batch.len(), 2, "the datagrams pass through");

        right.receive(&mut batch).unwrap();
        let records = read_back(&scratch.0);
        assert_eq!(records.len(), 3, "each is recorded once");
        assert_eq!(records[1], b"in 1");
        assert_eq!(records[2], [7; SNAPLEN as usize], "cut, not refused");
        assert_eq!(batch.iter().nth(2), Some(&b"out"[..]));
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_not_the_network() {
        let full = Path::new("/dev/full");
        let (left, mut right) = memory::pair(100).unwrap();
        let scratch = Scratch::new("full.pcap");
        let mut left = Recorder::create(left, &scratch.0).unwrap();
        let broken = BufWriter::with_capacity(0, File::create(full).unwrap());
        let records = left.records.clone();
        *records
            .0
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .output
            .0
            .lock()
            .unwrap() = broken;
        left.send(Packet::borrowed(b"x")).unwrap();
        assert!(records.0.lock().unwrap().is_none());
        let mut batch = Batch::new(1, 100);
        right.receive(&mut batch).unwrap();
        assert_eq!(batch.len(), 1);
        assert!(Recorder::create(left, full).is_err());
    }

    #[test]
    fn text_in_pieces_is_recorded_whole() {
        let scratch = Scratch::new("pieces.pcap");
        let (left, _right) = memory::pair(100).unwrap();
        let mut left = Recorder::create(left, &scratch.0).unwrap();
        let text = Text::new(b"two ", b"pieces");
        left.send(Packet::borrowed(&text.to_vec())).unwrap();
        left.flush().unwrap();
        assert_eq!(read_back(&scratch.0), [b"two pieces"]);
    }
}
