/* Sends its standard input to an echo server and prints what comes back; one thread, one poll.
 * `make` in capi/ builds it as target/c/echo_client. The interface is tun0.
 *
 *     echo_client 10.11.12.2 10.11.12.1 7
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stubborn.h"

static void die(const char *what) {
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: echo_client OWN-ADDRESS ADDRESS PORT\n");
        return 2;
    }
    stubborn *stack = stubborn_open("tun0", argv[1]);
    if (!stack)
        die("stubborn_open");
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    inet_pton(AF_INET, argv[2], &peer.sin_addr);
    int fd = stubborn_socket(stack, AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || stubborn_connect(stack, fd, (struct sockaddr *)&peer, sizeof peer) < 0)
        die("stubborn_connect");
    /* From here on nothing blocks but poll. */
    stubborn_fcntl(stack, fd, F_SETFL, O_NONBLOCK);
    char text[4096], answer[4096];
    ssize_t len = 0, sent = 0;
    int more = 1;
    for (;;) {
        if (more && sent == len) {
            len = read(STDIN_FILENO, text, sizeof text);
            sent = 0;
            if (len <= 0) {
                more = 0;
                len = 0;
                stubborn_shutdown(stack, fd, SHUT_WR);
            }
        }
        struct pollfd line = {.fd = fd, .events = (short)(POLLIN | (sent < len ? POLLOUT : 0))};
        if (stubborn_poll(stack, &line, 1, 10000) != 1) {
            fprintf(stderr, "no answer\n");
            return 1;
        }
        if (line.revents & POLLOUT) {
            ssize_t taken = stubborn_send(stack, fd, text + sent, (size_t)(len - sent), 0);
            if (taken < 0 && errno != EAGAIN)
                die("stubborn_send");
            sent += taken > 0 ? taken : 0;
        }
        if (line.revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t got = stubborn_recv(stack, fd, answer, sizeof answer, 0);
            if (got == 0)
                break;
            if (got < 0 && errno != EAGAIN)
                die("stubborn_recv");
            if (got > 0)
                fwrite(answer, 1, (size_t)got, stdout);
        }
    }
    fflush(stdout);
    stubborn_close(stack, fd);
    stubborn_free(stack);
    return 0;
}
