/*
 * Tells the thread sanitizer of an order that Swift's runtime keeps and doesn't announce.
 *
 * A task that waits for a continuation goes on in one of two ways. If it was suspended when the continuation was
 * resumed, the runtime announces the order of the two (`_swift_tsan_release` when it is resumed, `_swift_tsan_acquire`
 * when the task runs again). If the continuation was resumed first, in the moment between being handed out and the
 * task's `swift_continuation_await`, that function goes on at once and announces nothing (Swift 6.3.1 on Linux): all
 * that the resuming thread wrote before looks like a race with the task that reads it. swift-nio's
 * `EventLoopFuture.get` is such a continuation, and the report names whatever touches the result first, so that no
 * suppression can name it: https://github.com/swiftlang/swift/issues/57803.
 *
 * Loaded before the runtime (LD_PRELOAD), this stands in front of `swift_continuation_await` and has the task acquire
 * what the resumption released, under the same address, the task's. It orders nothing else: what the resuming thread
 * does after the resumption is a race, and is reported as one. ContinuationOrderTests fails without it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define ASYNC __attribute__((swiftasynccall))
#define CONTEXT __attribute__((swift_async_context))

typedef ASYNC void (*resumption)(CONTEXT void *context);

/* The beginning of the runtime's ContinuationAsyncContext, which is part of Swift's ABI. */
struct continuation {
    void *parent;
    resumption resume;
    uintptr_t flags;
};

/* Such a task may go on in another thread, where `own_resumption` is another one's. */
enum { switches_executor = 2 };

typedef ASYNC void (*await_function)(struct continuation *);

extern void *swift_task_getCurrent(void) __attribute__((weak, swiftcall));
extern void __tsan_acquire(void *address) __attribute__((weak));

/* Read only before the thread runs anything else: a task that is suspended goes on by the copy that it made before. */
static _Thread_local resumption own_resumption;

static ASYNC void acquire_and_resume(CONTEXT void *context) {
    __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return own_resumption(context);
}

static await_function next;

__attribute__((constructor)) static void find_next(void) {
    next = (await_function)dlsym(RTLD_NEXT, "swift_continuation_await");
}

ASYNC void swift_continuation_await(struct continuation *context) {
    if (__tsan_acquire != NULL && !(context->flags & switches_executor)) {
        own_resumption = context->resume;
        context->resume = acquire_and_resume;
    }
    __attribute__((musttail)) return next(context);
}
