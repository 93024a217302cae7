#include "cre2.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "atoms.h"

namespace {

/// Shorter strings are in too many texts to be worth looking for.
constexpr int kShortestAtom = 3;

/// What a pattern may take for its program and for what matching remembers.
constexpr int64_t kMemoryPerPattern = 1 << 18;

RE2::Options options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(false);
    options.set_never_capture(true);
    options.set_dot_nl(false);
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_max_mem(kMemoryPerPattern);
    return options;
}

re2::StringPiece piece(const uint8_t *bytes, size_t length) {
    return length == 0 ? re2::StringPiece("", 0) : re2::StringPiece(reinterpret_cast<const char *>(bytes), length);
}

thread_local cre2::Scratch spare;

}  // namespace

struct cre2_set {
    re2::FilteredRE2 patterns{kShortestAtom};
    /// For each pattern whether it has to match at the start of a text.
    std::vector<bool> anchored;
    /// The patterns that are run on every text.
    std::vector<int> unfiltered;
    cre2::AtomFinder finder;

    bool matches(int id, const re2::StringPiece &text) const {
        return patterns.GetRE2(id).Match(text, 0, text.size(), anchored[id] ? RE2::ANCHOR_START : RE2::UNANCHORED,
                                         nullptr, 0);
    }
};

cre2_set *cre2_create(void) try {
    return new cre2_set;
} catch (...) {
    return nullptr;
}

void cre2_delete(cre2_set *set) { delete set; }

int32_t cre2_add(cre2_set *set, const uint8_t *pattern, size_t length, bool anchored, char *error,
                 size_t error_capacity) {
    const auto refuse = [&](const char *reason, size_t size) {
        if (error_capacity == 0) return -1;
        const size_t count = std::min(size, error_capacity - 1);
        // RE2 quotes the pattern, which may hold a NUL.
        std::replace_copy(reason, reason + count, error, '\0', '?');
        error[count] = '\0';
        return -1;
    };
    try {
        const re2::StringPiece text = piece(pattern, length);
        set->anchored.reserve(set->anchored.size() + 1);
        int id = -1;
        if (set->patterns.Add(text, options(), &id) == RE2::NoError) {
            set->anchored.push_back(anchored);
            return id;
        }
        const std::string reason = RE2(text, options()).error();
        return refuse(reason.data(), reason.size());
    } catch (...) {
        const char reason[] = "out of memory";
        return refuse(reason, sizeof reason - 1);
    }
}

bool cre2_compile(cre2_set *set) try {
    if (set->anchored.empty()) return true;
    std::vector<std::string> atoms;
    set->patterns.Compile(&atoms);
    set->patterns.AllPotentials({}, &set->unfiltered);
    set->finder.build(atoms);
    return true;
} catch (...) {
    return false;
}

size_t cre2_unfiltered(const cre2_set *set) { return set->unfiltered.size(); }

size_t cre2_match(const cre2_set *set, const uint8_t *text, size_t length, int32_t *ids, size_t capacity) try {
    const re2::StringPiece whole = piece(text, length);
    size_t count = 0;
    const auto run = [&](int id) {
        if (!set->matches(id, whole)) return;
        if (count < capacity) ids[count] = id;
        count++;
    };
    set->finder.find(text, length, spare);
    if (spare.atoms.empty()) {
        for (int id : set->unfiltered) run(id);
        return count;
    }
    set->patterns.AllPotentials(spare.atoms, &spare.candidates);
    for (int id : spare.candidates) run(id);
    return count;
} catch (...) {
    return 0;
}

bool cre2_matches(const cre2_set *set, int32_t id, const uint8_t *text, size_t length) try {
    return set->matches(id, piece(text, length));
} catch (...) {
    return false;
}

bool cre2_matches_empty(const cre2_set *set, int32_t id) { return cre2_matches(set, id, nullptr, 0); }

size_t cre2_program_size(const cre2_set *set, int32_t id) {
    const int size = set->patterns.GetRE2(id).ProgramSize();
    return size > 0 ? static_cast<size_t>(size) : 0;
}
