import Bytes
import Greylist

extension LogDestination {
    /// The path of the journal's socket, as systemd has it.
    public static let journalSocket = "/run/systemd/journal/socket"

    /// systemd's journal, by its native protocol: a decision's fields come beside the line, as the very bytes.
    ///
    /// The socket is connected at once. Without a journal there lines are lost, and counted, until it is there.
    ///
    /// - Parameters:
    ///   - facility: the number of the syslog facility, 0 to 23
    ///   - connector: connects to the journal, at first and whenever it has restarted
    ///   - warn: is told, before this returns, where nobody is there
    public static func journal(
        program: String, facility: UInt8, path: String = journalSocket,
        connector: @escaping LogConnection.Connector = LogConnection.direct,
        warn: (String) -> Void
    ) -> LogDestination {
        let socket = LogSocket(.unix(path: path), connector: connector)
        if let fault = socket.fault { warn("\(path): \(fault); lines are lost until it can be reached") }
        return LogDestination(writer: JournalWriter(program: program, facility: facility, socket: socket))
    }
}

private struct JournalWriter: LogWriter {
    let takesFields = true
    let head: [UInt8]
    var socket: LogSocket
    private var message: [UInt8] = []

    init(program: String, facility: UInt8, socket: LogSocket) {
        head = Array("SYSLOG_IDENTIFIER=\(program)\nSYSLOG_FACILITY=\(facility)\nPRIORITY=".utf8)
        self.socket = socket
    }

    mutating func write(_ records: LogRecords) -> Int {
        var lost = 0
        records.forEachRecord { severity, _, text in
            message.removeAll(keepingCapacity: true)
            message.append(contentsOf: head)
            message.append(decimal: Int(severity.rawValue))
            message.append(UInt8(ascii: "\n"))
            message.append(text)
            lost += socket.send(&message)
        }
        return lost
    }

    func reopen() {}
}

/// The fields of the journal's own protocol (systemd, "Native Journal Protocol").
extension [UInt8] {
    /// Appends `TPRT_` and the name in capitals.
    mutating func append(journalName name: StaticString) {
        append(word: "TPRT_")
        name.withUTF8Buffer { letters in
            for letter in letters {
                append((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) ? letter & ~0x20 : letter)
            }
        }
    }

    /// Appends LF, the length in eight bytes, the least first, the very bytes, and LF: no byte has a meaning there.
    mutating func append(journalValue value: Span<UInt8>) {
        append(UInt8(ascii: "\n"))
        for index in 0..<8 { append(UInt8(truncatingIfNeeded: value.count >> (8 * index))) }
        append(value)
        append(UInt8(ascii: "\n"))
    }
}
