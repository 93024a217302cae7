// What the command line says.

#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define COUNT_LIMIT_S 60  // the limit of a run with -n and no -d

const char *const workload_names[] = {"new", "seen", "wl", "state", "mixed", "known", "outgoing"};

const char *const verb_names[] = {"DUNNO", "DEFER_IF_PERMIT", "PREPEND", "other"};

struct options options = {.connections = 100, .known = 100000, .expected = -1};

static const char usage_text[] =
    "usage: load (-u PATH | -t HOST:PORT) [options]\n"
    "  -u PATH       unix socket of the server\n"
    "  -t HOST:PORT  TCP address of the server; loopback only\n"
    "  -c N          connections (100)\n"
    "  -d SECONDS    how long (5)\n"
    "  -n N          end after N requests; with -d, that is the time they may take (60)\n"
    "  -r N          N requests a second, and latency from the moment each is due (as fast as it goes)\n"
    "  -N N          open a connection anew after N requests (all stay open)\n"
    "  -w WORKLOAD   new, seen, wl, state, mixed, known or outgoing (new)\n"
    "  -k N          triplets in the set of `seen', `mixed' and `known' (100000)\n"
    "  -s SEED       the same seed sends the same requests (default: another one every time)\n"
    "  --first N     the number of the first request: goes on after a run of N with the same seed (0)\n"
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

void fail(const char *format, ...)
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

uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void read_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"first", required_argument, NULL, 'F'},
        {"wait", required_argument, NULL, 'W'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool have_seconds = false, have_seed = false;
    int option;
    while ((option = getopt_long(argc, argv, "u:t:c:d:n:r:N:w:k:s:e:p:h", long_options, NULL)) != -1) {
        if ((option == 'u' || option == 't') && options.address_size)
            usage("one server only");
        switch (option) {
        case 'u': unix_address(optarg); break;
        case 't': loopback_address(optarg); break;
        case 'c': options.connections = (long)whole_number(optarg, "-c", 1, 60000); break;
        case 'd': options.seconds = seconds_number(optarg, "-d"); have_seconds = true; break;
        case 'n': options.total = whole_number(optarg, "-n", 1, UINT32_MAX); break;
        case 'r': options.rate = whole_number(optarg, "-r", 1, 1000000); break;
        case 'N': options.per_connection = whole_number(optarg, "-N", 1, UINT32_MAX); break;
        case 'w': options.workload = (enum workload)one_of(optarg, "-w", workload_names, WORKLOADS); break;
        case 'k': options.known = whole_number(optarg, "-k", 1, UINT32_MAX); break;
        case 's': options.seed = whole_number(optarg, "-s", 0, UINT64_MAX); have_seed = true; break;
        case 'e': options.expected = one_of(optarg, "-e", verb_names, VERBS); break;
        case 'p': options.pid = (long)whole_number(optarg, "-p", 1, INT32_MAX); break;
        case 'F': options.first = whole_number(optarg, "--first", 0, UINT32_MAX); break;
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
