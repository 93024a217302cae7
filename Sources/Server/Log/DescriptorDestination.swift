import Glibc
import Greylist

extension LogDestination {
    /// An open file descriptor, such as that of standard error; it is never closed.
    ///
    /// - Parameter marksPriority: whether each line begins with its severity as sd-daemon(3) has it, `<6>`
    public static func descriptor(_ descriptor: CInt, marksPriority: Bool = false) -> LogDestination {
        LogDestination(writer: DescriptorWriter(output: LineOutput(descriptor), marksPriority: marksPriority))
    }

    /// Whether systemd's journal is what reads from that descriptor.
    ///
    /// - Parameter stream: the variable `JOURNAL_STREAM`, `DEVICE:INODE`, as systemd.exec(5) has it
    public static func isJournal(_ descriptor: CInt, stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
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
