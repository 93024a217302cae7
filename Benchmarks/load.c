// load: a load generator for the Postfix policy protocol.
//
// It behaves as many smtpd processes do: every connection stays open and has one request
// outstanding. Every reply is checked to the byte; anything that Postfix would stumble over
// is an error, and an error makes the exit status 1.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define GRACE_S 10         // how long outstanding replies are waited for after the end
#define CONNECT_S 10       // how long all connections together may take to open
#define COUNT_LIMIT_S 60   // the limit of a run with -n and no -d
#define SETTLE_MS 50       // after the last reply: time for bytes that should not be there
#define ERRORS_SHOWN 8

// ---------------------------------------------------------------- options

enum workload { NEW, SEEN, WL, STATE };
static const char *const workload_names[] = {"new", "seen", "wl", "state"};

static const char *const verb_names[] = {"DUNNO", "DEFER_IF_PERMIT", "PREPEND", "other"};
enum { VERBS = sizeof verb_names / sizeof *verb_names, OTHER = VERBS - 1 };

static struct {
    long connections;
    double seconds;
    uint64_t total;  // 0: as many as fit into the time
    uint64_t rate;   // requests a second; 0: the next one as soon as a reply is there
    enum workload workload;
    uint64_t known;
    uint64_t seed;
    int expected;  // a verb, or -1
    double wait;
    long pid;
    bool json;
    struct sockaddr_storage address;
    socklen_t address_size;
} options = {.connections = 100, .known = 100000, .expected = -1};

static const char usage_text[] =
    "usage: load (-u PATH | -t HOST:PORT) [options]\n"
    "  -u PATH       unix socket of the server\n"
    "  -t HOST:PORT  TCP address of the server; loopback only\n"
    "  -c N          connections (100)\n"
    "  -d SECONDS    how long (5)\n"
    "  -n N          end after N requests; with -d, that is the time they may take (60)\n"
    "  -r N          N requests a second, and latency from the moment each is due (as fast as it goes)\n"
    "  -w WORKLOAD   new, seen, wl or state (new)\n"
    "  -k N          triplets in the set of `seen' (100000)\n"
    "  -s SEED       the same seed sends the same requests (default: another one every time)\n"
    "  -e VERB       every reply must have this verb: DUNNO, DEFER_IF_PERMIT, PREPEND or other\n"
    "  -p PID        report the CPU time and memory of this process, the server\n"
    "  --wait SECS   how long the server may take until it accepts the first connection (0)\n"
    "  --json        one JSON object on standard output\n"
    "exit status: 0 all replies correct, 1 errors, 2 wrong usage\n";

__attribute__((noreturn, format(printf, 1, 2))) static void usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    fputs(usage_text, stderr);
    exit(2);
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    exit(1);
}

static uint64_t whole_number(const char *text, const char *option, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
        usage("%s wants a number from %llu to %llu, not `%s'", option,
              (unsigned long long)least, (unsigned long long)most, text);
    return value;
}

static double seconds_number(const char *text, const char *option)
{
    char *end;
    double value = strtod(text, &end);
    if (*text < '0' || *text > '9' || *end || !(value >= 0 && value <= 86400))
        usage("%s wants seconds from 0 to 86400, not `%s'", option, text);
    return value;
}

static int one_of(const char *text, const char *option, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(text, names[i]))
            return i;
    usage("%s does not know `%s'", option, text);
}

static void unix_address(const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&options.address;
    if (!*path || strlen(path) >= sizeof un->sun_path)
        usage("-u wants a path of 1 to %zu bytes", sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, path);
    options.address_size = sizeof *un;
}

