// What the server's process uses, and this one.

#include "load.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

bool look_at_server(struct usage_of_server *usage)
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
    usage->user_ticks = user;
    usage->system_ticks = system;
    usage->rss_kb = usage->anon_kb = usage->shared_kb = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", options.pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        unsigned long long kb;
        if (sscanf(line, "VmRSS: %llu", &kb) == 1)
            usage->rss_kb = kb;
        else if (sscanf(line, "RssAnon: %llu", &kb) == 1)
            usage->anon_kb = kb;
        else if (sscanf(line, "RssShmem: %llu", &kb) == 1)
            usage->shared_kb = kb;
    }
    fclose(file);
    return true;
}

double own_cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}
