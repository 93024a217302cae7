import FileStorage
import Glibc
import Storage
import TestSupport
import Testing

@testable import FileStorage

struct LockHolderTests {
    private static let locks = """
        1: POSIX  ADVISORY  WRITE 11 08:01:77 0 EOF
        2: FLOCK  ADVISORY  WRITE 12 08:01:77 0 EOF
        2: -> FLOCK  ADVISORY  WRITE 13 08:01:77 0 EOF
        3: FLOCK  ADVISORY  WRITE 14 08:02:77 0 EOF
        4: FLOCK  ADVISORY  WRITE 0 08:01:78 0 EOF
        5: FLOCK  ADVISORY  WRITE 15 103:1000f:79 0 EOF
        6: FLOCK  ADVISORY  WRITE 16 08:01:80

        """

    @Test(
        arguments: [
            (0x801, 77, 12), (0x802, 77, 14), (0x803, 77, nil), (0x801, 78, nil), (0x801, 79, 15), (0x801, 80, 16),
            (0x801, 81, nil), ((0x103 & 0xfff) << 8 | 0x1000f & ~0xff << 12 | 0x0f, 79, 15),
        ] as [(UInt, UInt, pid_t?)])
    func theHolderIsFound(_ device: UInt, _ inode: UInt, _ process: pid_t?) {
        #expect(LockHolder.process(in: Self.locks, device: dev_t(device), inode: ino_t(inode)) == process)
    }

    @Test func aFileInUseNamesItsUser() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = try directory.write("", to: "x.lmdb")
        let held = try DatabaseFile(scheme: "lmdb", path: path)
        let error = #expect(throws: StoreError.self) { _ = try DatabaseFile(scheme: "lmdb", path: path) }
        #expect(error == StoreError(.inUse, "lmdb://\(path): already in use by this process"))
        let isInPlace = held.isInPlace
        #expect(isInPlace)
    }
}
