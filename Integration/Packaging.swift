import Foundation

/// The path of a script in the directory `packaging`.
func packaging(_ script: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../packaging/\(script)").standardized.path
}

/// The directory that both our programs lie in.
func programDirectory() throws -> String {
    let (daemon, tool) = (try program("tprtd", orIn: "TPRTD_BINARY"), try program("tprtctl", orIn: "TPRTCTL_BINARY"))
    let directory = URL(filePath: daemon).deletingLastPathComponent().path
    guard URL(filePath: tool).deletingLastPathComponent().path == directory else {
        throw HarnessError("\(daemon) and \(tool) lie in different directories")
    }
    return directory
}
