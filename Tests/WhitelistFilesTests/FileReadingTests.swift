import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import WhitelistFiles

@Suite("Reading files")
struct FileReadingTests {
    @Test("a file is read to its end, up to the limit and not beyond")
    func limit() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            for size in [0, 1, 65_535, 65_536, 65_537, 200_000] {
                try write(String(repeating: "x", count: size), to: path)
                #expect(try contents(of: path, limit: size).count == size)
                guard size > 0 else { continue }
                let fault = try #require(throws: FileReadError.self) { try contents(of: path, limit: size - 1) }
                #expect(fault.message == "it has \(size) bytes, more than the \(size - 1) that are read")
            }
        }
    }

    @Test("a file that doesn't know its size is read to its end, and not beyond the limit either")
    func sizeless() throws {
        #expect(try !contents(of: "/proc/self/stat", limit: 1 << 16).isEmpty)
        let fault = try #require(throws: FileReadError.self) { try contents(of: "/proc/self/stat", limit: 1) }
        #expect(fault.message.hasSuffix("bytes, more than the 1 that are read"))
    }

    @Test("what is no file is named")
    func noFiles() throws {
        try withTemporaryDirectory { directory in
            #expect(mkfifo("\(directory)/pipe", 0o600) == 0)
            #expect(symlink("loop", "\(directory)/loop") == 0)
            try write("{}", to: "\(directory)/file")
            for (path, message) in [
                ("\(directory)/missing", "file does not exist"), ("\(directory)/file\0", "file does not exist"),
                ("", "file does not exist"), (directory, "it is a directory"),
                ("/dev/null", "it is not a regular file"),
                ("\(directory)/pipe", "it is not a regular file"),
                ("\(directory)/file/x", "it can't be read (Not a directory)"),
                ("\(directory)/loop", "it can't be read (Too many levels of symbolic links)"),
            ] {
                #expect(throws: FileReadError(message), "\(path)") { try contents(of: path, limit: 1 << 20) }
            }
        }
    }

    @Test("permission that is missing is named", arguments: [Errno.permissionDenied, .notPermitted])
    func permission(code: Errno) {
        #expect(FileReadError(code: code).message == "no permission to read it")
    }

    @Test("a whitelist file beyond its limit is refused without being read")
    func sizeLimit() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/wl.json"
            try write("{}", to: path)
            #expect(truncate(path, WhitelistLimits.file + 1) == 0)
            let fault = try #require(throws: WhitelistError.self) {
                try WhitelistDocument(.json, path: path).part(SourceOptions())
            }
            #expect(fault.description == "\(path): it has 268435457 bytes, more than the 268435456 that are read")
        }
    }
}
