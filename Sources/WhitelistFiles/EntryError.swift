/// Why an entry is no good: a sentence without its location.
struct EntryError: Error {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}
