import Testing

@testable import Control

@Suite("Orders to import")
struct ImportMessagesTests {
    @Test("an order is read as it was written")
    func order() throws {
        for lines in [[], ["31 0 1 2"], ["a\"b\\", "\u{7f}"]] {
            let order = ImportOrder(site: "ipv4_mask 24", table: "greylist", lines: lines)
            let line = order.request.line.utf8.dropLast()
            #expect(ImportOrder(try ControlRequest(line: line)) == order)
        }
        #expect(ImportOrder(ControlRequest("import", arguments: ["a"])) == nil)
        #expect(ImportOrder(ControlRequest("reload", arguments: ["a", "b"])) == nil)
    }

    @Test("an order that keeps to its room fits into a request")
    func room() {
        for length in [0, 1, 90, 2_000] {
            let line = String(repeating: "a", count: length)
            let count = ImportOrder.room / ImportOrder.size(of: line)
            let order = ImportOrder(
                site: String(repeating: "s", count: 3_000), table: "auto-whitelist",
                lines: Array(repeating: line, count: count))
            #expect(order.request.line.utf8.count <= ControlRequest.sizeLimit)
        }
    }

    @Test("a receipt says how many were new, where that is known")
    func receipt() {
        for receipt in [ImportReceipt(new: nil), ImportReceipt(new: 0), ImportReceipt(new: 4_000)] {
            #expect(ImportReceipt(receipt.reply) == receipt)
        }
        #expect(ImportReceipt(ControlReply(messages: ["merged, new: x"])) == nil)
        #expect(ImportReceipt(ControlReply(messages: ["whitelists reloaded"])) == nil)
        #expect(ImportReceipt(ControlReply(status: 69, messages: ["merged"])) == nil)
        #expect(ImportReceipt(ControlReply()) == nil)
    }
}
