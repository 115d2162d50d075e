/* Walks a connection through its life in virtual time, as the packetdrill program would: the
 * library is loaded, packets are injected and expected, system calls made, and time passes only
 * when this program says so.
 *
 *     packetdrill target/release/libstubborn_capi.so
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stubborn.h"

#define CHECK(what)                                                                    \
    do {                                                                               \
        if (!(what)) {                                                                 \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #what, errno); \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

static struct packetdrill_interface stack;

/* A segment without options; what is between header and end is text. */
struct segment {
    struct iphdr ip;
    struct tcphdr tcp;
    char text[65536];
} __attribute__((packed));

static uint32_t local, remote;
static uint16_t port = 4711;

static uint32_t sum(const void *data, size_t len, uint32_t start) {
    const uint8_t *octets = data;
    uint32_t total = start;
    for (size_t i = 0; i + 1 < len; i += 2)
        total += (uint32_t)(octets[i] << 8 | octets[i + 1]);
    if (len % 2)
        total += (uint32_t)(octets[len - 1] << 8);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

/* A segment from the peer arrives. */
static void inject(uint8_t flags, uint32_t seq, uint32_t ack, const char *text) {
    struct segment segment = {0};
    size_t text_len = strlen(text), tcp_len = sizeof segment.tcp + text_len;
    memcpy(segment.text, text, text_len);
    segment.ip.version = 4;
    segment.ip.ihl = 5;
    segment.ip.ttl = 64;
    segment.ip.protocol = IPPROTO_TCP;
    segment.ip.tot_len = htons((uint16_t)(sizeof segment.ip + tcp_len));
    segment.ip.saddr = remote;
    segment.ip.daddr = local;
    segment.ip.check = htons((uint16_t)~sum(&segment.ip, sizeof segment.ip, 0));
    segment.tcp.source = htons(port);
    segment.tcp.dest = htons(8080);
    segment.tcp.seq = htonl(seq);
    segment.tcp.ack_seq = htonl(ack);
    segment.tcp.doff = 5;
    ((uint8_t *)&segment.tcp)[13] = flags;
    segment.tcp.window = htons(32792);
    uint32_t pseudo = sum(&segment.ip.saddr, 8, IPPROTO_TCP + (uint32_t)tcp_len);
    segment.tcp.check = htons((uint16_t)~sum(&segment.tcp, tcp_len, pseudo));
    CHECK(stack.netdev_send(stack.userdata, &segment, sizeof segment.ip + tcp_len) == 0);
}

/* The next segment of the stack; when it was sent, in microseconds. */
static long long expect(struct segment *segment, uint8_t flags, size_t text_len) {
    size_t len = sizeof *segment;
    long long time = 0;
    CHECK(stack.netdev_receive(stack.userdata, segment, &len, &time) == 0);
    CHECK(segment->ip.protocol == IPPROTO_TCP && segment->ip.saddr == local);
    CHECK(((uint8_t *)&segment->tcp)[13] == flags);
    CHECK(len == sizeof segment->ip + segment->tcp.doff * 4u + text_len);
    return time;
}

static long long now(void) {
    struct timeval time;
    CHECK(stack.gettimeofday(stack.userdata, &time, NULL) == 0);
    return time.tv_sec * 1000000LL + time.tv_usec;
}

static int accepted;
static long long accepted_at;

/* A call that blocks, on a thread of its own. */
static void *accept_blocking(void *argument) {
    accepted = stack.accept(stack.userdata, *(int *)argument, NULL, NULL);
    accepted_at = now();
    return NULL;
}

static ssize_t received;

/* The same with recv, which throws away what it gets. */
static void *receive_blocking(void *argument) {
    char buffer[64];
    received = stack.recv(stack.userdata, *(int *)argument, buffer, sizeof buffer, 0);
    return NULL;
}

/* Gives that thread a tenth of a second of real time to fall asleep in its call. */
static void until_asleep(void) {
    usleep(100000);
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

int main(int argc, char **argv) {
    CHECK(argc == 2);
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    void (*init)(const char *, struct packetdrill_interface *);
    *(void **)&init = dlsym(library, "packetdrill_interface_init");
    CHECK(init != NULL);
    init("local=192.168.0.1,remote=192.0.2.1,local=fd3d:0a0b:17d6::1", &stack);
    CHECK(stack.userdata != NULL);
    local = inet_addr("192.168.0.1");
    remote = inet_addr("192.0.2.1");

    /* Descriptors are real. */
    int listener = stack.socket(stack.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK(listener > 2 && fcntl(listener, F_GETFD) != -1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    CHECK(stack.bind(stack.userdata, listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(stack.listen(stack.userdata, listener, 1) == 0);
    CHECK(stack.bind(stack.userdata, listener, (struct sockaddr *)&address, sizeof address) == -1);
    CHECK(errno == EINVAL);

    /* The clock moves a little whenever somebody looks, and as much as somebody sleeps. */
    long long before = now(), after = now();
    CHECK(after > before && after - before < 100);
    CHECK(stack.usleep(stack.userdata, 250000) == 0);
    CHECK(now() - after >= 250000 && now() - after < 251000);

    /* accept blocks until the handshake is done, a hundred milliseconds later. */
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, accept_blocking, &listener) == 0);
    until_asleep();
    inject(SYN, 0, 0, "");
    struct segment segment;
    expect(&segment, SYN | ACK, 0);
    CHECK(ntohl(segment.tcp.ack_seq) == 1);
    uint32_t iss = ntohl(segment.tcp.seq);
    CHECK(stack.usleep(stack.userdata, 100000) == 0);
    before = now();
    inject(ACK, 1, iss + 1, "");
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(accepted > 2 && accepted_at - before < 1000);

    /* Text there, and back: the peer does not answer, so it comes again, and later each time. */
    inject(ACK | PSH, 1, iss + 1, "hello");
    expect(&segment, ACK, 0);
    CHECK(ntohl(segment.tcp.ack_seq) == 6);
    char buffer[64];
    struct pollfd line = {.fd = accepted, .events = POLLIN};
    CHECK(stack.poll(stack.userdata, &line, 1, 0) == 1 && line.revents == POLLIN);
    CHECK(stack.read(stack.userdata, accepted, buffer, sizeof buffer) == 5);
    CHECK(memcmp(buffer, "hello", 5) == 0);
    CHECK(stack.recv(stack.userdata, accepted, buffer, sizeof buffer, MSG_DONTWAIT) == -1);
    CHECK(errno == EAGAIN);
    CHECK(stack.write(stack.userdata, accepted, "back", 4) == 4);
    long long first = expect(&segment, ACK | PSH, 4);
    CHECK(memcmp((char *)&segment.tcp + segment.tcp.doff * 4, "back", 4) == 0);
    long long again = expect(&segment, ACK | PSH, 4);
    CHECK(again - first >= 10000 && again - first < 3000000);
    inject(ACK, 6, iss + 5, "");

    /* recv blocks until there is text, and epoll tells of it. */
    int set = stack.epoll_create(stack.userdata, 1);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = accepted};
    CHECK(set > 2);
    CHECK(stack.epoll_ctl(stack.userdata, set, EPOLL_CTL_ADD, accepted, &event) == 0);
    CHECK(stack.epoll_wait(stack.userdata, set, &event, 1, 0) == 0);
    CHECK(pthread_create(&thread, NULL, receive_blocking, &accepted) == 0);
    until_asleep();
    inject(ACK | PSH, 6, iss + 5, "more");
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(received == 4);
    expect(&segment, ACK, 0);
    CHECK(ntohl(segment.tcp.ack_seq) == 10);
    inject(ACK | PSH, 10, iss + 5, "last");
    event = (struct epoll_event){0};
    CHECK(stack.epoll_wait(stack.userdata, set, &event, 1, -1) == 1);
    CHECK(event.events == EPOLLIN && event.data.fd == accepted);
    CHECK(stack.read(stack.userdata, accepted, buffer, sizeof buffer) == 4);
    expect(&segment, ACK, 0);
    CHECK(stack.close(stack.userdata, set) == 0);

    /* Both close. */
    inject(FIN | ACK, 14, iss + 5, "");
    CHECK(stack.close(stack.userdata, accepted) == 0);
    CHECK(fcntl(accepted, F_GETFD) == -1);
    do {
        size_t len = sizeof segment;
        long long time;
        CHECK(stack.netdev_receive(stack.userdata, &segment, &len, &time) == 0);
    } while (!segment.tcp.fin);
    CHECK(ntohl(segment.tcp.ack_seq) == 15);
    inject(ACK, 15, iss + 6, "");

    /* Nothing more is to be expected, which is an error, and not for ever. */
    size_t len = sizeof segment;
    long long time;
    CHECK(stack.netdev_receive(stack.userdata, &segment, &len, &time) == -1 && len == 0);

    /* A descriptor that was closed behind the stack's back. */
    int other = stack.socket(stack.userdata, AF_INET, SOCK_STREAM, 0);
    close(other);
    CHECK(stack.socket(stack.userdata, AF_INET, SOCK_STREAM, 0) == other);
    stack.free(stack.userdata);
    puts("packetdrill: handshake, text, retransmission, epoll, close: all as expected");
    return 0;
}
