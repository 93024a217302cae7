import Foundation
import Glibc
import Greylist
import TestSupport
import Testing
import TrustedFiles

@testable import LogOutput

/// A log daemon of the test's own: a unix socket in a temporary directory, or UDP on 127.0.0.1.
final class LogReceiver {
    let address: SyslogAddress
    private let descriptor: CInt
    private let directory: TemporaryDirectory?

    /// A socket in a directory of its own, or at `path` where that is given.
    init(stream: Bool = false, path: String? = nil) throws {
        let own = try TemporaryDirectory()
        directory = path == nil ? own : nil
        let path = path ?? own.file("log")
        let type = stream ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = socket(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        address = .unix(path: path)
        let name = try #require(sockaddr_un(path: path))
        try #require(name.withPointer { bind(descriptor, $0, $1) } == 0)
        if stream { try #require(listen(descriptor, 5) == 0) }
    }

    /// A UDP socket.
    init(udp: ()) throws {
        directory = nil
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        try #require(code == 0)
        address = .udp(host: "127.0.0.1", port: String(UInt16(bigEndian: name.sin_port)))
    }

    /// Ends the daemon; its socket is gone.
    func end() {
        close(descriptor)
        if case .unix(let path) = address { unlink(path) }
        directory?.remove()
    }

    /// The next message, waited for for a minute unless told otherwise; nil where none comes.
    func next(within milliseconds: CInt = 60_000) -> [UInt8]? {
        Self.next(from: descriptor, within: milliseconds)
    }

    /// Takes a connection and reads what has come over it.
    func acceptAndRead() -> [UInt8]? {
        let connection = accept(descriptor, nil, nil)
        defer { close(connection) }
        return Self.next(from: connection, within: 60_000)
    }

    private static func next(from descriptor: CInt, within milliseconds: CInt) -> [UInt8]? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }
}

/// Syslog and the journal, received on sockets of the test's own.
struct LogSocketTests {
    static func header(_ format: SyslogHeader.Format, host: String = "mx.example.org") -> SyslogHeader {
        SyslogHeader(format, facility: 2, host: host, program: "tprtd")
    }

    static func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    static let notice = "log lines were lost: the log was not taken fast enough, or not at all"

    @Test func aLocalDaemonGetsWhatSyslogWouldWrite() async throws {
        let receiver = try LogReceiver()
        defer { receiver.end() }
        let sink = LogSink(to: .syslog(receiver.address, header: Self.header(.rfc3164)) { Issue.record("\($0)") })
        sink.write(.warning, message: "a\nb")
        let message = try #require(Self.text(receiver.next()))
        #expect(message.wholeMatch(of: /<20>Nov 25 [0-9]{2}:42:35 tprtd\[\d+\]: warning: a\\x0ab/) != nil)
    }

