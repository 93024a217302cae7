public import Foundation

/// What a program that ran to its end printed, and how it ended.
public struct CommandResult: Sendable {
    /// How it ended.
    public let ending: ChildProcess.Ending
    /// What it wrote to its standard output.
    public let output: String
    /// What it wrote to its standard error.
    public let errors: String

    /// Runs `command` to its end, with `variables` in its environment; throws if it hasn't ended after `limit`.
    public init(
        of command: [String], variables: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws {
        let streams = try Streams()
        let process = try await ChildProcess.start(
            command, variables: variables, output: streams.output.fileDescriptor,
            errors: streams.errors.fileDescriptor)
        ending = try await process.wait(within: limit)
        (output, errors) = try streams.texts()
    }

    /// Runs `command` likewise, and blocks until it has ended.
    public init(
        of command: [String], variables: [String: String] = [:], within limit: TimeInterval = patience
    ) throws {
        let streams = try Streams()
        let process = try ChildProcess.start(
            command, variables: variables, output: streams.output.fileDescriptor,
            errors: streams.errors.fileDescriptor)
        ending = try process.wait(within: limit)
        (output, errors) = try streams.texts()
    }

    /// All that it wrote; throws unless it exited with 0.
    func success(of command: [String]) throws -> String {
        guard ending == .exited(0) else {
            throw TestError("\(command.joined(separator: " ")): \(ending)\n\(errors)\(output)")
        }
        return output + errors
    }
}

/// Runs `command` to its end and returns what it printed; throws unless it exits with 0.
@discardableResult
public func run(_ command: [String], within limit: Duration = .seconds(60)) async throws -> String {
    try await CommandResult(of: command, within: limit).success(of: command)
}

/// Runs `command` likewise, and blocks until it has ended.
@discardableResult
public func run(_ command: [String], within limit: TimeInterval = patience) throws -> String {
    try CommandResult(of: command, within: limit).success(of: command)
}

/// Files, and not pipes: nobody has to read while it runs, and a daemon that it leaves behind would keep a pipe open.
private struct Streams {
    private let directory: TemporaryDirectory
    let output: FileHandle
    let errors: FileHandle

    init() throws {
        directory = try TemporaryDirectory()
        output = try Self.file(directory.file("output"))
        errors = try Self.file(directory.file("errors"))
    }

    private static func file(_ path: String) throws -> FileHandle {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestError.system("open \(path)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// What they have by now.
    func texts() throws -> (output: String, errors: String) {
        (try Self.text(of: output), try Self.text(of: errors))
    }

    private static func text(of file: FileHandle) throws -> String {
        try file.seek(toOffset: 0)
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }
}
