/// Why a whole source can't be read.
public struct ImportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Code: Sendable, Equatable {
        /// It is something else than it was said to be.
        case otherFormat
        /// The columns of a table are others.
        case otherColumns
        /// The database is of a version that can't be read.
        case otherVersion
        /// It ends too early, or is damaged.
        case incomplete
        /// Another program has locked it.
        case locked
        /// A program that is needed isn't installed, or failed.
        case tool
        /// The system doesn't let it be read.
        case unreadable
    }

    /// What kind of fault it is.
    public let code: Code
    /// The sentence, which begins with the file and, where there is one, the line.
    public let description: String

    /// A fault of a file, or of a line of it.
    init(_ code: Code, _ file: String, line: Int? = nil, _ message: String) {
        self.code = code
        description = "\(shown(file))\(line.map { ":\($0)" } ?? ""): \(message)"
    }
}

/// A text as messages have it: on one line, printable, and not too long.
func shown(_ text: String) -> String {
    let limit = 200
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: shown.append("?")
        default: shown.append(scalar)
        }
    }
    return String(shown) + (text.unicodeScalars.count > limit ? "..." : "")
}

/// Bytes as messages have them.
func shown(_ bytes: Span<UInt8>) -> String {
    var copy: [UInt8] = []
    for index in 0..<min(bytes.count, 80) { copy.append(bytes[index]) }
    return "\"" + shown(String(decoding: copy, as: UTF8.self)) + "\"" + (bytes.count > 80 ? "..." : "")
}
