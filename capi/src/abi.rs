//! The border to C: pointers become slices and values; results become `-1` and `errno`.
//!
//! Every function here that takes a pointer trusts the caller of the exported function to have
//! passed what the manual of the C library asks for: what a null pointer stands for is checked,
//! the rest cannot be.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use libc::{
    c_int, c_void, iovec, msghdr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t,
};
use stubborn::bsd::{Ancillary, Errno, Received};

/// What a call gives to C.
pub(crate) trait Answer {
    /// As the C library has it.
    type C;

    /// What it gives on success.
    fn value(self) -> Self::C;

    /// What it gives on failure.
    const FAILURE: Self::C;
}

impl Answer for () {
    type C = c_int;
    const FAILURE: c_int = -1;

    fn value(self) -> c_int {
        0
    }
}

impl Answer for i32 {
    type C = c_int;
    const FAILURE: c_int = -1;

    fn value(self) -> c_int {
        self
    }
}

impl Answer for usize {
    type C = isize;
    const FAILURE: isize = -1;

    fn value(self) -> isize {
        self as isize
    }
}

/// Runs a call: its result, or failure and `errno`. A panic is a failure too (`EIO`), and ends
/// here.
pub(crate) fn guard<T: Answer>(call: impl FnOnce() -> Result<T, Errno>) -> T::C {
    let answer = catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(Errno::EIO));
    match answer {
        Ok(value) => value.value(),
        Err(error) => {
            set_errno(error.number());
            T::FAILURE
        }
    }
}

/// Sets `errno` of this thread.
pub(crate) fn set_errno(number: c_int) {
    // SAFETY: the C library's own place for this thread's `errno`, valid as long as it runs.
    unsafe { *libc::__errno_location() = number };
}

/// No call takes or gives more octets at once, however many it says that there are: what Linux has
/// as `MAX_RW_COUNT`.
const MOST_OCTETS: usize = 0x7fff_f000;

/// Octets to read, [`MOST_OCTETS`] at most.
///
/// # Safety
/// `data` is null, or `len` octets can be read there and nobody writes to them before `'a` ends.
pub(crate) unsafe fn octets<'a>(data: *const c_void, len: usize) -> Result<&'a [u8], Errno> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Errno::EFAULT),
        // SAFETY: the caller's word.
        (false, _) => Ok(unsafe { slice::from_raw_parts(data.cast(), len.min(MOST_OCTETS)) }),
    }
}

/// Octets to write, [`MOST_OCTETS`] at most.
///
/// # Safety
/// `data` is null, or `len` octets can be written there and nobody else touches them before `'a`
/// ends.
pub(crate) unsafe fn octets_mut<'a>(data: *mut c_void, len: usize) -> Result<&'a mut [u8], Errno> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Errno::EFAULT),
        // SAFETY: the caller's word.
        (false, _) => Ok(unsafe { slice::from_raw_parts_mut(data.cast(), len.min(MOST_OCTETS)) }),
    }
}

/// Values to read and write.
///
/// # Safety
/// `values` is null, or `count` of them are there and nobody else touches them before `'a` ends.
pub(crate) unsafe fn values<'a, T>(values: *mut T, count: usize) -> Result<&'a mut [T], Errno> {
    // More cannot be anywhere.
    let size = count.checked_mul(size_of::<T>());
    if size.is_none_or(|size| size > MOST_OCTETS) {
        return Err(Errno::EINVAL);
    }
    match (values.is_null(), count) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Errno::EFAULT),
        // SAFETY: the caller's word.
        (false, _) => Ok(unsafe { slice::from_raw_parts_mut(values, count) }),
    }
}

/// An address that C gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `AF_UNSPEC`.
    Unspecified,
    /// `AF_INET`, `AF_INET6`.
    Inet(SocketAddr),
}

impl Address {
    /// It must be one of IP.
    pub(crate) fn inet(self) -> Result<SocketAddr, Errno> {
        match self {
            Address::Inet(address) => Ok(address),
            Address::Unspecified => Err(Errno::EAFNOSUPPORT),
        }
    }
}

