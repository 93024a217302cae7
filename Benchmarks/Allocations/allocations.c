// allocations: counts how often a process asks for memory.
//
// It stands in for malloc and its siblings, and hands each call on to glibc. Two ways of use:
// - linked into a program, which asks allocations_made();
// - as a library in LD_PRELOAD, with ALLOCATIONS=FILE in the environment: FILE then holds the count,
//   eight bytes in the machine's order, while the process runs.

#define _GNU_SOURCE
#include "include/allocations.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own, under the names that it keeps for those who replace the others.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t in_process;
static _Atomic uint64_t *count = &in_process;

static void note(void)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

uint64_t allocations_made(void)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

// Before the program's threads: nobody reads `count' yet while it is set.
__attribute__((constructor)) static void share(void)
{
    const char *path = getenv("ALLOCATIONS");
    if (!path || !*path)
        return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (!ftruncate(file, sizeof *count)) {
        void *shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED)
            count = shared;
    }
    close(file);
}

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    note();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) || !alignment || alignment & (alignment - 1))
        return EINVAL;
    note();
    void *made = __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}
