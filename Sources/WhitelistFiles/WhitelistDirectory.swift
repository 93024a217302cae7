import Glibc

/// A directory of whitelist files, and the vendor's directory whose files of the same name it masks.
///
/// Files are read in the order of their names: `NAME.json`, `NAME.clients` and `NAME.recipients` (postgrey's forms). All
/// others, such as those that editors and packages leave behind, are none. An empty file masks a vendor's one, too.
struct WhitelistDirectory: Hashable {
    let path: String
    let vendor: String?

    private static let forms: [(suffix: String, form: WhitelistDocument.Form)] = [
        (".json", .json), (".clients", .postgreyClients), (".recipients", .postgreyRecipients),
    ]

    /// The files that count, in their order; the vendor's directory may be missing.
    func documents(through access: FileAccess) throws(FileReadError) -> [WhitelistDocument] {
        var found: [String: WhitelistDocument] = [:]
        if let vendor { add(try names(in: vendor, mayBeMissing: true, access), of: vendor, to: &found) }
        add(try names(in: path, access), of: path, to: &found)
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    private func add(_ names: [String], of directory: String, to found: inout [String: WhitelistDocument]) {
        for name in names where !name.hasPrefix(".") {
            guard let form = Self.forms.first(where: { name.hasSuffix($0.suffix) })?.form else { continue }
            found[name] = WhitelistDocument(form, path: "\(directory)/\(name)")
        }
    }

    private func names(
        in directory: String, mayBeMissing: Bool = false, _ access: FileAccess
    ) throws(FileReadError) -> [String] {
        do throws(FileAccess.SystemError) {
            return try access.names(directory)
        } catch {
            switch error.code {
            case ENOENT where mayBeMissing: return []
            case ENOENT: throw FileReadError("directory does not exist")
            case ENOTDIR: throw FileReadError("it is not a directory")
            case let code: throw FileReadError(code: code)
            }
        }
    }
}