/// An address that C gives.
///
/// # Safety
/// `address` is null, or `len` octets can be read there.
pub(crate) unsafe fn address(address: *const sockaddr, len: socklen_t) -> Result<Address, Errno> {
    let len = len as usize;
    if address.is_null() {
        return Err(Errno::EFAULT);
    }
    if len < size_of::<sa_family_t>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller's word: there are that many octets.
    let family = unsafe { address.cast::<sa_family_t>().read_unaligned() };
    match c_int::from(family) {
        libc::AF_UNSPEC => Ok(Address::Unspecified),
        libc::AF_INET if len >= size_of::<sockaddr_in>() => {
            // SAFETY: as above; any octets are a valid `sockaddr_in`.
            let inet = unsafe { address.cast::<sockaddr_in>().read_unaligned() };
            let ip = Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr));
            Ok(Address::Inet((ip, u16::from_be(inet.sin_port)).into()))
        }
        libc::AF_INET6 if len >= size_of::<sockaddr_in6>() => {
            // SAFETY: as above; any octets are a valid `sockaddr_in6`.
            let inet = unsafe { address.cast::<sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(inet.sin6_addr.s6_addr);
            Ok(Address::Inet((ip, u16::from_be(inet.sin6_port)).into()))
        }
        libc::AF_INET | libc::AF_INET6 => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// The octets of an address as C has it.
pub(crate) fn sockaddr_octets(address: SocketAddr) -> Vec<u8> {
    let mut octets = Vec::with_capacity(size_of::<sockaddr_in6>());
    match address {
        SocketAddr::V4(v4) => {
            octets.extend((libc::AF_INET as sa_family_t).to_ne_bytes());
            octets.extend(v4.port().to_be_bytes());
            octets.extend(v4.ip().octets());
            octets.extend([0; 8]);
        }
        SocketAddr::V6(v6) => {
            octets.extend((libc::AF_INET6 as sa_family_t).to_ne_bytes());
            octets.extend(v6.port().to_be_bytes());
            octets.extend(0u32.to_ne_bytes());
            octets.extend(SocketAddrV6::ip(&v6).octets());
            octets.extend(0u32.to_ne_bytes());
        }
    }
    octets
}

/// Gives C an address, as far as it has room; `len` says how long it is.
///
/// # Safety
/// `place` is null, or `len` can be read and written, and that many octets written at `place`.
pub(crate) unsafe fn give_address(
    place: *mut sockaddr,
    len: *mut socklen_t,
    address: SocketAddr,
) -> Result<(), Errno> {
    if place.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's word.
    unsafe { give_octets(place.cast(), len, &sockaddr_octets(address)).map(drop) }?;
    // SAFETY: as above; it was not null, or that had failed.
    unsafe { *len = sockaddr_octets(address).len() as socklen_t };
    Ok(())
}

/// Gives C octets, as far as it has room; `len` says how many it got.
///
/// # Safety
/// `len` is null, or can be read and written, and that many octets written at `place`.
pub(crate) unsafe fn give_octets(
    place: *mut c_void,
    len: *mut socklen_t,
    octets: &[u8],
) -> Result<usize, Errno> {
    if len.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller's word.
    let room = unsafe { *len };
    if (room as i32) < 0 {
        return Err(Errno::EINVAL);
    }
    let given = octets.len().min(room as usize);
    // SAFETY: the caller's word.
    unsafe { octets_mut(place, given) }?.copy_from_slice(&octets[..given]);
    // SAFETY: the caller's word.
    unsafe { *len = given as socklen_t };
    Ok(given)
}

/// The most pieces that a call takes.
const MOST_PIECES: usize = 1024;

/// The pieces of a vector. They are read only: it may be constant, and others may read it meanwhile.
///
/// # Safety
/// `pieces` is null, or `count` of them are there, and nobody writes to them before `'a` ends.
unsafe fn vector<'a>(pieces: *const iovec, count: usize) -> Result<&'a [iovec], Errno> {
    match (pieces.is_null(), count) {
        _ if count > MOST_PIECES => Err(Errno::EINVAL),
        (_, 0) => Ok(&[]),
        (true, _) => Err(Errno::EFAULT),
        // SAFETY: the caller's word.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pieces, count) }),
    }
}

/// What the pieces of a vector hold, one after the other.
///
/// # Safety
/// `pieces` is null, or `count` of them are there, each as [`octets`] asks for.
pub(crate) unsafe fn gather(pieces: *const iovec, count: usize) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    // SAFETY: the caller's word.
    for piece in unsafe { vector(pieces, count) }? {
        // SAFETY: the caller's word.
        text.extend_from_slice(unsafe { octets(piece.iov_base, piece.iov_len) }?);
    }
    Ok(text)
}

