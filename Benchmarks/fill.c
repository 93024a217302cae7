// fill: writes expired and living entries into a database of tprtd that is closed.
//
// An entry is what tprtd writes (Record.swift): a digest of 20 bytes, and 16 bytes: passes (4), first
// seen (8), and the tag of the network (4). All are first attempts, of networks that are not known.

#define _GNU_SOURCE
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE 50000  // entries in a transaction

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

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: fill PATH EXPIRED LIVING\n", stderr);
        return 2;
    }
    uint64_t expired = strtoull(argv[2], NULL, 10), living = strtoull(argv[3], NULL, 10);
    int64_t now = (int64_t)time(NULL), long_ago = now - 30 * 86400;
    MDB_env *environment;
    check(mdb_env_create(&environment), "no environment");
    check(mdb_env_set_maxdbs(environment, 2), "tables");
    check(mdb_env_set_mapsize(environment, (size_t)16 << 30), "address space");
    check(mdb_env_open(environment, argv[1], MDB_NOSUBDIR, 0600), argv[1]);
    for (uint64_t number = 0; number < expired + living;) {
        MDB_txn *transaction;
        MDB_dbi table;
        check(mdb_txn_begin(environment, NULL, 0, &transaction), "begin");
        check(mdb_dbi_open(transaction, "greylist.1", MDB_CREATE, &table), "greylist.1");
        for (int i = 0; i < SLICE && number < expired + living; i++, number++) {
            uint8_t key[20] = {0}, record[16] = {0};
            uint64_t head = scatter(number + 1), tail = scatter(head);
            memcpy(key, &head, 8);
            memcpy(key + 8, &tail, 8);
            memcpy(record + 4, number < expired ? &long_ago : &now, 8);
            MDB_val k = {sizeof key, key}, v = {sizeof record, record};
            check(mdb_put(transaction, table, &k, &v, 0), "put");
        }
        check(mdb_txn_commit(transaction), "commit");
    }
    mdb_env_close(environment);
    return 0;
}
