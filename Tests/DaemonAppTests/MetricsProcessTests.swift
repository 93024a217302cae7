import Foundation
import TestSupport
import Testing

@testable import DaemonApp

@Suite("What the kernel says of the process")
struct MetricsProcessTests {
    @Test("Of the one that runs: some memory, and at least its standard streams")
    func ours() throws {
        let figures = ProcessFigures(startedAt: 5)
        #expect(figures.startTime == 5)
        #expect(try #require(figures.residentBytes) > 1 << 20)
        #expect(try #require(figures.openDescriptors) >= 3)
    }

    @Test("Resident pages count in bytes, and the descriptor that reads the others doesn't count")
    func figures() throws {
        try withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: "\(directory)/fd", withIntermediateDirectories: true)
            for number in 0..<5 { try Data().write(to: URL(filePath: "\(directory)/fd/\(number)")) }
            try Data("30000 1200 800 3 0 4000 0\n".utf8).write(to: URL(filePath: "\(directory)/statm"))
            let figures = ProcessFigures(startedAt: 5, from: directory)
            #expect(figures.residentBytes == 1_200 * Int(sysconf(Int32(_SC_PAGESIZE))))
            #expect(figures.openDescriptors == 4)
        }
    }

    @Test("Without /proc, as in a chroot, nothing is known")
    func chroot() {
        let figures = ProcessFigures(startedAt: 5, from: "/nowhere")
        #expect(figures.startTime == 5 && figures.residentBytes == nil && figures.openDescriptors == nil)
    }

    @Test("What isn't a number isn't known", arguments: ["", "12", "12 x", "-\n"])
    func malformed(_ text: String) throws {
        try withTemporaryDirectory { directory in
            try Data(text.utf8).write(to: URL(filePath: "\(directory)/statm"))
            #expect(ProcessFigures(startedAt: 5, from: directory).residentBytes == nil)
        }
    }
}
