// The run of the generator, and its report.

#include "load.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define GRACE_S 10    // how long outstanding replies are waited for after the end
#define SETTLE_MS 50  // after the last reply: time for bytes that should not be there

// With a rate: connections without a request, and a clock that rings when the next one is due.
static struct connection **idle;
static long idle_count;
static int timer = -1;

static void prepare_rate(void)
{
    idle = calloc((size_t)options.connections, sizeof *idle);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (!idle || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event))
        fail("no memory, or no timer");
    while (idle_count < options.connections) {
        idle[idle_count] = &connections[idle_count];
        idle_count++;
    }
}

// Sends what is due, as far as there are connections; what is late is sent as soon as one is free.
static void send_due(uint64_t start, uint64_t end, uint64_t total)
{
    uint64_t t = now();
    for (;;) {
        uint64_t due = start + (uint64_t)((double)counts.sent * (double)NS_PER_S / (double)options.rate);
        if (due >= end || counts.sent >= total || !idle_count)
            return;
        if (due > t) {
            struct itimerspec ring = {.it_value = {(time_t)(due / NS_PER_S), (long)(due % NS_PER_S)}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &ring, NULL);
            return;
        }
        struct connection *c = idle[--idle_count];
        if (c->fd >= 0)
            send_next(c, due);
    }
}

// The run itself. Returns the time from the first request to the last reply.
static uint64_t run(void)
{
    uint64_t start = now(), last = start;
    uint64_t end = start + (uint64_t)(options.seconds * (double)NS_PER_S);
    uint64_t give_up = end + GRACE_S * NS_PER_S;
    uint64_t total = options.total ? options.total : UINT64_MAX;

    if (options.rate) {
        prepare_rate();
        send_due(start, end, total);
    }
    for (long i = 0; i < options.connections && counts.sent < total && !options.rate; i++)
        send_next(&connections[i], now());

    struct epoll_event events[256];
    uint64_t t = start;
    while (counts.outstanding || (options.rate && counts.alive && t < end && counts.sent < total)) {
        t = now();
        if (t >= give_up)
            break;
        uint64_t until = counts.outstanding ? give_up : end;
        int ready = epoll_wait(poller, events, 256, until > t ? (int)((until - t) / 1000000) + 1 : 0);
        if (ready < 0 && errno != EINTR)
            fail("epoll: %s", strerror(errno));
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                uint64_t rings;
                (void)!read(timer, &rings, sizeof rings);
                continue;
            }
            if (c->fd >= 0 && events[i].events & EPOLLOUT)
                send_rest(c);
            if (c->fd < 0 || !(events[i].events & ~(uint32_t)EPOLLOUT))
                continue;
            if (!receive(c, &t))
                continue;
            last = t;
            if (options.rate)
                idle[idle_count++] = c;
            else if (t < end && counts.sent < total)
                send_next(c, now());
        }
        if (options.rate)
            send_due(start, end, total);
    }
    for (long i = 0; i < options.connections; i++)
        if (connections[i].waiting)
            drop(&connections[i], connections[i].in_length ? "stuck inside a reply" : "stuck: no reply");
    if (options.total && counts.answered < options.total) {
        fprintf(stderr, "load: only %llu of %llu requests were answered\n", (unsigned long long)counts.answered,
                (unsigned long long)options.total);
        counts.errors++;
    }
    return last - start;
}

// After the last reply nothing may come, and no connection may be closed.
static void settle(void)
{
    usleep(SETTLE_MS * 1000);
    for (long i = 0; i < options.connections; i++) {
        uint64_t ignored;
        if (connections[i].fd >= 0)
            receive(&connections[i], &ignored);
    }
}

// ---------------------------------------------------------------- output

struct figures {
    double seconds, rate, own_cpu_us;
    bool have_server;
    double user_us, system_us;  // the server's CPU a request
    struct usage_of_server server;
};

static double per(double amount, uint64_t count)
{
    return count ? amount / (double)count : 0;
}

