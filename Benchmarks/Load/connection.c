// The connections, and what goes over them.

#include "load.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_S 10  // how long all connections together may take to open
#define ERRORS_SHOWN 8

struct connection *connections;
struct counts counts;
int poller;

// Counts an error and prints it, with the bytes at fault, escaped; the first few at least.
static void report(const struct connection *c, const char *what)
{
    if (++counts.errors > ERRORS_SHOWN)
        return;
    fprintf(stderr, "load: connection %td: %s", c - connections, what);
    if (c->in_length) {
        fputs(": \"", stderr);
        for (int i = 0; i < c->in_length && i < 80; i++) {
            unsigned char byte = (unsigned char)c->in[i];
            if (byte == '\n')
                fputs("\\n", stderr);
            else if (byte == '\r')
                fputs("\\r", stderr);
            else if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
                fprintf(stderr, "\\x%02x", byte);
            else
                fputc(byte, stderr);
        }
        fputs(c->in_length > 80 ? "\"..." : "\"", stderr);
    }
    fputs(counts.errors == ERRORS_SHOWN ? " (further errors are only counted)\n" : "\n", stderr);
}

void drop(struct connection *c, const char *what)
{
    report(c, what);
    close(c->fd);  // leaves the poller with it
    c->fd = -1;
    counts.alive--;
    if (c->waiting)
        counts.outstanding--;
    c->waiting = false;
}

static double unix_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_one(uint64_t deadline)
{
    int fd = socket(options.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    uint64_t t = now();
    uint64_t left = deadline > t ? deadline - t : 1000000;
    struct timeval limit = {.tv_sec = (time_t)(left / NS_PER_S), .tv_usec = (suseconds_t)(left % NS_PER_S / 1000)};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect() observes it
    if (connect(fd, (struct sockaddr *)&options.address, options.address_size)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    if (options.address.ss_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void admit(struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event))
        fail("epoll: %s", strerror(errno));
    c->answered = 0;
    counts.alive++;
    counts.opened++;
}

void open_all(void)
{
    struct rlimit files;
    rlim_t needed = (rlim_t)options.connections + 16;
    if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < needed) {
        files.rlim_cur = needed < files.rlim_max ? needed : files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    connections = calloc((size_t)options.connections, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || poller < 0)
        fail("no memory, or no epoll");

    uint64_t patience = now() + (uint64_t)(options.wait * (double)NS_PER_S);
    uint64_t deadline = patience + CONNECT_S * NS_PER_S;
    for (long i = 0; i < options.connections; i++) {
        struct connection *c = &connections[i];
        while ((c->fd = open_one(deadline)) < 0) {
            int error = errno;
            struct usage_of_server ignored;
            bool not_yet = error == ENOENT || error == ECONNREFUSED || error == EACCES;
            if (options.pid && !look_at_server(&ignored))
                fail("process %ld has ended", options.pid);
            if (i > 0 || !not_yet || now() >= patience)
                fail("connection %ld: %s", i,
                     error == EAGAIN || error == EINPROGRESS ? "not accepted in time" : strerror(error));
            usleep(1000);
        }
        admit(c);
    }
}

static void watch(struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

void send_rest(struct connection *c)
{
    bool was_partial = c->out_sent > 0;
    ssize_t count = send(c->fd, c->out + c->out_sent, (size_t)(c->out_length - c->out_sent), MSG_NOSIGNAL);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop(c, errno == EPIPE || errno == ECONNRESET ? "closed early, before a request" : strerror(errno));
            return;
        }
        count = 0;
    }
    c->out_sent = (uint16_t)(c->out_sent + count);
    if (c->out_sent < c->out_length)
        watch(c, EPOLLIN | EPOLLOUT);
    else if (was_partial)
        watch(c, EPOLLIN);
}

// A connection that has had its requests gives way to another one.
static void open_anew(struct connection *c)
{
    close(c->fd);
    counts.alive--;
    c->fd = open_one(now() + CONNECT_S * NS_PER_S);
    if (c->fd < 0)
        fail("a further connection: %s", strerror(errno));
    admit(c);
}

void send_next(struct connection *c, uint64_t at)
{
    if (options.per_connection && c->answered == options.per_connection)
        open_anew(c);
    size_t length = compose(c->out, options.first + counts.sent);
    c->out_length = (uint16_t)length;
    c->out_sent = c->in_length = 0;
    c->waiting = true;
    counts.sent++;
    counts.outstanding++;
    counts.bytes += length;
    c->sent_at = at;
    send_rest(c);
}

bool receive(struct connection *c, uint64_t *at)
{
    ssize_t count = recv(c->fd, c->in + c->in_length, sizeof c->in - c->in_length, 0);
    *at = now();
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return false;
        drop(c, errno == ECONNRESET ? "closed early (reset)" : strerror(errno));
        return false;
    }
    if (count == 0) {
        drop(c, !c->waiting      ? "closed early, after a reply"
                : c->in_length ? "closed early, inside a reply"
                               : "closed early, without a reply");
        return false;
    }
    c->in_length = (uint16_t)(c->in_length + count);
    if (!c->waiting || c->out_sent < c->out_length) {
        drop(c, "bytes that answer no request");
        return false;
    }
    bool complete;
    int verb = OTHER;
    const char *wrong = examine(c->in, c->in_length, &complete, &verb);
    if (!wrong && !complete && c->in_length == sizeof c->in)
        wrong = "a reply that is too long";
    if (wrong) {
        drop(c, wrong);
        return false;
    }
    if (!complete)
        return false;
    record(*at - c->sent_at);
    if (!counts.answered)
        counts.first_reply = unix_time();
    counts.verbs[verb]++;
    counts.answered++;
    counts.outstanding--;
    c->answered++;
    c->waiting = false;
    if (options.expected >= 0 && verb != options.expected)
        report(c, "another verb than the expected one");
    c->in_length = 0;
    return true;
}
