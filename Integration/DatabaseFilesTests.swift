import Foundation
import Storage
import TestSupport
import Testing

/// What becomes of a running daemon when somebody changes the files of its database.
@Suite("Files that change under a running daemon", .blocking)
struct DatabaseFilesTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    @Test("A database that is copied over in place is quarantined, and service goes on", arguments: ["lmdb", "gdbm"])
    func copiedOver(_ scheme: String) throws {
        try withLab { lab in
            let database = lab.directory.file("db")
            let daemon = try lab.start(extra: ["-i", "service.grey_db=\(scheme)://\(database)"])
            let client = try daemon.client()
            for number in 0..<300 { #expect(try client.ask(.numbered(number)).isGreylisted) }
            let file = try #require(FileHandle(forUpdatingAtPath: database))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data("not a database".utf8))
            try file.close()
            for number in 300..<303 { #expect(try client.ask(.numbered(number)).isGreylisted) }
            try daemon.waitForLine("that it was quarantined") { $0.contains("quarantined as \(database).corrupt-") }
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A database that is removed is noticed, without a request", arguments: ["lmdb", "gdbm"])
    func removed(_ scheme: String) throws {
        try withLab { lab in
            let database = lab.directory.file("db")
            let daemon = try lab.start(extra: ["-i", "service.grey_db=\(scheme)://\(database)"])
            #expect(try daemon.ask(request).isGreylisted)
            unlink(database)
            try daemon.waitForLine("that it was noticed") { $0.contains("removed while in use") }
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
            #expect(FileManager.default.fileExists(atPath: database))
        }
    }

    @Test("A second daemon is told who has the database", arguments: ["lmdb", "gdbm"])
    func secondDaemon(_ scheme: String) throws {
        try withLab { lab in
            let database = lab.directory.file("db")
            let setting = ["-i", "service.grey_db=\(scheme)://\(database)"]
            let daemon = try lab.start(extra: setting)
            let port = Endpoint.unix(lab.directory.file("second.sock"))
            let second = try lab.launch(
                lab.arguments(at: port, delay: 300) + setting, listeningAt: [port])
            #expect(try second.waitForEnd() == .exited(69))
            let words = "already in use by process \(daemon.process.id) (tprtd)"
            #expect(second.lines.contains { $0.contains("service.grey_db") && $0.contains(words) }, "\(second.lines)")
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("An auto-whitelist in the old default place is told where it isn't used")
    func formerAutoWhitelist() async throws {
        try await withLab { lab in
            let state = lab.directory.file("state")
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
            try await StoreFile.write(StoreFile.entries(7), into: .autoWhitelist, at: state + "/tprt.lmdb")
            let settings = ["-i", "service.awl_db=", "-i", "service.awl_client_count=5"]
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300) + settings, listeningAt: [lab.unixEndpoint],
                variables: ["STATE_DIRECTORY=\(state)"])
            try daemon.waitUntilReady()
            try daemon.waitForLine("the warning") {
                $0.hasPrefix("warning: service.awl_db isn't set") && $0.contains("\(state)/tprt.lmdb")
                    && $0.contains("7 clients")
            }
            #expect(try daemon.terminate() == .exited(0))
        }
    }
}
