/// The keys that are given to entries which are written to a Redis.
///
/// A key is made of what the entry says, and of its list: so the same entry always has the same one, and what is under
/// a key never has to change. It can't be that of a greylisting entry, which begins with a network or is a bare digest.
enum RemoteKey {
    private static let prefix = "whitelist:"
    private static let digits = 40

    /// The key of an entry of that list.
    ///
    /// - Parameter digest: the SHA-1 of a text in hexadecimal digits
    static func key(of text: String, in list: String, digest: (String) -> String) -> String {
        prefix + digest(list + "\n" + text)
    }

    /// Whether a key was made here, and so says nothing.
    static func isOurs(_ key: String) -> Bool {
        let rest = key.utf8.dropFirst(prefix.utf8.count)
        return key.hasPrefix(prefix) && rest.count == digits
            && rest.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
