/// What the system has and Swift's module Glibc doesn't show: calls of variable arguments, and macros.
#pragma once
#include <stddef.h>
#include <sys/types.h>

/// Closes all descriptors from `first` to `last`; 0, or -1 with errno.
int tprt_close_range(unsigned int first, unsigned int last);

/// Names the calling thread as ps(1) and top(1) show it, in at most 15 bytes; 0, or -1 with errno.
int tprt_set_name(const char *name);

/// From now on no program that is executed has more rights than its caller; 0, or -1 with errno.
int tprt_forbid_new_privileges(void);

/// Has mounts of its own from now on: what others mount is seen here, what is mounted here isn't seen there. 0, or -1
/// with errno.
int tprt_own_mounts(void);

/// Mounts a proc(5) at `path` that shows processes only, and of those the user's own; 0, or -1 with errno.
int tprt_mount_processes(const char *path);

/// When the file was made, in nanoseconds since 1970; 0 where the file system doesn't know, or there is no such file.
long long tprt_birth(const char *path);

/// Forks. In the child, which ends with its parent and leaves no core file, it returns 0 at once. In the parent it passes
/// SIGHUP, SIGINT and SIGTERM on to the child, returns 1 when that has ended, and gives its status of waitpid(2). -1 with
/// errno where there can be no child.
///
/// Only for a process without other threads.
int tprt_run_in_child(int *status);

/// Sends a message, and a descriptor with it unless that is negative; its length, or -1 with errno.
ssize_t tprt_send(int socket, const void *bytes, size_t count, int descriptor);

/// Receives a message; `descriptor` is what came with it, closing on exec, or -1. Its length, 0 at the end, -1 with errno.
ssize_t tprt_receive(int socket, void *bytes, size_t limit, int *descriptor);