    @Test(arguments: [
        (SyslogHeader.Format.rfc3164, #"<22>Nov 25 [0-9]{2}:42:35 mx tprtd\[[0-9]+\]: a"#),
        (.rfc5424, #"<22>1 2026-11-25T16:42:35Z mx\.example\.org tprtd [0-9]+ - - a"#),
    ])
    func anotherHostGetsTheHostsNameToo(_ format: SyslogHeader.Format, _ pattern: String) async throws {
        let receiver = try LogReceiver(udp: ())
        defer { receiver.end() }
        let sink = LogSink(to: .syslog(receiver.address, header: Self.header(format)) { Issue.record("\($0)") })
        sink.write(.info, message: "a")
        let message = try #require(Self.text(receiver.next()))
        #expect(try message.wholeMatch(of: Regex(pattern)) != nil)
    }

    @Test func namesThatDoNotBelongInAHeaderAreMended() {
        var bytes: [UInt8] = []
        var header = Self.header(.rfc5424, host: "")
        header.program = "a b\u{e9}"
        bytes.append(
            syslog: Array("x".utf8).span, header, .debug, at: .sample, process: 7, namesHost: true, limit: 100)
        #expect(String(decoding: bytes, as: UTF8.self) == "<23>1 2026-11-25T16:42:35Z - a_b__ 7 - - x")
    }

    @Test func aLongLineIsCutButNeverInAnEscape() {
        let line = Array(String(repeating: #"abc\\x0a"#, count: 100).utf8)
        for limit in 60..<120 {
            var bytes: [UInt8] = []
            bytes.append(
                syslog: line.span, Self.header(.rfc5424), .info, at: .sample, process: 7, namesHost: true, limit: limit)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(bytes.count <= limit)
            #expect(text.wholeMatch(of: /<22>1 \S+ \S+ tprtd 7 - - (abc\\\\x0a)*(a|ab|abc)?\.\.\./) != nil, "\(text)")
        }
    }

    @Test func aSocketMayBeAStream() async throws {
        let receiver = try LogReceiver(stream: true)
        defer { receiver.end() }
        let sink = LogSink(to: .syslog(receiver.address, header: Self.header(.rfc5424)) { Issue.record("\($0)") })
        sink.write(.info, message: "a")
        await sink.flush(within: 5)
        let message = try #require(receiver.acceptAndRead())
        #expect(message.last == 0)
        #expect(Self.text(message.dropLast())?.hasSuffix(" - - a") == true)
    }

    @Test func aDaemonThatIsMissingIsToldAndFoundLater() async throws {
        let first = try LogReceiver()
        guard case .unix(let path) = first.address else { return }
        let moved = path + "-away"
        try #require(rename(path, moved) == 0)
        var warnings: [String] = []
        let sink = LogSink(to: .syslog(first.address, header: Self.header(.rfc5424)) { warnings.append($0) })
        #expect(warnings == ["\(path): No such file or directory; lines are lost until it can be reached"])
        sink.write(.info, message: "lost")
        await sink.flush(within: 5)
        try #require(rename(moved, path) == 0)
        defer { first.end() }
        // It is tried again once a second; what comes meanwhile is lost, too.
        var lost = 0
        var message: String?
        while message == nil {
            lost += 1
            sink.write(.info, message: "again")
            await sink.flush(within: 5)
            message = Self.text(first.next(within: 10))
        }
        #expect(message?.hasSuffix(" - - again") == true)
        #expect(Self.text(first.next())?.hasSuffix(" - - warning: \(lost) \(Self.notice)") == true)
    }

    @Test func aDaemonThatHasRestartedIsFoundAtOnce() async throws {
        let directory = try LogReceiver()
        guard case .unix(let place) = directory.address else { return }
        defer { directory.end() }
        let path = place + "2"
        let first = try LogReceiver(path: path)
        let sink = LogSink(to: .syslog(first.address, header: Self.header(.rfc5424)) { Issue.record("\($0)") })
        sink.write(.info, message: "a")
        #expect(Self.text(first.next())?.hasSuffix(" - - a") == true)
        await sink.flush(within: 5)
        let name = try #require(sockaddr_un(path: path))
        let probe = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(probe) }
        try #require(name.withPointer { connect(probe, $0, $1) } == 0)
        first.end()
        // A process that another test is just starting has the socket, too, for a moment.
        while send(probe, "", 0, Int32(MSG_NOSIGNAL)) == 0 { await Task.yield() }
        let second = try LogReceiver(path: path)
        defer { second.end() }
        sink.write(.info, message: "b")
        #expect(Self.text(second.next())?.hasSuffix(" - - b") == true)
    }

    @Test func aDaemonThatDoesNotReadCostsLinesAndIsToldHowMany() async throws {
        let receiver = try LogReceiver()
        defer { receiver.end() }
        let destination = LogDestination.syslog(receiver.address, header: Self.header(.rfc5424)) {
            Issue.record("\($0)")
        }
        let sink = LogSink(to: destination, limit: 50_000)
        let count = 5_000
        let text = String(repeating: "x", count: 90)
        for _ in 0..<count { sink.write(.info, message: text) }
        var (kept, lost) = (0, 0)
        while kept + lost < count, let message = Self.text(receiver.next()) {
            if let match = message.firstMatch(of: /warning: (\d+) log lines were lost/) {
                lost += try #require(Int(match.1))
            } else {
                kept += 1
            }
        }
        #expect(lost > 0)
        #expect(kept + lost == count)
        await sink.flush(within: 5)
    }

    @Test func theJournalGetsPriorityAndName() async throws {
        let receiver = try LogReceiver()
        defer { receiver.end() }
        guard case .unix(let path) = receiver.address else { return }
        let sink = LogSink(to: .journal(program: "tprtd", facility: 2, path: path) { Issue.record("\($0)") })
        #expect(sink.form.hasFields)
        sink.write(.warning, message: "a\nb")
        let message = try #require(receiver.next())
        let fields = try #require(LogFormatTests.journal(message))
        #expect(
            fields.map { "\($0.0)=\(String(decoding: $0.1, as: UTF8.self))" } == [
                "SYSLOG_IDENTIFIER=tprtd", "SYSLOG_FACILITY=2", "PRIORITY=4", #"MESSAGE=warning: a\x0ab"#,
            ])
    }

    @Test(
        arguments: [
            ("/dev/log", .unix(path: "/dev/log")), ("192.0.2.1:514", .udp(host: "192.0.2.1", port: "514")),
            ("[2001:db8::1]:514", .udp(host: "2001:db8::1", port: "514")),
            ("log.example:1", .udp(host: "log.example", port: "1")),
            ("log.example", nil), ("dev/log", nil), ("dev/log:1", nil), ("2001:db8::1", nil), (":514", nil),
            ("a:0", nil),
            ("a:65536", nil), ("", nil), ("/" + String(repeating: "x", count: 108), nil),
        ] as [(String, SyslogAddress?)])
    func anAddressIsReadOrRefused(_ text: String, _ expected: SyslogAddress?) {
        #expect(SyslogAddress(text) == expected)
        if let expected { #expect(expected.description == text) }
    }
}