/// The room of a vector, in octets.
///
/// # Safety
/// `pieces` is null, or `count` of them are there.
pub(crate) unsafe fn room(pieces: *const iovec, count: usize) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    let pieces = unsafe { vector(pieces, count) }?;
    let total = pieces
        .iter()
        .try_fold(0usize, |total, piece| total.checked_add(piece.iov_len));
    total
        .filter(|total| isize::try_from(*total).is_ok())
        .ok_or(Errno::EINVAL)
}

/// Fills the pieces of a vector, one after the other.
///
/// # Safety
/// As [`gather`], and the pieces can be written.
pub(crate) unsafe fn scatter(
    pieces: *const iovec,
    count: usize,
    mut text: &[u8],
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    for piece in unsafe { vector(pieces, count) }? {
        let len = text.len().min(piece.iov_len);
        // SAFETY: the caller's word.
        unsafe { octets_mut(piece.iov_base, len) }?.copy_from_slice(&text[..len]);
        text = &text[len..];
    }
    Ok(())
}

/// Gives C what recvmsg received: the text, the address, the control messages, the flags.
///
/// # Safety
/// `message` is what recvmsg takes, all of it.
pub(crate) unsafe fn give_message(
    message: *mut msghdr,
    received: &Received,
    text: &[u8],
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    let message = unsafe { message.as_mut() }.ok_or(Errno::EFAULT)?;
    // SAFETY: the caller's word.
    unsafe { scatter(message.msg_iov, message.msg_iovlen, text) }?;
    match received.from {
        Some(from) if !message.msg_name.is_null() => {
            // SAFETY: the caller's word.
            unsafe { give_address(message.msg_name.cast(), &mut message.msg_namelen, from) }?;
        }
        _ => message.msg_namelen = 0,
    }
    message.msg_flags = received.flags;
    let room = match message.msg_control.is_null() {
        true => 0,
        false => message.msg_controllen,
    };
    // SAFETY: the caller's word: this many octets of control messages.
    let place = unsafe { octets_mut(message.msg_control, room) }?;
    let (len, cut) = put_control(place, received);
    message.msg_controllen = len;
    if cut {
        message.msg_flags |= libc::MSG_CTRUNC;
    }
    Ok(())
}

/// Where the length, the level and the type of a control message are, and where its data.
const ALIGN: usize = size_of::<usize>();
const HEADER: usize = size_of::<usize>() + 2 * size_of::<c_int>();

/// The control messages that C gives to sendmsg.
///
/// # Safety
/// `place` is null, or `len` octets can be read there.
pub(crate) unsafe fn control(place: *const c_void, len: usize) -> Result<Vec<Ancillary>, Errno> {
    match place.is_null() {
        true => Ok(Vec::new()),
        // SAFETY: the caller's word.
        false => take_control(unsafe { octets(place, len) }?),
    }
}

