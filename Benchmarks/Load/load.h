// load: a load generator for the Postfix policy protocol.
//
// It behaves as many smtpd processes do: every connection has one request outstanding, and stays open, or is closed
// and opened again after so many requests. Every reply is checked to the byte; anything that Postfix would stumble over
// is an error, and an error makes the exit status 1.

#pragma once
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NS_PER_S 1000000000ull

// ---------------------------------------------------------------- options.c

enum workload { NEW, SEEN, WL, STATE, MIXED, KNOWN, OUTGOING, WORKLOADS };
extern const char *const workload_names[WORKLOADS];

enum verb { DUNNO, DEFER_IF_PERMIT, PREPEND, OTHER, VERBS };
extern const char *const verb_names[VERBS];

struct options {
    long connections;
    double seconds;
    uint64_t total;           // 0: as many as fit into the time
    uint64_t first;           // the number of the first request
    uint64_t rate;            // requests a second; 0: the next one as soon as a reply is there
    uint64_t per_connection;  // requests until a connection is opened anew; 0: it stays open
    enum workload workload;
    uint64_t known;
    uint64_t seed;
    int expected;  // a verb, or -1
    double wait;
    long pid;
    bool json;
    struct sockaddr_storage address;
    socklen_t address_size;
};
extern struct options options;

void read_options(int argc, char **argv);

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

uint64_t now(void);

// ---------------------------------------------------------------- request.c

#define REQUEST_ROOM 1024

// Writes request number `number' of a seed; returns its length.
size_t compose(char *to, uint64_t number);

// How many of so many requests of this run have a triplet of their own, not one of the set of `seen' or `known'.
uint64_t fresh_triplets(uint64_t count);

// ---------------------------------------------------------------- reply.c

// Looks at what has come of one reply. Returns what is wrong with it, or NULL; then
// `*complete' says if it is all there, and `*verb' which one it is.
const char *examine(const char *reply, size_t length, bool *complete, int *verb);

// ---------------------------------------------------------------- latency.c

void record(uint64_t ns);
double latency_max_us(void);
double percentile_us(double share);

// The histogram for people, or as a JSON array of [upper limit in us, count].
void print_histogram(bool json);

// ---------------------------------------------------------------- process.c

struct usage_of_server {
    uint64_t user_ticks, system_ticks;
    uint64_t rss_kb, anon_kb, shared_kb;
};

// False when there is no such process, or it has ended and waits to be collected.
bool look_at_server(struct usage_of_server *usage);

// The CPU time of this process.
double own_cpu_us(void);

// ---------------------------------------------------------------- connection.c

struct connection {
    int fd;  // -1: closed after an error
    bool waiting;
    uint16_t out_length, out_sent, in_length;
    uint64_t sent_at, answered;
    char out[REQUEST_ROOM];
    char in[2048];
};

struct counts {
    uint64_t sent, answered, bytes, errors, outstanding, alive, opened, verbs[VERBS];
    double first_reply;  // Unix time
};

extern struct connection *connections;
extern struct counts counts;
extern int poller;

// Opens all connections; the first one waits for the server.
void open_all(void);

// Sends the next request; its latency counts from `at'.
void send_next(struct connection *c, uint64_t at);
void send_rest(struct connection *c);

// Takes in what has come. True when that completes a correct reply; `*at' is the time of it.
bool receive(struct connection *c, uint64_t *at);

// Closes a connection because of an error.
void drop(struct connection *c, const char *what);
