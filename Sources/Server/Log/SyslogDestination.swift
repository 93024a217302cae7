import Glibc
import Greylist

extension LogDestination {
    /// A syslog daemon.
    ///
    /// The socket is connected at once. Without a daemon there lines are lost, and counted, until it is there.
    ///
    /// - Parameters:
    ///   - connector: connects to the daemon, at first and whenever it has restarted
    ///   - warn: is told, before this returns, where nobody is there
    public static func syslog(
        _ address: SyslogAddress, header: SyslogHeader,
        connector: @escaping LogConnection.Connector = LogConnection.direct,
        warn: (String) -> Void
    ) -> LogDestination {
        let socket = LogSocket(address, connector: connector)
        if let fault = socket.fault { warn("\(address): \(fault); lines are lost until it can be reached") }
        return LogDestination(writer: SyslogWriter(header: header, socket: socket))
    }
}

private struct SyslogWriter: LogWriter {
    let takesFields = false
    let header: SyslogHeader
    var socket: LogSocket
    private var message: [UInt8] = []

    init(header: SyslogHeader, socket: LogSocket) {
        self.header = header
        self.socket = socket
    }

    mutating func write(_ records: LogRecords) -> Int {
        // Not kept: a process that forks has another one.
        let process = getpid()
        let isRemote = socket.address.isRemote
        let limit = header.limit(isRemote: isRemote)
        var lost = 0
        records.forEachRecord { severity, time, text in
            message.removeAll(keepingCapacity: true)
            message.append(
                syslog: text, header, severity, at: time, process: process, namesHost: isRemote, limit: limit)
            lost += socket.send(&message)
        }
        return lost
    }

    func reopen() {}
}
