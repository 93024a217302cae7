import Glibc
import SystemPackage
import Testing

@testable import WhitelistFiles

@Suite("Reading files")
struct FileReadingTests {
    @Test("a file is read to its end, up to the limit and not beyond")
    func limit() throws {
        try withFolder { folder in
            let path = "\(folder)/file"
            for size in [0, 1, 65_535, 65_536, 65_537, 200_000] {
                try write(String(repeating: "x", count: size), to: path)
                #expect(try contents(of: path, limit: size).count == size)
                guard size > 0 else { continue }
                let fault = try #require(throws: FileReadError.self) { try contents(of: path, limit: size - 1) }
                #expect(fault.sentence == "it has \(size) bytes, more than the \(size - 1) that are read")
            }
        }
    }

    @Test("a file that doesn't know its size is read to its end, and not beyond the limit either")
    func sizeless() throws {
        #expect(try !contents(of: "/proc/self/stat", limit: 1 << 16).isEmpty)
        let fault = try #require(throws: FileReadError.self) { try contents(of: "/proc/self/stat", limit: 1) }
        #expect(fault.sentence.hasSuffix("bytes, more than the 1 that are read"))
    }

    @Test("what is no file is named")
    func noFiles() throws {
        try withFolder { folder in
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            #expect(symlink("loop", "\(folder)/loop") == 0)
            try write("{}", to: "\(folder)/file")
            for (path, sentence) in [
                ("\(folder)/missing", "there is no such file"), ("\(folder)/file\0", "there is no such file"),
                ("", "there is no such file"), (folder, "it is a directory"), ("/dev/null", "it is not a regular file"),
                ("\(folder)/pipe", "it is not a regular file"),
                ("\(folder)/file/x", "it can't be read (Not a directory)"),
                ("\(folder)/loop", "it can't be read (Too many levels of symbolic links)"),
            ] {
                #expect(throws: FileReadError(sentence), "\(path)") { try contents(of: path, limit: 1 << 20) }
            }
        }
    }

    @Test("permission that is missing is named", arguments: [Errno.permissionDenied, .notPermitted])
    func permission(code: Errno) {
        #expect(FileReadError(code: code).sentence == "no permission to read it")
    }

    @Test("a whitelist file beyond its limit is refused without being read")
    func sizeLimit() throws {
        try withFolder { folder in
            let path = "\(folder)/wl.json"
            try write("{}", to: path)
            #expect(truncate(path, WhitelistLimits.file + 1) == 0)
            let fault = try #require(throws: WhitelistError.self) {
                try WhitelistDocument(.json, path: path).part(SourceOptions())
            }
            #expect(fault.description == "\(path): it has 268435457 bytes, more than the 268435456 that are read")
        }
    }
}
