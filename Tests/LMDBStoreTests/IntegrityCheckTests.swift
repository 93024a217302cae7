import Foundation
import Glibc
import TestSupport
import Testing

@testable import LMDBStore

struct IntegrityCheckTests {
    @Test func onlyDamageThatWasSeenCounts() {
        for signal in [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP] {
            #expect(!IntegrityCheck.isPassed(signal))
            #expect(!IntegrityCheck.isPassed(signal | 0x80), "with a core file")
        }
        for signal in [SIGALRM, SIGKILL, SIGSYS, SIGTERM] { #expect(IntegrityCheck.isPassed(signal)) }
        #expect(IntegrityCheck.isPassed(0 << 8))
        #expect(!IntegrityCheck.isPassed(1 << 8))
        #expect(!IntegrityCheck.isPassed(66 << 8), "a sanitizer's report")
    }

    @Test func whatCannotBeReadIsNotDamaged() throws {
        let directory = try TemporaryDirectory()
        func scan(_ name: String) -> FileScan.Finding {
            var scan = FileScan(path: directory.file(name), size: 4096)
            scan.limit = 0
            return scan.finds(parent: getppid())
        }
        #expect(scan("missing") == .none)
        #expect(scan("") == .none)
        try Data("text".utf8).write(to: URL(filePath: directory.file("text")))
        #expect(scan("text") == .damage)
    }

    static let lists: [([UInt], Bool)] = [
        ([0], true), ([0, 0, 0], true), ([3, 9, 5, 2], true), ([2, 9, 5, 2], true), ([], false), ([1], false),
        ([UInt.max, 9], false), ([2, 5, 9], false), ([2, 5, 5], false), ([1, 10], false), ([2, 9, 1], false),
    ]

    @Test(arguments: lists)
    func aListOfFreePagesIsKnown(_ words: [UInt], _ isOne: Bool) {
        #expect(words.withUnsafeBytes { FreePages.isOne($0, pages: 10) } == isOne)
    }

    /// As where a lock of the run-time library was held at the fork: here it waits for somebody to write to a FIFO.
    @Test func aScanThatIsStuckIsGivenUp() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        var scan = FileScan(path: path, size: 1 << 20)
        (scan.isThorough, scan.patience) = (true, 1)
        let begin = ContinuousClock.now
        // Nothing that was seen says that it is damaged.
        #expect(IntegrityCheck.passes(scan, leaving: nil))
        #expect(ContinuousClock.now - begin < .seconds(60))
    }
}
