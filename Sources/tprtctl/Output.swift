import FileCalls
import Glibc
import JSONText
import Programs
import SystemPackage

/// Standard output.
///
/// A reader that has seen enough (`| head`) ends the program quietly; anything else that keeps the result from being
/// written, such as a full disk, is an error. What other people wrote can't steer the terminal: control and invisible
/// characters are escaped.
struct Output {
    private var buffer: [UInt8] = []

    /// How much is written at once.
    private static let chunk = 1 << 16

    /// Adds lines.
    mutating func say(_ text: String, terminator: String = "\n") throws(ProgramError) {
        buffer += (printable(text) + terminator).utf8
        if buffer.count >= Self.chunk { try flush() }
    }

    /// Writes what is left.
    mutating func flush() throws(ProgramError) {
        do throws(Errno) {
            _ = try systemCall { try FileDescriptor.standardOutput.writeAll(buffer) }
        } catch {
            if error == .brokenPipe { exit(0) }
            throw ProgramError(.cannotCreate, "standard output: \(error)")
        }
        buffer = []
    }
}

/// Says a result.
func say(_ text: String, terminator: String = "\n") throws(ProgramError) {
    var output = Output()
    try output.say(text, terminator: terminator)
    try output.flush()
}

extension ProgramError {
    /// The failure as a JSON object on a line.
    var json: String {
        let errors = JSONValue.array(messages.map { .string($0) })
        return JSONValue.object(["status": .int(Int(status.rawValue)), "errors": errors]).text
    }
}

/// Says something beside the result.
func note(_ message: String) {
    ProgressBar.wipe()
    _ = try? FileDescriptor.standardError.writeAll("\(Program.name): \(printable(message))\n".utf8)
}
