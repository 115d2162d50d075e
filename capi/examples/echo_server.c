/* An echo server on a stack of its own, behind the TUN interface tun0; a thread per connection.
 * `make` in capi/ builds it as target/c/echo_server.
 *
 *     echo_server 10.11.12.2 7
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stubborn.h"

static stubborn *stack;

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* One connection: what comes goes back, until the peer has sent everything. */
static void *serve(void *argument) {
    int fd = (int)(intptr_t)argument;
    char buffer[65536];
    ssize_t len;
    while ((len = stubborn_recv(stack, fd, buffer, sizeof buffer, 0)) > 0)
        if (stubborn_send(stack, fd, buffer, (size_t)len, 0) != len)
            break;
    stubborn_close(stack, fd);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: echo_server ADDRESS PORT\n");
        return 2;
    }
    stack = stubborn_open("tun0", argv[1]);
    if (!stack)
        die("stubborn_open");
    int listener = stubborn_socket(stack, AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (listener < 0 || stubborn_bind(stack, listener, (struct sockaddr *)&local, sizeof local) < 0)
        die("stubborn_bind");
    if (stubborn_listen(stack, listener, 16) < 0)
        die("stubborn_listen");
    printf("listening at %s port %s\n", argv[1], argv[2]);
    fflush(stdout);
    for (;;) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        int fd = stubborn_accept(stack, listener, (struct sockaddr *)&peer, &len);
        if (fd < 0)
            die("stubborn_accept");
        printf("from %s\n", inet_ntoa(peer.sin_addr));
        fflush(stdout);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0)
            die("pthread_create");
        pthread_detach(thread);
    }
}
