// How long replies took.

#include "load.h"
#include <stdio.h>

// Nanoseconds in buckets of 1/64 of their power of two, that is, to 1.6 %.
#define STEPS_LOG 6
#define STEPS (1 << STEPS_LOG)
#define BUCKETS ((64 - STEPS_LOG + 1) * STEPS)
static uint64_t buckets[BUCKETS], recorded, longest;

void record(uint64_t ns)
{
    recorded++;
    if (ns > longest)
        longest = ns;
    int shift = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - STEPS_LOG;
    buckets[(size_t)shift * STEPS + (ns >> shift)]++;  // the upper half of each row holds the values shifted
}

double latency_max_us(void)
{
    return (double)longest / 1000;
}

// The middle of a bucket, in nanoseconds.
static double middle(size_t bucket)
{
    size_t shift = bucket < STEPS ? 0 : bucket / STEPS - 1;
    uint64_t low = (uint64_t)(bucket - shift * STEPS) << shift;
    return (double)low + (double)(1ull << shift) / 2;
}

double percentile_us(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)recorded + 0.999999), sum = 0;
    if (!wanted)
        wanted = 1;
    for (size_t i = 0; i < BUCKETS; i++) {
        sum += buckets[i];
        if (buckets[i] && sum >= wanted)
            return (middle(i) < (double)longest ? middle(i) : (double)longest) / 1000;
    }
    return 0;
}

// The upper limits of the histogram's rows: six for each power of ten, each about half as large again.
#define ROWS_A_DECADE 6
#define ROWS (ROWS_A_DECADE * 7)

static double upper_us(int row)
{
    static const double steps[ROWS_A_DECADE] = {1.5, 2, 3, 5, 7, 10};
    double limit = steps[row % ROWS_A_DECADE];
    for (int decade = row / ROWS_A_DECADE; decade > 0; decade--)
        limit *= 10;
    return limit;
}

void print_histogram(bool json)
{
    uint64_t rows[ROWS] = {0}, most = 1;
    for (size_t i = 0; i < BUCKETS; i++) {
        int row = 0;
        while (row + 1 < ROWS && middle(i) >= upper_us(row) * 1000)
            row++;
        rows[row] += buckets[i];
    }
    int first = ROWS, last = -1;
    for (int row = 0; row < ROWS; row++) {
        if (!rows[row])
            continue;
        if (first == ROWS)
            first = row;
        last = row;
        if (rows[row] > most)
            most = rows[row];
    }
    for (int row = first; row <= last; row++) {
        if (json) {
            printf("%s[%.1f,%llu]", row > first ? "," : "", upper_us(row), (unsigned long long)rows[row]);
            continue;
        }
        int length = (int)(40 * (double)rows[row] / (double)most + 0.999);
        printf("  < %7.*f us %6.2f %%  %.*s\n", upper_us(row) < 10 ? 1 : 0, upper_us(row),
               100 * (double)rows[row] / (double)recorded, length, "########################################");
    }
}
