#ifndef CRE2_H
#define CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Many regular expressions that are matched at once.
///
/// A set is filled by one thread, then compiled. From then on it never changes, and any number of threads may match
/// with it at the same time.
///
/// Patterns and texts are bytes (Latin-1), blind to case. A letter above 127 is folded as Latin-1 has it, so in UTF-8
/// a pattern may match a few more texts than the ones meant: `\xc3\xa9` matches `\xe3\xa9` too.
typedef struct cre2_set cre2_set;

/// An empty set, or NULL when memory runs out.
cre2_set *cre2_create(void);

/// Frees a set, which no thread may be using any more. NULL is allowed.
void cre2_delete(cre2_set *set);

/// Adds a pattern and returns its id; ids count up from 0.
///
/// An anchored pattern has to match at the start of a text, another one anywhere in it. On refusal the answer is -1 and
/// `error` holds RE2's reason, ended by NUL and cut to `error_capacity`.
int32_t cre2_add(cre2_set *set, const uint8_t *pattern, size_t length, bool anchored, char *error,
                 size_t error_capacity);

/// Ends the filling of a set. False when memory runs out; the set can then only be deleted.
bool cre2_compile(cre2_set *set);

/// How many patterns hold no string that a text must contain, and so are run on every text.
size_t cre2_unfiltered(const cre2_set *set);

/// Finds all patterns that match a text.
///
/// Puts their ids, ascending, into `ids` as far as `capacity` goes and returns how many there are in all, which may be
/// more. Returns 0 if memory runs out. The set has to be compiled.
size_t cre2_match(const cre2_set *set, const uint8_t *text, size_t length, int32_t *ids, size_t capacity);

/// Whether one pattern matches a text. The set need not be compiled.
bool cre2_matches(const cre2_set *set, int32_t id, const uint8_t *text, size_t length);

/// How many instructions a pattern's program has: the most steps, about, that a byte of a text may take.
size_t cre2_program_size(const cre2_set *set, int32_t id);

/// Whether a pattern matches the empty text. The set need not be compiled.
bool cre2_matches_empty(const cre2_set *set, int32_t id);

#ifdef __cplusplus
}
#endif

#endif
