/// Why an entry is no good: a sentence without its place.
struct EntryFault: Error {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}
