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

/// When the file was made, in nanoseconds since 1970; 0 where the file system doesn't know, or there is none.
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

/// Whether the calling thread reaches files as root.
int tprt_is_root(void);

/// The calling thread, and no other one, reaches files as that user with these groups from now on; 0, or -1 with errno.
int tprt_act_as(uid_t user, gid_t group, const gid_t *groups, size_t count);

/// The calling thread reaches files as root again, with these groups; 0, or -1 with errno.
int tprt_act_again(gid_t group, const gid_t *groups, size_t count);

/// The process is that user for good, real, effective and saved; 0, or -1 with errno, and then it may be half of both.
int tprt_become(uid_t user, gid_t group, const gid_t *groups, size_t count);

/// Opens what is at that name, a link, too, neither for reading nor for writing: a descriptor, or -1 with errno.
int tprt_open_place(int directory, const char *name);

/// Changes the owner of what `tprt_open_place` has opened; 0, or -1 with errno.
int tprt_give_place(int place, uid_t user, gid_t group);

/// Sends this process once more a signal, SIGHUP or SIGUSR1, that came before it had a handler for it; else does nothing.
///
/// In a program that is linked with this module both are kept from its first moment on, before any library is set up.
void tprt_send_kept(int number);
