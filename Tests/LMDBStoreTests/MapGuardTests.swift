import Foundation
import Glibc
import TestSupport
import Testing

@testable import LMDBStore

struct MapGuardTests {
    /// A file of four pages that is mapped, and then truncated.
    private static func truncated(guarded: Bool, _ body: (UnsafeRawPointer, borrowing MapGuard) -> Void) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("x")
        try Data(repeating: 7, count: 16_384).write(to: URL(filePath: path))
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let map = try #require(mmap(nil, 16_384, PROT_READ, MAP_SHARED, descriptor, 0))
        defer { munmap(map, 16_384) }
        let mapGuard = MapGuard(of: guarded ? path : path + "-other")
        try #require(ftruncate(descriptor, 4_096) == 0)
        // Before what may end the process.
        directory.remove()
        body(UnsafeRawPointer(map), mapGuard)
    }

    @Test func whatIsGoneReadsAsZerosAndIsKnown() throws {
        try Self.truncated(guarded: true) { map, mapGuard in
            #expect(map.load(fromByteOffset: 4_095, as: UInt8.self) == 7)
            let before = mapGuard.hasFired
            #expect(!before)
            #expect(map.load(fromByteOffset: 4_096, as: UInt8.self) == 0)
            #expect(map.load(fromByteOffset: 16_383, as: UInt8.self) == 0)
            let after = mapGuard.hasFired
            #expect(after)
        }
    }

    @Test func anotherMapEndsTheProcessAsEver() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            // The handler is there, for another file.
            try Self.truncated(guarded: true) { _, _ in
                try? Self.truncated(guarded: false) { map, _ in _ = map.load(fromByteOffset: 8_192, as: UInt8.self) }
            }
        }
    }
}
