// fill: writes expired and living entries into a database of tprtd that is closed.
//
// An entry is what tprtd writes (Record.swift): a digest of 20 bytes, and 16 bytes: passes (4), first
// seen (8), and 4 more: of a first attempt the tag of its network (0: not known), else the seconds until it was last
// seen. Expired are first attempts of a month ago; living ones are first attempts of now, or have passed once.
//
// The entries of a slice are written in the order of their keys, so that each page is touched once a slice; over all
// slices the order is as random as with the daemon, and so is how full the pages are.

#define _GNU_SOURCE
#include <errno.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE 1000000   // entries that are sorted together, at most; of few entries an eighth
#define COMMITS 32       // transactions of a slice: what one frees, the next but one writes to
#define AGE 3600        // seconds since entries that have passed were first seen

struct entry {
    uint64_t head, number;
};

static void check(int code, const char *what)
{
    if (!code)
        return;
    fprintf(stderr, "fill: %s: %s\n", what, mdb_strerror(code));
    exit(1);
}

// Different numbers stay different.
static uint64_t scatter(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x8f3b9d1ce64a7255u;
    x ^= x >> 29;
    x *= 0xd1a52c7f6b30e84du;
    return x ^ x >> 32;
}

// In the order of LMDB's keys, which is that of their bytes.
static int compare(const void *one, const void *other)
{
    return memcmp(&((const struct entry *)one)->head, &((const struct entry *)other)->head, 8);
}

// What there is to be written.
static uint64_t expired, pending, passed;
static int64_t now;

static void write_entry(MDB_txn *transaction, MDB_dbi table, const struct entry *entry)
{
    bool is_expired = entry->number < expired, has_passed = entry->number >= expired + pending;
    uint8_t key[20] = {0}, record[16];
    uint64_t tail = scatter(entry->head);
    int32_t passes = has_passed, rest = has_passed ? AGE : 0;
    int64_t first = now - (is_expired ? 30 * 86400 : has_passed ? 2 * AGE : 0);
    memcpy(key, &entry->head, 8);
    memcpy(key + 8, &tail, 8);
    memcpy(record, &passes, 4);
    memcpy(record + 4, &first, 8);
    memcpy(record + 12, &rest, 4);
    MDB_val k = {sizeof key, key}, v = {sizeof record, record};
    check(mdb_put(transaction, table, &k, &v, 0), "put");
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fputs("usage: fill PATH EXPIRED PENDING [PASSED]\n", stderr);
        return 2;
    }
    expired = strtoull(argv[2], NULL, 10);
    pending = strtoull(argv[3], NULL, 10);
    passed = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
    now = (int64_t)time(NULL);
    struct entry *slice = calloc(SLICE, sizeof *slice);
    if (!slice)
        check(ENOMEM, "a slice");
    MDB_env *environment;
    check(mdb_env_create(&environment), "no environment");
    check(mdb_env_set_maxdbs(environment, 2), "tables");
    check(mdb_env_set_mapsize(environment, (size_t)16 << 30), "address space");
    check(mdb_env_open(environment, argv[1], MDB_NOSUBDIR | MDB_NOSYNC, 0600), argv[1]);
    uint64_t total = expired + pending + passed, size = total / 8 + 1 < SLICE ? total / 8 + 1 : SLICE;
    for (uint64_t start = 0; start < total; start += size) {
        size_t count = (size_t)(total - start < size ? total - start : size);
        for (size_t i = 0; i < count; i++)
            slice[i] = (struct entry){scatter(start + i + 1), start + i};
        qsort(slice, count, sizeof *slice, compare);
        for (size_t i = 0; i < count;) {
            MDB_txn *transaction;
            MDB_dbi table;
            check(mdb_txn_begin(environment, NULL, 0, &transaction), "begin");
            check(mdb_dbi_open(transaction, "greylist.1", MDB_CREATE, &table), "greylist.1");
            for (size_t end = i + count / COMMITS + 1; i < end && i < count; i++)
                write_entry(transaction, table, &slice[i]);
            check(mdb_txn_commit(transaction), "commit");
        }
    }
    check(mdb_env_sync(environment, 1), "sync");
    mdb_env_close(environment);
    free(slice);
    return 0;
}
