/// Prometheus' own checks, by the program `promtool`.
public enum Promtool {
    /// What it finds wrong with metrics in text format; empty where that is nothing.
    public static func complaints(about metrics: [UInt8]) async throws -> String {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let file = try directory.write(String(decoding: metrics, as: UTF8.self), to: "metrics")
        return try await complaints(of: ["/bin/sh", "-c", "exec promtool check metrics <\"$0\"", file])
    }

    /// What it finds wrong with a file of rules.
    public static func complaints(aboutRules file: String) async throws -> String {
        try await complaints(of: ["promtool", "check", "rules", file], expecting: "SUCCESS")
    }

    /// What of a file of tests for rules fails.
    public static func failures(ofRuleTests file: String) async throws -> String {
        try await complaints(of: ["promtool", "test", "rules", file], expecting: "SUCCESS")
    }

    /// What a command prints; nothing where it exits with 0 and prints what is expected.
    private static func complaints(of command: [String], expecting word: String = "") async throws -> String {
        let result = try await CommandResult(of: command)
        let text = result.errors + result.output
        guard result.ending == .exited(0) else { return "\(result.ending): \(text)" }
        return word.isEmpty || !text.contains(word) ? text : ""
    }
}
