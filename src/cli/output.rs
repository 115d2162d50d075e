//! Standard output and standard error, whose readers may close them early.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Writes to standard output. It is no error if the reader has closed it, as `head` does.
pub(super) fn print(text: impl Display) -> anyhow::Result<()> {
    print_to(&mut io::stdout().lock(), text).map(|_| ())
}

/// As [`print`], a line at a time: whether somebody still reads.
pub(super) fn say(line: impl Display) -> anyhow::Result<bool> {
    print_to(&mut io::stdout().lock(), format_args!("{line}\n"))
}

/// Whether somebody still reads.
fn print_to(output: &mut impl Write, text: impl Display) -> anyhow::Result<bool> {
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .context("cannot write standard output"),
    }
}

/// A number and its noun, which is `one` in the singular: "1 run", "2 runs".
pub(super) fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {one}{plural}")
}

/// Writes a line to standard error. If that fails, there is no other place to report it.
pub(super) fn complain(what: impl Display) {
    let _ = writeln!(io::stderr().lock(), "stubborn: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that fails at every write.
    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(0, "run"), "0 runs");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(2, "run"), "2 runs");
    }

    #[test]
    fn a_reader_who_has_enough_is_no_error_and_a_full_disk_is() {
        let has_enough = print_to(&mut Fails(ErrorKind::BrokenPipe), "text");
        assert!(has_enough.is_ok_and(|reads| !reads));
        assert!(print_to(&mut Fails(ErrorKind::StorageFull), "text").is_err());
    }
}
