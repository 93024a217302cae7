import Foundation

/// Runs a program to its end.
enum Tool {
    /// What it wrote to its standard output and error.
    ///
    /// - Throws: where it can't be started; its exit status isn't looked at
    static func run(_ command: [String], variables: [String: String]) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Complaints are few: they fit into the pipe while the output is read.
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: said, as: UTF8.self), String(decoding: complained, as: UTF8.self))
    }
}
