import Foundation

/// A new folder, gone after `remove()` or with the last reference to it.
///
/// The path is short on purpose: the path of a unix socket has to fit into 107 bytes.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/tprt-redis-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LabError.system("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        remove()
    }

    /// The path of `name` in this folder.
    func file(_ name: String) -> String {
        "\(path)/\(name)"
    }

    /// Writes `text` to `name` in this folder.
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
