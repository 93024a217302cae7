#define _GNU_SOURCE
#include "CMapGuard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/// A guarded range; free where `end` is 0, being filled in where it is 1.
struct slot {
    _Atomic uintptr_t start;
    _Atomic uintptr_t end;
    _Atomic int has_fired;
};

enum { slot_count = 1024 };
static struct slot slots[slot_count];
static struct sigaction former;
static uintptr_t page_size;
static int is_installed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pass_on(int number, siginfo_t *info, void *context) {
    if (former.sa_flags & SA_SIGINFO) {
        former.sa_sigaction(number, info, context);
    } else if (former.sa_handler == SIG_DFL || former.sa_handler == SIG_IGN) {
        // The instruction runs again, and this time nobody catches its fault.
        struct sigaction none = {.sa_handler = SIG_DFL};
        sigaction(number, &none, NULL);
        // One that was sent by kill(2) has no instruction.
        if (info->si_code <= 0) raise(number);
    } else {
        former.sa_handler(number);
    }
}

static void handle(int number, siginfo_t *info, void *context) {
    int error = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    if (info->si_code > 0) {
        for (int i = 0; i < slot_count; i++) {
            uintptr_t end = atomic_load(&slots[i].end);
            if (end <= 1 || address >= end || address < atomic_load(&slots[i].start)) continue;
            void *page = (void *)(address & ~(page_size - 1));
            const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
            if (mmap(page, page_size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) break;
            atomic_store(&slots[i].has_fired, 1);
            errno = error;
            return;
        }
    }
    pass_on(number, info, context);
    errno = error;
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    is_installed = sigaction(SIGBUS, &action, &former) == 0;
}

int tprt_guard_add(const void *start, size_t size) {
    pthread_once(&once, install);
    if (!is_installed || size == 0) return -1;
    for (int i = 0; i < slot_count; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&slots[i].end, &none, 1)) continue;
        atomic_store(&slots[i].start, (uintptr_t)start);
        atomic_store(&slots[i].has_fired, 0);
        atomic_store(&slots[i].end, (uintptr_t)start + size);
        return i;
    }
    return -1;
}

void tprt_guard_remove(int slot) {
    if (slot >= 0 && slot < slot_count) atomic_store(&slots[slot].end, 0);
}

int tprt_guard_has_fired(int slot) {
    return slot >= 0 && slot < slot_count && atomic_load(&slots[slot].has_fired);
}
