/// Keeps the process alive where a file that is mapped into memory is truncated by somebody else.
///
/// Whoever reads beyond the end of such a file gets SIGBUS, which ends the process. While a range of addresses is guarded
/// here, the handler puts a page of zeros where there is none any more, notes that in the range's slot, and has the read go
/// on. What was read is then worth nothing: ask `tprt_guard_has_fired` after each use of the map, before its result counts.
///
/// A fault at any other address goes to the handler that was there before; without one, it ends the process as ever.
///
/// What guards it: the slots are atomic; the handler uses them, mmap(2) (a plain system call on Linux) and errno, which it
/// restores. A slot may be removed only when nobody uses the map any more.
#pragma once
#include <stddef.h>

/// Guards a range; returns its slot, or -1 where there is none left or the handler can't be installed.
int tprt_guard_add(const void *start, size_t size);

/// Guards a slot's range no more.
void tprt_guard_remove(int slot);

/// Whether a page of the range was found missing since it was added.
int tprt_guard_has_fired(int slot);
