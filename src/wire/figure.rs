//! A datagram as the figures of RFC 9293 §3.5 have it: `<SEQ=100><ACK=300><CTL=SYN,ACK>`.

use core::fmt::{self, Display, Formatter};

use super::{Control, Payload, dump};

/// A segment in the RFC's notation, with the length of its text as DATA; anything else, as
/// [`dump::describe`] prints it. Pads to a width.
///
/// ```
/// use stubborn::wire::figure;
///
/// let damaged = [0x45, 0, 0];
/// assert_eq!(format!("{:>12}", figure::segment(&damaged)), " (corrupted)");
/// ```
pub fn segment(datagram: &[u8]) -> impl Display {
    Figure(datagram)
}

struct Figure<'a>(&'a [u8]);

impl Display for Figure<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&text_of(self.0))
    }
}

fn text_of(datagram: &[u8]) -> String {
    let Ok(parsed) = super::parse(datagram) else {
        return "(corrupted)".to_owned();
    };
    let Payload::Tcp(header, text) = parsed.payload else {
        return dump::describe(datagram).to_string();
    };
    let mut line = format!("<SEQ={}>", header.seq);
    if header.control.has(Control::ACK) {
        line += &format!("<ACK={}>", header.ack);
    }
    if !text.is_empty() {
        line += &format!("<DATA={}>", text.len());
    }
    line + &format!("<CTL={}>", header.control)
}
