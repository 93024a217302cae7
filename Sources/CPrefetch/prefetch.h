#include <stddef.h>

/* Has the processor fetch memory that is about to be read, without waiting for it. */
static inline void cprefetch(const void *base, size_t offset) {
    __builtin_prefetch((const char *)base + offset);
}
