import NIOConcurrencyHelpers
import Storage

/// A source of no entries that fails some times before it answers.
final class AbsentSource: EntrySource {
    private let counts = NIOLockedValueBox(0)
    private let faults: Int
    private let code: StoreError.Code

    init(faults: Int, code: StoreError.Code) {
        self.faults = faults
        self.code = code
    }

    var asked: Int { counts.withLockedValue { $0 } }

    func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        let number = counts.withLockedValue { count in
            count += 1
            return count
        }
        if number <= faults { throw StoreError(code, "away") }
        return ScannedSlice(entries: [], next: nil)
    }

    func count(_ table: Table) async throws(StoreError) -> Int? { 0 }

    func close() async {}
}
