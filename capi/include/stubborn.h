/* stubborn for C: see docs/C.md. Written by cbindgen from capi/src; tests/header.rs keeps it current. */

#ifndef STUBBORN_H
#define STUBBORN_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

// A stack: made by `stubborn_open`, ended by `stubborn_free`. Any thread may use it at any time.
// Descriptors belong to their stack, and are no descriptors of the system. Functions do what their
// namesakes of POSIX do on Linux, with the same constants and structures. On failure they return -1
// and set `errno`; a null stack is `EFAULT`.
typedef struct stubborn stubborn;

// The functions that the program calls, each with `userdata` first; otherwise as the C library
// has them. `fcntl` and `ioctl` are variadic there: with the conventions of x86-64 and AArch64,
// one argument more is passed in the same way.
typedef struct packetdrill_interface {
  void *userdata;
  void (*free)(void*);
  int (*socket)(void*, int, int, int);
  int (*bind)(void*, int, const struct sockaddr*, socklen_t);
  int (*listen)(void*, int, int);
  int (*accept)(void*, int, struct sockaddr*, socklen_t*);
  int (*connect)(void*, int, const struct sockaddr*, socklen_t);
  ssize_t (*read)(void*, int, void*, size_t);
  ssize_t (*readv)(void*, int, const struct iovec*, int);
  ssize_t (*recv)(void*, int, void*, size_t, int);
  ssize_t (*recvfrom)(void*, int, void*, size_t, int, struct sockaddr*, socklen_t*);
  ssize_t (*recvmsg)(void*, int, struct msghdr*, int);
  ssize_t (*write)(void*, int, const void*, size_t);
  ssize_t (*writev)(void*, int, const struct iovec*, int);
  ssize_t (*send)(void*, int, const void*, size_t, int);
  ssize_t (*sendto)(void*, int, const void*, size_t, int, const struct sockaddr*, socklen_t);
  ssize_t (*sendmsg)(void*, int, const struct msghdr*, int);
  int (*fcntl)(void*, int, int, long);
  int (*ioctl)(void*, int, unsigned long, int*);
  int (*close)(void*, int);
  int (*shutdown)(void*, int, int);
  int (*getsockopt)(void*, int, int, int, void*, socklen_t*);
  int (*setsockopt)(void*, int, int, int, const void*, socklen_t);
  int (*poll)(void*, struct pollfd*, unsigned long, int);
  int (*netdev_send)(void*, const void*, size_t);
  int (*netdev_receive)(void*, void*, size_t*, long long*);
  int (*usleep)(void*, unsigned int);
  int (*gettimeofday)(void*, struct timeval*, void*);
  int (*epoll_create)(void*, int);
  int (*epoll_ctl)(void*, int, int, int, const struct epoll_event*);
  int (*epoll_wait)(void*, int, struct epoll_event*, int, int);
  int (*pipe)(void*, int*);
  ssize_t (*splice)(void*, int, int64_t*, int, int64_t*, size_t, unsigned int);
} packetdrill_interface;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Starts a stack on the TUN interface `tun`, which is made if it is not there. `addresses`: those
// of the stack, separated by commas, each an address of the interface's network that the kernel
// does not have. One with a prefix and an `@` before it (`@10.9.0.1/24`) is given to the kernel's
// end of the interface instead. Returns `NULL` and sets `errno` if that cannot be.
//
// # Safety
// Both are strings.
struct stubborn *stubborn_open(const char *tun, const char *addresses);

// Ends a stack: closes what is open, and gives connections two seconds to finish. `NULL` is ignored.
//
// # Safety
// `stack` comes from `stubborn_open`; nobody uses it any more, or ever will.
void stubborn_free(struct stubborn *stack);

// A new socket: `AF_INET` or `AF_INET6`, `SOCK_STREAM` or `SOCK_DGRAM`, which may carry
// `SOCK_NONBLOCK`.
//
// # Safety
// `stack` is valid.
int stubborn_socket(const struct stubborn *stack, int domain, int kind, int protocol);

// Gives a socket a local address.
//
// # Safety
// `stack` is valid, and `len` octets can be read at `address`.
int stubborn_bind(const struct stubborn *stack,
                  int fd,
                  const struct sockaddr *address,
                  socklen_t len);

// A socket takes connections from now on; at most `backlog` wait to be accepted.
//
// # Safety
// `stack` is valid.
int stubborn_listen(const struct stubborn *stack, int fd, int backlog);

// Accepts the next connection: returns it as a new socket, and gives the address of its peer.
//
// # Safety
// `stack` is valid; `address` is null, or `len` says how many octets can be written there.
int stubborn_accept(const struct stubborn *stack, int fd, struct sockaddr *address, socklen_t *len);

// As `stubborn_accept`; `flags` may be `SOCK_NONBLOCK`.
//
// # Safety
// As `stubborn_accept`.
int stubborn_accept4(const struct stubborn *stack,
                     int fd,
                     struct sockaddr *address,
                     socklen_t *len,
                     int flags);

// Connects; with `AF_UNSPEC`, disconnects.
//
// # Safety
// `stack` is valid, and `len` octets can be read at `address`.
int stubborn_connect(const struct stubborn *stack,
                     int fd,
                     const struct sockaddr *address,
                     socklen_t len);

// Ends sending (`SHUT_WR`), receiving (`SHUT_RD`), or both (`SHUT_RDWR`).
//
// # Safety
// `stack` is valid.
int stubborn_shutdown(const struct stubborn *stack, int fd, int how);

