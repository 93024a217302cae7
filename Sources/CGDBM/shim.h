#include <sys/types.h>
#include <gdbm.h>

/* From fcntl.h, which has it for GNU sources only. */
int fallocate(int descriptor, int mode, off_t offset, off_t length);
