#include <libpsl.h>
#include <stddef.h>
#include <stdio.h>

/* Loads a list from memory; libpsl itself reads files only. */
static inline psl_ctx_t *psl_load_bytes(const void *bytes, size_t count)
{
    FILE *stream = fmemopen((void *) bytes, count, "r");
    psl_ctx_t *list = stream ? psl_load_fp(stream) : NULL;

    if (stream)
        fclose(stream);
    return list;
}