/// Reads control messages; one that says it is longer than there are octets is `EINVAL`, as on Linux.
fn take_control(octets: &[u8]) -> Result<Vec<Ancillary>, Errno> {
    let mut messages = Vec::new();
    let mut rest = octets;
    while let Some((header, _)) = rest.split_at_checked(HEADER) {
        let word = |at: usize| header[at..].first_chunk().map_or(0, |it| c_int::from_ne_bytes(*it));
        let len = header.first_chunk().map_or(0, |it| usize::from_ne_bytes(*it));
        let Some(data) = rest.get(HEADER..len) else {
            return Err(Errno::EINVAL);
        };
        messages.push(Ancillary {
            level: word(ALIGN),
            kind: word(ALIGN + size_of::<c_int>()),
            data: data.to_vec(),
        });
        rest = rest.get(len.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    Ok(messages)
}

/// Writes control messages; returns how long they are, and whether some had no room.
fn put_control(place: &mut [u8], received: &Received) -> (usize, bool) {
    let mut at = 0;
    for control in &received.control {
        let data = control.data();
        let len = HEADER + data.len();
        let Some(place) = place.get_mut(at..at + len) else {
            return (at, true);
        };
        place[..ALIGN].copy_from_slice(&len.to_ne_bytes());
        place[ALIGN..ALIGN + 4].copy_from_slice(&control.level().to_ne_bytes());
        place[ALIGN + 4..HEADER].copy_from_slice(&control.kind().to_ne_bytes());
        place[HEADER..].copy_from_slice(&data);
        at += len.next_multiple_of(ALIGN);
    }
    (at.min(place.len()), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stubborn::bsd::Control;

    #[test]
    fn addresses_go_to_c_and_back() {
        for text in ["10.0.0.1:80", "[fd00::1]:65535"] {
            let known: SocketAddr = text.parse().unwrap();
            let octets = sockaddr_octets(known);
            // SAFETY: the octets of an address, and how many.
            let back = unsafe { address(octets.as_ptr().cast(), octets.len() as socklen_t) };
            assert_eq!(back, Ok(Address::Inet(known)));
            // SAFETY: as above, and fewer.
            let short = unsafe { address(octets.as_ptr().cast(), 15) };
            assert_eq!(short, Err(Errno::EINVAL));
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { address(std::ptr::null(), 16) }, Err(Errno::EFAULT));
    }

    /// More than there can be is an error, and no slice.
    #[test]
    fn what_cannot_be_there_is_refused() {
        let mut lines = [0u64; 2];
        let most = usize::MAX / size_of::<u64>();
        for count in [most, most + 1, usize::MAX] {
            // SAFETY: nothing is made of so many.
            let refused = unsafe { values(lines.as_mut_ptr(), count) };
            assert_eq!(refused, Err(Errno::EINVAL));
        }
        // SAFETY: there are as many.
        let both = unsafe { values(lines.as_mut_ptr(), 2) };
        assert_eq!(both, Ok(&mut [0; 2][..]));
    }

    #[test]
    fn control_messages_lie_where_c_looks_for_them() {
        let received = Received {
            control: vec![Control::Inq(7)],
            ..Received::default()
        };
        let mut place = [0; 64];
        assert_eq!(put_control(&mut place, &received), (24, false));
        assert_eq!(place[..8], 20u64.to_ne_bytes());
        assert_eq!(place[16..20], 7i32.to_ne_bytes());
        assert_eq!(put_control(&mut [0; 19], &received), (0, true));
    }

    #[test]
    fn control_messages_of_c_are_read_one_after_the_other() {
        let received = Received {
            control: vec![Control::Inq(7), Control::Inq(8)],
            ..Received::default()
        };
        let mut place = [0; 48];
        assert_eq!(put_control(&mut place, &received), (48, false));
        let message = |control: &Control| Ancillary {
            level: control.level(),
            kind: control.kind(),
            data: control.data(),
        };
        let both: Vec<_> = received.control.iter().map(message).collect();
        assert_eq!(take_control(&place), Ok(both.clone()));
        assert_eq!(take_control(&place[..44]), Ok(both.clone()));
        assert_eq!(take_control(&place[..24]), Ok(both[..1].to_vec()));
        assert_eq!(take_control(&place[..30]), Ok(both[..1].to_vec()));
        assert_eq!(take_control(&place[..43]), Err(Errno::EINVAL));
        assert_eq!(take_control(&[0; 16]), Err(Errno::EINVAL));
        // SAFETY: null is allowed.
        assert_eq!(unsafe { control(std::ptr::null(), 9) }, Ok(Vec::new()));
    }

    #[test]
    fn a_panic_is_an_error() {
        let answer = guard(|| -> Result<(), Errno> { panic!("a test") });
        assert_eq!(answer, -1);
        assert_eq!(nix::errno::Errno::last_raw(), libc::EIO);
    }
}
