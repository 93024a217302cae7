#ifndef CRE2_ATOMS_H
#define CRE2_ATOMS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cre2 {

/// What a thread needs to look for atoms, kept from one text to the next.
struct Scratch {
    /// The number of the text in hand.
    uint64_t turn = 0;
    /// For each atom the last text that held it.
    std::vector<uint64_t> seen;
    /// The atoms found.
    std::vector<int> atoms;
    /// The patterns that may match.
    std::vector<int> candidates;
};

/// Finds which of many strings a text holds, in one pass (Aho-Corasick).
///
/// States are numbered breadth first, so the children of a state are neighbours, and those of the next state follow: a
/// state needs but the number of its first child. That is 17 bytes a state, and at most one state per byte of an atom.
class AtomFinder {
  public:
    /// Takes distinct strings, none empty, all with `A` to `Z` lower-cased.
    void build(const std::vector<std::string> &atoms);

    /// Puts the indices of all atoms that the text holds into `scratch.atoms`, each once and in no order.
    ///
    /// The letters `A` to `Z` of the text count as lower case.
    void find(const uint8_t *text, size_t length, Scratch &scratch) const;

  private:
    struct State {
        uint32_t first_child;
        /// Where to go on if no child fits: the state of the longest proper suffix.
        uint32_t fail;
        /// The longest suffix, this state included, at which an atom ends; 0 for none.
        uint32_t ending;
        /// The atom that ends here, if any.
        int32_t atom;
    };

    /// The child of a state for a byte; 0, which is nobody's child, if there is none.
    uint32_t child(uint32_t state, uint8_t byte) const;
    /// The state after a byte.
    uint32_t step(uint32_t state, uint8_t byte) const;

    /// The states and one more, which tells where the children of the last one end.
    std::vector<State> states_;
    /// The byte that leads to each state.
    std::vector<uint8_t> labels_;
    /// The root has many children and is asked most.
    uint32_t root_[256] = {};
    size_t atom_count_ = 0;
};

}  // namespace cre2

#endif