// HOST:PORT or [HOST]:PORT; the host is a literal loopback address or `localhost'.
static void loopback_address(const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host)
        usage("-t wants HOST:PORT, not `%s'", text);
    size_t length = (size_t)(colon - text);
    memcpy(host, text, length);
    host[length] = 0;
    uint16_t port = (uint16_t)whole_number(colon + 1, "-t", 1, 65535);

    char *name = host;
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = 0;
        name = host + 1;
    }
    if (!strcmp(name, "localhost"))
        name = "127.0.0.1";

    struct sockaddr_in *v4 = (struct sockaddr_in *)&options.address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&options.address;
    if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        if (ntohl(v4->sin_addr.s_addr) >> 24 != 127)
            usage("-t refuses `%s': not a loopback address", name);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        options.address_size = sizeof *v4;
    } else if (inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
        if (!IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
            usage("-t refuses `%s': not a loopback address", name);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        options.address_size = sizeof *v6;
    } else {
        usage("-t refuses `%s': not a loopback address", name);
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void read_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"wait", required_argument, NULL, 'W'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool have_seconds = false, have_seed = false;
    int option;
    while ((option = getopt_long(argc, argv, "u:t:c:d:n:r:w:k:s:e:p:h", long_options, NULL)) != -1) {
        if ((option == 'u' || option == 't') && options.address_size)
            usage("one server only");
        switch (option) {
        case 'u': unix_address(optarg); break;
        case 't': loopback_address(optarg); break;
        case 'c': options.connections = (long)whole_number(optarg, "-c", 1, 60000); break;
        case 'd': options.seconds = seconds_number(optarg, "-d"); have_seconds = true; break;
        case 'n': options.total = whole_number(optarg, "-n", 1, UINT32_MAX); break;
        case 'r': options.rate = whole_number(optarg, "-r", 1, 1000000); break;
        case 'w': options.workload = (enum workload)one_of(optarg, "-w", workload_names, 4); break;
        case 'k': options.known = whole_number(optarg, "-k", 1, UINT32_MAX); break;
        case 's': options.seed = whole_number(optarg, "-s", 0, UINT64_MAX); have_seed = true; break;
        case 'e': options.expected = one_of(optarg, "-e", verb_names, VERBS); break;
        case 'p': options.pid = (long)whole_number(optarg, "-p", 1, INT32_MAX); break;
        case 'W': options.wait = seconds_number(optarg, "--wait"); break;
        case 'j': options.json = true; break;
        case 'h': fputs(usage_text, stdout); exit(0);
        default: fputs(usage_text, stderr); exit(2);
        }
    }
    if (optind < argc)
        usage("what is `%s'?", argv[optind]);
    if (!options.address_size)
        usage("-u or -t is needed");
    if (!have_seconds)
        options.seconds = options.total ? COUNT_LIMIT_S : 5;
    if (!have_seed) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        options.seed = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec + ((uint64_t)getpid() << 40);
    }
}

// ---------------------------------------------------------------- requests

// Scatters a number over 64 bits. Different numbers stay different: each step can be undone.
static uint64_t scatter(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x8f3b9d1ce64a7255u;
    x ^= x >> 29;
    x *= 0xd1a52c7f6b30e84du;
    x ^= x >> 32;
    return x;
}

static char *text(char *to, const char *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}
#define TEXT(to, literal) text(to, literal, sizeof(literal) - 1)

// Letters only: some servers fold digits, or cut at a `+', and would make two triplets one.
static char *letters(char *to, uint64_t bits, int count)
{
    for (int i = 0; i < count; i++, bits >>= 4)
        *to++ = (char)('a' + (bits & 15));
    return to;
}

static char *decimal(char *to, uint64_t number)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

#define REQUEST_ROOM 1024

