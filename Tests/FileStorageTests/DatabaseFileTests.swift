import FileStorage
import Foundation
import Storage
import TestSupport
import Testing

struct DatabaseFileTests {
    let directory: TemporaryDirectory
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("x.db")
    }

    @Test func aFileThatIsQuarantinedBeforeItIsLockedIsOpenedAgain() throws {
        var turns = 0
        let file = try DatabaseFile(scheme: "x", path: path) {
            turns += 1
            if turns == 1 {
                rename(path, path + ".aside")
                _ = FileManager.default.createFile(atPath: path, contents: Data())
            }
        }
        #expect(turns == 2)
        let error = #expect(throws: StoreError.self) { _ = try DatabaseFile(scheme: "x", path: path) }
        #expect(error?.code == .inUse)
        #expect(file.size == 0)
    }

    @Test func aFileThatIsReplacedForeverIsGivenUp() throws {
        var turns = 0
        let error = #expect(throws: StoreError.self) {
            _ = try DatabaseFile(scheme: "x", path: path) {
                turns += 1
                rename(path, path + ".aside")
            }
        }
        #expect(error?.code == .inUse)
        #expect(turns < 100)
    }
}
