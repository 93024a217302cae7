import Foundation

/// Calls `body` with the path of a new directory, gone afterwards with all that is in it.
public func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try body(directory.path)
}

/// A new directory, gone after ``remove()`` or with the last reference to it.
///
/// Other users can pass through it, as Postfix must. The path is short on purpose: that of a unix socket has to fit into
/// 107 bytes.
public final class TemporaryDirectory: Sendable {
    /// Where it is.
    public let path: String

    /// Makes it in a directory; what is written to one in `/dev/shm` waits for no disk.
    public init(in parent: String = "/tmp") throws {
        var template = Array("\(parent)/tprt-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard chmod(path, 0o755) == 0 else { throw CocoaError(.fileWriteNoPermission) }
    }

    deinit {
        remove()
    }

    /// The path of `name` in this directory.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a directory in this one, and returns its path.
    public func makeDirectory(_ name: String) throws -> String {
        let directory = file(name)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory
    }

    /// Writes `text` to `name` in this directory, replacing it whole, and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let target = file(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: target), options: .atomic)
        return target
    }

    /// The names in this directory.
    public var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

    /// The names in this directory that begin with `prefix`, sorted.
    public func names(beginningWith prefix: String) -> [String] {
        names.filter { $0.hasPrefix(prefix) }.sorted()
    }

    /// Removes it with all that is in it.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