// Request number `number' of the run: the 29 attributes of Postfix 3.7 in its order.
static size_t compose(char *to, uint64_t number)
{
    static uint64_t base;
    if (!base)
        base = scatter(scatter(options.seed) + (uint64_t)options.workload) | 1;
    bool data = options.workload == STATE;
    uint64_t id = scatter(base + (options.workload == SEEN ? number % options.known : number));
    uint64_t more = scatter(id ^ 0x3c6ef372fe94f82bu);

    // 2^22 networks of 256 addresses, from 16.0.0.0 to 79.255.255.0. Nothing is ever sent there.
    char address[16], *a = address;
    a = decimal(a, 16 + (more & 63));
    *a++ = '.';
    a = decimal(a, more >> 6 & 255);
    *a++ = '.';
    a = decimal(a, more >> 14 & 255);
    *a++ = '.';
    a = decimal(a, 1 + (more >> 22 & 255) % 254);
    size_t address_length = (size_t)(a - address);

    char *p = to;
    p = TEXT(p, "request=smtpd_access_policy\nprotocol_state=");
    p = data ? TEXT(p, "DATA") : TEXT(p, "RCPT");
    p = TEXT(p, "\nprotocol_name=ESMTP\nclient_address=");
    p = text(p, address, address_length);
    p = TEXT(p, "\nclient_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.example.net\nclient_port=");
    p = decimal(p, 32768 + (more >> 48 & 16383));
    p = TEXT(p, "\nreverse_client_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.example.net\nserver_address=192.0.2.25\nserver_port=25\nhelo_name=mta-");
    p = letters(p, more >> 30, 5);
    p = TEXT(p, ".outbound.example.net\nsender=");
    p = letters(p, id, 16);
    p = TEXT(p, "@s-");
    p = letters(p, more >> 44, 4);
    p = TEXT(p, ".example\nrecipient=");
    if (options.workload == WL) {
        p = TEXT(p, "postmaster@whitelisted.example");
    } else {
        p = letters(p, more >> 34, 6);
        p = TEXT(p, "@r-");
        p = letters(p, more >> 60, 1);
        p = TEXT(p, ".example");
    }
    p = data ? TEXT(p, "\nrecipient_count=1\nqueue_id=4cTq7N2xWdz3kRm") : TEXT(p, "\nrecipient_count=0\nqueue_id=");
    p = TEXT(p, "\ninstance=2f1c.65f0a1b2.");
    p = decimal(p, number);
    p = TEXT(p, ".0\nsize=");
    p = decimal(p, 2000 + (more >> 40 & 8191));
    p = TEXT(p, "\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject="
                "\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3"
                "\nencryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=\n\n");
    return (size_t)(p - to);
}

// ---------------------------------------------------------------- replies

// Looks at what has come of one reply. Returns what is wrong with it, or NULL; then
// `*complete' says if it is all there, and `*verb' which one it is.
static const char *examine(const char *reply, size_t length, bool *complete, int *verb)
{
    static const char start[] = "action=";
    const size_t head = sizeof start - 1;
    *complete = false;
    if (memcmp(reply, start, length < head ? length : head))
        return "a reply that does not begin with `action='";
    size_t end = head;
    for (; end < length && reply[end] != '\n'; end++) {
        if (reply[end] == '\r')
            return "a carriage return in a reply";
        if (reply[end] < ' ' || reply[end] > '~')
            return "a byte in a reply that is not printable ASCII";
    }
    if (end >= length)
        return NULL;
    if (end == head || reply[head] == ' ')
        return "a reply without a verb";
    if (end + 1 == length)
        return NULL;
    if (reply[end + 1] != '\n')
        return "bytes where the empty line of a reply belongs";
    if (end + 2 < length)
        return "extra bytes after a reply";

    const char *action = reply + head;
    size_t action_length = end - head;
    const char *blank = memchr(action, ' ', action_length);
    size_t verb_length = blank ? (size_t)(blank - action) : action_length;
    for (*verb = 0; *verb < OTHER; ++*verb)
        if (strlen(verb_names[*verb]) == verb_length && !memcmp(action, verb_names[*verb], verb_length))
            break;
    if (!strcmp(verb_names[*verb], "PREPEND")) {
        const char *name = action + verb_length, *stop = action + action_length;
        while (name < stop && *name == ' ')
            name++;
        const char *colon = name;
        while (colon < stop && *colon != ':' && *colon != ' ')
            colon++;
        if (colon == name || colon + 1 >= stop || *colon != ':')
            return "a PREPEND without `Name: value'";
    }
    *complete = true;
    return NULL;
}

// ---------------------------------------------------------------- latency

// Nanoseconds in buckets of 1/64 of their power of two, that is, to 1.6 %.
#define STEPS_LOG 6
#define STEPS (1 << STEPS_LOG)
static uint64_t buckets[(64 - STEPS_LOG + 1) * STEPS];
static uint64_t latency_max;

