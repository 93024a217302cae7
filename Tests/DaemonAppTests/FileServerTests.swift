import Glibc
import SystemPackage
import Testing
import WhitelistFiles
import Whitelists

@testable import DaemonApp

@Suite("Files that are reached from a chroot")
struct FileServerTests {
    /// A client whose server runs on a thread of its own, until the client is gone.
    private func client(_ permit: FilePermit) throws -> FileClient {
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let server = FileServer(permit: permit, socket: ends[1])
        let box = Unmanaged.passRetained(Box(server))
        var thread = pthread_t()
        pthread_create(&thread, nil, serveBoxed, box.toOpaque())
        pthread_detach(thread)
        return FileClient(ends[0])
    }

    @Test("whitelists are read and looked at as if they were here")
    func whitelists() throws {
        try withFolder { folder in
            let (file, missing) = ("\(folder)/a.clients", "\(folder)/none.json")
            try write("192.0.2.1\n", to: file)
            let sources = try WhitelistSources(
                urls: ["dir://\(folder)", "file://\(missing)", "postgrey-clients:///none/c"], options: SourceOptions())
            #expect(sources.locations.files == [missing, "/none/c", "/none/c.local"])
            #expect(sources.locations.directories == [folder])
            let files = try client(FilePermit(sources)).access
            let reading = sources.read(through: files)
            #expect(reading.whitelist.count == 1)
            #expect(
                reading.warnings
                    == [missing, "/none/c"].map {
                        "whitelist \($0): there is no such file; it counts as empty"
                    })
            #expect(!sources.haveChanged(through: files))
            try write("192.0.2.1\n198.51.100.7\n", to: file)
            _ = sources.haveChanged(through: files)
            #expect(sources.haveChanged(through: files))
            #expect(sources.read(through: files).whitelist.count == 2)
        }
    }

    @Test("what the permit doesn't name isn't served, and a folder never comes as a descriptor")
    func denied() throws {
        try withFolder { folder in
            try write("x", to: "\(folder)/a")
            mkfifo("\(folder)/pipe", 0o600)
            symlink("/etc", "\(folder)/link")
            let client = try client(
                FilePermit(
                    files: [folder], folders: [folder], logs: ["\(folder)/log"], sockets: ["\(folder)/none"],
                    removable: ["\(folder)/pid"]))
            func code(_ body: () throws(FileAccess.SystemError) -> FileDescriptor) -> Errno? {
                do throws(FileAccess.SystemError) {
                    let descriptor = try body()
                    try? descriptor.close()
                    return nil
                } catch {
                    return error.code
                }
            }
            let files = client.access
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(folder)/a") } == nil)
            #expect(code { () throws(FileAccess.SystemError) in try files.open(folder) } == .isDirectory)
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(folder)/link") } == .isDirectory)
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(folder)/pipe") } == .notSupported)
            #expect(
                code { () throws(FileAccess.SystemError) in try files.open("\(folder)/none") } == .noSuchFileOrDirectory
            )
            for path in ["/etc/passwd", "\(folder)/..", "\(folder)/link/passwd", "", "a", "\(folder)/"] {
                #expect(
                    code { () throws(FileAccess.SystemError) in try files.open(path) } == .permissionDenied, "\(path)")
                #expect(files.status(path) == nil, "\(path)")
            }
            #expect(throws: FileAccess.SystemError(code: .permissionDenied)) { try files.names("/etc") }
            #expect(throws: FileAccess.SystemError(code: .permissionDenied)) { try client.connect("/dev/log") }
            #expect(throws: FileAccess.SystemError(code: .noSuchFileOrDirectory)) {
                try client.connect("\(folder)/none")
            }
            #expect(try files.names(folder).sorted() == [".", "..", "a", "link", "pipe"])
            #expect(throws: FileAccess.SystemError(code: .fileNameTooLong)) {
                try files.open(String(repeating: "a", count: 5_000))
            }
            // It goes on after all that.
            #expect(files.status("\(folder)/a")?.size == 1)

            #expect(
                code { () throws(FileAccess.SystemError) in try client.openForAppending("\(folder)/a") }
                    == .permissionDenied)
            for line in ["one\n", "two\n"] {
                let log = try client.openForAppending("\(folder)/log")
                #expect(try log.writeAll(line.utf8) == 4)
                try log.close()
            }
            #expect(try text(of: "\(folder)/log") == "one\ntwo\n")
            client.remove("\(folder)/a")
            #expect(access("\(folder)/a", F_OK) == 0)
            try write("1", to: "\(folder)/pid")
            client.remove("\(folder)/pid")
            #expect(access("\(folder)/pid", F_OK) != 0)
        }
    }
}

private final class Box: Sendable {
    let server: FileServer

    init(_ server: FileServer) {
        self.server = server
    }
}

private func serveBoxed(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let pointer else { return nil }
    let box = Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue()
    box.server.serve()
    close(box.server.socket)
    return nil
}