static void print_json(const struct figures *f)
{
    printf("{\"workload\":\"%s\",\"connections\":%ld,\"opened\":%llu,\"seed\":%llu,\"requests\":%llu,"
           "\"errors\":%llu,\"seconds\":%.6f,\"per_second\":%.1f,\"request_bytes\":%.1f,\"fresh_triplets\":%llu,"
           "\"first_reply\":%.6f,",
           workload_names[options.workload], options.connections, (unsigned long long)counts.opened,
           (unsigned long long)options.seed, (unsigned long long)counts.answered, (unsigned long long)counts.errors,
           f->seconds, f->rate, per((double)counts.bytes, counts.sent),
           (unsigned long long)fresh_triplets(counts.sent), counts.first_reply);
    printf("\"verbs\":{");
    for (int i = 0; i < VERBS; i++)
        printf("%s\"%s\":%llu", i ? "," : "", verb_names[i], (unsigned long long)counts.verbs[i]);
    printf("},\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"histogram_us\":[",
           percentile_us(0.50), percentile_us(0.90), percentile_us(0.99), latency_max_us());
    print_histogram(true);
    printf("],\"generator_cpu_us\":%.3f", f->own_cpu_us);
    if (f->have_server)
        printf(",\"server\":{\"pid\":%ld,\"cpu_us\":%.3f,\"user_us\":%.3f,\"system_us\":%.3f,"
               "\"VmRSS_kB\":%llu,\"RssAnon_kB\":%llu,\"own_kB\":%llu}",
               options.pid, f->user_us + f->system_us, f->user_us, f->system_us, (unsigned long long)f->server.rss_kb,
               (unsigned long long)f->server.anon_kb, (unsigned long long)(f->server.anon_kb + f->server.shared_kb));
    puts("}");
}

static void print_text(const struct figures *f)
{
    printf("run        %s, %ld connections, %llu opened, %.2f s, seed %llu\n", workload_names[options.workload],
           options.connections, (unsigned long long)counts.opened, f->seconds, (unsigned long long)options.seed);
    printf("requests   %llu of %.0f bytes, %.0f a second\n", (unsigned long long)counts.answered,
           per((double)counts.bytes, counts.sent), f->rate);
    printf("replies   ");
    for (int i = 0; i < VERBS; i++)
        printf(" %s %llu ", verb_names[i], (unsigned long long)counts.verbs[i]);
    printf("\nlatency    p50 %.0f  p90 %.0f  p99 %.0f  max %.0f us\n", percentile_us(0.50), percentile_us(0.90),
           percentile_us(0.99), latency_max_us());
    print_histogram(false);
    if (f->have_server)
        printf("server     %.1f us CPU a request (%.1f user + %.1f system), VmRSS %llu kB, without files %llu kB\n",
               f->user_us + f->system_us, f->user_us, f->system_us, (unsigned long long)f->server.rss_kb,
               (unsigned long long)(f->server.anon_kb + f->server.shared_kb));
    printf("generator  %.1f us CPU a request\n", f->own_cpu_us);
    printf("errors     %llu\n", (unsigned long long)counts.errors);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    open_all();

    struct usage_of_server before;
    struct figures f = {0};
    if (options.pid && !look_at_server(&before))
        fail("no process %ld", options.pid);
    double own_before = own_cpu_us();
    f.seconds = (double)run() / (double)NS_PER_S;
    f.rate = f.seconds > 0 ? (double)counts.answered / f.seconds : 0;
    f.own_cpu_us = per(own_cpu_us() - own_before, counts.answered);
    f.have_server = options.pid && look_at_server(&f.server);
    if (options.pid && !f.have_server) {
        fprintf(stderr, "load: process %ld has ended\n", options.pid);
        counts.errors++;
    }
    if (f.have_server) {
        double tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
        f.user_us = per((double)(f.server.user_ticks - before.user_ticks) * tick_us, counts.answered);
        f.system_us = per((double)(f.server.system_ticks - before.system_ticks) * tick_us, counts.answered);
    }
    settle();
    if (!counts.answered) {
        fputs("load: not one request was answered\n", stderr);
        counts.errors++;
    }

    if (options.json)
        print_json(&f);
    else
        print_text(&f);
    if (fflush(stdout) || ferror(stdout))
        fail("standard output: %s", strerror(errno));
    return counts.errors ? 1 : 0;
}
