// Counts what the whole process allocates.

#pragma once
#include <stdint.h>

/// How often memory was asked for since the start: malloc, calloc, realloc and their aligned siblings.
uint64_t allocations_made(void);
