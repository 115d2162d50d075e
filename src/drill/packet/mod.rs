//! Packets of a script and packets of the stack: made, read, translated, compared, shown.

mod build;
mod compare;
mod icmp;
mod ip;
mod merge;
mod numbers;
mod observed;
mod outer;
mod show;

pub(super) use build::{Addresses, Route, build};
pub(super) use compare::{Comparison, FlowLabels};
pub(super) use icmp::check as check_icmp;
pub(super) use merge::merge;
pub(super) use numbers::Numbers;
pub(super) use observed::{Content, Observed};
pub(super) use show::show;

/// The control bits, as in the header.
pub(super) mod control {
    pub(in super::super) const FIN: u16 = 1 << 0;
    pub(in super::super) const SYN: u16 = 1 << 1;
    pub(in super::super) const RST: u16 = 1 << 2;
    pub(in super::super) const PSH: u16 = 1 << 3;
    pub(in super::super) const ACK: u16 = 1 << 4;
    pub(in super::super) const CWR: u16 = 1 << 7;
}
