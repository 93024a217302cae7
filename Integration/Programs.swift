import Foundation
import TestSupport

/// The path of a program of ours: what the variable says, else that beside the test program.
func program(_ name: String, orIn variable: String) throws -> String {
    if let path = ProcessInfo.processInfo.environment[variable] {
        guard access(path, X_OK) == 0 else { throw TestError.system("\(variable)=\(path)") }
        return path
    }
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let path = tests.appendingPathComponent(name).path
    if access(path, X_OK) == 0 {
        return path
    }
    throw TestError("no \(name) in \(tests.path): build it, or say where it is by \(variable)")
}

/// The path of a script in the directory `packaging`.
func packaging(_ script: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../packaging/\(script)").standardized.path
}

/// The directory that both our programs lie in.
func programDirectory() throws -> String {
    let (daemon, tool) = (try program("tprtd", orIn: "TPRTD_BINARY"), try program("tprtctl", orIn: "TPRTCTL_BINARY"))
    let directory = URL(filePath: daemon).deletingLastPathComponent().path
    guard URL(filePath: tool).deletingLastPathComponent().path == directory else {
        throw TestError("\(daemon) and \(tool) lie in different directories")
    }
    return directory
}

/// Runs a command as root: as it is when the tests run as root, else by sudo without a password.
@discardableResult
func runAsRoot(_ command: [String], within limit: TimeInterval = patience) throws -> String {
    if geteuid() == 0 {
        return try run(command, within: limit)
    }
    do {
        try run(["sudo", "-n", "true"])
    } catch {
        throw TestError(
            "a private Postfix needs root: run these tests as root, or allow sudo without a password (sudo -n)"
        )
    }
    return try run(["sudo", "-n"] + command, within: limit)
}
