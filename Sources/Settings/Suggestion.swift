/// "did you mean X?" for a word that is nearly one of `candidates`, else nil.
func suggestion(for word: String, among candidates: [String]) -> String? {
    nearest(to: word, among: candidates).map { "did you mean \($0)?" }
}

/// The candidate that the fewest edits make of a word: at most three, and at most half of the candidate.
package func nearest(to word: String, among candidates: [String]) -> String? {
    let typed = Array(word.utf8)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let other = Array(candidate.utf8)
        let limit = min(3, max(1, other.count / 2))
        guard abs(other.count - typed.count) <= limit else { continue }
        let distance = editDistance(typed, other)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
}

/// How many insertions, removals and replacements turn one into the other (Levenshtein).
func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in second.enumerated() {
            let replaced = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
    }
    return row[second.count]
}
