import Foundation
import TestSupport

/// What the system shows of a process, ours or not.
struct RunningProcess {
    let id: pid_t

    /// A line of its status, or of that of one of its threads: what follows `name:`, as words.
    func status(_ name: String, thread: pid_t? = nil) throws -> [String] {
        let path = thread.map { "/proc/\(id)/task/\($0)/status" } ?? "/proc/\(id)/status"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") }) else {
            throw TestError("\(path): no \(name)")
        }
        return line.dropFirst(name.count + 1).split { $0 == "\t" || $0 == " " }.map(String.init)
    }

    /// All its threads.
    func threads() throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task").compactMap { pid_t($0) }
    }

    /// Where one of its links leads: `root`, `cwd`.
    func link(_ name: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/\(name)")
    }

    /// Its open descriptors, and what each is.
    func descriptors() throws -> [Int32: String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                guard let number = Int32(name), let target = try? link("fd/\(name)") else { return nil }
                return (number, target)
            })
    }

    /// The processes that it made.
    func children() throws -> [RunningProcess] {
        let text = try String(contentsOfFile: "/proc/\(id)/task/\(id)/children", encoding: .utf8)
        return text.split(separator: " ").compactMap { pid_t($0) }.map { RunningProcess(id: $0) }
    }

    /// Whether it has ended; somebody else may still have to wait for it.
    var hasEnded: Bool {
        guard let state = try? status("State").first else { return true }
        return state == "Z" || state == "X"
    }

    /// Waits until it has ended.
    func waitForEnd() throws {
        try eventually("process \(id) to end") { hasEnded ? () : nil }
    }
}

/// What the system shows of a process that a test started.
extension ChildProcess {
    /// Whether a signal has some effect of the program's own by now: it catches or ignores it.
    func minds(_ signal: Int32) throws -> Bool {
        try mask("SigCgt", holds: signal) || mask("SigIgn", holds: signal)
    }

    /// Whether it has a handler for a signal by now.
    func catches(_ signal: Int32) throws -> Bool {
        try mask("SigCgt", holds: signal)
    }

    /// Whether it holds a signal back.
    func blocks(_ signal: Int32) throws -> Bool {
        try mask("SigBlk", holds: signal)
    }

    private func mask(_ name: String, holds signal: Int32) throws -> Bool {
        let words = try RunningProcess(id: id).status(name)
        guard let mask = words.first.flatMap({ UInt64($0, radix: 16) }) else {
            throw TestError("/proc/\(id)/status: \(name) \(words)")
        }
        return mask >> (signal - 1) & 1 == 1
    }

    /// Seconds of processor time it has used.
    func processorTime() throws -> TimeInterval {
        let text = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        // After the name, which is in brackets and may hold anything: state is field 3, user time 14, system time 15.
        guard let bracket = text.lastIndex(of: ")") else { throw TestError("/proc/\(id)/stat: \(text)") }
        let fields = text[bracket...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw TestError("/proc/\(id)/stat: \(text)")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Gives a file or directory to a user.
func give(_ path: String, to user: (uid: uid_t, gid: gid_t)) throws {
    guard chown(path, user.uid, user.gid) == 0 else { throw TestError.system("chown \(path)") }
}

/// The number of a user, and that of its group.
func account(_ name: String) throws -> (uid: uid_t, gid: gid_t) {
    guard let entry = getpwnam(name) else { throw TestError("no user \(name)") }
    return (entry.pointee.pw_uid, entry.pointee.pw_gid)
}
