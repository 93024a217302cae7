import Foundation

/// The path of a script in the folder `packaging`.
func packaging(_ script: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../packaging/\(script)").standardized.path
}

/// The folder that both our programs lie in.
func programFolder() throws -> String {
    let (daemon, tool) = (try program("tprtd", orIn: "TPRTD_BINARY"), try program("tprtctl", orIn: "TPRTCTL_BINARY"))
    let folder = URL(filePath: daemon).deletingLastPathComponent().path
    guard URL(filePath: tool).deletingLastPathComponent().path == folder else {
        throw HarnessError("\(daemon) and \(tool) lie in different folders")
    }
    return folder
}
