//! The memory that a packet takes which came through a TUN device, as in Linux.

/// What describes a packet, in octets, on a machine of 64 bits.
const DESCRIPTION: usize = 256;
/// What stands behind the octets of a packet, in its buffer.
pub(super) const TRAILER: usize = 320;
/// What is free before the IP header.
pub(super) const HEADROOM: usize = 64;
/// Buffers have this size, or a power of two above it.
const LEAST_BUFFER: usize = 576;
/// What a larger buffer would hold lies in pages.
const LARGEST_BUFFER: usize = 8192;
pub(super) const PAGE: usize = 4096;

/// The buffer that takes so many octets, and all the memory that they take.
pub(super) fn buffer_of(octets: usize) -> (usize, usize) {
    let buffer = match octets <= LEAST_BUFFER {
        true => LEAST_BUFFER,
        false => octets.next_power_of_two().min(LARGEST_BUFFER),
    };
    let pages = octets.saturating_sub(buffer).next_multiple_of(PAGE);
    (buffer, DESCRIPTION + buffer + pages)
}

/// The memory that a datagram of so many octets takes, headers included.
pub(crate) fn memory_of(datagram: usize) -> usize {
    buffer_of(HEADROOM + datagram + TRAILER).1
}
