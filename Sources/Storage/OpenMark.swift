import Glibc

/// An empty file beside the database that is there as long as the database is open.
///
/// One that is found at open tells that whoever had the database before didn't get to close it: it may have been ended
/// by damage that a short look doesn't reach.
public struct OpenMark: Sendable {
    /// Whether the mark was there already.
    public let wasThere: Bool
    private let path: String

    /// Makes the mark; where it can't be made (a folder that may only be read), there is none.
    public init(beside database: String) {
        path = database + "-open"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
        wasThere = descriptor < 0 && Self.isMark(path)
    }

    /// Takes the mark away: the database is closed.
    public func remove() {
        if Self.isMark(path) { unlink(path) }
    }

    /// Whether it is one of ours: somebody's file that happens to have the name is let be.
    private static func isMark(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size == 0
    }
}
