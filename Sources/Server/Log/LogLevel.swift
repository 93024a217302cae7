/// How much is logged, in the numbers of the settings.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case none = 0
    case warnings = 1
    /// Warnings and decisions.
    case info = 2
    /// Everything that was answered, also what is no decision, and each step of it.
    case debug = 3

    /// Whether the left one logs less.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}
