import FileCalls
import Glibc
import SystemPackage

/// What the kernel says of our own process.
struct ProcessFigures: Sendable, Equatable {
    /// When it was started, in seconds since 1970.
    var startTime = 0
    /// Bytes of memory that it has; nil where `/proc` isn't there, as in a chroot.
    var residentBytes: Int? = 0
    /// How many descriptors it has open; nil likewise.
    var openDescriptors: Int? = 0

    /// All of it 0.
    init() {}

    /// What holds now.
    ///
    /// - Parameters:
    ///   - startTime: when the process was started
    ///   - directory: where the kernel tells of it
    init(startedAt startTime: Int, from directory: String = "/proc/self") {
        self.startTime = startTime
        residentBytes = Self.residentBytes(from: "\(directory)/statm")
        openDescriptors = Self.openDescriptors(from: "\(directory)/fd")
    }

    /// proc(5): the second number is that of resident pages.
    private static func residentBytes(from file: String) -> Int? {
        guard let text = try? FileDescriptor.contents(of: file, limit: 1 << 10) else { return nil }
        let numbers = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard numbers.count > 1, let pages = Int(String(decoding: numbers[1], as: UTF8.self)) else { return nil }
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }

    private static func openDescriptors(from directory: String) -> Int? {
        // "." and ".." aren't any, and one is open to read the others.
        (try? FileNames.names(in: directory)).map { $0.count - 3 }
    }
}
