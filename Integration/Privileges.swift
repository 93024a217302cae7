import Foundation

/// Runs a command as root: as it is when the tests run as root, else by sudo without a password.
@discardableResult
func runAsRoot(_ command: [String], within limit: TimeInterval = patience) throws -> String {
    if geteuid() == 0 {
        return try run(command, within: limit)
    }
    do {
        try run(["sudo", "-n", "true"])
    } catch {
        throw HarnessError(
            "a private Postfix needs root: run these tests as root, or allow sudo without a password (sudo -n)"
        )
    }
    return try run(["sudo", "-n"] + command, within: limit)
}
