import Foundation
import Greylist
import Storage
import StoreContract
import TestSupport
import Testing

@testable import GDBMStore

struct UncleanEndTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    @Test func theMarkerIsThereWhileTheStoreIsOpen() async throws {
        let store = try stage.open()
        #expect(Set(stage.directory.names) == ["grey", "grey-open"])
        await store.close()
        #expect(stage.directory.names == ["grey"])
    }

    @Test func aFileThatWasNotClosedProperlyIsRewritten() async throws {
        let first = try stage.open()
        try await stage.fill(first, 0..<3_000)
        await first.close()
        try Data().write(to: URL(filePath: stage.path + "-open"))
        try Data("left over".utf8).write(to: URL(filePath: stage.path + "-rebuild"))
        let second = try stage.open()
        #expect(
            stage.reports.all == [
                "gdbm://\(stage.path): was not closed properly; rewritten with its 3000 entries"
            ])
        #expect(try await stage.known(to: second, 0..<3_000) == 3_000)
        await second.close()
        #expect(stage.directory.names == ["grey"])
        await (try stage.open()).close()
        #expect(stage.reports.all.count == 1)
    }

    @Test func damageThatWasNotMetIsFoundAfterAnUncleanEnd() async throws {
        let first = try stage.open()
        try await stage.fill(first, 0..<3_000)
        await first.close()
        let bytes = try stage.contents
        try stage.write(bytes.prefix(bytes.count - bytes.count / 10))
        try Data().write(to: URL(filePath: stage.path + "-open"))
        let second = try stage.open()
        #expect(stage.directory.names.contains("grey.corrupt-7"))
        #expect(stage.reports.all.count == 1)
        let kept = try await stage.known(to: second, 0..<3_000)
        #expect((1_000..<3_000).contains(kept))
        await second.close()
    }

    /// Everything that was answered is there after a kill at any moment.
    @Test(arguments: [1, 2, 5, 20, 50, 100])
    func aProcessThatIsKilledLosesNothing(_ batches: Int) async throws {
        let (path, answers) = (stage.path, stage.directory.file("answers"))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, answers = answers as String, batches] in
            let store = try GDBMStore(path: path, holding: .greylist, at: Timestamp(seconds: 7), report: { _ in })
            let log = open(answers, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            for batch in 0... {
                let numbers = batch * 20..<batch * 20 + 20
                let queries = numbers.map { StoreContract.query(Stage.key($0), isHashed: false, at: 1_000) }
                _ = try await store.answer(queries)
                write(log, "\(numbers.upperBound)\n", "\(numbers.upperBound)\n".utf8.count)
                // In the midst of the next batches.
                if batch + 1 == batches { Thread.detachNewThread { kill(getpid(), SIGKILL) } }
            }
        }
        let lines = try String(contentsOfFile: answers, encoding: .utf8).split(separator: "\n")
        let answered = try #require(lines.last.flatMap { Int($0) })
        let store = try stage.open()
        #expect(try await stage.known(to: store, 0..<answered) == answered)
        #expect(stage.reports.all.count == 1)
        await store.close()
    }
}
