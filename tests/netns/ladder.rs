//! The ladder of links over UDP of our own stack: two processes in two network namespaces, each
//! with a stack on a TUN interface, and 30 % of all packets lost between them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use stubborn::link::properties::{
    Promise, fair_loss, fifo_delivery, in_order_once, no_creation, no_duplication,
    reliable_delivery, stubborn_delivery,
};

use crate::harness::{
    Apart, Lab, PATIENCE, Running, TUN, eventually, in_both_families, pattern, run,
};
use crate::tools::example;

in_both_families![
    the_fifo_link_moves_64_mib,
    the_textbooks_fifo_link_moves_a_file,
    the_textbooks_receiver_stays_until_its_answer_arrives,
    fair_loss_keeps_its_promises_and_no_others,
    stubborn_keeps_its_promises_and_no_others,
    perfect_keeps_its_promises,
    fifo_keeps_its_promises,
];

const LOSS: u32 = 30;
const PORT: u16 = 9000;

/// What an end says once it hears.
const READY: &str = "hears";

/// The words that start an end of a link: the first end sends, the second receives.
fn words(apart: &Apart, end: usize, link: &str) -> Vec<String> {
    let program = example("ladder").display().to_string();
    let (ours, others) = (apart.stack(end, PORT), apart.stack(1 - end, PORT));
    let mut words = vec![program];
    match end {
        0 => words.extend(["send".to_owned(), ours.to_string(), others.to_string()]),
        _ => words.extend(["receive".to_owned(), ours.to_string()]),
    }
    words.extend(["--tun", TUN, "--link", link].map(str::to_owned));
    words
}