// Closes a descriptor. Its connection finishes in the background.
//
// # Safety
// `stack` is valid.
int stubborn_close(const struct stubborn *stack, int fd);

// Gives the local address of a socket.
//
// # Safety
// `stack` is valid; `len` says how many octets can be written at `address`.
int stubborn_getsockname(const struct stubborn *stack,
                         int fd,
                         struct sockaddr *address,
                         socklen_t *len);

// Gives the address of the peer.
//
// # Safety
// As `stubborn_getsockname`.
int stubborn_getpeername(const struct stubborn *stack,
                         int fd,
                         struct sockaddr *address,
                         socklen_t *len);

// Gives the value of an option.
//
// # Safety
// `stack` is valid; `len` says how many octets can be written at `value`.
int stubborn_getsockopt(const struct stubborn *stack,
                        int fd,
                        int level,
                        int name,
                        void *value,
                        socklen_t *len);

// Changes an option.
//
// # Safety
// `stack` is valid, and `len` octets can be read at `value`.
int stubborn_setsockopt(const struct stubborn *stack,
                        int fd,
                        int level,
                        int name,
                        const void *value,
                        socklen_t len);

// Flags of a descriptor: `F_GETFL`, and `F_SETFL` with `O_NONBLOCK` or 0.
//
// # Safety
// `stack` is valid.
int stubborn_fcntl(const struct stubborn *stack, int fd, int command, int argument);

// `FIONREAD`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`, `FIONBIO`.
//
// # Safety
// `stack` is valid, and `argument` can be read and written.
int stubborn_ioctl(const struct stubborn *stack, int fd, unsigned long request, int *argument);

// Waits until a descriptor is ready, `millis` at most (-1: for ever).
//
// # Safety
// `stack` is valid, and there are `count` lines.
int stubborn_poll(const struct stubborn *stack,
                  struct pollfd *lines,
                  unsigned long count,
                  int millis);

// Makes a set of descriptors to be watched.
//
// # Safety
// `stack` is valid.
int stubborn_epoll_create1(const struct stubborn *stack, int flags);

// Adds a descriptor to a set, changes its events, or removes it.
//
// # Safety
// `stack` is valid; `event` is null, or can be read.
int stubborn_epoll_ctl(const struct stubborn *stack,
                       int set,
                       int operation,
                       int fd,
                       const struct epoll_event *event);

// Waits until something is ready, `millis` at most (-1: for ever).
//
// # Safety
// `stack` is valid, and there is room for `most` events.
int stubborn_epoll_wait(const struct stubborn *stack,
                        int set,
                        struct epoll_event *events,
                        int most,
                        int millis);

// As `stubborn_recv` without flags; but if `len` is 0, it returns 0 at once.
//
// # Safety
// As `stubborn_recv`.
ssize_t stubborn_read(const struct stubborn *stack, int fd, void *buffer, size_t len);

// Receives what has arrived; returns how many octets, 0 at the end of the stream.
//
// # Safety
// `stack` is valid, and `len` octets can be written at `buffer`.
ssize_t stubborn_recv(const struct stubborn *stack, int fd, void *buffer, size_t len, int flags);

// As `stubborn_recv`, and gives the sender of a datagram.
//
// # Safety
// As `stubborn_recv`; `address` is null, or `address_len` says how many octets can be written
// there.
ssize_t stubborn_recvfrom(const struct stubborn *stack,
                          int fd,
                          void *buffer,
                          size_t len,
                          int flags,
                          struct sockaddr *address,
                          socklen_t *address_len);

// As `stubborn_recv`, into several pieces, with flags and control messages.
//
// # Safety
// `stack` is valid, and `message` is what recvmsg takes.
ssize_t stubborn_recvmsg(const struct stubborn *stack, int fd, struct msghdr *message, int flags);

// As `stubborn_read`, into several pieces.
//
// # Safety
// `stack` is valid, and there are `count` pieces that can be written.
ssize_t stubborn_readv(const struct stubborn *stack, int fd, const struct iovec *pieces, int count);

// As `stubborn_send` without flags.
//
// # Safety
// As `stubborn_send`.
ssize_t stubborn_write(const struct stubborn *stack, int fd, const void *data, size_t len);

// Sends octets; returns how many were taken, which on a blocking socket is all of them.
//
// # Safety
// `stack` is valid, and `len` octets can be read at `data`.
ssize_t stubborn_send(const struct stubborn *stack,
                      int fd,
                      const void *data,
                      size_t len,
                      int flags);

// As `stubborn_send`, to an address.
//
// # Safety
// As `stubborn_send`; `address` is null, or `address_len` octets can be read there.
ssize_t stubborn_sendto(const struct stubborn *stack,
                        int fd,
                        const void *data,
                        size_t len,
                        int flags,
                        const struct sockaddr *address,
                        socklen_t address_len);

// As `stubborn_sendto`, from several pieces. Control messages count for this call alone.
//
// # Safety
// `stack` is valid, and `message` is what sendmsg takes.
ssize_t stubborn_sendmsg(const struct stubborn *stack,
                         int fd,
                         const struct msghdr *message,
                         int flags);

// As `stubborn_send` without flags, from several pieces.
//
// # Safety
// `stack` is valid, and there are `count` pieces that can be read.
ssize_t stubborn_writev(const struct stubborn *stack,
                        int fd,
                        const struct iovec *pieces,
                        int count);

// Fills in the table. `flags`: see docs/C.md. With flags that are not understood every function
// fails (`EFAULT`), and the reason is on the standard error stream.
//
// # Safety
// `flags` is null or a string; `interface` is null, or can be written.
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* STUBBORN_H */
