import Bytes
import FileCalls
import Glibc
import Greylist
import SystemPackage

/// Where log lines go; a sink takes one over and writes to it from its own thread.
public struct LogDestination: Sendable {
    var writer: any LogWriter

    /// Nowhere.
    public static let nothing = LogDestination(writer: NoWriter())

    /// Here, with a copy of each line somewhere else; lines that the copy loses aren't counted.
    public func copied(to copy: LogDestination) -> LogDestination {
        LogDestination(writer: CopyingWriter(writer: writer, copy: copy.writer))
    }
}

/// What puts records where they belong.
///
/// It may block: only the thread of a sink calls it, and never two at a time.
protocol LogWriter: Sendable {
    /// Whether it wants the fields of a decision beside the line.
    var takesFields: Bool { get }

    /// Writes records in their order.
    ///
    /// - Returns: how many were given up
    mutating func write(_ records: LogRecords) -> Int

    /// Opens anew what may have been moved away; what was open stays where that fails.
    mutating func reopen()
}

private struct NoWriter: LogWriter {
    let takesFields = false

    func write(_ records: LogRecords) -> Int { 0 }
    func reopen() {}
}

private struct CopyingWriter: LogWriter {
    var writer: any LogWriter
    var copy: any LogWriter

    var takesFields: Bool { writer.takesFields || copy.takesFields }

    mutating func write(_ records: LogRecords) -> Int {
        _ = copy.write(records)
        return writer.write(records)
    }

    mutating func reopen() {
        writer.reopen()
        copy.reopen()
    }
}

extension LogDestination {
    /// An open file descriptor, such as that of standard error; it is never closed.
    ///
    /// - Parameter marksPriority: whether each line begins with its severity as sd-daemon(3) has it, `<6>`
    public static func descriptor(_ descriptor: CInt, marksPriority: Bool = false) -> LogDestination {
        LogDestination(
            writer: DescriptorWriter(
                output: LineOutput(FileDescriptor(rawValue: descriptor)), marksPriority: marksPriority))
    }

    /// Whether systemd's journal is what reads from that descriptor.
    ///
    /// - Parameter stream: the variable `JOURNAL_STREAM`, `DEVICE:INODE`, as systemd.exec(5) has it
    public static func isJournal(_ descriptor: CInt, stream: String?) -> Bool {
        guard let stream, let status = try? Stat(FileDescriptor(rawValue: descriptor)) else { return false }
        return stream == "\(status.deviceID.rawValue):\(status.inode.rawValue)"
    }
}

private struct DescriptorWriter: LogWriter {
    let takesFields = false
    var output: LineOutput
    let marksPriority: Bool
    private var lines: [UInt8] = []

    init(output: LineOutput, marksPriority: Bool) {
        self.output = output
        self.marksPriority = marksPriority
    }

    mutating func write(_ records: LogRecords) -> Int {
        lines.removeAll(keepingCapacity: true)
        records.forEachRecord { severity, _, text in
            if marksPriority {
                lines.append(UInt8(ascii: "<"))
                lines.append(decimal: Int(severity.rawValue))
                lines.append(UInt8(ascii: ">"))
            }
            lines.append(text)
            lines.append(UInt8(ascii: "\n"))
        }
        return output.write(lines)
    }

    func reopen() {}
}

/// Writes lines to a descriptor.
struct LineOutput: Sendable {
    var descriptor: FileDescriptor
    /// Whether the last line was cut in its middle: the next one must not seem to be its end.
    private var isInLine = false

    init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Blocks until the reader has taken everything.
    ///
    /// A reader that is gone, or a disk that is full, takes nothing: the lines are given up. Returns how many.
    mutating func write(_ lines: [UInt8]) -> Int {
        if isInLine {
            guard writeAll([UInt8(ascii: "\n")]) == 1 else { return lines.lineCount(from: 0) }
            isInLine = false
        }
        let written = writeAll(lines)
        guard written < lines.count else { return 0 }
        isInLine = written > 0 && lines[written - 1] != UInt8(ascii: "\n")
        return lines.lineCount(from: written)
    }

    /// Returns how many bytes were taken.
    private func writeAll(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                do throws(Errno) {
                    let written = try systemCall { try descriptor.write(UnsafeRawBufferPointer(rebasing: rest)) }
                    rest = rest.dropFirst(written)
                } catch {
                    guard error == .wouldBlock else { break }
                    var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
                    Glibc.poll(&poll, 1, -1)
                }
            }
            return bytes.count - rest.count
        }
    }
}

extension [UInt8] {
    fileprivate func lineCount(from start: Int) -> Int {
        self[start...].count { $0 == UInt8(ascii: "\n") }
    }
}
