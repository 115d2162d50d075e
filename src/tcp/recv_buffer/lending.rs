//! Lending text to the reader in place of copying it: see [`loan`](super::super::loan).

use super::RecvBuffer;
use crate::tcp::loan::{Lent, Loan, Out};
use crate::tcp::ring::Ring;
use crate::tcp::seq::Seq;

impl RecvBuffer {
    /// Lends up to `most` octets in order, with the memory they lie in. `None` if there is nothing,
    /// or something is lent already.
    ///
    /// Either what lies beyond the loan moves to the other ring, or, if that is more, a copy of the
    /// loan does. So no more octets are copied than a read would copy, and none of those that lie
    /// where they arrived.
    pub(crate) fn lend(&mut self, most: usize) -> Option<Loan> {
        let lent = self.read..self.read + self.len().min(most);
        if lent.is_empty() || self.is_lent() {
            return None;
        }
        let aside = self.aside.get_or_insert_default();
        if let Some(part) = aside.kept.pop(lent.end) {
            aside.out = Some(Out {
                end: part.end(),
                memory: part.text.memory_size(),
                is_ring: false,
            });
            return Some(Loan {
                left: part.at..part.end(),
                lent: Lent::Part(part),
            });
        }
        let mut other = core::mem::take(&mut aside.spare);
        let rest = lent.end..self.next;
        let beyond = (rest.end - rest.start) + self.ahead.places();
        if beyond <= lent.end - lent.start {
            other.reserve(lent.end..lent.end, lent.end..self.end());
            for range in core::iter::once(&rest).chain(self.ahead.iter()) {
                other.write(range.start, self.ring.text(range.clone()));
            }
            core::mem::swap(&mut self.ring, &mut other);
        } else {
            other.reserve(lent.start..lent.start, lent.clone());
            other.write(lent.start, self.ring.text(lent.clone()));
        }
        self.aside.get_or_insert_default().out = Some(Out {
            end: lent.end,
            memory: other.size(),
            is_ring: true,
        });
        Some(Loan {
            lent: Lent::Ring(other),
            left: lent,
        })
    }

    /// The reader has consumed part of the loan, so there is room for more.
    pub(crate) fn consumed(&mut self, loan: &Loan) {
        self.read = self.read.max(loan.left.start);
    }

    /// Takes a loan back. What is not consumed can be read again.
    pub(crate) fn take_back(&mut self, loan: Loan) {
        self.consumed(&loan);
        let Some(aside) = &mut self.aside else {
            return;
        };
        let Some(out) = aside.out.take() else {
            return;
        };
        match loan.lent {
            Lent::Part(part) => {
                if self.read < out.end {
                    aside.kept.push_front(part);
                }
                // Forgets what was discarded meanwhile.
                aside.kept.forget_before(self.read);
            }
            Lent::Ring(ring) => self.take_ring_back(ring, out.end),
        }
    }

    fn take_ring_back(&mut self, mut ring: Ring, lent_end: Seq) {
        let left = self.read..lent_end;
        if self.end() <= lent_end {
            // Nothing has arrived meanwhile: the ring is put back as it is.
            core::mem::swap(&mut self.ring, &mut ring);
        } else if left.start < left.end {
            self.ring
                .reserve(left.end..self.end(), left.start..self.end());
            self.ring.write(left.start, ring.text(left));
        }
        self.aside.get_or_insert_default().spare = ring;
    }

    /// Whether something is lent.
    pub(crate) fn is_lent(&self) -> bool {
        self.out().is_some()
    }

    pub(super) fn out(&self) -> Option<Out> {
        self.aside.as_ref()?.out
    }
}
