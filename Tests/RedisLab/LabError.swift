import Foundation

/// Something in the surroundings of a test went wrong; the text says what.
public struct LabError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String

    /// An error with this text.
    public init(_ description: String) {
        self.description = description
    }

    /// The failure of a system call, with the text that belongs to `code`.
    static func system(_ call: String, _ code: Int32 = errno) -> LabError {
        LabError("\(call): \(String(cString: strerror(code)))")
    }
}
