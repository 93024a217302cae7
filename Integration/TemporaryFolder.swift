import Foundation

/// A new folder under /tmp that other users can pass through, as Postfix must; gone after `remove()`.
///
/// The path is short on purpose: the path of a unix socket has to fit into 107 bytes.
struct TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/tprt-integration-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError.system("mkdtemp") }
        path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard chmod(path, 0o755) == 0 else { throw HarnessError.system("chmod \(path)") }
    }

    /// The path of `name` in this folder.
    func file(_ name: String) -> String {
        "\(path)/\(name)"
    }

    /// Makes a folder in this folder and returns its path.
    func makeFolder(_ name: String) throws -> String {
        let folder = file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Writes `text` to `name` in this folder, replacing it whole, and returns its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let target = file(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: target), options: .atomic)
        return target
    }

    /// The names in this folder that begin with `prefix`.
    func names(beginningWith prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix(prefix) }.sorted()
    }

    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            note("cannot remove \(path): \(error)")
        }
    }
}

/// Writes a line for whoever looks at the test run.
func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
