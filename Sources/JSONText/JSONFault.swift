/// Why a text is not JSON, and where.
package struct JSONFault: Error, Equatable {
    /// The line, counted from 1.
    package var line: Int
    /// The character in that line, counted from 1.
    package var column: Int
    /// What is wrong there.
    package var complaint: String
    /// What would be right, if that can be said.
    package var remedy: String?

    /// A fault there.
    package init(line: Int, column: Int, complaint: String, remedy: String? = nil) {
        self.line = line
        self.column = column
        self.complaint = complaint
        self.remedy = remedy
    }

    /// The complaint with its column; the line belongs to the name of the file.
    package var sentence: String { "not JSON: \(complaint) at column \(column)" }
}
