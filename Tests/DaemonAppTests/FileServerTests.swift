import Glibc
import SystemPackage
import TestSupport
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
        try withTemporaryDirectory { directory in
            let (file, missing) = ("\(directory)/a.clients", "\(directory)/none.json")
            try write("192.0.2.1\n", to: file)
            let sources = try WhitelistSources(
                urls: ["dir://\(directory)", "file://\(missing)", "postgrey-clients:///none/c"],
                options: SourceOptions())
            #expect(sources.locations.files == [missing, "/none/c", "/none/c.local"])
            #expect(sources.locations.directories == [directory])
            let files = try client(FilePermit(sources)).access
            let reading = sources.read(through: files)
            #expect(reading.whitelist.count == 1)
            #expect(
                reading.warnings
                    == [missing, "/none/c"].map {
                        "whitelist \($0): file does not exist; it counts as empty"
                    })
            #expect(!sources.haveChanged(through: files))
            try write("192.0.2.1\n198.51.100.7\n", to: file)
            _ = sources.haveChanged(through: files)
            #expect(sources.haveChanged(through: files))
            #expect(sources.read(through: files).whitelist.count == 2)
        }
    }

    @Test("what the permit doesn't name isn't served, and a directory never comes as a descriptor")
    func denied() throws {
        try withTemporaryDirectory { directory in
            try write("x", to: "\(directory)/a")
            mkfifo("\(directory)/pipe", 0o600)
            symlink("/etc", "\(directory)/link")
            let client = try client(
                FilePermit(
                    files: [directory], directories: [directory], logs: ["\(directory)/log"],
                    sockets: ["\(directory)/none"],
                    removable: ["\(directory)/pid"]))
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
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(directory)/a") } == nil)
            #expect(code { () throws(FileAccess.SystemError) in try files.open(directory) } == .isDirectory)
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(directory)/link") } == .isDirectory)
            #expect(code { () throws(FileAccess.SystemError) in try files.open("\(directory)/pipe") } == .notSupported)
            #expect(
                code { () throws(FileAccess.SystemError) in try files.open("\(directory)/none") }
                    == .noSuchFileOrDirectory
            )
            for path in ["/etc/passwd", "\(directory)/..", "\(directory)/link/passwd", "", "a", "\(directory)/"] {
                #expect(
                    code { () throws(FileAccess.SystemError) in try files.open(path) } == .permissionDenied, "\(path)")
                #expect(files.status(path) == nil, "\(path)")
            }
            #expect(throws: FileAccess.SystemError(code: .permissionDenied)) { try files.names("/etc") }
            #expect(throws: FileAccess.SystemError(code: .permissionDenied)) { try client.connect("/dev/log") }
            #expect(throws: FileAccess.SystemError(code: .noSuchFileOrDirectory)) {
                try client.connect("\(directory)/none")
            }
            #expect(try files.names(directory).sorted() == [".", "..", "a", "link", "pipe"])
            #expect(throws: FileAccess.SystemError(code: .fileNameTooLong)) {
                try files.open(String(repeating: "a", count: 5_000))
            }
            // It goes on after all that.
            #expect(files.status("\(directory)/a")?.size == 1)

            #expect(
                code { () throws(FileAccess.SystemError) in try client.openForAppending("\(directory)/a") }
                    == .permissionDenied)
            for line in ["one\n", "two\n"] {
                let log = try client.openForAppending("\(directory)/log")
                #expect(try log.writeAll(line.utf8) == 4)
                try log.close()
            }
            #expect(try text(of: "\(directory)/log") == "one\ntwo\n")
            client.remove("\(directory)/a")
            #expect(access("\(directory)/a", F_OK) == 0)
            try write("1", to: "\(directory)/pid")
            client.remove("\(directory)/pid")
            #expect(access("\(directory)/pid", F_OK) != 0)
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
