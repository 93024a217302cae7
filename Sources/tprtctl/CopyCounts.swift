/// What a copy of a table came to, so far.
struct CopyCounts: Equatable {
    /// Entries that were read.
    var read = 0
    /// Entries that were handed over, those that the target knew already among them.
    var copied = 0
    /// Entries that were left out.
    var expired = 0
    /// Entries that the check afterwards found missing in the target, and added.
    var added = 0
    /// Those of them that were missing even then.
    var lost = 0
    /// The time it took, in milliseconds.
    var milliseconds = 0
}
