import FoundationEssentials
import Greylist
import WhitelistFiles

/// A whitelist file that was read from a text.
func whitelist(_ text: String) throws -> WhitelistFile {
    try WhitelistFile(text: text, path: "/wl.json")
}

/// An entry as the tests write it down: its pattern, and its place.
func described(_ entry: Whitelist.Entry) -> String {
    let pattern =
        switch entry.pattern {
        case .client(let network): "client \(network)"
        case .recipient(let literal): "recipient \(name(of: literal))"
        case .sender(let literal): "sender \(name(of: literal))"
        }
    return "\(entry.place) \(pattern)"
}

private func name(of literal: AddressLiteral) -> String {
    let known = ["user@test.example", "user", "@test.example", "é@test.example"]
    return known.first { AddressLiteral($0) == literal } ?? "of another name"
}

/// Gives a new folder to a test, and removes it afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "whitelists-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
}

/// Puts a text into a file in place of what it had.
func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}

/// Removes a file.
func remove(_ path: String) throws {
    try FileManager.default.removeItem(atPath: path)
}
