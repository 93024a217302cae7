#include "CProcess.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/// The signals that a daemon is sent while it runs, and that end a process which has no handler for them.
static const int kept[] = {SIGHUP, SIGUSR1};

/// Whether each of them has come.
static volatile sig_atomic_t came[sizeof kept / sizeof kept[0]];

static void keep(int number) {
    for (size_t index = 0; index < sizeof kept / sizeof kept[0]; index++) {
        if (kept[index] == number) came[index] = 1;
    }
}

/// A handler and not SIG_IGN: nothing is lost, and a program that is executed doesn't inherit it.
static void begin(void) {
    for (size_t index = 0; index < sizeof kept / sizeof kept[0]; index++) {
        struct sigaction action = {.sa_handler = keep, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        sigaction(kept[index], &action, NULL);
    }
}

/// Called by the dynamic loader before any other code of the process, that of the shared libraries included.
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = begin;

void tprt_send_kept(int number) {
    for (size_t index = 0; index < sizeof kept / sizeof kept[0]; index++) {
        if (kept[index] != number || !came[index]) continue;
        came[index] = 0;
        kill(getpid(), number);
    }
}
