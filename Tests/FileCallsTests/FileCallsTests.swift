import FileCalls
import SystemPackage
import TestSupport
import Testing

struct FileCallsTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func open(_ name: String, _ options: FileDescriptor.OpenOptions = []) throws -> FileDescriptor {
        try FileDescriptor.open(
            folder.file(name), .readWrite, options: options.union(.closeOnExec), permissions: .ownerReadWrite)
    }

    @Test func namesAreMadeAndRemoved() throws {
        let (first, second) = (try folder.write("1", to: "first"), folder.file("second"))
        #expect(FileNames.exists(first) && !FileNames.exists(second))
        try FileNames.link(first, as: second)
        #expect(try Stat(first).isSameFile(as: Stat(second)))
        #expect(try Stat(first).linkCount == 2)
        #expect(throws: Errno.fileExists) { try FileNames.link(first, as: second) }
        try FileNames.remove(first)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.remove(first) }
        try FileNames.rename(second, to: first)
        #expect(folder.names == ["first"])
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.rename(second, to: first) }
    }

    @Test func directories() throws {
        let path = folder.file("inner")
        try FileNames.makeDirectory(path, .ownerReadWriteExecute)
        #expect(try Stat(path).mode == FileMode(type: .directory, permissions: .ownerReadWriteExecute))
        #expect(throws: Errno.fileExists) { try FileNames.makeDirectory(path, .ownerReadWriteExecute) }
        _ = try folder.write("", to: "inner/one")
        #expect(try Set(FileNames.names(in: path)) == [".", "..", "one"])
        #expect(throws: Errno.notDirectory) { try FileNames.names(in: path + "/one") }
        #expect(throws: Errno.notDirectory) { try FileNames.remove(path + "/one/") }
        #expect(try FileNames.resolve(path + "/../inner/./one") == FileNames.resolve(path) + "/one")
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.resolve(path + "/two") }
    }

    @Test func linksStayLinks() throws {
        let (file, link) = (try folder.write("1", to: "file"), folder.file("link"))
        try FileNames.makeLink(link, to: "file")
        #expect(try Stat(link, followTargetSymlink: false).type == .symbolicLink)
        #expect(try Stat(link).isSameFile(as: Stat(file)))
        #expect(throws: Errno.fileExists) { try FileNames.makeLink(link, to: "other") }
        try FileNames.setPermissions(file, [.ownerRead, .ownerWrite])
        #expect(throws: Errno.notSupported) { try FileNames.setPermissions(link, .ownerRead) }
        #expect(try Stat(file).permissions == .ownerReadWrite)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.setPermissions(folder.file("none"), .ownerRead) }
    }

    @Test func whatThereIs() throws {
        let (file, dangling) = (try folder.write("1", to: "file"), folder.file("dangling"))
        try FileNames.makeLink(dangling, to: "none")
        try FileNames.find(file)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.find(dangling) }
        #expect(throws: Errno.notDirectory) { try FileNames.find(file + "/") }
        #expect(FileNames.isReadable(file) && !FileNames.isReadable(dangling))
    }

    @Test func namesInADirectoryThatIsOpen() throws {
        try folder.write("1", to: "file")
        let directory = try FileDescriptor.open(folder.path, .readOnly, options: [.directory, .closeOnExec])
        defer { try? directory.close() }
        try FileNames.remove("file", in: directory)
        #expect(folder.names.isEmpty)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileNames.remove("file", in: directory) }
    }

    @Test(arguments: [0, 1, 1 << 14, 1 << 14 + 1, 100_000])
    func wholeContents(_ count: Int) throws {
        let text = String(repeating: "abcdefghij", count: count / 10 + 1).prefix(count)
        let path = try folder.write(String(text), to: "file")
        #expect(try FileDescriptor.contents(of: path) == Array(text.utf8))
        let limited = try FileDescriptor.contents(of: path, limit: 20_000)
        #expect(limited.count >= min(count, 20_000) && limited.count <= 20_000 + 1 << 14)
        let file = try open("file")
        defer { try? file.close() }
        try file.seek(offset: Int64(count / 2), from: .start)
        #expect(try file.readToEnd() == Array(text.utf8.dropFirst(count / 2)))
    }

    @Test func contentsThatCantBeRead() throws {
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileDescriptor.contents(of: folder.file("none")) }
        #expect(throws: Errno.isDirectory) { try FileDescriptor.contents(of: folder.path) }
    }

    @Test func rightsAndOwners() throws {
        let file = try open("file", .create)
        try file.setPermissions([.ownerRead, .groupRead])
        let status = try Stat(file)
        #expect(status.permissions == [.ownerRead, .groupRead])
        // Who it belongs to already may always have it.
        try file.setOwner(status.userID, status.groupID)
        try file.sync()
        try file.syncContents()
        try file.close()
        #expect(throws: Errno.badFileDescriptor) { try FileDescriptor(rawValue: -1).setPermissions(.ownerRead) }
        #expect(throws: Errno.badFileDescriptor) { try FileDescriptor(rawValue: -1).sync() }
        #expect(throws: Errno.badFileDescriptor) { try FileDescriptor(rawValue: -1).syncContents() }
    }

    /// Two openings of a file exclude each other, even in one process.
    @Test func locks() throws {
        let (first, second) = (try open("file", .create), try open("file"))
        try first.lock(.doesNotWait)
        #expect(throws: Errno.wouldBlock) { try second.lock(.doesNotWait) }
        first.unlock()
        try second.lock(.waits)
        #expect(throws: Errno.wouldBlock) { try first.lock(.doesNotWait) }
        try second.close()
        try first.lock(.doesNotWait)
        try first.close()
    }

    @Test func errorsKeepTheirType() throws {
        let path = folder.file("none")
        do throws(Errno) {
            _ = try systemCall { try FileDescriptor.open(path, .readOnly) }
            Issue.record("a file that isn't there was opened")
        } catch {
            #expect(error == .noSuchFileOrDirectory)
            #expect("\(error)" == "No such file or directory")
        }
    }
}
