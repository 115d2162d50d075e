//! The memory that a packet from a TUN device takes, as in Linux.

/// The descriptor of a packet, in octets, on a 64-bit machine.
const DESCRIPTION: usize = 256;
/// Octets behind those of a packet in its buffer.
pub(super) const TRAILER: usize = 320;
/// Free octets before the IP header.
pub(super) const HEADROOM: usize = 64;
/// Buffers have this size, or a power of two above it.
const LEAST_BUFFER: usize = 576;
/// What does not fit such a buffer lies in pages.
const LARGEST_BUFFER: usize = 8192;
pub(super) const PAGE: usize = 4096;

/// The size of the buffer for this many octets, and all the memory that they
/// take.
pub(super) fn buffer_of(octets: usize) -> (usize, usize) {
    let buffer = match octets <= LEAST_BUFFER {
        true => LEAST_BUFFER,
        false => octets.next_power_of_two().min(LARGEST_BUFFER),
    };
    let pages = octets.saturating_sub(buffer).next_multiple_of(PAGE);
    (buffer, DESCRIPTION + buffer + pages)
}

/// The memory that a datagram of this many octets takes, headers included.
pub(crate) fn memory_of(datagram: usize) -> usize {
    buffer_of(HEADROOM + datagram + TRAILER).1
}
