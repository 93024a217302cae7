import ArgumentParser
import Engine
import Foundation
import Greylist
import Programs
import SampleOptions
import Settings
import TestSupport
import Testing

@testable import History
@testable import tprtctl

@Suite("The history that verbs read")
struct HistoryAccessTests {
    private func source(_ words: [String], _ settings: String = "{}") throws -> HistorySource {
        let directory = try TemporaryDirectory()
        let file = try directory.write(settings, to: "tprt.conf")
        let command = try #require(try Tprtctl.parseAsRoot(["history", "-c", file] + words) as? HistoryCommand)
        return try command.history.source(under: command.settings.load(environment: [:]))
    }

    private func refused(_ path: String) throws -> ProgramError {
        try #require(throws: ProgramError.self) {
            _ = try HistorySource(path: path, rules: .sample()).open()
        }
    }

    @Test("it is the settings', unless a file is named")
    func named() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("h.sqlite")
        let settings = #"{"service": {"history_db": "\#(path)", "grey_delay": "1m", "grey_retry_window": "1h"}}"#
        #expect(try source([], settings).path == path)
        #expect(try source([], settings).rules.delay == 60 && source([], settings).rules.retryWindow == 3_600)
        #expect(try source(["--history-db", path + "2"], settings).path == path + "2")
    }

    @Test("where none is kept, the remedy is named")
    func off() throws {
        let error = try #require(throws: ProgramError.self) { try source([], #"{"service": {"history_db": ""}}"#) }
        #expect(error.status == .configuration)
        #expect(error.messages.first?.hasPrefix("no history is kept: set service.history_db") == true)
    }

    @Test("what isn't there, or isn't a history, is said in one line with its own status")
    func unusable() throws {
        let directory = try TemporaryDirectory()
        #expect(try refused(directory.file("missing")).status == .noInput)
        #expect(try refused(directory.path).status == .noInput)
        let text = try directory.write("this is not a database at all\n", to: "text")
        #expect(try refused(text).status == .dataError)
        let empty = try directory.write("", to: "empty")
        #expect(try refused(empty).status == .noInput)
        for path in ["missing", "text", "empty"] {
            let messages = try refused(directory.file(path)).messages
            #expect(messages.count == 1 && messages[0].hasPrefix(directory.file(path)) && !messages[0].contains("\n"))
        }
    }

    @Test("a newer version's, and a damaged one")
    func otherFiles() throws {
        var history = try RecordedHistory()
        try history.addPool()
        history.close()
        let path = history.source.path
        var bytes = try Data(contentsOf: URL(filePath: path))
        // Byte 60 of an SQLite file begins its user_version.
        bytes[63] = 200
        let newer = history.directory.file("newer")
        try bytes.write(to: URL(filePath: newer))
        let error = try refused(newer)
        #expect(error.status == .noInput && error.messages.first?.contains("newer version of TPRT") == true)
        bytes = try Data(contentsOf: URL(filePath: path))
        for index in 4_096..<bytes.count { bytes[index] = 0x5a }
        let damaged = history.directory.file("damaged")
        try bytes.write(to: URL(filePath: damaged))
        let failure = try #require(throws: ProgramError.self) {
            let source = HistorySource(path: damaged, rules: .sample())
            _ = try CaseListing(waitingIn: source, at: RecordedHistory.start, limit: nil)
        }
        #expect(failure.status == .dataError)
    }

    @Test(
        "each fault has a status",
        arguments: [
            (HistoryError.Code.missing, Programs.ExitStatus.noInput), (.denied, .noPermission), (.locked, .unavailable),
            (.damaged, .dataError), (.newerVersion, .noInput), (.otherFormat, .noInput), (.failed, .dataError),
        ])
    func statuses(code: HistoryError.Code, status: Programs.ExitStatus) {
        #expect(ProgramError(HistoryError(code, "/h", "m")).status == status)
    }
}
