//! Constructors like those of [`std::net`], which take any [`ToSocketAddrs`].

use core::net::SocketAddr;
use std::io;
use std::net::ToSocketAddrs;

use super::listener::TcpListener;
use super::net::Net;
use super::stream::TcpStream;

impl TcpListener {
    /// Listens on `address` of the host `net`. If it yields several addresses, they are tried in order
    /// until one succeeds. See [`Net::listen`].
    ///
    /// # Errors
    /// As [`Net::listen`], for the last address tried.
    pub fn bind(net: &Net, address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        first(address, |address| net.listen(address))
    }
}

impl TcpStream {
    /// Connects the host `net` to `address`. If it yields several addresses, they are tried in order until
    /// one succeeds. See [`Net::connect`].
    ///
    /// # Errors
    /// As [`Net::connect`], for the last address tried.
    pub fn connect(net: &Net, address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        first(address, |address| net.connect(address))
    }
}

/// The result of `open` for the first address for which it succeeds, or else its last error.
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
