import WhitelistFiles

/// Which files the process in a chroot may reach through the one outside; nothing else is served.
struct FilePermit: Equatable, Sendable {
    /// Files to read.
    var files: Set<String> = []
    /// Folders to list, with the files in them to read.
    var folders: Set<String> = []
    /// Files to add to: logs.
    var logs: Set<String> = []
    /// Sockets of log daemons to connect to.
    var sockets: Set<String> = []
    /// Files to remove.
    var removable: Set<String> = []

    /// Whether a file may be read.
    func allowsReading(_ path: String) -> Bool {
        if files.contains(path) { return true }
        guard let slash = path.lastIndex(of: "/") else { return false }
        let name = path[path.index(after: slash)...]
        return folders.contains(String(path[..<slash])) && !name.isEmpty && name != "." && name != ".."
    }
}

extension FilePermit {
    /// What either of them permits.
    func and(_ other: FilePermit) -> FilePermit {
        FilePermit(
            files: files.union(other.files), folders: folders.union(other.folders), logs: logs.union(other.logs),
            sockets: sockets.union(other.sockets), removable: removable.union(other.removable))
    }

    /// What whitelists are read from.
    init(_ sources: WhitelistSources) {
        let locations = sources.locations
        files = Set(locations.files)
        folders = Set(locations.directories)
        // It is read for lists that come from files.
        if !files.isEmpty || !folders.isEmpty { files.insert(WhitelistSources.suffixList) }
    }
}
