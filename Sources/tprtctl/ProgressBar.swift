import Glibc

/// Shows on a terminal how far the work has come; silent anywhere else.
struct ProgressBar {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var drawn: ContinuousClock.Instant?

    /// How often it is drawn at most.
    private static let interval = Duration.milliseconds(200)

    mutating func show(_ line: @autoclosure () -> ProgressLine) {
        guard isTerminal else { return }
        if let drawn, ContinuousClock.now - drawn < Self.interval { return }
        drawn = .now
        // The last column stays free: some terminals go to the next line with it.
        Self.wipe(andSay: line().text(columns: Self.columns - 1))
    }

    /// Takes it away, for the line that comes next.
    static func wipe() {
        if isatty(STDERR_FILENO) == 1 { wipe(andSay: "") }
    }

    private static func wipe(andSay text: String) {
        let bytes = Array("\r\u{1b}[K\(text)".utf8)
        write(STDERR_FILENO, bytes, bytes.count)
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
