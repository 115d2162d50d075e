//! Sockets of two hosts that are joined in memory, in real time: what their users see.

mod sockets {
    mod close;
    mod devices;
    mod end;
    mod in_place;
    mod landing;
    mod queues;
    mod streams;
    mod support;
    mod turns;
    mod udp;
    mod waits;
}
