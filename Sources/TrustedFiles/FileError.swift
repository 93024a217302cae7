import Glibc

/// Why root doesn't touch a file, or why a file can't be opened.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The errno that comes nearest.
    public let code: CInt
    /// Where it is.
    public let path: String
    /// What is wrong there, and the remedy where there is one.
    public let sentence: String
    /// Whether the errno says all of it.
    public let isSystems: Bool

    /// A path, and what is wrong with it.
    public var description: String { "\(path): \(sentence)" }

    /// What is wrong in our own words.
    public init(_ path: String, _ code: CInt, sentence: String) {
        self.path = path
        self.code = code
        self.sentence = sentence
        isSystems = false
    }

    /// What the system answered.
    ///
    /// - Parameter user: as whom it was asked; nil: as who this process is
    public init(_ path: String, _ code: CInt, as user: FileUser? = nil) {
        let who = user.map { " (as user \($0.name))" } ?? ""
        self.path = path
        self.code = code
        sentence = "\(String(cString: strerror(code)))\(who)"
        isSystems = user == nil
    }

    /// Root lacks the rights to act as a user.
    public init(_ path: String, cantBe user: FileUser) {
        self.init(
            path, EPERM,
            sentence: "root can't act as \(user.name) there: it needs CAP_SETUID and CAP_SETGID")
    }

    init(shared directory: String) {
        self.init(
            directory, EPERM,
            sentence: "belongs to root, and others may write to it: root uses nothing there (chmod go-w, or chown it)")
    }
}
