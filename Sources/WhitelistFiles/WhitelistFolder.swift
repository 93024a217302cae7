import Glibc

/// A folder of whitelist files, and the vendor's folder whose files of the same name it masks.
///
/// Files are read in the order of their names: `NAME.json`, `NAME.clients` and `NAME.recipients` (postgrey's forms). All
/// others, such as those that editors and packages leave behind, are none. An empty file masks a vendor's one, too.
struct WhitelistFolder: Hashable {
    let path: String
    let vendor: String?

    private static let forms: [(suffix: String, form: WhitelistDocument.Form)] = [
        (".json", .json), (".clients", .postgreyClients), (".recipients", .postgreyRecipients),
    ]

    /// The files that count, in their order; the vendor's folder may be missing.
    func documents(through access: FileAccess) throws(FileFault) -> [WhitelistDocument] {
        var found: [String: WhitelistDocument] = [:]
        if let vendor { add(try names(in: vendor, mayBeMissing: true, access), of: vendor, to: &found) }
        add(try names(in: path, access), of: path, to: &found)
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    private func add(_ names: [String], of folder: String, to found: inout [String: WhitelistDocument]) {
        for name in names where !name.hasPrefix(".") {
            guard let form = Self.forms.first(where: { name.hasSuffix($0.suffix) })?.form else { continue }
            found[name] = WhitelistDocument(form, path: "\(folder)/\(name)")
        }
    }

    private func names(
        in folder: String, mayBeMissing: Bool = false, _ access: FileAccess
    ) throws(FileFault) -> [String] {
        do throws(FileAccess.Fault) {
            return try access.names(folder)
        } catch {
            switch error.code {
            case ENOENT where mayBeMissing: return []
            case ENOENT: throw FileFault("there is no such folder")
            case ENOTDIR: throw FileFault("it is no folder")
            case let code: throw FileFault(code: code)
            }
        }
    }
}
