#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unbound.h>

/* Names the calling thread as ps(1) and top(1) show it, in at most 15 bytes; so libunbound's thread is named, too. */
static inline void unbound_name_thread(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
