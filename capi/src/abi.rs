//! The border to C: pointers become slices and values; results become `-1` and `errno`.
//!
//! Every function here that takes a pointer trusts the caller of the exported function to have
//! passed what the manual of the C library asks for: what a null pointer stands for is checked,
//! the rest cannot be.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use libc::{
    c_int, c_void, iovec, msghdr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6,
    sockaddr_storage, socklen_t,
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

/// No address is longer: `struct sockaddr_storage`.
const LONGEST_ADDRESS: usize = size_of::<sockaddr_storage>();
/// Octets of a `struct sockaddr_in6` as RFC 2133 had it, which Linux takes, too: without the scope.
const SHORT_IN6: usize = 24;

/// An address that C gives.
///
/// # Safety
/// `address` is null, or `len` octets can be read there.
pub(crate) unsafe fn address(address: *const sockaddr, len: socklen_t) -> Result<Address, Errno> {
    let len = len as usize;
    if len > LONGEST_ADDRESS {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller's word: there are that many octets.
    take_address(unsafe { octets(address.cast(), len) }?)
}

fn take_address(octets: &[u8]) -> Result<Address, Errno> {
    let family = octets.first_chunk().ok_or(Errno::EINVAL)?;
    let port = octets.get(2..).and_then(|rest| rest.first_chunk());
    let port = port.map_or(0, |port| u16::from_be_bytes(*port));
    match c_int::from(sa_family_t::from_ne_bytes(*family)) {
        libc::AF_UNSPEC => Ok(Address::Unspecified),
        libc::AF_INET if octets.len() >= size_of::<sockaddr_in>() => {
            let ip: Option<&[u8; 4]> = octets[4..].first_chunk();
            let ip = Ipv4Addr::from(*ip.ok_or(Errno::EINVAL)?);
            Ok(Address::Inet((ip, port).into()))
        }
        libc::AF_INET6 if octets.len() >= SHORT_IN6 => {
            let ip: Option<&[u8; 16]> = octets[8..].first_chunk();
            let ip = Ipv6Addr::from(*ip.ok_or(Errno::EINVAL)?);
            Ok(Address::Inet((ip, port).into()))
        }
        libc::AF_INET | libc::AF_INET6 => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Where sendmsg sends to, if it says. To Linux, no octets are no address, and those behind the longest do not
/// count.
///
/// # Safety
/// `message` has what sendmsg takes.
pub(crate) unsafe fn destination(message: &msghdr) -> Result<Option<Address>, Errno> {
    match (
        message.msg_name.is_null(),
        message.msg_namelen.cast_signed(),
    ) {
        (_, ..0) => Err(Errno::EINVAL),
        (true, _) | (_, 0) => Ok(None),
        (false, len) => {
            let len = len.cast_unsigned().min(LONGEST_ADDRESS as socklen_t);
            // SAFETY: the caller's word.
            unsafe { address(message.msg_name.cast(), len) }.map(Some)
        }
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

/// Gives C an address, as far as it has room; `len` says how long it is: 0 if there is none.
///
/// # Safety
/// As [`give_octets`].
pub(crate) unsafe fn give_address(
    place: *mut sockaddr,
    len: *mut socklen_t,
    address: Option<SocketAddr>,
) -> Result<(), Errno> {
    let octets = address.map_or_else(Vec::new, sockaddr_octets);
    // SAFETY: the caller's word.
    unsafe { give_octets(place.cast(), len, &octets) }?;
    // SAFETY: as above; it was not null, or that had failed.
    unsafe { *len = octets.len() as socklen_t };
    Ok(())
}

/// How many octets C has room for.
///
/// # Safety
/// `len` is null, or can be read.
pub(crate) unsafe fn room_for(len: *const socklen_t) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    let room = unsafe { len.as_ref() }.ok_or(Errno::EFAULT)?;
    let room = i32::try_from(*room).map_err(|_| Errno::EINVAL)?;
    usize::try_from(room).map_err(|_| Errno::EINVAL)
}

/// Gives C octets, as far as it has room; `len` says how many it got.
///
/// # Safety
/// `len` is null, or can be read and written, and that many octets written at `place`, unless that is null.
pub(crate) unsafe fn give_octets(
    place: *mut c_void,
    len: *mut socklen_t,
    octets: &[u8],
) -> Result<(), Errno> {
    // SAFETY: the caller's word.
    let given = octets.len().min(unsafe { room_for(len) }?);
    // SAFETY: the caller's word.
    unsafe { octets_mut(place, given) }?.copy_from_slice(&octets[..given]);
    // SAFETY: the caller's word.
    unsafe { *len = given as socklen_t };
    Ok(())
}

/// The most pieces that a call takes.
const MOST_PIECES: usize = 1024;

/// The pieces of a vector. They are read only: it may be constant, and others may read it meanwhile. `too_many`: what
/// the call says of more than [`MOST_PIECES`].
///
/// # Safety
/// `pieces` is null, or `count` of them are there, and nobody writes to them before `'a` ends.
unsafe fn vector<'a>(
    pieces: *const iovec,
    count: usize,
    too_many: Errno,
) -> Result<&'a [iovec], Errno> {
    match (pieces.is_null(), count) {
        _ if count > MOST_PIECES => Err(too_many),
        (_, 0) => Ok(&[]),
        (true, _) => Err(Errno::EFAULT),
        // SAFETY: the caller's word.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pieces, count) }),
    }
}

/// Octets of a vector, [`MOST_OCTETS`] at most.
fn total(pieces: &[iovec]) -> Result<usize, Errno> {
    // A negative length is a large one without a sign.
    match pieces
        .iter()
        .all(|piece| isize::try_from(piece.iov_len).is_ok())
    {
        true => Ok(pieces.iter().fold(0, |total: usize, piece| {
            total.saturating_add(piece.iov_len).min(MOST_OCTETS)
        })),
        false => Err(Errno::EINVAL),
    }
}

/// What the pieces of a vector hold, one after the other, [`MOST_OCTETS`] at most.
///
/// # Safety
/// `pieces` is null, or `count` of them are there, each as [`octets`] asks for.
pub(crate) unsafe fn gather(
    pieces: *const iovec,
    count: usize,
    too_many: Errno,
) -> Result<Vec<u8>, Errno> {
    // SAFETY: the caller's word.
    let pieces = unsafe { vector(pieces, count, too_many) }?;
    let total = total(pieces)?;
    let mut text = Vec::new();
    text.try_reserve_exact(total).map_err(|_| Errno::ENOMEM)?;
    for piece in pieces {
        let len = piece.iov_len.min(total - text.len());
        // SAFETY: the caller's word.
        text.extend_from_slice(unsafe { octets(piece.iov_base, len) }?);
    }
    Ok(text)
}

/// The room of a vector, in octets.
///
/// # Safety
/// `pieces` is null, or `count` of them are there.
pub(crate) unsafe fn room(
    pieces: *const iovec,
    count: usize,
    too_many: Errno,
) -> Result<usize, Errno> {
    // SAFETY: the caller's word.
    total(unsafe { vector(pieces, count, too_many) }?)
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
    for piece in unsafe { vector(pieces, count, Errno::EINVAL) }? {
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
            unsafe {
                give_address(
                    message.msg_name.cast(),
                    &mut message.msg_namelen,
                    Some(from),
                )
            }?;
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
        let word = |at: usize| {
            header[at..]
                .first_chunk()
                .map_or(0, |it| c_int::from_ne_bytes(*it))
        };
        let len = header
            .first_chunk()
            .map_or(0, |it| usize::from_ne_bytes(*it));
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
        let mut octets = sockaddr_octets("[fd00::1]:80".parse().unwrap());
        octets.resize(LONGEST_ADDRESS + 1, 0);
        for (len, is_taken) in [
            (23, false),
            (24, true),
            (27, true),
            (128, true),
            (129, false),
        ] {
            // SAFETY: there are that many octets.
            let known = unsafe { address(octets.as_ptr().cast(), len) };
            assert_eq!(known.is_ok(), is_taken, "{len}");
        }
    }

    /// As Linux has it: sendmsg without octets of an address goes to whom the socket is connected to.
    #[test]
    fn a_message_may_say_where_to() {
        let mut octets = sockaddr_octets("10.0.0.1:80".parse().unwrap());
        octets.resize(LONGEST_ADDRESS, 0);
        // SAFETY: any octets are a message; zeros are one of nothing.
        let mut message: msghdr = unsafe { std::mem::zeroed() };
        let known = Address::Inet("10.0.0.1:80".parse().unwrap());
        for (name, len, expected) in [
            (std::ptr::null_mut(), 16, Ok(None)),
            (octets.as_mut_ptr().cast(), 0, Ok(None)),
            (octets.as_mut_ptr().cast(), 16, Ok(Some(known))),
            (octets.as_mut_ptr().cast(), 500, Ok(Some(known))),
            (octets.as_mut_ptr().cast(), 15, Err(Errno::EINVAL)),
            (octets.as_mut_ptr().cast(), u32::MAX, Err(Errno::EINVAL)),
        ] {
            (message.msg_name, message.msg_namelen) = (name, len);
            // SAFETY: there are as many octets as an address has.
            assert_eq!(unsafe { destination(&message) }, expected);
        }
    }

    /// As Linux has it: no piece has a negative length, nothing is longer than `MAX_RW_COUNT`, and too many pieces
    /// are told by the error of the call.
    #[test]
    fn vectors_have_bounds() {
        let mut text = *b"abc";
        let iov_base: *mut c_void = text.as_mut_ptr().cast();
        let piece = |iov_len| iovec { iov_base, iov_len };
        let (few, many) = (vec![piece(3); 2], vec![piece(1); MOST_PIECES + 1]);
        let negative = [piece(3), piece(usize::MAX)];
        let large = [piece(isize::MAX as usize), piece(isize::MAX as usize)];
        let all = |pieces: &[iovec]| {
            // SAFETY: of those that are too long or too many nothing is read.
            unsafe { gather(pieces.as_ptr(), pieces.len(), Errno::EMSGSIZE) }
        };
        assert_eq!(all(&few), Ok(b"abcabc".to_vec()));
        assert_eq!(all(&many), Err(Errno::EMSGSIZE));
        assert_eq!(all(&negative), Err(Errno::EINVAL));
        // SAFETY: nothing is read.
        let room = unsafe { room(large.as_ptr(), 2, Errno::EINVAL) };
        assert_eq!(room, Ok(MOST_OCTETS));
    }

    #[test]
    fn what_is_given_has_room_or_is_an_error() {
        let mut place = [0; 8];
        let mut give = |room: u32| {
            let mut len = room;
            // SAFETY: there is as much room, or it is refused.
            let given = unsafe { give_octets(place.as_mut_ptr().cast(), &mut len, b"abc") };
            (given, len)
        };
        assert_eq!(give(2), (Ok(()), 2));
        assert_eq!(give(8), (Ok(()), 3));
        assert_eq!(give(u32::MAX), (Err(Errno::EINVAL), u32::MAX));
        let null = std::ptr::null_mut();
        let mut len = 1;
        // SAFETY: null is allowed.
        let refused = unsafe { give_octets(null, &mut len, b"abc") };
        assert_eq!(refused, Err(Errno::EFAULT));
        // SAFETY: null is allowed.
        assert_eq!(unsafe { give_address(null.cast(), &mut len, None) }, Ok(()));
        assert_eq!(len, 0, "nobody");
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
