#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int tprt_close_range(unsigned int first, unsigned int last) {
    return close_range(first, last, 0);
}

int tprt_set_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0);
}

int tprt_forbid_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int tprt_own_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0) return -1;
    return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
}

int tprt_mount_processes(const char *path) {
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount("proc", path, "proc", flags, "hidepid=2,subset=pid") == 0) return 0;
    // A kernel before 5.8 knows no subset.
    return errno == EINVAL ? mount("proc", path, "proc", flags, "hidepid=2") : -1;
}

long long tprt_birth(const char *path) {
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
    return (long long)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int tprt_run_in_child(int *status) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP};
    sigset_t passed, before;
    sigemptyset(&passed);
    sigaddset(&passed, SIGHUP);
    sigaddset(&passed, SIGINT);
    sigaddset(&passed, SIGTERM);
    sigaddset(&passed, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &passed, &before) != 0) return -1;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int fault = errno;
        sigprocmask(SIG_SETMASK, &before, NULL);
        errno = fault;
        return -1;
    }
    if (child == 0) {
        // A crash is a result that the parent tells.
        for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (getppid() != parent) _exit(1);
        sigprocmask(SIG_SETMASK, &before, NULL);
        return 0;
    }
    for (;;) {
        pid_t ended = waitpid(child, status, WNOHANG);
        if (ended == child) break;
        if (ended < 0 && errno != EINTR) return -1;
        siginfo_t info;
        int number = sigwaitinfo(&passed, &info);
        // What a terminal sends, all of its processes get.
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL) kill(child, number);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 1;
}

/// Room for the header of one descriptor.
union room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t tprt_send(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union room room;
    if (descriptor >= 0) {
        memset(&room, 0, sizeof room);
        message.msg_control = &room;
        message.msg_controllen = sizeof room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t tprt_receive(int socket, void *bytes, size_t limit, int *descriptor) {
    struct iovec part = {.iov_base = bytes, .iov_len = limit};
    union room room;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room};
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    *descriptor = -1;
    if (received < 0) return received;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof *descriptor)) {
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    return received;
}

/// Whether this thread acts as somebody else. Asking the system takes a call that a unit's filter may forbid.
static _Thread_local int is_acting = 0;

int tprt_is_root(void) {
    return geteuid() == 0 && !is_acting;
}

int tprt_act_as(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    // The calls of the C library would change all threads. The user comes last: from then on there are no rights to
    // change groups by, and first on the way back.
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    is_acting = 1;
    setfsgid(group);
    setfsuid(user);
    // They don't tell whether they worked; a call that can't work tells who it is now.
    if ((gid_t)setfsgid((gid_t)-1) == group && (uid_t)setfsuid((uid_t)-1) == user) return 0;
    errno = EPERM;
    return -1;
}

int tprt_act_again(gid_t group, const gid_t *groups, size_t count) {
    setfsuid(0);
    setfsgid(group);
    if ((gid_t)setfsgid((gid_t)-1) != group || (uid_t)setfsuid((uid_t)-1) != 0) {
        errno = EPERM;
        return -1;
    }
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    is_acting = 0;
    return 0;
}

int tprt_become(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    if (setgroups(count, groups) != 0) return -1;
    if (setresgid(group, group, group) != 0) return -1;
    return setresuid(user, user, user);
}

int tprt_open_place(int directory, const char *name) {
    return openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int tprt_give_place(int place, uid_t user, gid_t group) {
    return fchownat(place, "", user, group, AT_EMPTY_PATH);
}
