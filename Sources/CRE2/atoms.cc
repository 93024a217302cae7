#include "atoms.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace cre2 {

void AtomFinder::build(const std::vector<std::string> &atoms) {
    atom_count_ = atoms.size();
    std::vector<int> order(atoms.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return atoms[a] < atoms[b]; });

    // Each state stands for a run of the sorted atoms: those that share its path from the root.
    struct Run {
        size_t begin, end, depth;
    };
    std::vector<Run> runs{{0, order.size(), 0}};
    states_.assign(1, State{1, 0, 0, -1});
    labels_.assign(1, 0);
    for (size_t state = 0; state < runs.size(); state++) {
        const Run run = runs[state];
        states_[state].first_child = static_cast<uint32_t>(states_.size());
        size_t begin = run.begin;
        if (begin < run.end && atoms[order[begin]].size() == run.depth) begin++;
        while (begin < run.end) {
            const uint8_t label = atoms[order[begin]][run.depth];
            size_t end = begin + 1;
            while (end < run.end && static_cast<uint8_t>(atoms[order[end]][run.depth]) == label) end++;

            const uint32_t number = static_cast<uint32_t>(states_.size());
            const uint32_t fail = state == 0 ? 0 : step(states_[state].fail, label);
            const std::string &first = atoms[order[begin]];
            const bool ends = first.size() == run.depth + 1;
            states_.push_back(State{0, fail, ends ? number : states_[fail].ending, ends ? order[begin] : -1});
            labels_.push_back(label);
            runs.push_back({begin, end, run.depth + 1});
            if (state == 0) root_[label] = number;
            begin = end;
        }
    }
    states_.push_back(State{static_cast<uint32_t>(states_.size()), 0, 0, -1});
    states_.shrink_to_fit();
    labels_.shrink_to_fit();
}

inline uint32_t AtomFinder::child(uint32_t state, uint8_t byte) const {
    const uint32_t first = states_[state].first_child;
    const uint32_t count = states_[state + 1].first_child - first;
    if (count == 0) return 0;
    if (labels_[first] == byte) return first;
    if (count == 1) return 0;
    const void *found = std::memchr(&labels_[first], byte, count);
    return found ? static_cast<uint32_t>(static_cast<const uint8_t *>(found) - labels_.data()) : 0;
}

inline uint32_t AtomFinder::step(uint32_t state, uint8_t byte) const {
    while (state != 0) {
        if (const uint32_t next = child(state, byte)) return next;
        state = states_[state].fail;
    }
    return root_[byte];
}

void AtomFinder::find(const uint8_t *text, size_t length, Scratch &scratch) const {
    scratch.atoms.clear();
    if (scratch.seen.size() < atom_count_) scratch.seen.resize(atom_count_, 0);
    scratch.turn++;
    uint32_t state = 0;
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = text[i];
        state = step(state, byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
        // Where an atom was seen before, so were all the shorter ones that end with it.
        for (uint32_t at = states_[state].ending; at != 0; at = states_[states_[at].fail].ending) {
            const int atom = states_[at].atom;
            if (scratch.seen[atom] == scratch.turn) break;
            scratch.seen[atom] = scratch.turn;
            scratch.atoms.push_back(atom);
        }
    }
}

}  // namespace cre2
