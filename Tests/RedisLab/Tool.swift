import Foundation

/// A program that runs to its end and prints something.
enum Tool {
    /// Runs `command` and returns what it printed, without the last newline; throws unless it exits with 0.
    @discardableResult
    static func run(_ command: [String], within limit: Duration = .seconds(60)) async throws -> String {
        // Files, and not pipes: nobody has to read while it runs.
        let output = try UnnamedFile()
        let errors = try UnnamedFile()
        let child = try await ChildProcess.start(command, output: output.descriptor, errors: errors.descriptor)
        let ending: ChildProcess.Ending
        do {
            ending = try await child.wait(within: limit)
        } catch {
            await child.end(gently: false)
            throw error
        }
        guard ending == .exited(0) else {
            let said = [try errors.text(), try output.text()].filter { !$0.isEmpty }
            throw LabError("\(command.joined(separator: " ")): \(ending): \(said.joined(separator: "\n"))")
        }
        return try output.text()
    }
}

/// A file that is nowhere to be seen and gone when it is closed.
private final class UnnamedFile: Sendable {
    let descriptor: Int32

    init() throws {
        var template = Array("/tmp/tprt-redis-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw LabError.system("mkstemp") }
        unlink(template)
    }

    deinit {
        close(descriptor)
    }

    /// All of it, without the last newline.
    func text() throws -> String {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count == bytes.count else { throw LabError.system("pread") }
        if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
