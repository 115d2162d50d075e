//! Options as they are in the header: kind, length, data.

pub(super) const END: u8 = 0;
pub(super) const NO_OPERATION: u8 = 1;

/// One option as it is in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum RawOption<'a> {
    /// End of option list: anything after it is ignored.
    End,
    /// NOP.
    NoOperation,
    /// Any other kind, with the data behind its length.
    Option { kind: u8, data: &'a [u8] },
    /// An impossible length: nothing after it can be read.
    Bad,
}

/// The options of a header, one after the other.
pub(in crate::wire) struct RawOptions<'a>(pub(in crate::wire) &'a [u8]);

impl<'a> Iterator for RawOptions<'a> {
    type Item = RawOption<'a>;

    fn next(&mut self) -> Option<RawOption<'a>> {
        let octets = core::mem::take(&mut self.0);
        match *octets.first()? {
            END => Some(RawOption::End),
            NO_OPERATION => {
                self.0 = &octets[1..];
                Some(RawOption::NoOperation)
            }
            kind => {
                let len = usize::from(octets.get(1).copied().unwrap_or(0));
                let Some(data) = octets.get(2..len) else {
                    return Some(RawOption::Bad);
                };
                self.0 = &octets[len..];
                Some(RawOption::Option { kind, data })
            }
        }
    }
}
