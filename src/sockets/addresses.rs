//! Sockets opened as those of [`std::net`] are: with whatever stands for addresses.

use core::net::SocketAddr;
use std::io;
use std::net::ToSocketAddrs;

use super::listener::TcpListener;
use super::net::Net;
use super::stream::TcpStream;

impl TcpListener {
    /// Listens on `address` of the host `net`: the first that can be had, if it stands for
    /// several. See [`Net::listen`].
    ///
    /// # Errors
    /// As [`Net::listen`], of the last address tried.
    pub fn bind(net: &Net, address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        first(address, |address| net.listen(address))
    }
}

impl TcpStream {
    /// Connects the host `net` to `address`: to the first that answers, if it stands for several.
    ///
    /// # Errors
    /// As [`Net::connect`], of the last address tried.
    pub fn connect(net: &Net, address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        first(address, |address| net.connect(address))
    }
}

/// What `open` gives for the first of the addresses for which it succeeds.
pub(super) fn first<T>(
    addresses: impl ToSocketAddrs,
    mut open: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "no address was given");
    let mut answer = Err(none());
    for address in addresses.to_socket_addrs()? {
        answer = open(address);
        if answer.is_ok() {
            break;
        }
    }
    answer
}
