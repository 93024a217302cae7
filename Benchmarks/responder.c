// responder: the least a policy server can do, as the measure of all others.
//
// It splits every line of a request into name and value, finds the empty line, and answers
// `action=DUNNO'. One thread, one epoll, one read and one write a request.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_LIMIT 65536
#define LINES_LIMIT 200

static const char reply[] = "action=DUNNO\n\n";

struct line {
    const char *name, *value;
    uint32_t name_length, value_length;
};

static struct line lines[LINES_LIMIT];
static char incoming[REQUEST_LIMIT];

// A connection; the beginning of a request whose end is still to come is kept in `partial'.
struct connection {
    int fd;
    uint32_t length;
    char *partial;
};

// Splits the lines of one request. Returns its length, 0 when its end has not come yet, or -1
// when it is none.
static long split(const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;
    int count = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            return 0;
        if (stop == at)
            return stop + 1 - bytes;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (!equals || count == LINES_LIMIT)
            return -1;
        lines[count++] = (struct line){at, equals + 1, (uint32_t)(equals - at), (uint32_t)(stop - equals - 1)};
        __asm__ volatile("" : : "r"(lines) : "memory");  // the compiler must not leave the work out
        at = stop + 1;
    }
    return 0;
}

static void drop(struct connection *c)
{
    close(c->fd);
    free(c->partial);
    free(c);
}

// False when the connection is to be closed.
static bool serve(struct connection *c)
{
    if (c->length)
        memcpy(incoming, c->partial, c->length);
    ssize_t got = recv(c->fd, incoming + c->length, sizeof incoming - c->length, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;

    const char *at = incoming;
    size_t left = c->length + (size_t)got;
    while (left) {
        long used = split(at, left);
        if (used < 0)
            return false;
        if (used == 0)
            break;
        if (send(c->fd, reply, sizeof reply - 1, MSG_NOSIGNAL) != sizeof reply - 1)
            return false;
        at += used;
        left -= (size_t)used;
    }
    if (left == sizeof incoming)
        return false;
    if (left && !c->partial && !(c->partial = malloc(REQUEST_LIMIT)))
        return false;
    if (left)
        memcpy(c->partial, at, left);
    c->length = (uint32_t)left;
    return true;
}

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "responder: %s: %s\n", what, strerror(errno));
    exit(1);
}

__attribute__((noreturn)) static void usage(void)
{
    fputs("usage: responder -u PATH | -t ADDRESS:PORT\n"
          "Serves a unix socket or a loopback address until SIGTERM or SIGINT.\n", stderr);
    exit(2);
}

static int listen_on(const char *kind, const char *where, const char **path)
{
    struct sockaddr_storage storage = {0};
    socklen_t size;
    if (!strcmp(kind, "-u")) {
        struct sockaddr_un *un = (struct sockaddr_un *)&storage;
        if (!*where || strlen(where) >= sizeof un->sun_path)
            usage();
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, where);
        size = sizeof *un;
        *path = where;
    } else if (!strcmp(kind, "-t")) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
        char host[64];
        const char *colon = strrchr(where, ':');
        if (!colon || (size_t)(colon - where) >= sizeof host)
            usage();
        bool bracketed = where[0] == '[' && colon - where > 2 && colon[-1] == ']';
        snprintf(host, sizeof host, "%.*s", (int)(colon - where) - 2 * bracketed, where + bracketed);
        char *end;
        long port = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || *end || port < 1 || port > 65535)
            usage();
        if (inet_pton(AF_INET, host, &v4->sin_addr) == 1 && ntohl(v4->sin_addr.s_addr) >> 24 == 127) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons((uint16_t)port);
            size = sizeof *v4;
        } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons((uint16_t)port);
            size = sizeof *v6;
        } else {
            usage();
        }
    } else {
        usage();
    }
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0)
        fail("socket");
    if (storage.ss_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&storage, size))
        fail(where);
    if (listen(fd, 1024))
        fail("listen");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        usage();
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    const char *path = NULL;
    struct connection listener = {.fd = listen_on(argv[1], argv[2], &path)}, stop = {.fd = signals};
    if (signals < 0 || poller < 0
        || epoll_ctl(poller, EPOLL_CTL_ADD, listener.fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &listener})
        || epoll_ctl(poller, EPOLL_CTL_ADD, signals, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &stop}))
        fail("epoll");

    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &stop) {
                if (path)
                    unlink(path);
                return 0;
            }
            if (c != &listener) {
                if (!serve(c))
                    drop(c);
                continue;
            }
            int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), on = 1;
            if (fd < 0)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a unix socket: no matter
            struct connection *fresh = calloc(1, sizeof *fresh);
            if (!fresh) {
                close(fd);
                continue;
            }
            fresh->fd = fd;
            if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = fresh}))
                drop(fresh);
        }
    }
}
