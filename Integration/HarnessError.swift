import Foundation

/// Something in the surroundings of a test went wrong; the text says what, and what to do where that is known.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// The failure of a system call, with the text that belongs to `code`.
    static func system(_ call: String, _ code: Int32 = errno) -> HarnessError {
        HarnessError("\(call): \(String(cString: strerror(code)))")
    }
}

/// Writes a line for whoever looks at the test run.
func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