static void record(uint64_t ns)
{
    if (ns > latency_max)
        latency_max = ns;
    int shift = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - STEPS_LOG;
    buckets[(size_t)shift * STEPS + (ns >> shift)]++;  // the upper half of each row holds the values shifted
}

static double percentile_us(double share, uint64_t count)
{
    uint64_t wanted = (uint64_t)(share * (double)count + 0.999999), sum = 0;
    if (!wanted)
        wanted = 1;
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++) {
        sum += buckets[i];
        if (buckets[i] && sum >= wanted) {
            size_t shift = i < STEPS ? 0 : i / STEPS - 1;
            uint64_t low = (uint64_t)(i - shift * STEPS) << shift;
            double middle = (double)low + (double)(1ull << shift) / 2;
            return (middle < (double)latency_max ? middle : (double)latency_max) / 1000;
        }
    }
    return 0;
}

// ---------------------------------------------------------------- the server's process

struct usage_of_server {
    uint64_t user_ticks, system_ticks;
    uint64_t rss_kb, anon_kb;
};

// False when there is no such process, or it has ended and waits to be collected.
static bool look_at_server(struct usage_of_server *usage_now)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", options.pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = 0;
    char *rest = strrchr(line, ')');  // the name before it may hold anything
    char state;
    unsigned long long user, system;
    if (!rest || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &state, &user, &system) != 3)
        return false;
    if (state == 'Z' || state == 'X')
        return false;
    usage_now->user_ticks = user;
    usage_now->system_ticks = system;
    usage_now->rss_kb = usage_now->anon_kb = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", options.pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        unsigned long long kb;
        if (sscanf(line, "VmRSS: %llu", &kb) == 1)
            usage_now->rss_kb = kb;
        else if (sscanf(line, "RssAnon: %llu", &kb) == 1)
            usage_now->anon_kb = kb;
    }
    fclose(file);
    return true;
}

static double own_cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// ---------------------------------------------------------------- connections

struct connection {
    int fd;  // -1: closed after an error
    bool waiting;
    uint16_t out_length, out_sent, in_length;
    uint64_t sent_at;
    char out[REQUEST_ROOM];
    char in[2048];
};

static struct connection *connections;
static int poller;
static uint64_t sent, answered, bytes, errors, outstanding, alive, verbs[VERBS];

// Counts an error and prints it, with the bytes at fault, escaped; the first few at least.
static void report(const struct connection *c, const char *what)
{
    if (++errors > ERRORS_SHOWN)
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
    fputs(errors == ERRORS_SHOWN ? " (further errors are only counted)\n" : "\n", stderr);
}

static void drop(struct connection *c, const char *what)
{
    report(c, what);
    close(c->fd);  // leaves the poller with it
    c->fd = -1;
    alive--;
    if (c->waiting)
        outstanding--;
    c->waiting = false;
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

static void open_all(void)
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
            usleep(20000);
        }
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event))
            fail("epoll: %s", strerror(errno));
        alive++;
    }
}

