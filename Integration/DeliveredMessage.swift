import Foundation

/// The header of a message as it arrived in the mailbox.
struct DeliveredMessage {
    private let fields: [(name: String, value: String)]

    init(_ text: String) {
        var fields: [(name: String, value: String)] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(while: { !$0.isEmpty }) {
            if let first = line.first, first == " " || first == "\t", let last = fields.popLast() {
                fields.append((last.name, last.value + " " + line.trimmingCharacters(in: .whitespaces)))
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                fields.append((line[..<colon].lowercased(), value))
            }
        }
        self.fields = fields
    }

    /// The values of all fields of this name.
    func values(of name: String) -> [String] {
        fields.filter { $0.name == name.lowercased() }.map(\.value)
    }
}