fn hash(file: &Path) -> String {
    let text = run("sha256sum", &[file]);
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Moves this many octets, within `limit`; what is written is what was read.
fn moves(lab: &Lab, link: &str, len: usize, limit: Duration) {
    let apart = Apart::new(lab);
    apart.lose(lab, LOSS);
    let (sent, received, nothing) = (lab.file("sent"), lab.file("received"), lab.file("nothing"));
    let text = pattern(7, len);
    fs::write(&sent, &text).unwrap();
    fs::write(&nothing, "").unwrap();
    let receiver = apart.between(1, &words(&apart, 1, link), &nothing, &received);
    let receiver = receiver.says(READY);
    let sender = apart.between(0, &words(&apart, 0, link), &sent, &lab.file("silence"));
    let said = sender.finish_within(limit).well().errors;
    assert!(said.contains(&format!("{len} octets in ")), "{said}");
    receiver.finish_within(PATIENCE).well();
    assert_eq!(hash(&sent), hash(&received));
    // A packet has 1,452 octets of UDP at most, and each had to get through once: for seven that
    // did, three did not. What comes back are acknowledgments, and the textbook's link has none.
    let packets = len.div_ceil(1_452) as u64;
    let [there, back] = apart.lost();
    assert!(
        there > packets / 3 && (back > 0 || link == "fifo"),
        "{there} and {back} of {packets} lost"
    );
}

/// In bounded memory: the windowed link.
fn the_fifo_link_moves_64_mib(lab: &Lab) {
    moves(lab, "windowed", 64 << 20, Duration::from_secs(110));
}

fn the_textbooks_fifo_link_moves_a_file(lab: &Lab) {
    moves(lab, "fifo", 200_000, PATIENCE);
}

/// Nine of ten copies of the answer are lost, and nothing else: it takes two seconds on average to
/// arrive, and thirty with a probability of 10^-7.
fn the_textbooks_receiver_stays_until_its_answer_arrives(lab: &Lab) {
    let apart = Apart::new(lab);
    let (sent, received, nothing) = (lab.file("sent"), lab.file("received"), lab.file("nothing"));
    fs::write(&sent, pattern(7, 1_000)).unwrap();
    fs::write(&nothing, "").unwrap();
    let mut receives = words(&apart, 1, "fifo");
    receives.extend(["--loss", "90"].map(str::to_owned));
    let receiver = apart.between(1, &receives, &nothing, &received);
    let receiver = receiver.says(READY);
    let sends = words(&apart, 0, "fifo");
    let sender = apart.between(0, &sends, &sent, &lab.file("silence"));
    sender.finish_within(PATIENCE).well();
    receiver.finish_within(PATIENCE).well();
    assert_eq!(hash(&sent), hash(&received));
}

/// A link whose messages are lines.
struct Lines {
    receiver: Running,
    _sender: Running,
    sent: Vec<String>,
    _apart: Apart,
}

impl Lines {
    /// The lines are on their way.
    fn new(lab: &Lab, link: &str, sent: Vec<String>) -> Lines {
        let apart = Apart::new(lab);
        apart.lose(lab, LOSS);
        let start = |end| {
            let mut words = words(&apart, end, link);
            words.push("--lines".to_owned());
            apart.start(end, &words)
        };
        let receiver = start(1).says(READY);
        let mut sender = start(0).says(READY);
        for line in &sent {
            sender.type_in(format!("{line}\n").as_bytes());
        }
        sender.end_input();
        Lines {
            receiver,
            _sender: sender,
            sent,
            _apart: apart,
        }
    }

    /// What was delivered so far. A line that is being written is not in it.
    fn delivered(&self) -> Vec<String> {
        let text = String::from_utf8(self.receiver.output()).unwrap();
        let lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        lines.split_terminator('\n').map(str::to_owned).collect()
    }

    /// Waits until `holds` of what was sent and delivered.
    fn until(&self, what: &str, holds: impl Fn(&[String], &[String]) -> bool) -> Vec<String> {
        eventually(what, PATIENCE, || holds(&self.sent, &self.delivered()));
        self.delivered()
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("message {number}"))
        .collect()
}

/// What is sent again and again arrives again and again; what is sent once may not.
fn fair_loss_keeps_its_promises_and_no_others(lab: &Lab) {
    let often = numbered(10);
    let once = (0..200).map(|number| format!("once {number}"));
    let sent: Vec<String> = (0..60).flat_map(|_| often.clone()).chain(once).collect();
    let lines = Lines::new(lab, "fair-loss", sent);
    // 30 copies of one message in a row are lost with a probability of 10^-16.
    lines.until("fair loss", |sent, delivered| {
        fair_loss(sent, delivered, 30).is_ok()
    });
    thread::sleep(Duration::from_millis(500));
    let delivered = lines.delivered();
    assert_eq!(no_creation(&lines.sent, &delivered), Ok(()));
    let broken = reliable_delivery(&lines.sent, &delivered).unwrap_err();
    assert_eq!(broken.promise, Promise::ReliableDelivery);
}

/// Everything arrives, and again, and again.
fn stubborn_keeps_its_promises_and_no_others(lab: &Lab) {
    let lines = Lines::new(lab, "stubborn", numbered(50));
    let delivered = lines.until("stubborn delivery", |sent, delivered| {
        stubborn_delivery(sent, delivered, 5).is_ok()
    });
    assert_eq!(no_creation(&lines.sent, &delivered), Ok(()));
    assert_eq!(reliable_delivery(&lines.sent, &delivered), Ok(()));
    let broken = no_duplication(&lines.sent, &delivered).unwrap_err();
    assert_eq!(broken.promise, Promise::NoDuplication);
    assert!(fifo_delivery(&lines.sent, &delivered).is_err());
}

/// Everything arrives, once. In which order does not matter: some are overtaken.
fn perfect_keeps_its_promises(lab: &Lab) {
    let lines = Lines::new(lab, "perfect", numbered(200));
    lines.until("reliable delivery", |sent, delivered| {
        reliable_delivery(sent, delivered).is_ok()
    });
    // The copies go on arriving.
    thread::sleep(Duration::from_secs(1));
    let delivered = lines.delivered();
    assert_eq!(no_creation(&lines.sent, &delivered), Ok(()));
    assert_eq!(no_duplication(&lines.sent, &delivered), Ok(()));
    let broken = fifo_delivery(&lines.sent, &delivered).unwrap_err();
    assert_eq!(broken.promise, Promise::FifoDelivery);
}

/// Everything arrives, once, in order; the textbook's link and the one in bounded memory.
fn fifo_keeps_its_promises(lab: &Lab) {
    for link in ["fifo", "windowed"] {
        let lines = Lines::new(lab, link, numbered(200));
        lines.until("reliable delivery", |sent, delivered| {
            assert_eq!(in_order_once(sent, delivered), Ok(()), "{link}");
            reliable_delivery(sent, delivered).is_ok()
        });
        thread::sleep(Duration::from_millis(500));
        assert_eq!(lines.delivered(), lines.sent, "{link}");
    }
}