static void watch(struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void send_rest(struct connection *c)
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

static void send_next(struct connection *c, uint64_t at)
{
    size_t length = compose(c->out, sent);
    c->out_length = (uint16_t)length;
    c->out_sent = c->in_length = 0;
    c->waiting = true;
    sent++;
    outstanding++;
    bytes += length;
    c->sent_at = at;
    send_rest(c);
}

// Takes in what has come. True when that completes a correct reply; `*at' is the time of it.
static bool receive(struct connection *c, uint64_t *at)
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
    verbs[verb]++;
    answered++;
    outstanding--;
    c->waiting = false;
    if (options.expected >= 0 && verb != options.expected)
        report(c, "another verb than the expected one");
    c->in_length = 0;
    return true;
}

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
        uint64_t due = start + (uint64_t)((double)sent * (double)NS_PER_S / (double)options.rate);
        if (due >= end || sent >= total || !idle_count)
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
    for (long i = 0; i < options.connections && sent < total && !options.rate; i++)
        send_next(&connections[i], now());

    struct epoll_event events[256];
    uint64_t t = start;
    while (outstanding || (options.rate && alive && t < end && sent < total)) {
        t = now();
        if (t >= give_up)
            break;
        uint64_t until = outstanding ? give_up : end;
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
            else if (t < end && sent < total)
                send_next(c, now());
        }
        if (options.rate)
            send_due(start, end, total);
    }
    for (long i = 0; i < options.connections; i++)
        if (connections[i].waiting)
            drop(&connections[i], connections[i].in_length ? "stuck inside a reply" : "stuck: no reply");
    if (options.total && answered < options.total) {
        fprintf(stderr, "load: only %llu of %llu requests were answered\n", (unsigned long long)answered,
                (unsigned long long)options.total);
        errors++;
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

static double per(double amount, uint64_t count)
{
    return count ? amount / (double)count : 0;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    open_all();

    struct usage_of_server before, after;
    if (options.pid && !look_at_server(&before))
        fail("no process %ld", options.pid);
    double own_before = own_cpu_us();
    uint64_t elapsed = run();
    double own = per(own_cpu_us() - own_before, answered);
    bool have_server = options.pid && look_at_server(&after);
    if (options.pid && !have_server) {
        fprintf(stderr, "load: process %ld has ended\n", options.pid);
        errors++;
    }
    settle();
    if (!answered) {
        fputs("load: not one request was answered\n", stderr);
        errors++;
    }

    double seconds = (double)elapsed / (double)NS_PER_S;
    double rate = seconds > 0 ? (double)answered / seconds : 0;
    double p50 = percentile_us(0.50, answered), p90 = percentile_us(0.90, answered);
    double p99 = percentile_us(0.99, answered), max = (double)latency_max / 1000;
    double user = 0, system = 0;
    if (have_server) {
        double tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
        user = per((double)(after.user_ticks - before.user_ticks) * tick_us, answered);
        system = per((double)(after.system_ticks - before.system_ticks) * tick_us, answered);
    }

    if (options.json) {
        printf("{\"workload\":\"%s\",\"connections\":%ld,\"seed\":%llu,\"requests\":%llu,\"errors\":%llu,"
               "\"seconds\":%.6f,\"per_second\":%.1f,\"request_bytes\":%.1f,",
               workload_names[options.workload], options.connections, (unsigned long long)options.seed,
               (unsigned long long)answered, (unsigned long long)errors, seconds, rate, per((double)bytes, sent));
        printf("\"verbs\":{");
        for (int i = 0; i < VERBS; i++)
            printf("%s\"%s\":%llu", i ? "," : "", verb_names[i], (unsigned long long)verbs[i]);
        printf("},\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"generator_cpu_us\":%.3f",
               p50, p90, p99, max, own);
        if (have_server)
            printf(",\"server\":{\"pid\":%ld,\"cpu_us\":%.3f,\"user_us\":%.3f,\"system_us\":%.3f,"
                   "\"VmRSS_kB\":%llu,\"RssAnon_kB\":%llu}",
                   options.pid, user + system, user, system, (unsigned long long)after.rss_kb,
                   (unsigned long long)after.anon_kb);
        puts("}");
    } else {
        printf("run        %s, %ld connections, %.2f s, seed %llu\n", workload_names[options.workload],
               options.connections, seconds, (unsigned long long)options.seed);
        printf("requests   %llu of %.0f bytes, %.0f a second\n", (unsigned long long)answered,
               per((double)bytes, sent), rate);
        printf("replies   ");
        for (int i = 0; i < VERBS; i++)
            printf(" %s %llu ", verb_names[i], (unsigned long long)verbs[i]);
        printf("\nlatency    p50 %.0f  p90 %.0f  p99 %.0f  max %.0f us\n", p50, p90, p99, max);
        if (have_server)
            printf("server     %.1f us CPU a request (%.1f user + %.1f system), VmRSS %llu kB, RssAnon %llu kB\n",
                   user + system, user, system, (unsigned long long)after.rss_kb, (unsigned long long)after.anon_kb);
        printf("generator  %.1f us CPU a request\n", own);
        printf("errors     %llu\n", (unsigned long long)errors);
    }
    if (fflush(stdout) || ferror(stdout))
        fail("standard output: %s", strerror(errno));
    return errors ? 1 : 0;
}
