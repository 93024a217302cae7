import Glibc

/// Why a file can't be read.
package struct FileReadError: Error, Equatable, CustomStringConvertible {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }

    /// The complaint, to follow the file's name.
    package var description: String { sentence }

    /// Whether there is no such file.
    var isMissing: Bool { self == FileReadError(code: ENOENT) }

    /// What the system answered.
    init(code: CInt) {
        switch code {
        case ENOENT: sentence = "there is no such file"
        case EACCES, EPERM: sentence = "no permission to read it"
        default: sentence = "it can't be read (\(String(cString: strerror(code))))"
        }
    }
}

/// The bytes of a regular file that has at most `limit` of them.
///
/// Nothing else is read: a pipe or a device could keep the reader waiting for ever.
package func contents(
    of path: String, limit: Int, through access: FileAccess = .direct
) throws(FileReadError) -> [UInt8] {
    let descriptor: CInt
    do throws(FileAccess.SystemError) {
        descriptor = try access.open(path)
    } catch {
        throw error.sentence.map { FileReadError("\(path): it \($0)") } ?? FileReadError(code: error.code)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileReadError(code: errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileReadError("it is a directory")
    default: throw FileReadError("it is not a regular file")
    }
    return try contents(of: descriptor, size: Int(status.st_size), limit: limit)
}

/// Reads up to the end, wherever that is by now: `size` is where it was.
private func contents(of descriptor: CInt, size: Int, limit: Int) throws(FileReadError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    if size <= limit { bytes.reserveCapacity(size) }
    var total = size
    while total <= limit {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { return bytes }
        if count > 0 {
            bytes += chunk[..<count]
            total = max(total, bytes.count)
        } else if errno != EINTR {
            throw FileReadError(code: errno)
        }
    }
    throw FileReadError("it has \(total) bytes, more than the \(limit) that are read")
}
